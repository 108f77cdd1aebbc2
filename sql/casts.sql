-- Casts. A cast function with (…, integer, boolean) receives the target's dimension and whether the cast is explicit.

-- The dimension of a column is enforced, never adjusted.
CREATE FUNCTION quantize.binvec(binvec, integer, boolean) RETURNS binvec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'binvec_dimensions_wrapper';
CREATE CAST (binvec AS binvec) WITH FUNCTION quantize.binvec(binvec, integer, boolean) AS IMPLICIT;
CREATE FUNCTION quantize.int8vec(int8vec, integer, boolean) RETURNS int8vec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'int8vec_dimensions_wrapper';
CREATE CAST (int8vec AS int8vec) WITH FUNCTION quantize.int8vec(int8vec, integer, boolean) AS IMPLICIT;
CREATE FUNCTION quantize.uint8vec(uint8vec, integer, boolean) RETURNS uint8vec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'uint8vec_dimensions_wrapper';
CREATE CAST (uint8vec AS uint8vec) WITH FUNCTION quantize.uint8vec(uint8vec, integer, boolean) AS IMPLICIT;

-- bit and varbit.
CREATE FUNCTION quantize.binvec(bit, integer, boolean) RETURNS binvec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'bit_to_binvec_wrapper';
CREATE CAST (bit AS binvec) WITH FUNCTION quantize.binvec(bit, integer, boolean) AS IMPLICIT;
CREATE FUNCTION quantize.binvec(bit varying, integer, boolean) RETURNS binvec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'bit_to_binvec_wrapper';
CREATE CAST (bit varying AS binvec) WITH FUNCTION quantize.binvec(bit varying, integer, boolean) AS ASSIGNMENT;
CREATE FUNCTION quantize.binvec_to_bit(binvec) RETURNS bit
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'binvec_to_bit_wrapper';
CREATE CAST (binvec AS bit) WITH FUNCTION quantize.binvec_to_bit(binvec) AS ASSIGNMENT;
CREATE FUNCTION quantize.binvec_to_varbit(binvec) RETURNS bit varying
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'binvec_to_bit_wrapper';
CREATE CAST (binvec AS bit varying) WITH FUNCTION quantize.binvec_to_varbit(binvec) AS ASSIGNMENT;

-- bytea, as numpy's packbits and tobytes() lay it out.
CREATE FUNCTION quantize.binvec(bytea, integer, boolean) RETURNS binvec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'bytea_to_binvec_wrapper';
CREATE CAST (bytea AS binvec) WITH FUNCTION quantize.binvec(bytea, integer, boolean) AS ASSIGNMENT;
CREATE FUNCTION quantize.bytea(binvec) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'vector_to_bytea_wrapper';
CREATE CAST (binvec AS bytea) WITH FUNCTION quantize.bytea(binvec) AS ASSIGNMENT;
CREATE FUNCTION quantize.int8vec(bytea, integer, boolean) RETURNS int8vec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'bytea_to_int8vec_wrapper';
CREATE CAST (bytea AS int8vec) WITH FUNCTION quantize.int8vec(bytea, integer, boolean) AS ASSIGNMENT;
CREATE FUNCTION quantize.bytea(int8vec) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'vector_to_bytea_wrapper';
CREATE CAST (int8vec AS bytea) WITH FUNCTION quantize.bytea(int8vec) AS ASSIGNMENT;
CREATE FUNCTION quantize.uint8vec(bytea, integer, boolean) RETURNS uint8vec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'bytea_to_uint8vec_wrapper';
CREATE CAST (bytea AS uint8vec) WITH FUNCTION quantize.uint8vec(bytea, integer, boolean) AS ASSIGNMENT;
CREATE FUNCTION quantize.bytea(uint8vec) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'vector_to_bytea_wrapper';
CREATE CAST (uint8vec AS bytea) WITH FUNCTION quantize.bytea(uint8vec) AS ASSIGNMENT;

