-- A float query against stored codes, on either side.
SELECT '0110'::binvec <#> '{1,2,3,4}'::real[] AS negative_ip, '{1,2,3,4}'::real[] <#> '0110'::binvec AS left_side, inner_product('0110'::binvec, '{1,2,3,4}'::real[]) AS ip;
SELECT '01'::binvec <=> '{-1,1}'::real[] AS same_direction, '{1,-1}'::real[] <=> '01'::binvec AS opposite;
SELECT '[1,-2]'::int8vec <#> '{0.5,0.25}'::real[], '{0.5,0.25}'::real[] <#> '[1,-2]'::int8vec, '[3,4]'::int8vec <=> '{0.3,0.4}'::real[], '{-3,-4}'::real[] <=> '[3,4]'::int8vec;
SELECT '[1,200]'::uint8vec <#> '{0.5,0.25}'::real[], '{0.5,0.25}'::real[] <#> '[1,200]'::uint8vec, '[3,4]'::uint8vec <=> '{0.3,0.4}'::real[], cosine_distance('{3,4}'::real[], '[3,4]'::uint8vec);
-- An untyped query takes the type of the other side where that has an operator with itself; binvec <#> has none.
SELECT '[1,2]'::int8vec <#> '[3,4]' AS codes, '01'::binvec <#> '{1,2}' AS floats;
SELECT '[1,2]'::int8vec <#> '{3,4}';

-- The same as dequantizing first: every length, bits and codes.
CREATE TABLE p AS SELECT d, array_agg(sin(i * d)::real ORDER BY i) AS query, array_agg((i * 101 + d * 7) % 256 - 128 ORDER BY i) AS codes
FROM generate_series(1, 140) AS d, generate_series(1, d) AS i GROUP BY d;
SELECT count(*) AS lengths, max(abs((b <#> query) - (dequantize_embeddings(b) <#> query))) < 1e-5 AS binary_ip,
    max(abs((b <=> query) - (dequantize_embeddings(b) <=> query))) < 1e-6 AS binary_cosine,
    max(abs((i <#> query) - (i::int[]::real[] <#> query))) < 1e-9 AS int8_ip, max(abs((i <=> query) - (i::int[]::real[] <=> query))) < 1e-12 AS int8_cosine,
    bool_and((b <#> query) = (query <#> b) AND (i <#> query) = (query <#> i) AND (b <=> query) = (query <=> b) AND (i <=> query) = (query <=> i)) AS symmetric
FROM p, LATERAL (SELECT quantize_binary(codes) AS b, codes::int8vec AS i) AS v;
SELECT max(abs((u <#> query) - (u::int[]::real[] <#> query))) < 1e-9 AS uint8_ip, max(abs((u <=> query) - (u::int[]::real[] <=> query))) < 1e-12 AS uint8_cosine,
    bool_and((u <#> query) = (query <#> u)) AS symmetric
FROM p, LATERAL (SELECT (SELECT array_agg(x + 128) FROM unnest(codes) AS x)::uint8vec AS u) AS v;

-- What is prepared from the query is kept while it stays the same, and made again when it changes within one call site.
CREATE TABLE codes AS SELECT n AS id, quantize_binary(ARRAY[n % 2 - 0.5, n % 3 - 1, 1]) AS b, ARRAY[n % 5, -n]::int8vec AS i FROM generate_series(1, 6) AS n;
CREATE TABLE queries (no int, q3 real[], q2 real[]);
INSERT INTO queries VALUES (1, '{1,2,3}', '{1,0}'), (2, '{-1,-2,-3}', '{0,1}'), (3, '{1,2,3}', '{2,1}');
SELECT no, array_agg(b <#> q3 ORDER BY id) AS negative_ip, array_agg(round((b <=> q3)::numeric, 3) ORDER BY id) AS cosine, array_agg(i <#> q2 ORDER BY id) AS codes
FROM codes, queries GROUP BY no ORDER BY no;
SELECT id, b <#> CASE id % 3 WHEN 0 THEN '{1,2,3}' WHEN 1 THEN '{0,0,1}' ELSE '{1,0,0}' END::real[] AS alternating FROM codes ORDER BY id;
SELECT id FROM codes ORDER BY b <#> '{0.1,1,-1}'::real[], id LIMIT 3;
SELECT id FROM codes ORDER BY i <=> '{1,-1}'::real[], id LIMIT 3;
-- A call site whose query is NULL at times, or of another length.
SELECT id, b <#> CASE WHEN id > 3 THEN '{1,1,1}'::real[] END AS d FROM codes ORDER BY id;
SELECT b <#> ARRAY[1, 2, 3, 4]::real[] FROM codes;
SELECT '[1]'::int8vec <#> '{1,2}'::real[];
SELECT '{1,2}'::real[] <=> '[1]'::uint8vec;
SELECT '01'::binvec <#> '{}'::real[];
SELECT '01'::binvec <#> '{1,NULL}'::real[];
SELECT '[1,2]'::int8vec <#> '{{1,2}}'::real[];

-- quantized with floats: as the type of its precision, on either side, the precision changing from row to row.
SELECT precision, (q <#> query) = expected_ip AND (query <#> q) = expected_ip AND inner_product(q, query) = -expected_ip AND inner_product(query, q) = -expected_ip
    AND negative_inner_product(q, query) = expected_ip AND negative_inner_product(query, q) = expected_ip AS ip,
    (q <=> query) = expected_cosine AND (query <=> q) = expected_cosine AND cosine_distance(q, query) = expected_cosine AND cosine_distance(query, q) = expected_cosine AS cosine
FROM (SELECT '{0.5,-0.25,2,1,-1,0,3,7,9}'::real[] AS query, '[1,-2,3,-4,5,-6,7,-8,9]'::int8vec AS i, '[1,2,3,4,5,6,7,8,255]'::uint8vec AS u, '011010011'::binvec AS b,
        '{1,-2,3.5,-4,5,-6,7,-8,9}'::real[] AS f) AS v,
    LATERAL (VALUES ('int8', i::quantized, i <#> query, i <=> query), ('uint8', u::quantized, u <#> query, u <=> query), ('binary', b::quantized, b <#> query, b <=> query),
        ('float32', quantize_embeddings(f, 'float32'), f <#> query, f <=> query)) AS t(precision, q, expected_ip, expected_cosine) ORDER BY 1;
SELECT 'int8[1,2]'::quantized <#> ARRAY[x, 1]::real[] AS changing FROM generate_series(1, 3) AS x;
SELECT 'int8[1,2]'::quantized <#> 'int8[3,4]' AS codes, 'int8[0,0]'::quantized <=> '{1,2}'::real[] AS zero;
SELECT 'binary[01]'::quantized <#> '{1,2,3}'::real[];
SELECT 'int8[1]'::quantized <-> '{1}'::real[];
