-- Who may look into an index: reading takes SELECT on the table, what takes time takes its owner.
CREATE TABLE secret (id int, e real[]);
INSERT INTO secret SELECT n, ARRAY[n, 1, 2]::real[] FROM generate_series(1, 500) AS n;
CREATE INDEX secret_e ON secret USING qivf (e);
CREATE ROLE regress_nobody;
CREATE ROLE regress_reader;
CREATE ROLE regress_owner;
GRANT SELECT ON secret TO regress_reader;
ALTER TABLE secret OWNER TO regress_owner;
-- Calls a function and says how it ended.
CREATE FUNCTION outcome(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE hint text;
BEGIN
    EXECUTE 'SELECT ' || call;
    RETURN 'allowed';
EXCEPTION WHEN insufficient_privilege THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN sqlerrm || coalesce(' (' || nullif(hint, '') || ')', '');
END $$;
CREATE VIEW calls AS SELECT call FROM (VALUES
    (1, $$qivf_info('secret_e')$$),
    (2, $$qivf_check('secret_e')$$),
    (3, $$recall_report('secret_e', 5, 5)$$),
    (4, $$recall_report('secret_e', '{{1,2,3}}'::real[], 5)$$),
    (5, $$qivf_tune('secret_e', (SELECT array_agg(ARRAY[n, 1, 3]::real[]) FROM generate_series(1, 50) AS n))$$)) AS c (n, call);
GRANT SELECT ON calls TO PUBLIC;
SET ROLE regress_nobody;
SELECT call, outcome(call) FROM calls;
RESET ROLE; SET ROLE regress_reader;
SELECT call, outcome(call) FROM calls;
RESET ROLE; SET ROLE regress_owner;
SELECT call, outcome(call) FROM calls;
RESET ROLE;

-- The expressions of an index are evaluated with the owner's rights and search_path, not with those of who checks it.
CREATE TABLE trap (id int, e real[]);
INSERT INTO trap SELECT n, ARRAY[n, 1, 2]::real[] FROM generate_series(1, 100) AS n;
CREATE FUNCTION spy(v real[]) RETURNS real[] IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('spy.active', true) = 'yes' THEN
        RAISE NOTICE 'as %, search_path %, locks %', current_user, current_setting('search_path'),
            (SELECT string_agg(relation::regclass || ': ' || l.mode, ', ' ORDER BY relation) FROM pg_locks AS l WHERE pid = pg_backend_pid() AND relation::regclass::text LIKE '%trap%');
    END IF;
    RETURN v;
END $$;
ALTER TABLE trap OWNER TO regress_owner;
CREATE INDEX trap_e ON trap USING qivf (spy(e)) WHERE id > 99;
SET spy.active = 'yes';
SELECT qivf_check('trap_e');
-- It cannot do there what a restricted context forbids.
CREATE OR REPLACE FUNCTION spy(v real[]) RETURNS real[] IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('role', 'regress_nobody', false);
    RETURN v;
END $$;
SELECT qivf_check('trap_e');
SELECT current_user = session_user AS itself, current_setting('search_path') AS search_path;
DROP TABLE trap, secret CASCADE;
DROP VIEW calls;
DROP ROLE regress_nobody, regress_reader, regress_owner;
