-- Retrieval-augmented generation in SQL: chunks with texts, a metadata filter, semantic and full-text search fused, the
-- prompt's context put together. Run it with psql; docs/rag.md walks through it, and a test runs it.

CREATE EXTENSION IF NOT EXISTS pg_quantize;

-- Your embedding model runs in the application, which passes its vectors as parameters. So that this file runs by itself,
-- a function stands in for the model: each word stem is a fixed random vector of 128 dimensions, a text the sum of its own.
CREATE FUNCTION embed(content text) RETURNS real[] IMMUTABLE LANGUAGE sql AS $$
    SELECT normalize_embeddings(array_agg(value::real ORDER BY i))
    FROM (
        SELECT i, sum(2 * get_bit(decode(md5(stem), 'hex'), i) - 1) + 0.5 AS value
        FROM unnest(tsvector_to_array(to_tsvector('english', content))) AS stem, generate_series(0, 127) AS i
        GROUP BY i
    ) AS dimensions
$$;

-- Chunks: the text, where it comes from, what to filter by, the float embedding, its sign bits, its words.
CREATE TABLE chunks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    document text NOT NULL,
    section text NOT NULL,
    product text NOT NULL,
    published date NOT NULL,
    content text NOT NULL,
    embedding real[] NOT NULL,
    embedding_bin binvec(128) GENERATED ALWAYS AS (quantize_binary(embedding)) STORED,
    words tsvector GENERATED ALWAYS AS (to_tsvector('english', content)) STORED
);
CREATE INDEX ON chunks USING gin (words);

INSERT INTO chunks (document, section, product, published, content, embedding)
SELECT document, section, product, published::date, content, embed(content)
FROM (VALUES
    ('Operations', 'Backup', 'server', '2025-02-01', 'A base backup copies the whole data directory while the server runs. Keep the write-ahead log that was written meanwhile: without it the copy cannot be restored.'),
    ('Operations', 'Restore', 'server', '2025-02-01', 'To restore, unpack the base backup into an empty directory, tell the server where archived log files are, and start it. Recovery stops at the time you name.'),
    ('Operations', 'Replication', 'server', '2025-02-01', 'A standby replays the log of its primary and answers read-only queries. Promote it when the primary is lost.'),
    ('Operations', 'Vacuum', 'server', '2025-02-01', 'Updates and deletes leave dead row versions behind. Vacuum frees their space for later rows; autovacuum does so when enough of a table has changed.'),
    ('Operations', 'Errors', 'server', '2025-02-01', 'PANIC: could not locate a valid checkpoint record (error XX001) means that the log needed for recovery is missing. Restore from a backup.'),
    ('Tuning', 'Memory', 'server', '2025-04-01', 'Shared buffers hold pages that are in use. A quarter of the machine is a good start; the operating system caches the rest.'),
    ('Tuning', 'Queries', 'server', '2025-04-01', 'EXPLAIN shows the plan of a query, ANALYZE runs it and adds times. A sequential scan of a large table often asks for an index.'),
    ('Tuning', 'Connections', 'server', '2025-04-01', 'Each connection is a process. Hundreds of idle ones cost memory and time; put a pooler in front.'),
    ('Client', 'Timeouts', 'client', '2025-03-01', 'The client waits for a connection as long as connect_timeout says, in seconds. Without it a lost network is noticed only after minutes.'),
    ('Client', 'Retry', 'client', '2025-03-01', 'A serialization failure (SQLSTATE 40001) is no bug: run the whole transaction again. A lost connection needs a new one first.'),
    ('Client', 'Backup', 'client', '2019-05-01', 'The old client wrote its own backup of unsaved rows to a file in the home directory.')
) AS texts(document, section, product, published, content);
ANALYZE chunks;

-- The question, its embedding, and what it may be answered from. An application passes these as $1, $2, $3.
PREPARE answer_context(text, real[], text) AS
WITH semantic AS (
    -- What means the same. The filter is SQL: what comes from outside is passed beside it.
    SELECT (doc).id, row_number() OVER (ORDER BY score DESC) AS rank
    FROM semantic_search(NULL::chunks, $2, 8,
        filter => 'product = $1 AND published >= $2', filter_params => ARRAY[$3, '2020-01-01'])
), keyword AS (
    -- What has the same words: error codes, names. Any of the question's words may match.
    SELECT id, row_number() OVER (ORDER BY ts_rank_cd(words, query) DESC, id) AS rank
    FROM chunks, CAST(replace(plainto_tsquery('english', $1)::text, '&', '|') AS tsquery) AS query
    WHERE words @@ query AND product = $3 AND published >= '2020-01-01'
    ORDER BY rank LIMIT 8
), fused AS (
    -- Reciprocal rank fusion: what both find comes first, and no score need be compared with another's.
    SELECT id, sum(1.0 / (60 + rank)) AS score
    FROM (TABLE semantic UNION ALL TABLE keyword) AS ranks
    GROUP BY id
), chosen AS (
    -- As many chunks as fit into the prompt, here 400 characters.
    SELECT c.document, c.section, c.content, row_number() OVER best AS n, sum(length(c.content)) OVER best AS characters
    FROM fused JOIN chunks c USING (id)
    WINDOW best AS (ORDER BY fused.score DESC, c.id)
)
SELECT string_agg(format(E'[%s] %s, %s\n%s', n, document, section, content), E'\n\n' ORDER BY n) AS context
FROM chosen WHERE characters <= 400;

SELECT 'How do I restore the server from a base backup?' AS question \gset
\echo Question: :question
SELECT embed(:'question') AS embedding \gset
\t on
\a
EXECUTE answer_context(:'question', :'embedding', 'server');

SELECT 'What does SQLSTATE 40001 mean?' AS question \gset
\echo Question: :question
SELECT embed(:'question') AS embedding \gset
EXECUTE answer_context(:'question', :'embedding', 'client');
