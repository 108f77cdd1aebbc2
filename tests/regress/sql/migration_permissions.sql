-- Owners who are no superusers quantize their tables; others are refused, and see what they may read.
\set VERBOSITY default
SET client_min_messages = warning;
CREATE ROLE regress_quantize_owner;
CREATE ROLE regress_quantize_member IN ROLE regress_quantize_owner;
CREATE ROLE regress_quantize_other;
CREATE SCHEMA library AUTHORIZATION regress_quantize_owner;
GRANT USAGE ON SCHEMA library TO PUBLIC;

SET ROLE regress_quantize_owner;
CREATE TABLE library.docs (id integer PRIMARY KEY, embedding real[]);
INSERT INTO library.docs VALUES (1, '{1,2}'), (2, '{2,3}');
CALL quantize_column('library.docs', 'embedding', 'int8');
CALL requantize_column('library.docs', 'embedding_int8', ranges => '{{0,0},{5,5}}');
SELECT * FROM library.docs ORDER BY id;
SELECT table_name, owner::regrole, state FROM quantized_columns;
SELECT quantized_column, verdict FROM calibration_status('library.docs');

SET ROLE regress_quantize_other;
CALL quantize_column('library.docs', 'embedding', 'binary');
CALL requantize_column('library.docs', 'embedding_int8');
CALL drop_quantized_column('library.docs', 'embedding_int8');
-- Records of tables that one may not read are hidden, and not to be written.
SELECT count(*) FROM quantized_columns;
UPDATE quantize.quantized_columns SET ranges = NULL;
DELETE FROM quantize.quantized_columns;
DELETE FROM quantize.quantize_work;
INSERT INTO quantize.quantized_columns (table_schema, table_name, source_column, quantized_column, "precision", mode, state)
VALUES ('library', 'docs', 'embedding', 'forged', 'int8', 'trigger', 'ready');
RESET ROLE;
GRANT SELECT ON library.docs TO regress_quantize_other;
SET ROLE regress_quantize_other;
SELECT table_name, ranges FROM quantized_columns;
UPDATE quantize.quantized_columns SET ranges = NULL;
-- A writer who owns nothing triggers the trigger.
RESET ROLE;
GRANT INSERT ON library.docs TO regress_quantize_other;
SET ROLE regress_quantize_other;
INSERT INTO library.docs VALUES (3, '{2,2}');
SELECT embedding_int8 FROM library.docs WHERE id = 3;

-- A member of the owning role; a superuser, whose objects are the owner's.
SET ROLE regress_quantize_member;
CALL quantize_column('library.docs', 'embedding', 'binary');
RESET ROLE;
CALL quantize_column('library.docs', 'embedding', 'uint8');
SELECT proname, proowner::regrole FROM pg_proc WHERE pronamespace = 'library'::regnamespace ORDER BY 1;
SET ROLE regress_quantize_owner;
ALTER TABLE library.docs RENAME COLUMN embedding TO vector;
INSERT INTO library.docs (id, vector) VALUES (4, '{3,3}');
SELECT embedding_int8, embedding_bin, embedding_uint8 IS NOT NULL AS uint8 FROM library.docs WHERE id = 4;
CALL drop_quantized_column('library.docs', 'embedding_uint8');

-- A schema in which the owner may not create.
RESET ROLE;
ALTER SCHEMA library OWNER TO regress_quantize_other;
REVOKE ALL ON SCHEMA library FROM regress_quantize_owner;
GRANT USAGE ON SCHEMA library TO regress_quantize_owner;
SET ROLE regress_quantize_owner;
CALL quantize_column('library.docs', 'vector', 'uint8');
CALL quantize_column('library.docs', 'vector', 'uint8', mode => 'generated');

-- Row-level security that would hide rows from the backfill.
ALTER TABLE library.docs ENABLE ROW LEVEL SECURITY;
CALL quantize_column('library.docs', 'vector', 'binary', 'another', mode => 'generated');
ALTER TABLE library.docs FORCE ROW LEVEL SECURITY;
CALL quantize_column('library.docs', 'vector', 'binary', 'third', mode => 'generated');

-- The owner of the schema drops the table: the record goes too.
SET ROLE regress_quantize_other;
DROP TABLE library.docs;
RESET ROLE;
SELECT count(*) FROM quantized_columns;
DROP SCHEMA library CASCADE;
DROP ROLE regress_quantize_member;
DROP ROLE regress_quantize_owner;
DROP ROLE regress_quantize_other;
