-- The text of the statements that a migration runs. These functions only build text; the procedures run it, with the
-- search_path of their caller, which the table's own triggers may need. Hence every name in it is qualified.
--
-- extra_float_digits: ranges are written out as literals and must come back as the same floats.

-- The code type of a precision, with its dimension where it is known.
CREATE FUNCTION quantize.column_type("precision" text, dimensions integer DEFAULT NULL) RETURNS text
    IMMUTABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT '@extschema@.' || CASE "precision" WHEN 'int8' THEN 'int8vec' WHEN 'uint8' THEN 'uint8vec' ELSE 'binvec' END
        || coalesce('(' || dimensions || ')', '')
$$;

-- The float embedding that is quantized, from the SQL text of the source column.
CREATE FUNCTION quantize.column_embedding(source text, truncate_dim integer) RETURNS text
    IMMUTABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN truncate_dim IS NULL THEN source || '::pg_catalog.float4[]'
        ELSE '@extschema@.truncate_embeddings(' || source || '::pg_catalog.float4[], ' || truncate_dim || ')' END
$$;

-- The code, from the SQL text of the source column.
CREATE FUNCTION quantize.column_code(
    source text, "precision" text, ranges real[], thresholds real[], truncate_dim integer
) RETURNS text
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET extra_float_digits = 1 AS $$
DECLARE
    embedding text := quantize.column_embedding(source, truncate_dim);
BEGIN
    IF "precision" IN ('int8', 'uint8') THEN
        RETURN format('@extschema@.quantize_%s(%s, %L::pg_catalog.float4[])', "precision", embedding, ranges);
    ELSIF thresholds IS NOT NULL THEN
        RETURN format('@extschema@.quantize_binary(%s, %L::pg_catalog.float4[])', embedding, thresholds);
    END IF;
    RETURN format('@extschema@.quantize_binary(%s)', embedding);
END
$$;

-- Assignments of a trigger function that keep one column current. An equal code is left alone, so that a long one that
-- is stored out of line need not be stored again.
CREATE FUNCTION quantize.column_assignment(quantized_column name, variable text) RETURNS text
    IMMUTABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT format(E'    IF NEW.%1$I IS NULL OR %2$s IS NULL OR NEW.%1$I OPERATOR(@extschema@.<>) %2$s THEN\n'
        '        NEW.%1$I := %2$s;\n    END IF;\n', quantized_column, variable)
$$;

-- The body of the trigger's function. It takes the code from the row as it is about to be stored, whatever other triggers
-- made of it and whatever the statement wrote into the column.
CREATE FUNCTION quantize.column_body(q quantize.quantized_columns) RETURNS text
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    source text := format('NEW.%I', q.source_column);
    declarations text;
    assignments text;
BEGIN
    declarations := format(E'    code %s := %s;\n', quantize.column_type(q."precision"),
        quantize.column_code(source, q."precision", q.ranges, q.thresholds, q.truncate_dim));
    assignments := quantize.column_assignment(q.quantized_column, 'code');
    IF q.next_column IS NOT NULL THEN
        declarations := declarations || format(E'    next_code %s := %s;\n',
            quantize.column_type(q."precision"), quantize.column_code(
                source, q."precision", q.next_ranges, q.next_thresholds, q.truncate_dim));
        assignments := assignments || quantize.column_assignment(q.next_column, 'next_code');
    END IF;
    RETURN format(E'\n-- Written by pg_quantize for quantized column %s; CALL requantize_column changes the calibration.\n'
        'DECLARE\n%sBEGIN\n%s    RETURN NEW;\nEND\n', q.quantized_column_id, declarations, assignments);
END
$$;

CREATE FUNCTION quantize.column_function(q quantize.quantized_columns, schema name, name name) RETURNS text
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('CREATE OR REPLACE FUNCTION %I.%I() RETURNS trigger LANGUAGE plpgsql AS %L', schema, name,
        quantize.column_body(q))
$$;

