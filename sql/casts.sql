-- Casts. A cast function with (…, integer, boolean) receives the target's dimension and whether the cast is explicit.

-- The dimension of a column is enforced, never adjusted.
CREATE FUNCTION binvec(binvec, integer, boolean) RETURNS binvec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'binvec_dimensions_wrapper';
CREATE CAST (binvec AS binvec) WITH FUNCTION binvec(binvec, integer, boolean) AS IMPLICIT;
CREATE FUNCTION int8vec(int8vec, integer, boolean) RETURNS int8vec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'int8vec_dimensions_wrapper';
CREATE CAST (int8vec AS int8vec) WITH FUNCTION int8vec(int8vec, integer, boolean) AS IMPLICIT;
CREATE FUNCTION uint8vec(uint8vec, integer, boolean) RETURNS uint8vec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'uint8vec_dimensions_wrapper';
CREATE CAST (uint8vec AS uint8vec) WITH FUNCTION uint8vec(uint8vec, integer, boolean) AS IMPLICIT;

-- bit and varbit.
CREATE FUNCTION binvec(bit, integer, boolean) RETURNS binvec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'bit_to_binvec_wrapper';
CREATE CAST (bit AS binvec) WITH FUNCTION binvec(bit, integer, boolean) AS IMPLICIT;
CREATE FUNCTION binvec(bit varying, integer, boolean) RETURNS binvec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'bit_to_binvec_wrapper';
CREATE CAST (bit varying AS binvec) WITH FUNCTION binvec(bit varying, integer, boolean) AS ASSIGNMENT;
CREATE FUNCTION binvec_to_bit(binvec) RETURNS bit
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'binvec_to_bit_wrapper';
CREATE CAST (binvec AS bit) WITH FUNCTION binvec_to_bit(binvec) AS ASSIGNMENT;
CREATE FUNCTION binvec_to_varbit(binvec) RETURNS bit varying
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'binvec_to_bit_wrapper';
CREATE CAST (binvec AS bit varying) WITH FUNCTION binvec_to_varbit(binvec) AS ASSIGNMENT;

-- bytea, as numpy's packbits and tobytes() lay it out.
CREATE FUNCTION binvec(bytea, integer, boolean) RETURNS binvec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'bytea_to_binvec_wrapper';
CREATE CAST (bytea AS binvec) WITH FUNCTION binvec(bytea, integer, boolean) AS ASSIGNMENT;
CREATE FUNCTION bytea(binvec) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'vector_to_bytea_wrapper';
CREATE CAST (binvec AS bytea) WITH FUNCTION bytea(binvec) AS ASSIGNMENT;
CREATE FUNCTION int8vec(bytea, integer, boolean) RETURNS int8vec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'bytea_to_int8vec_wrapper';
CREATE CAST (bytea AS int8vec) WITH FUNCTION int8vec(bytea, integer, boolean) AS ASSIGNMENT;
CREATE FUNCTION bytea(int8vec) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'vector_to_bytea_wrapper';
CREATE CAST (int8vec AS bytea) WITH FUNCTION bytea(int8vec) AS ASSIGNMENT;
CREATE FUNCTION uint8vec(bytea, integer, boolean) RETURNS uint8vec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'bytea_to_uint8vec_wrapper';
CREATE CAST (bytea AS uint8vec) WITH FUNCTION uint8vec(bytea, integer, boolean) AS ASSIGNMENT;
CREATE FUNCTION bytea(uint8vec) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'vector_to_bytea_wrapper';
CREATE CAST (uint8vec AS bytea) WITH FUNCTION bytea(uint8vec) AS ASSIGNMENT;

