-- Following renames and drops. The functions that change the record run with the extension's rights and write nothing but
-- what the catalogs say, so anybody may call them; whatever touches a user's objects runs with the user's rights.

-- Brings names and owners into line; returns the columns whose trigger function may need it too.
CREATE FUNCTION quantize.refresh_columns() RETURNS SETOF uuid
    VOLATILE SECURITY DEFINER LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    UPDATE quantize.quantized_columns q
    SET table_schema = live.nspname, table_name = live.relname, owner = live.relowner, source_column = live.source,
        quantized_column = live.quantized, next_column = live.next
    FROM (
        SELECT r.quantized_column_id, n.nspname, c.relname, c.relowner, s.attname AS source, a.attname AS quantized, x.attname AS next
        FROM quantize.quantized_columns r
        JOIN pg_class c ON c.oid = r.table_oid JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute s ON s.attrelid = c.oid AND s.attnum = r.source_attnum AND NOT s.attisdropped
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = r.quantized_attnum AND NOT a.attisdropped
        LEFT JOIN pg_attribute x ON x.attrelid = c.oid AND x.attnum = r.next_attnum AND NOT x.attisdropped
    ) live
    WHERE live.quantized_column_id = q.quantized_column_id
        AND (q.table_schema, q.table_name, q.owner, q.source_column, q.quantized_column, q.next_column)
            IS DISTINCT FROM (live.nspname, live.relname, live.relowner, live.source, live.quantized, live.next)
    RETURNING q.quantized_column_id
$$;

-- Deletes the records of columns that are gone, and what was recorded about a next column that is gone.
CREATE FUNCTION quantize.forget_columns(OUT quantized_column_id uuid, OUT deleted boolean) RETURNS SETOF record
    VOLATILE SECURITY DEFINER LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    WITH gone AS (
        DELETE FROM quantize.quantized_columns q
        WHERE q.table_oid <> 0 AND (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = q.table_oid
            AND a.attnum IN (q.source_attnum, q.quantized_attnum) AND NOT a.attisdropped) < 2
        RETURNING q.quantized_column_id
    ), abandoned AS (
        UPDATE quantize.quantized_columns q
        SET state = 'ready', next_column = NULL, next_ranges = NULL, next_thresholds = NULL, next_quantile = NULL,
            next_rows_calibrated = NULL, next_attnum = NULL
        WHERE q.next_attnum IS NOT NULL AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = q.table_oid
            AND a.attnum = q.quantized_attnum AND NOT a.attisdropped) AND NOT EXISTS (SELECT FROM pg_attribute a
            WHERE a.attrelid = q.table_oid AND a.attnum = q.next_attnum AND NOT a.attisdropped)
        RETURNING q.quantized_column_id
    )
    SELECT gone.quantized_column_id, true FROM gone UNION ALL SELECT abandoned.quantized_column_id, false FROM abandoned
$$;

CREATE FUNCTION quantize.mend_function(column_id uuid) RETURNS void
    VOLATILE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    statement text := quantize.column_replace_function(q) FROM quantize.quantized_columns q WHERE q.quantized_column_id = column_id;
BEGIN
    IF statement IS NOT NULL THEN
        EXECUTE statement;
    END IF;
END
$$;

-- A statement of the user must not fail because of this bookkeeping: hence warnings.
CREATE FUNCTION quantize.follow_alter() RETURNS event_trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quantize.mend_function(r.id) FROM quantize.refresh_columns() r(id);
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'could not follow the change in quantized_columns: %', SQLERRM
        USING HINT = 'CALL quantize_column(…) as before mends the trigger.';
END
$$;
CREATE EVENT TRIGGER pg_quantize_follow_alter ON ddl_command_end WHEN TAG IN ('ALTER TABLE', 'ALTER SCHEMA')
    EXECUTE FUNCTION quantize.follow_alter();

CREATE FUNCTION quantize.follow_drop() RETURNS event_trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    forgotten record;
    orphan regprocedure;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_event_trigger_dropped_objects() o WHERE o.object_type IN ('table', 'table column')) THEN
        RETURN;
    END IF;
    FOR forgotten IN SELECT * FROM quantize.forget_columns() LOOP
        IF NOT forgotten.deleted THEN
            PERFORM quantize.mend_function(forgotten.quantized_column_id);
        END IF;
        -- The function goes with the last trigger that called it.
        FOR orphan IN SELECT p.oid FROM pg_proc p
            WHERE forgotten.deleted AND p.prorettype = 'trigger'::regtype AND strpos(p.prosrc, forgotten.quantized_column_id::text) > 0
                AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgfoid = p.oid)
        LOOP
            EXECUTE format('DROP FUNCTION %s', orphan);
        END LOOP;
    END LOOP;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'could not follow the change in quantized_columns: %', SQLERRM;
END
$$;
CREATE EVENT TRIGGER pg_quantize_follow_drop ON sql_drop EXECUTE FUNCTION quantize.follow_drop();
