-- requantize_column: another calibration, without a moment in which codes and recorded ranges disagree.
--
-- A second column is filled beside the first while the trigger keeps both; then the two change places, with the record, in
-- one transaction.

-- The record of a quantized column, or an error that lists what there is.
CREATE FUNCTION quantize.column_of(relation regclass, quantized_column name) RETURNS quantize.quantized_columns
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    q quantize.quantized_columns;
BEGIN
    PERFORM quantize.check_owner(relation);
    IF quantized_column IS NULL THEN
        PERFORM quantize.refuse('null_value_not_allowed', 'quantized_column must not be null');
    END IF;
    SELECT * INTO q FROM quantize.quantized_columns c WHERE c.table_oid = relation AND c.quantized_column = quantized_column;
    IF q.quantized_column_id IS NULL THEN
        PERFORM quantize.refuse('undefined_object', format('column "%s" of table "%s" is not a quantized column', quantized_column, (SELECT c.relname FROM pg_class c WHERE c.oid = relation)),
            hint => coalesce((SELECT 'Quantized columns of the table: ' || string_agg(format('%I', c.quantized_column), ', ') || '.'
                    FROM quantize.quantized_columns c WHERE c.table_oid = relation), 'The table has none.'));
    END IF;
    RETURN q;
END
$$;

-- What would be lost or break when the column is replaced. Indexes are another matter: they can be built in advance.
CREATE FUNCTION quantize.dependents(q quantize.quantized_columns) RETURNS SETOF text
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT DISTINCT pg_describe_object(d.classid, d.objid, d.objsubid)
    FROM pg_partition_tree(q.table_oid) t
    FULL JOIN (SELECT q.table_oid) r(relid) ON r.relid = t.relid
    JOIN pg_attribute a ON a.attrelid = coalesce(t.relid, r.relid) AND a.attname = q.quantized_column
    JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum
    WHERE NOT (d.classid = 'pg_class'::regclass AND d.objid IN (SELECT i.indexrelid FROM pg_index i WHERE i.indrelid = a.attrelid))
        -- The column's own expression.
        AND NOT (d.classid = 'pg_attrdef'::regclass AND d.objid IN (SELECT e.oid FROM pg_attrdef e
            WHERE e.adrelid = a.attrelid AND e.adnum = a.attnum))
        AND NOT (d.classid = 'pg_trigger'::regclass AND d.objid IN (SELECT g.oid FROM pg_trigger g
            WHERE g.tgargs = convert_to(q.quantized_column_id::text, 'UTF8') || '\x00'::bytea))
    UNION ALL
    SELECT format('not-null constraint of column %I', a.attname) FROM pg_attribute a
    WHERE a.attrelid = q.table_oid AND a.attnum = q.quantized_attnum AND a.attnotnull
$$;

