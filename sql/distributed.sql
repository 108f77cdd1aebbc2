-- Tables whose partitions are on other servers (postgres_fdw): one calibration over all of them, computed where the rows are, and
-- the statements that quantize a column on each server. Nothing here runs on another server but queries that postgres_fdw sends.

SET LOCAL search_path = pg_catalog, pg_temp;

-- States of calibrations as results, and the aggregates that put such states together. postgres_fdw sends whole aggregates only.
CREATE AGGREGATE quantize.calibrate_quantile_partial(embedding real[], quantile float8) (
    SFUNC = quantize.calibrate_quantile_transition, STYPE = integer[], COMBINEFUNC = quantize.calibrate_quantile_combine,
    SSPACE = 8000000, PARALLEL = safe
);
CREATE AGGREGATE quantize.calibrate_quantile_merge(state integer[]) (
    SFUNC = quantize.calibrate_quantile_combine, STYPE = integer[], COMBINEFUNC = quantize.calibrate_quantile_combine,
    FINALFUNC = quantize.calibrate_quantile_final, FINALFUNC_MODIFY = read_only, SSPACE = 8000000, PARALLEL = safe
);
CREATE AGGREGATE quantize.calibrate_thresholds_partial(embedding real[]) (
    SFUNC = quantize.calibrate_thresholds_transition, STYPE = float8[], COMBINEFUNC = quantize.calibrate_thresholds_combine,
    SSPACE = 8192, PARALLEL = safe
);
CREATE AGGREGATE quantize.calibrate_thresholds_merge(state float8[]) (
    SFUNC = quantize.calibrate_thresholds_combine, STYPE = float8[], COMBINEFUNC = quantize.calibrate_thresholds_combine,
    FINALFUNC = quantize.calibrate_thresholds_final, FINALFUNC_MODIFY = read_only, SSPACE = 8192, PARALLEL = safe
);

-- One aggregate over every partition by itself, then another over their results. The partitions' own names, since an aggregate
-- over the parent would fetch the rows.
CREATE FUNCTION quantize.over_shards(relation regclass, partial text, merge text) RETURNS text
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('SELECT %s(s.state) FROM (%s) s(state)', merge, string_agg(
        format('SELECT %s FROM %I.%I', partial, n.nspname, c.relname), ' UNION ALL ' ORDER BY c.oid))
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid IN (SELECT t.relid FROM pg_partition_tree(relation) t WHERE t.isleaf
        UNION SELECT p.oid FROM pg_class p WHERE p.oid = relation AND p.relkind <> 'p')
$$;

CREATE FUNCTION quantize.calibrate_shards(
    relation regclass, source_column name, truncate_dim integer, quantile float8, thresholds boolean
) RETURNS real[]
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    embedding text := quantize.column_embedding(format('%I', source_column), truncate_dim);
    result real[];
BEGIN
    EXECUTE CASE
        WHEN thresholds THEN quantize.over_shards(relation,
            format('quantize.calibrate_thresholds_partial(%s)', embedding), 'quantize.calibrate_thresholds_merge')
        WHEN quantile IS NULL THEN quantize.over_shards(relation,
            format('@extschema@.calibrate_ranges(%s)', embedding), '@extschema@.merge_ranges')
        ELSE quantize.over_shards(relation,
            format('quantize.calibrate_quantile_partial(%s, %L::pg_catalog.float8)', embedding, quantile),
            'quantize.calibrate_quantile_merge')
    END INTO result;
    RETURN result;
END
$$;

CREATE FUNCTION @extschema@.calibrate_shards(relation regclass, source_column name, quantile float8 DEFAULT NULL) RETURNS real[]
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quantize.check_exists(relation);
    PERFORM quantize.check_source(relation, source_column, NULL);
    RETURN quantize.calibrate_shards(relation, source_column, NULL, quantile, false);
END
$$;
COMMENT ON FUNCTION @extschema@.calibrate_shards(regclass, name, float8)
    IS 'calibrate_ranges over a partitioned table, each partition aggregated where its rows are';

-- The names on the other server of what a foreign table stands for.
CREATE FUNCTION quantize.remote_name(relation oid, OUT server name, OUT wrapper name, OUT remote text)
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT s.srvname, w.fdwname, format('%I.%I',
        coalesce((SELECT o.option_value FROM pg_options_to_table(f.ftoptions) o WHERE o.option_name = 'schema_name'), n.nspname),
        coalesce((SELECT o.option_value FROM pg_options_to_table(f.ftoptions) o WHERE o.option_name = 'table_name'), c.relname))
    FROM pg_foreign_table f
    JOIN pg_foreign_server s ON s.oid = f.ftserver JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
    JOIN pg_class c ON c.oid = f.ftrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE f.ftrelid = relation
