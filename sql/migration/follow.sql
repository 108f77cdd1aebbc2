-- Following renames and drops. The functions that change the records run with the extension's rights and write nothing but
-- what the catalogs say, so anybody may call them. What touches a user's objects runs with the rights of whoever runs the
-- statement, and touches functions that we wrote for the table at hand only.

-- Brings names and owners into line, by the trigger of the table; returns the columns whose trigger function may need it too,
-- with the owner that was recorded.
CREATE FUNCTION quantize.refresh_columns(OUT column_id uuid, OUT old_owner oid) RETURNS SETOF record
    VOLATILE SECURITY DEFINER LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    UPDATE quantize.quantized_columns q
    SET table_name = q.table_name
    FROM (
        SELECT r.quantized_column_id, r.owner AS recorded_owner, n.nspname, c.relname, c.relowner,
            s.attname AS source, a.attname AS quantized, x.attname AS next
        FROM quantize.quantized_columns r
        JOIN pg_class c ON c.oid = r.table_oid JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute s ON s.attrelid = c.oid AND s.attnum = r.source_attnum AND NOT s.attisdropped
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = r.quantized_attnum AND NOT a.attisdropped
        LEFT JOIN pg_attribute x ON x.attrelid = c.oid AND x.attnum = r.next_attnum AND NOT x.attisdropped
    ) live
    WHERE live.quantized_column_id = q.quantized_column_id
        AND (q.table_schema, q.table_name, q.owner, q.source_column, q.quantized_column, q.next_column)
            IS DISTINCT FROM (live.nspname, live.relname, live.relowner, live.source, live.quantized, live.next)
    RETURNING q.quantized_column_id, live.recorded_owner
$$;

-- Deletes the records of columns that are gone, and what was recorded about a next column that is gone.
CREATE FUNCTION quantize.forget_columns(OUT column_id uuid, OUT old_owner oid, OUT deleted boolean) RETURNS SETOF record
    VOLATILE SECURITY DEFINER LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    WITH gone AS (
        DELETE FROM quantize.quantized_columns q
        WHERE (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = q.table_oid
            AND a.attnum IN (q.source_attnum, q.quantized_attnum) AND NOT a.attisdropped) < 2
        RETURNING q.quantized_column_id, q.owner
    ), abandoned AS (
        UPDATE quantize.quantized_columns q
        SET state = 'ready', next_column = NULL, next_ranges = NULL, next_thresholds = NULL, next_quantile = NULL,
            next_rows_calibrated = NULL, next_attnum = NULL
        WHERE q.next_attnum IS NOT NULL AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = q.table_oid
            AND a.attnum = q.quantized_attnum AND NOT a.attisdropped) AND NOT EXISTS (SELECT FROM pg_attribute a
            WHERE a.attrelid = q.table_oid AND a.attnum = q.next_attnum AND NOT a.attisdropped)
        RETURNING q.quantized_column_id, q.owner
    )
    SELECT gone.quantized_column_id, gone.owner, true FROM gone
    UNION ALL SELECT abandoned.quantized_column_id, abandoned.owner, false FROM abandoned
$$;

-- Brings the trigger's function of a column into line with its record: its owner, then its text. What the current role may not
-- do is left to the table's owner.
CREATE FUNCTION quantize.mend_function(column_id uuid, old_owner oid) RETURNS void
    VOLATILE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    q quantize.quantized_columns := quantize.column_record(column_id);
    function oid;
BEGIN
    IF q.owner <> old_owner THEN
        FOR function IN SELECT t.tgfoid FROM pg_trigger t
            WHERE t.tgrelid = q.table_oid AND NOT t.tgisinternal AND quantize.is_column_function(t.tgfoid, old_owner, column_id)
                AND pg_has_role(old_owner, 'USAGE')
        LOOP
            PERFORM quantize.change_owner(function, q.owner);
        END LOOP;
    END IF;
    IF pg_has_role(q.owner, 'USAGE') THEN
        SELECT t.tgfoid INTO function FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
        WHERE t.oid = quantize.column_trigger_oid(q.table_oid, column_id) AND p.prosrc <> quantize.column_body(q);
        IF function IS NOT NULL THEN
            PERFORM quantize.replace_function(function, column_id);
        END IF;
    END IF;
END
$$;

-- A statement of the user must not fail because of this bookkeeping: hence warnings.
CREATE FUNCTION quantize.follow_alter() RETURNS event_trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF has_schema_privilege('quantize', 'USAGE') THEN
        PERFORM quantize.mend_function(r.column_id, r.old_owner) FROM quantize.refresh_columns() r;
    END IF;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'could not follow the change in quantized_columns: %', SQLERRM
        USING HINT = 'CALL quantize_column(…) as before mends the trigger.';
END
$$;
CREATE EVENT TRIGGER pg_quantize_follow_alter ON ddl_command_end WHEN TAG IN ('ALTER TABLE', 'ALTER SCHEMA')
    EXECUTE FUNCTION quantize.follow_alter();

-- Drops the functions that we wrote for a column that is gone: with the last trigger that called them, and if the current role
-- may do it.
CREATE FUNCTION quantize.drop_orphans(column_id uuid, old_owner oid) RETURNS void
    VOLATILE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    orphan oid;
BEGIN
    FOR orphan IN SELECT p.oid FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE p.proowner = old_owner AND p.prorettype = 'trigger'::regtype AND quantize.is_column_function(p.oid, old_owner, column_id)
            AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgfoid = p.oid)
            AND (pg_has_role(old_owner, 'USAGE') OR pg_has_role(n.nspowner, 'USAGE'))
    LOOP
        PERFORM quantize.drop_function(orphan);
    END LOOP;
END
$$;

CREATE FUNCTION quantize.follow_drop() RETURNS event_trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    forgotten record;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_event_trigger_dropped_objects() o WHERE o.object_type IN ('table', 'table column'))
        OR NOT has_schema_privilege('quantize', 'USAGE') THEN
        RETURN;
    END IF;
    FOR forgotten IN SELECT * FROM quantize.forget_columns() LOOP
        IF forgotten.deleted THEN
            PERFORM quantize.drop_orphans(forgotten.column_id, forgotten.old_owner);
        ELSE
            PERFORM quantize.mend_function(forgotten.column_id, forgotten.old_owner);
        END IF;
    END LOOP;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'could not follow the change in quantized_columns: %', SQLERRM;
END
$$;
CREATE EVENT TRIGGER pg_quantize_follow_drop ON sql_drop EXECUTE FUNCTION quantize.follow_drop();
