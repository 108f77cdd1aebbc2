-- semantic_search: the nearest rows of a table, by quantized codes first and by their float embeddings last.
--
-- What runs the user's own expressions (filter, policies, views) sets no search_path, since those need the caller's; there
-- every name is qualified. The rest sets its own.

-- Raises an error unless the parameters make sense by themselves.
CREATE FUNCTION quantize.semantic_search_check(
    corpus regtype, query real[], top_k integer, rescore boolean, rescore_multiplier real, exact boolean, metric text
) RETURNS void
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid
            WHERE t.oid = corpus AND c.relkind IN ('r', 'p', 'v', 'm', 'f')) THEN
        RAISE EXCEPTION USING ERRCODE = 'wrong_object_type',
            MESSAGE = format('corpus must be a row of a table or view, not a value of type %s', corpus),
            HINT = 'Name the table by a null of its row type, as in semantic_search(NULL::docs, $1).';
    ELSIF top_k IS NULL OR top_k < 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('top_k must be 0 or more, not %s', coalesce(top_k::text, 'null'));
    ELSIF rescore_multiplier IS NULL OR NOT rescore_multiplier BETWEEN 1 AND 1e9 THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('rescore_multiplier must be between 1 and 1e9, not %s',
                coalesce(rescore_multiplier::text, 'null'));
    ELSIF rescore IS NULL OR exact IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
            MESSAGE = format('%s must be true or false, not null',
                CASE WHEN rescore IS NULL THEN 'rescore' ELSE 'exact' END);
    ELSIF metric IS NULL OR metric NOT IN ('cosine', 'ip', 'l2', 'hamming') THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = coalesce('unknown metric "' || metric || '"', 'metric must not be null'),
            HINT = 'The metrics are cosine, ip, l2 and, for sign bits, hamming.';
    ELSIF cardinality(query) = 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'data_exception', MESSAGE = 'query must have at least 1 dimension';
    ELSIF array_ndims(query) > 2 THEN
        RAISE EXCEPTION USING ERRCODE = 'array_subscript_error',
            MESSAGE = format('query must be a vector or an array of vectors, not an array of %s dimensions',
                array_ndims(query));
    END IF;
END
$$;

-- Raises an error unless the query, of so many dimensions, fits the columns and their calibration.
CREATE FUNCTION quantize.semantic_search_check_stages(stages quantize.semantic_search_stages, dimensions integer, metric text) RETURNS void
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    checked quantize.semantic_search_column;
    expected integer;
BEGIN
    FOREACH checked IN ARRAY ARRAY[stages.embedding, stages.quantized, stages.refine] LOOP
        expected := coalesce(checked.truncate_dim, dimensions);
        IF checked.dimensions <> expected OR checked.truncate_dim > dimensions THEN
            RAISE EXCEPTION USING ERRCODE = 'data_exception',
                MESSAGE = format('query has %s dimensions, but column "%s" has %s',
                    dimensions, checked.name, checked.dimensions),
                HINT = 'A query must come from the model that made the embeddings, with the same number of dimensions.';
        ELSIF checked.kind IN ('int8vec', 'uint8vec') AND checked.ranges IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
                MESSAGE = format('the ranges of column "%s" of relation "%s" are not known',
                    checked.name, quantize.semantic_search_relation_name(stages.relation)),
                HINT = 'Pass those that its codes were made with, as ranges => …. '
                    'Of columns that quantize_column makes they are recorded.';
        ELSIF checked.kind IN ('int8vec', 'uint8vec') AND (array_ndims(checked.ranges) <> 2
                OR array_length(checked.ranges, 1) <> 2 OR array_length(checked.ranges, 2) <> expected) THEN
            RAISE EXCEPTION USING ERRCODE = 'data_exception',
                MESSAGE = format('ranges of column "%s" must be an array of 2 rows and %s columns, not of %s',
                    checked.name, expected, array_dims(checked.ranges));
        END IF;
    END LOOP;
    IF metric = 'hamming' AND (stages.quantized).kind <> 'binvec' THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('metric "hamming" needs sign bits, but column "%s" is of type %s',
                (stages.quantized).name, (stages.quantized).kind);
    END IF;
