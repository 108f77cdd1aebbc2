-- The statement that a search runs.
--
-- It is one SELECT in stages, each the nearest rows of the stage before by a better distance: the scan of the table, which
-- an index may serve; optionally the int8 codes; last the distance that becomes the score. Between stages only the rows'
-- addresses travel (ctid) where the table has them, so that the scan's sort does not copy documents and floats that it will
-- not need. Views, foreign and partitioned tables carry their columns instead, and so do scans that an index may serve: they
-- need no sort, and Postgres loses the ctid of a row that it reorders after an index (xs_recheckorderby).
--
-- These functions only build text; it runs with the caller's search_path, which `filter` needs, so every name in it is
-- qualified. `arguments` are the SQL texts of: the query, the ranges of the first and of the refining codes, the
-- thresholds, the query's number; each a parameter or a literal.

-- The operator of a metric, in the schema where the type's operators are.
CREATE FUNCTION quantize.semantic_search_operator(metric text, schema text) RETURNS text
    IMMUTABLE PARALLEL SAFE LANGUAGE sql
    RETURN 'OPERATOR(' || schema || '.' || CASE metric WHEN 'ip' THEN '<#>' WHEN 'l2' THEN '<->' ELSE '<=>' END || ')';

-- The query as a column of codes was made: cut to its dimensions.
CREATE FUNCTION quantize.semantic_search_query(code quantize.semantic_search_column, query text) RETURNS text
    IMMUTABLE PARALLEL SAFE LANGUAGE sql
    RETURN CASE WHEN (code).truncate_dim IS NULL THEN query
        ELSE '@extschema@.truncate_embeddings(' || query || ', ' || (code).truncate_dim || ')' END;

-- A code's distance to the query, through the embedding that it stands for.
CREATE FUNCTION quantize.semantic_search_dequantized_distance(
    code quantize.semantic_search_column, qualified text, metric text, query text, ranges text
) RETURNS text
    IMMUTABLE PARALLEL SAFE LANGUAGE sql
    RETURN '@extschema@.dequantize_embeddings(' || qualified
        || CASE (code).kind WHEN 'binvec' THEN '' ELSE ', ' || ranges END || ') '
        || quantize.semantic_search_operator(metric, '@extschema@') || ' ' || quantize.semantic_search_query(code, query);

-- Hamming distance to the query's own code.
CREATE FUNCTION quantize.semantic_search_hamming_distance(
    code quantize.semantic_search_column, qualified text, query text, thresholds text
) RETURNS text
    IMMUTABLE PARALLEL SAFE LANGUAGE sql
    RETURN qualified || ' OPERATOR(@extschema@.<~>) @extschema@.quantize_binary(' || quantize.semantic_search_query(code, query)
        || CASE WHEN (code).thresholds IS NULL THEN '' ELSE ', ' || thresholds END || ')';

-- The distance that the scan orders by: of a form that an index on the column can serve, where there is one.
-- Sign bits know directions only, so their inner product with the query serves every metric. The inner product of int8
-- codes with the scaled query ranks as that of the dequantized embeddings: for unit vectors the order of any metric.
CREATE FUNCTION quantize.semantic_search_scan_distance(
    scanned quantize.semantic_search_column, qualified text, metric text, is_unit boolean, arguments text[]
) RETURNS text
    IMMUTABLE PARALLEL SAFE LANGUAGE sql
    RETURN CASE
        WHEN (scanned).kind = 'real' THEN qualified || ' ' || quantize.semantic_search_operator(metric, '@extschema@') || ' '
            || arguments[1]
        WHEN (scanned).kind IN ('vector', 'halfvec') THEN qualified || ' '
            || quantize.semantic_search_operator(metric, (scanned).schema) || ' ' || arguments[1] || '::' || (scanned).type
        WHEN metric = 'hamming' THEN
            quantize.semantic_search_hamming_distance(scanned, qualified, arguments[1], arguments[4])
        WHEN (scanned).kind = 'binvec' THEN qualified || ' OPERATOR(@extschema@.<#>) '
            || quantize.semantic_search_query(scanned, arguments[1])
        WHEN is_unit OR metric = 'ip' THEN qualified || ' OPERATOR(@extschema@.<#>) @extschema@.scale_query('
            || quantize.semantic_search_query(scanned, arguments[1]) || ', ' || arguments[2] || ')'
        ELSE quantize.semantic_search_dequantized_distance(scanned, qualified, metric, arguments[1], arguments[2])
    END;

-- The distance that becomes the score: to the float embedding where it is read, else to what the codes stand for.
CREATE FUNCTION quantize.semantic_search_final_distance(
    last quantize.semantic_search_column, qualified text, metric text, ranges text, arguments text[]
) RETURNS text
    IMMUTABLE PARALLEL SAFE LANGUAGE sql
    RETURN CASE
        WHEN (last).kind IN ('real', 'vector', 'halfvec') THEN qualified || '::pg_catalog.float4[] '
            || quantize.semantic_search_operator(metric, '@extschema@') || ' ' || arguments[1]
        WHEN metric = 'hamming' AND (last).kind = 'binvec' THEN
            quantize.semantic_search_hamming_distance(last, qualified, arguments[1], arguments[4])
        ELSE quantize.semantic_search_dequantized_distance(last, qualified, metric, arguments[1], ranges)
    END;

