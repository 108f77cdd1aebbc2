-- calibration_status: drift, dead dimensions, what mends it.
SET client_min_messages = warning;
CREATE TABLE docs (id integer PRIMARY KEY, embedding real[]);
-- Dimension 3 is dead: noise of 1e-8.
CREATE FUNCTION embed(seed integer, scale real) RETURNS real[] LANGUAGE sql AS
    'SELECT array_agg((CASE i WHEN 3 THEN 1e-8 * sin(seed) ELSE scale * sin(seed * 7 + i * i) END)::real ORDER BY i) FROM generate_series(1, 8) i';
INSERT INTO docs SELECT i, embed(i, 1) FROM generate_series(1, 2000) i;
SELECT * FROM calibration_status('docs');
CALL quantize_column('docs', 'embedding', 'int8');
CALL quantize_column('docs', 'embedding', 'uint8', quantile => 0.99);
CALL quantize_column('docs', 'embedding', 'binary');
CREATE VIEW status AS SELECT quantized_column, state, rows_sampled, codes_missing, round(share_outside::numeric, 2) AS outside,
    worst_dimensions -> 0 -> 'dimension' AS worst, dead_dimensions, verdict, remedy FROM calibration_status('docs', 1000);
SELECT quantized_column, rows_sampled, codes_missing, outside, dead_dimensions, split_part(verdict, ':', 1) AS verdict, remedy FROM status;

-- Noise in a dead dimension is no drift.
INSERT INTO docs SELECT i, embed(i, 1) FROM generate_series(2001, 3000) i;
UPDATE docs SET embedding[3] = 1e-6 WHERE id > 2000;
SELECT quantized_column, outside, verdict FROM status WHERE quantized_column = 'embedding_int8';
-- Recent rows that lie farther out: some dimensions, then all.
INSERT INTO docs SELECT i, embed(i, 1) FROM generate_series(3001, 4000) i;
UPDATE docs SET embedding[5] = embedding[5] * 1.1 WHERE id > 3900;
SELECT quantized_column, outside, worst, verdict, remedy FROM status WHERE quantized_column = 'embedding_int8';
INSERT INTO docs SELECT i, embed(i, 2) FROM generate_series(4001, 5000) i;
SELECT quantized_column, outside > 0.4 AS far_outside, worst IS NOT NULL AS worst, split_part(verdict, ':', 1) AS verdict, remedy FROM status;
-- The remedy mends it.
SELECT rtrim(remedy, ';') AS remedy FROM status WHERE quantized_column = 'embedding_int8' \gset
:remedy;
SELECT quantized_column, outside, verdict, remedy FROM status WHERE quantized_column = 'embedding_int8';
-- By another column, by the end of the table, of partitions.
SELECT rows_sampled, codes_missing FROM calibration_status('docs', 100, 'id') LIMIT 1;
ALTER TABLE docs DROP CONSTRAINT docs_pkey;
SELECT rows_sampled > 0 AS sampled FROM calibration_status('docs', 100) LIMIT 1;

-- Triggers that are gone or asleep, codes that are missing or stale.
ALTER TABLE docs DISABLE TRIGGER zzz_quantize_embedding_bin;
INSERT INTO docs SELECT i, embed(i, 1) FROM generate_series(5001, 5010) i;
UPDATE docs SET embedding = embed(id, -1) WHERE id BETWEEN 4991 AND 5000;
SELECT quantized_column, verdict, remedy FROM calibration_status('docs', 1000, 'id') WHERE quantized_column = 'embedding_bin';
ALTER TABLE docs ENABLE TRIGGER zzz_quantize_embedding_bin;
SELECT quantized_column, verdict FROM calibration_status('docs', 1000, 'id') WHERE quantized_column = 'embedding_bin';

