-- semantic_search against statements that find the same the long way.
-- Embeddings of 16 dimensions from md5, so that every version has the same.
CREATE FUNCTION embed(seed text) RETURNS real[] IMMUTABLE LANGUAGE sql AS $$
    SELECT array_agg((('x' || substr(md5(seed || ':' || j), 1, 6))::bit(24)::integer / 8388608.0 - 1)::real ORDER BY j)
    FROM generate_series(1, 16) j
$$;
CREATE TABLE docs (id integer PRIMARY KEY, title text, lang text, embedding real[]);
INSERT INTO docs SELECT i, 'title ' || i, CASE WHEN i % 3 = 0 THEN 'de' ELSE 'en' END, normalize_embeddings(embed(i::text))
FROM generate_series(1, 300) i;
CREATE TABLE calibration AS SELECT calibrate_ranges(embedding) AS ranges FROM docs;

-- Before there is any code: the floats.
SELECT (doc).id, (doc).title, round(score::numeric, 4) AS score FROM semantic_search(NULL::docs, embed('q'), 3);
SELECT id, title, round((1 - (embedding <=> embed('q')))::numeric, 4) AS score FROM docs
ORDER BY embedding <=> embed('q') LIMIT 3;

-- The same call afterwards.
ALTER TABLE docs ADD embedding_bin binvec(16);
UPDATE docs SET embedding_bin = quantize_binary(embedding);
SELECT (doc).id, (doc).title, round(score::numeric, 4) AS score
FROM semantic_search(NULL::docs, embed('q'), 3, quantized => 'embedding_bin', rescore_multiplier => 10);

