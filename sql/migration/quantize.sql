-- quantize_column: adds a quantized column to a live table.

-- Whether a table still has the name that statements about it used.
CREATE FUNCTION quantize.check_name(q quantize.quantized_columns) RETURNS void
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.oid = q.table_oid AND n.nspname = q.table_schema AND c.relname = q.table_name) THEN
        PERFORM quantize.refuse('object_in_use', format('table "%s" was renamed or dropped meanwhile', q.table_name),
            hint => 'Call the procedure again.');
    END IF;
END
$$;

-- Waits after an attempt that found the table locked; after the thirtieth it gives up.
CREATE FUNCTION quantize.wait_after_attempt(attempt integer) RETURNS void
    VOLATILE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_sleep(CASE WHEN attempt < 20 THEN attempt / 4.0 ELSE 5 END::float8)
$$;
CREATE FUNCTION quantize.check_attempt(q quantize.quantized_columns, lock_timeout text, attempt integer) RETURNS void
    VOLATILE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF attempt >= 30 THEN
        PERFORM quantize.refuse('lock_not_available', format('could not lock table "%s" within %s in %s attempts', q.table_name, lock_timeout, attempt),
            hint => 'Look for long transactions on the table in pg_stat_activity and call the procedure again, or raise lock_timeout.');
    END IF;
    RAISE NOTICE 'table "%" is in use, attempt % of 30', q.table_name, attempt;
END
$$;

-- Runs statements in one transaction, under lock_timeout, again and again while others hold the table. Commits.
-- The statements may refer to q as $1.
CREATE PROCEDURE quantize.run_statements(q quantize.quantized_columns, statements text[], lock_timeout text)
    LANGUAGE plpgsql AS $$
DECLARE
    statement pg_catalog.text;
    state pg_catalog.text;
    message pg_catalog.text;
    detail pg_catalog.text;
    hint pg_catalog.text;
BEGIN
    FOR attempt IN 1..30 LOOP
        PERFORM quantize.lock_for_work(q.table_oid);
        PERFORM pg_catalog.set_config('lock_timeout', lock_timeout, true);
        BEGIN
            FOREACH statement IN ARRAY statements LOOP
                EXECUTE statement USING q;
            END LOOP;
            PERFORM quantize.check_name(q);
            EXIT;
        EXCEPTION
            WHEN lock_not_available THEN
                PERFORM quantize.check_attempt(q, lock_timeout, attempt);
            WHEN OTHERS THEN
                -- As it is, but without the statement, which may hold ranges of thousands of numbers.
                GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
                    hint = PG_EXCEPTION_HINT;
                PERFORM quantize.refuse(state, message, detail, hint);
        END;
        COMMIT;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        PERFORM quantize.lock_for_work(q.table_oid);
        PERFORM quantize.wait_after_attempt(attempt);
        COMMIT;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    END LOOP;
    COMMIT;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
END
$$;

-- The record of a column: the one there is, or a new one, with state NULL, that is not stored yet.
CREATE FUNCTION quantize.plan(
    relation regclass, source_column name, "precision" text, quantized_column name, truncate_dim integer, mode text
) RETURNS quantize.quantized_columns
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    q quantize.quantized_columns;
    suffix text := CASE "precision" WHEN 'int8' THEN '_int8' WHEN 'uint8' THEN '_uint8' ELSE '_bin' END;
BEGIN
    IF "precision" IS NULL OR "precision" NOT IN ('int8', 'uint8', 'binary', 'ubinary') THEN
        PERFORM quantize.refuse('invalid_parameter_value', format('unknown precision "%s"', coalesce("precision", 'NULL')),
            hint => 'A column is quantized to int8, uint8, binary or ubinary.');
    ELSIF mode IS NULL OR mode NOT IN ('trigger', 'generated') THEN
        PERFORM quantize.refuse('invalid_parameter_value', format('unknown mode "%s"', coalesce(mode, 'NULL')),
            hint => 'The mode is trigger or generated.');
    ELSIF truncate_dim < 1 THEN
        PERFORM quantize.refuse('invalid_parameter_value', format('truncate_dim must be positive, not %s', truncate_dim));
    END IF;
    PERFORM quantize.check_table(relation, mode);
    PERFORM quantize.check_source(relation, source_column, mode);
    quantized_column := coalesce(quantized_column, left(source_column::text, 57) || suffix);
    SELECT * INTO q FROM quantize.quantized_columns c
    WHERE c.table_oid = relation AND c.quantized_column = quantized_column;
    IF q.quantized_column_id IS NOT NULL THEN
        IF (q.source_column, q."precision", q.mode) IS DISTINCT FROM (source_column, "precision", mode)
            OR q.truncate_dim IS DISTINCT FROM truncate_dim THEN
            PERFORM quantize.refuse('duplicate_column', format('column "%s" of table "%s" is another quantized column', quantized_column, q.table_name),
                detail => format('It holds %s codes of column "%s", kept by mode %s%s.', q."precision", q.source_column, q.mode,
                        ', truncated to ' || q.truncate_dim || ' dimensions'),
                hint => 'Choose another quantized_column, or drop that one with drop_quantized_column.');
        END IF;
        RETURN q;
    ELSIF EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = quantized_column AND NOT a.attisdropped) THEN
        PERFORM quantize.refuse('duplicate_column', format('column "%s" of table "%s" already exists', quantized_column, (SELECT c.relname FROM pg_class c WHERE c.oid = relation)),
            hint => 'Choose a name with quantized_column => ….');
    END IF;
    SELECT n.nspname, c.relname, c.oid, c.relowner INTO q.table_schema, q.table_name, q.table_oid, q.owner
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation;
    q.quantized_column_id := gen_random_uuid();
    q.source_column := source_column;
    q.quantized_column := quantized_column;
    q."precision" := "precision";
    q.mode := mode;
    q.truncate_dim := truncate_dim;
    RETURN q;
