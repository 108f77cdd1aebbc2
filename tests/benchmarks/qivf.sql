-- qivf against pgvector's HNSW, in one server and one session: build time, size, recall@10 and time of a query, inserts.
--
-- Expects docs(id int, embedding vector), queries(id int, embedding vector), truth(id int, neighbours int[]): for each
-- query the ids of its nearest documents by cosine distance, nearest first, at least 10 (100 for the last table).
-- Times are the server's, on cached plans; compare them within one run only.
\set ON_ERROR_STOP 1
\pset footer off
SET max_parallel_workers_per_gather = 0;
SET jit = off;
SET maintenance_work_mem = '1GB';
SET max_parallel_maintenance_workers = 2;

CREATE TEMP TABLE result (method text, setting text, k int, recall numeric, microseconds numeric);

-- One pass over the queries. The statement is planned once: $1 is a parameter of a PL/pgSQL statement.
CREATE FUNCTION pg_temp.measure(method text, setting text, k int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    query record;
    found int[];
    hits bigint := 0;
    asked bigint := 0;
    spent interval := '0';
    begun timestamptz;
BEGIN
    FOR query IN SELECT q.embedding, t.neighbours FROM queries AS q JOIN truth AS t USING (id) ORDER BY q.id LOOP
        begun := clock_timestamp();
        found := ARRAY(SELECT id FROM docs ORDER BY embedding <=> query.embedding LIMIT k);
        spent := spent + (clock_timestamp() - begun);
        hits := hits + (SELECT count(*) FROM unnest(found) AS f WHERE f = ANY (query.neighbours[1:k]));
        asked := asked + k;
    END LOOP;
    INSERT INTO result
    SELECT method, setting, k, round(hits::numeric / asked, 4), round(extract(epoch FROM spent) * 1e6 * k / asked, 0);
END $$;

CREATE TEMP TABLE build (method text, seconds numeric, size bigint);
CREATE FUNCTION pg_temp.build(method text, statement text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    begun timestamptz := clock_timestamp();
BEGIN
    EXECUTE statement;
    INSERT INTO build
    SELECT method, round(extract(epoch FROM clock_timestamp() - begun), 2), pg_relation_size('bench_index');
END $$;

-- HNSW, defaults, ef_search swept.
SELECT pg_temp.build('hnsw', 'CREATE INDEX bench_index ON docs USING hnsw (embedding vector_cosine_ops)') \g /dev/null
SET hnsw.ef_search = 40;
SELECT pg_temp.measure('warm', 'up', 10) \g /dev/null
SELECT pg_temp.measure('hnsw', 'ef_search 40', 10) \g /dev/null
SET hnsw.ef_search = 80;
SELECT pg_temp.measure('hnsw', 'ef_search 80', 10) \g /dev/null
SET hnsw.ef_search = 160;
SELECT pg_temp.measure('hnsw', 'ef_search 160', 10) \g /dev/null
SET hnsw.ef_search = 320;
SELECT pg_temp.measure('hnsw', 'ef_search 320', 10) \g /dev/null
SET hnsw.ef_search = 640;
SELECT pg_temp.measure('hnsw', 'ef_search 640', 10) \g /dev/null
SET hnsw.ef_search = 1000;
SELECT pg_temp.measure('hnsw', 'ef_search 1000', 10) \g /dev/null
DROP INDEX bench_index;

-- qivf, the one knob.
SELECT pg_temp.build('qivf', 'CREATE INDEX bench_index ON docs USING qivf (embedding vector_cosine_ops)') \g /dev/null
SET qivf.target_recall = 0.9;
SELECT pg_temp.measure('warm', 'up', 10) \g /dev/null
SELECT pg_temp.measure('qivf', 'target_recall 0.90', 10) \g /dev/null
SET qivf.target_recall = 0.95;
SELECT pg_temp.measure('qivf', 'target_recall 0.95', 10) \g /dev/null
SET qivf.target_recall = 0.99;
SELECT pg_temp.measure('qivf', 'target_recall 0.99', 10) \g /dev/null
SET qivf.target_recall = 0.995;
SELECT pg_temp.measure('qivf', 'target_recall 0.995', 10) \g /dev/null
SET qivf.target_recall = 0.95;
SELECT pg_temp.measure('qivf', 'target_recall 0.95', 100) \g /dev/null
SET qivf.target_recall = 0.99;
SELECT pg_temp.measure('qivf', 'target_recall 0.99', 100) \g /dev/null

\echo Build (seconds, bytes)
SELECT method, seconds, size, round(size::numeric / first_value(size) OVER (ORDER BY method), 3) AS of_hnsw FROM build;
\echo Queries
SELECT * FROM result WHERE method <> 'warm' ORDER BY k, method, recall;
\echo Recall of single rows of the index, and the effort behind it
SELECT target_recall, round(recall::numeric, 4) AS recall, round(mean_us::numeric) AS mean_us, round(lists::numeric, 1) AS lists,
       round(codes::numeric) AS codes, round(rows_scanned::numeric, 1) AS refined, round(rows_rechecked::numeric, 1) AS rechecked
FROM recall_report('bench_index', 300);
\echo Plan
EXPLAIN (COSTS OFF) SELECT id FROM docs ORDER BY embedding <=> (SELECT embedding FROM queries LIMIT 1) LIMIT 10;
