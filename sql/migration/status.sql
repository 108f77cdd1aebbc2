-- calibration_status: how well the recorded calibrations fit the data of today.

-- The block from which on a table holds about so many embeddings: going back from its end, where there may be none but dead
-- rows.
CREATE FUNCTION quantize.recent_block(relation oid, source_column name, wanted bigint) RETURNS bigint
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    blocks bigint := pg_relation_size(relation) / current_setting('block_size')::bigint;
    back bigint := ceil(wanted / quantize.rows_per_block(relation, blocks, source_column));
    found bigint;
BEGIN
    LOOP
        EXECUTE format('SELECT count(*) FROM (SELECT FROM ONLY %s WHERE ctid >= ''(%s,0)'' AND %I IS NOT NULL LIMIT %s) s',
            relation::regclass, greatest(blocks - back, 0), source_column, wanted) INTO found;
        IF found >= wanted / 2.0 OR back >= blocks THEN
            RETURN greatest(blocks - back, 0);
        END IF;
        back := 4 * back;
    END LOOP;
END
$$;

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
            q.source_column, q.quantized_column, l::regclass, quantize.recent_block(l, q.source_column, share), share), ' UNION ALL ') || ') s'
        FROM unnest(leaves) l),
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
-- likely as the others to be the greatest. Of the dimensions that are not dead, some may be vague: nearly all rows have the same
-- bit there, or codes of a few neighbouring values, or of one.
CREATE TYPE quantize.findings AS (
    rows_sampled bigint,
    codes_missing bigint,
    codes_stale bigint,
    share_outside double precision,
    share_expected double precision,
    worst_dimensions jsonb,
    dead_dimensions integer[],
    live_dimensions bigint,
    vague_dimensions bigint,
    constant_dimensions bigint,
    -- The error that an embedding of the sample causes.
    error text
);

-- The aggregate that shows how codes spread: of bits the mean of 1 and -1, of others where 98 of 100 lie.
CREATE FUNCTION quantize.spread_aggregate("precision" text, code text) RETURNS text
    IMMUTABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT format(CASE WHEN "precision" IN ('int8', 'uint8') THEN '@extschema@.calibrate_ranges((%s)::pg_catalog.int2[]::pg_catalog.float4[], 0.99)'
        ELSE '@extschema@.calibrate_thresholds(@extschema@.dequantize_embeddings(%s))' END, code)
$$;

-- Counts dimensions by what their codes tell: live, vague, constant. A bit is vague that fewer than 1 row of 100 has otherwise,
-- a code of 256 whose values hardly differ by 8.
CREATE FUNCTION quantize.count_dimensions(
    "precision" text, spread real[], dead integer[], OUT live bigint, OUT vague bigint, OUT constant bigint
)
    IMMUTABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT count(*), count(*) FILTER (WHERE s.is_vague), count(*) FILTER (WHERE s.is_constant)
    FROM generate_series(1, array_length(spread, CASE WHEN "precision" IN ('int8', 'uint8') THEN 2 ELSE 1 END)) d
    CROSS JOIN LATERAL (
        SELECT spread[2][d] - spread[1][d] < 8, spread[2][d] - spread[1][d] < 1 WHERE "precision" IN ('int8', 'uint8')
        UNION ALL SELECT abs(spread[d]) > 0.98, abs(spread[d]) = 1 WHERE "precision" NOT IN ('int8', 'uint8')) s(is_vague, is_constant)
    WHERE d <> ALL (dead)
$$;

-- Looks at rows: a FROM item s with the columns source and code.
CREATE FUNCTION quantize.examine(q quantize.quantized_columns, rows text) RETURNS quantize.findings
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    f quantize.findings;
    embedding text := quantize.column_embedding('s.source', q.truncate_dim);
    code text := quantize.column_code('s.source', q."precision", q.ranges, q.thresholds, q.truncate_dim);
    seen real[];
    spread real[];
    report jsonb;
BEGIN
    f.dead_dimensions := CASE WHEN q.ranges IS NOT NULL THEN quantize.dead_dimensions(q.ranges) END;
    BEGIN
        EXECUTE format('SELECT count(s.source), count(*) FILTER (WHERE s.source IS NOT NULL AND s.code IS NULL),
                count(*) FILTER (WHERE s.code OPERATOR(@extschema@.<>) %s OR s.source IS NULL AND s.code IS NOT NULL),
                @extschema@.calibrate_ranges(%s), %s, %s FROM %s', code, embedding, quantize.spread_aggregate(q."precision", code),
                CASE WHEN q.ranges IS NULL THEN 'NULL::jsonb' ELSE format('@extschema@.clipping_report(%s, $1)', embedding) END, rows)
            INTO f.rows_sampled, f.codes_missing, f.codes_stale, seen, spread, report
            USING CASE WHEN q.ranges IS NOT NULL THEN quantize.ranges_to_judge(q.ranges, f.dead_dimensions) END;
    EXCEPTION WHEN data_exception THEN
        f.error := SQLERRM;
        RETURN f;
    END;
    IF q.ranges IS NOT NULL THEN
        f.share_outside := (report ->> 'clipped_share')::double precision;
        f.share_expected := 2 * (1 - coalesce(q.quantile, 1)) + coalesce(2.0 / (q.rows_calibrated + 1), 0);
        f.worst_dimensions := report -> 'worst_dimensions';
    ELSE
        -- Dead: a bit that is the same in every row.
        f.dead_dimensions := ARRAY(SELECT d FROM generate_series(1, array_length(seen, 2)) d
            WHERE (seen[1][d] > coalesce(q.thresholds[d], 0)) = (seen[2][d] > coalesce(q.thresholds[d], 0)) ORDER BY d);
    END IF;
    IF f.rows_sampled > 0 THEN
        SELECT * INTO f.live_dimensions, f.vague_dimensions, f.constant_dimensions
        FROM quantize.count_dimensions(q."precision", spread, quantize.dead_dimensions(seen));
    END IF;
    RETURN f;
