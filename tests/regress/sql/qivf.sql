-- The index access method: which plans use it, what it refuses, what can be seen of it.
CREATE FUNCTION embedding(d int, seed int) RETURNS real[] IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$
    SELECT array_agg((sin((seed % 40 + 1) * i) + 0.6 * sin(seed * 12.9898 + i * i * 78.233))::real ORDER BY i) FROM generate_series(1, d) AS i $$;
-- A plan, without what only some versions print.
CREATE FUNCTION plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        IF line !~ 'Disabled: ' THEN RETURN NEXT line; END IF;
    END LOOP;
END $$;
CREATE TABLE docs AS SELECT n AS id, n % 500 AS tenant, embedding(24, n) AS e FROM generate_series(1, 5000) AS n;
ALTER TABLE docs ADD b binvec(24), ADD i int8vec(24);
UPDATE docs SET b = quantize_binary(e), i = quantize_int8(e, (SELECT calibrate_ranges(e) FROM docs));
VACUUM ANALYZE docs;
CREATE INDEX docs_e ON docs USING qivf (e);
CREATE INDEX docs_b ON docs USING qivf (b);
CREATE INDEX docs_i ON docs USING qivf (i int8vec_cosine_ops) WITH (lists = 20);
CREATE INDEX docs_tenant ON docs (tenant);
\d docs_i

-- ORDER BY … LIMIT uses it, for every operator of its class, from either side.
EXPLAIN (COSTS OFF) SELECT id FROM docs ORDER BY e <=> '{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24}' LIMIT 10;
EXPLAIN (COSTS OFF) SELECT id FROM docs ORDER BY '{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24}' <=> e LIMIT 1;
EXPLAIN (COSTS OFF) SELECT id FROM docs ORDER BY b <~> '010101010101010101010101' LIMIT 10;
EXPLAIN (COSTS OFF) SELECT id FROM docs ORDER BY b <#> '{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24}' LIMIT 10;
EXPLAIN (COSTS OFF) SELECT id FROM docs ORDER BY i <=> '[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24]' LIMIT 10;
PREPARE nearest(real[]) AS SELECT id FROM docs ORDER BY e <=> $1 LIMIT 5;
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE nearest(embedding(24, 1));
RESET plan_cache_mode;

-- Not without an order, whatever is disabled; not for another operator, the other direction or a bound.
SET enable_seqscan = off; SET enable_bitmapscan = off;
SELECT plan('SELECT count(e) FROM docs');
SELECT count(e) FROM docs;
SELECT bool_or(line ~ 'Index') AS uses_index FROM plan('SELECT id FROM docs WHERE e <=> array_fill(1::real, ARRAY[24]) < 0.1') AS line;
SELECT plan('SELECT id FROM docs WHERE e IS NULL');
RESET enable_seqscan; RESET enable_bitmapscan;
EXPLAIN (COSTS OFF) SELECT id FROM docs ORDER BY e <-> '{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24}' LIMIT 10;
EXPLAIN (COSTS OFF) SELECT id FROM docs ORDER BY e <=> '{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24}' DESC LIMIT 10;

-- A selective filter with an index of its own is cheaper; one that keeps much is applied to the rows in order.
EXPLAIN (COSTS OFF) SELECT id FROM docs WHERE tenant = 7 ORDER BY e <=> '{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24}' LIMIT 10;
EXPLAIN (COSTS OFF) SELECT id FROM docs WHERE tenant > 100 ORDER BY e <=> '{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24}' LIMIT 10;

-- The executor forgets the ctid of rows it reorders, so where it is needed (row locks too) only exact codes serve.
SELECT bool_or(line ~ 'Index Scan') AS uses_index FROM plan('SELECT ctid FROM docs ORDER BY e <=> embedding(24, 1) LIMIT 3') AS line;
SELECT bool_or(line ~ 'Index Scan') AS uses_index FROM plan('SELECT id FROM docs ORDER BY e <=> embedding(24, 1) LIMIT 3 FOR UPDATE') AS line;
SELECT bool_or(line ~ 'Index Scan') AS uses_index FROM plan('SELECT id FROM docs ORDER BY b <~> quantize_binary(embedding(24, 1)) LIMIT 3 FOR UPDATE') AS line;
SELECT count(*) FROM (SELECT id FROM docs ORDER BY e <=> embedding(24, 1) LIMIT 3 FOR UPDATE) AS locked;