END
$$;

-- Whether embeddings are of unit length, by the first few rows. Views and foreign tables are not asked: rows may be dear.
CREATE FUNCTION quantize.semantic_search_is_unit(relation oid, embedding name) RETURNS boolean
    STABLE LANGUAGE plpgsql AS $$
DECLARE
    statement text := (
        SELECT pg_catalog.format(
            'SELECT pg_catalog.bool_and(pg_catalog.abs(@extschema@.inner_product(e, e) OPERATOR(pg_catalog.-) 1)'
            ' OPERATOR(pg_catalog.<) 0.01) FROM (SELECT %I::pg_catalog.float4[] AS e FROM %I.%I LIMIT 10) AS sample',
            embedding, n.nspname, c.relname)
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
        WHERE c.oid OPERATOR(pg_catalog.=) relation AND c.relkind IN ('r', 'p', 'm'));
    is_unit boolean := false;
BEGIN
    IF statement IS NOT NULL THEN
        EXECUTE statement INTO is_unit;
    END IF;
    RETURN coalesce(is_unit, true);
END
$$;

-- The arguments of a statement that is to be read and run by itself.
CREATE FUNCTION quantize.semantic_search_literals(query real[], stages quantize.semantic_search_stages) RETURNS text[]
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp SET extra_float_digits = 1 AS $$
    SELECT ARRAY(SELECT format('%L::pg_catalog.float4[]', a.argument)
        FROM (VALUES (1, query), (2, (stages.quantized).ranges), (3, (stages.refine).ranges),
            (4, (stages.quantized).thresholds)) a(i, argument) ORDER BY a.i) || '0'::text
$$;

-- The columns of a search whose parameters have been checked, and whether its embeddings count as of unit length.
CREATE FUNCTION quantize.semantic_search_prepare(
    corpus regtype, query real[], top_k integer, embedding name, quantized name, refine name, rescore boolean,
    rescore_multiplier real, exact boolean, metric text, ranges real[]
) RETURNS quantize.semantic_search_stages
    STABLE LANGUAGE plpgsql AS $$
DECLARE
    stages quantize.semantic_search_stages;
BEGIN
    PERFORM quantize.semantic_search_check(corpus, query, top_k, rescore, rescore_multiplier, exact, metric);
    stages := quantize.semantic_search_choose(
        (SELECT t.typrelid FROM pg_catalog.pg_type t WHERE t.oid OPERATOR(pg_catalog.=) corpus),
        embedding, quantized, refine, rescore, exact, metric, ranges);
    PERFORM quantize.semantic_search_check_stages(stages,
        coalesce(pg_catalog.array_length(query, 2), pg_catalog.array_length(query, 1)), metric);
    -- Truncated embeddings were normalized again. Only the scan of int8 codes makes a difference.
    stages.is_unit := (stages.quantized).truncate_dim IS NOT NULL OR (stages.embedding).name IS NOT NULL
        AND (stages.quantized).ranges IS NOT NULL AND metric OPERATOR(pg_catalog.<>) 'ip'
        AND quantize.semantic_search_is_unit(stages.relation, (stages.embedding).name);
    RETURN stages;
END
$$;

CREATE FUNCTION semantic_search(
    corpus anyelement, query real[], top_k integer DEFAULT 10, embedding name DEFAULT NULL, quantized name DEFAULT NULL,
    refine name DEFAULT NULL, rescore boolean DEFAULT true, rescore_multiplier real DEFAULT 4, exact boolean DEFAULT false,
    metric text DEFAULT 'cosine', filter text DEFAULT NULL, ranges real[] DEFAULT NULL
) RETURNS TABLE (query_no integer, doc anyelement, score float8)
    STABLE LANGUAGE plpgsql ROWS 10 AS $$
