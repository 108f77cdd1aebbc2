-- Distance operators, symbols as in pgvector: <~> Hamming, <%> Jaccard, <#> negative inner product, <=> cosine distance,
-- <-> L2, <+> L1. Smaller is nearer.

CREATE OPERATOR <~> (LEFTARG = binvec, RIGHTARG = binvec, FUNCTION = hamming_distance, COMMUTATOR = <~>);
CREATE OPERATOR <%> (LEFTARG = binvec, RIGHTARG = binvec, FUNCTION = jaccard_distance, COMMUTATOR = <%>);
CREATE OPERATOR <#> (LEFTARG = binvec, RIGHTARG = real[], FUNCTION = negative_inner_product, COMMUTATOR = <#>);
CREATE OPERATOR <=> (LEFTARG = binvec, RIGHTARG = real[], FUNCTION = cosine_distance, COMMUTATOR = <=>);
CREATE OPERATOR <#> (LEFTARG = real[], RIGHTARG = binvec, FUNCTION = negative_inner_product, COMMUTATOR = <#>);
CREATE OPERATOR <=> (LEFTARG = real[], RIGHTARG = binvec, FUNCTION = cosine_distance, COMMUTATOR = <=>);

CREATE OPERATOR <#> (LEFTARG = int8vec, RIGHTARG = int8vec, FUNCTION = negative_inner_product, COMMUTATOR = <#>);
CREATE OPERATOR <=> (LEFTARG = int8vec, RIGHTARG = int8vec, FUNCTION = cosine_distance, COMMUTATOR = <=>);
CREATE OPERATOR <-> (LEFTARG = int8vec, RIGHTARG = int8vec, FUNCTION = l2_distance, COMMUTATOR = <->);
CREATE OPERATOR <+> (LEFTARG = int8vec, RIGHTARG = int8vec, FUNCTION = l1_distance, COMMUTATOR = <+>);
CREATE OPERATOR <#> (LEFTARG = int8vec, RIGHTARG = real[], FUNCTION = negative_inner_product, COMMUTATOR = <#>);
CREATE OPERATOR <=> (LEFTARG = int8vec, RIGHTARG = real[], FUNCTION = cosine_distance, COMMUTATOR = <=>);
CREATE OPERATOR <#> (LEFTARG = real[], RIGHTARG = int8vec, FUNCTION = negative_inner_product, COMMUTATOR = <#>);
CREATE OPERATOR <=> (LEFTARG = real[], RIGHTARG = int8vec, FUNCTION = cosine_distance, COMMUTATOR = <=>);

CREATE OPERATOR <#> (LEFTARG = uint8vec, RIGHTARG = uint8vec, FUNCTION = negative_inner_product, COMMUTATOR = <#>);
CREATE OPERATOR <=> (LEFTARG = uint8vec, RIGHTARG = uint8vec, FUNCTION = cosine_distance, COMMUTATOR = <=>);
CREATE OPERATOR <-> (LEFTARG = uint8vec, RIGHTARG = uint8vec, FUNCTION = l2_distance, COMMUTATOR = <->);
CREATE OPERATOR <+> (LEFTARG = uint8vec, RIGHTARG = uint8vec, FUNCTION = l1_distance, COMMUTATOR = <+>);
CREATE OPERATOR <#> (LEFTARG = uint8vec, RIGHTARG = real[], FUNCTION = negative_inner_product, COMMUTATOR = <#>);
CREATE OPERATOR <=> (LEFTARG = uint8vec, RIGHTARG = real[], FUNCTION = cosine_distance, COMMUTATOR = <=>);
CREATE OPERATOR <#> (LEFTARG = real[], RIGHTARG = uint8vec, FUNCTION = negative_inner_product, COMMUTATOR = <#>);
CREATE OPERATOR <=> (LEFTARG = real[], RIGHTARG = uint8vec, FUNCTION = cosine_distance, COMMUTATOR = <=>);