-- Sorting a tiny table is cheaper.
CREATE TABLE tiny AS SELECT id, e FROM docs WHERE id <= 5;
CREATE INDEX tiny_e ON tiny USING qivf (e);
ANALYZE tiny;
EXPLAIN (COSTS OFF) SELECT id FROM tiny ORDER BY e <=> '{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24}' LIMIT 10;

-- Options, columns and settings out of bounds.
CREATE INDEX ON docs USING qivf (e) WITH (lists = -1);
CREATE INDEX ON docs USING qivf (e) WITH (lists = 1000001);
CREATE INDEX ON docs USING qivf (e) WITH (lists = many);
CREATE INDEX ON docs USING qivf (e) WITH (probes = 10);
CREATE INDEX ON docs USING qivf (e, b);
CREATE UNIQUE INDEX ON docs USING qivf (e);
CREATE INDEX ON docs USING qivf (e) INCLUDE (id);
CREATE INDEX ON docs USING qivf (e DESC);
CREATE INDEX ON docs USING qivf (id);
CREATE INDEX ON docs USING qivf (e binvec_hamming_ops);
SET qivf.target_recall = 0.4;
SET qivf.target_recall = 1.01;
SET qivf.max_scan_tuples = -1;

-- Dimensions that do not agree, or are too many.
INSERT INTO docs (id, e) VALUES (0, '{1,2,3}');
SELECT id FROM docs ORDER BY e <=> '{1,2,3}'::real[] LIMIT 1;
SELECT id FROM docs ORDER BY b <#> '{1,2,3}'::real[] LIMIT 1;
CREATE TABLE large (b binvec(60001), i int8vec(8001), e real[]);
CREATE INDEX ON large USING qivf (b);
CREATE INDEX ON large USING qivf (i);
CREATE INDEX ON large USING qivf (e);
INSERT INTO large (e) VALUES (array_fill(1::real, ARRAY[8001]));
INSERT INTO large (e) VALUES ('{}');
INSERT INTO large (e) VALUES ('{NaN}');
INSERT INTO large (e) VALUES ('{{1},{2}}');

-- Looking into it.
SELECT key, value FROM jsonb_each(qivf_info('docs_i')) WHERE key IN ('element', 'metric', 'dimensions', 'lists', 'flat', 'rows', 'rows_when_built', 'reindex_due') ORDER BY key;
SELECT qivf_check('docs_e');
SELECT target_recall, recall BETWEEN 0.5 AND 1 AS measured, confidence >= 0 AS has_interval, p95_us >= 0 AS has_time, queries_run FROM recall_report('docs_e', 20, 5);
SELECT qivf_info('docs');
SELECT qivf_info('docs_tenant');
SELECT qivf_check('docs_tenant');
SELECT * FROM recall_report('docs_tenant');
SELECT qivf_tune('docs_tenant', '{{1,2}}');
SELECT * FROM recall_report('docs_e', 0);
SELECT * FROM recall_report('docs_e', 10, 0);
SELECT qivf_tune('docs_e', '{{1,2,3}}');

-- Phases in pg_stat_progress_create_index.
SELECT phase, pg_indexam_progress_phasename(oid, phase) FROM pg_am, generate_series(0, 6) AS phase WHERE amname = 'qivf' ORDER BY phase;
-- Properties of the access method, its index and its column.
SELECT p, pg_indexam_has_property(oid, p) FROM pg_am, unnest(ARRAY['can_order', 'can_unique', 'can_multi_col', 'can_exclude', 'can_include']) AS p WHERE amname = 'qivf';
SELECT p, pg_index_has_property('docs_e', p) FROM unnest(ARRAY['clusterable', 'index_scan', 'bitmap_scan', 'backward_scan']) AS p;
SELECT p, pg_index_column_has_property('docs_e', 1, p) FROM unnest(ARRAY['orderable', 'distance_orderable', 'returnable', 'search_array', 'search_nulls']) AS p;
-- Operator classes are what they claim, and say so.
SELECT opcname, opcintype::regtype, opcdefault, amvalidate(c.oid) FROM pg_opclass AS c JOIN pg_am AS a ON a.oid = opcmethod WHERE amname = 'qivf' ORDER BY opcname;
CREATE OPERATOR CLASS wrong_ops FOR TYPE int4 USING qivf AS OPERATOR 1 + FOR ORDER BY integer_ops;
SELECT amvalidate(oid) FROM pg_opclass WHERE opcname = 'wrong_ops';
CREATE TABLE wrong (x int);
CREATE INDEX ON wrong USING qivf (x wrong_ops);