-- Codes that tell next to nothing: a warning before the column is filled, and a verdict with the statement that mends it.
CREATE TABLE pos (id integer PRIMARY KEY, embedding real[]);
INSERT INTO pos SELECT i, ARRAY(SELECT (1.01 + sin(i * 7 + k * k))::real FROM generate_series(1, 8) k) FROM generate_series(1, 400) i;
CREATE VIEW worth AS SELECT quantized_column, verdict, remedy FROM calibration_status('pos');
-- Bits of embeddings that are all positive.
CALL quantize_column('pos', 'embedding', 'binary', 'signs');
SELECT count(DISTINCT signs), (SELECT verdict FROM worth), (SELECT remedy FROM worth) FROM pos;
SELECT rtrim(remedy, ';') AS remedy FROM worth \gset
:remedy;
SELECT count(DISTINCT signs) > 20 AS many, (SELECT verdict FROM worth), (SELECT remedy FROM worth) FROM pos;
CALL drop_quantized_column('pos', 'signs');
-- Thresholds that most values are above.
CALL quantize_column('pos', 'embedding', 'ubinary', 'low', thresholds => array_fill(0.0103::real, ARRAY[8]));
CALL drop_quantized_column('pos', 'low');
-- Learned ones do, generated too.
CALL quantize_column('pos', 'embedding', 'binary', 'learned', learn_thresholds => true, mode => 'generated');
SELECT * FROM worth;
CALL drop_quantized_column('pos', 'learned');
-- Ranges far wider than the data, far beside them, far narrower.
CALL quantize_column('pos', 'embedding', 'int8', 'wide', ranges => array_fill(-1e6::real, ARRAY[1, 8]) || array_fill(1e6::real, ARRAY[1, 8]));
CALL quantize_column('pos', 'embedding', 'uint8', 'beside', ranges => array_fill(50::real, ARRAY[1, 8]) || array_fill(60::real, ARRAY[1, 8]));
CALL quantize_column('pos', 'embedding', 'int8', 'narrow', ranges => array_fill(1::real, ARRAY[1, 8]) || array_fill(1.0001::real, ARRAY[1, 8]));
SELECT * FROM worth ORDER BY 1;
SELECT rtrim(remedy, ';') AS remedy FROM worth WHERE quantized_column = 'wide' \gset
:remedy;
SELECT verdict FROM worth WHERE quantized_column = 'wide';
CALL drop_quantized_column('pos', 'wide');
CALL drop_quantized_column('pos', 'beside');
CALL drop_quantized_column('pos', 'narrow');
-- One row far out stretches the ranges of all: cut it off.
UPDATE pos SET embedding = array_fill(4000::real, ARRAY[8]) WHERE id = 1;
CALL quantize_column('pos', 'embedding', 'int8', 'stretched');
SELECT rtrim(remedy, ';') AS remedy FROM worth \gset
:remedy;
SELECT verdict FROM worth;
CALL drop_quantized_column('pos', 'stretched');
-- Embeddings that are all the same; few rows, of which nothing can be said; none.
UPDATE pos SET embedding = '{1,2,3,4,5,6,7,8}';
CALL quantize_column('pos', 'embedding', 'int8', 'same');
SELECT * FROM worth;
DELETE FROM pos WHERE id > 10;
SELECT verdict, remedy FROM worth;
DELETE FROM pos;
SELECT verdict, remedy FROM worth;
-- A row that cannot be quantized: the backfill names it, and so does the calibration; the status speaks of it.
CREATE TABLE bad (id integer PRIMARY KEY, embedding real[]);
INSERT INTO bad SELECT i, ARRAY[sin(i), cos(i)]::real[] FROM generate_series(1, 50) i;
UPDATE bad SET embedding = '{1,NaN}' WHERE id = 30;
CALL quantize_column('bad', 'embedding', 'int8');
CALL quantize_column('bad', 'embedding', 'binary');
SELECT verdict, remedy FROM calibration_status('bad');
UPDATE bad SET embedding = '{1,2,3}' WHERE id = 30;
CALL quantize_column('bad', 'embedding', 'uint8');
-- The end of a table may hold dead rows only.
CREATE TABLE hollow AS SELECT i AS id, ARRAY[sin(i), cos(i)]::real[] AS embedding FROM generate_series(1, 3000) i;
CALL quantize_column('hollow', 'embedding', 'int8');
DELETE FROM hollow WHERE id > 500;
SELECT rows_sampled > 0 AS sampled, verdict FROM calibration_status('hollow', 10);
-- What a backfill expects is embeddings: neither dead rows, nor rows without one, whatever the statistics say.
CREATE TABLE bloated (id integer PRIMARY KEY, embedding real[]) WITH (autovacuum_enabled = off);
INSERT INTO bloated SELECT i, ARRAY[sin(i), cos(i)]::real[] FROM generate_series(1, 1000) i;
ANALYZE bloated;
UPDATE bloated SET id = -id;
UPDATE bloated SET id = -id;
UPDATE bloated SET embedding = NULL WHERE id <= 100;
DELETE FROM bloated WHERE id > 800;
UPDATE bloated SET embedding = '{1,NaN}' WHERE id = 500;
CALL quantize_column('bloated', 'embedding', 'binary');
SELECT rows_done, rows_expected, percent < 100 AS not_all, active FROM quantize_progress WHERE table_name = 'bloated';
