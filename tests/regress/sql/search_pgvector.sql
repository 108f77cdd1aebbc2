-- requires: vector
-- semantic_search over columns of pgvector: their own operators in the scan, so that their indexes serve.
SET client_min_messages = warning;
CREATE FUNCTION embed(seed text) RETURNS real[] IMMUTABLE LANGUAGE sql AS $$
    SELECT array_agg((('x' || substr(md5(seed || ':' || j), 1, 6))::bit(24)::integer / 8388608.0 - 1)::real ORDER BY j)
    FROM generate_series(1, 16) j
$$;
CREATE TABLE docs (id integer PRIMARY KEY, embedding vector(16));
INSERT INTO docs SELECT i, embed(i::text)::vector FROM generate_series(1, 2000) i;
CREATE TABLE halves AS SELECT id, embedding::halfvec(16) AS embedding FROM docs;
CREATE FUNCTION plan(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || statement;
END
$$;

-- Floats only: rows and scores are those of real[].
SELECT metric, array_agg((doc).id ORDER BY score DESC) = (SELECT array_agg(id) FROM (
        SELECT id FROM docs ORDER BY CASE metric WHEN 'cosine' THEN embedding <=> embed('q')::vector
            WHEN 'ip' THEN embedding <#> embed('q')::vector ELSE embedding <-> embed('q')::vector END LIMIT 10) t) AS same,
    bool_and(score = CASE metric WHEN 'cosine' THEN 1 - ((doc).embedding::real[] <=> embed('q'))
        WHEN 'ip' THEN -((doc).embedding::real[] <#> embed('q')) ELSE -((doc).embedding::real[] <-> embed('q')) END) AS score
FROM (VALUES ('cosine'), ('ip'), ('l2')) m(metric)
CROSS JOIN LATERAL semantic_search(NULL::docs, embed('q'), metric => m.metric) s GROUP BY metric ORDER BY metric;
SELECT bool_and(score = 1 - ((doc).embedding::real[] <=> embed('q'))) AS score, count(*)
FROM semantic_search(NULL::halves, embed('q'));

-- Their indexes serve, unless an exact search is asked for.
CREATE INDEX docs_hnsw ON docs USING hnsw (embedding vector_cosine_ops);
CREATE INDEX halves_hnsw ON halves USING hnsw (embedding halfvec_cosine_ops);
SET enable_seqscan = off;
SELECT exact, (SELECT bool_or(plan ~ 'Index Scan using docs_hnsw') FROM plan(semantic_search_sql(NULL::docs, embed('q'), exact => exact))) AS docs,
    (SELECT bool_or(plan ~ 'Index Scan using halves_hnsw') FROM plan(semantic_search_sql(NULL::halves, embed('q'), exact => exact))) AS halves
FROM (VALUES (false), (true)) e(exact);
SELECT count(*) FROM semantic_search(NULL::docs, embed('q'));
RESET enable_seqscan;

-- Codes beside them.
ALTER TABLE docs ADD embedding_bin binvec(16) GENERATED ALWAYS AS (quantize_binary(embedding)) STORED;
SELECT array_agg((doc).id) = (SELECT array_agg(id) FROM (
    SELECT id FROM docs ORDER BY (embedding <=> embed('q')::vector) + 0 LIMIT 10) t) AS same
FROM semantic_search(NULL::docs, embed('q'), quantized => 'embedding_bin', rescore_multiplier => 200);
-- Of the two, the floats' index is the faster, unless the codes are asked for.
SELECT quantized, exact, substring(semantic_search_sql(NULL::docs, quantized => quantized::name, exact => exact)
    FROM '\nORDER BY \(?(docs\.\w+)') AS scanned
FROM (VALUES (NULL, false), (NULL, true), ('embedding_bin', false)) c(quantized, exact);
CALL quantize_column('halves', 'embedding', 'int8');
SELECT array_agg((doc).id) = (SELECT array_agg(id) FROM (
    SELECT id FROM halves ORDER BY (embedding <=> embed('q')::halfvec) + 0 LIMIT 10) t) AS same
FROM semantic_search(NULL::halves, embed('q'), rescore_multiplier => 200, exact => true);
-- A vector is a query as it is.
SELECT count(*) FROM semantic_search(NULL::docs, (SELECT embedding FROM docs WHERE id = 1));

-- pgvector in a schema of its own, off the path.
CREATE SCHEMA vectors;
ALTER EXTENSION vector SET SCHEMA vectors;
SELECT count(*) FROM semantic_search(NULL::halves, embed('q'));
SET enable_seqscan = off;
SELECT bool_or(plan ~ 'Index Scan using halves_hnsw') AS by_index FROM plan(semantic_search_sql(NULL::halves, embed('q')));
