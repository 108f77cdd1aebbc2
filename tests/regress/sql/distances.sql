-- Distances by name and by operator; smaller is nearer.
SELECT hamming_distance('0110'::binvec, '1010'), '0110'::binvec <~> '1010', jaccard_distance('0110'::binvec, '1010'), '0110'::binvec <%> '1010';
SELECT '00'::binvec <%> '00' AS no_common_bit, '01'::binvec <%> '10' AS disjoint, '11'::binvec <%> '11' AS equal;
SELECT inner_product('[1,-2,3]'::int8vec, '[4,5,-6]'), '[1,-2,3]'::int8vec <#> '[4,5,-6]', '[3,4]'::int8vec <-> '[0,0]', '[3,-4]'::int8vec <+> '[-1,1]', '[3,4]'::int8vec <=> '[6,8]';
SELECT inner_product('[1,2]'::uint8vec, '[255,5]'), '[1,2]'::uint8vec <#> '[255,5]', '[3,4]'::uint8vec <-> '[0,0]', '[0,255]'::uint8vec <+> '[255,0]', '[1,0]'::uint8vec <=> '[0,1]';
SELECT inner_product('{1,2}'::real[], '{3,4}'), '{1,2}'::real[] <#> '{3,4}', '{3,4}'::real[] <-> '{0,0}', '{1,2}'::real[] <+> '{3,5}', '{1,0}'::real[] <=> '{-2,0}';
SELECT l2_distance('{0}'::real[], '{2}'), l1_distance('[1]'::int8vec, '[-1]'), cosine_distance('{1,1}'::real[], '{2,2}'), negative_inner_product('{1,2}'::real[], '{3,4}');
-- Extremes do not overflow.
SELECT v <#> v AS ip, v <-> w AS l2, v <+> w AS l1, v <=> w AS cosine FROM (SELECT array_fill(-128, ARRAY[65535])::int8vec AS v, array_fill(127, ARRAY[65535])::int8vec AS w) AS x;
SELECT v <#> v AS ip, v <-> w AS l2, v <+> w AS l1 FROM (SELECT array_fill(255, ARRAY[65535])::uint8vec AS v, array_fill(0, ARRAY[65535])::uint8vec AS w) AS x;
SELECT repeat('1', 65535)::binvec <~> repeat('0', 65535)::binvec AS hamming, '{3e38,3e38}'::real[] <#> '{3e38,3e38}' AS ip, '{1e-30,1e-30}'::real[] <-> '{0,0}' AS l2;
-- The cosine distance of a vector without a direction is infinite: last by distance, and last by score.
SELECT '{0,0}'::real[] <=> '{1,2}', '[0,0]'::int8vec <=> '[1,2]', '[0]'::uint8vec <=> '{1}'::real[], '01'::binvec <=> '{0,0}'::real[];
SELECT '{NaN,1}'::real[] <=> '{1,2}' AS not_a_number, cosine_distance('[0]'::int8vec, '[0]'), cosine_distance('{0}'::real[], '{0}');
SELECT id, 1 - (e <=> '{1,0}') AS score FROM (VALUES (1, '{1,0}'::real[]), (2, '{0,0}'), (3, '{-1,0}')) AS t(id, e) ORDER BY score DESC;
-- Rounding does not leave 0…2.
SELECT count(*) FROM generate_series(1, 2000) AS n, LATERAL (SELECT ARRAY[sin(n), cos(n), n % 7, 0.1]::real[] AS v) AS x
WHERE (v <=> v) NOT BETWEEN 0 AND 1e-12 OR (v <=> (SELECT array_agg(-a) FROM unnest(v) AS a)) > 2;
SELECT hamming_distance(NULL, '01'::binvec) IS NULL, '[1]'::int8vec <#> NULL IS NULL, NULL::real[] <=> '{1}'::real[] IS NULL;

-- Against the definitions in SQL, on many lengths (whole registers of every width, and what is left over).
CREATE TABLE p AS SELECT d, array_agg((i * 37 + d * 11) % 256 - 128 ORDER BY i) AS a, array_agg((i * 101 + d * 7) % 256 - 128 ORDER BY i) AS b
FROM generate_series(1, 140) AS d, generate_series(1, d) AS i GROUP BY d;
CREATE FUNCTION defined(a int[], b int[], OUT ip float8, OUT l2 float8, OUT l1 float8, OUT cosine float8, OUT hamming bigint, OUT jaccard float8) LANGUAGE sql AS $$
    SELECT sum(x * y), sqrt(sum((x - y) ^ 2)), sum(abs(x - y)), 1 - sum(x * y) / sqrt(sum(x * x)::float8 * sum(y * y)), count(*) FILTER (WHERE (x > 0) <> (y > 0)),
        coalesce(1 - count(*) FILTER (WHERE x > 0 AND y > 0) / nullif(count(*) FILTER (WHERE x > 0 OR y > 0), 0)::float8, 1)
    FROM unnest(a, b) AS u(x, y) $$;
