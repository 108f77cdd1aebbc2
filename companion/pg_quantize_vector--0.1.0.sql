-- Written by `cargo xtask generate-sql`; change xtask/src/generate_sql.rs, not this file.
--
-- qivf and calibration on pgvector's own types and operators: replace USING hnsw with USING qivf and change no query.
--
-- The script runs with the schemas of vector and pg_quantize on its search_path, so names need no schema here; what they
-- resolve to is fixed now. No function has a name of pgvector's: overloads would make untyped arguments there ambiguous.

-- vector: the classes' names are those of pgvector's own index methods.
CREATE FUNCTION quantize.qivf_vector_cosine() RETURNS integer
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'qivf_vector_cosine_wrapper';
CREATE OPERATOR CLASS vector_cosine_ops FOR TYPE vector USING qivf AS
    OPERATOR 1 <=> FOR ORDER BY float_ops,
    FUNCTION 1 quantize.qivf_vector_cosine();
COMMENT ON OPERATOR CLASS vector_cosine_ops USING qivf IS 'nearest vector by <=>';
CREATE FUNCTION quantize.qivf_vector_ip() RETURNS integer
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'qivf_vector_ip_wrapper';
CREATE OPERATOR CLASS vector_ip_ops FOR TYPE vector USING qivf AS
    OPERATOR 1 <#> FOR ORDER BY float_ops,
    FUNCTION 1 quantize.qivf_vector_ip();
COMMENT ON OPERATOR CLASS vector_ip_ops USING qivf IS 'nearest vector by <#>';
CREATE FUNCTION quantize.qivf_vector_l2() RETURNS integer
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'qivf_vector_l2_wrapper';
CREATE OPERATOR CLASS vector_l2_ops DEFAULT FOR TYPE vector USING qivf AS
    OPERATOR 1 <-> FOR ORDER BY float_ops,
    FUNCTION 1 quantize.qivf_vector_l2();
COMMENT ON OPERATOR CLASS vector_l2_ops USING qivf IS 'nearest vector by <->';

-- halfvec: the classes' names are those of pgvector's own index methods.
CREATE FUNCTION quantize.qivf_halfvec_cosine() RETURNS integer
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'qivf_halfvec_cosine_wrapper';
CREATE OPERATOR CLASS halfvec_cosine_ops FOR TYPE halfvec USING qivf AS
    OPERATOR 1 <=> FOR ORDER BY float_ops,
    FUNCTION 1 quantize.qivf_halfvec_cosine();
COMMENT ON OPERATOR CLASS halfvec_cosine_ops USING qivf IS 'nearest halfvec by <=>';
CREATE FUNCTION quantize.qivf_halfvec_ip() RETURNS integer
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'qivf_halfvec_ip_wrapper';
CREATE OPERATOR CLASS halfvec_ip_ops FOR TYPE halfvec USING qivf AS
    OPERATOR 1 <#> FOR ORDER BY float_ops,
    FUNCTION 1 quantize.qivf_halfvec_ip();
COMMENT ON OPERATOR CLASS halfvec_ip_ops USING qivf IS 'nearest halfvec by <#>';
CREATE FUNCTION quantize.qivf_halfvec_l2() RETURNS integer
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'qivf_halfvec_l2_wrapper';
CREATE OPERATOR CLASS halfvec_l2_ops DEFAULT FOR TYPE halfvec USING qivf AS
    OPERATOR 1 <-> FOR ORDER BY float_ops,
    FUNCTION 1 quantize.qivf_halfvec_l2();
COMMENT ON OPERATOR CLASS halfvec_l2_ops USING qivf IS 'nearest halfvec by <->';

