-- Views, materialized views, CTEs, subqueries and set-returning calls over codes.
CREATE TABLE docs (id int, title text, embedding real[]);
INSERT INTO docs SELECT n, 'doc ' || n, ARRAY[sin(n), cos(n), sin(n * n)] FROM generate_series(1, 30) AS n;
CREATE VIEW codes AS SELECT id, title, embedding, quantize_binary(embedding) AS b, quantize_int8(embedding, '{{-1,-1,-1},{1,1,1}}') AS i FROM docs;
SELECT pg_get_viewdef('codes'::regclass) LIKE '%quantize_binary(%embedding)%' AS readable;
SELECT column_name, udt_name FROM information_schema.columns WHERE table_name = 'codes' ORDER BY ordinal_position;
SELECT id, b FROM codes ORDER BY i <#> scale_query('{0.1,0.2,0.3}', '{{-1,-1,-1},{1,1,1}}'), id LIMIT 3;
CREATE VIEW nearest AS SELECT id, embedding <=> '{1,0,0}'::real[] AS distance, embedding <=> ARRAY[1, 0, 0]::float8[] AS as_float8, b <~> '100' AS hamming FROM codes;
SELECT pg_get_viewdef('nearest'::regclass) LIKE '%embedding <=> ''{1,0,0}''::real[])%' AS readable;
SELECT id, distance::numeric(5, 4), distance = as_float8 AS same, hamming FROM nearest ORDER BY distance LIMIT 3;
CREATE MATERIALIZED VIEW stored AS SELECT id, b, i, quantize_embeddings(embedding, 'binary') AS q FROM codes;
CREATE UNIQUE INDEX ON stored (id);
INSERT INTO docs VALUES (31, 'new', '{1,1,1}');
REFRESH MATERIALIZED VIEW CONCURRENTLY stored;
SELECT * FROM stored WHERE id = 31;
-- Hamming first, floats after.
WITH candidates AS MATERIALIZED (SELECT id, embedding FROM codes ORDER BY b <~> quantize_binary('{0.5,-0.5,0.7}'), id LIMIT 8)
SELECT id FROM candidates ORDER BY embedding <=> '{0.5,-0.5,0.7}'::real[] LIMIT 3;
SELECT q.n, d.id FROM (VALUES (1, '{1,0,0}'::real[]), (2, '{0,1,0}')) AS q(n, v), LATERAL (SELECT id FROM codes ORDER BY i <=> q.v, id LIMIT 2) AS d ORDER BY 1, 2;
SELECT (SELECT calibrate_ranges(embedding) FROM docs) = (SELECT merge_ranges(ARRAY[embedding, embedding]) FROM docs) AS same;
-- In composite values, arrays, json and hstore-like texts.
SELECT ROW(b, i)::text, to_jsonb(b), json_build_object('i', i), ARRAY[b, b] FROM codes WHERE id = 1;
SELECT (c).b FROM (SELECT c FROM codes AS c WHERE id = 2) AS t;
SELECT array_agg(b ORDER BY b) AS codes, string_agg(i::text, ';' ORDER BY id) AS texts, mode() WITHIN GROUP (ORDER BY b) FROM codes WHERE id < 5;
SELECT min(id) FROM codes GROUP BY b HAVING count(*) > 5;
SELECT lag(b) OVER (ORDER BY id) <~> b AS changed_bits FROM codes WHERE id < 5 ORDER BY id;
