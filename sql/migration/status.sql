-- calibration_status: how well the recorded calibrations fit the data of today.

-- FROM clause of a sample of recent rows: by a column that grows, else what lies at the end of the table.
CREATE FUNCTION quantize.recent_rows(q quantize.quantized_columns, sample_rows bigint, order_column name) RETURNS text
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- A primary key of one number or time is taken to grow.
    grows name := coalesce(order_column, (SELECT a.attname FROM pg_index i
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE i.indrelid = q.table_oid AND i.indisprimary AND i.indnkeyatts = 1
            AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype)));
    leaves oid[] := ARRAY(SELECT l FROM quantize.leaves(q.table_oid) l WHERE pg_relation_size(l) > 0);
    share bigint := ceil(sample_rows::numeric / greatest(cardinality(leaves), 1));
BEGIN
    IF grows IS NOT NULL THEN
        RETURN format('(SELECT %I AS source, %I AS code FROM %s ORDER BY %I DESC NULLS LAST LIMIT %s) s', q.source_column,
            q.quantized_column, q.table_oid::regclass, grows, sample_rows);
    END IF;
    -- The same share of every partition.
    RETURN coalesce((
        SELECT '(' || string_agg(format('(SELECT %I AS source, %I AS code FROM ONLY %s WHERE ctid >= ''(%s,0)'' LIMIT %s)',
            q.source_column, q.quantized_column, l::regclass,
            greatest(b.blocks - ceil(share / quantize.rows_per_block(l, b.blocks))::bigint, 0), share), ' UNION ALL ') || ') s'
        FROM unnest(leaves) l
        CROSS JOIN LATERAL (SELECT pg_relation_size(l) / current_setting('block_size')::bigint AS blocks) b),
        format('(SELECT %I AS source, %I AS code FROM %s) s', q.source_column, q.quantized_column, q.table_oid::regclass));
END
$$;

-- Dimensions with next to no width, against that of the others: the model writes nothing but noise there.
CREATE FUNCTION quantize.dead_dimensions(ranges real[]) RETURNS integer[]
    IMMUTABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    WITH w AS (SELECT d, ranges[2][d]::double precision - ranges[1][d] AS width FROM generate_series(1, array_length(ranges, 2)) d)
    SELECT coalesce(array_agg(d ORDER BY d), '{}') FROM w
    WHERE width <= 0.001 * (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY width) FROM w)
$$;

-- Ranges in which dead dimensions are as wide as the others, so that noise doesn't count as drift.
CREATE FUNCTION quantize.ranges_to_judge(ranges real[], dead integer[]) RETURNS real[]
    IMMUTABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    width double precision := (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ranges[2][i]::double precision - ranges[1][i])
        FROM generate_series(1, array_length(ranges, 2)) i);
    d integer;
BEGIN
    FOREACH d IN ARRAY dead LOOP
        ranges[1][d] := ranges[1][d] - width / 2;
        ranges[2][d] := ranges[2][d] + width / 2;
    END LOOP;
    RETURN ranges;
END
$$;

-- What a sample shows. share_expected: what the quantile cuts off on purpose, and new extremes: of n + 1 values each is as
-- likely as the others to be the greatest.
CREATE TYPE quantize.findings AS (
    rows_sampled bigint,
    codes_missing bigint,
    codes_stale bigint,
    share_outside double precision,
    share_expected double precision,
    worst_dimensions jsonb,
    dead_dimensions integer[]
);

CREATE FUNCTION quantize.examine(q quantize.quantized_columns, sample_rows bigint, order_column name) RETURNS quantize.findings
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    f quantize.findings;
    embedding text := quantize.column_embedding('s.source', q.truncate_dim);
    code text := quantize.column_code('s.source', q."precision", q.ranges, q.thresholds, q.truncate_dim);
    seen real[];
    report jsonb;
