-- Which statements an index serves, and which it can't: the table of docs/troubleshooting.md, row by row.
CREATE TABLE docs (id int PRIMARY KEY, embedding real[], lang text);
INSERT INTO docs SELECT n, ARRAY[sin(n), cos(n), sin(2 * n), cos(3 * n)]::real[], CASE n % 3 WHEN 0 THEN 'en' ELSE 'de' END FROM generate_series(1, 3000) AS n;
CREATE INDEX docs_embedding_idx ON docs USING qivf (embedding);
CREATE TABLE few AS SELECT id, embedding FROM docs WHERE id <= 20;
CREATE INDEX few_embedding_idx ON few USING qivf (embedding);
ANALYZE docs, few;
-- Whether the plan of a statement has an index scan in the order of a distance.
CREATE FUNCTION served(statement text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    line text;
    found boolean := false;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || statement LOOP
        found := found OR line ~ 'Order By: ';
    END LOOP;
    RETURN found;
END
$$;
SELECT served('SELECT id FROM docs ORDER BY embedding <=> ''{1,0,0.5,0}'' LIMIT 10') AS plain;
SELECT served('SELECT id, 1 - (embedding <=> ''{1,0,0.5,0}'') FROM docs ORDER BY embedding <=> ''{1,0,0.5,0}'' LIMIT 10') AS score_in_the_list;
SELECT served('SELECT id FROM docs WHERE lang = ''en'' ORDER BY embedding <=> ''{1,0,0.5,0}'' LIMIT 10') AS filtered;
SELECT served('SELECT id FROM docs ORDER BY embedding <=> ''{1,0,0.5,0}'' DESC LIMIT 10') AS descending;
SELECT served('SELECT id FROM docs ORDER BY 1 - (embedding <=> ''{1,0,0.5,0}'') DESC LIMIT 10') AS expression;
SELECT served('SELECT id FROM docs ORDER BY embedding <=> ''{1,0,0.5,0}'' NULLS FIRST LIMIT 10') AS nulls_first;
SELECT served('SELECT id FROM docs ORDER BY embedding <-> ''{1,0,0.5,0}'' LIMIT 10') AS other_distance;
SELECT served('SELECT id FROM docs ORDER BY embedding::float8[]::real[] <=> ''{1,0,0.5,0}'' LIMIT 10') AS cast_of_the_column;
SELECT served('SELECT id FROM docs ORDER BY cosine_distance(embedding, ''{1,0,0.5,0}''::real[]) LIMIT 10') AS function;
SELECT served('SELECT id FROM few ORDER BY embedding <=> ''{1,0,0.5,0}'' LIMIT 10') AS tiny_table;
SELECT served('SELECT id FROM docs ORDER BY embedding <=> ''{1,0,0.5,0}'' LIMIT 10 FOR UPDATE') AS for_update;
SELECT served('SELECT id FROM docs WHERE id < 5 ORDER BY embedding <=> ''{1,0,0.5,0}'' LIMIT 10') AS rare_filter;
