-- qivf on pgvector's own types and operators: replace USING hnsw with USING qivf and change no query.
--
-- The script runs with the schemas of vector and pg_quantize on its search_path, so names need no schema here; what they
-- resolve to is fixed now.

CREATE FUNCTION qivf_vector_cosine() RETURNS integer IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'qivf_vector_cosine_wrapper';
CREATE FUNCTION qivf_vector_ip() RETURNS integer IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'qivf_vector_ip_wrapper';
CREATE FUNCTION qivf_vector_l2() RETURNS integer IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'qivf_vector_l2_wrapper';
CREATE FUNCTION qivf_halfvec_cosine() RETURNS integer IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'qivf_halfvec_cosine_wrapper';
CREATE FUNCTION qivf_halfvec_ip() RETURNS integer IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'qivf_halfvec_ip_wrapper';
CREATE FUNCTION qivf_halfvec_l2() RETURNS integer IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'qivf_halfvec_l2_wrapper';

-- vector: the classes' names are those of pgvector's own index methods.
CREATE OPERATOR CLASS vector_cosine_ops FOR TYPE vector USING qivf AS
    OPERATOR 1 <=> FOR ORDER BY float_ops,
    FUNCTION 1 qivf_vector_cosine();
CREATE OPERATOR CLASS vector_ip_ops FOR TYPE vector USING qivf AS
    OPERATOR 1 <#> FOR ORDER BY float_ops,
    FUNCTION 1 qivf_vector_ip();
CREATE OPERATOR CLASS vector_l2_ops DEFAULT FOR TYPE vector USING qivf AS
    OPERATOR 1 <-> FOR ORDER BY float_ops,
    FUNCTION 1 qivf_vector_l2();

-- halfvec: the classes' names are those of pgvector's own index methods.
CREATE OPERATOR CLASS halfvec_cosine_ops FOR TYPE halfvec USING qivf AS
    OPERATOR 1 <=> FOR ORDER BY float_ops,
    FUNCTION 1 qivf_halfvec_cosine();
CREATE OPERATOR CLASS halfvec_ip_ops FOR TYPE halfvec USING qivf AS
    OPERATOR 1 <#> FOR ORDER BY float_ops,
    FUNCTION 1 qivf_halfvec_ip();
CREATE OPERATOR CLASS halfvec_l2_ops DEFAULT FOR TYPE halfvec USING qivf AS
    OPERATOR 1 <-> FOR ORDER BY float_ops,
    FUNCTION 1 qivf_halfvec_l2();

