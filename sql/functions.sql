-- Quantization, dequantization, Matryoshka truncation. The costs are about what they are in units of
-- cpu_operator_cost for some hundreds of dimensions, so that parallel plans are considered when they pay.

-- What sentence-transformers' quantize_embeddings returns, byte for byte.
CREATE FUNCTION quantize_embeddings(
    embedding real[], "precision" text, ranges real[] DEFAULT NULL, calibration_embeddings real[] DEFAULT NULL
) RETURNS quantized
    IMMUTABLE PARALLEL SAFE COST 20 LANGUAGE c AS 'MODULE_PATHNAME', 'quantize_embeddings_wrapper';
COMMENT ON FUNCTION quantize_embeddings IS 'quantize an embedding to float32, int8, uint8, binary or ubinary';

CREATE FUNCTION quantize_binary(embedding real[]) RETURNS binvec
    IMMUTABLE STRICT PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'quantize_binary_wrapper';
COMMENT ON FUNCTION quantize_binary(embedding real[]) IS 'sign bits: 1 where a value is above 0';
CREATE FUNCTION quantize_binary(embedding real[], thresholds real[]) RETURNS binvec
    IMMUTABLE STRICT PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'quantize_binary_thresholds_wrapper';
COMMENT ON FUNCTION quantize_binary(embedding real[], thresholds real[]) IS 'bits: 1 where a value is above its threshold';
CREATE FUNCTION quantize_int8(embedding real[], ranges real[]) RETURNS int8vec
    IMMUTABLE STRICT PARALLEL SAFE COST 20 LANGUAGE c AS 'MODULE_PATHNAME', 'quantize_int8_wrapper';
COMMENT ON FUNCTION quantize_int8(embedding real[], ranges real[]) IS 'signed codes within ranges';
CREATE FUNCTION quantize_uint8(embedding real[], ranges real[]) RETURNS uint8vec
    IMMUTABLE STRICT PARALLEL SAFE COST 20 LANGUAGE c AS 'MODULE_PATHNAME', 'quantize_uint8_wrapper';
COMMENT ON FUNCTION quantize_uint8(embedding real[], ranges real[]) IS 'unsigned codes within ranges';

CREATE FUNCTION scale_query(query real[], ranges real[]) RETURNS real[]
    IMMUTABLE STRICT PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'scale_query_wrapper';
COMMENT ON FUNCTION scale_query(query real[], ranges real[]) IS 'multiply a query by the step widths, so that <#> with int8 codes ranks as with dequantized embeddings';

CREATE FUNCTION dequantize_embeddings(codes int8vec, ranges real[]) RETURNS real[]
    IMMUTABLE STRICT PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'dequantize_int8vec_wrapper';
COMMENT ON FUNCTION dequantize_embeddings(codes int8vec, ranges real[]) IS 'restore the floats: the middle of each code''s interval';
CREATE FUNCTION dequantize_embeddings(codes uint8vec, ranges real[]) RETURNS real[]
    IMMUTABLE STRICT PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'dequantize_uint8vec_wrapper';
COMMENT ON FUNCTION dequantize_embeddings(codes uint8vec, ranges real[]) IS 'restore the floats: the middle of each code''s interval';
CREATE FUNCTION dequantize_embeddings(codes quantized, ranges real[]) RETURNS real[]
    IMMUTABLE STRICT PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'dequantize_quantized_wrapper';
COMMENT ON FUNCTION dequantize_embeddings(codes quantized, ranges real[]) IS 'restore the floats of any precision; ranges count for int8 and uint8';
CREATE FUNCTION dequantize_embeddings(codes binvec) RETURNS real[]
    IMMUTABLE STRICT PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'dequantize_binvec_wrapper';
COMMENT ON FUNCTION dequantize_embeddings(codes binvec) IS '1 where a bit is set, -1 where not';

CREATE FUNCTION truncate_embeddings(embedding real[], truncate_dim integer, "normalize" boolean DEFAULT true) RETURNS real[]
    IMMUTABLE STRICT PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'truncate_embeddings_wrapper';
COMMENT ON FUNCTION truncate_embeddings(embedding real[], truncate_dim integer, "normalize" boolean) IS 'keep the first dimensions of a Matryoshka embedding';
CREATE FUNCTION truncate_embeddings(codes binvec, truncate_dim integer) RETURNS binvec
    IMMUTABLE STRICT PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'truncate_binvec_wrapper';
COMMENT ON FUNCTION truncate_embeddings(codes binvec, truncate_dim integer) IS 'keep the first dimensions';
CREATE FUNCTION truncate_embeddings(codes int8vec, truncate_dim integer) RETURNS int8vec
    IMMUTABLE STRICT PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'truncate_int8vec_wrapper';
COMMENT ON FUNCTION truncate_embeddings(codes int8vec, truncate_dim integer) IS 'keep the first dimensions';
CREATE FUNCTION truncate_embeddings(codes uint8vec, truncate_dim integer) RETURNS uint8vec
    IMMUTABLE STRICT PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'truncate_uint8vec_wrapper';
