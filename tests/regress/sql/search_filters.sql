-- Filters of semantic_search: their parameters, and that they only read.
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE TABLE docs (id integer PRIMARY KEY, lang text, price numeric, tags text[], seen timestamptz, meta jsonb, embedding real[]);
INSERT INTO docs SELECT i, CASE WHEN i % 2 = 0 THEN 'de' WHEN i % 3 = 0 THEN 'it''s' END, i / 10.0,
    ARRAY['t' || i % 5], '2025-01-01 00:00+00'::timestamptz + i * interval '1 day', jsonb_build_object('n', i % 7),
    ARRAY[cos(i), sin(i), 0.5]::real[]
FROM generate_series(1, 100) i;
CREATE FUNCTION found(filter text, params text[] DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    hint text;
BEGIN
    RETURN (SELECT concat(count(*), ' from ', min((doc).id), ' to ', max((doc).id))
        FROM semantic_search(NULL::docs, '{1,0,0.5}', 1000, filter => found.filter, filter_params => params));
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(E'\n', SQLSTATE || ' ' || message, 'HINT: ' || nullif(hint, ''));
END
$$;

-- Values take the types that their places ask for.
SELECT found('lang = $1 AND price < $2', ARRAY['de', '3.05']);
SELECT found('lang = $1', ARRAY['it''s']);
SELECT found('docs.id = ANY ($1) AND lang IS DISTINCT FROM $2', ARRAY['{1,2,3,50}', NULL]);
SELECT found('tags @> $1::text[] AND seen >= $2', ARRAY['{t3}', '2025-03-01']);
SELECT found('meta @> $1', ARRAY['{"n": 3}']);
SELECT found('id BETWEEN $1 AND $2 AND id <> $1', ARRAY['10', '20']);
SELECT found('id = (SELECT max(d.id) FROM docs d WHERE d.id <= $1)', ARRAY['33']);
-- They are values, whatever is in them.
SELECT found('lang = $1', ARRAY[$s$de' OR 'x' = 'x$s$]);
SELECT found('lang = $1 -- $2', ARRAY['de']);
SELECT found($s$lang = $1 AND '$9' <> "lang" AND $q$ $8 $q$ <> lang$s$, ARRAY['de']);
-- An empty filter is none; so is null.
SELECT found(''), found(E' \n\t '), found(NULL), found(NULL, '{}');

-- A parameter without a value, values without a parameter, a value that does not fit.
SELECT found('lang = $1');
SELECT found('lang = $1 AND id = $3', ARRAY['de', 'x']);
SELECT found('id < 5', ARRAY['de']);
SELECT found('lang = $1', ARRAY['de', 'en']);
SELECT found(NULL, ARRAY['de']);
SELECT found('id = $1', ARRAY['seven']);

-- One condition, no more.
SELECT found('id < 5; DELETE FROM docs');
SELECT found('id < 5) ORDER BY (id');
SELECT found('id < 5) UNION SELECT FROM docs WHERE (id < 7');
SELECT found('id < 5) FOR UPDATE OF docs; --');
SELECT found('id < 5) GROUP BY (id');
SELECT found('count(*) > 1');

-- It cannot write: not by a statement, not by a function.
CREATE TABLE log (i integer);
CREATE FUNCTION writes() RETURNS boolean LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (1); RETURN true; END';
CREATE FUNCTION writes_sql() RETURNS boolean LANGUAGE sql AS 'INSERT INTO log VALUES (1) RETURNING true';
CREATE FUNCTION says_stable() RETURNS boolean STABLE LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (1); RETURN true; END';
CREATE FUNCTION reads(integer) RETURNS boolean STABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1 < 50; END';
CREATE FUNCTION reads_sql(integer) RETURNS boolean LANGUAGE sql AS 'SELECT $1 < 50';
CREATE VIEW writing AS SELECT writes() AS w;
CREATE SEQUENCE s;
SELECT found('writes()');
SELECT found('writes_sql()');
SELECT found('says_stable()');
SELECT found('nextval(''s'') > 0');
SELECT found('id IN (SELECT 1 WHERE writes())');
SELECT found('EXISTS (SELECT FROM writing WHERE w)');
SELECT found('EXISTS (SELECT FROM log FOR UPDATE)');
SELECT found('reads(id)'), found('reads_sql(id)');
SELECT count(*) AS written FROM log;
-- A function that changes is looked at again.
CREATE OR REPLACE FUNCTION reads(integer) RETURNS boolean VOLATILE LANGUAGE plpgsql AS
    'BEGIN INSERT INTO log VALUES (2); RETURN true; END';
SELECT found('reads(id)');
SELECT count(*) AS written FROM log;

-- The statement to read has the values in it, in the places of the parameters.
SELECT substring(semantic_search_sql(NULL::docs, '{1,0,0.5}', filter => '"lang" = $1 AND price < $2 AND ''$1'' <> lang -- $1',
    filter_params => ARRAY['it''s', '7']) FROM E'AND \\((\n.*\n)\\)') AS filter;
SELECT semantic_search_sql(NULL::docs, filter => 'lang = $1 AND price < $2', filter_params => ARRAY['de', '3.05']) AS statement \gset
PREPARE prepared(real[]) AS :statement;
CREATE TABLE result AS EXECUTE prepared('{1,0,0.5}');
SELECT count(*), min((doc).id), max((doc).id) FROM result;

-- In a lateral join with other values for every row, of one plan.
SELECT d.id, array_agg((s.doc).id ORDER BY s.score DESC) AS found
FROM docs d CROSS JOIN LATERAL semantic_search(NULL::docs, d.embedding, 2, filter => 'id <> $1 AND id % $2 = 0',
    filter_params => ARRAY[d.id::text, (d.id % 3 + 2)::text]) s
WHERE d.id < 4 GROUP BY d.id ORDER BY d.id;