DECLARE
    stages quantize.semantic_search_stages;
    statement text;
    vector real[];
    query_index integer := 0;
BEGIN
    stages := quantize.semantic_search_prepare(pg_catalog.pg_typeof(corpus), query, top_k, embedding, quantized,
        refine, rescore, rescore_multiplier, exact, metric, ranges);
    statement := quantize.semantic_search_statement(
        stages, top_k, rescore, rescore_multiplier, exact, metric, filter, '{$1,$2,$3,$4,$5}');
    IF query IS NULL THEN
        RETURN;
    END IF;
    FOREACH vector SLICE 1 IN ARRAY query LOOP
        -- Raises the error for NaN, infinity and null, whatever column is read and even if it is empty.
        PERFORM @extschema@.quantize_binary(vector);
        RETURN QUERY EXECUTE statement USING vector, (stages.quantized).ranges, (stages.refine).ranges,
            (stages.quantized).thresholds, query_index;
        query_index := query_index OPERATOR(pg_catalog.+) 1;
    END LOOP;
END
$$;
COMMENT ON FUNCTION semantic_search(
    anyelement, real[], integer, name, name, name, boolean, real, boolean, text, text, real[]
) IS 'the nearest rows of a table to a query or to each of a batch, by quantized codes, rescored with the floats';

CREATE FUNCTION semantic_search_sql(
    corpus anyelement, query real[] DEFAULT NULL, top_k integer DEFAULT 10, embedding name DEFAULT NULL,
    quantized name DEFAULT NULL, refine name DEFAULT NULL, rescore boolean DEFAULT true, rescore_multiplier real DEFAULT 4,
    exact boolean DEFAULT false, metric text DEFAULT 'cosine', filter text DEFAULT NULL, ranges real[] DEFAULT NULL
) RETURNS text
    STABLE LANGUAGE plpgsql AS $$
DECLARE
    stages quantize.semantic_search_stages;
    vector real[];
    arguments text[];
BEGIN
    stages := quantize.semantic_search_prepare(pg_catalog.pg_typeof(corpus), query, top_k, embedding, quantized,
        refine, rescore, rescore_multiplier, exact, metric, ranges);
    IF query IS NOT NULL THEN
        FOREACH vector SLICE 1 IN ARRAY query LOOP
            PERFORM @extschema@.quantize_binary(vector);
            EXIT;
        END LOOP;
    END IF;
    arguments := quantize.semantic_search_literals(vector, stages);
    IF query IS NULL THEN
        arguments[1] := '$1::pg_catalog.float4[]';
    END IF;
    RETURN quantize.semantic_search_statement(
        stages, top_k, rescore, rescore_multiplier, exact, metric, filter, arguments);
END
$$;
COMMENT ON FUNCTION semantic_search_sql(
    anyelement, real[], integer, name, name, name, boolean, real, boolean, text, text, real[]
) IS 'the statement that semantic_search runs for its first query; without a query, one to prepare with $1';

-- A table named by a string has no row type that the result could have. These say so, where Postgres would speak of
-- polymorphic types.
CREATE FUNCTION semantic_search(
    corpus text, query real[], top_k integer DEFAULT 10, embedding name DEFAULT NULL, quantized name DEFAULT NULL,
    refine name DEFAULT NULL, rescore boolean DEFAULT true, rescore_multiplier real DEFAULT 4, exact boolean DEFAULT false,
    metric text DEFAULT 'cosine', filter text DEFAULT NULL, ranges real[] DEFAULT NULL
) RETURNS TABLE (query_no integer, doc record, score float8)
    STABLE LANGUAGE plpgsql AS $$
BEGIN
    PERFORM quantize.semantic_search_check('text', query, top_k, rescore, rescore_multiplier, exact, metric);
END
$$;
COMMENT ON FUNCTION semantic_search(
    text, real[], integer, name, name, name, boolean, real, boolean, text, text, real[]
) IS 'an error that says how to name a table: semantic_search(NULL::docs, …)';
