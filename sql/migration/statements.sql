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

-- The code as a trigger's function computes it: as above, by names in the schema quantize, which whoever fires the trigger
-- may look up even where the extension's schema is not theirs.
CREATE FUNCTION quantize.column_trigger_code(
    source text, "precision" text, ranges real[], thresholds real[], truncate_dim integer
) RETURNS text
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT replace(quantize.column_code(source, "precision", ranges, thresholds, truncate_dim), '@extschema@.', 'quantize.')
$$;

-- The declaration and the statement of a trigger function that keep one column current. An equal code is left alone, so that
-- a long one that is stored out of line need not be stored again.
CREATE FUNCTION quantize.column_declaration(variable text, "precision" text, code text) RETURNS text
    IMMUTABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT format(E'    %s quantize.%s_code := %s;\n', variable,
        CASE "precision" WHEN 'int8' THEN 'int8' WHEN 'uint8' THEN 'uint8' ELSE 'binary' END, code)
$$;
CREATE FUNCTION quantize.column_assignment(quantized_column name, variable text) RETURNS text
    IMMUTABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT format(E'    IF NEW.%1$I IS NULL OR %2$s IS NULL OR quantize.codes_differ(NEW.%1$I, %2$s) THEN\n'
        '        NEW.%1$I := %2$s;\n    END IF;\n', quantized_column, variable)
$$;

-- The first line of every trigger function that we write, by which we know it again.
CREATE FUNCTION quantize.column_mark(column_id uuid) RETURNS text
    IMMUTABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT format(E'\n-- Written by pg_quantize for quantized column %s; CALL requantize_column changes the calibration.\n', column_id)
$$;

-- The body of the trigger's function. It takes the code from the row as it is about to be stored, whatever other triggers
-- made of it and whatever the statement wrote into the column.
CREATE FUNCTION quantize.column_body(q quantize.quantized_columns) RETURNS text
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    source text := format('NEW.%I', q.source_column);
    declarations text := quantize.column_declaration('code', q."precision",
        quantize.column_trigger_code(source, q."precision", q.ranges, q.thresholds, q.truncate_dim));
    assignments text := quantize.column_assignment(q.quantized_column, 'code');
BEGIN
    IF q.next_column IS NOT NULL THEN
        declarations := declarations || quantize.column_declaration('next_code', q."precision",
            quantize.column_trigger_code(source, q."precision", q.next_ranges, q.next_thresholds, q.truncate_dim));
        assignments := assignments || quantize.column_assignment(q.next_column, 'next_code');
    END IF;
    RETURN quantize.column_mark(q.quantized_column_id)
        || format(E'DECLARE\n%sBEGIN\n%s    RETURN NEW;\nEND\n', declarations, assignments);
END
$$;

-- Whether a function is one that we wrote for a quantized column of a table: it begins with the mark and belongs to the
-- table's owner. Nothing else is ever replaced or dropped, whatever a record or a trigger's argument says.
CREATE FUNCTION quantize.is_column_function(function oid, function_owner oid, column_id uuid) RETURNS boolean
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
        WHERE p.oid = function AND p.proowner = function_owner AND l.lanname = 'plpgsql' AND p.prorettype = 'trigger'::regtype
            AND p.pronargs = 0 AND starts_with(p.prosrc, quantize.column_mark(column_id)))
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

-- The trigger of a quantized column, whatever its name: it has the column's id for an argument and calls a function that we
-- wrote for it.
CREATE FUNCTION quantize.column_trigger_oid(relation oid, id uuid) RETURNS oid
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT t.oid FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE t.tgrelid = relation AND NOT t.tgisinternal AND t.tgargs = convert_to(id::text, 'UTF8') || '\x00'::bytea
        AND quantize.is_column_function(t.tgfoid, c.relowner, id)
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

