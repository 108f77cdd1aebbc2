-- btree and hash indexes on codes, on expressions, unique ones, and constraints.
CREATE TABLE docs (id int PRIMARY KEY, embedding real[], b binvec(8), i int8vec(2));
INSERT INTO docs SELECT n, ARRAY[sin(n), cos(n), sin(2 * n), cos(3 * n), sin(5 * n), cos(7 * n), sin(11 * n), cos(13 * n)], (n % 256)::bit(8), ARRAY[n % 100 - 50, n % 7]::int8vec FROM generate_series(1, 1000) AS n;
CREATE INDEX docs_b ON docs (b);
CREATE INDEX docs_b_hash ON docs USING hash (b);
CREATE INDEX docs_i ON docs (i DESC, id);
CREATE INDEX docs_expression ON docs (quantize_binary(embedding));
CREATE INDEX docs_expression_hash ON docs USING hash (quantize_embeddings(embedding, 'int8', '{{-1,-1,-1,-1,-1,-1,-1,-1},{1,1,1,1,1,1,1,1}}'));
ANALYZE docs;
SET enable_seqscan = off; SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM docs WHERE b > '11111000';
SELECT count(*), count(DISTINCT b) FROM docs WHERE b > '11111000' AND b <= '11111100';
SELECT id FROM docs WHERE i = '[-49,1]' ORDER BY id;
EXPLAIN (COSTS OFF) SELECT id FROM docs WHERE quantize_binary(embedding) = '10110101';
SELECT count(*) = (SELECT count(*) FROM docs WHERE quantize_binary(embedding)::text = '10110101') AS same FROM docs WHERE quantize_binary(embedding) = '10110101';
EXPLAIN (COSTS OFF) SELECT id FROM docs WHERE quantize_embeddings(embedding, 'int8', '{{-1,-1,-1,-1,-1,-1,-1,-1},{1,1,1,1,1,1,1,1}}') = 'int8[1,2,3,4,5,6,7,8]';
SELECT d.id FROM docs AS d WHERE quantize_embeddings(embedding, 'int8', '{{-1,-1,-1,-1,-1,-1,-1,-1},{1,1,1,1,1,1,1,1}}')
    = (SELECT quantize_embeddings(embedding, 'int8', '{{-1,-1,-1,-1,-1,-1,-1,-1},{1,1,1,1,1,1,1,1}}') FROM docs WHERE id = 77) ORDER BY id;
DROP INDEX docs_b;
EXPLAIN (COSTS OFF) SELECT id FROM docs WHERE b = '00000111';
SELECT id FROM docs WHERE b = '00000111' ORDER BY id;
RESET enable_seqscan; RESET enable_bitmapscan;
-- UNIQUE, exclusion, partial and covering indexes, foreign keys.
CREATE TABLE codes (b binvec(4) PRIMARY KEY, i int8vec UNIQUE, EXCLUDE USING hash (i WITH =));
INSERT INTO codes VALUES ('0001', '[1]'), ('0010', '[2]');
INSERT INTO codes VALUES ('0001', '[3]');
INSERT INTO codes VALUES ('0011', '[2]');
INSERT INTO codes VALUES ('0001', '[9]') ON CONFLICT (b) DO UPDATE SET i = excluded.i RETURNING *;
CREATE TABLE refers (b binvec(4) REFERENCES codes);
INSERT INTO refers VALUES ('0010');
INSERT INTO refers VALUES ('1111');
CREATE INDEX ON docs (id) INCLUDE (b) WHERE i > '[0,0]';
-- Statistics of the column serve the planner.
SELECT n_distinct, most_common_vals IS NOT NULL OR histogram_bounds IS NOT NULL AS has_values FROM pg_stats WHERE tablename = 'docs' AND attname = 'b';
-- Partitions by list, range and hash of codes.
CREATE TABLE parted (b binvec(2), id int) PARTITION BY LIST (b);
CREATE TABLE parted_0 PARTITION OF parted FOR VALUES IN ('00', '01');
CREATE TABLE parted_1 PARTITION OF parted DEFAULT PARTITION BY HASH (b);
CREATE TABLE parted_1_0 PARTITION OF parted_1 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parted_1_1 PARTITION OF parted_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parted SELECT (n % 4)::bit(2), n FROM generate_series(1, 8) AS n;
SELECT b, array_agg(id ORDER BY id) FROM parted GROUP BY b ORDER BY b;
EXPLAIN (COSTS OFF) SELECT id FROM parted WHERE b = '01';
-- A vector too long for a btree page is a clear error, not a corrupt index.
CREATE TABLE long (b binvec);
CREATE INDEX ON long (b);
INSERT INTO long SELECT string_agg((random() > 0.5)::int::text, '')::binvec FROM generate_series(1, 40000);
