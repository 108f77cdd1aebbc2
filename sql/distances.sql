-- Distances by name. Operators are in operators.sql.

-- binvec with itself, and with a float query: the sum of the query, a clear bit turning the sign.
CREATE FUNCTION hamming_distance(a binvec, b binvec) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 2 LANGUAGE c AS 'MODULE_PATHNAME', 'binvec_hamming_wrapper';
CREATE FUNCTION jaccard_distance(a binvec, b binvec) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 2 LANGUAGE c AS 'MODULE_PATHNAME', 'binvec_jaccard_wrapper';
CREATE FUNCTION inner_product(a binvec, b real[]) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 6 LANGUAGE c AS 'MODULE_PATHNAME', 'binvec_float4_inner_product_wrapper';
CREATE FUNCTION negative_inner_product(a binvec, b real[]) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 6 LANGUAGE c AS 'MODULE_PATHNAME', 'binvec_float4_negative_inner_product_wrapper';
CREATE FUNCTION cosine_distance(a binvec, b real[]) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 6 LANGUAGE c AS 'MODULE_PATHNAME', 'binvec_float4_cosine_wrapper';
CREATE FUNCTION inner_product(a real[], b binvec) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 6 LANGUAGE c AS 'MODULE_PATHNAME', 'float4_binvec_inner_product_wrapper';
CREATE FUNCTION negative_inner_product(a real[], b binvec) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 6 LANGUAGE c AS 'MODULE_PATHNAME', 'float4_binvec_negative_inner_product_wrapper';
CREATE FUNCTION cosine_distance(a real[], b binvec) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 6 LANGUAGE c AS 'MODULE_PATHNAME', 'float4_binvec_cosine_wrapper';

-- int8vec with itself, and with a float query.
CREATE FUNCTION inner_product(a int8vec, b int8vec) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 4 LANGUAGE c AS 'MODULE_PATHNAME', 'int8vec_inner_product_wrapper';
CREATE FUNCTION negative_inner_product(a int8vec, b int8vec) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 4 LANGUAGE c AS 'MODULE_PATHNAME', 'int8vec_negative_inner_product_wrapper';
CREATE FUNCTION cosine_distance(a int8vec, b int8vec) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 6 LANGUAGE c AS 'MODULE_PATHNAME', 'int8vec_cosine_wrapper';
CREATE FUNCTION l2_distance(a int8vec, b int8vec) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 4 LANGUAGE c AS 'MODULE_PATHNAME', 'int8vec_l2_wrapper';
CREATE FUNCTION l1_distance(a int8vec, b int8vec) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 4 LANGUAGE c AS 'MODULE_PATHNAME', 'int8vec_l1_wrapper';
CREATE FUNCTION inner_product(a int8vec, b real[]) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 8 LANGUAGE c AS 'MODULE_PATHNAME', 'int8vec_float4_inner_product_wrapper';
CREATE FUNCTION negative_inner_product(a int8vec, b real[]) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 8 LANGUAGE c AS 'MODULE_PATHNAME', 'int8vec_float4_negative_inner_product_wrapper';
CREATE FUNCTION cosine_distance(a int8vec, b real[]) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 8 LANGUAGE c AS 'MODULE_PATHNAME', 'int8vec_float4_cosine_wrapper';
CREATE FUNCTION inner_product(a real[], b int8vec) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 8 LANGUAGE c AS 'MODULE_PATHNAME', 'float4_int8vec_inner_product_wrapper';
CREATE FUNCTION negative_inner_product(a real[], b int8vec) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 8 LANGUAGE c AS 'MODULE_PATHNAME', 'float4_int8vec_negative_inner_product_wrapper';
CREATE FUNCTION cosine_distance(a real[], b int8vec) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 8 LANGUAGE c AS 'MODULE_PATHNAME', 'float4_int8vec_cosine_wrapper';

