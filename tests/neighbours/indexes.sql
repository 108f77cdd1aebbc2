-- Tables and indexes of pgvector: every access method and class, COPY, options. What psql prints of this file, errors and plans
-- included, is the same with pgvector alone as beside our extensions.
SET enable_seqscan = off;
CREATE TABLE items (id integer, v vector(3), h halfvec(3), s sparsevec(3), b bit(3));
INSERT INTO items SELECT n, ARRAY[n, n % 3, -n]::vector, ARRAY[n, n % 3, -n]::halfvec, ARRAY[n % 2, 0, n]::sparsevec, (n % 8)::bit(3)
FROM generate_series(1, 20) AS n;
INSERT INTO items VALUES (21), (22, '[0,0,0]', '[0,0,0]', '{}/3', '000');

-- btree
CREATE INDEX items_v ON items (v);
CREATE UNIQUE INDEX items_h ON items (h, id);
CREATE INDEX items_s ON items USING btree (s);
SELECT id FROM items WHERE v = '[5,2,-5]';
SELECT id FROM items WHERE h > '[18,0,-18]' ORDER BY h DESC;
SELECT id FROM items WHERE s = '{1:1,3:7}/3';
EXPLAIN (COSTS OFF) SELECT id FROM items WHERE v = '[5,2,-5]';
DROP INDEX items_v, items_h, items_s;

-- COPY, in both formats
\copy items TO pstdout WITH (FORMAT csv)
CREATE TABLE copies (LIKE items);
COPY items TO PROGRAM 'cat > neighbours_copy.bin' WITH (FORMAT binary);
COPY copies FROM PROGRAM 'cat neighbours_copy.bin' WITH (FORMAT binary);
SELECT count(*) FROM items JOIN copies USING (id) WHERE (items.*) IS NOT DISTINCT FROM (copies.*);
DROP TABLE copies;