END
$$;

-- What codes of this calibration are worth, in words, and the statement that mends it; NULL when there is nothing to say. A few
-- rows say nothing about how codes spread.
CREATE FUNCTION quantize.judge(q quantize.quantized_columns, f quantize.findings, OUT verdict text, OUT remedy text)
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    is_binary boolean := q."precision" IN ('binary', 'ubinary');
    percent text := trim_scale(round((100 * f.share_outside)::numeric, 2)) || ' % of the values lie outside the ranges';
    worth text := CASE WHEN f.constant_dimensions = f.live_dimensions THEN 'useless: ' WHEN is_binary THEN 'weak: ' ELSE 'coarse: ' END;
BEGIN
    -- On the data of today.
    remedy := format('CALL @extschema@.requantize_column(%L, %L%s);', q.table_oid::regclass, q.quantized_column,
        CASE WHEN is_binary THEN ', learn_thresholds => true' END);
    IF f.share_outside > 0.01 + 4 * f.share_expected THEN
        verdict := 'drifted: ' || percent;
    ELSIF f.share_outside > 0.001 + 2 * f.share_expected THEN
        verdict := 'drifting: ' || percent;
    ELSIF f.rows_sampled >= 20 AND f.live_dimensions = 0 THEN
        verdict := 'useless: the embeddings are the same in every row';
        remedy := NULL;
    ELSIF f.rows_sampled >= 20 AND 2 * f.vague_dimensions > f.live_dimensions THEN
        verdict := worth || CASE WHEN is_binary THEN format('%s of %s bits are the same in nearly every row', f.vague_dimensions, f.live_dimensions)
            ELSE format('%s of %s dimensions use fewer than 8 of 256 codes', f.vague_dimensions, f.live_dimensions) END;
        IF NOT is_binary AND q.rows_calibrated IS NOT NULL AND coalesce(q.quantile, 1) > 0.99 THEN
            -- A few rows are far out and stretch the ranges.
            remedy := format('CALL @extschema@.requantize_column(%L, %L, quantile => %s);', q.table_oid::regclass, q.quantized_column,
                CASE WHEN q.rows_calibrated >= 10000 AND q.quantile IS NULL THEN 0.999 ELSE 0.99 END);
        END IF;
    ELSE
        remedy := NULL;
    END IF;
END
$$;

-- Warns, before a column is filled, when codes of its calibration would be of little use.
CREATE FUNCTION quantize.warn_of_poor_codes(q quantize.quantized_columns) RETURNS void
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    poor record;
BEGIN
    SELECT * INTO poor FROM quantize.judge(q, quantize.examine(q, format('(SELECT %s AS source, NULL::%s AS code FROM %s) s',
        format('s.%I', q.source_column), quantize.column_type(q."precision"), quantize.sample(q.table_oid, q.source_column, 2000, NULL))));
    IF poor.verdict IS NOT NULL THEN
        RAISE WARNING 'codes of column "%" of table "%" will be of little use', q.quantized_column, q.table_name
            USING DETAIL = poor.verdict || '.', HINT = coalesce('Once the column is complete: ' || poor.remedy, 'No codes could tell such rows apart.');
    END IF;
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
    ELSIF f.error IS NOT NULL THEN
        verdict := 'an embedding cannot be quantized: ' || f.error;
    ELSIF f.codes_missing + f.codes_stale > 0 THEN
        verdict := format('%s codes are missing and %s stale among the recent rows', f.codes_missing, f.codes_stale);
        remedy := CASE WHEN q.ranges IS NULL AND q.thresholds IS NULL THEN again ELSE renew END;
    ELSIF f.rows_sampled = 0 THEN
        verdict := 'no embeddings to judge by';
    ELSE
        SELECT * INTO verdict, remedy FROM quantize.judge(q, f);
        verdict := coalesce(verdict, 'good: ' || trim_scale(round((100 * f.share_outside)::numeric, 2)) || ' % of the values lie outside the ranges', 'good');
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
        PERFORM quantize.refuse('invalid_parameter_value', format('sample_rows must be positive, not %s', coalesce(sample_rows::text, 'NULL')));
    END IF;
    PERFORM quantize.check_exists(relation);
    FOR q IN SELECT * FROM quantize.quantized_columns c WHERE c.table_oid = relation ORDER BY c.quantized_attnum LOOP
        f := quantize.examine(q, quantize.recent_rows(q, sample_rows, order_column));
        RETURN QUERY SELECT q.quantized_column, q."precision", q.state, q.calibrated_at, f.rows_sampled, f.codes_missing, f.share_outside,
            f.worst_dimensions, f.dead_dimensions, v.verdict, v.remedy FROM quantize.verdict(q, f) v;
    END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@.calibration_status IS 'how far recent rows have drifted out of the stored calibrations, and what mends it';
