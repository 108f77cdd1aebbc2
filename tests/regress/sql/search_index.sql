-- semantic_search through qivf: the index of the codes, of the floats, and none when the search is to be exact.
SET client_min_messages = warning;
CREATE FUNCTION embed(seed text) RETURNS real[] IMMUTABLE LANGUAGE sql AS $$
    SELECT array_agg((('x' || substr(md5(seed || ':' || j), 1, 6))::bit(24)::integer / 8388608.0 - 1)::real ORDER BY j)
    FROM generate_series(1, 16) j
$$;
CREATE TABLE docs (id integer PRIMARY KEY, embedding real[],
    embedding_bin binvec(16) GENERATED ALWAYS AS (quantize_binary(embedding)) STORED);
INSERT INTO docs SELECT i, normalize_embeddings(embed(i::text)) FROM generate_series(1, 2000) i;
CALL quantize_column('docs', 'embedding', 'int8');
-- The embeddings are of unit length, whether quantize_column has noticed or not.
UPDATE quantize.quantized_columns SET unit_length = true;
CREATE INDEX by_bin ON docs USING qivf (embedding_bin);
CREATE INDEX by_int8 ON docs USING qivf (embedding_int8);
ANALYZE docs;
SET enable_seqscan = off;
SET qivf.target_recall = 1;
CREATE FUNCTION plan(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || statement;
END
$$;
CREATE FUNCTION index_of(statement text) RETURNS text LANGUAGE sql
    RETURN (SELECT string_agg(substring(p FROM 'Index Scan using (by_\w+)'), ', ') FROM plan(statement) p);
CREATE FUNCTION truth() RETURNS integer[] LANGUAGE sql
    RETURN (SELECT array_agg(id) FROM (SELECT id FROM docs ORDER BY (embedding <=> embed('q')) + 0 LIMIT 10) t);

-- The codes' indexes; all candidates in reach, so that the result is the exact one.
SELECT c.quantized, c.metric, c.exact,
    index_of(semantic_search_sql(NULL::docs, embed('q'), quantized => c.quantized::name, metric => c.metric, exact => c.exact)) AS index,
    (SELECT array_agg((doc).id) = truth() FROM semantic_search(NULL::docs, embed('q'), quantized => c.quantized::name,
        rescore_multiplier => 100, metric => c.metric, exact => c.exact)) AS same
FROM (VALUES ('embedding_bin', 'cosine', false), ('embedding_bin', 'hamming', false), ('embedding_bin', 'cosine', true),
    ('embedding_int8', 'cosine', false), ('embedding_int8', 'ip', false), ('embedding_int8', 'cosine', true)) c(quantized, metric, exact);
-- A filter and a cascade go through it as well.
SELECT count(*), bool_and((doc).id % 50 = 0) AS filtered FROM semantic_search(NULL::docs, embed('q'), 20,
    quantized => 'embedding_bin', refine => 'embedding_int8', filter => 'id % 50 = 0');

-- The floats' index, when no codes are asked for.
CREATE INDEX by_float ON docs USING qivf (embedding);
SELECT index_of(semantic_search_sql(NULL::docs, embed('q'), embedding => 'embedding')) AS index,
    (SELECT array_agg((doc).id) = truth() FROM semantic_search(NULL::docs, embed('q'))) AS same;
-- For another metric it does not count: the codes are searched.
SELECT index_of(semantic_search_sql(NULL::docs, embed('q'), metric => 'ip')) AS index;

-- A statement that was prepared before an index was created is right afterwards.
CREATE TABLE later AS SELECT id, embedding FROM docs;
SELECT semantic_search_sql(NULL::later) AS statement \gset
PREPARE prepared(real[]) AS :statement;
CREATE INDEX by_later ON later USING qivf (embedding);
CREATE TABLE found AS EXECUTE prepared(embed('q'));
SELECT array_agg((doc).id) = truth() AS same FROM found;
SELECT array_agg((doc).id) = truth() AS same FROM semantic_search(NULL::later, embed('q'));

-- A batch, and rows that arrive.
SELECT query_no, count(*) FROM semantic_search(NULL::docs, ARRAY[embed('a'), embed('b')], 3, quantized => 'embedding_bin')
GROUP BY query_no ORDER BY query_no;
INSERT INTO docs VALUES (0, embed('q'));
SELECT (doc).id FROM semantic_search(NULL::docs, embed('q'), 1, quantized => 'embedding_bin');
SELECT (doc).id FROM semantic_search(NULL::docs, embed('q'), 1, quantized => 'embedding_int8');