-- A name for the trigger that is free on the table. It sorts behind those of ordinary triggers, so that it sees what they
-- leave.
CREATE FUNCTION quantize.column_trigger_name(q quantize.quantized_columns) RETURNS name
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT candidate::name
    FROM (VALUES (1, 'zzz_quantize_' || q.quantized_column), (2, 'zzz_quantize_' || q.quantized_column_id)) c(i, candidate)
    WHERE NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = q.table_oid AND t.tgname = candidate::name)
    ORDER BY i LIMIT 1
$$;

-- The trigger. The condition makes the columns known to Postgres: it follows their renames and keeps them from being
-- dropped under the trigger. It fires always: rows that logical replication brings get their codes too.
CREATE FUNCTION quantize.column_trigger(q quantize.quantized_columns, trigger_name name, schema name, function_name name) RETURNS text[]
    IMMUTABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT ARRAY[
        format('CREATE TRIGGER %I BEFORE INSERT OR UPDATE ON %I.%I FOR EACH ROW'
            ' WHEN (NEW.%I IS NOT NULL OR NEW.%I IS NOT NULL) EXECUTE FUNCTION %I.%I(%L)',
            trigger_name, q.table_schema, q.table_name, q.source_column, q.quantized_column, schema, function_name, q.quantized_column_id),
        format('ALTER TABLE %I.%I ENABLE ALWAYS TRIGGER %I', q.table_schema, q.table_name, trigger_name)]
$$;

-- The trigger of a quantized column: found by its argument, so that it may have any name.
CREATE FUNCTION quantize.column_trigger_oid(relation oid, id uuid) RETURNS oid
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT t.oid FROM pg_trigger t
    WHERE t.tgrelid = relation AND NOT t.tgisinternal AND t.tgargs = convert_to(id::text, 'UTF8') || '\x00'::bytea
    ORDER BY t.oid LIMIT 1
$$;

-- A name for the trigger function that is free in the schema.
CREATE FUNCTION quantize.column_function_name(q quantize.quantized_columns) RETURNS name
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT candidate::name
    FROM (VALUES (1, 'quantize_' || q.table_name || '_' || q.quantized_column), (2, 'quantize_' || q.quantized_column_id)) c(i, candidate)
    WHERE NOT EXISTS (SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = q.table_schema AND p.proname = candidate::name)
    ORDER BY i LIMIT 1
$$;

-- Every statement that makes a trigger: function, its owner, trigger.
CREATE FUNCTION quantize.column_install_trigger(q quantize.quantized_columns) RETURNS text[]
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    function_name name := quantize.column_function_name(q);
    statements text[];
BEGIN
    statements := ARRAY[quantize.column_function(q, q.table_schema, function_name)];
    IF q.owner <> (SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user) THEN
        statements := statements || format('ALTER FUNCTION %I.%I() OWNER TO %I', q.table_schema, function_name,
            pg_get_userbyid(q.owner));
    END IF;
    RETURN statements || quantize.column_trigger(q, quantize.column_trigger_name(q),
        q.table_schema, function_name);
END
$$;

-- The statement that brings the trigger's function into line with the record; NULL when it is, or there is no trigger.
CREATE FUNCTION quantize.column_replace_function(q quantize.quantized_columns) RETURNS text
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT quantize.column_function(q, n.nspname, p.proname)
    FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE t.oid = quantize.column_trigger_oid(q.table_oid, q.quantized_column_id)
        AND p.prosrc <> quantize.column_body(q)
$$;

-- ADD COLUMN: without a rewrite when a trigger keeps the column, with one when it is generated.
CREATE FUNCTION quantize.column_add(
    q quantize.quantized_columns, column_name name, ranges real[], thresholds real[]
) RETURNS text
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('ALTER TABLE %I.%I ADD COLUMN %I %s', q.table_schema, q.table_name, column_name,
        quantize.column_type(q."precision", q.dimensions))
    || CASE WHEN q.mode = 'generated' THEN format(' GENERATED ALWAYS AS (%s) STORED', quantize.column_code(
        format('%I', q.source_column), q."precision", ranges, thresholds, q.truncate_dim)) ELSE '' END
$$;
