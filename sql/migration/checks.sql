-- What a migration refuses, before it changes anything.
--
-- Procedures that commit cannot have a search_path of their own, so they run with their caller's, in which anybody may have
-- put operators, functions and types. Hence they name everything with its schema and use no operator: what is to be computed
-- is computed by functions, which have a search_path of their own.

-- What Postgres says, in the language of the server, to a COMMIT where none is possible, as in a function.
CREATE FUNCTION quantize.commit_refusal() RETURNS text
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    COMMIT;
    RETURN NULL;
EXCEPTION WHEN invalid_transaction_termination THEN
    RETURN SQLERRM;
END
$$;

-- CALL commits, so it can't run inside a transaction block. To find out, this tries a COMMIT that is refused in any case,
-- because of the block's handler: inside a transaction block the reason given is the same as in a function.
CREATE PROCEDURE quantize.check_transaction(procedure text) LANGUAGE plpgsql AS $$
DECLARE
    refusal pg_catalog.text;
BEGIN
    BEGIN
        COMMIT;
    EXCEPTION WHEN invalid_transaction_termination THEN
        refusal := SQLERRM;
    END;
    IF refusal OPERATOR(pg_catalog.=) quantize.commit_refusal() THEN
        PERFORM quantize.refuse('active_sql_transaction', pg_catalog.format('%s cannot run inside a transaction block', procedure),
            detail => 'It commits after every batch, so that it never holds locks for long.',
            hint => 'Turn autocommit on (psycopg: connection.autocommit = True), or use the plain DDL form in docs/migration.md.');
    END IF;
END
$$;

CREATE FUNCTION quantize.check_exists(relation regclass) RETURNS void
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF relation IS NULL THEN
        PERFORM quantize.refuse('null_value_not_allowed', 'relation must not be null');
    ELSIF NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = relation) THEN
        PERFORM quantize.refuse('undefined_table', format('table with OID %s does not exist', relation::oid));
    END IF;
END
$$;

CREATE FUNCTION quantize.check_owner(relation regclass) RETURNS void
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    c pg_class;
BEGIN
    PERFORM quantize.check_exists(relation);
    SELECT * INTO c FROM pg_class WHERE oid = relation;
    IF NOT pg_has_role(c.relowner, 'USAGE') THEN
        PERFORM quantize.refuse('insufficient_privilege', format('must be owner of table %s', c.relname),
            hint => format('Ask %I, or a member of that role, to run it.', pg_get_userbyid(c.relowner)));
    END IF;
END
$$;

-- Whether a table can have a quantized column at all.
CREATE FUNCTION quantize.check_table(relation regclass, mode text) RETURNS void
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    c pg_class;
    schema name;
    hint text;
BEGIN
    PERFORM quantize.check_owner(relation);
    SELECT * INTO c FROM pg_class WHERE oid = relation;
    SELECT n.nspname INTO schema FROM pg_namespace n WHERE n.oid = c.relnamespace;
    IF schema IN ('pg_catalog', 'pg_toast', 'information_schema') THEN
        PERFORM quantize.refuse('insufficient_privilege', format('permission denied: "%s" is a system catalog', c.relname));
    ELSIF c.relkind NOT IN ('r', 'p') THEN
        PERFORM quantize.refuse('wrong_object_type', format('"%s" is not a table', c.relname),
            hint => 'Quantize a column of the table that holds the embeddings.');
    ELSIF c.relispartition THEN
        PERFORM quantize.refuse('wrong_object_type', format('"%s" is a partition', c.relname),
            hint => format('Name the partitioned table %s: its partitions follow.',
                (SELECT relid::regclass FROM pg_partition_ancestors(relation) WITH ORDINALITY a(relid, n) ORDER BY n DESC LIMIT 1)));
    ELSIF c.relpersistence = 't' THEN
        PERFORM quantize.refuse('feature_not_supported', format('"%s" is a temporary table', c.relname),
            hint => 'Add the column and fill it with plain SQL: nobody else waits.');
    ELSIF EXISTS (SELECT FROM pg_partition_tree(relation) t JOIN pg_class p ON p.oid = t.relid WHERE p.relkind = 'f') THEN
        PERFORM quantize.refuse('feature_not_supported', format('"%s" has foreign tables as partitions', c.relname),
            hint => format('SELECT * FROM quantize_shards_sql(%L, …) gives the statements to run on each server.', relation::text));
    ELSIF row_security_active(relation) THEN
        PERFORM quantize.refuse('insufficient_privilege', format('row-level security hides rows of "%s" from role %s', c.relname, current_user),
            hint => 'Run it as a role with BYPASSRLS, or end FORCE ROW LEVEL SECURITY meanwhile.');
    END IF;
    IF mode = 'trigger' THEN
        IF c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = relation) THEN
            PERFORM quantize.refuse('feature_not_supported', format('"%s" has tables that inherit from it', c.relname),
                hint => 'Triggers are not inherited: use mode => ''generated''.');
        ELSIF NOT has_schema_privilege(c.relnamespace, 'CREATE') THEN
            PERFORM quantize.refuse('insufficient_privilege', format('permission denied for schema %s', schema),
                detail => 'The trigger''s function is created in the schema of the table.',
                hint => format('GRANT CREATE ON SCHEMA %I TO %I, or use mode => ''generated''.', schema, current_user));
        END IF;
    END IF;
END
$$;

