-- semantic_search over every kind of relation, whatever its names.
CREATE FUNCTION embed(seed text) RETURNS real[] IMMUTABLE LANGUAGE sql AS $$
    SELECT array_agg((('x' || substr(pg_catalog.md5(seed || ':' || j), 1, 6))::bit(24)::integer / 8388608.0 - 1)::real ORDER BY j)
    FROM generate_series(1, 16) j
$$;
CREATE TABLE docs (id integer PRIMARY KEY, tenant text, embedding real[],
    embedding_bin binvec(16) GENERATED ALWAYS AS (quantize_binary(embedding)) STORED);
INSERT INTO docs SELECT i, CASE WHEN i % 2 = 0 THEN 'alice' ELSE 'bob' END, embed(i::text) FROM generate_series(1, 300) i;
CREATE TABLE truth AS SELECT array_agg(id) AS ids, (SELECT array_agg(id) FROM (
        SELECT id FROM docs WHERE id % 2 = 0 ORDER BY embedding <=> embed('q') LIMIT 10) t) AS even
FROM (SELECT id FROM docs ORDER BY embedding <=> embed('q') LIMIT 10) t;

-- A view, a materialized view, a view of a join.
CREATE VIEW a_view AS SELECT embedding_bin, id, embedding FROM docs WHERE id % 2 = 0;
CREATE MATERIALIZED VIEW a_matview AS SELECT * FROM a_view;
CREATE VIEW a_join AS SELECT d.*, t.name FROM docs d JOIN (VALUES ('alice', 'Alice'), ('bob', 'Bob')) t(key, name) ON t.key = d.tenant;
SELECT array_agg((doc).id) = even AS same FROM truth, semantic_search(NULL::a_view, embed('q'), rescore_multiplier => 30) GROUP BY even;
SELECT array_agg((doc).id) = even AS same FROM truth, semantic_search(NULL::a_matview, embed('q'), rescore_multiplier => 30) GROUP BY even;
SELECT array_agg((doc).id) = even AS same, bool_and((doc).name = 'Alice') AS joined
FROM truth, semantic_search(NULL::a_join, embed('q'), rescore_multiplier => 30, filter => 'name = ''Alice''') GROUP BY even;

-- Partitions whose columns are in another order, searched as a whole and one by one.
CREATE TABLE parted (id integer, dropped text, embedding real[], embedding_bin binvec(16)) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (1) TO (101);
CREATE TABLE parted_2 (embedding_bin binvec(16), embedding real[], id integer, dropped text);
ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES FROM (101) TO (301);
ALTER TABLE parted DROP COLUMN dropped;
INSERT INTO parted SELECT id, embedding, embedding_bin FROM docs;
SELECT array_agg((doc).id) = ids AS same FROM truth, semantic_search(NULL::parted, embed('q'), rescore_multiplier => 30) GROUP BY ids;
SELECT count(*), min((doc).id) FROM semantic_search(NULL::parted_2, embed('q'), 1000);
SELECT bool_and((doc).embedding = embed((doc).id::text)) AS whole FROM semantic_search(NULL::parted, embed('q'), 1000);

-- Inheritance: children belong to their parent.
CREATE TABLE parent (id integer, embedding real[], embedding_bin binvec(16));
CREATE TABLE child (extra text) INHERITS (parent);
INSERT INTO parent SELECT id, embedding, embedding_bin FROM docs WHERE id <= 100;
INSERT INTO child SELECT id, embedding, embedding_bin, 'x' FROM docs WHERE id > 100;
SELECT array_agg((doc).id) = ids AS same FROM truth, semantic_search(NULL::parent, embed('q'), rescore_multiplier => 30) GROUP BY ids;
SELECT count(*), min((doc).id), min((doc).extra) FROM semantic_search(NULL::child, embed('q'), 1000);

-- Temporary and unlogged tables, a table that lost columns, a domain over real[].
CREATE TEMP TABLE a_temp AS SELECT id, embedding, embedding_bin FROM docs;
ALTER TABLE a_temp DROP COLUMN id, ADD COLUMN id integer;
SELECT count(*), count((doc).id) FROM semantic_search(NULL::a_temp, embed('q'), 5);
CREATE DOMAIN embedding AS real[] CHECK (cardinality(value) = 16);
CREATE UNLOGGED TABLE a_domain AS SELECT id, embedding::embedding AS vector FROM docs;
SELECT array_agg((doc).id) = ids AS same FROM truth, semantic_search(NULL::a_domain, embed('q')) GROUP BY ids;