-- One stage at a time, against the hand-written statements.
WITH found AS (
    SELECT row_number() OVER () AS n, (doc).id, score FROM semantic_search(NULL::docs, embed('q'), quantized => 'embedding_bin',
        rescore_multiplier => 2)
), written AS (
    SELECT row_number() OVER (ORDER BY embedding <=> embed('q')) AS n, id, 1 - (embedding <=> embed('q')) AS score
    FROM (SELECT * FROM docs ORDER BY embedding_bin <#> embed('q') LIMIT 20) c
)
SELECT count(*), bool_and(found.score = written.score) AS same FROM found JOIN written USING (n) WHERE written.n <= 10;

-- A multiplier that is not whole: 1.1 × 10 are 11 candidates, not 12.
SELECT substring(semantic_search_sql(NULL::docs, quantized => 'embedding_bin', rescore_multiplier => 1.1) FROM 'LIMIT (1.)\n\) AS nearest') AS candidates;

-- With all rows as candidates every column, metric, form and cascade finds what an exact search of the floats finds.
ALTER TABLE docs ADD embedding_int8 int8vec(16), ADD embedding_uint8 uint8vec(16);
UPDATE docs SET embedding_int8 = quantize_int8(embedding, ranges), embedding_uint8 = quantize_uint8(embedding, ranges)
FROM calibration;
SELECT code, refine, metric, exact, count(*) AS rows,
    bool_and(s.score = CASE metric WHEN 'ip' THEN inner_product((doc).embedding, embed('q'))
        WHEN 'l2' THEN -l2_distance((doc).embedding, embed('q'))
        ELSE 1 - cosine_distance((doc).embedding, embed('q')) END) AS score_is_right,
    array_agg((doc).id ORDER BY s.score DESC) = (SELECT array_agg(id) FROM (
        SELECT id FROM docs ORDER BY CASE metric WHEN 'ip' THEN -inner_product(embedding, embed('q'))
            WHEN 'l2' THEN l2_distance(embedding, embed('q')) ELSE cosine_distance(embedding, embed('q')) END
        LIMIT 10) truth) AS ids_are_right
FROM (VALUES ('embedding_bin'), ('embedding_int8'), ('embedding_uint8')) c(code)
CROSS JOIN (VALUES ('cosine'), ('ip'), ('l2'), ('hamming')) m(metric)
CROSS JOIN (VALUES (NULL), ('embedding_int8')) r(refine)
CROSS JOIN (VALUES (false), (true)) e(exact)
CROSS JOIN calibration
CROSS JOIN LATERAL semantic_search(NULL::docs, embed('q'), 10, quantized => code::name, refine => r.refine::name,
    rescore_multiplier => 30, exact => e.exact, metric => m.metric, ranges => calibration.ranges) s
WHERE (metric <> 'hamming' OR code = 'embedding_bin') AND code IS DISTINCT FROM refine
    AND NOT (refine IS NOT NULL AND code <> 'embedding_bin')
GROUP BY code, refine, metric, exact ORDER BY code, refine NULLS FIRST, metric, exact;

-- Without rescoring: the score is that of what the codes stand for, and of Hamming the negative distance.
SELECT code, metric, count(*) AS rows, bool_and(s.score = CASE WHEN metric = 'hamming'
        THEN -hamming_distance((doc).embedding_bin, quantize_binary(embed('q')))
        ELSE CASE metric WHEN 'ip' THEN inner_product(x, embed('q')) WHEN 'l2' THEN -l2_distance(x, embed('q'))
            ELSE 1 - cosine_distance(x, embed('q')) END END) AS score_is_right,
    bool_and(s.score >= CASE WHEN metric = 'ip' THEN 0 WHEN metric = 'cosine' THEN 0 ELSE -100 END) AS near
FROM (VALUES ('embedding_bin'), ('embedding_int8'), ('embedding_uint8')) c(code)
CROSS JOIN (VALUES ('cosine'), ('ip'), ('l2'), ('hamming')) m(metric)
CROSS JOIN calibration
CROSS JOIN LATERAL semantic_search(NULL::docs, embed('q'), 7, quantized => code::name, rescore => false, metric => m.metric,
    ranges => calibration.ranges) s
CROSS JOIN LATERAL (SELECT CASE code WHEN 'embedding_bin' THEN dequantize_embeddings((doc).embedding_bin)
    WHEN 'embedding_int8' THEN dequantize_embeddings((doc).embedding_int8, calibration.ranges)
    ELSE dequantize_embeddings((doc).embedding_uint8, calibration.ranges) END) d(x)
WHERE metric <> 'hamming' OR code = 'embedding_bin'
GROUP BY code, metric ORDER BY code, metric;

-- The refining stage hands at most 2 × top_k rows to the floats; without rescoring it scores.
SELECT regexp_matches(semantic_search_sql(NULL::docs, quantized => 'embedding_bin', refine => 'embedding_int8',
    rescore_multiplier => 10, ranges => (SELECT ranges FROM calibration)), 'LIMIT (\d+)', 'g') AS limits;
SELECT regexp_matches(semantic_search_sql(NULL::docs, quantized => 'embedding_bin', refine => 'embedding_int8',
    rescore_multiplier => 10, rescore => false, ranges => (SELECT ranges FROM calibration)), 'LIMIT (\d+)', 'g') AS limits;

-- Embeddings of any length: cosine over int8 codes is that of the dequantized embedding, whatever the norms.
CREATE TABLE long AS SELECT i AS id, embedding, quantize_int8(embedding, ranges) AS code, ranges
FROM (SELECT i, ARRAY(SELECT x * (1 + i % 7) FROM unnest(embed(i::text)) x)::real[] AS embedding FROM generate_series(1, 200) i) e
CROSS JOIN (SELECT ARRAY[array_fill(-8::real, '{16}'), array_fill(8::real, '{16}')] AS ranges) r;
SELECT bool_and(abs(found.score - written.score) < 1e-12) AS same FROM (
    SELECT row_number() OVER () AS n, score FROM semantic_search(NULL::long, embed('q'), 5, rescore => false,
        ranges => ARRAY[array_fill(-8::real, '{16}'), array_fill(8::real, '{16}')])) found
JOIN (
    SELECT row_number() OVER (ORDER BY d) AS n, 1 - d AS score
    FROM (SELECT dequantize_embeddings(code, ranges) <=> embed('q') AS d FROM long) l) written USING (n);

-- A batch: every query its own rows.
SELECT query_no, array_agg((doc).id) AS ids,
    array_agg((doc).id) = (SELECT array_agg(id) FROM (SELECT (doc).id FROM semantic_search(NULL::docs,
        embed(CASE query_no WHEN 0 THEN 'a' WHEN 1 THEN 'b' ELSE 'c' END), 4, quantized => 'embedding_bin') s) one) AS as_alone
FROM semantic_search(NULL::docs, ARRAY[embed('a'), embed('b'), embed('c')], 4, quantized => 'embedding_bin')
GROUP BY query_no ORDER BY query_no;
SELECT query_no, count(*) FROM semantic_search(NULL::docs, ARRAY[embed('a')], 4, quantized => 'embedding_bin') GROUP BY 1;
-- An array whose subscripts do not begin with 1.
SELECT array_agg(DISTINCT query_no) FROM semantic_search(NULL::docs, ('[5:5][0:15]=' || ARRAY[embed('a')]::text)::real[], 4,
    quantized => 'embedding_bin');

-- A filter is a condition on the table's columns, which may be qualified by its name; a comment in it ends with it.
SELECT array_agg(DISTINCT (doc).lang) AS langs, count(*)
FROM semantic_search(NULL::docs, embed('q'), 5, quantized => 'embedding_bin', filter => 'docs.lang = ''de'' AND id > 100 -- late');
SELECT count(*) AS all_of_them FROM semantic_search(NULL::docs, embed('q'), 1000, quantized => 'embedding_bin',
    filter => 'lang = ''de'' OR lang = ''en''');
SELECT count(*) AS none FROM semantic_search(NULL::docs, embed('q'), quantized => 'embedding_bin', filter => 'false');

-- top_k of 0, more than there are, no rows, a null query, a null code, a null embedding.
SELECT count(*) FROM semantic_search(NULL::docs, embed('q'), 0, quantized => 'embedding_bin');
SELECT count(*) FROM semantic_search(NULL::docs, embed('q'), 1000, quantized => 'embedding_bin', rescore_multiplier => 1e9);
SELECT count(*) FROM semantic_search(NULL::docs, NULL, quantized => 'embedding_bin');
CREATE TABLE empty (LIKE docs);
SELECT count(*) FROM semantic_search(NULL::empty, embed('q'), quantized => 'embedding_bin');
UPDATE docs SET embedding_bin = NULL WHERE id <= 100;
UPDATE docs SET embedding = NULL WHERE id > 290;
SELECT count(*), min((doc).id), max((doc).id) FROM semantic_search(NULL::docs, embed('q'), 1000, quantized => 'embedding_bin');
SELECT count(*), min((doc).id), max((doc).id)
FROM semantic_search(NULL::docs, embed('q'), 1000, quantized => 'embedding_bin', rescore => false);
-- A zero vector has no direction: it is not found.
UPDATE docs SET embedding = array_fill(0::real, '{16}') WHERE id = 200;
SELECT (doc).id, score FROM semantic_search(NULL::docs, embed('q'), 1000, quantized => 'embedding_bin')
OFFSET 188;

-- The whole row arrives, toasted values too.
UPDATE docs SET title = (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 2000) i) WHERE id = 150;
SELECT count(*) AS whole FROM semantic_search(NULL::docs, embed('q'), 1000, quantized => 'embedding_bin') s
JOIN docs d ON d.id = (doc).id WHERE d IS NOT DISTINCT FROM doc;

