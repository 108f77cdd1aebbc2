-- quantize_column: a live table gets a quantized column.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE TABLE docs (id integer PRIMARY KEY, embedding real[]);
CREATE FUNCTION embed(seed integer) RETURNS real[] LANGUAGE sql AS
    'SELECT array_agg(sin(seed * 7 + i * 3)::real ORDER BY i) FROM generate_series(1, 8) i';
INSERT INTO docs SELECT i, embed(i) FROM generate_series(1, 3000) i;
INSERT INTO docs VALUES (0, NULL);

CALL quantize_column('docs', 'embedding', 'int8', batch_rows => 100);
SELECT table_schema, table_name, source_column, quantized_column, "precision", ranges = (SELECT calibrate_ranges(embedding) FROM docs) AS exact,
    thresholds, quantile, truncate_dim, dimensions, rows_calibrated, mode, state, table_oid = 'docs'::regclass AS resolved
FROM quantized_columns;
SELECT format_type(atttypid, atttypmod), attnotnull FROM pg_attribute WHERE attrelid = 'docs'::regclass AND attname = 'embedding_int8';
CREATE VIEW faults AS SELECT d.id FROM docs d, quantized_columns q
WHERE q.quantized_column = 'embedding_int8' AND embedding_int8 IS DISTINCT FROM quantize_int8(embedding, q.ranges);
SELECT count(*) AS rows, count(embedding_int8) AS codes, (SELECT count(*) FROM faults) AS faults FROM docs;
-- Nothing is in work any more.
SELECT * FROM quantize_progress;

-- A second call does nothing.
SET client_min_messages = notice;
CALL quantize_column('docs', 'embedding', 'int8');
SET client_min_messages = warning;

-- Every way in: what is written to the column itself does not matter.
INSERT INTO docs VALUES (-1, embed(-1)), (-2, NULL);
INSERT INTO docs VALUES (-3, embed(-3), '[1,2,3,4,5,6,7,8]'), (-4, NULL, '[1,2,3,4,5,6,7,8]');
COPY docs (id, embedding) FROM stdin;
-5	{0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8}
\.
UPDATE docs SET embedding = embed(id + 1) WHERE id < 10;
UPDATE docs SET embedding_int8 = '[1,2,3,4,5,6,7,8]' WHERE id < 20;
UPDATE docs SET embedding = NULL WHERE id = 30;
INSERT INTO docs VALUES (-1, embed(5)) ON CONFLICT (id) DO UPDATE SET embedding = EXCLUDED.embedding;
SET session_replication_role = replica;
INSERT INTO docs VALUES (-6, embed(-6));
RESET session_replication_role;
SELECT count(*) AS faults FROM faults;
-- The change of another trigger is seen, whatever columns the statement names.
ALTER TABLE docs ADD COLUMN note text;
CREATE FUNCTION reembed() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.embedding := embed(length(NEW.note)); RETURN NEW; END';
CREATE TRIGGER a BEFORE UPDATE ON docs FOR EACH ROW WHEN (NEW.note IS NOT NULL) EXECUTE FUNCTION reembed();
CREATE TRIGGER z BEFORE UPDATE ON docs FOR EACH ROW WHEN (NEW.note IS NOT NULL) EXECUTE FUNCTION reembed();
UPDATE docs SET note = repeat('x', id) WHERE id BETWEEN 50 AND 60;
SELECT count(*) AS faults FROM faults;
-- Bad embeddings are refused as everywhere.
INSERT INTO docs VALUES (-7, '{1,2}');
INSERT INTO docs VALUES (-7, '{NaN,2,3,4,5,6,7,8}');

-- Other precisions, options and modes beside each other.
CALL quantize_column('docs', 'embedding', 'binary');
CALL quantize_column('docs', 'embedding', 'binary', 'learned', learn_thresholds => true);
CALL quantize_column('docs', 'embedding', 'ubinary', 'short', truncate_dim => 4);
CALL quantize_column('docs', 'embedding', 'uint8', quantile => 0.99, sample_rows => 500);
CALL quantize_column('docs', 'embedding', 'uint8', 'generated_one', mode => 'generated', ranges => (array_fill(-1::real, ARRAY[1, 8]) || array_fill(1::real, ARRAY[1, 8])));
INSERT INTO docs VALUES (-8, embed(-8));
SELECT q.quantized_column, "precision", dimensions, mode, state, rows_calibrated, quantile, ranges IS NOT NULL AS ranges, thresholds IS NOT NULL AS thresholds
FROM quantized_columns q ORDER BY quantized_attnum;
SELECT count(*) FILTER (WHERE embedding_bin IS DISTINCT FROM quantize_binary(embedding)) AS bin,
    count(*) FILTER (WHERE learned IS DISTINCT FROM quantize_binary(embedding, (SELECT thresholds FROM quantized_columns WHERE quantized_column = 'learned'))) AS learned,
    count(*) FILTER (WHERE short IS DISTINCT FROM quantize_binary(truncate_embeddings(embedding, 4))) AS short,
    count(*) FILTER (WHERE embedding_uint8 IS DISTINCT FROM quantize_uint8(embedding, (SELECT ranges FROM quantized_columns WHERE quantized_column = 'embedding_uint8'))) AS uint8,
    count(*) FILTER (WHERE generated_one IS DISTINCT FROM quantize_uint8(embedding, (SELECT ranges FROM quantized_columns WHERE quantized_column = 'generated_one'))) AS generated_one