-- Integer arrays.
CREATE FUNCTION quantize.int8vec(smallint[], integer, boolean) RETURNS int8vec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'int2_array_to_int8vec_wrapper';
CREATE CAST (smallint[] AS int8vec) WITH FUNCTION quantize.int8vec(smallint[], integer, boolean) AS ASSIGNMENT;
CREATE FUNCTION quantize.int8vec_to_int2_array(int8vec) RETURNS smallint[]
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'int8vec_to_int2_array_wrapper';
CREATE CAST (int8vec AS smallint[]) WITH FUNCTION quantize.int8vec_to_int2_array(int8vec) AS ASSIGNMENT;
CREATE FUNCTION quantize.int8vec(integer[], integer, boolean) RETURNS int8vec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'int4_array_to_int8vec_wrapper';
CREATE CAST (integer[] AS int8vec) WITH FUNCTION quantize.int8vec(integer[], integer, boolean) AS ASSIGNMENT;
CREATE FUNCTION quantize.int8vec_to_int4_array(int8vec) RETURNS integer[]
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'int8vec_to_int4_array_wrapper';
CREATE CAST (int8vec AS integer[]) WITH FUNCTION quantize.int8vec_to_int4_array(int8vec) AS ASSIGNMENT;
CREATE FUNCTION quantize.uint8vec(smallint[], integer, boolean) RETURNS uint8vec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'int2_array_to_uint8vec_wrapper';
CREATE CAST (smallint[] AS uint8vec) WITH FUNCTION quantize.uint8vec(smallint[], integer, boolean) AS ASSIGNMENT;
CREATE FUNCTION quantize.uint8vec_to_int2_array(uint8vec) RETURNS smallint[]
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'uint8vec_to_int2_array_wrapper';
CREATE CAST (uint8vec AS smallint[]) WITH FUNCTION quantize.uint8vec_to_int2_array(uint8vec) AS ASSIGNMENT;
CREATE FUNCTION quantize.uint8vec(integer[], integer, boolean) RETURNS uint8vec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'int4_array_to_uint8vec_wrapper';
CREATE CAST (integer[] AS uint8vec) WITH FUNCTION quantize.uint8vec(integer[], integer, boolean) AS ASSIGNMENT;
CREATE FUNCTION quantize.uint8vec_to_int4_array(uint8vec) RETURNS integer[]
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'uint8vec_to_int4_array_wrapper';
CREATE CAST (uint8vec AS integer[]) WITH FUNCTION quantize.uint8vec_to_int4_array(uint8vec) AS ASSIGNMENT;

-- quantized: into the type of its precision, implicitly, so that what quantize_embeddings returns can be inserted and
-- compared as it is.
CREATE FUNCTION quantize.binvec(quantized, integer, boolean) RETURNS binvec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_to_binvec_wrapper';
CREATE CAST (quantized AS binvec) WITH FUNCTION quantize.binvec(quantized, integer, boolean) AS IMPLICIT;
CREATE FUNCTION quantize.quantized(binvec) RETURNS quantized
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'binvec_to_quantized_wrapper';
CREATE CAST (binvec AS quantized) WITH FUNCTION quantize.quantized(binvec);
CREATE FUNCTION quantize.int8vec(quantized, integer, boolean) RETURNS int8vec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_to_int8vec_wrapper';
CREATE CAST (quantized AS int8vec) WITH FUNCTION quantize.int8vec(quantized, integer, boolean) AS IMPLICIT;
CREATE FUNCTION quantize.quantized(int8vec) RETURNS quantized
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'int8vec_to_quantized_wrapper';
CREATE CAST (int8vec AS quantized) WITH FUNCTION quantize.quantized(int8vec);
CREATE FUNCTION quantize.uint8vec(quantized, integer, boolean) RETURNS uint8vec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_to_uint8vec_wrapper';
CREATE CAST (quantized AS uint8vec) WITH FUNCTION quantize.uint8vec(quantized, integer, boolean) AS IMPLICIT;
CREATE FUNCTION quantize.quantized(uint8vec) RETURNS quantized
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'uint8vec_to_quantized_wrapper';
CREATE CAST (uint8vec AS quantized) WITH FUNCTION quantize.quantized(uint8vec);
CREATE FUNCTION quantize.quantized_to_float4_array(quantized) RETURNS real[]
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_to_float4_array_wrapper';
CREATE CAST (quantized AS real[]) WITH FUNCTION quantize.quantized_to_float4_array(quantized) AS ASSIGNMENT;
CREATE FUNCTION quantize.bytea(quantized) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_to_bytea_wrapper';
CREATE CAST (quantized AS bytea) WITH FUNCTION quantize.bytea(quantized) AS ASSIGNMENT;
