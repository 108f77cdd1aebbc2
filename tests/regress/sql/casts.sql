-- Casts, and where each applies by itself: i(mplicit), a(ssignment), e(xplicit).
SELECT castsource::regtype, casttarget::regtype, castcontext FROM pg_cast
WHERE castsource::regtype::text IN ('binvec', 'int8vec', 'uint8vec', 'quantized')
   OR casttarget::regtype::text IN ('binvec', 'int8vec', 'uint8vec', 'quantized')
ORDER BY castsource::regtype::text, casttarget::regtype::text;

-- bit and varbit: the same bits.
SELECT b'0101101'::binvec, '0101101'::binvec::bit(7), '01'::bit varying::binvec, '0101'::binvec::bit varying;
SELECT hamming_distance(b'0101', '0110'::binvec) AS bit_is_implicit, '0110'::binvec <~> b'0101' AS right_side;
SELECT ''::bit varying::binvec;
SELECT b'010'::binvec(4);
-- To another length as from bit: cut or filled by an explicit cast.
SELECT '0111'::binvec::bit(2), '01'::binvec::bit(4);
-- Wide ones survive the round trip.
SELECT repeat('1011', 4000)::binvec::bit varying::binvec = repeat('1011', 4000)::binvec AS same;

-- bytea: numpy's packbits and tobytes().
SELECT '10000000 1'::text, '\x8080'::bytea::binvec, '\x8080'::bytea::binvec(9), '100000001'::binvec::bytea;
SELECT '\xff00'::bytea::binvec(3);
SELECT '\xff'::bytea::binvec(3);
SELECT ''::bytea::binvec;
SELECT '\x807f00ff'::bytea::int8vec, '\x807f00ff'::bytea::uint8vec;
SELECT '[-128,127,0,-1]'::int8vec::bytea, '[128,127,0,255]'::uint8vec::bytea;
SELECT ''::bytea::int8vec;
SELECT '\x01'::bytea::uint8vec(2);
SELECT decode(repeat('00', 65536), 'hex')::int8vec;
SELECT decode(repeat('00', 8192), 'hex')::binvec;
SELECT vector_dims(decode(repeat('00', 8192), 'hex')::binvec(65535));

-- Integer arrays.
SELECT '{-128,127}'::smallint[]::int8vec, '{-128,127}'::int[]::int8vec, '{0,255}'::smallint[]::uint8vec, '{0,255}'::int[]::uint8vec;
SELECT '[-1,2]'::int8vec::smallint[], '[-1,2]'::int8vec::int[], '[1,255]'::uint8vec::smallint[], '[1,255]'::uint8vec::int[];
SELECT '[7:8]={1,2}'::int[]::int8vec AS lower_bound_is_ignored;
SELECT '{128}'::int[]::int8vec;
SELECT '{1,-1}'::smallint[]::uint8vec;
SELECT '{1,70000}'::int[]::uint8vec;
SELECT '{}'::int[]::int8vec;
SELECT '{1,NULL}'::int[]::int8vec;
SELECT '{{1,2},{3,4}}'::smallint[]::uint8vec;
SELECT '{1,2}'::int[]::int8vec(3);

-- quantized: implicit to the type of its precision, and only to that.
SELECT 'int8[1,-2]'::quantized::int8vec, 'uint8[1,2]'::quantized::uint8vec, 'binary[01]'::quantized::binvec,
    'ubinary[01]'::quantized::binvec;
SELECT 'int8[1,2]'::quantized::uint8vec;
SELECT 'float32[1,2]'::quantized::int8vec;
SELECT 'int8[1,2]'::quantized::binvec;
SELECT 'int8[1,2]'::quantized::int8vec(3);
SELECT '[1,-2]'::int8vec::quantized, '[1,2]'::uint8vec::quantized, '01'::binvec::quantized;
SELECT 'float32[0.5,-1]'::quantized::real[], 'int8[-128,1]'::quantized::real[], 'uint8[0,255]'::quantized::real[],
    'binary[01]'::quantized::real[];
-- The bytes of the numpy array that sentence-transformers returns: binary is ubinary less 128.
SELECT 'float32[1]'::quantized::bytea, 'int8[-1]'::quantized::bytea, 'ubinary[10000001]'::quantized::bytea,
    'binary[10000001]'::quantized::bytea;

-- On assignment: bytes from a client, arrays, bits.
CREATE TABLE target (b binvec(9), i int8vec(2), u uint8vec(2), f real[]);
INSERT INTO target (b) VALUES ('\x8080'::bytea), (b'100000001'), ('100000001'::bit varying), ('ubinary[100000001]'::quantized);
INSERT INTO target (i, u) VALUES ('\xff01'::bytea, '\xff01'::bytea), ('{-1,1}'::smallint[], '{255,1}'::int[]);
INSERT INTO target (f) VALUES ('int8[-1,1]'::quantized);
INSERT INTO target (i) VALUES ('uint8[1,1]'::quantized);
INSERT INTO target (b) VALUES ('\x80'::bytea);
SELECT * FROM target;

-- Bytes of sentence-transformers' arrays, of each precision. Those of "binary" are signed: packed bits less 128, which a bytea
-- does not tell, so that the cast to binvec would take them for packed bits.
\set e '''{1,-1,1,1,-1,1,1,-1,1,-1,1,1,-1,1,1,-1}''::real[]'
SELECT quantized_from_bytes(quantize_embeddings(:e, 'binary')::bytea, 'binary')::binvec(16) = quantize_binary(:e) AS signed_bytes,
    quantized_from_bytes(quantize_embeddings(:e, 'ubinary')::bytea, 'ubinary')::binvec(16) = quantize_binary(:e) AS unsigned_bytes,
    quantize_embeddings(:e, 'binary')::binvec(16) = quantize_binary(:e) AS directly;
SELECT p, bool_and(quantized_from_bytes(q::bytea, p, vector_dims(q)) = q) AS back
FROM unnest('{float32,int8,uint8,binary,ubinary}'::text[]) p, generate_series(1, 40) d
CROSS JOIN LATERAL (SELECT array_agg(sin(d * i)::real ORDER BY i) FROM generate_series(1, d) i) s(e)
CROSS JOIN LATERAL quantize_embeddings(s.e, p, array_fill(-1::real, ARRAY[1, d]) || array_fill(1::real, ARRAY[1, d])) q
GROUP BY p ORDER BY p;
CREATE TEMPORARY TABLE read (bits binvec(11), codes int8vec(3));
INSERT INTO read SELECT quantized_from_bytes('\x2a60', 'binary', 11), quantized_from_bytes('\x80ff7f', 'int8');
SELECT * FROM read;
SELECT quantized_from_bytes(NULL, 'binary') IS NULL AS null_bytes, quantized_from_bytes('\x00', NULL) IS NULL AS null_precision;
SELECT quantized_from_bytes('\x00', 'int4');
SELECT quantized_from_bytes('\x', 'binary');
SELECT quantized_from_bytes('\x2a40', 'binary', 20);
SELECT quantized_from_bytes('\x2a41', 'binary', 11);
SELECT quantized_from_bytes('\x2a41', 'ubinary', 11);
SELECT quantized_from_bytes('\x000000', 'float32');
SELECT quantized_from_bytes('\x0000c07f', 'float32');
SELECT quantized_from_bytes('\x00', 'int8', 2);
SELECT quantized_from_bytes('\x00', 'int8', -1);
