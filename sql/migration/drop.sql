-- drop_quantized_column: takes away all that quantize_column made.

-- The statements; a record that lost its trigger has less to drop.
CREATE FUNCTION quantize.remove(q quantize.quantized_columns) RETURNS text[]
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT array_agg(s.statement ORDER BY s.n)
    FROM (
        SELECT 1, format('DROP TRIGGER %I ON %I.%I', t.tgname, q.table_schema, q.table_name)
        FROM pg_trigger t WHERE t.oid = quantize.column_trigger_oid(q.table_oid, q.quantized_column_id)
        UNION ALL
        SELECT 1, format('DROP TRIGGER %I ON %I.%I', t.tgname, q.table_schema, q.table_name)
        FROM pg_trigger t WHERE t.oid = quantize.length_trigger_oid(q)
        UNION ALL
        SELECT 2, format('SELECT quantize.drop_function(%L)', t.tgfoid)
        FROM pg_trigger t WHERE t.oid = quantize.column_trigger_oid(q.table_oid, q.quantized_column_id)
            AND NOT EXISTS (SELECT FROM pg_trigger o WHERE o.tgfoid = t.tgfoid AND o.oid <> t.oid AND o.tgparentid = 0)
        UNION ALL
        SELECT 3, format('ALTER TABLE %I.%I DROP COLUMN %I', q.table_schema, q.table_name, a.attname)
        FROM pg_attribute a
        WHERE a.attrelid = q.table_oid AND a.attnum IN (q.quantized_attnum, q.next_attnum) AND NOT a.attisdropped
        UNION ALL
        SELECT 4, 'DELETE FROM quantize.quantized_columns c WHERE c.quantized_column_id OPERATOR(pg_catalog.=) ($1).quantized_column_id'
    ) s(n, statement)
$$;

CREATE PROCEDURE @extschema@.drop_quantized_column(relation regclass, quantized_column name, lock_timeout text DEFAULT '1s')
    LANGUAGE plpgsql AS $$
DECLARE
    q quantize.quantized_columns;
BEGIN
    CALL quantize.check_transaction('drop_quantized_column');
    COMMIT;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    PERFORM quantize.check_batches(1, 0, lock_timeout);
    q := quantize.column_of(relation, quantized_column);
    CALL quantize.run_statements(q, quantize.remove(q), lock_timeout);
END
$$;
COMMENT ON PROCEDURE @extschema@.drop_quantized_column IS 'drop a quantized column with its trigger and its record';
