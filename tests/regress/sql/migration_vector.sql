-- requires: vector
-- Columns of pgvector's types are sources as they are.
SET client_min_messages = warning;
CREATE TABLE docs (id integer PRIMARY KEY, embedding vector(3), half halfvec(3));
INSERT INTO docs SELECT i, ARRAY[sin(i), cos(i), 0.1 * sin(3 * i)]::vector, ARRAY[sin(i), cos(i), 0.1 * sin(3 * i)]::vector::halfvec FROM generate_series(1, 500) i;
CALL quantize_column('docs', 'embedding', 'int8', batch_rows => 50);
CALL quantize_column('docs', 'half', 'binary');
CALL quantize_column('docs', 'half', 'uint8', mode => 'generated');
CALL quantize_column('docs', 'embedding', 'binary', truncate_dim => 2);
INSERT INTO docs VALUES (0, '[0.5,-0.5,0.05]', '[0.5,-0.5,0.05]');
UPDATE docs SET embedding = '[0.25,-0.5,0.05]' WHERE id = 1;
SELECT count(*) AS rows, count(*) FILTER (WHERE embedding_int8 = quantize_int8(embedding, (SELECT ranges FROM quantized_columns WHERE quantized_column = 'embedding_int8'))) AS int8,
    count(*) FILTER (WHERE half_bin = quantize_binary(half::real[])) AS binary,
    count(*) FILTER (WHERE half_uint8 = quantize_uint8(half::real[], (SELECT ranges FROM quantized_columns WHERE quantized_column = 'half_uint8'))) AS uint8,
    count(*) FILTER (WHERE embedding_bin = quantize_binary(truncate_embeddings(embedding, 2))) AS truncated
FROM docs;
SELECT quantized_column, dimensions, state FROM quantized_columns ORDER BY quantized_attnum;
CALL requantize_column('docs', 'embedding_int8', quantile => 0.99);
SELECT quantized_column, verdict FROM calibration_status('docs', 100);
