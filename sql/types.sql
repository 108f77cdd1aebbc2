-- The vector types. "f_wrapper" is the Rust function f.

CREATE FUNCTION quantize.quantized_typmod_in(cstring[]) RETURNS integer
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'vector_typmod_in_wrapper';
CREATE FUNCTION quantize.quantized_typmod_out(integer) RETURNS cstring
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'vector_typmod_out_wrapper';

-- binvec: sign bits: one bit a dimension.
CREATE TYPE binvec;
CREATE FUNCTION quantize.binvec_in(cstring, oid, integer) RETURNS binvec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'binvec_in_wrapper';
CREATE FUNCTION quantize.binvec_out(binvec) RETURNS cstring
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'binvec_out_wrapper';
CREATE FUNCTION quantize.binvec_recv(internal, oid, integer) RETURNS binvec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'binvec_recv_wrapper';
CREATE FUNCTION quantize.binvec_send(binvec) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'binvec_send_wrapper';
CREATE TYPE binvec (
    INPUT = quantize.binvec_in, OUTPUT = quantize.binvec_out, RECEIVE = quantize.binvec_recv, SEND = quantize.binvec_send,
    TYPMOD_IN = quantize.quantized_typmod_in, TYPMOD_OUT = quantize.quantized_typmod_out,
    -- Codes are as dense as they get: out of line when long, never compressed.
    STORAGE = external
);
COMMENT ON TYPE binvec IS 'quantized embedding, sign bits: one bit a dimension';

-- int8vec: signed codes -128 to 127: one byte a dimension.
CREATE TYPE int8vec;
CREATE FUNCTION quantize.int8vec_in(cstring, oid, integer) RETURNS int8vec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'int8vec_in_wrapper';
CREATE FUNCTION quantize.int8vec_out(int8vec) RETURNS cstring
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'int8vec_out_wrapper';
CREATE FUNCTION quantize.int8vec_recv(internal, oid, integer) RETURNS int8vec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'int8vec_recv_wrapper';
CREATE FUNCTION quantize.int8vec_send(int8vec) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'int8vec_send_wrapper';
CREATE TYPE int8vec (
    INPUT = quantize.int8vec_in, OUTPUT = quantize.int8vec_out, RECEIVE = quantize.int8vec_recv, SEND = quantize.int8vec_send,
    TYPMOD_IN = quantize.quantized_typmod_in, TYPMOD_OUT = quantize.quantized_typmod_out,
    -- Codes are as dense as they get: out of line when long, never compressed.
    STORAGE = external
);
COMMENT ON TYPE int8vec IS 'quantized embedding, signed codes -128 to 127: one byte a dimension';

-- uint8vec: unsigned codes 0 to 255: one byte a dimension.
CREATE TYPE uint8vec;
CREATE FUNCTION quantize.uint8vec_in(cstring, oid, integer) RETURNS uint8vec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'uint8vec_in_wrapper';
CREATE FUNCTION quantize.uint8vec_out(uint8vec) RETURNS cstring
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'uint8vec_out_wrapper';
CREATE FUNCTION quantize.uint8vec_recv(internal, oid, integer) RETURNS uint8vec
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'uint8vec_recv_wrapper';
CREATE FUNCTION quantize.uint8vec_send(uint8vec) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'uint8vec_send_wrapper';
CREATE TYPE uint8vec (
    INPUT = quantize.uint8vec_in, OUTPUT = quantize.uint8vec_out, RECEIVE = quantize.uint8vec_recv, SEND = quantize.uint8vec_send,
    TYPMOD_IN = quantize.quantized_typmod_in, TYPMOD_OUT = quantize.quantized_typmod_out,
    -- Codes are as dense as they get: out of line when long, never compressed.
    STORAGE = external
);
COMMENT ON TYPE uint8vec IS 'quantized embedding, unsigned codes 0 to 255: one byte a dimension';

-- quantized: any precision, tagged; what quantize_embeddings returns.
CREATE TYPE quantized;
CREATE FUNCTION quantize.quantized_in(cstring) RETURNS quantized
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_in_wrapper';
CREATE FUNCTION quantize.quantized_out(quantized) RETURNS cstring
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_out_wrapper';
CREATE FUNCTION quantize.quantized_recv(internal) RETURNS quantized
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_recv_wrapper';
CREATE FUNCTION quantize.quantized_send(quantized) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_send_wrapper';
CREATE TYPE quantized (
    INPUT = quantize.quantized_in, OUTPUT = quantize.quantized_out, RECEIVE = quantize.quantized_recv, SEND = quantize.quantized_send,
    STORAGE = external
);
COMMENT ON TYPE quantized IS 'quantized embedding of any precision, tagged with it';