-- In a lateral join, in PL/pgSQL, in a prepared statement.
SELECT q.name, (doc).id, round(score::numeric, 4) AS score
FROM (VALUES ('a', embed('a')), ('none', NULL), ('b', embed('b'))) q(name, embedding)
CROSS JOIN LATERAL semantic_search(NULL::docs, q.embedding, 2, quantized => 'embedding_bin') s ORDER BY 1, 3 DESC;
PREPARE search(real[]) AS SELECT (doc).id FROM semantic_search(NULL::docs, $1, 2, quantized => 'embedding_bin');
EXECUTE search(embed('a'));
EXECUTE search(embed('b'));

-- What it runs, and how: the scan is parallel where Postgres would scan in parallel.
SELECT replace(semantic_search_sql(NULL::docs, ARRAY[0.5]::real[] || (embed('q'))[2:16], 5, quantized => 'embedding_bin',
    exact => true, filter => 'id > 7'), array_to_string((embed('q'))[2:16], ','), '…') AS statement \gset
\echo :statement
-- Without a query it is a statement to prepare.
SELECT semantic_search_sql(NULL::docs, top_k => 5, quantized => 'embedding_bin') AS statement \gset
PREPARE prepared(real[]) AS :statement;
CREATE TABLE found AS EXECUTE prepared(embed('q'));
SELECT array_agg((found.doc).id) = array_agg((s.doc).id) AS same, bool_and(found.score = s.score) AS same_score
FROM (SELECT *, row_number() OVER () AS n FROM found) found
JOIN (SELECT *, row_number() OVER () AS n FROM semantic_search(NULL::docs, embed('q'), 5, quantized => 'embedding_bin')) s USING (n);
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
CREATE FUNCTION plan(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || statement;
END
$$;
SELECT semantic_search_sql(NULL::docs, embed('q'), 5, quantized => 'embedding_bin', exact => true) AS statement \gset
SELECT bool_or(plan ~ 'Gather') AS gathered, bool_or(plan ~ 'Parallel Seq Scan on docs') AS parallel FROM plan(:'statement');
-- Workers run it from inside the function too.
SET parallel_leader_participation = off;
CREATE FUNCTION scanning_pid() RETURNS integer PARALLEL SAFE LANGUAGE plpgsql AS 'BEGIN RETURN pg_backend_pid(); END';
CREATE VIEW scanned AS SELECT *, scanning_pid() AS pid FROM docs;
SELECT count(*), bool_and((doc).pid <> pg_backend_pid()) AS by_workers
FROM semantic_search(NULL::scanned, embed('q'), 5, quantized => 'embedding_bin', exact => true);