-- Integer arrays.
CREATE FUNCTION int8vec(smallint[], integer, boolean) RETURNS int8vec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'int2_array_to_int8vec_wrapper';
CREATE CAST (smallint[] AS int8vec) WITH FUNCTION int8vec(smallint[], integer, boolean) AS ASSIGNMENT;
CREATE FUNCTION int8vec_to_int2_array(int8vec) RETURNS smallint[]
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'int8vec_to_int2_array_wrapper';
CREATE CAST (int8vec AS smallint[]) WITH FUNCTION int8vec_to_int2_array(int8vec) AS ASSIGNMENT;
CREATE FUNCTION int8vec(integer[], integer, boolean) RETURNS int8vec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'int4_array_to_int8vec_wrapper';
CREATE CAST (integer[] AS int8vec) WITH FUNCTION int8vec(integer[], integer, boolean) AS ASSIGNMENT;
CREATE FUNCTION int8vec_to_int4_array(int8vec) RETURNS integer[]
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'int8vec_to_int4_array_wrapper';
CREATE CAST (int8vec AS integer[]) WITH FUNCTION int8vec_to_int4_array(int8vec) AS ASSIGNMENT;
CREATE FUNCTION uint8vec(smallint[], integer, boolean) RETURNS uint8vec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'int2_array_to_uint8vec_wrapper';
CREATE CAST (smallint[] AS uint8vec) WITH FUNCTION uint8vec(smallint[], integer, boolean) AS ASSIGNMENT;
CREATE FUNCTION uint8vec_to_int2_array(uint8vec) RETURNS smallint[]
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'uint8vec_to_int2_array_wrapper';
CREATE CAST (uint8vec AS smallint[]) WITH FUNCTION uint8vec_to_int2_array(uint8vec) AS ASSIGNMENT;
CREATE FUNCTION uint8vec(integer[], integer, boolean) RETURNS uint8vec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'int4_array_to_uint8vec_wrapper';
CREATE CAST (integer[] AS uint8vec) WITH FUNCTION uint8vec(integer[], integer, boolean) AS ASSIGNMENT;
CREATE FUNCTION uint8vec_to_int4_array(uint8vec) RETURNS integer[]
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'uint8vec_to_int4_array_wrapper';
CREATE CAST (uint8vec AS integer[]) WITH FUNCTION uint8vec_to_int4_array(uint8vec) AS ASSIGNMENT;

-- quantized: into the type of its precision, implicitly, so that what quantize_embeddings returns can be inserted and
-- compared as it is.
CREATE FUNCTION binvec(quantized, integer, boolean) RETURNS binvec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_to_binvec_wrapper';
CREATE CAST (quantized AS binvec) WITH FUNCTION binvec(quantized, integer, boolean) AS IMPLICIT;
CREATE FUNCTION quantized(binvec) RETURNS quantized
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'binvec_to_quantized_wrapper';
CREATE CAST (binvec AS quantized) WITH FUNCTION quantized(binvec);
CREATE FUNCTION int8vec(quantized, integer, boolean) RETURNS int8vec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_to_int8vec_wrapper';
CREATE CAST (quantized AS int8vec) WITH FUNCTION int8vec(quantized, integer, boolean) AS IMPLICIT;
CREATE FUNCTION quantized(int8vec) RETURNS quantized
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'int8vec_to_quantized_wrapper';
CREATE CAST (int8vec AS quantized) WITH FUNCTION quantized(int8vec);
CREATE FUNCTION uint8vec(quantized, integer, boolean) RETURNS uint8vec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_to_uint8vec_wrapper';
CREATE CAST (quantized AS uint8vec) WITH FUNCTION uint8vec(quantized, integer, boolean) AS IMPLICIT;
CREATE FUNCTION quantized(uint8vec) RETURNS quantized
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'uint8vec_to_quantized_wrapper';
CREATE CAST (uint8vec AS quantized) WITH FUNCTION quantized(uint8vec);
CREATE FUNCTION quantized_to_float4_array(quantized) RETURNS real[]
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_to_float4_array_wrapper';
CREATE CAST (quantized AS real[]) WITH FUNCTION quantized_to_float4_array(quantized) AS ASSIGNMENT;
CREATE FUNCTION bytea(quantized) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_to_bytea_wrapper';
CREATE CAST (quantized AS bytea) WITH FUNCTION bytea(quantized) AS ASSIGNMENT;
