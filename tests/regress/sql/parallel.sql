-- Everything is parallel safe, and aggregates are computed in parts by workers.
SELECT proname, proparallel, provolatile FROM pg_proc AS p JOIN pg_depend AS d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass
    JOIN pg_extension AS x ON x.oid = d.refobjid AND x.extname = 'pg_quantize' AND d.refclassid = 'pg_extension'::regclass
WHERE proname ~ '^(quantize_(embeddings|binary|int8|uint8)|dequantize|scale_query|truncate|normalize|calibrate_|merge_ranges|clipping|.*_distance$|.*inner_product$|binvec|u?int8vec)'
    -- What reads a table is another matter.
    AND NOT 'regclass'::regtype = ANY (proargtypes) AND (proparallel <> 's' OR provolatile <> 'i');
CREATE TABLE e WITH (parallel_workers = 2) AS SELECT n AS id, n % 4 AS g, ARRAY[sin(n), cos(n * 2), n % 100, 0.5]::real[] AS embedding, quantize_binary(ARRAY[sin(n), cos(n), sin(n * 3)]::real[]) AS b
FROM generate_series(1, 20000) AS n;
INSERT INTO e (id) SELECT -n FROM generate_series(1, 100) AS n;
ANALYZE e;
CREATE FUNCTION all_of() RETURNS TABLE (r real[], q real[], t real[], m real[], c jsonb) LANGUAGE sql AS $$
    SELECT calibrate_ranges(embedding), calibrate_ranges(embedding, 0.95), calibrate_thresholds(embedding), merge_ranges(ARRAY[embedding, embedding]) FILTER (WHERE id > 0),
        clipping_report(embedding, '{{-0.5,-1,5,0},{0.5,1,90,0.4}}') FROM e $$;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT * FROM all_of();
SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT calibrate_ranges(embedding) FROM e;
EXPLAIN (COSTS OFF) SELECT calibrate_ranges(embedding, 0.95), calibrate_thresholds(embedding), merge_ranges(ARRAY[embedding, embedding]) FILTER (WHERE id > 0), clipping_report(embedding, '{{-0.5,-1,5,0},{0.5,1,90,0.4}}') FROM e;
CREATE TABLE parts AS SELECT calibrate_ranges(embedding) AS r, calibrate_ranges(embedding, 0.95) AS q, calibrate_thresholds(embedding) AS t, merge_ranges(ARRAY[embedding, embedding]) FILTER (WHERE id > 0) AS m,
    clipping_report(embedding, '{{-0.5,-1,5,0},{0.5,1,90,0.4}}') AS c FROM e;
-- Ranges, quantiles and reports do not depend on who saw which row; a mean may, in its last bit.
SELECT serial.r = parts.r AS ranges, serial.q = parts.q AS quantiles, serial.m = parts.m AS merged, serial.c = parts.c AS report, l2_distance(serial.t, parts.t) < 1e-6 AS thresholds FROM serial, parts;
-- In groups.
SELECT g, calibrate_ranges(embedding) FROM e WHERE id > 0 GROUP BY g ORDER BY g;
-- A sequential scan with a distance, shared by workers: the same rows.
EXPLAIN (COSTS OFF) SELECT id FROM e ORDER BY b <#> '{1,-0.5,0.25}'::real[], id LIMIT 5;
SELECT id FROM e ORDER BY b <#> '{1,-0.5,0.25}'::real[], id LIMIT 5;
SELECT sum(b <~> '010') AS hamming, sum(vector_dims(quantize_int8(embedding, '{{-1,-1,0,0},{1,1,99,1}}'))) AS dims FROM e;
SET max_parallel_workers_per_gather = 0;
SELECT id FROM e ORDER BY b <#> '{1,-0.5,0.25}'::real[], id LIMIT 5;
SELECT sum(b <~> '010') AS hamming, sum(vector_dims(quantize_int8(embedding, '{{-1,-1,0,0},{1,1,99,1}}'))) AS dims FROM e;
