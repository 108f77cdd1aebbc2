-- Scores of semantic_search: never NaN, at least min_score, by the page; right for any embeddings.
SET client_min_messages = warning;
\set SHOW_CONTEXT never
-- Embeddings of zeros, as a failed call of a model leaves them: not found by direction, and they take nobody's place.
CREATE TABLE docs (id integer PRIMARY KEY, embedding real[], bin binvec(4) GENERATED ALWAYS AS (quantize_binary(embedding)) STORED);
INSERT INTO docs SELECT i, CASE WHEN i <= 100 THEN '{0,0,0,0}' ELSE ARRAY[-1, -cos(i), -sin(i), cos(3 * i)]::real[] END
FROM generate_series(1, 120) i;
CREATE TABLE calibration AS SELECT calibrate_ranges(embedding) AS ranges FROM docs;
ALTER TABLE docs ADD int8 int8vec(4);
UPDATE docs SET int8 = quantize_int8(embedding, ranges) FROM calibration;
SELECT quantized, refine, metric, rescore, count(*), count(*) FILTER (WHERE (doc).id > 100) AS alive,
    bool_or(score = 'NaN') AS nan, count(score) AS scores
FROM (VALUES (NULL), ('bin'), ('int8')) q(quantized)
CROSS JOIN (VALUES (NULL), ('int8')) r(refine)
CROSS JOIN (VALUES ('cosine'), ('ip'), ('l2'), ('hamming')) m(metric)
CROSS JOIN (VALUES (true), (false)) o(rescore)
CROSS JOIN calibration
CROSS JOIN LATERAL semantic_search(NULL::docs, '{-1,-0.5,-0.5,-0.1}', 20, quantized => q.quantized::name,
    refine => r.refine::name, rescore => o.rescore, metric => m.metric,
    corpus_precision => CASE WHEN q.quantized IS NULL THEN 'float32' END,
    ranges => CASE WHEN q.quantized = 'int8' OR r.refine IS NOT NULL THEN ranges END) s
WHERE (refine IS NULL OR quantized = 'bin') AND (metric <> 'hamming' OR quantized = 'bin')
    AND (quantized IS NOT NULL OR rescore)
GROUP BY quantized, refine, metric, rescore ORDER BY quantized NULLS FIRST, refine NULLS FIRST, metric, rescore;
-- A query of zeros is like nothing. NaN and infinity in floats that nothing has checked are like nothing too.
SELECT count(*) FROM semantic_search(NULL::docs, '{0,0,0,0}', 20);
CREATE TABLE unchecked (id integer, embedding real[]);
INSERT INTO unchecked VALUES (1, '{1,0}'), (2, '{NaN,1}'), (3, '{Infinity,1}'), (4, '{-Infinity,1}'), (5, '{0,0}'), (6, NULL);
SELECT metric, array_agg((doc).id ORDER BY score DESC, (doc).id) AS ids, array_agg(score ORDER BY score DESC) AS scores
FROM (VALUES ('cosine'), ('ip'), ('l2')) m(metric)
CROSS JOIN LATERAL semantic_search(NULL::unchecked, '{1,1}', metric => m.metric) s GROUP BY metric ORDER BY metric;

-- The lowest score wanted, and the next page.
CREATE TABLE pages (id integer PRIMARY KEY, embedding real[], bin binvec(3) GENERATED ALWAYS AS (quantize_binary(embedding)) STORED);
INSERT INTO pages SELECT i, ARRAY[cos(i), sin(i), 0.3]::real[] FROM generate_series(1, 200) i;
CREATE TABLE best AS SELECT (doc).id, score, row_number() OVER () AS n
FROM semantic_search(NULL::pages, '{1,0.2,0.3}', 200, rescore_multiplier => 1);
SELECT least_score, count(*) = (SELECT count(*) FROM best WHERE best.score >= least_score::real) AS all_of_them,
    min(score) >= least_score::real AS none_below
FROM (VALUES (0.9), (0.5), (-1)) l(least_score)
CROSS JOIN LATERAL semantic_search(NULL::pages, '{1,0.2,0.3}', 200, min_score => l.least_score::real) s
GROUP BY least_score ORDER BY least_score;
SELECT count(*) FROM semantic_search(NULL::pages, '{1,0.2,0.3}', min_score => 1.5);
SELECT count(*) FROM semantic_search(NULL::pages, '{1,0.2,0.3}', metric => 'l2', min_score => -0.5) s WHERE score < -0.5;
SELECT page, array_agg((doc).id ORDER BY score DESC) = (SELECT array_agg(id ORDER BY n) FROM best
    WHERE n > page * 7 AND n <= page * 7 + 7) AS same