CREATE OPERATOR <#> (LEFTARG = real[], RIGHTARG = real[], FUNCTION = negative_inner_product, COMMUTATOR = <#>);
CREATE OPERATOR <=> (LEFTARG = real[], RIGHTARG = real[], FUNCTION = cosine_distance, COMMUTATOR = <=>);
CREATE OPERATOR <-> (LEFTARG = real[], RIGHTARG = real[], FUNCTION = l2_distance, COMMUTATOR = <->);
CREATE OPERATOR <+> (LEFTARG = real[], RIGHTARG = real[], FUNCTION = l1_distance, COMMUTATOR = <+>);

CREATE OPERATOR <~> (LEFTARG = quantized, RIGHTARG = quantized, FUNCTION = hamming_distance, COMMUTATOR = <~>);
CREATE OPERATOR <%> (LEFTARG = quantized, RIGHTARG = quantized, FUNCTION = jaccard_distance, COMMUTATOR = <%>);
CREATE OPERATOR <#> (LEFTARG = quantized, RIGHTARG = quantized, FUNCTION = negative_inner_product, COMMUTATOR = <#>);
CREATE OPERATOR <=> (LEFTARG = quantized, RIGHTARG = quantized, FUNCTION = cosine_distance, COMMUTATOR = <=>);
CREATE OPERATOR <-> (LEFTARG = quantized, RIGHTARG = quantized, FUNCTION = l2_distance, COMMUTATOR = <->);
CREATE OPERATOR <+> (LEFTARG = quantized, RIGHTARG = quantized, FUNCTION = l1_distance, COMMUTATOR = <+>);
CREATE OPERATOR <#> (LEFTARG = quantized, RIGHTARG = real[], FUNCTION = negative_inner_product, COMMUTATOR = <#>);
CREATE OPERATOR <=> (LEFTARG = quantized, RIGHTARG = real[], FUNCTION = cosine_distance, COMMUTATOR = <=>);
CREATE OPERATOR <#> (LEFTARG = real[], RIGHTARG = quantized, FUNCTION = negative_inner_product, COMMUTATOR = <#>);
CREATE OPERATOR <=> (LEFTARG = real[], RIGHTARG = quantized, FUNCTION = cosine_distance, COMMUTATOR = <=>);

