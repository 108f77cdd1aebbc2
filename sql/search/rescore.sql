-- rescore: the exact scores of candidates that a statement of one's own has found.

CREATE FUNCTION rescore(query real[], candidates real[], metric text DEFAULT 'cosine')
    RETURNS TABLE (candidate integer, score float8)
    STABLE STRICT PARALLEL SAFE LANGUAGE plpgsql ROWS 100 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF metric NOT IN ('cosine', 'ip', 'l2') THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('unknown metric "%s"', metric),
            HINT = 'The metrics are cosine, ip and l2.';
    ELSIF array_ndims(candidates) <> 2 THEN
        RAISE EXCEPTION USING ERRCODE = 'array_subscript_error',
            MESSAGE = format('candidates must be an array of vectors, not an array of %s dimensions',
                array_ndims(candidates)),
            HINT = 'Collect them with array_agg(embedding).';
    END IF;
    -- Raises the error for NaN, infinity and null.
    PERFORM @extschema@.quantize_binary(query);
    RETURN QUERY
    SELECT scored.number::integer, CASE metric WHEN 'cosine' THEN 1 - scored.distance ELSE 0 - scored.distance END
    FROM (
        SELECT c.number, CASE metric
            WHEN 'cosine' THEN @extschema@.cosine_distance(c.embedding, query)
            WHEN 'ip' THEN @extschema@.negative_inner_product(c.embedding, query)
            ELSE @extschema@.l2_distance(c.embedding, query) END AS distance
        FROM (
            SELECT (e.i - 1) / array_length(candidates, 2) + 1, array_agg(e.x ORDER BY e.i)
            FROM unnest(candidates) WITH ORDINALITY AS e(x, i) GROUP BY 1
        ) c(number, embedding)
    ) scored
    -- NaN, of a zero vector, sorts last.
    ORDER BY scored.distance, scored.number;
END
$$;
COMMENT ON FUNCTION rescore IS 'scores of candidates, the best first; candidate is the position in the array, from 1';