-- Whether a column holds embeddings that can be read as real[].
CREATE FUNCTION quantize.check_source(relation regclass, source_column name, mode text) RETURNS void
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    a pg_attribute;
    base oid;
BEGIN
    IF source_column IS NULL THEN
        PERFORM quantize.refuse('null_value_not_allowed', 'source_column must not be null');
    END IF;
    SELECT * INTO a FROM pg_attribute
    WHERE attrelid = relation AND attname = source_column AND attnum > 0 AND NOT attisdropped;
    IF a.attnum IS NULL THEN
        PERFORM quantize.refuse('undefined_column', format('column "%s" of table "%s" does not exist', source_column, (SELECT c.relname FROM pg_class c WHERE c.oid = relation)));
    END IF;
    WITH RECURSIVE t(oid, typtype, typbasetype) AS (
        SELECT y.oid, y.typtype, y.typbasetype FROM pg_type y WHERE y.oid = a.atttypid
        UNION ALL
        SELECT y.oid, y.typtype, y.typbasetype FROM pg_type y JOIN t ON y.oid = t.typbasetype WHERE t.typtype = 'd'
    )
    SELECT t.oid INTO base FROM t WHERE t.typtype <> 'd';
    IF base NOT IN ('float4[]'::regtype, 'float8[]'::regtype, 'numeric[]'::regtype, 'int2[]'::regtype, 'int4[]'::regtype,
            'int8[]'::regtype)
        AND NOT EXISTS (SELECT FROM pg_cast k WHERE k.castsource = base AND k.casttarget = 'float4[]'::regtype) THEN
        PERFORM quantize.refuse('datatype_mismatch', format('column "%s" of type %s does not hold embeddings', source_column, format_type(a.atttypid, a.atttypmod)),
            hint => 'Embeddings are real[], another array of numbers, vector or halfvec.');
    ELSIF a.attgenerated <> '' THEN
        PERFORM quantize.refuse('feature_not_supported', format('column "%s" is a generated column', source_column),
            detail => 'Neither a BEFORE trigger nor another generated column sees its value.',
            hint => 'Quantize the column that it is computed from.');
    END IF;
END
$$;

-- Whether the calibration's parameters make sense together.
CREATE FUNCTION quantize.check_calibration(
    "precision" text, ranges real[], thresholds real[], sample_rows bigint, sample_percent double precision,
    quantile double precision, learn_thresholds boolean
) RETURNS void
    IMMUTABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wrong text := CASE
        WHEN "precision" IN ('binary', 'ubinary') AND ranges IS NOT NULL THEN 'ranges are for int8 and uint8, not for ' || "precision"
        WHEN "precision" IN ('binary', 'ubinary') AND quantile IS NOT NULL THEN 'quantile is for int8 and uint8, not for ' || "precision"
        WHEN "precision" IN ('int8', 'uint8') AND (thresholds IS NOT NULL OR learn_thresholds)
            THEN 'thresholds are for binary, not for ' || "precision"
        WHEN thresholds IS NOT NULL AND learn_thresholds THEN 'thresholds and learn_thresholds exclude each other'
        WHEN ranges IS NOT NULL AND num_nonnulls(sample_rows, sample_percent, quantile) > 0
            THEN 'ranges and a calibration of ranges exclude each other'
        WHEN sample_rows IS NOT NULL AND sample_percent IS NOT NULL THEN 'sample_rows and sample_percent exclude each other'
        WHEN sample_rows < 1 THEN format('sample_rows must be positive, not %s', sample_rows)
        WHEN NOT (sample_percent > 0 AND sample_percent <= 100) THEN format('sample_percent must be above 0 and at most 100, not %s', sample_percent)
        WHEN NOT (quantile > 0.5 AND quantile <= 1) THEN format('quantile must be above 0.5 and at most 1, not %s', quantile)
    END;
    state text;
    message text;
    detail text;
    hint text;
BEGIN
    IF wrong IS NOT NULL THEN
        PERFORM quantize.refuse('invalid_parameter_value', wrong);
    END IF;
    -- Raises the same errors as quantization would, now rather than in the backfill.
    IF ranges IS NOT NULL THEN
        PERFORM @extschema@.scale_query(array_fill(0::real, ARRAY[coalesce(nullif(array_length(ranges, 2), 0), 1)]), ranges);
    ELSIF thresholds IS NOT NULL THEN
        PERFORM @extschema@.quantize_binary(thresholds, thresholds);
    END IF;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    PERFORM quantize.refuse(state, message, detail, hint);
END
$$;

-- Whether the backfill's parameters make sense.
CREATE FUNCTION quantize.check_batches(batch_rows integer, pause_ms integer, lock_timeout text) RETURNS void
    VOLATILE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF coalesce(batch_rows, 0) < 1 THEN
        PERFORM quantize.refuse('invalid_parameter_value', format('batch_rows must be positive, not %s', coalesce(batch_rows::text, 'NULL')));
    ELSIF coalesce(pause_ms, -1) < 0 THEN
        PERFORM quantize.refuse('invalid_parameter_value', format('pause_ms must not be negative: %s', coalesce(pause_ms::text, 'NULL')));
    ELSIF lock_timeout IS NULL THEN
        PERFORM quantize.refuse('null_value_not_allowed', 'lock_timeout must not be null');
    END IF;
    BEGIN
        PERFORM set_config('lock_timeout', lock_timeout, true);
    EXCEPTION WHEN OTHERS THEN
        PERFORM quantize.refuse(SQLSTATE, SQLERRM);
    END;
END
$$;