SELECT count(*) AS lengths,
    bool_and(inner_product(a::int8vec, b::int8vec) = ip AND -(a::int8vec <#> b::int8vec) = ip) AS int8_ip,
    bool_and((a::int8vec <-> b::int8vec) = l2) AS int8_l2, bool_and((a::int8vec <+> b::int8vec) = l1) AS int8_l1,
    bool_and(abs((a::int8vec <=> b::int8vec) - cosine) < 1e-12) AS int8_cosine,
    bool_and((a::real[] <#> b::real[]) = -ip AND (a::real[] <-> b::real[]) = l2 AND (a::real[] <+> b::real[]) = l1) AS float,
    bool_and(abs((a::real[] <=> b::real[]) - cosine) < 1e-12) AS float_cosine,
    bool_and((quantize_binary(a) <~> quantize_binary(b)) = hamming) AS hamming,
    bool_and(abs((quantize_binary(a) <%> quantize_binary(b)) - jaccard) < 1e-12) AS jaccard
FROM p, defined(a, b);
SELECT bool_and(inner_product(ua, ub) = ip AND (ua <-> ub) = l2 AND (ua <+> ub) = l1 AND abs((ua <=> ub) - cosine) < 1e-12) AS uint8
FROM (SELECT (SELECT array_agg(x + 128) FROM unnest(a) AS x) AS a, (SELECT array_agg(x + 128) FROM unnest(b) AS x) AS b FROM p) AS s,
    defined(a, b), LATERAL (SELECT a::uint8vec AS ua, b::uint8vec AS ub) AS u;

-- quantized with itself, of the same precision; and with a typed vector.
SELECT x <#> y AS ip, x <=> x AS cosine, x <-> y AS l2, x <+> y AS l1
FROM (VALUES ('int8[1,-2]'::quantized, 'int8[3,4]'::quantized), ('uint8[1,2]', 'uint8[3,4]'), ('float32[1,2]', 'float32[3,4]')) AS t(x, y);
SELECT x <~> y, x <%> y FROM (VALUES ('binary[0110]'::quantized, 'binary[1010]'::quantized), ('ubinary[0110]', 'ubinary[1010]')) AS t(x, y);
SELECT '0110'::binvec <~> quantize_embeddings('{1,-1,1,-1}', 'binary') AS a, quantize_embeddings('{1,-1,1,-1}', 'binary') <~> '0110'::binvec AS b,
    '[1,2]'::int8vec <#> 'int8[3,4]'::quantized AS c, 'uint8[3,4]'::quantized <-> '[3,4]'::uint8vec AS d;
SELECT 'int8[1]'::quantized <#> 'uint8[1]'::quantized;
SELECT 'int8[1]'::quantized <~> 'int8[1]'::quantized;
SELECT 'binary[1]'::quantized <=> 'binary[1]'::quantized;
SELECT 'int8[1]'::quantized <-> 'int8[1,2]'::quantized;
SELECT '[1,2]'::int8vec <#> 'uint8[3,4]'::quantized;

-- Arrays of other types on the right of real[], as clients send them: all find their operator, literals too.
SELECT v <-> ARRAY[1, 2], v <-> ARRAY[1.5, 2], v <-> ARRAY[1, 2]::float8[], v <-> ARRAY[1, 2]::smallint[], v <-> ARRAY[1, 2]::bigint[], v <-> '{1,2}', v <-> ARRAY[1, 2]::numeric[]
FROM (VALUES ('{1,2}'::real[])) AS t(v);
SELECT v <#> ARRAY[1, 2], v <=> ARRAY[1.5, 3]::float8[], v <+> ARRAY[1, 2]::bigint[], cosine_distance(v, ARRAY[1, 2]::float8[]::real[]), inner_product(v, ARRAY[1, 2])
FROM (VALUES ('{1,2}'::real[])) AS t(v);
EXPLAIN (COSTS OFF, VERBOSE) SELECT embedding FROM (SELECT '{1,2}'::real[] AS embedding OFFSET 0) AS t ORDER BY embedding <=> ARRAY[1, 2]::float8[];

-- By name an untyped argument takes the type of the other; float8[] needs a cast.
SELECT l2_distance('{0}'::real[], '{2}'), cosine_distance('{1,0}', '{0,1}'::real[]), inner_product('[1,2]'::int8vec, '[3,4]');
SELECT l2_distance('{0}'::real[], ARRAY[2]::float8[]);

-- Other dimensions, and types that do not go together.
SELECT '01'::binvec <~> '011';
SELECT '[1]'::int8vec <#> '[1,2]';
SELECT '[1]'::uint8vec <=> '[1,2]';
SELECT '{1}'::real[] <-> '{1,2}';
SELECT '[1]'::int8vec <#> '[1]'::uint8vec;
SELECT '01'::binvec <-> '01'::binvec;
