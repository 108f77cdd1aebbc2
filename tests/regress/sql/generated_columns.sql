-- Generated columns keep codes current; defaults, checks, triggers and statistics may use the functions too.
CREATE TABLE docs (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    embedding real[] NOT NULL CHECK (cardinality(embedding) = 4),
    b binvec(4) GENERATED ALWAYS AS (quantize_binary(embedding)) STORED,
    i int8vec(4) GENERATED ALWAYS AS (quantize_int8(embedding, '{{-1,-1,-1,-1},{1,1,1,1}}')) STORED,
    short binvec(2) GENERATED ALWAYS AS (truncate_embeddings(quantize_binary(embedding), 2)) STORED,
    q quantized GENERATED ALWAYS AS (quantize_embeddings(embedding, 'uint8', '{{-1,-1,-1,-1},{1,1,1,1}}')) STORED,
    typed uint8vec(4) GENERATED ALWAYS AS (quantize_embeddings(embedding, 'uint8', '{{-1,-1,-1,-1},{1,1,1,1}}')) STORED
);
INSERT INTO docs (embedding) VALUES ('{0.5,-0.5,0.25,-0.25}'), ('{1,1,1,1}'), ('{-1,-1,-1,-0.99}');
SELECT * FROM docs ORDER BY id;
UPDATE docs SET embedding = '{-0.1,0.1,-0.1,0.1}' WHERE id = 2 RETURNING b, i, short, q, typed;
INSERT INTO docs (embedding) VALUES ('{1,2,3,NaN}');
INSERT INTO docs (embedding, b) VALUES ('{1,2,3,4}', '0000');
UPDATE docs SET b = '0000';
INSERT INTO docs (embedding) VALUES ('{1,2,3,4,5}');
-- Added later: the table is rewritten.
ALTER TABLE docs ADD unit real[] GENERATED ALWAYS AS (normalize_embeddings(embedding)) STORED, ADD norm float8 GENERATED ALWAYS AS (l2_distance(embedding, '{0,0,0,0}'::real[])) STORED;
SELECT id, unit, norm::numeric(6, 4) FROM docs ORDER BY id;
SELECT id FROM docs ORDER BY b <~> quantize_embeddings('{1,-1,1,-1}', 'binary'), id;
SELECT id FROM docs ORDER BY i <#> '{0.1,0.5,0.1,0.5}'::real[], id LIMIT 2;
-- A column of another dimension than its expression is refused when a row comes.
CREATE TABLE wrong (embedding real[], b binvec(5) GENERATED ALWAYS AS (quantize_binary(embedding)) STORED);
INSERT INTO wrong VALUES ('{1,2,3,4}');
INSERT INTO wrong VALUES (NULL);
SELECT * FROM wrong;
-- Inherited and partitioned.
CREATE TABLE parts (id int, embedding real[], b binvec GENERATED ALWAYS AS (quantize_binary(embedding)) STORED) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
INSERT INTO parts VALUES (1, '{1,-1}');
SELECT * FROM part_1;
-- CHECK, DEFAULT, extended statistics, row-level security.
CREATE TABLE checked (v int8vec DEFAULT '[0,0]' CHECK (vector_dims(v) = 2 AND v <> '[1,1]'));
INSERT INTO checked DEFAULT VALUES;
INSERT INTO checked VALUES ('[1,1]');
INSERT INTO checked VALUES ('[1]');
CREATE STATISTICS docs_stat ON (quantize_binary(embedding)), b FROM docs;
ANALYZE docs;
SELECT * FROM checked;
