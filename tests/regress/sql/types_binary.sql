-- The wire format: dimension (16 bits, little-endian), then packed bits or one byte a dimension; quantized has its
-- precision's tag in front. It is also the stored format, and frozen.
SELECT quantize.binvec_send('1000000001'), quantize.int8vec_send('[-128,-1,0,127]'), quantize.uint8vec_send('[0,255]');
SELECT quantize.quantized_send('float32[1,-0.5]'), quantize.quantized_send('int8[-1]'), quantize.quantized_send('uint8[255]'),
    quantize.quantized_send('binary[101]'), quantize.quantized_send('ubinary[101]');
SELECT vector_dims(repeat('1', 65535)::binvec), substr(quantize.binvec_send(repeat('1', 65535)::binvec), 1, 3);

-- On disk: header, dimension, payload; never compressed, however regular.
CREATE TABLE stored (b binvec, i int8vec, u uint8vec, q quantized);
INSERT INTO stored VALUES (repeat('0', 1024)::binvec, ('[' || repeat('0,', 1023) || '0]')::int8vec,
    ('[' || repeat('0,', 1023) || '0]')::uint8vec, ('int8[' || repeat('0,', 1023) || '0]')::quantized);
SELECT pg_column_size(b) AS binvec, pg_column_size(i) AS int8vec, pg_column_size(u) AS uint8vec, pg_column_size(q) AS quantized
FROM stored;
SELECT attname, attstorage FROM pg_attribute WHERE attrelid = 'stored'::regclass AND attnum > 0 ORDER BY attnum;

-- Out of line from 2 kB on, in one piece or many: it comes back as it was.
INSERT INTO stored SELECT repeat('01', 20000)::binvec, ('[' || repeat('-7,', 29999) || '5]')::int8vec,
    ('[' || repeat('200,', 65534) || '5]')::uint8vec, ('float32[' || repeat('0.25,', 65534) || '1]')::quantized;
SELECT vector_dims(b), vector_dims(i), vector_dims(u), vector_dims(q), b = repeat('01', 20000)::binvec AS same,
    right(i::text, 6) AS i, right(u::text, 7) AS u, right(q::text, 7) AS q, i <#> i AS product
FROM stored WHERE vector_dims(b) > 1024;
SELECT pg_column_compression(b), pg_column_compression(q) FROM stored WHERE vector_dims(b) > 1024;
