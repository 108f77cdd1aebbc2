-- Backfill against a plain UPDATE of the same rows in the same batches, on a table
--   docs (id integer, embedding real[]).
-- Each round starts from fresh copies of it; the ratio is of the fastest of three rounds.
\set ON_ERROR_STOP on
\set QUIET on
\pset footer off
SET client_min_messages = error;

CREATE TABLE timings (name text, round integer, seconds float8);
CREATE TABLE calibration AS SELECT calibrate_ranges(embedding) AS ranges FROM docs;

CREATE PROCEDURE fresh_copy() LANGUAGE plpgsql AS $$
BEGIN
    DROP TABLE IF EXISTS live;
    CREATE TABLE live (id integer PRIMARY KEY, embedding real[], code int8vec);
    INSERT INTO live SELECT id, embedding FROM docs ORDER BY id;
    ANALYZE live;
    COMMIT;
END
$$;

-- What one would write by hand, without a thought for rows written meanwhile.
CREATE PROCEDURE plain_update(batch_rows integer) LANGUAGE plpgsql AS $$
DECLARE
    known real[] := (SELECT ranges FROM calibration);
    blocks bigint := pg_relation_size('live') / current_setting('block_size')::bigint;
    step bigint := (SELECT ceil(batch_rows / (reltuples / relpages)) FROM pg_class WHERE oid = 'live'::regclass);
    block bigint := 0;
BEGIN
    WHILE block < blocks LOOP
        EXECUTE format('UPDATE live SET code = quantize_int8(embedding, $1) WHERE ctid >= ''(%s,0)'' AND ctid < ''(%s,0)''',
            block, block + step) USING known;
        COMMIT;
        block := block + step;
    END LOOP;
END
$$;

CREATE PROCEDURE measure(round integer) LANGUAGE plpgsql AS $$
DECLARE
    begun timestamptz;
BEGIN
    CALL fresh_copy();
    begun := clock_timestamp();
    CALL plain_update(10000);
    INSERT INTO timings VALUES ('plain UPDATE', round, extract(epoch FROM clock_timestamp() - begun));
    CALL fresh_copy();
    begun := clock_timestamp();
    CALL quantize_column('live', 'embedding', 'int8', ranges => (ranges_of_docs()), batch_rows => 10000);
    INSERT INTO timings VALUES ('quantize_column', round, extract(epoch FROM clock_timestamp() - begun));
    COMMIT;
END
$$;
-- CALL takes no subquery.
CREATE FUNCTION ranges_of_docs() RETURNS real[] STABLE LANGUAGE sql RETURN (SELECT ranges FROM calibration);

CALL measure(1);
CALL measure(2);
CALL measure(3);
SELECT name, round((min(seconds) * 1e6 / (SELECT count(*) FROM docs))::numeric, 1) AS "µs per row",
    round((min(seconds) / (SELECT min(seconds) FROM timings WHERE name = 'plain UPDATE'))::numeric, 2) AS ratio
FROM timings GROUP BY name ORDER BY name;
DROP FUNCTION ranges_of_docs;
DROP TABLE live, timings, calibration;
DROP PROCEDURE measure, plain_update, fresh_copy;
