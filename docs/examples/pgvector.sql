-- From pgvector's indexes to qivf, both sides. Run as a test.
CREATE EXTENSION IF NOT EXISTS vector;
CREATE EXTENSION IF NOT EXISTS pg_quantize;
CREATE EXTENSION IF NOT EXISTS pg_quantize_vector;

CREATE TABLE items (id int PRIMARY KEY, embedding vector(32));
SELECT setseed(0.5);
INSERT INTO items
SELECT n, array_agg(random() - 0.5 ORDER BY i)::real[]::vector(32)
FROM generate_series(1, 5000) AS n, generate_series(1, 32) AS i GROUP BY n;
ANALYZE items;
SELECT embedding AS query FROM items WHERE id = 42 \gset

-- Before.
CREATE INDEX items_hnsw ON items USING hnsw (embedding vector_cosine_ops);
SELECT id FROM items ORDER BY embedding <=> :'query' LIMIT 5;

-- After: the same query.
CREATE INDEX items_qivf ON items USING qivf (embedding vector_cosine_ops);
DROP INDEX items_hnsw;
-- So few short vectors, and at random, are read from end to end about as fast.
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY embedding <=> :'query' LIMIT 5;
SELECT id FROM items ORDER BY embedding <=> :'query' LIMIT 5;

-- binary_quantize, a bit index, and re-ranking by hand …
CREATE INDEX items_bits ON items USING hnsw ((binary_quantize(embedding)::bit(32)) bit_hamming_ops);
SELECT id FROM (
    SELECT id, embedding FROM items
    ORDER BY binary_quantize(embedding)::bit(32) <~> binary_quantize(:'query'::vector) LIMIT 40
) AS candidates
ORDER BY embedding <=> :'query' LIMIT 1;
DROP INDEX items_bits;

-- … and a float query against stored bits.
CALL quantize_column('items', 'embedding', 'binary');
SELECT (doc).id FROM semantic_search(NULL::items, :'query'::vector, 1);
