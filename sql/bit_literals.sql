-- Two untyped literals as bit strings: '01' <~> '11', and hamming_distance('01', '11'). Beside pgvector these belong to its bit,
-- but with operators on binvec and quantized too they would be ambiguous. For untyped arguments Postgres prefers a candidate of
-- the string category: this type, to which nothing else is ever cast implicitly. It is varbit by another name.
CREATE TYPE quantize.bit_literal;
CREATE FUNCTION quantize.bit_literal_in(cstring, oid, integer) RETURNS quantize.bit_literal
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'varbit_in';
CREATE FUNCTION quantize.bit_literal_out(quantize.bit_literal) RETURNS cstring
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'varbit_out';
CREATE FUNCTION quantize.bit_literal_recv(internal, oid, integer) RETURNS quantize.bit_literal
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'varbit_recv';
CREATE FUNCTION quantize.bit_literal_send(quantize.bit_literal) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'varbit_send';
CREATE TYPE quantize.bit_literal (
    INPUT = quantize.bit_literal_in, OUTPUT = quantize.bit_literal_out, RECEIVE = quantize.bit_literal_recv, SEND = quantize.bit_literal_send,
    CATEGORY = 'S'
);
COMMENT ON TYPE quantize.bit_literal IS 'internal: an untyped literal that is read as a bit string';

CREATE FUNCTION hamming_distance(a quantize.bit_literal, b quantize.bit_literal) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'bit_literal_hamming_wrapper';
CREATE FUNCTION jaccard_distance(a quantize.bit_literal, b quantize.bit_literal) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'bit_literal_jaccard_wrapper';
CREATE OPERATOR <~> (LEFTARG = quantize.bit_literal, RIGHTARG = quantize.bit_literal, FUNCTION = hamming_distance, COMMUTATOR = <~>);
CREATE OPERATOR <%> (LEFTARG = quantize.bit_literal, RIGHTARG = quantize.bit_literal, FUNCTION = jaccard_distance, COMMUTATOR = <%>);