-- hnsw
CREATE INDEX ON items USING hnsw (v vector_l2_ops);
CREATE INDEX ON items USING hnsw (v vector_ip_ops);
CREATE INDEX ON items USING hnsw (v vector_cosine_ops);
CREATE INDEX ON items USING hnsw (v vector_l1_ops);
CREATE INDEX ON items USING hnsw (h halfvec_l2_ops);
CREATE INDEX ON items USING hnsw (h halfvec_ip_ops);
CREATE INDEX ON items USING hnsw (h halfvec_cosine_ops);
CREATE INDEX ON items USING hnsw (h halfvec_l1_ops);
CREATE INDEX ON items USING hnsw (s sparsevec_l2_ops);
CREATE INDEX ON items USING hnsw (s sparsevec_ip_ops);
CREATE INDEX ON items USING hnsw (s sparsevec_cosine_ops);
CREATE INDEX ON items USING hnsw (s sparsevec_l1_ops);
CREATE INDEX ON items USING hnsw (b bit_hamming_ops);
CREATE INDEX ON items USING hnsw (b bit_jaccard_ops) WITH (m = 8, ef_construction = 40);
INSERT INTO items VALUES (23, '[4,4,4]', '[4,4,4]', '{1:4,2:4,3:4}/3', '110');
SELECT id FROM items ORDER BY v <-> '[4,4,4]' LIMIT 1;
SELECT id FROM items ORDER BY v <#> '[4,4,-40]' LIMIT 1;
SELECT id FROM items ORDER BY v <=> '[4,4,4]' LIMIT 1;
SELECT id FROM items ORDER BY v <+> '[4,4,4]' LIMIT 1;
SELECT id FROM items ORDER BY h <-> '[4,4,4]' LIMIT 1;
SELECT id FROM items ORDER BY s <=> '{1:1,2:1,3:1}/3' LIMIT 1;
SELECT count(*) FROM (SELECT FROM items ORDER BY v <-> (SELECT NULL::vector)) AS t;
SELECT count(*) FROM (SELECT FROM items ORDER BY v <=> '[0,0,0]') AS t;
SELECT b FROM items ORDER BY b <~> '110' LIMIT 1;
SELECT b FROM items ORDER BY b <%> B'110' LIMIT 1;
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY v <-> '[4,4,4]' LIMIT 1;
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY h <=> '[4,4,4]' LIMIT 1;
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY h <=> '[4,4,4]'::vector LIMIT 1;
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY h <-> (SELECT v FROM items WHERE id = 3) LIMIT 1;
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY h <#> '[4,4,4]'::vector LIMIT 1;
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY h <+> '[4,4,4]'::vector LIMIT 1;
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY s <+> '[4,4,4]'::vector LIMIT 1;
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY b <~> '110' LIMIT 1;
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY '110' <%> b LIMIT 1;
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY b <~> '110'::varbit LIMIT 1;
PREPARE nearest AS SELECT id FROM items ORDER BY v <=> $1 LIMIT 1;
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE nearest('[4,4,4]');
EXECUTE nearest('[4,4,4]');
PREPARE nearest_half(vector) AS SELECT id FROM items ORDER BY h <=> $1 LIMIT 1;
EXPLAIN (COSTS OFF) EXECUTE nearest_half('[4,4,4]');
EXECUTE nearest_half('[4,4,4]');
PREPARE nearest_bits AS SELECT b FROM items ORDER BY b <~> $1 LIMIT 1;
EXPLAIN (COSTS OFF) EXECUTE nearest_bits('110');
EXECUTE nearest_bits('110');
RESET plan_cache_mode;
SELECT a.id, b.id FROM items AS a, LATERAL (SELECT id FROM items ORDER BY v <-> a.v LIMIT 1) AS b WHERE a.id IN (3, 23) ORDER BY 1;
SET hnsw.ef_search = 5;
SET hnsw.iterative_scan = strict_order;
SELECT count(*) FROM (SELECT id FROM items WHERE id > 2 ORDER BY v <-> '[4,4,4]' LIMIT 12) AS t;
SET hnsw.iterative_scan = relaxed_order;
SELECT count(*) FROM (SELECT id FROM items WHERE id > 2 ORDER BY v <-> '[4,4,4]' LIMIT 12) AS t;
RESET hnsw.iterative_scan;
RESET hnsw.ef_search;
SET hnsw.ef_search = 0;
SET hnsw.iterative_scan = sometimes;
SHOW hnsw.max_scan_tuples;
TRUNCATE items;
SELECT id FROM items ORDER BY v <-> '[4,4,4]';
DROP TABLE items;

-- Indexes on expressions, and on what can't be indexed
CREATE TABLE items (id integer, v vector, b varbit(3), wide vector(2500), bits bit(70000));
CREATE INDEX ON items USING hnsw (v vector_l2_ops);
CREATE INDEX ON items USING hnsw (b bit_hamming_ops);
CREATE INDEX ON items USING hnsw ((b::bit(3)) bit_hamming_ops);
CREATE INDEX ON items USING hnsw (wide vector_l2_ops);
CREATE INDEX ON items USING hnsw (bits bit_hamming_ops);
CREATE INDEX ON items USING hnsw ((wide::halfvec(2500)) halfvec_l2_ops);
CREATE INDEX ON items USING hnsw ((v::vector(4)) vector_cosine_ops) WHERE id < 10;
CREATE INDEX ON items USING hnsw ((binary_quantize(v)::bit(4)) bit_hamming_ops);
CREATE INDEX ON items USING hnsw ((subvector(v, 1, 2)::vector(2)) vector_l2_ops);
CREATE INDEX ON items USING hnsw ((v::vector(4)) vector_l2_ops) WITH (m = 1);
CREATE INDEX ON items USING hnsw ((v::vector(4)) vector_l2_ops) WITH (ef_construction = 2000);
CREATE INDEX ON items USING hnsw ((v::vector(4)));
INSERT INTO items SELECT n, ARRAY[n, -n, 1, 0]::vector, (n % 8)::bit(3) FROM generate_series(1, 9) AS n;
EXPLAIN (COSTS OFF) SELECT id FROM items WHERE id < 10 ORDER BY v::vector(4) <=> '[4,-4,1,0]' LIMIT 1;
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY binary_quantize(v)::bit(4) <~> binary_quantize('[4,-4,1,0]'::vector) LIMIT 1;
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY binary_quantize(v)::bit(4) <~> '1010' LIMIT 1;
SELECT id FROM items ORDER BY b::bit(3) <~> '111' LIMIT 1;
DROP TABLE items;

