-- Which plan is chosen, over sizes of the table, shares of the rows that a filter keeps, and LIMITs; with and without an index on the filter.
CREATE FUNCTION embedding(d int, seed int) RETURNS real[] IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$
    SELECT array_agg((sin((seed % 40 + 1) * i) + 0.6 * sin(seed * 12.9898 + i * i * 78.233))::real ORDER BY i) FROM generate_series(1, d) AS i $$;
-- The node that reads the table: q by the distance, b by the filter, s all of it.
CREATE FUNCTION reads(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        IF line ~ 'Order By:' THEN RETURN 'q'; END IF;
        IF line ~ 'Seq Scan' THEN RETURN 's'; END IF;
        IF line ~ 'Index Cond' THEN RETURN 'b'; END IF;
    END LOOP;
END $$;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE large AS SELECT n AS id, (n * 7919 % 10000) / 10000.0::float8 AS part, embedding(24, n) AS e FROM generate_series(1, 20000) AS n;
CREATE TABLE small AS SELECT * FROM large WHERE id <= 200;
CREATE INDEX large_e ON large USING qivf (e);
CREATE INDEX small_e ON small USING qivf (e);
VACUUM ANALYZE large; VACUUM ANALYZE small;
-- What must be chosen, where one plan is several times cheaper than the others.
CREATE TABLE grid (relation text, share float8, lim int, plan text, with_index text);
INSERT INTO grid VALUES
    ('large', 1, 1, 'q', 'q'), ('large', 1, 10, 'q', 'q'), ('large', 1, 100, 'q', 'q'), ('large', 1, 20000, 's', 's'),
    ('large', 0.5, 1, 'q', 'q'), ('large', 0.5, 10, 'q', 'q'), ('large', 0.5, 10000, 's', 's'),
    ('large', 0.1, 1, 'q', 'q'), ('large', 0.1, 10, 'q', 'q'), ('large', 0.1, 1000, 's', 'b'),
    ('large', 0.01, 100, 's', 'b'), ('large', 0.01, 1000, 's', 'b'),
    ('large', 0.001, 10, 's', 'b'), ('large', 0.001, 100, 's', 'b'), ('large', 0.0001, 1, 's', 'b'),
    ('small', 1, 100, 's', 's'), ('small', 0.1, 10, 's', 's'), ('small', 0.01, 10, 's', 's');
CREATE VIEW chosen AS SELECT g.*, reads(format('SELECT id FROM %s WHERE part < %s ORDER BY e <=> %L LIMIT %s', relation, share, embedding(24, 1), lim)) AS chosen FROM grid AS g;
SELECT relation, share, lim, plan, chosen FROM chosen WHERE chosen <> plan;
CREATE INDEX large_part ON large (part);
CREATE INDEX small_part ON small (part);
SELECT relation, share, lim, with_index, chosen FROM chosen WHERE chosen <> with_index;
-- A LIMIT that is not known when the query is planned is taken for a small one; without one the whole table is read.
SELECT reads('SELECT id FROM large ORDER BY e <=> embedding(24, 1) LIMIT (SELECT 10)');
SELECT reads('SELECT id FROM large WHERE part < 0.0002 ORDER BY e <=> embedding(24, 1) LIMIT (SELECT 10)');
SELECT reads('SELECT id FROM large ORDER BY e <=> embedding(24, 1)');
-- An OFFSET is drawn too, and a partial index keeps what the query keeps.
SELECT reads('SELECT id FROM large ORDER BY e <=> embedding(24, 1) OFFSET 19000 LIMIT 10');
CREATE INDEX large_rare ON large USING qivf (e) WHERE part < 0.01;
SELECT reads('SELECT id FROM large WHERE part < 0.01 ORDER BY e <=> embedding(24, 1) LIMIT 10');

-- What the last scan did.
SET enable_seqscan = off;
SELECT count(*) FROM (SELECT id FROM large ORDER BY e <=> embedding(24, 1) LIMIT 10) AS s;
SELECT last ->> 'index' AS index, last ->> 'target_recall' AS target, (last ->> 'rows_returned')::int >= 10 AS returned, (last ->> 'lists_opened')::int BETWEEN 1 AND 1000 AS lists,
    (last ->> 'codes_scored')::int BETWEEN 1 AND 40000 AS codes, (last ->> 'rows_compared')::int BETWEEN 10 AND 20000 AS rows, last ->> 'ended' AS ended FROM qivf_last_scan() AS last;
SELECT count(*) FROM (SELECT id FROM large ORDER BY e <=> embedding(24, 1) LIMIT 30000) AS s;
SELECT last ->> 'rows_returned' AS returned, last ->> 'ended' AS ended FROM qivf_last_scan() AS last;
SET qivf.max_scan_tuples = 50;
SELECT count(*) BETWEEN 50 AND 200 AS bounded FROM (SELECT id FROM large ORDER BY e <=> embedding(24, 1) LIMIT 30000) AS s;
SELECT last ->> 'ended' AS ended FROM qivf_last_scan() AS last;