-- An index's definition behind its table's name, with one column put in place of another.
CREATE FUNCTION quantize.index_definition(index oid, old_column name, new_column name) RETURNS text
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT regexp_replace(substring(pg_get_indexdef(index) FROM ' USING .*$'),
        '(?<![\w"])' || regexp_replace(quote_ident(old_column), '([^\w])', '\\\1', 'g') || '(?![\w"])',
        replace(quote_ident(new_column), '\', '\\'), 'g')
$$;

-- The column's indexes, each with its like on the next column, when that is there and valid.
CREATE FUNCTION quantize.indexes(q quantize.quantized_columns, OUT index oid, OUT next_index oid, OUT statement text) RETURNS SETOF record
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT i.indexrelid,
        (SELECT n.indexrelid FROM pg_index n WHERE n.indrelid = i.indrelid AND n.indisvalid AND n.indisunique = i.indisunique
            AND quantize_next.definition = substring(pg_get_indexdef(n.indexrelid) FROM ' USING .*$') LIMIT 1),
        format('CREATE %sINDEX %sON %s%s', CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END,
            CASE c.relkind WHEN 'i' THEN 'CONCURRENTLY ' ELSE '' END, i.indrelid::regclass, quantize_next.definition)
    FROM (SELECT q.table_oid UNION SELECT t.relid FROM pg_partition_tree(q.table_oid) t) t(relid)
    JOIN pg_index i ON i.indrelid = t.relid
    JOIN pg_class c ON c.oid = i.indexrelid AND NOT c.relispartition
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attname = q.quantized_column
    CROSS JOIN LATERAL (
        SELECT quantize.index_definition(i.indexrelid, q.quantized_column, q.next_column) AS definition) quantize_next
    WHERE EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
        AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid = a.attnum)
$$;

-- The statements that begin a requantization.
CREATE FUNCTION quantize.begin_next(q quantize.quantized_columns) RETURNS text[]
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT ARRAY[quantize.column_add(q, q.next_column, q.next_ranges, q.next_thresholds),
            'UPDATE quantize.quantized_columns c SET state = ($1).state, next_column = ($1).next_column,'
                ' next_ranges = ($1).next_ranges, next_thresholds = ($1).next_thresholds, next_quantile = ($1).next_quantile,'
                ' next_rows_calibrated = ($1).next_rows_calibrated'
                ' WHERE c.quantized_column_id OPERATOR(pg_catalog.=) ($1).quantized_column_id',
            'DELETE FROM quantize.quantize_work w WHERE w.quantized_column_id OPERATOR(pg_catalog.=) ($1).quantized_column_id']
        || CASE WHEN q.mode = 'trigger' THEN ARRAY[quantize.column_replace_function(q)] ELSE '{}' END
$$;

-- What else belongs to a column: comment, storage, privileges.
CREATE FUNCTION quantize.copy_column(q quantize.quantized_columns) RETURNS text[]
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(array_agg(s.statement), '{}')
    FROM pg_attribute a
    CROSS JOIN (SELECT format('%I.%I', q.table_schema, q.table_name)) t(name)
    CROSS JOIN LATERAL (
        SELECT format('COMMENT ON COLUMN %s.%I IS %L', t.name, q.next_column, col_description(a.attrelid, a.attnum))
        WHERE col_description(a.attrelid, a.attnum) IS NOT NULL
        UNION ALL
        SELECT format('ALTER TABLE %s ALTER COLUMN %I SET STORAGE %s', t.name, q.next_column,
            CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'm' THEN 'MAIN' WHEN 'x' THEN 'EXTENDED' ELSE 'EXTERNAL' END)
        WHERE a.attstorage <> 'e'
        UNION ALL
        SELECT format('GRANT %s (%I) ON %s TO %s%s', x.privilege_type, q.next_column, t.name,
            CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END,
            CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
        FROM aclexplode(a.attacl) x
    ) s(statement)
    WHERE a.attrelid = q.table_oid AND a.attnum = q.quantized_attnum
$$;

-- The statements that put the next column in the place of the present one. The record goes first: dropping the column
-- that a record names would delete the record.
CREATE FUNCTION quantize.swap(q quantize.quantized_columns) RETURNS text[]
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target text := format('%I.%I', q.table_schema, q.table_name);
    statements text[];
    g record;
BEGIN
    SELECT t.tgname, p.oid AS function, n.nspname, p.proname INTO g
    FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE t.oid = quantize.column_trigger_oid(q.table_oid, q.quantized_column_id);
    statements := ARRAY[format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', target)] || quantize.copy_column(q)
        || 'UPDATE quantize.quantized_columns c SET ranges = c.next_ranges, thresholds = c.next_thresholds,'
            ' quantile = c.next_quantile, rows_calibrated = c.next_rows_calibrated, quantized_attnum = c.next_attnum,'
            ' next_column = NULL, next_ranges = NULL, next_thresholds = NULL, next_quantile = NULL, next_rows_calibrated = NULL,'
            ' next_attnum = NULL, state = ''ready'', calibrated_at = pg_catalog.now() WHERE c.quantized_column_id OPERATOR(pg_catalog.=) ($1).quantized_column_id'::text;
    IF q.mode = 'trigger' THEN
        statements := statements || format('DROP TRIGGER %I ON %s', g.tgname, target) || quantize.retire_length_trigger(q);
    END IF;
    statements := statements || format('ALTER TABLE %s DROP COLUMN %I', target, q.quantized_column)
        || format('ALTER TABLE %s RENAME COLUMN %I TO %I', target, q.next_column, q.quantized_column)
        || ARRAY(SELECT format('ALTER INDEX %s RENAME TO %I', i.next_index::regclass, c.relname)
            FROM quantize.indexes(q) i JOIN pg_class c ON c.oid = i.index);
    IF q.mode = 'trigger' THEN
        -- The record says by now what the function is to do.
        statements := statements || format('SELECT quantize.replace_function(%L, %L)', g.function, q.quantized_column_id)
            || quantize.column_trigger(q, g.tgname, g.nspname, g.proname);
    END IF;
    RETURN statements;
END
$$;

-- Virtual transactions of other sessions of this database. Those that were open when the last code was written may hold
-- snapshots without it.
CREATE FUNCTION quantize.open_transactions() RETURNS text[]
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(array_agg(l.virtualtransaction), '{}')
    FROM pg_locks l JOIN pg_stat_get_activity(NULL) s ON s.pid = l.pid
    WHERE l.locktype = 'virtualxid' AND l.granted AND l.mode = 'ExclusiveLock' AND l.pid <> pg_backend_pid()
        AND s.datid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
$$;

-- Those of these transactions that are still open; NULL when none is.
CREATE FUNCTION quantize.still_open(waited_for text[]) RETURNS text[]
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT array_agg(w) FROM unnest(waited_for) w WHERE w = ANY (quantize.open_transactions())
$$;
CREATE FUNCTION quantize.report_waiting(waited_for text[], rounds integer) RETURNS void
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF rounds = 20 THEN
        RAISE NOTICE 'waiting for % older transactions, which could not see every new code', cardinality(waited_for);
    END IF;
END
$$;

CREATE PROCEDURE quantize.wait_for_transactions() LANGUAGE plpgsql AS $$
DECLARE
    waited_for pg_catalog.text[] := quantize.open_transactions();
BEGIN
    FOR rounds IN 1..2147483647 LOOP
        COMMIT;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        waited_for := quantize.still_open(waited_for);
        EXIT WHEN waited_for IS NULL;
        PERFORM quantize.report_waiting(waited_for, rounds);
        PERFORM quantize.pause(100);
    END LOOP;
END
$$;

-- Checks what stands in the way of a new calibration, and makes it: q with the next column.
CREATE FUNCTION quantize.plan_next(
    q quantize.quantized_columns, given_ranges real[], given_thresholds real[], sample_rows bigint, sample_percent double precision,
    given_quantile double precision, learn_thresholds boolean
) RETURNS quantize.quantized_columns
    VOLATILE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    calibration quantize.calibration;
    judged quantize.quantized_columns := q;
    dependents text := (SELECT string_agg(d, E'\n') FROM quantize.dependents(q) d);
BEGIN
    IF dependents IS NOT NULL THEN
        PERFORM quantize.refuse('dependent_objects_still_exist', format('cannot replace column "%s" of table "%s" because other objects depend on it', q.quantized_column, q.table_name),
            detail => dependents,
            hint => 'Drop them first and create them again afterwards; indexes may stay.');
    END IF;
    IF q."precision" IN ('binary', 'ubinary') AND given_thresholds IS NULL AND NOT learn_thresholds THEN
        PERFORM quantize.refuse('invalid_parameter_value', 'binary codes by sign have no calibration',
            hint => 'Pass thresholds => … or learn_thresholds => true.');
    END IF;
    calibration := quantize.calibrate(q.table_oid, q.source_column, q."precision", q.truncate_dim, given_ranges,
        given_thresholds, sample_rows, sample_percent, CASE WHEN given_ranges IS NULL THEN coalesce(given_quantile, q.quantile) END,
        learn_thresholds);
    judged.ranges := calibration.ranges;
    judged.thresholds := calibration.thresholds;
    judged.quantile := calibration.quantile;
    judged.rows_calibrated := calibration.rows_calibrated;
    PERFORM quantize.warn_of_poor_codes(judged);
    q.next_column := 'next_' || left(q.quantized_column::text, 50);
    q.next_ranges := calibration.ranges;
    q.next_thresholds := calibration.thresholds;
    q.next_quantile := calibration.quantile;
    q.next_rows_calibrated := calibration.rows_calibrated;
    q.dimensions := calibration.dimensions;
    q.state := CASE q.mode WHEN 'generated' THEN 'swapping' ELSE 'requantizing' END;
    RETURN q;
END
$$;

CREATE PROCEDURE @extschema@.requantize_column(
    relation regclass, quantized_column name,
    ranges real[] DEFAULT NULL, sample_rows bigint DEFAULT NULL, sample_percent double precision DEFAULT NULL,
    quantile double precision DEFAULT NULL, thresholds real[] DEFAULT NULL, learn_thresholds boolean DEFAULT false,
    batch_rows integer DEFAULT 10000, pause_ms integer DEFAULT 0, lock_timeout text DEFAULT '1s'
) LANGUAGE plpgsql AS $$
DECLARE
    q quantize.quantized_columns;
    missing pg_catalog.text;
BEGIN
    CALL quantize.check_transaction('requantize_column');
    COMMIT;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    q := quantize.column_of(relation, quantized_column);
    PERFORM quantize.check_calibration(q."precision", ranges, thresholds, sample_rows, sample_percent, quantile, learn_thresholds);
    PERFORM quantize.check_batches(batch_rows, pause_ms, lock_timeout);
    PERFORM quantize.check_table(relation, q.mode);
    PERFORM quantize.lock_for_work(q.table_oid);
    PERFORM quantize.check_can_requantize(q, ranges, thresholds);
    IF quantize.is_in_state(q, 'ready') THEN
        q := quantize.plan_next(q, ranges, thresholds, sample_rows, sample_percent, quantile, learn_thresholds);
        COMMIT;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        CALL quantize.run_statements(q, quantize.begin_next(q), lock_timeout);
        q := quantize.column_record(q.quantized_column_id);
    END IF;
    IF quantize.is_in_state(q, 'requantizing') THEN
        CALL quantize.backfill(q, batch_rows, pause_ms);
        PERFORM quantize.lock_for_work(q.table_oid);
        PERFORM quantize.set_state(q.quantized_column_id, 'swapping');
        COMMIT;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        q := quantize.column_record(q.quantized_column_id);
    END IF;
    missing := quantize.missing_indexes(q);
    IF missing IS NOT NULL THEN
        RAISE NOTICE 'column "%" is complete and waits for its indexes', q.next_column
            USING DETAIL = missing, HINT = 'Run these statements and call requantize_column again: it puts the column in its place.';
        RETURN;
    END IF;
    CALL quantize.wait_for_transactions();
    CALL quantize.run_statements(q, quantize.swap(q), lock_timeout);
END
$$;
COMMENT ON PROCEDURE @extschema@.requantize_column IS 'give a quantized column another calibration, at once for all readers';

CREATE FUNCTION quantize.check_can_requantize(q quantize.quantized_columns, given_ranges real[], given_thresholds real[]) RETURNS void
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF q.state = 'backfilling' THEN
        PERFORM quantize.refuse('object_not_in_prerequisite_state', format('column "%s" of table "%s" is not complete', q.quantized_column, q.table_name),
            hint => 'CALL quantize_column(…) as before goes on where it stopped.');
    ELSIF q.mode = 'trigger' AND quantize.column_trigger_oid(q.table_oid, q.quantized_column_id) IS NULL THEN
        PERFORM quantize.refuse('object_not_in_prerequisite_state', format('the trigger of column "%s" of table "%s" is missing', q.quantized_column, q.table_name),
            hint => 'CALL quantize_column(…) as before makes it again.');
    ELSIF q.state <> 'ready' AND (given_ranges <> q.next_ranges OR given_thresholds <> q.next_thresholds) THEN
        PERFORM quantize.refuse('object_in_use', format('column "%s" of table "%s" is being requantized with another calibration', q.quantized_column, q.table_name),
            hint => format('Call it without a calibration to finish that, or drop column %I to abandon it.', q.next_column));
    END IF;
END
$$;

CREATE FUNCTION quantize.missing_indexes(q quantize.quantized_columns) RETURNS text
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT string_agg(i.statement || ';', E'\n') FROM quantize.indexes(q) i WHERE i.next_index IS NULL
$$;
