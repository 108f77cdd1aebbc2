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