-- real[] with the other numeric arrays that clients send (psycopg sends float8[]). All five, since with fewer a literal
-- such as ARRAY[1,2] is ambiguous. SQL bodies are inlined: the plan, and an index, sees the operator of real[].
-- They have no commutator: the array of another type is always the query. The functions have names of their own, since
-- overloads of cosine_distance and the like would make an untyped argument there ambiguous.
CREATE FUNCTION quantize.real_array_negative_inner_product(a real[], b float8[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 OPERATOR(@extschema@.<#>) $2::real[];
CREATE OPERATOR <#> (LEFTARG = real[], RIGHTARG = float8[], FUNCTION = quantize.real_array_negative_inner_product);
CREATE FUNCTION quantize.real_array_cosine_distance(a real[], b float8[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 OPERATOR(@extschema@.<=>) $2::real[];
CREATE OPERATOR <=> (LEFTARG = real[], RIGHTARG = float8[], FUNCTION = quantize.real_array_cosine_distance);
CREATE FUNCTION quantize.real_array_l2_distance(a real[], b float8[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 OPERATOR(@extschema@.<->) $2::real[];
CREATE OPERATOR <-> (LEFTARG = real[], RIGHTARG = float8[], FUNCTION = quantize.real_array_l2_distance);
CREATE FUNCTION quantize.real_array_l1_distance(a real[], b float8[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 OPERATOR(@extschema@.<+>) $2::real[];
CREATE OPERATOR <+> (LEFTARG = real[], RIGHTARG = float8[], FUNCTION = quantize.real_array_l1_distance);
CREATE FUNCTION quantize.real_array_negative_inner_product(a real[], b numeric[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 OPERATOR(@extschema@.<#>) $2::real[];
CREATE OPERATOR <#> (LEFTARG = real[], RIGHTARG = numeric[], FUNCTION = quantize.real_array_negative_inner_product);
CREATE FUNCTION quantize.real_array_cosine_distance(a real[], b numeric[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 OPERATOR(@extschema@.<=>) $2::real[];
CREATE OPERATOR <=> (LEFTARG = real[], RIGHTARG = numeric[], FUNCTION = quantize.real_array_cosine_distance);
CREATE FUNCTION quantize.real_array_l2_distance(a real[], b numeric[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 OPERATOR(@extschema@.<->) $2::real[];
CREATE OPERATOR <-> (LEFTARG = real[], RIGHTARG = numeric[], FUNCTION = quantize.real_array_l2_distance);
CREATE FUNCTION quantize.real_array_l1_distance(a real[], b numeric[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 OPERATOR(@extschema@.<+>) $2::real[];
CREATE OPERATOR <+> (LEFTARG = real[], RIGHTARG = numeric[], FUNCTION = quantize.real_array_l1_distance);
CREATE FUNCTION quantize.real_array_negative_inner_product(a real[], b smallint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 OPERATOR(@extschema@.<#>) $2::real[];
CREATE OPERATOR <#> (LEFTARG = real[], RIGHTARG = smallint[], FUNCTION = quantize.real_array_negative_inner_product);
CREATE FUNCTION quantize.real_array_cosine_distance(a real[], b smallint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 OPERATOR(@extschema@.<=>) $2::real[];
CREATE OPERATOR <=> (LEFTARG = real[], RIGHTARG = smallint[], FUNCTION = quantize.real_array_cosine_distance);
CREATE FUNCTION quantize.real_array_l2_distance(a real[], b smallint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 OPERATOR(@extschema@.<->) $2::real[];
CREATE OPERATOR <-> (LEFTARG = real[], RIGHTARG = smallint[], FUNCTION = quantize.real_array_l2_distance);
CREATE FUNCTION quantize.real_array_l1_distance(a real[], b smallint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 OPERATOR(@extschema@.<+>) $2::real[];
CREATE OPERATOR <+> (LEFTARG = real[], RIGHTARG = smallint[], FUNCTION = quantize.real_array_l1_distance);
CREATE FUNCTION quantize.real_array_negative_inner_product(a real[], b integer[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 OPERATOR(@extschema@.<#>) $2::real[];
CREATE OPERATOR <#> (LEFTARG = real[], RIGHTARG = integer[], FUNCTION = quantize.real_array_negative_inner_product);
CREATE FUNCTION quantize.real_array_cosine_distance(a real[], b integer[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 OPERATOR(@extschema@.<=>) $2::real[];
CREATE OPERATOR <=> (LEFTARG = real[], RIGHTARG = integer[], FUNCTION = quantize.real_array_cosine_distance);
CREATE FUNCTION quantize.real_array_l2_distance(a real[], b integer[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 OPERATOR(@extschema@.<->) $2::real[];
CREATE OPERATOR <-> (LEFTARG = real[], RIGHTARG = integer[], FUNCTION = quantize.real_array_l2_distance);
CREATE FUNCTION quantize.real_array_l1_distance(a real[], b integer[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 OPERATOR(@extschema@.<+>) $2::real[];
CREATE OPERATOR <+> (LEFTARG = real[], RIGHTARG = integer[], FUNCTION = quantize.real_array_l1_distance);
CREATE FUNCTION quantize.real_array_negative_inner_product(a real[], b bigint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 OPERATOR(@extschema@.<#>) $2::real[];
CREATE OPERATOR <#> (LEFTARG = real[], RIGHTARG = bigint[], FUNCTION = quantize.real_array_negative_inner_product);
CREATE FUNCTION quantize.real_array_cosine_distance(a real[], b bigint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 OPERATOR(@extschema@.<=>) $2::real[];
CREATE OPERATOR <=> (LEFTARG = real[], RIGHTARG = bigint[], FUNCTION = quantize.real_array_cosine_distance);
CREATE FUNCTION quantize.real_array_l2_distance(a real[], b bigint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 OPERATOR(@extschema@.<->) $2::real[];
CREATE OPERATOR <-> (LEFTARG = real[], RIGHTARG = bigint[], FUNCTION = quantize.real_array_l2_distance);
CREATE FUNCTION quantize.real_array_l1_distance(a real[], b bigint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 OPERATOR(@extschema@.<+>) $2::real[];
CREATE OPERATOR <+> (LEFTARG = real[], RIGHTARG = bigint[], FUNCTION = quantize.real_array_l1_distance);