$$;

CREATE FUNCTION quantize.remote_column(relation oid, local_name name) RETURNS text
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce((SELECT o.option_value FROM pg_options_to_table(a.attfdwoptions) o WHERE o.option_name = 'column_name'), a.attname)
    FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = local_name AND a.attnum > 0
$$;

CREATE FUNCTION @extschema@.quantize_shards_sql(
    relation regclass, source_column name, "precision" text, quantized_column name DEFAULT NULL, ranges real[] DEFAULT NULL,
    quantile float8 DEFAULT NULL, thresholds real[] DEFAULT NULL, learn_thresholds boolean DEFAULT false,
    truncate_dim integer DEFAULT NULL
) RETURNS TABLE (server name, statement text)
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET extra_float_digits = 1 AS $$
DECLARE
    target name := coalesce(quantized_column,
        source_column || CASE "precision" WHEN 'int8' THEN '_int8' WHEN 'uint8' THEN '_uint8' ELSE '_bin' END);
    codes text := CASE "precision" WHEN 'int8' THEN 'int8vec' WHEN 'uint8' THEN 'uint8vec' ELSE 'binvec' END;
    dimensions integer;
    leaf oid;
    wrapper name;
    remote text;
BEGIN
    PERFORM quantize.check_owner(relation);
    PERFORM quantize.check_source(relation, source_column, NULL);
    IF "precision" IS NULL OR "precision" NOT IN ('int8', 'uint8', 'binary', 'ubinary') THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = coalesce(format('unknown precision "%s"', "precision"), 'precision must not be null'),
            HINT = 'Columns are of precision int8, uint8, binary or ubinary.';
    END IF;
    PERFORM quantize.check_calibration("precision", ranges, thresholds, NULL, NULL, quantile, learn_thresholds);
    IF "precision" IN ('int8', 'uint8') THEN
        ranges := coalesce(ranges, quantize.calibrate_shards(relation, source_column, truncate_dim, quantile, false));
    ELSIF learn_thresholds THEN
        thresholds := quantize.calibrate_shards(relation, source_column, truncate_dim, NULL, true);
    END IF;
    IF "precision" IN ('int8', 'uint8') AND ranges IS NULL OR learn_thresholds AND thresholds IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'no_data_found',
            MESSAGE = format('no embedding in column "%s" of table "%s" to calibrate on', source_column,
                (SELECT c.relname FROM pg_class c WHERE c.oid = relation)),
            HINT = 'Pass ranges or thresholds of other data of the same model.';
    END IF;
    FOR leaf IN
        SELECT t.relid::oid FROM pg_partition_tree(relation) t WHERE t.isleaf
        UNION SELECT relation::oid WHERE NOT EXISTS (SELECT FROM pg_class p WHERE p.oid = relation AND p.relkind = 'p') ORDER BY 1
    LOOP
        SELECT * INTO server, wrapper, remote FROM quantize.remote_name(leaf);
        IF wrapper IS DISTINCT FROM 'postgres_fdw' THEN
            RAISE EXCEPTION USING ERRCODE = 'wrong_object_type',
                MESSAGE = format('"%s" is not a foreign table of postgres_fdw', (SELECT c.relname FROM pg_class c WHERE c.oid = leaf)),
                HINT = CASE WHEN wrapper IS NULL THEN 'Call quantize_column for a table whose rows are all here; where rows are here and elsewhere, move them to a server of their own.'
                    ELSE 'Quantize where the rows are stored.' END;
        END IF;
        statement := format('CALL @extschema@.quantize_column(%L, %L, %L, quantized_column => %L%s%s%s)', remote,
            quantize.remote_column(leaf, source_column), "precision", target,
            ', ranges => ' || quote_literal(ranges::text), ', thresholds => ' || quote_literal(thresholds::text),
            ', truncate_dim => ' || truncate_dim);
        RETURN NEXT;
    END LOOP;
    server := NULL;
    dimensions := coalesce(array_length(ranges, 2), array_length(thresholds, 1), truncate_dim);
    statement := format('ALTER %s %s ADD COLUMN %I @extschema@.%s%s',
        CASE WHEN (SELECT c.relkind FROM pg_class c WHERE c.oid = relation) = 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END,
        (SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.oid = relation), target, codes, '(' || dimensions || ')');
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION @extschema@.quantize_shards_sql(
    regclass, name, text, name, real[], float8, real[], boolean, integer
) IS 'the statements that quantize a column of a table whose partitions are on other servers: one for each, and last the one for here';
