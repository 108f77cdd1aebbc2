-- Knowing whether all embeddings of a column are of unit length: then int8 codes rank alike by every metric.
--
-- A column whose sample is of unit length gets a second trigger. Its condition is all that a row costs; its function runs for
-- rows of another length only. The backfill updates every row under it, so when the column is complete the trigger has seen all.

-- Runs with the extension's rights, since writers have none on records, and writes nothing but that a row of the table which
-- fired it is not of unit length.
CREATE FUNCTION quantize.note_length() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    column_id CONSTANT uuid := TG_ARGV[0];
BEGIN
    -- Of the rows after the first this is all.
    IF NOT EXISTS (SELECT FROM quantize.other_lengths o WHERE o.quantized_column_id = column_id) THEN
        INSERT INTO quantize.other_lengths
        SELECT q.quantized_column_id FROM quantize.quantized_columns q
        WHERE q.quantized_column_id = column_id
            AND (q.table_oid = TG_RELID OR q.table_oid IN (SELECT a.relid FROM pg_partition_ancestors(TG_RELID) a));
    END IF;
    RETURN NULL;
END
$$;

-- Whether the embeddings of a sample are of unit length; true when there are none.
CREATE FUNCTION quantize.sample_is_unit(q quantize.quantized_columns) RETURNS boolean
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    is_unit boolean;
BEGIN
    EXECUTE format('SELECT bool_and(quantize.is_unit(%s)) FROM %s', quantize.column_embedding(format('s.%I', q.source_column), q.truncate_dim),
        quantize.sample(q.table_oid, q.source_column, 2000, NULL)) INTO is_unit;
    RETURN coalesce(is_unit, true);
EXCEPTION WHEN data_exception THEN
    RETURN false;
END
$$;

-- The statements that make the trigger, for a column of which the sample was of unit length.
CREATE FUNCTION quantize.install_length_trigger(q quantize.quantized_columns) RETURNS text[]
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN q.unit_length THEN ARRAY[
        format('CREATE TRIGGER %I AFTER INSERT OR UPDATE ON %I.%I FOR EACH ROW WHEN (NOT quantize.is_unit(%s))'
            ' EXECUTE FUNCTION quantize.note_length(%L)', t.name, q.table_schema, q.table_name,
            quantize.column_embedding(format('NEW.%I', q.source_column), q.truncate_dim), q.quantized_column_id),
        format('ALTER TABLE %I.%I ENABLE ALWAYS TRIGGER %I', q.table_schema, q.table_name, t.name)] ELSE '{}' END
    FROM (SELECT candidate::name
        FROM (VALUES (1, 'zzz_quantize_length_' || q.quantized_column), (2, 'zzz_quantize_length_' || q.quantized_column_id)) c(i, candidate)
        WHERE NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = q.table_oid AND t.tgname = candidate::name)
        ORDER BY i LIMIT 1) t(name)
$$;

CREATE FUNCTION quantize.length_trigger_oid(q quantize.quantized_columns) RETURNS oid
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT t.oid FROM pg_trigger t
    WHERE t.tgrelid = q.table_oid AND NOT t.tgisinternal AND t.tgfoid = 'quantize.note_length'::regproc
        AND t.tgargs = convert_to(q.quantized_column_id::text, 'UTF8') || '\x00'::bytea
    ORDER BY t.oid LIMIT 1
$$;

-- The statements that do without the trigger once it has told what it can, so that writers are spared its look at every row.
CREATE FUNCTION quantize.retire_length_trigger(q quantize.quantized_columns) RETURNS text[]
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce((SELECT ARRAY[
        'UPDATE quantize.quantized_columns c SET unit_length = false WHERE c.quantized_column_id OPERATOR(pg_catalog.=) ($1).quantized_column_id',
        format('DROP TRIGGER %I ON %I.%I', t.tgname, q.table_schema, q.table_name)]
    FROM pg_trigger t WHERE t.oid = quantize.length_trigger_oid(q)
        AND EXISTS (SELECT FROM quantize.other_lengths o WHERE o.quantized_column_id = q.quantized_column_id)), '{}')
$$;

-- What is known: nothing while a backfill goes on, or without the trigger at work.
CREATE FUNCTION quantize.known_unit_length(q quantize.quantized_columns) RETURNS boolean
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE
        WHEN NOT q.unit_length OR EXISTS (SELECT FROM quantize.other_lengths o WHERE o.quantized_column_id = q.quantized_column_id) THEN false
        WHEN q.state <> 'backfilling' AND EXISTS (SELECT FROM pg_trigger t
            WHERE t.oid = quantize.length_trigger_oid(q) AND t.tgenabled IN ('O', 'A')) THEN q.unit_length
    END
$$;
