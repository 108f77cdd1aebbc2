-- Calibration of a column: ranges or thresholds, with the dimension of the codes.

CREATE TYPE quantize.calibration AS (
    ranges real[],
    thresholds real[],
    quantile double precision,
    dimensions integer,
    rows_calibrated bigint
);

-- FROM clause of a sample. Blocks are sampled, not rows: reading one row in a hundred would read every block.
CREATE FUNCTION quantize.sample(relation regclass, source_column name, sample_rows bigint, sample_percent double precision) RETURNS text
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    rows_expected double precision;
    share double precision := sample_percent;
BEGIN
    IF sample_rows IS NOT NULL THEN
        SELECT sum(c.reltuples) FILTER (WHERE c.reltuples > 0) INTO rows_expected
        FROM pg_class c WHERE c.oid IN (SELECT t.relid FROM pg_partition_tree(relation) t WHERE t.isleaf UNION SELECT relation)
            AND c.relkind = 'r';
        IF rows_expected > 0 THEN
            -- A third more than needed, against blocks that are half empty and embeddings that are null.
            share := 133.0 * sample_rows / rows_expected + 0.01;
        END IF;
    END IF;
    RETURN format('(SELECT %2$I FROM %1$s%3$s WHERE %2$I IS NOT NULL%4$s) s', relation,  source_column,
        CASE WHEN share < 100 THEN format(' TABLESAMPLE pg_catalog.system (%s)', share) END,
        CASE WHEN sample_rows IS NOT NULL THEN ' LIMIT ' || sample_rows END);
END
$$;

-- Calibrates on the table, or takes what the user gave.
CREATE FUNCTION quantize.calibrate(
    relation regclass, source_column name, "precision" text, truncate_dim integer, ranges real[], thresholds real[],
    sample_rows bigint, sample_percent double precision, quantile double precision, learn_thresholds boolean
) RETURNS quantize.calibration
    VOLATILE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quantize.calibration;
    embedding text := quantize.column_embedding(format('%I', source_column), truncate_dim);
    sample text := quantize.sample(relation, source_column, sample_rows, sample_percent);
    state text;
    message text;
    detail text;
    hint text;
BEGIN
    result.ranges := ranges;
    result.thresholds := thresholds;
    IF "precision" IN ('int8', 'uint8') AND ranges IS NULL THEN
        result.quantile := quantile;
        EXECUTE format('SELECT @extschema@.calibrate_ranges(%s%s), pg_catalog.count(*) FROM %s', embedding,
                CASE WHEN quantile IS NOT NULL THEN format(', %L::pg_catalog.float8', quantile) END, sample)
            INTO result.ranges, result.rows_calibrated;
    ELSIF learn_thresholds THEN
        EXECUTE format('SELECT @extschema@.calibrate_thresholds(%s), pg_catalog.count(*) FROM %s', embedding, sample)
            INTO result.thresholds, result.rows_calibrated;
    END IF;
    IF result.rows_calibrated = 0 THEN
        PERFORM quantize.refuse('no_data_found', format('no embedding in column "%s" of table "%s" to calibrate on', source_column, (SELECT c.relname FROM pg_class c WHERE c.oid = relation)),
            hint => CASE WHEN "precision" LIKE '%int8' THEN
                'Pass ranges => …, for example those of calibrate_ranges on other data of the same model.' ELSE
                'Pass thresholds => …, or quantize by sign without them.' END);
    END IF;
    result.dimensions := coalesce(array_length(result.ranges, 2), array_length(result.thresholds, 1), truncate_dim);
    IF result.dimensions IS NULL THEN
        EXECUTE format('SELECT pg_catalog.array_length(%s, 1) FROM %s LIMIT 1', embedding,
            quantize.sample(relation, source_column, NULL, NULL)) INTO result.dimensions;
    END IF;
    -- One row shows whether what was given fits the embeddings.
    EXECUTE format('SELECT NULL FROM (SELECT %s AS code FROM %s LIMIT 1) c WHERE c.code IS NULL',
        quantize.column_code(format('s.%I', source_column), "precision", result.ranges, result.thresholds, truncate_dim),
        quantize.sample(relation, source_column, NULL, NULL));
    RETURN result;
EXCEPTION WHEN OTHERS THEN
    -- With the row that was to blame, if any is, and without the statement, which may hold thousands of numbers.
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    IF state LIKE '22%' AND result.ranges IS NOT DISTINCT FROM ranges AND result.thresholds IS NOT DISTINCT FROM thresholds THEN
        PERFORM quantize.report_unlike_row(relation, source_column);
    END IF;
    PERFORM quantize.refuse(state, message, detail, hint);
END
$$;

-- Raises an error about the first row whose embedding is not finite or not of as many dimensions as the first; none if all are
-- alike.
CREATE FUNCTION quantize.report_unlike_row(relation regclass, source_column name) RETURNS void
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    embedding text := quantize.column_embedding(format('%I', source_column), NULL);
    leaf oid;
    zeros real[];
BEGIN
    FOR leaf IN SELECT l FROM quantize.leaves(relation) l LOOP
        EXECUTE format('SELECT array_fill(0::real, ARRAY[array_length(%s, 1)]) FROM ONLY %s WHERE array_ndims(%1$s) = 1 LIMIT 1',
            embedding, leaf::regclass) INTO zeros;
        PERFORM quantize.report_bad_row(source_column,
            format('@extschema@.quantize_binary(%s, %L::pg_catalog.float4[])', embedding, coalesce(zeros, '{0}')),
            leaf, 0, pg_relation_size(leaf) / current_setting('block_size')::bigint);
    END LOOP;
END
$$;
