-- What the driver programs work on: a table with an embedding in each type, an index on each column, and the statements to send.
SET client_min_messages = warning;
CREATE EXTENSION pg_quantize_vector CASCADE;
-- Hashes as embeddings: no two rows are equally near, in bits neither.
CREATE TABLE items (id int PRIMARY KEY, f real[], v vector(32), h halfvec(32), b binvec(32));
INSERT INTO items SELECT n, e, e::vector, e::vector::halfvec, quantize_binary(e)
FROM (SELECT n, array_agg((hashint4(n * 100 + i) / 2147483648.0)::real ORDER BY i) AS e FROM generate_series(1, 3000) AS n, generate_series(1, 32) AS i GROUP BY n) AS t;
ANALYZE items;

-- How a statement reads in the report, what is run, what shows its plan (with the same parameter), the index that is to serve it and
-- the rows it is to return. $1 is the embedding of row 42.
CREATE TABLE statements (position int GENERATED ALWAYS AS IDENTITY, written text, runs text, explains text, index_name text, ids int[]);

-- The answers come from scans of the table: there is no index yet.
INSERT INTO statements (written, index_name, ids)
SELECT operand || ' ' || operator || ' ' || parameter, index_name, ids
FROM (
    SELECT 1, 'v', '<=>', 'items_v_idx', ARRAY(SELECT id FROM items ORDER BY v <=> (SELECT v FROM items WHERE id = 42) LIMIT 3)
    UNION ALL SELECT 2, 'h', '<=>', 'items_h_idx', ARRAY(SELECT id FROM items ORDER BY h <=> (SELECT h FROM items WHERE id = 42) LIMIT 3)
    UNION ALL SELECT 3, 'f', '<=>', 'items_f_idx', ARRAY(SELECT id FROM items ORDER BY f <=> (SELECT f FROM items WHERE id = 42) LIMIT 3)
    UNION ALL SELECT 4, 'b', '<#>', 'items_b_idx', ARRAY(SELECT id FROM items ORDER BY b <#> (SELECT f FROM items WHERE id = 42) LIMIT 3)
) AS columns (position, operand, operator, index_name, ids),
(VALUES (1, '$1'), (2, '$1::real[]'), (3, '$1::vector')) AS parameters (nth, parameter)
WHERE parameter <> '$1::vector' OR operand = 'v'
ORDER BY position, nth;
UPDATE statements SET runs = 'SELECT id FROM items ORDER BY ' || written || ' LIMIT 3';
UPDATE statements SET explains = 'EXPLAIN (COSTS OFF) ' || runs;

CREATE FUNCTION search_plan(query real[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || semantic_search_sql(NULL::items, query, 3, 'v');
END
$$;
INSERT INTO statements (written, runs, explains, index_name, ids)
SELECT format('semantic_search(…, %s)', parameter), format('SELECT (doc).id FROM semantic_search(NULL::items, %s, 3, ''v'')', parameter),
    format('SELECT search_plan(%s)', parameter), index_name, ids
FROM statements, (VALUES ('$1'), ('$1::real[]')) AS parameters (parameter) WHERE written = 'v <=> $1';

CREATE INDEX ON items USING qivf (v vector_cosine_ops);
CREATE INDEX ON items USING qivf (h halfvec_cosine_ops);
CREATE INDEX ON items USING qivf (f real_cosine_ops);
CREATE INDEX ON items USING qivf (b binvec_hamming_ops);
-- Exact answers, and plans as for a large table.
ALTER DATABASE postgres SET qivf.target_recall = 1;
ALTER DATABASE postgres SET enable_seqscan = off;
ALTER DATABASE postgres SET enable_sort = off;