-- Makes the trigger's function, which belongs to the table's owner whoever runs this. Names are looked up anew by each
-- statement, so a look at the catalogs closes it: an owner who moves names about meanwhile gets an error, never a function
-- of somebody else.
CREATE FUNCTION quantize.create_function(q quantize.quantized_columns, function_name name) RETURNS void
    VOLATILE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    body text := quantize.column_body(q);
    owner oid := (SELECT c.relowner FROM pg_class c WHERE c.oid = q.table_oid);
BEGIN
    EXECUTE format('CREATE FUNCTION %I.%I() RETURNS trigger LANGUAGE plpgsql AS %L', q.table_schema, function_name, body);
    IF owner <> (SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user) THEN
        EXECUTE format('ALTER FUNCTION %I.%I() OWNER TO %I', q.table_schema, function_name, pg_get_userbyid(owner));
    END IF;
    IF NOT EXISTS (SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
            WHERE n.nspname = q.table_schema AND p.proname = function_name AND p.prosrc = body AND p.proowner = owner) THEN
        PERFORM quantize.refuse('object_in_use', format('function %I.%I() was changed meanwhile', q.table_schema, function_name));
    END IF;
END
$$;

-- Brings a trigger's function into line with the record. Does nothing to a function that is not ours.
CREATE FUNCTION quantize.replace_function(function oid, column_id uuid) RETURNS void
    VOLATILE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    q quantize.quantized_columns := quantize.column_record(column_id);
    body text := quantize.column_body(q);
BEGIN
    IF quantize.is_column_function(function, (SELECT c.relowner FROM pg_class c WHERE c.oid = q.table_oid), column_id) THEN
        EXECUTE (SELECT format('CREATE OR REPLACE FUNCTION %I.%I() RETURNS trigger LANGUAGE plpgsql AS %L', n.nspname, p.proname, body)
            FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = function);
        IF NOT EXISTS (SELECT FROM pg_proc p WHERE p.oid = function AND p.prosrc = body) THEN
            PERFORM quantize.refuse('object_in_use', format('function %s was changed meanwhile', function::regprocedure));
        END IF;
    END IF;
END
$$;

-- Gives a trigger's function to the table's new owner, or drops it. Only for a function that is ours.
CREATE FUNCTION quantize.change_owner(function oid, new_owner oid) RETURNS void
    VOLATILE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE (SELECT format('ALTER FUNCTION %I.%I() OWNER TO %I', n.nspname, p.proname, pg_get_userbyid(new_owner))
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = function);
    IF NOT EXISTS (SELECT FROM pg_proc p WHERE p.oid = function AND p.proowner = new_owner) THEN
        PERFORM quantize.refuse('object_in_use', format('function %s was changed meanwhile', function::regprocedure));
    END IF;
END
$$;
CREATE FUNCTION quantize.drop_function(function oid) RETURNS void
    VOLATILE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE (SELECT format('DROP FUNCTION %I.%I()', n.nspname, p.proname)
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = function);
    IF EXISTS (SELECT FROM pg_proc p WHERE p.oid = function) THEN
        PERFORM quantize.refuse('object_in_use', format('function %s was changed meanwhile', function::regprocedure));
    END IF;
END
$$;

-- Every statement that makes a trigger: function and trigger.
CREATE FUNCTION quantize.column_install_trigger(q quantize.quantized_columns) RETURNS text[]
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    function_name name := quantize.column_function_name(q);
BEGIN
    RETURN format('SELECT quantize.create_function($1, %L)', function_name)
        || quantize.column_trigger(q, quantize.column_trigger_name(q), q.table_schema, function_name);
END
$$;

-- The statement that brings the trigger's function into line with the record; NULL when it is, or there is no trigger.
CREATE FUNCTION quantize.column_replace_function(q quantize.quantized_columns) RETURNS text
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('SELECT quantize.replace_function(%L, %L)', p.oid, q.quantized_column_id)
    FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE t.oid = quantize.column_trigger_oid(q.table_oid, q.quantized_column_id) AND p.prosrc <> quantize.column_body(q)
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
