-- Partitions, renames, drops, odd names, an extension in a schema of its own.
\set VERBOSITY default
SET client_min_messages = warning;

-- Partitions of the present and the future.
CREATE TABLE p (id integer, region text, embedding real[]) PARTITION BY LIST (region);
CREATE TABLE p_a PARTITION OF p FOR VALUES IN ('a');
CREATE TABLE p_b PARTITION OF p FOR VALUES IN ('b') PARTITION BY RANGE (id);
CREATE TABLE p_b1 PARTITION OF p_b FOR VALUES FROM (0) TO (500);
CREATE TABLE p_b2 PARTITION OF p_b FOR VALUES FROM (500) TO (10000);
INSERT INTO p SELECT i, CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END, ARRAY[sin(i), cos(i)]::real[] FROM generate_series(1, 2000) i;
CREATE VIEW faults AS SELECT p.id FROM p, quantized_columns q
WHERE q.table_oid = 'p'::regclass AND to_jsonb(p) ->> 'embedding_int8' IS DISTINCT FROM quantize_int8(embedding, q.ranges)::text;
CALL quantize_column('p', 'embedding', 'int8', batch_rows => 100);
SELECT state, (SELECT count(*) FROM faults) AS faults FROM quantized_columns;
CREATE TABLE p_c PARTITION OF p FOR VALUES IN ('c');
INSERT INTO p VALUES (1, 'c', '{0.5,0.5}');
INSERT INTO p_c VALUES (2, 'c', '{0.5,0.5}');
UPDATE p SET region = 'c' WHERE id = 3;
-- One that comes with rows is filled by another call.
CREATE TABLE p_d (id integer, region text, embedding real[], embedding_int8 int8vec(2));
INSERT INTO p_d VALUES (1, 'd', '{0.1,0.1}');
ALTER TABLE p ATTACH PARTITION p_d FOR VALUES IN ('d');
SELECT count(*) AS faults FROM faults;
CALL quantize_column('p', 'embedding', 'int8');
SELECT state, (SELECT count(*) FROM faults) AS faults FROM quantized_columns;
CALL quantize_column('p_a', 'embedding', 'int8');
CALL quantize_column('p_b1', 'embedding', 'int8');
CREATE INDEX by_code ON p (embedding_int8);
CALL requantize_column('p', 'embedding_int8', ranges => '{{-2,-2},{2,2}}');
SELECT statement FROM quantize.quantized_columns q, quantize.indexes(q);
CREATE INDEX ON p (next_embedding_int8);
CALL requantize_column('p', 'embedding_int8');
SELECT ranges, state, (SELECT count(*) FROM faults) AS faults, to_regclass('by_code') FROM quantized_columns;
CALL drop_quantized_column('p', 'embedding_int8');
SELECT count(*) FROM pg_trigger WHERE tgrelid IN (SELECT relid FROM pg_partition_tree('p'));
DROP VIEW faults;
DROP TABLE p;

-- Renames are followed by the record and by the trigger.
CREATE TABLE docs (id integer PRIMARY KEY, embedding real[]);
INSERT INTO docs SELECT i, ARRAY[sin(i), cos(i)]::real[] FROM generate_series(1, 100) i;
CALL quantize_column('docs', 'embedding', 'int8');
CALL quantize_column('docs', 'embedding', 'uint8', mode => 'generated');
CREATE SCHEMA library;
ALTER TABLE docs RENAME TO papers;
ALTER TABLE papers SET SCHEMA library;
ALTER SCHEMA library RENAME TO archive;
ALTER TABLE archive.papers RENAME COLUMN embedding TO vector;
ALTER TABLE archive.papers RENAME COLUMN embedding_int8 TO code;
SELECT table_schema, table_name, source_column, quantized_column FROM quantized_columns ORDER BY quantized_attnum;
INSERT INTO archive.papers VALUES (0, '{0.5,0.5}');
SELECT code = quantize_int8(vector, ranges) AS matches FROM archive.papers, quantized_columns WHERE id = 0 AND quantized_column = 'code';
CALL quantize_column('archive.papers', 'vector', 'int8', 'code');
-- Another table under the old name is another table.
CREATE TABLE docs (embedding real[]);
CALL quantize_column('docs', 'embedding', 'int8', ranges => '{{-1},{1}}');
SELECT table_schema, table_name, dimensions FROM quantized_columns ORDER BY 1, 2, quantized_attnum;
-- A dropped column or table takes its record and its function with it.
ALTER TABLE archive.papers DROP COLUMN code CASCADE;
SELECT quantized_column FROM quantized_columns WHERE table_name = 'papers';
ALTER TABLE archive.papers DROP COLUMN vector CASCADE;
SELECT quantized_column FROM quantized_columns WHERE table_name = 'papers';
DROP TABLE docs;
SELECT count(*) FROM quantized_columns;
SELECT proname FROM pg_proc WHERE proname LIKE 'quantize\_docs%';
DROP SCHEMA archive CASCADE;

-- Odd names, a schema that needs quotes, a search_path without either, few digits for floats.
DROP EXTENSION pg_quantize;
CREATE SCHEMA "My Extension";
CREATE EXTENSION pg_quantize SCHEMA "My Extension";
CREATE SCHEMA "a.b";
CREATE TABLE "a.b"."t'able ""$$"" %I" ("i d" integer PRIMARY KEY, "col'umn ""%s"" $1" real[]);
INSERT INTO "a.b"."t'able ""$$"" %I" SELECT i, ARRAY[sin(i), cos(i)]::real[] FROM generate_series(1, 100) i;
SET search_path = pg_catalog;
SET extra_float_digits = -10;
CALL "My Extension".quantize_column('"a.b"."t''able ""$$"" %I"', 'col''umn "%s" $1', 'int8', 'co"de');
CALL "My Extension".requantize_column('"a.b"."t''able ""$$"" %I"', 'co"de', quantile => 0.95);
CALL "My Extension".quantize_column('"a.b"."t''able ""$$"" %I"', 'col''umn "%s" $1', 'uint8', mode => 'generated');
INSERT INTO "a.b"."t'able ""$$"" %I" VALUES (0, '{0.123456789,-0.123456789}');
SELECT count(*) AS rows, count(*) FILTER (WHERE "co""de" OPERATOR("My Extension".<>) "My Extension".quantize_int8("col'umn ""%s"" $1", ranges)) AS wrong
FROM "a.b"."t'able ""$$"" %I", "My Extension".quantized_columns q WHERE q.quantized_column = 'co"de';
SELECT quantized_column, state, rows_sampled, verdict FROM "My Extension".calibration_status('"a.b"."t''able ""$$"" %I"');
CALL "My Extension".drop_quantized_column('"a.b"."t''able ""$$"" %I"', 'co"de');
RESET ALL;
SELECT quantized_column FROM "My Extension".quantized_columns;
-- The extension goes with its record; columns of its types only with CASCADE.
DROP EXTENSION pg_quantize;
DROP EXTENSION pg_quantize CASCADE;
SELECT attname FROM pg_attribute WHERE attrelid = '"a.b"."t''able ""$$"" %I"'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum;