-- Whether rows of this relation can be told by ctid alone: a plain table without children, in Postgres's own storage, that
-- no extension distributes.
CREATE FUNCTION quantize.semantic_search_has_ctid(relation oid) RETURNS boolean
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    distributed boolean := false;
BEGIN
    IF to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL THEN
        EXECUTE 'SELECT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = $1)' INTO distributed USING relation;
    END IF;
    RETURN NOT distributed AND EXISTS (
        SELECT FROM pg_class c JOIN pg_am am ON am.oid = c.relam
        WHERE c.oid = relation AND c.relkind IN ('r', 'm') AND NOT c.relhassubclass AND am.amname = 'heap');
END
$$;

-- One stage: the nearest rows of those that `source` (FROM and WHERE) yields.
CREATE FUNCTION quantize.semantic_search_stage(output text, source text, distance text, row_limit bigint) RETURNS text
    IMMUTABLE PARALLEL SAFE LANGUAGE sql
    RETURN 'SELECT ' || output || E'\nFROM ' || source || E'\nORDER BY ' || distance || E'\nLIMIT ' || row_limit;

-- FROM and WHERE of the scan. Rows without a code, or without the floats to rescore them, are not found.
CREATE FUNCTION quantize.semantic_search_scan(relation text, alias text, names name[], filter text) RETURNS text
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT relation || E'\nWHERE ' || string_agg(DISTINCT format('%s.%I IS NOT NULL', alias, n), ' AND ')
        || coalesce(E' AND (\n' || filter || E'\n)', '')
    FROM unnest(names) n WHERE n IS NOT NULL
$$;

-- The statement around the stages: `distance` becomes the score, higher the better, and the columns become a row again.
CREATE FUNCTION quantize.semantic_search_result(
    relation oid, row_type text, query_no text, metric text, last quantize.semantic_search_column, distance name, nearest text
) RETURNS text
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT format(E'SELECT %s AS query_no, ROW(%s)::%s AS doc, %s OPERATOR(pg_catalog.-) found.%I AS score\n'
        'FROM (\n%s\n) AS found\nORDER BY found.%5$I', query_no,
        (SELECT string_agg(format('found.%I', a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
            WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped),
        row_type, CASE WHEN metric = 'cosine' OR metric = 'hamming' AND last.kind <> 'binvec' THEN 1 ELSE 0 END,
        distance, nearest)
$$;

-- The statement.
CREATE FUNCTION quantize.semantic_search_statement(
    stages quantize.semantic_search_stages, top_k integer, rescore boolean, rescore_multiplier real, exact boolean, metric text,
    filter text, arguments text[]
) RETURNS text
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    quantized constant quantize.semantic_search_column := stages.quantized;
    refine constant quantize.semantic_search_column := stages.refine;
    embedding constant quantize.semantic_search_column := stages.embedding;
    scanned quantize.semantic_search_column := embedding;
    last quantize.semantic_search_column := embedding;
    candidates bigint := top_k;
    -- Rows go by their address, or by all their columns; `alias` names them at every stage.
    by_ctid boolean := quantize.semantic_search_has_ctid(stages.relation);
    relation text;
    alias text;
    again text;
    distance text := 'distance';
    statement text;
BEGIN
    SELECT format('%I.%I', n.nspname, c.relname), quote_ident(c.relname) INTO relation, alias
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = stages.relation;
    WHILE EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = stages.relation AND a.attname = distance) LOOP
        distance := distance || '_';
    END LOOP;
    IF quantized.name IS NOT NULL THEN
        scanned := quantized;
        IF NOT rescore THEN
            last := CASE WHEN refine.name IS NULL THEN quantized ELSE refine END;
        END IF;
        IF last.name <> scanned.name THEN
            candidates := least(ceil(top_k * rescore_multiplier::numeric), 2147483647);
        END IF;
    END IF;
    by_ctid := by_ctid AND (exact OR NOT quantize.semantic_search_has_index(stages.relation, scanned.name, NULL));
    again := CASE WHEN by_ctid THEN format(E'\n) AS %1$s JOIN %2$s ON %3$s.ctid OPERATOR(pg_catalog.=) %1$s.ctid',
        CASE alias WHEN 'nearest' THEN 'nearer' ELSE 'nearest' END, relation, alias) ELSE E'\n) AS ' || alias END;
    statement := quantize.semantic_search_stage(alias || CASE WHEN by_ctid THEN '.ctid' ELSE '.*' END,
        quantize.semantic_search_scan(relation, alias, ARRAY[scanned.name, refine.name, last.name], filter),
        -- No index matches a sum, nor one that is created after the statement was prepared.
        format(CASE WHEN exact OR by_ctid THEN '(%s) OPERATOR(pg_catalog.+) 0' ELSE '%s' END,
            quantize.semantic_search_scan_distance(
                scanned, format('%s.%I', alias, scanned.name), metric, stages.is_unit, arguments)),
        candidates);
    IF refine.name <> last.name THEN
        statement := quantize.semantic_search_stage(alias || CASE WHEN by_ctid THEN '.ctid' ELSE '.*' END,
            E'(\n' || statement || again,
            quantize.semantic_search_dequantized_distance(
                refine, format('%s.%I', alias, refine.name), metric, arguments[1], arguments[3]),
            least(candidates, 2 * top_k::bigint));
    END IF;
    statement := quantize.semantic_search_stage(
        format('%s.*, %s AS %I', alias, quantize.semantic_search_final_distance(last,
            format('%s.%I', alias, last.name), metric, arguments[CASE last.name WHEN refine.name THEN 3 ELSE 2 END],
            arguments), distance),
        E'(\n' || statement || again, quote_ident(distance), top_k);
    RETURN quantize.semantic_search_result(stages.relation, relation, arguments[5], metric, last, distance, statement);
END
$$;
