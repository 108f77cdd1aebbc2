-- Which columns semantic_search reads when none are named: the same before and after others are added.
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE FUNCTION embed(seed text) RETURNS real[] IMMUTABLE LANGUAGE sql AS $$
    SELECT array_agg((('x' || substr(md5(seed || ':' || j), 1, 6))::bit(24)::integer / 8388608.0 - 1)::real ORDER BY j)
    FROM generate_series(1, 16) j
$$;
CREATE TABLE docs (id integer PRIMARY KEY, embedding real[]);
INSERT INTO docs SELECT i, embed(i::text) FROM generate_series(1, 500) i;
CREATE FUNCTION scanned(statement text) RETURNS text LANGUAGE sql
    RETURN substring(substring(statement FROM '\nORDER BY ([^\n]*)') FROM 'docs\.\w+');
-- Its body is a string: older versions refuse to add a column that rewrites the table when a parsed body names its row.
CREATE FUNCTION ids() RETURNS integer[] LANGUAGE sql
    AS $$ SELECT array_agg((doc).id) FROM semantic_search(NULL::docs, embed('q')) $$;

CALL quantize_column('docs', 'embedding', 'binary');
SELECT ids() AS ids \gset
SELECT scanned(semantic_search_sql(NULL::docs));
-- A second column, a third, one by hand: still the first.
CALL quantize_column('docs', 'embedding', 'int8');
SELECT scanned(semantic_search_sql(NULL::docs)), ids() = :'ids' AS same;
CALL quantize_column('docs', 'embedding', 'binary', quantized_column => 'another');
ALTER TABLE docs ADD by_hand binvec(16) GENERATED ALWAYS AS (quantize_binary(embedding)) STORED;
SELECT scanned(semantic_search_sql(NULL::docs)), ids() = :'ids' AS same;
-- A column by precision; the floats.
SELECT p, scanned(semantic_search_sql(NULL::docs, corpus_precision => p))
FROM unnest(ARRAY['float32', 'int8', 'binary', 'ubinary']) p;
SELECT array_agg((doc).id) = (SELECT array_agg(id) FROM (
    SELECT id FROM docs ORDER BY embedding <=> embed('q') LIMIT 10) t) AS exact
FROM semantic_search(NULL::docs, embed('q'), corpus_precision => 'float32');
SELECT count(*) FROM semantic_search(NULL::docs, embed('q'), corpus_precision => 'uint8');
SELECT count(*) FROM semantic_search(NULL::docs, embed('q'), corpus_precision => 'int4');
SELECT count(*) FROM semantic_search(NULL::docs, embed('q'), quantized => 'embedding_bin', corpus_precision => 'int8');
-- Only sign bits have a Hamming distance.
SELECT scanned(semantic_search_sql(NULL::docs, metric => 'hamming'));
-- A named embedding: the codes that were made from it.
SELECT scanned(semantic_search_sql(NULL::docs, embedding => 'embedding'));
-- An index on codes is a reason, one on the floats a better one.
CREATE INDEX by_another ON docs USING qivf (another);
SELECT scanned(semantic_search_sql(NULL::docs)), scanned(semantic_search_sql(NULL::docs, exact => true)) AS exact;
CREATE INDEX by_embedding ON docs USING qivf (embedding);
SELECT scanned(semantic_search_sql(NULL::docs)), scanned(semantic_search_sql(NULL::docs, metric => 'ip')) AS ip;
DROP INDEX by_embedding, by_another;
-- A requantization makes a new column in the place of the first.
CALL requantize_column('docs', 'embedding_int8');
SELECT scanned(semantic_search_sql(NULL::docs)), ids() = :'ids' AS same;
-- The first goes, the next one follows; at last the floats.
CALL drop_quantized_column('docs', 'embedding_bin');
SELECT scanned(semantic_search_sql(NULL::docs));
CALL drop_quantized_column('docs', 'embedding_int8');
CALL drop_quantized_column('docs', 'another');
SELECT scanned(semantic_search_sql(NULL::docs)), ids() = :'ids' AS same;
ALTER TABLE docs DROP COLUMN by_hand;
SELECT scanned(semantic_search_sql(NULL::docs)), cardinality(ids()) AS found;
-- Codes by hand, on their way: not before nothing can be missing, unless they are named.
ALTER TABLE docs ADD by_hand binvec(16), ADD int8_by_hand int8vec(16);
SELECT scanned(semantic_search_sql(NULL::docs)), cardinality(ids()) AS found;
SELECT scanned(semantic_search_sql(NULL::docs, quantized => 'by_hand')),
    scanned(semantic_search_sql(NULL::docs, corpus_precision => 'binary')) AS by_precision;
UPDATE docs SET by_hand = quantize_binary(embedding);
ALTER TABLE docs ALTER by_hand SET NOT NULL;
SELECT scanned(semantic_search_sql(NULL::docs)), ids() = :'ids' AS same;

