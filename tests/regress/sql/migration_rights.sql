-- Records that somebody wrote by hand, and roles who may not use the extension's schema: nothing runs with more rights than
-- those of its caller, and functions that are not ours stay as they are.
\set VERBOSITY default
SET client_min_messages = warning;
DROP EXTENSION pg_quantize;
CREATE SCHEMA extensions;
CREATE EXTENSION pg_quantize SCHEMA extensions;
CREATE ROLE regress_rights_mallory;
CREATE ROLE regress_rights_owner;
CREATE ROLE regress_rights_writer;
GRANT CREATE ON SCHEMA public TO regress_rights_mallory, regress_rights_owner;
GRANT USAGE ON SCHEMA extensions TO regress_rights_mallory, regress_rights_owner;

-- A superuser's function, and one of mallory's triggers that calls it with the id of a record that she has written.
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$
-- Written by pg_quantize for quantized column 11111111-1111-1111-1111-111111111111; CALL requantize_column changes the calibration.
BEGIN RETURN NEW; END $$;
CREATE FUNCTION audited() RETURNS boolean LANGUAGE sql AS
    $$ SELECT count(*) = 1 FROM pg_proc WHERE proname = 'audit' AND prosrc LIKE '%BEGIN RETURN NEW; END%' $$;
SET ROLE regress_rights_mallory;
CREATE TABLE hers (embedding real[], code extensions.int8vec, spare integer);
CREATE TRIGGER audit BEFORE INSERT ON hers FOR EACH ROW EXECUTE FUNCTION audit('11111111-1111-1111-1111-111111111111');
INSERT INTO quantize.quantized_columns (quantized_column_id, table_schema, table_name, source_column, quantized_column, "precision", ranges, mode, state)
VALUES ('11111111-1111-1111-1111-111111111111', 'public', 'hers', 'embedding', 'code', 'int8', '{{0},{1}}', 'trigger', 'ready');
ALTER EVENT TRIGGER pg_quantize_follow_alter DISABLE;
RESET ROLE;
ALTER EVENT TRIGGER pg_quantize_follow_alter DISABLE;
SET ROLE regress_rights_mallory;
ALTER TABLE hers RENAME COLUMN embedding TO "quoted "" $$ '%I' \";
RESET ROLE;
ALTER EVENT TRIGGER pg_quantize_follow_alter ENABLE;
CREATE TABLE unrelated (a integer);
ALTER TABLE unrelated ADD COLUMN b integer;
SELECT source_column FROM extensions.quantized_columns;
SELECT audited();
-- Not by the procedures either.
CALL extensions.quantize_column('hers', 'quoted " $$ ''%I'' \', 'int8', 'code');
SELECT audited(), tgname, tgfoid::regproc FROM pg_trigger WHERE tgrelid = 'hers'::regclass ORDER BY 2;
CALL extensions.drop_quantized_column('hers', 'code');
SELECT audited(), tgname FROM pg_trigger WHERE tgrelid = 'hers'::regclass ORDER BY 2;
-- Nor when a table goes whose record names the function.
SET ROLE regress_rights_mallory;
ALTER TABLE hers ADD COLUMN code extensions.int8vec;
INSERT INTO quantize.quantized_columns (quantized_column_id, table_schema, table_name, source_column, quantized_column, "precision", ranges, mode, state)
VALUES ('11111111-1111-1111-1111-111111111111', 'public', 'hers', 'spare', 'code', 'int8', '{{0},{1}}', 'trigger', 'ready');
RESET ROLE;
DROP TABLE hers;
SELECT audited(), count(*) FROM extensions.quantized_columns;

-- No record is about a table that is not there, or is another's; it does not move.
SET ROLE regress_rights_owner;
CREATE TABLE docs (id integer PRIMARY KEY, embedding real[]);
INSERT INTO docs SELECT i, ARRAY[sin(i), cos(i)]::real[] FROM generate_series(1, 20) i;
CALL extensions.quantize_column('docs', 'embedding', 'int8');
SET ROLE regress_rights_mallory;
INSERT INTO quantize.quantized_columns (table_schema, table_name, source_column, quantized_column, "precision", mode, state, table_oid, owner)
VALUES ('public', 'not yet', 'a', 'b', 'int8', 'trigger', 'ready', 4000000000, 10),
    ('public', 'docs', 'embedding', 'embedding_int8', 'int8', 'trigger', 'ready', 4000000000, 10);
CREATE TABLE mine (a real[], b extensions.int8vec, c extensions.int8vec);
INSERT INTO quantize.quantized_columns (table_schema, table_name, source_column, quantized_column, "precision", mode, state, table_oid, owner)
VALUES ('public', 'mine', 'a', 'b', 'int8', 'trigger', 'ready', 4000000000, 10);
UPDATE quantize.quantized_columns SET table_oid = 4000000000, table_name = 'docs', source_attnum = 3, quantized_attnum = 3, next_attnum = 1, owner = 10,
    quantized_column = 'c', quantized_column_id = (SELECT gen_random_uuid()) WHERE table_name = 'mine';
SELECT table_name, table_oid::regclass, source_column, quantized_column, source_attnum, quantized_attnum, next_attnum, owner::regrole
FROM extensions.quantized_columns WHERE table_name = 'mine';
SELECT count(*) FROM extensions.quantized_columns;
UPDATE extensions.quantized_columns SET state = 'ready';
-- Neither does one who is told the id of a record change it.
DELETE FROM quantize.quantized_columns WHERE table_name = 'docs';
RESET ROLE;
SELECT table_name, state FROM extensions.quantized_columns ORDER BY 1;

-- A role who may not use the extension's schema: no warning, no error.
GRANT SELECT, INSERT, UPDATE ON docs TO regress_rights_writer;
SET ROLE regress_rights_writer;
SELECT extensions.quantize_binary('{1}');
INSERT INTO docs VALUES (21, '{0.5,0.5}') RETURNING embedding_int8;
UPDATE docs SET embedding = '{0.1,0.2}' WHERE id = 21 RETURNING embedding_int8;
COPY docs (id, embedding) FROM stdin;
22	{0.3,0.3}
\.
SELECT embedding_int8 FROM docs WHERE id = 22;
CREATE TEMPORARY TABLE scratch (a integer);
ALTER TABLE scratch ADD COLUMN b integer;
ALTER TABLE scratch DROP COLUMN a;
DROP TABLE scratch;
-- Nor where nobody may use the schema of the internals.
RESET ROLE;
REVOKE USAGE ON SCHEMA quantize FROM PUBLIC;
SET ROLE regress_rights_writer;
CREATE TEMPORARY TABLE scratch (a integer, b integer);
ALTER TABLE scratch DROP COLUMN a;
DROP TABLE scratch;
RESET ROLE;
GRANT USAGE ON SCHEMA quantize TO PUBLIC;

-- The function follows the table to another owner.
ALTER TABLE docs OWNER TO regress_rights_mallory;
SELECT proowner::regrole FROM pg_proc WHERE proname = 'quantize_docs_embedding_int8';
ALTER TABLE docs RENAME COLUMN embedding TO vector;
INSERT INTO docs (id, vector) VALUES (23, '{0.5,0.5}') RETURNING embedding_int8;
SELECT quantized_column, verdict FROM extensions.calibration_status('docs');

DROP TABLE docs, mine, unrelated;
SELECT count(*) FROM quantize.quantized_columns;
SELECT proname FROM pg_proc WHERE proname LIKE 'quantize_docs%';
DROP OWNED BY regress_rights_mallory, regress_rights_owner;
DROP ROLE regress_rights_mallory;
DROP ROLE regress_rights_owner;
DROP ROLE regress_rights_writer;