-- ivfflat
CREATE TABLE items (id integer, v vector(3), h halfvec(3), b bit(3));
INSERT INTO items SELECT n, ARRAY[n, n % 3, -n]::vector, ARRAY[n, n % 3, -n]::halfvec, (n % 8)::bit(3) FROM generate_series(1, 20) AS n;
CREATE INDEX ON items USING ivfflat (v) WITH (lists = 2);
CREATE INDEX ON items USING ivfflat (v vector_ip_ops) WITH (lists = 2);
CREATE INDEX ON items USING ivfflat (v vector_cosine_ops) WITH (lists = 2);
CREATE INDEX ON items USING ivfflat (h halfvec_l2_ops) WITH (lists = 2);
CREATE INDEX ON items USING ivfflat (h halfvec_ip_ops) WITH (lists = 2);
CREATE INDEX ON items USING ivfflat (h halfvec_cosine_ops) WITH (lists = 2);
CREATE INDEX ON items USING ivfflat (b bit_hamming_ops) WITH (lists = 2);
CREATE INDEX ON items USING ivfflat (v) WITH (lists = 0);
SET ivfflat.probes = 2;
SELECT id FROM items ORDER BY v <-> '[4.2,1,-4.2]' LIMIT 2;
SELECT id FROM items ORDER BY v <#> '[4,1,-4]' LIMIT 2;
SELECT id FROM items ORDER BY h <-> '[4.2,1,-4.2]' LIMIT 2;
SELECT b FROM items ORDER BY b <~> '110' LIMIT 1;
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY v <-> '[4.2,1,-4.2]' LIMIT 2;
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY h <#> '[4,1,-4]'::vector LIMIT 2;
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY b <~> '110' LIMIT 1;
SET ivfflat.iterative_scan = relaxed_order;
SET ivfflat.max_probes = 2;
SELECT count(*) FROM (SELECT FROM items ORDER BY v <-> '[4,1,-4]') AS t;
SET ivfflat.probes = 0;
SET ivfflat.iterative_scan = strict_order;
VACUUM items;
REINDEX TABLE items;
DROP TABLE items;

-- Unlogged and temporary tables, partitions, generated columns
CREATE UNLOGGED TABLE items (v vector(2));
CREATE INDEX ON items USING hnsw (v vector_l2_ops);
INSERT INTO items VALUES ('[1,2]'), ('[3,4]');
SELECT * FROM items ORDER BY v <-> '[3,3]';
DROP TABLE items;
CREATE TEMP TABLE items (v vector(2), h halfvec(2) GENERATED ALWAYS AS (v::halfvec(2)) STORED, b bit(2) GENERATED ALWAYS AS (binary_quantize(v)::bit(2)) STORED, d float8 GENERATED ALWAYS AS (v <-> '[0,0]') STORED);
CREATE INDEX ON items USING hnsw (h halfvec_l2_ops);
INSERT INTO items VALUES ('[3,-4]'), ('[6,8]');
SELECT * FROM items ORDER BY h <-> '[3,3]';
DROP TABLE items;
CREATE TABLE items (id integer, v vector(2)) PARTITION BY RANGE (id);
CREATE TABLE items_1 PARTITION OF items FOR VALUES FROM (0) TO (10);
CREATE TABLE items_2 PARTITION OF items FOR VALUES FROM (10) TO (20);
CREATE INDEX ON items USING hnsw (v vector_l2_ops);
INSERT INTO items SELECT n, ARRAY[n, n]::vector FROM generate_series(1, 19) AS n;
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY v <-> '[9.4,9.4]' LIMIT 3;
SELECT id FROM items ORDER BY v <-> '[9.4,9.4]' LIMIT 3;
DROP TABLE items;