END
$$;

-- The statements that add the column and its trigger and record them.
CREATE FUNCTION quantize.install(q quantize.quantized_columns) RETURNS text[]
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT quantize.column_add(q, q.quantized_column, q.ranges, q.thresholds)
        || CASE WHEN q.mode = 'trigger' THEN quantize.column_install_trigger(q) || quantize.install_length_trigger(q) ELSE '{}' END
        || 'INSERT INTO quantize.quantized_columns SELECT ($1).*'::text
$$;

-- The statements that have every code of a column checked again.
CREATE FUNCTION quantize.check_again() RETURNS text[] IMMUTABLE LANGUAGE sql RETURN ARRAY[
    'INSERT INTO quantize.quantize_work (quantized_column_id) VALUES (($1).quantized_column_id) ON CONFLICT (quantized_column_id) DO NOTHING',
    'UPDATE quantize.quantize_work w SET recheck = true, relations_done = ''{}'', relation = NULL, rows_done = 0,'
        ' blocks_done = 0 WHERE w.quantized_column_id OPERATOR(pg_catalog.=) ($1).quantized_column_id',
    -- Rows may have come past the triggers: nothing is known about their lengths.
    'UPDATE quantize.quantized_columns c SET state = ''backfilling'', unit_length = NULL'
        ' WHERE c.quantized_column_id OPERATOR(pg_catalog.=) ($1).quantized_column_id AND c.state OPERATOR(pg_catalog.=) ''ready'''];

-- The statements that bring the trigger of an existing record into order; none when it is.
CREATE FUNCTION quantize.mend(q quantize.quantized_columns) RETURNS text[]
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    t pg_trigger;
BEGIN
    IF q.mode <> 'trigger' THEN
        RETURN '{}';
    END IF;
    SELECT g.* INTO t FROM pg_trigger g WHERE g.oid = quantize.column_trigger_oid(q.table_oid, q.quantized_column_id);
    IF t.oid IS NULL OR t.tgenabled NOT IN ('O', 'A') THEN
        RAISE NOTICE 'the trigger of column "%" was missing or disabled: every code is checked', q.quantized_column;
    END IF;
    IF t.oid IS NULL THEN
        RETURN quantize.column_install_trigger(q) || quantize.check_again();
    ELSIF t.tgenabled NOT IN ('O', 'A') THEN
        RETURN format('ALTER TABLE %I.%I ENABLE ALWAYS TRIGGER %I', q.table_schema, q.table_name, t.tgname)
            || quantize.check_again();
    END IF;
    RETURN array_remove(ARRAY[quantize.column_replace_function(q)], NULL) || quantize.retire_length_trigger(q);
END
$$;

-- Whether a table has rows that no backfill has visited: partitions that were attached since.
CREATE FUNCTION quantize.is_complete(q quantize.quantized_columns) RETURNS boolean
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT q.state = 'ready' AND (q.mode = 'generated' OR NOT EXISTS (
        SELECT FROM quantize.leaves(q.table_oid) l
        WHERE l NOT IN (SELECT unnest(w.relations_done) FROM quantize.quantize_work w WHERE w.quantized_column_id = q.quantized_column_id)))
$$;

CREATE FUNCTION quantize.set_state(column_id uuid, new_state text) RETURNS void
    VOLATILE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    UPDATE quantize.quantized_columns q SET state = new_state WHERE q.quantized_column_id = column_id;
    UPDATE quantize.quantize_work w SET recheck = false, updated_at = clock_timestamp()
    WHERE w.quantized_column_id = column_id AND new_state = 'ready'
$$;

CREATE FUNCTION quantize.column_record(column_id uuid) RETURNS quantize.quantized_columns
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT q FROM quantize.quantized_columns q WHERE q.quantized_column_id = column_id
$$;

-- A new record with its calibration.
CREATE FUNCTION quantize.plan_calibrated(
    q quantize.quantized_columns, ranges real[], thresholds real[], sample_rows bigint, sample_percent double precision,
    quantile double precision, learn_thresholds boolean
) RETURNS quantize.quantized_columns
    VOLATILE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    calibration quantize.calibration := quantize.calibrate(q.table_oid, q.source_column, q."precision", q.truncate_dim,
        ranges, thresholds, sample_rows, sample_percent, quantile, learn_thresholds);