-- Arrays as queries. Without these, vector <=> real[] would be taken by pg_quantize's own operator on real[], through pgvector's
-- implicit cast, past the user's index. All six element types, since with fewer a literal such as ARRAY[1,2] is ambiguous. The
-- bodies are inlined, so the plan sees pgvector's operator.
CREATE FUNCTION quantize.vector_array_cosine_distance(a vector, b real[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <=> $2::vector;
CREATE OPERATOR <=> (LEFTARG = vector, RIGHTARG = real[], FUNCTION = quantize.vector_array_cosine_distance);
COMMENT ON OPERATOR <=> (vector, real[]) IS 'cosine distance';
CREATE FUNCTION quantize.vector_array_negative_inner_product(a vector, b real[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <#> $2::vector;
CREATE OPERATOR <#> (LEFTARG = vector, RIGHTARG = real[], FUNCTION = quantize.vector_array_negative_inner_product);
COMMENT ON OPERATOR <#> (vector, real[]) IS 'negative inner product';
CREATE FUNCTION quantize.vector_array_l2_distance(a vector, b real[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <-> $2::vector;
CREATE OPERATOR <-> (LEFTARG = vector, RIGHTARG = real[], FUNCTION = quantize.vector_array_l2_distance);
COMMENT ON OPERATOR <-> (vector, real[]) IS 'l2 distance';
CREATE FUNCTION quantize.vector_array_l1_distance(a vector, b real[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <+> $2::vector;
CREATE OPERATOR <+> (LEFTARG = vector, RIGHTARG = real[], FUNCTION = quantize.vector_array_l1_distance);
COMMENT ON OPERATOR <+> (vector, real[]) IS 'l1 distance';
CREATE FUNCTION quantize.vector_array_cosine_distance(a vector, b float8[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <=> $2::vector;
CREATE OPERATOR <=> (LEFTARG = vector, RIGHTARG = float8[], FUNCTION = quantize.vector_array_cosine_distance);
COMMENT ON OPERATOR <=> (vector, float8[]) IS 'cosine distance';
CREATE FUNCTION quantize.vector_array_negative_inner_product(a vector, b float8[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <#> $2::vector;
CREATE OPERATOR <#> (LEFTARG = vector, RIGHTARG = float8[], FUNCTION = quantize.vector_array_negative_inner_product);
COMMENT ON OPERATOR <#> (vector, float8[]) IS 'negative inner product';
CREATE FUNCTION quantize.vector_array_l2_distance(a vector, b float8[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <-> $2::vector;
CREATE OPERATOR <-> (LEFTARG = vector, RIGHTARG = float8[], FUNCTION = quantize.vector_array_l2_distance);
COMMENT ON OPERATOR <-> (vector, float8[]) IS 'l2 distance';
CREATE FUNCTION quantize.vector_array_l1_distance(a vector, b float8[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <+> $2::vector;
CREATE OPERATOR <+> (LEFTARG = vector, RIGHTARG = float8[], FUNCTION = quantize.vector_array_l1_distance);
COMMENT ON OPERATOR <+> (vector, float8[]) IS 'l1 distance';
CREATE FUNCTION quantize.vector_array_cosine_distance(a vector, b numeric[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <=> $2::vector;
CREATE OPERATOR <=> (LEFTARG = vector, RIGHTARG = numeric[], FUNCTION = quantize.vector_array_cosine_distance);
COMMENT ON OPERATOR <=> (vector, numeric[]) IS 'cosine distance';
CREATE FUNCTION quantize.vector_array_negative_inner_product(a vector, b numeric[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <#> $2::vector;
CREATE OPERATOR <#> (LEFTARG = vector, RIGHTARG = numeric[], FUNCTION = quantize.vector_array_negative_inner_product);
COMMENT ON OPERATOR <#> (vector, numeric[]) IS 'negative inner product';
CREATE FUNCTION quantize.vector_array_l2_distance(a vector, b numeric[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <-> $2::vector;
CREATE OPERATOR <-> (LEFTARG = vector, RIGHTARG = numeric[], FUNCTION = quantize.vector_array_l2_distance);
COMMENT ON OPERATOR <-> (vector, numeric[]) IS 'l2 distance';
CREATE FUNCTION quantize.vector_array_l1_distance(a vector, b numeric[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <+> $2::vector;
CREATE OPERATOR <+> (LEFTARG = vector, RIGHTARG = numeric[], FUNCTION = quantize.vector_array_l1_distance);
COMMENT ON OPERATOR <+> (vector, numeric[]) IS 'l1 distance';
CREATE FUNCTION quantize.vector_array_cosine_distance(a vector, b smallint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <=> $2::real[]::vector;
CREATE OPERATOR <=> (LEFTARG = vector, RIGHTARG = smallint[], FUNCTION = quantize.vector_array_cosine_distance);
COMMENT ON OPERATOR <=> (vector, smallint[]) IS 'cosine distance';
CREATE FUNCTION quantize.vector_array_negative_inner_product(a vector, b smallint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <#> $2::real[]::vector;
CREATE OPERATOR <#> (LEFTARG = vector, RIGHTARG = smallint[], FUNCTION = quantize.vector_array_negative_inner_product);
COMMENT ON OPERATOR <#> (vector, smallint[]) IS 'negative inner product';
CREATE FUNCTION quantize.vector_array_l2_distance(a vector, b smallint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <-> $2::real[]::vector;
CREATE OPERATOR <-> (LEFTARG = vector, RIGHTARG = smallint[], FUNCTION = quantize.vector_array_l2_distance);
COMMENT ON OPERATOR <-> (vector, smallint[]) IS 'l2 distance';
CREATE FUNCTION quantize.vector_array_l1_distance(a vector, b smallint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <+> $2::real[]::vector;
CREATE OPERATOR <+> (LEFTARG = vector, RIGHTARG = smallint[], FUNCTION = quantize.vector_array_l1_distance);
COMMENT ON OPERATOR <+> (vector, smallint[]) IS 'l1 distance';
CREATE FUNCTION quantize.vector_array_cosine_distance(a vector, b integer[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <=> $2::vector;
CREATE OPERATOR <=> (LEFTARG = vector, RIGHTARG = integer[], FUNCTION = quantize.vector_array_cosine_distance);
COMMENT ON OPERATOR <=> (vector, integer[]) IS 'cosine distance';
CREATE FUNCTION quantize.vector_array_negative_inner_product(a vector, b integer[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <#> $2::vector;
CREATE OPERATOR <#> (LEFTARG = vector, RIGHTARG = integer[], FUNCTION = quantize.vector_array_negative_inner_product);
COMMENT ON OPERATOR <#> (vector, integer[]) IS 'negative inner product';
CREATE FUNCTION quantize.vector_array_l2_distance(a vector, b integer[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <-> $2::vector;
CREATE OPERATOR <-> (LEFTARG = vector, RIGHTARG = integer[], FUNCTION = quantize.vector_array_l2_distance);
COMMENT ON OPERATOR <-> (vector, integer[]) IS 'l2 distance';
CREATE FUNCTION quantize.vector_array_l1_distance(a vector, b integer[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <+> $2::vector;
CREATE OPERATOR <+> (LEFTARG = vector, RIGHTARG = integer[], FUNCTION = quantize.vector_array_l1_distance);
COMMENT ON OPERATOR <+> (vector, integer[]) IS 'l1 distance';
CREATE FUNCTION quantize.vector_array_cosine_distance(a vector, b bigint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <=> $2::real[]::vector;
CREATE OPERATOR <=> (LEFTARG = vector, RIGHTARG = bigint[], FUNCTION = quantize.vector_array_cosine_distance);
COMMENT ON OPERATOR <=> (vector, bigint[]) IS 'cosine distance';
CREATE FUNCTION quantize.vector_array_negative_inner_product(a vector, b bigint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <#> $2::real[]::vector;
CREATE OPERATOR <#> (LEFTARG = vector, RIGHTARG = bigint[], FUNCTION = quantize.vector_array_negative_inner_product);
COMMENT ON OPERATOR <#> (vector, bigint[]) IS 'negative inner product';
CREATE FUNCTION quantize.vector_array_l2_distance(a vector, b bigint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <-> $2::real[]::vector;
CREATE OPERATOR <-> (LEFTARG = vector, RIGHTARG = bigint[], FUNCTION = quantize.vector_array_l2_distance);
COMMENT ON OPERATOR <-> (vector, bigint[]) IS 'l2 distance';
CREATE FUNCTION quantize.vector_array_l1_distance(a vector, b bigint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <+> $2::real[]::vector;
CREATE OPERATOR <+> (LEFTARG = vector, RIGHTARG = bigint[], FUNCTION = quantize.vector_array_l1_distance);
COMMENT ON OPERATOR <+> (vector, bigint[]) IS 'l1 distance';
CREATE FUNCTION quantize.halfvec_array_cosine_distance(a halfvec, b real[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <=> $2::halfvec;
CREATE OPERATOR <=> (LEFTARG = halfvec, RIGHTARG = real[], FUNCTION = quantize.halfvec_array_cosine_distance);
COMMENT ON OPERATOR <=> (halfvec, real[]) IS 'cosine distance';
CREATE FUNCTION quantize.halfvec_array_negative_inner_product(a halfvec, b real[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <#> $2::halfvec;
CREATE OPERATOR <#> (LEFTARG = halfvec, RIGHTARG = real[], FUNCTION = quantize.halfvec_array_negative_inner_product);
COMMENT ON OPERATOR <#> (halfvec, real[]) IS 'negative inner product';
CREATE FUNCTION quantize.halfvec_array_l2_distance(a halfvec, b real[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <-> $2::halfvec;
CREATE OPERATOR <-> (LEFTARG = halfvec, RIGHTARG = real[], FUNCTION = quantize.halfvec_array_l2_distance);
COMMENT ON OPERATOR <-> (halfvec, real[]) IS 'l2 distance';
CREATE FUNCTION quantize.halfvec_array_l1_distance(a halfvec, b real[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <+> $2::halfvec;
CREATE OPERATOR <+> (LEFTARG = halfvec, RIGHTARG = real[], FUNCTION = quantize.halfvec_array_l1_distance);
COMMENT ON OPERATOR <+> (halfvec, real[]) IS 'l1 distance';
CREATE FUNCTION quantize.halfvec_array_cosine_distance(a halfvec, b float8[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <=> $2::halfvec;
CREATE OPERATOR <=> (LEFTARG = halfvec, RIGHTARG = float8[], FUNCTION = quantize.halfvec_array_cosine_distance);
COMMENT ON OPERATOR <=> (halfvec, float8[]) IS 'cosine distance';
CREATE FUNCTION quantize.halfvec_array_negative_inner_product(a halfvec, b float8[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <#> $2::halfvec;
CREATE OPERATOR <#> (LEFTARG = halfvec, RIGHTARG = float8[], FUNCTION = quantize.halfvec_array_negative_inner_product);
COMMENT ON OPERATOR <#> (halfvec, float8[]) IS 'negative inner product';
CREATE FUNCTION quantize.halfvec_array_l2_distance(a halfvec, b float8[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <-> $2::halfvec;
CREATE OPERATOR <-> (LEFTARG = halfvec, RIGHTARG = float8[], FUNCTION = quantize.halfvec_array_l2_distance);
COMMENT ON OPERATOR <-> (halfvec, float8[]) IS 'l2 distance';
CREATE FUNCTION quantize.halfvec_array_l1_distance(a halfvec, b float8[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <+> $2::halfvec;
CREATE OPERATOR <+> (LEFTARG = halfvec, RIGHTARG = float8[], FUNCTION = quantize.halfvec_array_l1_distance);
COMMENT ON OPERATOR <+> (halfvec, float8[]) IS 'l1 distance';
CREATE FUNCTION quantize.halfvec_array_cosine_distance(a halfvec, b numeric[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <=> $2::halfvec;
CREATE OPERATOR <=> (LEFTARG = halfvec, RIGHTARG = numeric[], FUNCTION = quantize.halfvec_array_cosine_distance);
COMMENT ON OPERATOR <=> (halfvec, numeric[]) IS 'cosine distance';
CREATE FUNCTION quantize.halfvec_array_negative_inner_product(a halfvec, b numeric[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <#> $2::halfvec;
CREATE OPERATOR <#> (LEFTARG = halfvec, RIGHTARG = numeric[], FUNCTION = quantize.halfvec_array_negative_inner_product);
COMMENT ON OPERATOR <#> (halfvec, numeric[]) IS 'negative inner product';
CREATE FUNCTION quantize.halfvec_array_l2_distance(a halfvec, b numeric[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <-> $2::halfvec;
CREATE OPERATOR <-> (LEFTARG = halfvec, RIGHTARG = numeric[], FUNCTION = quantize.halfvec_array_l2_distance);
COMMENT ON OPERATOR <-> (halfvec, numeric[]) IS 'l2 distance';
CREATE FUNCTION quantize.halfvec_array_l1_distance(a halfvec, b numeric[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <+> $2::halfvec;
CREATE OPERATOR <+> (LEFTARG = halfvec, RIGHTARG = numeric[], FUNCTION = quantize.halfvec_array_l1_distance);
COMMENT ON OPERATOR <+> (halfvec, numeric[]) IS 'l1 distance';
CREATE FUNCTION quantize.halfvec_array_cosine_distance(a halfvec, b smallint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <=> $2::real[]::halfvec;
CREATE OPERATOR <=> (LEFTARG = halfvec, RIGHTARG = smallint[], FUNCTION = quantize.halfvec_array_cosine_distance);
COMMENT ON OPERATOR <=> (halfvec, smallint[]) IS 'cosine distance';
CREATE FUNCTION quantize.halfvec_array_negative_inner_product(a halfvec, b smallint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <#> $2::real[]::halfvec;
CREATE OPERATOR <#> (LEFTARG = halfvec, RIGHTARG = smallint[], FUNCTION = quantize.halfvec_array_negative_inner_product);
COMMENT ON OPERATOR <#> (halfvec, smallint[]) IS 'negative inner product';
CREATE FUNCTION quantize.halfvec_array_l2_distance(a halfvec, b smallint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <-> $2::real[]::halfvec;
CREATE OPERATOR <-> (LEFTARG = halfvec, RIGHTARG = smallint[], FUNCTION = quantize.halfvec_array_l2_distance);
COMMENT ON OPERATOR <-> (halfvec, smallint[]) IS 'l2 distance';
CREATE FUNCTION quantize.halfvec_array_l1_distance(a halfvec, b smallint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <+> $2::real[]::halfvec;
CREATE OPERATOR <+> (LEFTARG = halfvec, RIGHTARG = smallint[], FUNCTION = quantize.halfvec_array_l1_distance);
COMMENT ON OPERATOR <+> (halfvec, smallint[]) IS 'l1 distance';
CREATE FUNCTION quantize.halfvec_array_cosine_distance(a halfvec, b integer[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <=> $2::halfvec;
CREATE OPERATOR <=> (LEFTARG = halfvec, RIGHTARG = integer[], FUNCTION = quantize.halfvec_array_cosine_distance);
COMMENT ON OPERATOR <=> (halfvec, integer[]) IS 'cosine distance';
CREATE FUNCTION quantize.halfvec_array_negative_inner_product(a halfvec, b integer[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <#> $2::halfvec;
CREATE OPERATOR <#> (LEFTARG = halfvec, RIGHTARG = integer[], FUNCTION = quantize.halfvec_array_negative_inner_product);
COMMENT ON OPERATOR <#> (halfvec, integer[]) IS 'negative inner product';
CREATE FUNCTION quantize.halfvec_array_l2_distance(a halfvec, b integer[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <-> $2::halfvec;
CREATE OPERATOR <-> (LEFTARG = halfvec, RIGHTARG = integer[], FUNCTION = quantize.halfvec_array_l2_distance);
COMMENT ON OPERATOR <-> (halfvec, integer[]) IS 'l2 distance';
CREATE FUNCTION quantize.halfvec_array_l1_distance(a halfvec, b integer[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <+> $2::halfvec;
CREATE OPERATOR <+> (LEFTARG = halfvec, RIGHTARG = integer[], FUNCTION = quantize.halfvec_array_l1_distance);
COMMENT ON OPERATOR <+> (halfvec, integer[]) IS 'l1 distance';
CREATE FUNCTION quantize.halfvec_array_cosine_distance(a halfvec, b bigint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <=> $2::real[]::halfvec;
CREATE OPERATOR <=> (LEFTARG = halfvec, RIGHTARG = bigint[], FUNCTION = quantize.halfvec_array_cosine_distance);
COMMENT ON OPERATOR <=> (halfvec, bigint[]) IS 'cosine distance';
CREATE FUNCTION quantize.halfvec_array_negative_inner_product(a halfvec, b bigint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <#> $2::real[]::halfvec;
CREATE OPERATOR <#> (LEFTARG = halfvec, RIGHTARG = bigint[], FUNCTION = quantize.halfvec_array_negative_inner_product);
COMMENT ON OPERATOR <#> (halfvec, bigint[]) IS 'negative inner product';
CREATE FUNCTION quantize.halfvec_array_l2_distance(a halfvec, b bigint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <-> $2::real[]::halfvec;
CREATE OPERATOR <-> (LEFTARG = halfvec, RIGHTARG = bigint[], FUNCTION = quantize.halfvec_array_l2_distance);
COMMENT ON OPERATOR <-> (halfvec, bigint[]) IS 'l2 distance';
CREATE FUNCTION quantize.halfvec_array_l1_distance(a halfvec, b bigint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <+> $2::real[]::halfvec;
CREATE OPERATOR <+> (LEFTARG = halfvec, RIGHTARG = bigint[], FUNCTION = quantize.halfvec_array_l1_distance);
COMMENT ON OPERATOR <+> (halfvec, bigint[]) IS 'l1 distance';

-- halfvec with vector, as pgvector takes it: the vector is cast. Declared, since with operators for halfvec and real[] it would be
-- ambiguous: a vector can be cast to real[] as well.
CREATE FUNCTION quantize.halfvec_vector_cosine_distance(a halfvec, b vector) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <=> $2::halfvec;
CREATE OPERATOR <=> (LEFTARG = halfvec, RIGHTARG = vector, FUNCTION = quantize.halfvec_vector_cosine_distance);
COMMENT ON OPERATOR <=> (halfvec, vector) IS 'cosine distance';
CREATE FUNCTION quantize.halfvec_vector_negative_inner_product(a halfvec, b vector) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <#> $2::halfvec;
CREATE OPERATOR <#> (LEFTARG = halfvec, RIGHTARG = vector, FUNCTION = quantize.halfvec_vector_negative_inner_product);
COMMENT ON OPERATOR <#> (halfvec, vector) IS 'negative inner product';
CREATE FUNCTION quantize.halfvec_vector_l2_distance(a halfvec, b vector) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <-> $2::halfvec;
CREATE OPERATOR <-> (LEFTARG = halfvec, RIGHTARG = vector, FUNCTION = quantize.halfvec_vector_l2_distance);
COMMENT ON OPERATOR <-> (halfvec, vector) IS 'l2 distance';
CREATE FUNCTION quantize.halfvec_vector_l1_distance(a halfvec, b vector) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <+> $2::halfvec;
CREATE OPERATOR <+> (LEFTARG = halfvec, RIGHTARG = vector, FUNCTION = quantize.halfvec_vector_l1_distance);
COMMENT ON OPERATOR <+> (halfvec, vector) IS 'l1 distance';

-- Calibration of columns of these types, read where they lie: the aggregates of pg_quantize, which share states, combine and
-- final functions. A vector would do as a real[] through pgvector's cast, but beside a halfvec alone, to which vectors are cast as
-- well, it would be ambiguous.
CREATE FUNCTION quantize.calibrate_ranges_transition(real[], vector) RETURNS real[]
    IMMUTABLE PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'calibrate_ranges_vector_transition_wrapper';
CREATE AGGREGATE calibrate_ranges(embedding vector) (
    SFUNC = quantize.calibrate_ranges_transition, STYPE = real[], COMBINEFUNC = quantize.merge_ranges_transition,
    SSPACE = 8192, PARALLEL = safe
);
COMMENT ON AGGREGATE calibrate_ranges(vector) IS 'minimum and maximum of each dimension, as quantize_embeddings takes them';
CREATE FUNCTION quantize.calibrate_quantile_transition(integer[], vector, float8) RETURNS integer[]
    IMMUTABLE PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'calibrate_quantile_vector_transition_wrapper';
CREATE AGGREGATE calibrate_ranges(embedding vector, quantile float8) (
    SFUNC = quantize.calibrate_quantile_transition, STYPE = integer[], COMBINEFUNC = quantize.calibrate_quantile_combine,
    FINALFUNC = quantize.calibrate_quantile_final, FINALFUNC_MODIFY = read_only,
    SSPACE = 8000000, PARALLEL = safe
);
COMMENT ON AGGREGATE calibrate_ranges(vector, float8) IS 'ranges that cut 1 - quantile of the values at each end';
CREATE FUNCTION quantize.calibrate_thresholds_transition(float8[], vector) RETURNS float8[]
    IMMUTABLE PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'calibrate_thresholds_vector_transition_wrapper';
CREATE AGGREGATE calibrate_thresholds(embedding vector) (
    SFUNC = quantize.calibrate_thresholds_transition, STYPE = float8[], COMBINEFUNC = quantize.calibrate_thresholds_combine,
    FINALFUNC = quantize.calibrate_thresholds_final, FINALFUNC_MODIFY = read_only,
    SSPACE = 8192, PARALLEL = safe
);
COMMENT ON AGGREGATE calibrate_thresholds(vector) IS 'mean of each dimension, as quantize_binary takes thresholds';
CREATE FUNCTION quantize.clipping_report_transition(bigint[], vector, real[]) RETURNS bigint[]
    IMMUTABLE PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'clipping_report_vector_transition_wrapper';
CREATE AGGREGATE clipping_report(embedding vector, ranges real[]) (
    SFUNC = quantize.clipping_report_transition, STYPE = bigint[], COMBINEFUNC = quantize.clipping_report_combine,
    FINALFUNC = quantize.clipping_report_final, FINALFUNC_MODIFY = read_only,
    SSPACE = 16384, PARALLEL = safe
);
COMMENT ON AGGREGATE clipping_report(vector, real[]) IS 'share of values outside ranges, in all and in the worst dimensions';
CREATE FUNCTION quantize.calibrate_ranges_transition(real[], halfvec) RETURNS real[]
    IMMUTABLE PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'calibrate_ranges_halfvec_transition_wrapper';
CREATE AGGREGATE calibrate_ranges(embedding halfvec) (
    SFUNC = quantize.calibrate_ranges_transition, STYPE = real[], COMBINEFUNC = quantize.merge_ranges_transition,
    SSPACE = 8192, PARALLEL = safe
);
COMMENT ON AGGREGATE calibrate_ranges(halfvec) IS 'minimum and maximum of each dimension, as quantize_embeddings takes them';
CREATE FUNCTION quantize.calibrate_quantile_transition(integer[], halfvec, float8) RETURNS integer[]
    IMMUTABLE PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'calibrate_quantile_halfvec_transition_wrapper';
CREATE AGGREGATE calibrate_ranges(embedding halfvec, quantile float8) (
    SFUNC = quantize.calibrate_quantile_transition, STYPE = integer[], COMBINEFUNC = quantize.calibrate_quantile_combine,
    FINALFUNC = quantize.calibrate_quantile_final, FINALFUNC_MODIFY = read_only,
    SSPACE = 8000000, PARALLEL = safe
);
COMMENT ON AGGREGATE calibrate_ranges(halfvec, float8) IS 'ranges that cut 1 - quantile of the values at each end';
CREATE FUNCTION quantize.calibrate_thresholds_transition(float8[], halfvec) RETURNS float8[]
    IMMUTABLE PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'calibrate_thresholds_halfvec_transition_wrapper';
CREATE AGGREGATE calibrate_thresholds(embedding halfvec) (
    SFUNC = quantize.calibrate_thresholds_transition, STYPE = float8[], COMBINEFUNC = quantize.calibrate_thresholds_combine,
    FINALFUNC = quantize.calibrate_thresholds_final, FINALFUNC_MODIFY = read_only,
    SSPACE = 8192, PARALLEL = safe
);
COMMENT ON AGGREGATE calibrate_thresholds(halfvec) IS 'mean of each dimension, as quantize_binary takes thresholds';
CREATE FUNCTION quantize.clipping_report_transition(bigint[], halfvec, real[]) RETURNS bigint[]
    IMMUTABLE PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'clipping_report_halfvec_transition_wrapper';
CREATE AGGREGATE clipping_report(embedding halfvec, ranges real[]) (
    SFUNC = quantize.clipping_report_transition, STYPE = bigint[], COMBINEFUNC = quantize.clipping_report_combine,
    FINALFUNC = quantize.clipping_report_final, FINALFUNC_MODIFY = read_only,
    SSPACE = 16384, PARALLEL = safe
);
COMMENT ON AGGREGATE clipping_report(halfvec, real[]) IS 'share of values outside ranges, in all and in the worst dimensions';

-- Columns gathered by array_agg are matrices: for qivf_tune, recall_report and whatever else takes real[] with a row for each
-- vector. Casts and no overloads, which would make an untyped literal ambiguous.
CREATE FUNCTION quantize.matrix(vector[]) RETURNS real[] IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql
    RETURN coalesce((SELECT array_agg(v::real[] ORDER BY n) FROM unnest($1) WITH ORDINALITY AS u (v, n)), '{}'::real[]);
CREATE CAST (vector[] AS real[]) WITH FUNCTION quantize.matrix(vector[]) AS IMPLICIT;
COMMENT ON CAST (vector[] AS real[]) IS 'a row for each vector';
CREATE FUNCTION quantize.matrix(halfvec[]) RETURNS real[] IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql
    RETURN coalesce((SELECT array_agg(v::real[] ORDER BY n) FROM unnest($1) WITH ORDINALITY AS u (v, n)), '{}'::real[]);
CREATE CAST (halfvec[] AS real[]) WITH FUNCTION quantize.matrix(halfvec[]) AS IMPLICIT;
COMMENT ON CAST (halfvec[] AS real[]) IS 'a row for each halfvec';
