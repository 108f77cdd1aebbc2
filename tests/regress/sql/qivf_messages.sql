-- Errors name the row, the index and the column, and say how to find what is wrong.
CREATE TABLE bad (id int PRIMARY KEY, e real[]);
INSERT INTO bad SELECT n, ARRAY[n, 1, 2]::real[] FROM generate_series(1, 100) AS n;
INSERT INTO bad VALUES (1000, '{1,2}');
CREATE INDEX bad_e ON bad USING qivf (e);
SELECT cardinality(e), count(*), min(ctid) FROM bad GROUP BY 1 ORDER BY 2 DESC;
UPDATE bad SET e = '{1,NaN,3}' WHERE id = 1000;
CREATE INDEX bad_e ON bad USING qivf (e);
SELECT ctid FROM bad WHERE e::text ~ 'NaN|Infinity';
UPDATE bad SET e = '{1,NULL,3}' WHERE id = 1000;
CREATE INDEX bad_e ON bad USING qivf (e);
UPDATE bad SET e = '{}' WHERE id = 1000;
CREATE INDEX CONCURRENTLY bad_e ON bad USING qivf (e);
DROP INDEX bad_e;
DO $$
DECLARE detail text;
BEGIN
    CREATE INDEX bad_e ON bad USING qivf ((quantize_binary(e)));
EXCEPTION WHEN data_exception THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RAISE NOTICE '%: %', sqlerrm, replace(detail, 'public.', '');
END $$;

-- Put right in the same transaction, as migrations do: rows that are gone do not count, whatever they hold.
BEGIN;
DELETE FROM bad WHERE id = 1000;
CREATE INDEX bad_e ON bad USING qivf (e);
COMMIT;
SELECT qivf_check('bad_e');
DROP INDEX bad_e;
-- Nor do they when they are read first, and other values are everybody's dimension now.
BEGIN;
UPDATE bad SET e = e || '{7}'::real[];
CREATE INDEX bad_e ON bad USING qivf (e);
COMMIT;
SELECT qivf_info('bad_e') ->> 'dimensions' AS dimensions, qivf_info('bad_e') ->> 'rows' AS rows, (SELECT count(*) FROM qivf_check('bad_e')) AS problems;
INSERT INTO bad VALUES (2000, '{1,2,3}');
INSERT INTO bad VALUES (2000, '{1,2,3,Infinity}');
UPDATE bad SET e = '{}' WHERE id = 7;

-- An index learns its dimension from the first row, and keeps it when that is rolled back. Nothing is searched then.
CREATE TABLE w (id int, e real[], b binvec);
CREATE INDEX w_e ON w USING qivf (e);
CREATE INDEX w_b ON w USING qivf (b);
BEGIN; INSERT INTO w VALUES (1, '{1,2,3,4}', '0101'); ROLLBACK;
SELECT qivf_info('w_e') -> 'dimensions' AS dimensions;
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM w ORDER BY e <=> '{1,2,3}' LIMIT 1;
SELECT id FROM w ORDER BY e <=> '{1,2,3}' LIMIT 1;
SELECT id FROM w ORDER BY b <~> '010' LIMIT 1;
SELECT id FROM w ORDER BY b <#> '{1,2,3}'::real[] LIMIT 1;
INSERT INTO w VALUES (2, '{1,2,3}');
REINDEX INDEX w_e;
INSERT INTO w VALUES (2, '{1,2,3}');
SELECT id FROM w ORDER BY e <=> '{1,2,3}' LIMIT 1;
-- A query that does not fit the rows there are is refused as without an index.
SELECT id FROM w ORDER BY e <=> '{1,2}' LIMIT 1;
INSERT INTO w VALUES (3, NULL, '0101');
SELECT id FROM w WHERE b IS NOT NULL ORDER BY b <~> '010' LIMIT 1;
SELECT id FROM w WHERE b IS NOT NULL ORDER BY b <#> '{1,2,3}'::real[] LIMIT 1;
RESET enable_seqscan;

-- Parameters are called what users call them.
SELECT qivf_tune('w_e', '{1,2,3}');
SELECT qivf_tune('w_e', '{}');
SELECT qivf_tune('w_e', '{{1,2,3},{4,5,6}}');
SELECT qivf_tune('w_e', array_fill(0.5::real, ARRAY[50, 3]));
SELECT * FROM recall_report('w_e', '{}'::real[]);
SELECT * FROM recall_report('w_e', '{1,2,3}'::real[]);
SELECT * FROM recall_report('w_e', '{{1,2}}'::real[]);
SELECT quantize_binary('{1,2}', '{}');
SELECT quantize_binary('{1,2}', '{{1,2}}');
SELECT scale_query('{}', '{{1},{2}}');
SELECT qivf_info(0);

-- VACUUM counts what an index holds, not what its table does.
CREATE TABLE tenants AS SELECT n AS id, n % 50 AS tenant, ARRAY[sin(n), cos(n), 1]::real[] AS e FROM generate_series(1, 3000) AS n;
CREATE INDEX tenants_7 ON tenants USING qivf (e) WHERE tenant = 7;
VACUUM tenants;
SELECT reltuples FROM pg_class WHERE relname = 'tenants_7';
DELETE FROM tenants WHERE tenant = 7 AND id > 1500;
VACUUM tenants;
SELECT reltuples FROM pg_class WHERE relname = 'tenants_7';
VACUUM tenants;
SELECT reltuples FROM pg_class WHERE relname = 'tenants_7';

-- The current row of a cursor that an index serves.
CREATE TABLE cur AS SELECT n AS id, ARRAY[sin(n), cos(n), 1]::real[] AS e, 0 AS touched FROM generate_series(1, 3000) AS n;
CREATE INDEX cur_e ON cur USING qivf (e);
ANALYZE cur;
EXPLAIN (COSTS OFF) SELECT id FROM cur ORDER BY e <=> '{1,0,1}' LIMIT 5;
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM cur ORDER BY e <=> '{1,0,1}' LIMIT 5;
MOVE 1 FROM c;
FETCH FROM c \gset
UPDATE cur SET touched = 1 WHERE CURRENT OF c RETURNING id = :id AS same;
FETCH FROM c \gset
DELETE FROM cur WHERE CURRENT OF c RETURNING id = :id AS same;
MOVE ALL FROM c;
SAVEPOINT s;
UPDATE cur SET touched = 1 WHERE CURRENT OF c;
ROLLBACK TO s;
COMMIT;
SELECT count(*), count(*) FILTER (WHERE touched = 1) AS touched FROM cur;
SELECT qivf_check('cur_e');