BEGIN
    q.ranges := calibration.ranges;
    q.thresholds := calibration.thresholds;
    q.quantile := calibration.quantile;
    q.dimensions := calibration.dimensions;
    q.rows_calibrated := calibration.rows_calibrated;
    q.state := CASE q.mode WHEN 'generated' THEN 'ready' ELSE 'backfilling' END;
    q.created_at := clock_timestamp();
    q.calibrated_at := q.created_at;
    IF q.mode = 'trigger' THEN
        q.unit_length := quantize.sample_is_unit(q);
    END IF;
    PERFORM quantize.warn_of_poor_codes(q);
    RETURN q;
END
$$;

-- Whether a backfill that a repeated call goes on with has anything to do; says what it found.
CREATE FUNCTION quantize.goes_on(q quantize.quantized_columns) RETURNS boolean
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF q.state IN ('requantizing', 'swapping') THEN
        PERFORM quantize.refuse('object_not_in_prerequisite_state',
            format('column "%s" of table "%s" is being requantized', q.quantized_column, q.table_name),
            hint => format('CALL requantize_column(%L, %L) goes on with it.', q.table_oid::regclass, q.quantized_column));
    ELSIF quantize.is_complete(q) THEN
        RAISE NOTICE 'column "%" of table "%" is complete, nothing to do', q.quantized_column, q.table_name;
        RETURN false;
    END IF;
    RAISE NOTICE 'going on with column "%" of table "%"', q.quantized_column, q.table_name;
    RETURN true;
END
$$;

CREATE FUNCTION quantize.is_kept_by_trigger(q quantize.quantized_columns) RETURNS boolean
    IMMUTABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$ SELECT q.mode = 'trigger' $$;
CREATE FUNCTION quantize.is_in_state(q quantize.quantized_columns, state text) RETURNS boolean
    IMMUTABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$ SELECT q.state IS NOT DISTINCT FROM is_in_state.state $$;

CREATE PROCEDURE @extschema@.quantize_column(
    relation regclass, source_column name, "precision" text, quantized_column name DEFAULT NULL,
    ranges real[] DEFAULT NULL, sample_rows bigint DEFAULT NULL, sample_percent double precision DEFAULT NULL,
    quantile double precision DEFAULT NULL, thresholds real[] DEFAULT NULL, learn_thresholds boolean DEFAULT false,
    truncate_dim integer DEFAULT NULL, batch_rows integer DEFAULT 10000, pause_ms integer DEFAULT 0,
    mode text DEFAULT 'trigger', lock_timeout text DEFAULT '1s'
) LANGUAGE plpgsql AS $$
DECLARE
    q quantize.quantized_columns;
    mending pg_catalog.text[];
BEGIN
    CALL quantize.check_transaction('quantize_column');
    COMMIT;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    PERFORM quantize.check_calibration("precision", ranges, thresholds, sample_rows, sample_percent, quantile, learn_thresholds);
    PERFORM quantize.check_batches(batch_rows, pause_ms, lock_timeout);
    q := quantize.plan(relation, source_column, "precision", quantized_column, truncate_dim, mode);
    PERFORM quantize.lock_for_work(q.table_oid);
    IF q.state IS NULL THEN
        q := quantize.plan_calibrated(q, ranges, thresholds, sample_rows, sample_percent, quantile, learn_thresholds);
        COMMIT;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        CALL quantize.run_statements(q, quantize.install(q), lock_timeout);
    ELSE
        PERFORM quantize.check_same_calibration(q, ranges, thresholds);
        mending := quantize.mend(q);
        COMMIT;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        CALL quantize.run_statements(q, mending, lock_timeout);
        q := quantize.column_record(q.quantized_column_id);
        IF NOT quantize.goes_on(q) THEN
            RETURN;
        END IF;
    END IF;
    IF quantize.is_kept_by_trigger(q) THEN
        CALL quantize.backfill(q, batch_rows, pause_ms);
        PERFORM quantize.lock_for_work(q.table_oid);
        PERFORM quantize.set_state(q.quantized_column_id, 'ready');
    END IF;
END
$$;
COMMENT ON PROCEDURE @extschema@.quantize_column IS 'add a quantized column to a live table, keep it current, fill it in batches';

-- A second call goes on with the recorded calibration; one that asks for another is a mistake.
CREATE FUNCTION quantize.check_same_calibration(q quantize.quantized_columns, given_ranges real[], given_thresholds real[]) RETURNS void
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF given_ranges <> q.ranges OR given_thresholds IS NOT NULL AND given_thresholds IS DISTINCT FROM q.thresholds THEN
        PERFORM quantize.refuse('invalid_parameter_value', format('column "%s" of table "%s" was quantized with another calibration', q.quantized_column, q.table_name),
            hint => format('CALL requantize_column(%L, %L, …) changes it.', q.table_oid::regclass, q.quantized_column));
    END IF;
END
$$;
