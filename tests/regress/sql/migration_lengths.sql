-- quantized_columns.unit_length: known where every row has come past the trigger.
SET client_min_messages = warning;
\set VERBOSITY default
CREATE TABLE unit (id integer PRIMARY KEY, embedding real[]);
INSERT INTO unit SELECT i, normalize_embeddings(ARRAY[sin(i), cos(i), sin(3 * i)]::real[]) FROM generate_series(1, 300) i;
INSERT INTO unit VALUES (0, NULL);
CREATE VIEW known AS SELECT table_name, quantized_column, unit_length FROM quantized_columns ORDER BY 1, 2;
CALL quantize_column('unit', 'embedding', 'int8');
CALL quantize_column('unit', 'embedding', 'int8', 'short', truncate_dim => 2);
CALL quantize_column('unit', 'embedding', 'int8', 'generated', mode => 'generated');
SELECT * FROM known;
-- Unit but for rounding stays; a transaction that rolls back leaves nothing; a row of another length is noted at once.
INSERT INTO unit VALUES (1001, '{0.57735,0.57735,0.57735}'), (1002, NULL);
BEGIN;
UPDATE unit SET embedding = '{1,1,1}' WHERE id = 1;
SELECT * FROM known;
ROLLBACK;
SELECT * FROM known;
-- By a role who may insert, and nothing else. Every row after the first costs a look, and no more is written.
CREATE ROLE regress_lengths_writer;
GRANT INSERT ON unit TO regress_lengths_writer;
SET ROLE regress_lengths_writer;
INSERT INTO unit VALUES (1003, '{2,0,0}'), (1004, '{3,0,0}');
INSERT INTO unit VALUES (1005, '{4,0,0}');
INSERT INTO quantize.other_lengths SELECT gen_random_uuid();
DELETE FROM quantize.other_lengths;
RESET ROLE;
GRANT SELECT ON unit TO regress_lengths_writer;
SET ROLE regress_lengths_writer;
SELECT quantized_column, unit_length FROM quantized_columns ORDER BY 1;
RESET ROLE;
SELECT count(*) FROM quantize.other_lengths;
SELECT * FROM known;
DROP OWNED BY regress_lengths_writer;
DROP ROLE regress_lengths_writer;
-- A zero vector has no length to be normalized to.
INSERT INTO unit VALUES (1006, '{0,0,1}');
SELECT * FROM known;
CALL drop_quantized_column('unit', 'embedding_int8');
CALL drop_quantized_column('unit', 'short');
SELECT tgname FROM pg_trigger WHERE tgrelid = 'unit'::regclass;
SELECT count(*) FROM quantize.other_lengths;
-- Known to be of other lengths from the start; among many unit rows, by the backfill.
CALL quantize_column('unit', 'embedding', 'int8');
SELECT * FROM known WHERE quantized_column = 'embedding_int8';
CALL drop_quantized_column('unit', 'embedding_int8');
CREATE TABLE late AS SELECT i AS id, normalize_embeddings(ARRAY[sin(i), cos(i)]::real[]) AS embedding FROM generate_series(1, 5000) i;
INSERT INTO late VALUES (5001, '{5,5}');
CALL quantize_column('late', 'embedding', 'int8');
SELECT * FROM known WHERE table_name = 'late';
-- Nothing is known without the trigger, or when rows may have come past it; nothing is lost by a new calibration.
UPDATE unit SET embedding = normalize_embeddings(embedding);
CALL quantize_column('unit', 'embedding', 'int8');
CALL requantize_column('unit', 'embedding_int8', ranges => '{{-1,-1,-1},{1,1,1}}');
SELECT * FROM known WHERE quantized_column = 'embedding_int8' AND table_name = 'unit';
ALTER TABLE unit DISABLE TRIGGER zzz_quantize_length_embedding_int8;
SELECT * FROM known WHERE quantized_column = 'embedding_int8' AND table_name = 'unit';
ALTER TABLE unit ENABLE TRIGGER zzz_quantize_length_embedding_int8;
SELECT * FROM known WHERE quantized_column = 'embedding_int8' AND table_name = 'unit';
DROP TRIGGER zzz_quantize_embedding_int8 ON unit;
CALL quantize_column('unit', 'embedding', 'int8');
SELECT * FROM known WHERE quantized_column = 'embedding_int8' AND table_name = 'unit';
-- A table that grows from nothing; partitions.
CREATE TABLE grows (id integer, embedding real[]) PARTITION BY RANGE (id);
CREATE TABLE grows_1 PARTITION OF grows FOR VALUES FROM (0) TO (100);
CALL quantize_column('grows', 'embedding', 'int8', ranges => '{{-1,-1},{1,1}}');
INSERT INTO grows SELECT i, normalize_embeddings(ARRAY[sin(i), cos(i)]::real[]) FROM generate_series(1, 50) i;
SELECT * FROM known WHERE table_name = 'grows';
CREATE TABLE grows_2 PARTITION OF grows FOR VALUES FROM (100) TO (200);
INSERT INTO grows_2 VALUES (100, '{1,1}');
SELECT * FROM known WHERE table_name = 'grows';
ALTER TABLE grows RENAME COLUMN embedding TO vector;
INSERT INTO grows VALUES (101, '{1,1}');
-- The function writes only about the table that fires it.
CREATE TABLE other (embedding real[]);
DO $$ BEGIN
    EXECUTE format('CREATE TRIGGER forged AFTER INSERT ON other FOR EACH ROW EXECUTE FUNCTION quantize.note_length(%L)',
        (SELECT quantized_column_id FROM quantized_columns WHERE table_name = 'unit' AND quantized_column = 'embedding_int8'));
END $$;
INSERT INTO other VALUES ('{7}');
SELECT count(*) FROM quantize.other_lengths o JOIN quantized_columns q USING (quantized_column_id) WHERE table_name = 'unit';
-- The trigger goes once it has told what it can.
SELECT tgname FROM pg_trigger WHERE tgrelid = 'late'::regclass ORDER BY 1;
CALL quantize_column('late', 'embedding', 'int8');
SELECT tgname FROM pg_trigger WHERE tgrelid = 'late'::regclass ORDER BY 1;
SELECT * FROM known WHERE table_name = 'late';
-- A search follows: one that it has planned for unit vectors is planned anew when a row of another length arrives.
CREATE TABLE searched AS SELECT i AS id, normalize_embeddings(ARRAY[sin(i), cos(i)]::real[]) AS embedding FROM generate_series(1, 100) i;
CALL quantize_column('searched', 'embedding', 'int8', ranges => '{{-10,-10},{10,10}}');
CREATE FUNCTION by_scaled_query() RETURNS boolean LANGUAGE sql AS
    $$ SELECT semantic_search_sql(NULL::searched, '{1,0}', 3, metric => 'l2') ~ 'scale_query' $$;
SELECT by_scaled_query();
SELECT (doc).id FROM semantic_search(NULL::searched, '{0,9}', 2, metric => 'l2', rescore => false);
INSERT INTO searched VALUES (1000, '{0,9}');
SELECT by_scaled_query();
SELECT (doc).id FROM semantic_search(NULL::searched, '{0,9}', 1, metric => 'l2', rescore => false);