-- Odd names, and the names that the statement itself uses.
CREATE SCHEMA "My ""Schema""";
CREATE TABLE "My ""Schema"""."Täble; DROP TABLE docs;--" ("id'" integer, "the ""float""" real[], "select" binvec(16), "%s $1" text);
INSERT INTO "My ""Schema"""."Täble; DROP TABLE docs;--" SELECT id, embedding, embedding_bin, tenant FROM docs;
SELECT array_agg((doc)."id'") = ids AS same, min((doc)."%s $1")
FROM truth, semantic_search(NULL::"My ""Schema"""."Täble; DROP TABLE docs;--", embed('q'), rescore_multiplier => 30,
    embedding => 'the "float"', quantized => 'select', filter => '"%s $1" LIKE ''%''') GROUP BY ids;
CREATE TABLE nearest (id integer, embedding real[], ctid_ binvec(16), distance float8, distance_ text, score text, doc text, found text);
INSERT INTO nearest SELECT id, embedding, embedding_bin, -1, 'd', 's', 'doc', 'f' FROM docs;
SELECT array_agg((doc).id) = ids AS same, min((doc).distance), min((doc).distance_), min((doc).doc)
FROM truth, semantic_search(NULL::nearest, embed('q'), rescore_multiplier => 30, filter => 'distance < 0') GROUP BY ids;
CREATE TABLE found (found real[], candidates binvec(16));
INSERT INTO found SELECT embedding, embedding_bin FROM docs;
SELECT count(*) FROM semantic_search(NULL::found, embed('q'), 3);

-- Any search_path: one that hides pg_catalog behind traps, and one without the extension.
CREATE SCHEMA trap;
CREATE FUNCTION trap.no(integer, integer) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''trapped''; END';
CREATE FUNCTION trap.no(float8, float8) RETURNS float8 LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''trapped''; END';
CREATE FUNCTION trap.array_length(real[], integer) RETURNS integer LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''trapped''; END';
CREATE FUNCTION trap.format(text, VARIADIC "any") RETURNS text LANGUAGE internal AS 'text_format';
CREATE FUNCTION trap.cosine_distance(real[], real[]) RETURNS float8 LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''trapped''; END';
CREATE OPERATOR trap.+ (LEFTARG = float8, RIGHTARG = float8, FUNCTION = trap.no);
CREATE OPERATOR trap.- (LEFTARG = float8, RIGHTARG = float8, FUNCTION = trap.no);
CREATE OPERATOR trap.<=> (LEFTARG = real[], RIGHTARG = real[], FUNCTION = trap.cosine_distance);
CREATE OPERATOR trap.<#> (LEFTARG = real[], RIGHTARG = real[], FUNCTION = trap.cosine_distance);
SELECT embed('q') AS query \gset
SET search_path = trap, pg_catalog;
SELECT pg_catalog.array_agg((s.doc).id) FROM public.semantic_search(NULL::public.docs, :'query', 3, exact => true) s;
SET search_path = '';
SELECT array_agg((doc).id) FROM public.semantic_search(NULL::public.docs, :'query', 3);
RESET search_path;
-- The filter sees the caller's.
CREATE SCHEMA mine;
CREATE FUNCTION mine.wanted(integer) RETURNS boolean LANGUAGE sql AS 'SELECT $1 < 50';
SET search_path = mine, public;
SELECT bool_and((doc).id < 50) AS filtered FROM semantic_search(NULL::docs, :'query', filter => 'wanted(id)');
RESET search_path;

-- Row-level security: the caller's rights decide what is found, of whatever the filter says.
CREATE ROLE regress_search_alice;
CREATE ROLE regress_search_carol;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (current_user = 'regress_search_' || tenant);
GRANT SELECT ON docs, truth TO regress_search_alice, regress_search_carol;
SET ROLE regress_search_alice;
SELECT array_agg((doc).id) = even AS same FROM truth, semantic_search(NULL::docs, embed('q'), rescore_multiplier => 30) GROUP BY even;
SELECT count(*) FROM semantic_search(NULL::docs, embed('q'), 1000, filter => 'true) OR (true');
SET ROLE regress_search_carol;
SELECT count(*) FROM semantic_search(NULL::docs, embed('q'), 1000);
-- Without the right to read the table.
RESET ROLE;
REVOKE SELECT ON docs FROM regress_search_carol;
SET ROLE regress_search_carol;
\set SHOW_CONTEXT never
SELECT count(*) FROM semantic_search(NULL::docs, embed('q'));
RESET ROLE;
-- A filter cannot write, and several statements are none.
SELECT count(*) FROM semantic_search(NULL::docs, embed('q'), filter => 'true); DELETE FROM docs; SELECT (true');
SELECT count(*) FROM semantic_search(NULL::docs, embed('q'), filter => 'true)) AS nearest, docs) AS found; DELETE FROM docs; '
    'SELECT 1, doc, found.distance FROM (SELECT docs, 1 AS distance FROM (SELECT docs.ctid FROM docs WHERE (true');
SELECT count(*) FROM docs;
DROP OWNED BY regress_search_alice, regress_search_carol;
DROP ROLE regress_search_alice, regress_search_carol;