FROM docs;

-- A trigger that was dropped or disabled is made again, and stale codes are found.
SELECT format('DROP TRIGGER %I ON docs', tgname) FROM pg_trigger WHERE tgname = 'zzz_quantize_embedding_int8' \gexec
UPDATE docs SET embedding = embed(id + 2) WHERE id BETWEEN 100 AND 200;
UPDATE docs SET embedding = NULL WHERE id = 201;
SELECT count(*) AS faults FROM faults;
CALL quantize_column('docs', 'embedding', 'int8');
SELECT count(*) AS faults FROM faults;
ALTER TABLE docs DISABLE TRIGGER zzz_quantize_embedding_int8;
INSERT INTO docs VALUES (-9, embed(-9));
CALL quantize_column('docs', 'embedding', 'int8');
INSERT INTO docs VALUES (-10, embed(-10));
SELECT count(*) AS faults FROM faults;

-- Dropped columns leave nothing behind.
DROP VIEW faults;
CALL drop_quantized_column('docs', 'embedding_int8');
CALL drop_quantized_column('docs', 'embedding_bin');
CALL drop_quantized_column('docs', 'learned');
CALL drop_quantized_column('docs', 'short');
CALL drop_quantized_column('docs', 'embedding_uint8');
CALL drop_quantized_column('docs', 'generated_one');
SELECT attname FROM pg_attribute WHERE attrelid = 'docs'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum;
SELECT proname FROM pg_proc WHERE proname LIKE 'quantize\_docs%';
SELECT count(*) FROM quantized_columns;

-- Other sources of floats, an empty table, and a first CALL that is interrupted by a bad row.
CREATE TABLE doubles (id integer PRIMARY KEY, embedding double precision[]);
INSERT INTO doubles VALUES (1, '{0.1,0.2}'), (2, '{0.3,-0.2}');
CALL quantize_column('doubles', 'embedding', 'int8');
SELECT * FROM doubles ORDER BY id;
CREATE TABLE empty (embedding real[]);
CALL quantize_column('empty', 'embedding', 'binary');
CALL quantize_column('empty', 'embedding', 'int8', ranges => '{{-1,-1},{1,1}}');
INSERT INTO empty VALUES ('{0.5,-0.5}');
SELECT * FROM empty;
SELECT quantized_column, dimensions, state FROM quantized_columns WHERE table_name = 'empty' ORDER BY 1;
CREATE TABLE bad (a integer, b text, embedding real[], PRIMARY KEY (b, a));
INSERT INTO bad VALUES (1, 'x', '{1,2}'), (2, 'y', '{1,2,3}'), (3, 'z', '{3,4}');
\set VERBOSITY default
CALL quantize_column('bad', 'embedding', 'int8', ranges => '{{0,0},{5,5}}');
SELECT state FROM quantized_columns WHERE table_name = 'bad';
UPDATE bad SET embedding = '{1,2}' WHERE a = 2;
CALL quantize_column('bad', 'embedding', 'int8');
SELECT state, (SELECT count(embedding_int8) FROM bad) AS codes FROM quantized_columns WHERE table_name = 'bad';
-- A trigger that suppresses updates that change nothing keeps the backfill from its work: it says so.
CREATE TABLE suppressed (embedding real[]);
INSERT INTO suppressed VALUES ('{1,2}');
CALL quantize_column('suppressed', 'embedding', 'binary');
ALTER TABLE suppressed DISABLE TRIGGER ALL;
UPDATE suppressed SET embedding_bin = NULL;
CREATE TRIGGER a BEFORE UPDATE ON suppressed FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
CALL quantize_column('suppressed', 'embedding', 'binary');
DROP TRIGGER a ON suppressed;
CALL quantize_column('suppressed', 'embedding', 'binary');
SELECT embedding_bin, state FROM suppressed, quantized_columns WHERE table_name = 'suppressed';