-- uint8vec with itself, and with a float query.
CREATE FUNCTION inner_product(a uint8vec, b uint8vec) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 4 LANGUAGE c AS 'MODULE_PATHNAME', 'uint8vec_inner_product_wrapper';
CREATE FUNCTION negative_inner_product(a uint8vec, b uint8vec) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 4 LANGUAGE c AS 'MODULE_PATHNAME', 'uint8vec_negative_inner_product_wrapper';
CREATE FUNCTION cosine_distance(a uint8vec, b uint8vec) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 6 LANGUAGE c AS 'MODULE_PATHNAME', 'uint8vec_cosine_wrapper';
CREATE FUNCTION l2_distance(a uint8vec, b uint8vec) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 4 LANGUAGE c AS 'MODULE_PATHNAME', 'uint8vec_l2_wrapper';
CREATE FUNCTION l1_distance(a uint8vec, b uint8vec) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 4 LANGUAGE c AS 'MODULE_PATHNAME', 'uint8vec_l1_wrapper';
CREATE FUNCTION inner_product(a uint8vec, b real[]) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 8 LANGUAGE c AS 'MODULE_PATHNAME', 'uint8vec_float4_inner_product_wrapper';
CREATE FUNCTION negative_inner_product(a uint8vec, b real[]) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 8 LANGUAGE c AS 'MODULE_PATHNAME', 'uint8vec_float4_negative_inner_product_wrapper';
CREATE FUNCTION cosine_distance(a uint8vec, b real[]) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 8 LANGUAGE c AS 'MODULE_PATHNAME', 'uint8vec_float4_cosine_wrapper';
CREATE FUNCTION inner_product(a real[], b uint8vec) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 8 LANGUAGE c AS 'MODULE_PATHNAME', 'float4_uint8vec_inner_product_wrapper';
CREATE FUNCTION negative_inner_product(a real[], b uint8vec) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 8 LANGUAGE c AS 'MODULE_PATHNAME', 'float4_uint8vec_negative_inner_product_wrapper';
CREATE FUNCTION cosine_distance(a real[], b uint8vec) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 8 LANGUAGE c AS 'MODULE_PATHNAME', 'float4_uint8vec_cosine_wrapper';

-- real[] with itself.
CREATE FUNCTION inner_product(a real[], b real[]) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 8 LANGUAGE c AS 'MODULE_PATHNAME', 'float4_inner_product_wrapper';
CREATE FUNCTION negative_inner_product(a real[], b real[]) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 8 LANGUAGE c AS 'MODULE_PATHNAME', 'float4_negative_inner_product_wrapper';
CREATE FUNCTION cosine_distance(a real[], b real[]) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 8 LANGUAGE c AS 'MODULE_PATHNAME', 'float4_cosine_wrapper';
CREATE FUNCTION l2_distance(a real[], b real[]) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 8 LANGUAGE c AS 'MODULE_PATHNAME', 'float4_l2_wrapper';
CREATE FUNCTION l1_distance(a real[], b real[]) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 8 LANGUAGE c AS 'MODULE_PATHNAME', 'float4_l1_wrapper';

-- quantized with itself: of the same precision.
CREATE FUNCTION hamming_distance(a quantized, b quantized) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 4 LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_hamming_wrapper';
CREATE FUNCTION jaccard_distance(a quantized, b quantized) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 4 LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_jaccard_wrapper';
CREATE FUNCTION inner_product(a quantized, b quantized) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 8 LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_inner_product_wrapper';
CREATE FUNCTION negative_inner_product(a quantized, b quantized) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 8 LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_negative_inner_product_wrapper';
CREATE FUNCTION cosine_distance(a quantized, b quantized) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 8 LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_cosine_wrapper';
CREATE FUNCTION l2_distance(a quantized, b quantized) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 8 LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_l2_wrapper';
CREATE FUNCTION l1_distance(a quantized, b quantized) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 8 LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_l1_wrapper';

-- quantized with a float query: as the type of its precision, or as floats.
CREATE FUNCTION inner_product(a quantized, b real[]) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 8 LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_float4_inner_product_wrapper';
CREATE FUNCTION negative_inner_product(a quantized, b real[]) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 8 LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_float4_negative_inner_product_wrapper';
CREATE FUNCTION cosine_distance(a quantized, b real[]) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 8 LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_float4_cosine_wrapper';
CREATE FUNCTION inner_product(a real[], b quantized) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 8 LANGUAGE c AS 'MODULE_PATHNAME', 'float4_quantized_inner_product_wrapper';
CREATE FUNCTION negative_inner_product(a real[], b quantized) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 8 LANGUAGE c AS 'MODULE_PATHNAME', 'float4_quantized_negative_inner_product_wrapper';
CREATE FUNCTION cosine_distance(a real[], b quantized) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE COST 8 LANGUAGE c AS 'MODULE_PATHNAME', 'float4_quantized_cosine_wrapper';