BEGIN
    f.dead_dimensions := CASE WHEN q.ranges IS NOT NULL THEN quantize.dead_dimensions(q.ranges) END;
    EXECUTE format('SELECT pg_catalog.count(s.source), pg_catalog.count(*) FILTER (WHERE s.source IS NOT NULL AND s.code IS NULL),
            pg_catalog.count(*) FILTER (WHERE s.code OPERATOR(@extschema@.<>) %s OR s.source IS NULL AND s.code IS NOT NULL),
            @extschema@.calibrate_ranges(%s), %s FROM %s', code, embedding,
            CASE WHEN q.ranges IS NULL THEN 'NULL::pg_catalog.jsonb' ELSE format('@extschema@.clipping_report(%s, $1)', embedding) END,
            quantize.recent_rows(q, sample_rows, order_column))
        INTO f.rows_sampled, f.codes_missing, f.codes_stale, seen, report
        USING CASE WHEN q.ranges IS NOT NULL THEN quantize.ranges_to_judge(q.ranges, f.dead_dimensions) END;
    IF q.ranges IS NOT NULL THEN
        f.share_outside := (report ->> 'clipped_share')::double precision;
        f.share_expected := 2 * (1 - coalesce(q.quantile, 1)) + coalesce(2.0 / (q.rows_calibrated + 1), 0);
        f.worst_dimensions := report -> 'worst_dimensions';
    ELSE
        -- Dead: a bit that is the same in every row.
        f.dead_dimensions := ARRAY(SELECT d FROM generate_series(1, array_length(seen, 2)) d
            WHERE (seen[1][d] > coalesce(q.thresholds[d], 0)) = (seen[2][d] > coalesce(q.thresholds[d], 0)) ORDER BY d);
    END IF;
    RETURN f;
END
$$;

-- The verdict in words, and the statement that mends it.
CREATE FUNCTION quantize.verdict(q quantize.quantized_columns, f quantize.findings, OUT verdict text, OUT remedy text)
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    again text := format('CALL @extschema@.quantize_column(%L, %L, %L, %L%s%s);', q.table_oid::regclass, q.source_column, q."precision",
        q.quantized_column, ', truncate_dim => ' || q.truncate_dim,
        CASE WHEN q.mode = 'generated' THEN ', mode => ''generated''' ELSE '' END);
    renew text := format('CALL @extschema@.requantize_column(%L, %L);', q.table_oid::regclass, q.quantized_column);
    percent text := trim_scale(round((100 * f.share_outside)::numeric, 2)) || ' % of the values lie outside the ranges';
BEGIN
    IF q.mode = 'trigger' AND NOT EXISTS (SELECT FROM pg_trigger t
            WHERE t.oid = quantize.column_trigger_oid(q.table_oid, q.quantized_column_id) AND t.tgenabled IN ('O', 'A')) THEN
        verdict := 'the trigger is missing or disabled: codes go stale';
        remedy := again;
    ELSIF q.state = 'backfilling' THEN
        verdict := 'the backfill is not complete';
        remedy := again;
    ELSIF q.state IN ('requantizing', 'swapping') THEN
        verdict := 'a requantization is not complete';
        remedy := renew;
    ELSIF f.codes_missing + f.codes_stale > 0 THEN
        verdict := format('%s codes are missing and %s stale among the recent rows', f.codes_missing, f.codes_stale);
        remedy := CASE WHEN q.ranges IS NULL AND q.thresholds IS NULL THEN again ELSE renew END;
    ELSIF f.rows_sampled = 0 THEN
        verdict := 'no embeddings to judge by';
    ELSIF f.share_outside > 0.01 + 4 * f.share_expected THEN
        verdict := 'drifted: ' || percent;
        remedy := renew;
    ELSIF f.share_outside > 0.001 + 2 * f.share_expected THEN
        verdict := 'drifting: ' || percent;
        remedy := renew;
    ELSE
        verdict := coalesce('good: ' || percent, 'good');
    END IF;
END
$$;

-- One row for each quantized column of a table, judged by its recent rows: the highest values of order_column, by default
-- of a primary key that is a number or a time, else the end of the table.
CREATE FUNCTION @extschema@.calibration_status(
    relation regclass, sample_rows bigint DEFAULT 10000, order_column name DEFAULT NULL
) RETURNS TABLE (
    quantized_column name, "precision" text, state text, calibrated_at timestamptz, rows_sampled bigint, codes_missing bigint,
    share_outside double precision, worst_dimensions jsonb, dead_dimensions integer[], verdict text, remedy text
)
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    q quantize.quantized_columns;
    f quantize.findings;
BEGIN
    IF coalesce(sample_rows, 0) < 1 THEN
        RAISE EXCEPTION 'sample_rows must be positive, not %', coalesce(sample_rows::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM quantize.check_exists(relation);
    FOR q IN SELECT * FROM quantize.quantized_columns c WHERE c.table_oid = relation ORDER BY c.quantized_attnum LOOP
        f := quantize.examine(q, sample_rows, order_column);
        RETURN QUERY SELECT q.quantized_column, q."precision", q.state, q.calibrated_at, f.rows_sampled, f.codes_missing, f.share_outside,
            f.worst_dimensions, f.dead_dimensions, v.verdict, v.remedy FROM quantize.verdict(q, f) v;
    END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@.calibration_status IS 'how far recent rows have drifted out of the stored calibrations, and what mends it';
