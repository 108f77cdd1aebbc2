-- Equality, order and hash of each type.
SELECT '01'::binvec = '01', '01'::binvec <> '010', '0'::binvec < '00', '01'::binvec < '1', '1'::binvec > '0111', '1'::binvec >= '1';
SELECT '[-1]'::int8vec < '[0]', '[-128]'::int8vec < '[127]', '[1]'::int8vec < '[1,-128]', '[1,2]'::int8vec <= '[1,2]';
SELECT '[128]'::uint8vec > '[127]', '[1]'::uint8vec < '[1,0]', '[2]'::uint8vec > '[1,255]';
SELECT 'float32[9]'::quantized < 'int8[-9]', 'float32[-1]'::quantized < 'float32[-0.5]', 'int8[1]'::quantized <> 'uint8[1]',
    'binary[01]'::quantized <> 'ubinary[01]';
SELECT v FROM unnest('{100,1,0,10,01,11,00,000000001,1}'::binvec[]) AS v ORDER BY v;
SELECT v FROM unnest(ARRAY['[2]', '[-3,5]', '[-3]', '[127]', '[-128,0]']::int8vec[]) AS v ORDER BY v DESC;
SELECT quantize.binvec_cmp('01', '01'), quantize.int8vec_cmp('[1]', '[2]'), quantize.uint8vec_cmp('[3]', '[2]'), quantize.quantized_cmp('int8[1]', 'int8[1]');
-- Equal values hash alike, wherever they are stored.
SELECT quantize.binvec_hash('0101') = quantize.binvec_hash(b'0101'::binvec), quantize.int8vec_hash('[1,2]') = quantize.int8vec_hash('\x0102'::bytea::int8vec),
    quantize.binvec_hash('0101', 42) = quantize.binvec_hash('\x50'::bytea::binvec(4), 42);
CREATE TABLE v (id int, b binvec, i int8vec, u uint8vec, q quantized);
INSERT INTO v SELECT n, (n % 5)::bit(3)::binvec, ARRAY[n % 5 - 2]::int8vec, ARRAY[n % 5]::uint8vec,
    quantize_embeddings(ARRAY[n % 5 - 2, 1], 'float32') FROM generate_series(1, 100) AS n;
INSERT INTO v (id) VALUES (0), (101);

-- DISTINCT, GROUP BY, joins and set operations, by sorting and by hashing.
SET enable_hashagg = off;
SELECT DISTINCT b FROM v ORDER BY b;
SELECT i, count(*) FROM v GROUP BY i ORDER BY i;
SELECT q, count(*) FROM v GROUP BY q ORDER BY q;
RESET enable_hashagg;
SET enable_sort = off;
SELECT count(*) FROM (SELECT DISTINCT u FROM v) AS d;
SELECT count(*) FROM (SELECT q, count(*) FROM v GROUP BY q) AS g;
RESET enable_sort;
SELECT count(DISTINCT b), count(DISTINCT i), count(DISTINCT u), count(DISTINCT q) FROM v;
SET enable_mergejoin = off; SET enable_nestloop = off;
SELECT count(*) FROM v AS x JOIN v AS y ON x.b = y.b AND x.i = y.i;
RESET enable_mergejoin; RESET enable_nestloop;
SET enable_hashjoin = off; SET enable_nestloop = off;
SELECT count(*) FROM v AS x JOIN v AS y ON x.u = y.u AND x.q = y.q;
RESET enable_hashjoin; RESET enable_nestloop;
SELECT b FROM v WHERE b IN ('000', '001') INTERSECT SELECT '001'::binvec;
SELECT count(*) FROM (SELECT b FROM v UNION SELECT b'111'::binvec) AS u;
SELECT min(id), b FROM v WHERE b > ANY ('{011,111}'::binvec[]) GROUP BY b;
SELECT b IS NOT DISTINCT FROM NULL, i IS DISTINCT FROM '[1]' FROM v WHERE id = 0;
-- Of different dimensions: unequal, not an error.
SELECT '01'::binvec = '010'::binvec, '[1]'::int8vec = '[1,1]'::int8vec;
SELECT ROW('01'::binvec, 1) = ROW('01'::binvec, 1), ROW('01'::binvec, 1) < ROW('1'::binvec, 0);
