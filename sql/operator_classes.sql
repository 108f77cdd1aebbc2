-- Equality, order and hash, so that DISTINCT, GROUP BY, UNIQUE and joins work. Equal values have equal bytes, so equality
-- and hash are those of bytea. The order is by elements (quantized: precision first) and a vector before those it begins.

CREATE FUNCTION binvec_eq(binvec, binvec) RETURNS boolean IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE LANGUAGE internal AS 'byteaeq';
CREATE FUNCTION binvec_ne(binvec, binvec) RETURNS boolean IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE LANGUAGE internal AS 'byteane';
CREATE FUNCTION binvec_hash(binvec) RETURNS integer IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'hashvarlena';
CREATE FUNCTION binvec_hash(binvec, bigint) RETURNS bigint
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'hashvarlenaextended';
CREATE FUNCTION binvec_lt(binvec, binvec) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'binvec_lt_wrapper';
CREATE FUNCTION binvec_le(binvec, binvec) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'binvec_le_wrapper';
CREATE FUNCTION binvec_gt(binvec, binvec) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'binvec_gt_wrapper';
CREATE FUNCTION binvec_ge(binvec, binvec) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'binvec_ge_wrapper';
CREATE FUNCTION binvec_cmp(binvec, binvec) RETURNS integer
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'binvec_cmp_wrapper';
CREATE OPERATOR = (
    LEFTARG = binvec, RIGHTARG = binvec, FUNCTION = binvec_eq, COMMUTATOR = =, NEGATOR = <>,
    RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
CREATE OPERATOR <> (
    LEFTARG = binvec, RIGHTARG = binvec, FUNCTION = binvec_ne, COMMUTATOR = <>, NEGATOR = =,
    RESTRICT = neqsel, JOIN = neqjoinsel
);
CREATE OPERATOR < (
    LEFTARG = binvec, RIGHTARG = binvec, FUNCTION = binvec_lt, COMMUTATOR = >, NEGATOR = >=,
    RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
CREATE OPERATOR <= (
    LEFTARG = binvec, RIGHTARG = binvec, FUNCTION = binvec_le, COMMUTATOR = >=, NEGATOR = >,
    RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
CREATE OPERATOR > (
    LEFTARG = binvec, RIGHTARG = binvec, FUNCTION = binvec_gt, COMMUTATOR = <, NEGATOR = <=,
    RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
CREATE OPERATOR >= (
    LEFTARG = binvec, RIGHTARG = binvec, FUNCTION = binvec_ge, COMMUTATOR = <=, NEGATOR = <,
    RESTRICT = scalargesel, JOIN = scalargejoinsel
);
CREATE OPERATOR CLASS binvec_ops DEFAULT FOR TYPE binvec USING btree AS
    OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 binvec_cmp(binvec, binvec),
    FUNCTION 4 (binvec, binvec) btequalimage(oid);
CREATE OPERATOR CLASS binvec_ops DEFAULT FOR TYPE binvec USING hash AS
    OPERATOR 1 =, FUNCTION 1 binvec_hash(binvec), FUNCTION 2 binvec_hash(binvec, bigint);

CREATE FUNCTION int8vec_eq(int8vec, int8vec) RETURNS boolean IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE LANGUAGE internal AS 'byteaeq';
CREATE FUNCTION int8vec_ne(int8vec, int8vec) RETURNS boolean IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE LANGUAGE internal AS 'byteane';
CREATE FUNCTION int8vec_hash(int8vec) RETURNS integer IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'hashvarlena';
CREATE FUNCTION int8vec_hash(int8vec, bigint) RETURNS bigint
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'hashvarlenaextended';
CREATE FUNCTION int8vec_lt(int8vec, int8vec) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'int8vec_lt_wrapper';
CREATE FUNCTION int8vec_le(int8vec, int8vec) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'int8vec_le_wrapper';
CREATE FUNCTION int8vec_gt(int8vec, int8vec) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'int8vec_gt_wrapper';
CREATE FUNCTION int8vec_ge(int8vec, int8vec) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'int8vec_ge_wrapper';
CREATE FUNCTION int8vec_cmp(int8vec, int8vec) RETURNS integer
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'int8vec_cmp_wrapper';
CREATE OPERATOR = (
    LEFTARG = int8vec, RIGHTARG = int8vec, FUNCTION = int8vec_eq, COMMUTATOR = =, NEGATOR = <>,
    RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
CREATE OPERATOR <> (
    LEFTARG = int8vec, RIGHTARG = int8vec, FUNCTION = int8vec_ne, COMMUTATOR = <>, NEGATOR = =,
    RESTRICT = neqsel, JOIN = neqjoinsel
);
CREATE OPERATOR < (
    LEFTARG = int8vec, RIGHTARG = int8vec, FUNCTION = int8vec_lt, COMMUTATOR = >, NEGATOR = >=,
    RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
CREATE OPERATOR <= (
    LEFTARG = int8vec, RIGHTARG = int8vec, FUNCTION = int8vec_le, COMMUTATOR = >=, NEGATOR = >,
    RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
CREATE OPERATOR > (
    LEFTARG = int8vec, RIGHTARG = int8vec, FUNCTION = int8vec_gt, COMMUTATOR = <, NEGATOR = <=,
    RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
CREATE OPERATOR >= (
    LEFTARG = int8vec, RIGHTARG = int8vec, FUNCTION = int8vec_ge, COMMUTATOR = <=, NEGATOR = <,
    RESTRICT = scalargesel, JOIN = scalargejoinsel
);
CREATE OPERATOR CLASS int8vec_ops DEFAULT FOR TYPE int8vec USING btree AS
    OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 int8vec_cmp(int8vec, int8vec),
    FUNCTION 4 (int8vec, int8vec) btequalimage(oid);
CREATE OPERATOR CLASS int8vec_ops DEFAULT FOR TYPE int8vec USING hash AS
    OPERATOR 1 =, FUNCTION 1 int8vec_hash(int8vec), FUNCTION 2 int8vec_hash(int8vec, bigint);

CREATE FUNCTION uint8vec_eq(uint8vec, uint8vec) RETURNS boolean IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE LANGUAGE internal AS 'byteaeq';
CREATE FUNCTION uint8vec_ne(uint8vec, uint8vec) RETURNS boolean IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE LANGUAGE internal AS 'byteane';
CREATE FUNCTION uint8vec_hash(uint8vec) RETURNS integer IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'hashvarlena';
CREATE FUNCTION uint8vec_hash(uint8vec, bigint) RETURNS bigint
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'hashvarlenaextended';
CREATE FUNCTION uint8vec_lt(uint8vec, uint8vec) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'uint8vec_lt_wrapper';
CREATE FUNCTION uint8vec_le(uint8vec, uint8vec) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'uint8vec_le_wrapper';
CREATE FUNCTION uint8vec_gt(uint8vec, uint8vec) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'uint8vec_gt_wrapper';
CREATE FUNCTION uint8vec_ge(uint8vec, uint8vec) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'uint8vec_ge_wrapper';
CREATE FUNCTION uint8vec_cmp(uint8vec, uint8vec) RETURNS integer
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'uint8vec_cmp_wrapper';
CREATE OPERATOR = (
    LEFTARG = uint8vec, RIGHTARG = uint8vec, FUNCTION = uint8vec_eq, COMMUTATOR = =, NEGATOR = <>,
    RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
CREATE OPERATOR <> (
    LEFTARG = uint8vec, RIGHTARG = uint8vec, FUNCTION = uint8vec_ne, COMMUTATOR = <>, NEGATOR = =,
    RESTRICT = neqsel, JOIN = neqjoinsel
);
CREATE OPERATOR < (
    LEFTARG = uint8vec, RIGHTARG = uint8vec, FUNCTION = uint8vec_lt, COMMUTATOR = >, NEGATOR = >=,
    RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
CREATE OPERATOR <= (
    LEFTARG = uint8vec, RIGHTARG = uint8vec, FUNCTION = uint8vec_le, COMMUTATOR = >=, NEGATOR = >,
    RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
CREATE OPERATOR > (
    LEFTARG = uint8vec, RIGHTARG = uint8vec, FUNCTION = uint8vec_gt, COMMUTATOR = <, NEGATOR = <=,
    RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
CREATE OPERATOR >= (
    LEFTARG = uint8vec, RIGHTARG = uint8vec, FUNCTION = uint8vec_ge, COMMUTATOR = <=, NEGATOR = <,
    RESTRICT = scalargesel, JOIN = scalargejoinsel
);
CREATE OPERATOR CLASS uint8vec_ops DEFAULT FOR TYPE uint8vec USING btree AS
    OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 uint8vec_cmp(uint8vec, uint8vec),
    FUNCTION 4 (uint8vec, uint8vec) btequalimage(oid);
CREATE OPERATOR CLASS uint8vec_ops DEFAULT FOR TYPE uint8vec USING hash AS
    OPERATOR 1 =, FUNCTION 1 uint8vec_hash(uint8vec), FUNCTION 2 uint8vec_hash(uint8vec, bigint);

CREATE FUNCTION quantized_eq(quantized, quantized) RETURNS boolean IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE LANGUAGE internal AS 'byteaeq';
CREATE FUNCTION quantized_ne(quantized, quantized) RETURNS boolean IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE LANGUAGE internal AS 'byteane';
CREATE FUNCTION quantized_hash(quantized) RETURNS integer IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'hashvarlena';
CREATE FUNCTION quantized_hash(quantized, bigint) RETURNS bigint
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE internal AS 'hashvarlenaextended';
CREATE FUNCTION quantized_lt(quantized, quantized) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_lt_wrapper';
CREATE FUNCTION quantized_le(quantized, quantized) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_le_wrapper';
CREATE FUNCTION quantized_gt(quantized, quantized) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_gt_wrapper';
CREATE FUNCTION quantized_ge(quantized, quantized) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_ge_wrapper';
CREATE FUNCTION quantized_cmp(quantized, quantized) RETURNS integer
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'quantized_cmp_wrapper';
CREATE OPERATOR = (
    LEFTARG = quantized, RIGHTARG = quantized, FUNCTION = quantized_eq, COMMUTATOR = =, NEGATOR = <>,
    RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
CREATE OPERATOR <> (
    LEFTARG = quantized, RIGHTARG = quantized, FUNCTION = quantized_ne, COMMUTATOR = <>, NEGATOR = =,
    RESTRICT = neqsel, JOIN = neqjoinsel
);
CREATE OPERATOR < (
    LEFTARG = quantized, RIGHTARG = quantized, FUNCTION = quantized_lt, COMMUTATOR = >, NEGATOR = >=,
    RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
CREATE OPERATOR <= (
    LEFTARG = quantized, RIGHTARG = quantized, FUNCTION = quantized_le, COMMUTATOR = >=, NEGATOR = >,
    RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
CREATE OPERATOR > (
    LEFTARG = quantized, RIGHTARG = quantized, FUNCTION = quantized_gt, COMMUTATOR = <, NEGATOR = <=,
    RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
CREATE OPERATOR >= (
    LEFTARG = quantized, RIGHTARG = quantized, FUNCTION = quantized_ge, COMMUTATOR = <=, NEGATOR = <,
    RESTRICT = scalargesel, JOIN = scalargejoinsel
);
CREATE OPERATOR CLASS quantized_ops DEFAULT FOR TYPE quantized USING btree AS
    OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 quantized_cmp(quantized, quantized),
    FUNCTION 4 (quantized, quantized) btequalimage(oid);
CREATE OPERATOR CLASS quantized_ops DEFAULT FOR TYPE quantized USING hash AS
    OPERATOR 1 =, FUNCTION 1 quantized_hash(quantized), FUNCTION 2 quantized_hash(quantized, bigint);
