-- semantic_search: the nearest rows of a table, by quantized codes first and by their float embeddings last.
--
-- It is written in Rust (src/search). The statement that it runs holds the user's own expressions (filter, policies, views),
-- so it has the search_path of the caller.

CREATE FUNCTION center_query(query real[], thresholds real[], metric text DEFAULT 'cosine') RETURNS real[]
    IMMUTABLE STRICT PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'center_query_wrapper';
COMMENT ON FUNCTION center_query IS 'the query less the thresholds, so that <#> with bits above thresholds ranks by the metric';

-- Of int8 codes of embeddings of any length: 1 less the cosine of, or the Euclidean distance to, what a code stands for, by a
-- query that is prepared once.
CREATE FUNCTION quantize.ranged_query(query real[], ranges real[], metric text, signed boolean) RETURNS real[]
    IMMUTABLE STRICT PARALLEL SAFE COST 20 LANGUAGE c AS 'MODULE_PATHNAME', 'ranged_query_wrapper';
CREATE FUNCTION quantize.ranged_distance(codes int8vec, query real[]) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 16 LANGUAGE c AS 'MODULE_PATHNAME', 'int8vec_ranged_distance_wrapper';
CREATE FUNCTION quantize.ranged_distance(codes uint8vec, query real[]) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 16 LANGUAGE c AS 'MODULE_PATHNAME', 'uint8vec_ranged_distance_wrapper';

CREATE FUNCTION quantize.semantic_search_support(internal) RETURNS internal
    STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'semantic_search_support_wrapper';

CREATE FUNCTION semantic_search(
    corpus anyelement, query real[], top_k integer DEFAULT 10, embedding name DEFAULT NULL, quantized name DEFAULT NULL,
    refine name DEFAULT NULL, rescore boolean DEFAULT true, rescore_multiplier real DEFAULT 4, exact boolean DEFAULT false,
    metric text DEFAULT 'cosine', filter text DEFAULT NULL, ranges real[] DEFAULT NULL, filter_params text[] DEFAULT NULL,
    min_score real DEFAULT NULL, "offset" integer DEFAULT 0, corpus_precision text DEFAULT NULL
) RETURNS TABLE (query_no integer, doc anyelement, score float8)
    STABLE LANGUAGE c COST 1000 ROWS 10 SUPPORT quantize.semantic_search_support
    AS 'MODULE_PATHNAME', 'semantic_search_wrapper';
COMMENT ON FUNCTION semantic_search(
    anyelement, real[], integer, name, name, name, boolean, real, boolean, text, text, real[], text[], real, integer, text
) IS 'the nearest rows of a table to a query or to each of a batch, by quantized codes, rescored with the floats';

CREATE FUNCTION semantic_search_sql(
    corpus anyelement, query real[] DEFAULT NULL, top_k integer DEFAULT 10, embedding name DEFAULT NULL,
    quantized name DEFAULT NULL, refine name DEFAULT NULL, rescore boolean DEFAULT true, rescore_multiplier real DEFAULT 4,
    exact boolean DEFAULT false, metric text DEFAULT 'cosine', filter text DEFAULT NULL, ranges real[] DEFAULT NULL,
    filter_params text[] DEFAULT NULL, min_score real DEFAULT NULL, "offset" integer DEFAULT 0,
    corpus_precision text DEFAULT NULL
) RETURNS text
    STABLE LANGUAGE c COST 1000 AS 'MODULE_PATHNAME', 'semantic_search_sql_wrapper';
COMMENT ON FUNCTION semantic_search_sql(
    anyelement, real[], integer, name, name, name, boolean, real, boolean, text, text, real[], text[], real, integer, text
) IS 'the statement that semantic_search runs for its first query; without a query, one to prepare with $1';

-- A table named by a string has no row type that the result could have. This says so, where Postgres would speak of
-- polymorphic types.
CREATE FUNCTION semantic_search(
    corpus text, query real[], top_k integer DEFAULT 10, embedding name DEFAULT NULL, quantized name DEFAULT NULL,
    refine name DEFAULT NULL, rescore boolean DEFAULT true, rescore_multiplier real DEFAULT 4, exact boolean DEFAULT false,
    metric text DEFAULT 'cosine', filter text DEFAULT NULL, ranges real[] DEFAULT NULL, filter_params text[] DEFAULT NULL,
    min_score real DEFAULT NULL, "offset" integer DEFAULT 0, corpus_precision text DEFAULT NULL
) RETURNS TABLE (query_no integer, doc record, score float8)
    STABLE LANGUAGE c AS 'MODULE_PATHNAME', 'semantic_search_text_wrapper';
COMMENT ON FUNCTION semantic_search(
    text, real[], integer, name, name, name, boolean, real, boolean, text, text, real[], text[], real, integer, text
) IS 'an error that says how to name a table: semantic_search(NULL::docs, …)';