-- Arrays as queries. Without these, vector <=> real[] would be taken by pg_quantize's own operator on real[], through pgvector's
-- implicit cast, past the user's index. All six element types, since with fewer a literal such as ARRAY[1,2] is ambiguous. The
-- bodies are inlined, so the plan sees pgvector's operator.
CREATE FUNCTION cosine_distance(a vector, b real[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <=> $2::vector;
CREATE OPERATOR <=> (LEFTARG = vector, RIGHTARG = real[], FUNCTION = cosine_distance);
CREATE FUNCTION negative_inner_product(a vector, b real[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <#> $2::vector;
CREATE OPERATOR <#> (LEFTARG = vector, RIGHTARG = real[], FUNCTION = negative_inner_product);
CREATE FUNCTION l2_distance(a vector, b real[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <-> $2::vector;
CREATE OPERATOR <-> (LEFTARG = vector, RIGHTARG = real[], FUNCTION = l2_distance);
CREATE FUNCTION l1_distance(a vector, b real[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <+> $2::vector;
CREATE OPERATOR <+> (LEFTARG = vector, RIGHTARG = real[], FUNCTION = l1_distance);
CREATE FUNCTION cosine_distance(a vector, b float8[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <=> $2::vector;
CREATE OPERATOR <=> (LEFTARG = vector, RIGHTARG = float8[], FUNCTION = cosine_distance);
CREATE FUNCTION negative_inner_product(a vector, b float8[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <#> $2::vector;
CREATE OPERATOR <#> (LEFTARG = vector, RIGHTARG = float8[], FUNCTION = negative_inner_product);
CREATE FUNCTION l2_distance(a vector, b float8[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <-> $2::vector;
CREATE OPERATOR <-> (LEFTARG = vector, RIGHTARG = float8[], FUNCTION = l2_distance);
CREATE FUNCTION l1_distance(a vector, b float8[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <+> $2::vector;
CREATE OPERATOR <+> (LEFTARG = vector, RIGHTARG = float8[], FUNCTION = l1_distance);
CREATE FUNCTION cosine_distance(a vector, b numeric[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <=> $2::vector;
CREATE OPERATOR <=> (LEFTARG = vector, RIGHTARG = numeric[], FUNCTION = cosine_distance);
CREATE FUNCTION negative_inner_product(a vector, b numeric[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <#> $2::vector;
CREATE OPERATOR <#> (LEFTARG = vector, RIGHTARG = numeric[], FUNCTION = negative_inner_product);
CREATE FUNCTION l2_distance(a vector, b numeric[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <-> $2::vector;
CREATE OPERATOR <-> (LEFTARG = vector, RIGHTARG = numeric[], FUNCTION = l2_distance);
CREATE FUNCTION l1_distance(a vector, b numeric[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <+> $2::vector;
CREATE OPERATOR <+> (LEFTARG = vector, RIGHTARG = numeric[], FUNCTION = l1_distance);
CREATE FUNCTION cosine_distance(a vector, b smallint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <=> $2::real[]::vector;
CREATE OPERATOR <=> (LEFTARG = vector, RIGHTARG = smallint[], FUNCTION = cosine_distance);
CREATE FUNCTION negative_inner_product(a vector, b smallint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <#> $2::real[]::vector;
CREATE OPERATOR <#> (LEFTARG = vector, RIGHTARG = smallint[], FUNCTION = negative_inner_product);
CREATE FUNCTION l2_distance(a vector, b smallint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <-> $2::real[]::vector;
CREATE OPERATOR <-> (LEFTARG = vector, RIGHTARG = smallint[], FUNCTION = l2_distance);
CREATE FUNCTION l1_distance(a vector, b smallint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <+> $2::real[]::vector;
CREATE OPERATOR <+> (LEFTARG = vector, RIGHTARG = smallint[], FUNCTION = l1_distance);
CREATE FUNCTION cosine_distance(a vector, b integer[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <=> $2::vector;
CREATE OPERATOR <=> (LEFTARG = vector, RIGHTARG = integer[], FUNCTION = cosine_distance);
CREATE FUNCTION negative_inner_product(a vector, b integer[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <#> $2::vector;
CREATE OPERATOR <#> (LEFTARG = vector, RIGHTARG = integer[], FUNCTION = negative_inner_product);
CREATE FUNCTION l2_distance(a vector, b integer[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <-> $2::vector;
CREATE OPERATOR <-> (LEFTARG = vector, RIGHTARG = integer[], FUNCTION = l2_distance);
CREATE FUNCTION l1_distance(a vector, b integer[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <+> $2::vector;
CREATE OPERATOR <+> (LEFTARG = vector, RIGHTARG = integer[], FUNCTION = l1_distance);
CREATE FUNCTION cosine_distance(a vector, b bigint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <=> $2::real[]::vector;
CREATE OPERATOR <=> (LEFTARG = vector, RIGHTARG = bigint[], FUNCTION = cosine_distance);
CREATE FUNCTION negative_inner_product(a vector, b bigint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <#> $2::real[]::vector;
CREATE OPERATOR <#> (LEFTARG = vector, RIGHTARG = bigint[], FUNCTION = negative_inner_product);
CREATE FUNCTION l2_distance(a vector, b bigint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <-> $2::real[]::vector;
CREATE OPERATOR <-> (LEFTARG = vector, RIGHTARG = bigint[], FUNCTION = l2_distance);
CREATE FUNCTION l1_distance(a vector, b bigint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <+> $2::real[]::vector;
CREATE OPERATOR <+> (LEFTARG = vector, RIGHTARG = bigint[], FUNCTION = l1_distance);
CREATE FUNCTION cosine_distance(a halfvec, b real[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <=> $2::halfvec;
CREATE OPERATOR <=> (LEFTARG = halfvec, RIGHTARG = real[], FUNCTION = cosine_distance);
CREATE FUNCTION negative_inner_product(a halfvec, b real[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <#> $2::halfvec;
CREATE OPERATOR <#> (LEFTARG = halfvec, RIGHTARG = real[], FUNCTION = negative_inner_product);
CREATE FUNCTION l2_distance(a halfvec, b real[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <-> $2::halfvec;
CREATE OPERATOR <-> (LEFTARG = halfvec, RIGHTARG = real[], FUNCTION = l2_distance);
CREATE FUNCTION l1_distance(a halfvec, b real[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <+> $2::halfvec;
CREATE OPERATOR <+> (LEFTARG = halfvec, RIGHTARG = real[], FUNCTION = l1_distance);
CREATE FUNCTION cosine_distance(a halfvec, b float8[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <=> $2::halfvec;
CREATE OPERATOR <=> (LEFTARG = halfvec, RIGHTARG = float8[], FUNCTION = cosine_distance);
CREATE FUNCTION negative_inner_product(a halfvec, b float8[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <#> $2::halfvec;
CREATE OPERATOR <#> (LEFTARG = halfvec, RIGHTARG = float8[], FUNCTION = negative_inner_product);
CREATE FUNCTION l2_distance(a halfvec, b float8[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <-> $2::halfvec;
CREATE OPERATOR <-> (LEFTARG = halfvec, RIGHTARG = float8[], FUNCTION = l2_distance);
CREATE FUNCTION l1_distance(a halfvec, b float8[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <+> $2::halfvec;
CREATE OPERATOR <+> (LEFTARG = halfvec, RIGHTARG = float8[], FUNCTION = l1_distance);
CREATE FUNCTION cosine_distance(a halfvec, b numeric[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <=> $2::halfvec;
CREATE OPERATOR <=> (LEFTARG = halfvec, RIGHTARG = numeric[], FUNCTION = cosine_distance);
CREATE FUNCTION negative_inner_product(a halfvec, b numeric[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <#> $2::halfvec;
CREATE OPERATOR <#> (LEFTARG = halfvec, RIGHTARG = numeric[], FUNCTION = negative_inner_product);
CREATE FUNCTION l2_distance(a halfvec, b numeric[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <-> $2::halfvec;
CREATE OPERATOR <-> (LEFTARG = halfvec, RIGHTARG = numeric[], FUNCTION = l2_distance);
CREATE FUNCTION l1_distance(a halfvec, b numeric[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <+> $2::halfvec;
CREATE OPERATOR <+> (LEFTARG = halfvec, RIGHTARG = numeric[], FUNCTION = l1_distance);
CREATE FUNCTION cosine_distance(a halfvec, b smallint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <=> $2::real[]::halfvec;
CREATE OPERATOR <=> (LEFTARG = halfvec, RIGHTARG = smallint[], FUNCTION = cosine_distance);
CREATE FUNCTION negative_inner_product(a halfvec, b smallint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <#> $2::real[]::halfvec;
CREATE OPERATOR <#> (LEFTARG = halfvec, RIGHTARG = smallint[], FUNCTION = negative_inner_product);
CREATE FUNCTION l2_distance(a halfvec, b smallint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <-> $2::real[]::halfvec;
CREATE OPERATOR <-> (LEFTARG = halfvec, RIGHTARG = smallint[], FUNCTION = l2_distance);
CREATE FUNCTION l1_distance(a halfvec, b smallint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <+> $2::real[]::halfvec;
CREATE OPERATOR <+> (LEFTARG = halfvec, RIGHTARG = smallint[], FUNCTION = l1_distance);
CREATE FUNCTION cosine_distance(a halfvec, b integer[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <=> $2::halfvec;
CREATE OPERATOR <=> (LEFTARG = halfvec, RIGHTARG = integer[], FUNCTION = cosine_distance);
CREATE FUNCTION negative_inner_product(a halfvec, b integer[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <#> $2::halfvec;
CREATE OPERATOR <#> (LEFTARG = halfvec, RIGHTARG = integer[], FUNCTION = negative_inner_product);
CREATE FUNCTION l2_distance(a halfvec, b integer[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <-> $2::halfvec;
CREATE OPERATOR <-> (LEFTARG = halfvec, RIGHTARG = integer[], FUNCTION = l2_distance);
CREATE FUNCTION l1_distance(a halfvec, b integer[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <+> $2::halfvec;
CREATE OPERATOR <+> (LEFTARG = halfvec, RIGHTARG = integer[], FUNCTION = l1_distance);
CREATE FUNCTION cosine_distance(a halfvec, b bigint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <=> $2::real[]::halfvec;
CREATE OPERATOR <=> (LEFTARG = halfvec, RIGHTARG = bigint[], FUNCTION = cosine_distance);
CREATE FUNCTION negative_inner_product(a halfvec, b bigint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <#> $2::real[]::halfvec;
CREATE OPERATOR <#> (LEFTARG = halfvec, RIGHTARG = bigint[], FUNCTION = negative_inner_product);
CREATE FUNCTION l2_distance(a halfvec, b bigint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <-> $2::real[]::halfvec;
CREATE OPERATOR <-> (LEFTARG = halfvec, RIGHTARG = bigint[], FUNCTION = l2_distance);
CREATE FUNCTION l1_distance(a halfvec, b bigint[]) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 <+> $2::real[]::halfvec;
CREATE OPERATOR <+> (LEFTARG = halfvec, RIGHTARG = bigint[], FUNCTION = l1_distance);