FROM generate_series(0, 2) page
CROSS JOIN LATERAL semantic_search(NULL::pages, '{1,0.2,0.3}', 7, rescore_multiplier => 20, "offset" => page * 7) s
GROUP BY page ORDER BY page;
SELECT count(*) FROM semantic_search(NULL::pages, '{1,0.2,0.3}', 7, "offset" => 198);
SELECT count(*) FROM semantic_search(NULL::pages, '{1,0.2,0.3}', 7, "offset" => 1000);
SELECT count(*) FROM semantic_search(NULL::pages, '{1,0.2,0.3}', 7, "offset" => -1);
SELECT count(*) FROM semantic_search(NULL::pages, '{1,0.2,0.3}', 7, "offset" => NULL);
SELECT count(*) FROM semantic_search(NULL::pages, '{1,0.2,0.3}', 2147483647, "offset" => 2147483647, rescore_multiplier => 1e9);
SELECT count(*) FROM semantic_search(NULL::pages, '{1,0.2,0.3}', min_score => 'NaN');
SELECT count(*) FROM semantic_search(NULL::pages, '{1,0.2,0.3}', min_score => '-Infinity');

-- Bits above learned thresholds are compared with the query less the thresholds. All values are positive here.
CREATE FUNCTION recall(relation text, metric text, operator text, scale float8, search text DEFAULT '') RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
    query real[];
    truth integer[];
    found integer[];
    hits integer := 0;
BEGIN
    FOR i IN 1..20 LOOP
        EXECUTE format('SELECT array_agg(($2 * x)::real ORDER BY n) FROM %I, unnest(e) WITH ORDINALITY u(x, n) WHERE id = $1',
            relation) INTO query USING 40 * i + i, scale;
        EXECUTE format('SELECT array_agg(id) FROM (SELECT id FROM %I ORDER BY (e %s $1) + 0 LIMIT 10) t', relation, operator)
            INTO truth USING query;
        EXECUTE format('SELECT array_agg((doc).id) FROM semantic_search(NULL::%I, $1, metric => $2%s) s', relation, search)
            INTO found USING query, metric;
        hits := hits + (SELECT count(*) FROM unnest(truth) t WHERE t = ANY (found));
    END LOOP;
    RETURN hits / 200.0;
END
$$;
CREATE FUNCTION noise(i integer, d integer) RETURNS float8 IMMUTABLE LANGUAGE sql
    RETURN ('x' || substr(md5(i || '/' || d), 1, 6))::bit(24)::integer / 8388608.0 - 1;
CREATE TABLE positive AS SELECT i AS id,
    (SELECT array_agg((0.5 + 0.1 * noise(i, d) + 0.1 * sin(d * (i % 50)))::real ORDER BY d) FROM generate_series(1, 64) d) AS e
FROM generate_series(1, 1000) i;
ALTER TABLE positive ADD PRIMARY KEY (id);
CALL quantize_column('positive', 'e', 'binary', learn_thresholds => true);
SELECT metric, recall('positive', metric, operator, scale) > 0.8 AS good,
    recall('positive', metric, operator, scale, ', exact => true') > 0.8 AS exact_good
FROM (VALUES ('cosine', '<=>', 1), ('cosine', '<=>', 1.5), ('ip', '<#>', 1.5), ('l2', '<->', 1)) m(metric, operator, scale);
SELECT bool_and(abs(score - (1 - (dequantize_embeddings((doc).e_bin) <=> center_query(q.e, thresholds)))) < 1e-9) AS same
FROM quantized_columns, positive q, semantic_search(NULL::positive, q.e, rescore => false) WHERE q.id = 7 AND table_name = 'positive';
SELECT center_query('{3,1,2}', '{1,1,0}') AS direction, center_query('{3,1,2}', '{1,1,0}', 'l2') AS position,
    center_query('{3,1,2}', '{1,1,0}', 'ip') AS inner_product;
SELECT center_query('{3,1}', '{1,1}', 'l1');
SELECT center_query('{3,1}', '{1,1,0}');
-- A statement to prepare centers the query by itself.
SELECT semantic_search_sql(NULL::positive) AS statement \gset
PREPARE prepared(real[]) AS :statement;
SELECT e AS query FROM positive WHERE id = 9 \gset
CREATE TABLE found AS EXECUTE prepared(:'query');
SELECT array_agg((found.doc).id) = (SELECT array_agg((doc).id) FROM semantic_search(NULL::positive, :'query')) AS same FROM found;

-- int8 codes of embeddings of any length, whichever come first.
CREATE TABLE lengths AS SELECT i AS id, CASE WHEN i <= 20 THEN normalize_embeddings(e) ELSE e END AS e
FROM (SELECT i, (SELECT array_agg(((noise(i % 40, d) + 0.3 * noise(i, d)) * (0.2 + 5 * (i * 7919 % 97) / 97.0))::real ORDER BY d)
    FROM generate_series(1, 48) d) AS e FROM generate_series(1, 1000) i) x;
ALTER TABLE lengths ADD PRIMARY KEY (id);
CALL quantize_column('lengths', 'e', 'int8');
SELECT metric, recall('lengths', metric, operator, 1.3) > 0.95 AS good
FROM (VALUES ('cosine', '<=>'), ('ip', '<#>'), ('l2', '<->')) m(metric, operator);