-- A second embedding, of another model: a search keeps the one that was quantized, or that has the query's dimensions.
CREATE TABLE models (id integer PRIMARY KEY, title real[], body real[]);
INSERT INTO models SELECT i, embed('t' || i), embed('b' || i) FROM generate_series(1, 100) i;
SELECT count(*) FROM semantic_search(NULL::models, embed('q'));
CALL quantize_column('models', 'body', 'binary');
SELECT array_agg((doc).id) AS ids FROM semantic_search(NULL::models, embed('q')) \gset
CALL quantize_column('models', 'title', 'binary');
SELECT array_agg((doc).id) = :'ids' AS same FROM semantic_search(NULL::models, embed('q'));

-- A record that changes is noticed: while codes are made the floats are searched.
UPDATE quantize.quantized_columns SET state = 'backfilling' WHERE quantized_column = 'body_bin';
SELECT array_agg((doc).id) = (SELECT array_agg(id) FROM (
    SELECT id FROM models ORDER BY body <=> embed('q') LIMIT 10) t) AS exact
FROM semantic_search(NULL::models, embed('q'), embedding => 'body');
BEGIN;
UPDATE quantize.quantized_columns SET state = 'ready' WHERE quantized_column = 'body_bin';
SELECT array_agg((doc).id) = :'ids' AS same FROM semantic_search(NULL::models, embed('q'));
ROLLBACK;
SELECT array_agg((doc).id) = (SELECT array_agg(id) FROM (
    SELECT id FROM models ORDER BY body <=> embed('q') LIMIT 10) t) AS exact
FROM semantic_search(NULL::models, embed('q'), embedding => 'body');

-- Plans that are kept follow columns, schemas and roles.
CREATE TABLE kept (id integer PRIMARY KEY, embedding real[]);
INSERT INTO kept SELECT i, embed(i::text) FROM generate_series(1, 20) i;
CREATE FUNCTION first() RETURNS text LANGUAGE sql AS $$ SELECT doc::text FROM semantic_search(NULL::kept, embed('7'), 1) $$;
SELECT left(first(), 4);
ALTER TABLE kept ADD extra text DEFAULT 'more';
SELECT left(first(), 4), right(first(), 6);
ALTER TABLE kept RENAME COLUMN id TO number;
SELECT left(first(), 4), right(first(), 6);
ALTER TABLE kept DROP COLUMN extra;
SELECT left(first(), 4), right(first(), 6) LIKE '%more)' AS more;
CREATE SCHEMA elsewhere;
ALTER TABLE kept SET SCHEMA elsewhere;
SELECT (doc).number FROM semantic_search(NULL::elsewhere.kept, embed('7'), 1);
ALTER SCHEMA elsewhere RENAME TO moved;
SELECT (doc).number FROM semantic_search(NULL::moved.kept, embed('7'), 1);
ALTER TABLE moved.kept ALTER embedding TYPE float8[];
SELECT (doc).number FROM semantic_search(NULL::moved.kept, embed('7'), 1);
ALTER TABLE moved.kept ALTER embedding TYPE real[];
SELECT (doc).number FROM semantic_search(NULL::moved.kept, embed('7'), 1);
CREATE ROLE regress_search_kept;
GRANT USAGE ON SCHEMA moved TO regress_search_kept;
SET ROLE regress_search_kept;
SELECT (doc).number FROM semantic_search(NULL::moved.kept, embed('7'), 1);
RESET ROLE;
ALTER TABLE moved.kept ENABLE ROW LEVEL SECURITY;
CREATE POLICY odd ON moved.kept USING (number % 2 = 1);
GRANT SELECT ON moved.kept TO regress_search_kept;
SET ROLE regress_search_kept;
SELECT bool_and((doc).number % 2 = 1) AS odd, count(*) FROM semantic_search(NULL::moved.kept, embed('8'), 20);
RESET ROLE;
SELECT count(*) FROM semantic_search(NULL::moved.kept, embed('8'), 20);
DROP OWNED BY regress_search_kept;
DROP ROLE regress_search_kept;
-- What a filter's names mean depends on the path, and on the role.
CREATE SCHEMA one;
CREATE SCHEMA two;
CREATE FUNCTION one.limit() RETURNS integer IMMUTABLE LANGUAGE sql RETURN 1;
CREATE FUNCTION two.limit() RETURNS integer IMMUTABLE LANGUAGE sql RETURN 2;
SET search_path = one, public;
SELECT count(*) FROM semantic_search(NULL::moved.kept, embed('8'), 20, filter => 'number <= "limit"()');
SET search_path = two, public;
SELECT count(*) FROM semantic_search(NULL::moved.kept, embed('8'), 20, filter => 'number <= "limit"()');
