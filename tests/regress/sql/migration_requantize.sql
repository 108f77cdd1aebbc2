-- requantize_column: another calibration, by a second column that takes the first one's place.
\set VERBOSITY default
SET client_min_messages = warning;
CREATE TABLE docs (id integer PRIMARY KEY, embedding real[]);
INSERT INTO docs SELECT i, ARRAY[sin(i), cos(i)]::real[] FROM generate_series(1, 2000) i;
CREATE VIEW faults AS SELECT d.id FROM docs d, quantized_columns q
WHERE q.table_name = 'docs' AND to_jsonb(d) ->> 'embedding_int8' IS DISTINCT FROM quantize_int8(embedding, q.ranges)::text;

CALL quantize_column('docs', 'embedding', 'int8', quantile => 0.9);
CALL requantize_column('docs', 'embedding_int8', ranges => '{{-2,-2},{2,2}}');
SELECT quantized_column, ranges, quantile, rows_calibrated, state, next_column, (SELECT count(*) FROM faults) AS faults FROM quantized_columns;
-- On the data of today, with the recorded quantile unless another is given.
UPDATE docs SET embedding = ARRAY[3 * sin(id), cos(id)]::real[];
CALL requantize_column('docs', 'embedding_int8');
SELECT ranges = (SELECT calibrate_ranges(embedding) FROM docs) AS exact, quantile, rows_calibrated, (SELECT count(*) FROM faults) AS faults FROM quantized_columns;
CALL requantize_column('docs', 'embedding_int8', quantile => 0.99);
SELECT ranges = (SELECT calibrate_ranges(embedding, 0.99) FROM docs) AS exact, quantile, (SELECT count(*) FROM faults) AS faults FROM quantized_columns;

-- What belongs to the column is kept: comment, privileges, storage.
CREATE ROLE regress_quantize_reader;
COMMENT ON COLUMN docs.embedding_int8 IS 'codes';
GRANT SELECT (embedding_int8), UPDATE (embedding_int8) ON docs TO regress_quantize_reader WITH GRANT OPTION;
ALTER TABLE docs ALTER COLUMN embedding_int8 SET STORAGE MAIN;
-- Indexes are built beside it first, without a lock that would stop writers.
CREATE INDEX by_code ON docs USING hash (embedding_int8);
CREATE INDEX by_both ON docs (id, embedding_int8) WHERE embedding_int8 IS NOT NULL;
CALL requantize_column('docs', 'embedding_int8', ranges => '{{-4,-4},{4,4}}');
SELECT state, next_column, next_ranges, (SELECT count(*) FROM faults) AS faults FROM quantized_columns;
SELECT statement, next_index IS NOT NULL AS there FROM quantize.quantized_columns q, quantize.indexes(q) ORDER BY 1;
-- Both columns are kept, and another calibration has to wait.
INSERT INTO docs VALUES (-1, '{1,1}');
SELECT embedding_int8, next_embedding_int8 FROM docs WHERE id = -1;
CALL requantize_column('docs', 'embedding_int8', ranges => '{{-5,-5},{5,5}}');
CALL quantize_column('docs', 'embedding', 'int8');
CREATE INDEX CONCURRENTLY ON public.docs USING hash (next_embedding_int8);
CREATE INDEX CONCURRENTLY ON public.docs USING btree (id, next_embedding_int8) WHERE (next_embedding_int8 IS NOT NULL);
CALL requantize_column('docs', 'embedding_int8');
SELECT quantized_column, ranges, state, next_column, next_ranges, (SELECT count(*) FROM faults) AS faults FROM quantized_columns;
SELECT indexrelid::regclass, indisvalid FROM pg_index WHERE indrelid = 'docs'::regclass ORDER BY 1::text;
SELECT attname, attstorage, attacl, col_description(attrelid, attnum) FROM pg_attribute
WHERE attrelid = 'docs'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum;
INSERT INTO docs VALUES (-2, '{1,1}');
SELECT embedding_int8 FROM docs WHERE id = -2;

-- Abandoned: drop the next column.
CALL requantize_column('docs', 'embedding_int8', ranges => '{{-5,-5},{5,5}}');
SELECT state FROM quantized_columns;
ALTER TABLE docs DROP COLUMN next_embedding_int8;
INSERT INTO docs VALUES (-3, '{1,1}');
SELECT state, ranges, next_column, (SELECT count(*) FROM faults) AS faults FROM quantized_columns;

-- The column may go in the middle of it.
CALL requantize_column('docs', 'embedding_int8', ranges => '{{-5,-5},{5,5}}');
CALL drop_quantized_column('docs', 'embedding_int8');
SELECT attname FROM pg_attribute WHERE attrelid = 'docs'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum;

-- A generated column, thresholds.
CALL quantize_column('docs', 'embedding', 'int8', mode => 'generated');
CALL requantize_column('docs', 'embedding_int8', ranges => '{{-6,-6},{6,6}}');
SELECT ranges, state, (SELECT count(*) FROM faults) AS faults FROM quantized_columns;
SELECT attname, attgenerated FROM pg_attribute WHERE attrelid = 'docs'::regclass AND attname ~ 'int8' AND NOT attisdropped;
CALL quantize_column('docs', 'embedding', 'binary');
CALL requantize_column('docs', 'embedding_bin', learn_thresholds => true);
SELECT thresholds = (SELECT calibrate_thresholds(embedding) FROM docs) AS exact, rows_calibrated FROM quantized_columns WHERE "precision" = 'binary';
CALL requantize_column('docs', 'embedding_bin', thresholds => '{0.5,0.5}');
SELECT count(*) FROM docs WHERE embedding_bin IS DISTINCT FROM quantize_binary(embedding, '{0.5,0.5}');
DROP OWNED BY regress_quantize_reader;
DROP ROLE regress_quantize_reader;