COMMENT ON FUNCTION truncate_embeddings(codes uint8vec, truncate_dim integer) IS 'keep the first dimensions';
CREATE FUNCTION truncate_embeddings(codes quantized, truncate_dim integer) RETURNS quantized
    IMMUTABLE STRICT PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'truncate_quantized_wrapper';
COMMENT ON FUNCTION truncate_embeddings(codes quantized, truncate_dim integer) IS 'keep the first dimensions';
CREATE FUNCTION normalize_embeddings(embedding real[]) RETURNS real[]
    IMMUTABLE STRICT PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'normalize_embeddings_wrapper';
COMMENT ON FUNCTION normalize_embeddings(embedding real[]) IS 'scale to unit length';

CREATE FUNCTION vector_dims(codes binvec) RETURNS integer
    IMMUTABLE STRICT PARALLEL SAFE COST 1 LANGUAGE c AS 'MODULE_PATHNAME', 'vector_dims_wrapper';
COMMENT ON FUNCTION vector_dims(codes binvec) IS 'number of dimensions';
CREATE FUNCTION vector_dims(codes int8vec) RETURNS integer
    IMMUTABLE STRICT PARALLEL SAFE COST 1 LANGUAGE c AS 'MODULE_PATHNAME', 'vector_dims_wrapper';
COMMENT ON FUNCTION vector_dims(codes int8vec) IS 'number of dimensions';
CREATE FUNCTION vector_dims(codes uint8vec) RETURNS integer
    IMMUTABLE STRICT PARALLEL SAFE COST 1 LANGUAGE c AS 'MODULE_PATHNAME', 'vector_dims_wrapper';
COMMENT ON FUNCTION vector_dims(codes uint8vec) IS 'number of dimensions';
CREATE FUNCTION vector_dims(codes quantized) RETURNS integer
    IMMUTABLE STRICT PARALLEL SAFE COST 1 LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_dims_wrapper';
COMMENT ON FUNCTION vector_dims(codes quantized) IS 'number of dimensions';
CREATE FUNCTION quantized_precision(codes quantized) RETURNS text
    IMMUTABLE STRICT PARALLEL SAFE COST 1 LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_precision_wrapper';
COMMENT ON FUNCTION quantized_precision(codes quantized) IS 'the precision of a quantized value';

CREATE FUNCTION quantized_from_bytes(bytes bytea, "precision" text, dimensions integer DEFAULT NULL) RETURNS quantized
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_from_bytes_wrapper';
COMMENT ON FUNCTION quantized_from_bytes IS 'read the bytes of a row of sentence-transformers'' array of this precision, signed binary too';

-- The same functions for the triggers of quantized columns, by names that whoever fires a trigger may look up. A domain
-- stands for each type of codes, for the same reason.
CREATE DOMAIN quantize.binary_code AS binvec;
CREATE DOMAIN quantize.int8_code AS int8vec;
CREATE DOMAIN quantize.uint8_code AS uint8vec;
CREATE FUNCTION quantize.quantize_binary(embedding real[]) RETURNS binvec
    IMMUTABLE STRICT PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'quantize_binary_wrapper';
CREATE FUNCTION quantize.quantize_binary(embedding real[], thresholds real[]) RETURNS binvec
    IMMUTABLE STRICT PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'quantize_binary_thresholds_wrapper';
CREATE FUNCTION quantize.quantize_int8(embedding real[], ranges real[]) RETURNS int8vec
    IMMUTABLE STRICT PARALLEL SAFE COST 20 LANGUAGE c AS 'MODULE_PATHNAME', 'quantize_int8_wrapper';
CREATE FUNCTION quantize.quantize_uint8(embedding real[], ranges real[]) RETURNS uint8vec
    IMMUTABLE STRICT PARALLEL SAFE COST 20 LANGUAGE c AS 'MODULE_PATHNAME', 'quantize_uint8_wrapper';
CREATE FUNCTION quantize.truncate_embeddings(embedding real[], truncate_dim integer, "normalize" boolean DEFAULT true) RETURNS real[]
    IMMUTABLE STRICT PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'truncate_embeddings_wrapper';
CREATE FUNCTION quantize.codes_differ(binvec, binvec) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'byteane';
CREATE FUNCTION quantize.codes_differ(int8vec, int8vec) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'byteane';
CREATE FUNCTION quantize.codes_differ(uint8vec, uint8vec) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'byteane';

-- Whether an embedding is of unit length, but for rounding.
CREATE FUNCTION quantize.is_unit(embedding real[]) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE COST 4 LANGUAGE c AS 'MODULE_PATHNAME', 'is_unit_wrapper';

-- Raises an error, without the lines of context that tell users how PL/pgSQL got there.
CREATE FUNCTION quantize.refuse(condition text, message text, detail text DEFAULT NULL, hint text DEFAULT NULL) RETURNS void
    PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'refuse_wrapper';
