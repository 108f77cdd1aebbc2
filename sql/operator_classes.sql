-- Equality, order and hash, so that DISTINCT, GROUP BY, UNIQUE and joins work. Equal values have equal bytes, so equality
-- and hash are those of bytea. The order is by elements (quantized: precision first) and a vector before those it begins.

CREATE FUNCTION quantize.binvec_eq(binvec, binvec) RETURNS boolean IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE LANGUAGE internal AS 'byteaeq';
CREATE FUNCTION quantize.binvec_ne(binvec, binvec) RETURNS boolean IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE LANGUAGE internal AS 'byteane';
CREATE FUNCTION quantize.binvec_hash(binvec) RETURNS integer IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'hashvarlena';
CREATE FUNCTION quantize.binvec_hash(binvec, bigint) RETURNS bigint
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'hashvarlenaextended';
CREATE FUNCTION quantize.binvec_lt(binvec, binvec) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'binvec_lt_wrapper';
CREATE FUNCTION quantize.binvec_le(binvec, binvec) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'binvec_le_wrapper';
CREATE FUNCTION quantize.binvec_gt(binvec, binvec) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'binvec_gt_wrapper';
CREATE FUNCTION quantize.binvec_ge(binvec, binvec) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'binvec_ge_wrapper';
CREATE FUNCTION quantize.binvec_cmp(binvec, binvec) RETURNS integer
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'binvec_cmp_wrapper';
CREATE OPERATOR = (
    LEFTARG = binvec, RIGHTARG = binvec, FUNCTION = quantize.binvec_eq, COMMUTATOR = =, NEGATOR = <>,
    RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
CREATE OPERATOR <> (
    LEFTARG = binvec, RIGHTARG = binvec, FUNCTION = quantize.binvec_ne, COMMUTATOR = <>, NEGATOR = =,
    RESTRICT = neqsel, JOIN = neqjoinsel
);
CREATE OPERATOR < (
    LEFTARG = binvec, RIGHTARG = binvec, FUNCTION = quantize.binvec_lt, COMMUTATOR = >, NEGATOR = >=,
    RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
CREATE OPERATOR <= (
    LEFTARG = binvec, RIGHTARG = binvec, FUNCTION = quantize.binvec_le, COMMUTATOR = >=, NEGATOR = >,
    RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
CREATE OPERATOR > (
    LEFTARG = binvec, RIGHTARG = binvec, FUNCTION = quantize.binvec_gt, COMMUTATOR = <, NEGATOR = <=,
    RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
CREATE OPERATOR >= (
    LEFTARG = binvec, RIGHTARG = binvec, FUNCTION = quantize.binvec_ge, COMMUTATOR = <=, NEGATOR = <,
    RESTRICT = scalargesel, JOIN = scalargejoinsel
);
CREATE OPERATOR CLASS binvec_ops DEFAULT FOR TYPE binvec USING btree AS
    OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 quantize.binvec_cmp(binvec, binvec),
    FUNCTION 4 (binvec, binvec) btequalimage(oid);
CREATE OPERATOR CLASS binvec_ops DEFAULT FOR TYPE binvec USING hash AS
    OPERATOR 1 =, FUNCTION 1 quantize.binvec_hash(binvec), FUNCTION 2 quantize.binvec_hash(binvec, bigint);

CREATE FUNCTION quantize.int8vec_eq(int8vec, int8vec) RETURNS boolean IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE LANGUAGE internal AS 'byteaeq';
CREATE FUNCTION quantize.int8vec_ne(int8vec, int8vec) RETURNS boolean IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE LANGUAGE internal AS 'byteane';
CREATE FUNCTION quantize.int8vec_hash(int8vec) RETURNS integer IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'hashvarlena';
CREATE FUNCTION quantize.int8vec_hash(int8vec, bigint) RETURNS bigint
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'hashvarlenaextended';
CREATE FUNCTION quantize.int8vec_lt(int8vec, int8vec) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'int8vec_lt_wrapper';
CREATE FUNCTION quantize.int8vec_le(int8vec, int8vec) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'int8vec_le_wrapper';
CREATE FUNCTION quantize.int8vec_gt(int8vec, int8vec) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'int8vec_gt_wrapper';
CREATE FUNCTION quantize.int8vec_ge(int8vec, int8vec) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'int8vec_ge_wrapper';
CREATE FUNCTION quantize.int8vec_cmp(int8vec, int8vec) RETURNS integer
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'int8vec_cmp_wrapper';
CREATE OPERATOR = (
    LEFTARG = int8vec, RIGHTARG = int8vec, FUNCTION = quantize.int8vec_eq, COMMUTATOR = =, NEGATOR = <>,
    RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
CREATE OPERATOR <> (
    LEFTARG = int8vec, RIGHTARG = int8vec, FUNCTION = quantize.int8vec_ne, COMMUTATOR = <>, NEGATOR = =,
    RESTRICT = neqsel, JOIN = neqjoinsel
);
CREATE OPERATOR < (
    LEFTARG = int8vec, RIGHTARG = int8vec, FUNCTION = quantize.int8vec_lt, COMMUTATOR = >, NEGATOR = >=,
    RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
CREATE OPERATOR <= (
    LEFTARG = int8vec, RIGHTARG = int8vec, FUNCTION = quantize.int8vec_le, COMMUTATOR = >=, NEGATOR = >,
    RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
CREATE OPERATOR > (
    LEFTARG = int8vec, RIGHTARG = int8vec, FUNCTION = quantize.int8vec_gt, COMMUTATOR = <, NEGATOR = <=,
    RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
CREATE OPERATOR >= (
    LEFTARG = int8vec, RIGHTARG = int8vec, FUNCTION = quantize.int8vec_ge, COMMUTATOR = <=, NEGATOR = <,
    RESTRICT = scalargesel, JOIN = scalargejoinsel
);
CREATE OPERATOR CLASS int8vec_ops DEFAULT FOR TYPE int8vec USING btree AS
    OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 quantize.int8vec_cmp(int8vec, int8vec),
    FUNCTION 4 (int8vec, int8vec) btequalimage(oid);
CREATE OPERATOR CLASS int8vec_ops DEFAULT FOR TYPE int8vec USING hash AS
    OPERATOR 1 =, FUNCTION 1 quantize.int8vec_hash(int8vec), FUNCTION 2 quantize.int8vec_hash(int8vec, bigint);

CREATE FUNCTION quantize.uint8vec_eq(uint8vec, uint8vec) RETURNS boolean IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE LANGUAGE internal AS 'byteaeq';
CREATE FUNCTION quantize.uint8vec_ne(uint8vec, uint8vec) RETURNS boolean IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE LANGUAGE internal AS 'byteane';
CREATE FUNCTION quantize.uint8vec_hash(uint8vec) RETURNS integer IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'hashvarlena';
CREATE FUNCTION quantize.uint8vec_hash(uint8vec, bigint) RETURNS bigint
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'hashvarlenaextended';
CREATE FUNCTION quantize.uint8vec_lt(uint8vec, uint8vec) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'uint8vec_lt_wrapper';
CREATE FUNCTION quantize.uint8vec_le(uint8vec, uint8vec) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'uint8vec_le_wrapper';
CREATE FUNCTION quantize.uint8vec_gt(uint8vec, uint8vec) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'uint8vec_gt_wrapper';
CREATE FUNCTION quantize.uint8vec_ge(uint8vec, uint8vec) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'uint8vec_ge_wrapper';
CREATE FUNCTION quantize.uint8vec_cmp(uint8vec, uint8vec) RETURNS integer
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'uint8vec_cmp_wrapper';
CREATE OPERATOR = (
    LEFTARG = uint8vec, RIGHTARG = uint8vec, FUNCTION = quantize.uint8vec_eq, COMMUTATOR = =, NEGATOR = <>,
    RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
CREATE OPERATOR <> (
    LEFTARG = uint8vec, RIGHTARG = uint8vec, FUNCTION = quantize.uint8vec_ne, COMMUTATOR = <>, NEGATOR = =,
    RESTRICT = neqsel, JOIN = neqjoinsel
);
CREATE OPERATOR < (
    LEFTARG = uint8vec, RIGHTARG = uint8vec, FUNCTION = quantize.uint8vec_lt, COMMUTATOR = >, NEGATOR = >=,
    RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
CREATE OPERATOR <= (
    LEFTARG = uint8vec, RIGHTARG = uint8vec, FUNCTION = quantize.uint8vec_le, COMMUTATOR = >=, NEGATOR = >,
    RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
CREATE OPERATOR > (
    LEFTARG = uint8vec, RIGHTARG = uint8vec, FUNCTION = quantize.uint8vec_gt, COMMUTATOR = <, NEGATOR = <=,
    RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
CREATE OPERATOR >= (
    LEFTARG = uint8vec, RIGHTARG = uint8vec, FUNCTION = quantize.uint8vec_ge, COMMUTATOR = <=, NEGATOR = <,
    RESTRICT = scalargesel, JOIN = scalargejoinsel
);
CREATE OPERATOR CLASS uint8vec_ops DEFAULT FOR TYPE uint8vec USING btree AS
    OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 quantize.uint8vec_cmp(uint8vec, uint8vec),
    FUNCTION 4 (uint8vec, uint8vec) btequalimage(oid);
CREATE OPERATOR CLASS uint8vec_ops DEFAULT FOR TYPE uint8vec USING hash AS
    OPERATOR 1 =, FUNCTION 1 quantize.uint8vec_hash(uint8vec), FUNCTION 2 quantize.uint8vec_hash(uint8vec, bigint);

CREATE FUNCTION quantize.quantized_eq(quantized, quantized) RETURNS boolean IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE LANGUAGE internal AS 'byteaeq';
CREATE FUNCTION quantize.quantized_ne(quantized, quantized) RETURNS boolean IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE LANGUAGE internal AS 'byteane';
CREATE FUNCTION quantize.quantized_hash(quantized) RETURNS integer IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'hashvarlena';
CREATE FUNCTION quantize.quantized_hash(quantized, bigint) RETURNS bigint
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'hashvarlenaextended';
CREATE FUNCTION quantize.quantized_lt(quantized, quantized) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_lt_wrapper';
CREATE FUNCTION quantize.quantized_le(quantized, quantized) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_le_wrapper';
CREATE FUNCTION quantize.quantized_gt(quantized, quantized) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_gt_wrapper';
CREATE FUNCTION quantize.quantized_ge(quantized, quantized) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_ge_wrapper';
CREATE FUNCTION quantize.quantized_cmp(quantized, quantized) RETURNS integer
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_cmp_wrapper';
CREATE OPERATOR = (
    LEFTARG = quantized, RIGHTARG = quantized, FUNCTION = quantize.quantized_eq, COMMUTATOR = =, NEGATOR = <>,
    RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
CREATE OPERATOR <> (
    LEFTARG = quantized, RIGHTARG = quantized, FUNCTION = quantize.quantized_ne, COMMUTATOR = <>, NEGATOR = =,
    RESTRICT = neqsel, JOIN = neqjoinsel
);
CREATE OPERATOR < (
    LEFTARG = quantized, RIGHTARG = quantized, FUNCTION = quantize.quantized_lt, COMMUTATOR = >, NEGATOR = >=,
    RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
CREATE OPERATOR <= (
    LEFTARG = quantized, RIGHTARG = quantized, FUNCTION = quantize.quantized_le, COMMUTATOR = >=, NEGATOR = >,
    RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
CREATE OPERATOR > (
    LEFTARG = quantized, RIGHTARG = quantized, FUNCTION = quantize.quantized_gt, COMMUTATOR = <, NEGATOR = <=,
    RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
CREATE OPERATOR >= (
    LEFTARG = quantized, RIGHTARG = quantized, FUNCTION = quantize.quantized_ge, COMMUTATOR = <=, NEGATOR = <,
    RESTRICT = scalargesel, JOIN = scalargejoinsel
);
CREATE OPERATOR CLASS quantized_ops DEFAULT FOR TYPE quantized USING btree AS
    OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 quantize.quantized_cmp(quantized, quantized),
    FUNCTION 4 (quantized, quantized) btequalimage(oid);
CREATE OPERATOR CLASS quantized_ops DEFAULT FOR TYPE quantized USING hash AS
    OPERATOR 1 =, FUNCTION 1 quantize.quantized_hash(quantized), FUNCTION 2 quantize.quantized_hash(quantized, bigint);
