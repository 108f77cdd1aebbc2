-- Recall and cost of semantic_search, on tables that hold
--   docs (id integer, embedding real[]), queries (id integer, embedding real[]).
-- The truth is computed here by exact scans of the floats, some minutes of them, unless there is a table
--   truth (id integer, distance float8): of each query the cosine distance of its tenth row.
-- Recall is that of the 10 nearest rows by cosine over all
-- queries; a row as near as the tenth counts. Times are compared within one run, statement by statement in turn.
\set ON_ERROR_STOP on
\set QUIET on
\pset footer off
SET client_min_messages = warning;

CREATE TABLE calibration AS SELECT calibrate_ranges(embedding) AS ranges FROM docs;
CREATE TABLE corpus AS
SELECT id, 'document ' || id AS title, embedding, quantize_binary(embedding) AS embedding_bin,
    quantize_int8(embedding, ranges) AS embedding_int8
FROM docs CROSS JOIN calibration ORDER BY id;
VACUUM ANALYZE corpus;

CREATE TABLE IF NOT EXISTS truth AS
SELECT q.id, t.distance FROM queries q CROSS JOIN LATERAL (
    SELECT embedding <=> q.embedding AS distance FROM corpus ORDER BY 1 OFFSET 9 LIMIT 1) t;

CREATE TABLE setups (n serial, name text, arguments text, target float8);
INSERT INTO setups (name, arguments, target) VALUES
    ('binary, float query, 4 × 10 candidates', 'quantized => ''embedding_bin'', rescore_multiplier => 4', 0.95),
    ('binary, float query, 10 × 10 candidates', 'quantized => ''embedding_bin'', rescore_multiplier => 10', 0.988),
    ('binary, Hamming, 10 × 10 candidates',
        'quantized => ''embedding_bin'', rescore_multiplier => 10, metric => ''hamming''', 0.94),
    ('int8, recorded ranges, 2 × 10 candidates',
        'quantized => ''embedding_int8'', rescore_multiplier => 2, ranges => r.ranges', 0.999),
    ('binary, int8, float: 10 × 10 candidates, 2 × 10 floats', 'quantized => ''embedding_bin'','
        ' refine => ''embedding_int8'', rescore_multiplier => 10, ranges => r.ranges', 0.985);
ALTER TABLE setups ADD recall float8;

CREATE FUNCTION measure_recall(arguments text, OUT recall float8) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SELECT count(*) FILTER (WHERE (s.doc).embedding <=> q.embedding <= t.distance)
            / (10.0 * (SELECT count(*) FROM queries))
        FROM queries q JOIN truth t USING (id) CROSS JOIN calibration r
        CROSS JOIN LATERAL semantic_search(NULL::corpus, q.embedding, 10, %s) s', arguments) INTO recall;
END
$$;
UPDATE setups SET recall = measure_recall(arguments);
SELECT name, round(recall::numeric, 4) AS "recall@10", target, recall >= target AS reached FROM setups ORDER BY n;

-- The function against the statement that a person would write: the same candidates, floats read for each.
CREATE FUNCTION measure_overhead(
    rounds integer, OUT subject text, OUT by_hand_ms numeric, OUT function_ms numeric, OUT ratio numeric
)
    RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
    ranges real[] := (SELECT c.ranges FROM calibration c);
    query real[];
    statements text[];
    started timestamptz;
    times float8[];
    found bigint;
BEGIN
    FOR subject, statements IN VALUES
        ('binary', ARRAY[
            'SELECT count(s) FROM (SELECT id, title, 1 - (embedding <=> $1) AS score
                FROM (SELECT id, title, embedding FROM corpus ORDER BY embedding_bin <#> $1 LIMIT 40) c
                ORDER BY embedding <=> $1 LIMIT 10) s',
            'SELECT count(s) FROM (SELECT (doc).id, (doc).title, score
                FROM semantic_search(NULL::corpus, $1, quantized => ''embedding_bin'')) s']),
        ('int8', ARRAY[
            'SELECT count(s) FROM (SELECT id, title, 1 - (embedding <=> $1) AS score
                FROM (SELECT id, title, embedding FROM corpus ORDER BY embedding_int8 <#> scale_query($1, $2) LIMIT 40) c
                ORDER BY embedding <=> $1 LIMIT 10) s',
            'SELECT count(s) FROM (SELECT (doc).id, (doc).title, score
                FROM semantic_search(NULL::corpus, $1, quantized => ''embedding_int8'', ranges => $2)) s'])
    LOOP
        times := '{}';
        FOR round IN 1..rounds LOOP
            SELECT embedding INTO query FROM queries ORDER BY id OFFSET round * 7 % (SELECT count(*) FROM queries) LIMIT 1;
            FOR i IN 1..2 LOOP
                -- Each goes first every other time.
                started := clock_timestamp();
                EXECUTE statements[1 + (round + i) % 2] INTO found USING query, ranges;
                times[2 * round - (round + i + 1) % 2] := extract(epoch FROM clock_timestamp() - started) * 1000;
            END LOOP;
        END LOOP;
        SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY t) FILTER (WHERE i % 2 = 1),
            percentile_cont(0.5) WITHIN GROUP (ORDER BY t) FILTER (WHERE i % 2 = 0)
        INTO by_hand_ms, function_ms FROM unnest(times) WITH ORDINALITY u(t, i);
        SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY times[2 * n] / times[2 * n - 1])
        INTO ratio FROM generate_series(1, rounds) n;
        ratio := round(ratio, 3);
        by_hand_ms := round(by_hand_ms, 2);
        function_ms := round(function_ms, 2);
        RETURN NEXT;
    END LOOP;
END
$$;
SET max_parallel_workers_per_gather = 0;
SELECT * FROM measure_overhead(60);
RESET max_parallel_workers_per_gather;
\echo with parallel workers
SELECT * FROM measure_overhead(60);
