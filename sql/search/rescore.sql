-- rescore: the exact scores of candidates that a statement of one's own has found.

CREATE FUNCTION rescore(query real[], candidates real[], metric text DEFAULT 'cosine')
    RETURNS TABLE (candidate integer, score float8)
    IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 100 LANGUAGE c AS 'MODULE_PATHNAME', 'rescore_wrapper';
COMMENT ON FUNCTION rescore IS 'scores of candidates, the best first; candidate is the position in the array, from 1';
