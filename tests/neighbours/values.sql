-- Values of pgvector's types: text, casts, arithmetic, order, distances, aggregates. What psql prints of this file, errors included,
-- is the same with pgvector alone as beside our extensions.

-- Text.
SELECT '[0.5,-2,1e3]'::vector, '[0.5,-2,1e3]'::halfvec, '{2:0.5,7:-2}/9'::sparsevec;
SELECT '  [ 4 , 5 ]'::vector, ' [6.,7.]  '::halfvec, ' { 3 : 1 } / 4 '::sparsevec;
SELECT '[2.718281828]'::vector, '[2.718281828]'::halfvec, '{1:2.718281828}/1'::sparsevec;
SELECT '[3e38,-3e38]'::vector, '[65504,-65504]'::halfvec, '{1:3e38}/2'::sparsevec;
SELECT '[x]'::vector;
SELECT '[x]'::halfvec;
SELECT '{1:x}/1'::sparsevec;
SELECT '[nan]'::vector;
SELECT '[inf]'::halfvec;
SELECT '{1:-inf}/1'::sparsevec;
SELECT '[5e38]'::vector;
SELECT '[70000]'::halfvec;
SELECT '{1:5e38}/1'::sparsevec;
SELECT '[7,8'::vector;
SELECT '[7,8]]'::halfvec;
SELECT '7,8'::vector;
SELECT '[]'::vector;
SELECT '[,]'::halfvec;
SELECT '[7,]'::vector;
SELECT ''::vector;
SELECT ''::sparsevec;
SELECT '{}'::sparsevec;
SELECT '{}/0'::sparsevec;
SELECT '{0:1}/3'::sparsevec;
SELECT '{4:1}/3'::sparsevec;
SELECT '{2:1,2:3}/3'::sparsevec;
SELECT '[7,8]'::vector(2), '[7,8]'::halfvec(2), '{1:7}/2'::sparsevec(2);
SELECT '[7,8]'::vector(5);
SELECT '[7,8]'::halfvec(1);
SELECT '{1:7}/2'::sparsevec(3);
SELECT '[7,8]'::vector(0);
SELECT '[7,8]'::halfvec(20000);
SELECT '[7,8]'::vector('two');
SELECT '{"[1,9]","[9,1]"}'::vector[], unnest('{"[1,9]","[9,1]"}'::halfvec[]);

-- Casts, each way.
SELECT ARRAY[4,5,6]::vector, ARRAY[4,5,6]::halfvec, ARRAY[4,0,6]::sparsevec;
SELECT ARRAY[4.5,5.5]::vector, ARRAY[4.5,5.5]::halfvec, ARRAY[4.5,0.0]::sparsevec;
SELECT '{4,5}'::real[]::vector(2), '{4,5}'::float8[]::halfvec(2), '{4,5}'::numeric[]::sparsevec(2);
SELECT '{4,5}'::real[]::vector(3);
SELECT '{4,NULL}'::real[]::vector;
SELECT '{4,NaN}'::real[]::halfvec;
SELECT '{{4},{5}}'::integer[]::vector;
SELECT '{}'::real[]::sparsevec;
SELECT '{9e38}'::float8[]::vector;
SELECT '[4,5]'::vector::real[], '[4,5]'::halfvec::real[];
SELECT '[4,5]'::vector::halfvec, '[4,5]'::halfvec::vector, '[4,0,5]'::vector::sparsevec, '[4,0,5]'::halfvec::sparsevec;
SELECT '{1:4,3:5}/3'::sparsevec::vector, '{1:4,3:5}/3'::sparsevec::halfvec;
SELECT '[70000]'::vector::halfvec;
SELECT '{1:70000}/1'::sparsevec::halfvec;
SELECT '[4,5]'::vector::halfvec(3);
SELECT '{}/17000'::sparsevec::vector;
SELECT array_agg(n)::vector FROM generate_series(1, 17000) AS n;
SELECT array_to_vector('{4,5}'::real[], 2, true), vector_to_float4('[4,5]', 2, true);
SELECT ARRAY[4,5,6] = ARRAY[4,5,6], ARRAY[4,5.5] <> '{4,5}', '{4,5}'::real[] || 6::real, 5 = ANY ('{4,5}'::real[]);

-- Arithmetic and order.
SELECT '[1,5]'::vector + '[2,2]', '[1,5]'::vector - '[2,2]', '[1,5]'::vector * '[2,2]', '[1,5]'::vector || '[2]';
SELECT '[1,5]'::halfvec + '[2,2]', '[1,5]'::halfvec - '[2,2]', '[1,5]'::halfvec * '[2,2]', '[1,5]'::halfvec || '[2]';
SELECT '[3e38]'::vector + '[2e38]';
SELECT '[60000]'::halfvec + '[60000]';
SELECT '[1e-30]'::vector * '[1e-30]';
SELECT '[1,5]'::vector - '[2]';
SELECT '[1,5]'::halfvec * '[2]';
SELECT '[1,5]'::vector < '[1,6]', '[1,5]'::vector <= '[1,5]', '[1,5]'::vector = '[1,5]', '[1,5]'::vector <> '[1,5]', '[1,5]'::vector >= '[1]', '[1,5]'::vector > '[2]';
SELECT '[1,5]'::halfvec < '[1,6]', '[1,5]'::halfvec <= '[1,5]', '[1,5]'::halfvec = '[1,5]', '[1,5]'::halfvec <> '[1,5]', '[1,5]'::halfvec >= '[1]', '[1,5]'::halfvec > '[2]';
SELECT '{1:5}/3'::sparsevec < '{1:6}/3', '{1:5}/3'::sparsevec <= '{1:5}/3', '{1:5}/3'::sparsevec = '{1:5}/3', '{1:5}/3'::sparsevec != '{1:5}/4', '{1:5}/3'::sparsevec >= '{}/3', '{1:5}/3'::sparsevec > '{1:5}/2';
SELECT vector_cmp('[1,5]', '[1,6]'), vector_cmp('[1,5]', '[1]'), halfvec_cmp('[1,5]', '[1,5]'), sparsevec_cmp('{1:5}/3', '{2:5}/3');
SELECT '[1,5]'::vector IN ('[1,5]', '[2,5]'), '[1,5]'::vector = ANY ('{"[1,5]"}'), '[1,5]'::halfvec IS DISTINCT FROM '[1,5]', NULLIF('[1,5]'::vector, '[1,5]');
SELECT '[1,5]'::vector BETWEEN '[1,4]' AND '[1,6]', greatest('[1,5]'::vector, '[1,6]'), coalesce(NULL, '[1,5]'::halfvec), CASE WHEN true THEN '[1,5]'::vector ELSE '[0]' END;

-- Distances by name: two literals of one type, literals beside a value, and values of two types.
SELECT l2_distance('[1,1]'::vector, '[4,5]'), l2_distance('[1,1]'::halfvec, '[4,5]'), l2_distance('{1:1}/2'::sparsevec, '{1:4,2:4}/2');
SELECT inner_product('[1,2]'::vector, '[5,7]'), inner_product('[1,2]'::halfvec, '[5,7]'), inner_product('{2:2}/2'::sparsevec, '{1:5,2:7}/2');
SELECT cosine_distance('[0,2]'::vector, '[0,9]'), cosine_distance('[0,2]'::halfvec, '[9,0]'), cosine_distance('{2:2}/2'::sparsevec, '{2:-7}/2');
SELECT l1_distance('[1,1]'::vector, '[4,5]'), l1_distance('[1,1]'::halfvec, '[4,5]'), l1_distance('{1:1}/2'::sparsevec, '{1:4,2:4}/2');
SELECT cosine_distance('[0,0]'::vector, '[1,1]'), cosine_distance('[0,0]'::halfvec, '[1,1]'), cosine_distance('{}/2'::sparsevec, '{}/2');
SELECT l2_distance('[3e38]'::vector, '[-3e38]'), inner_product('[3e38]'::vector, '[3e38]'), l1_distance('[3e38]'::vector, '[-3e38]'), cosine_distance('[3e38]'::vector, '[3e38]');
SELECT l2_distance('[4,5]', '[1,1]'::vector), cosine_distance('[1,1]', '[2,2]'::halfvec), l1_distance('{1:1}/2', '{}/2'::sparsevec), inner_product('[1,1]', '[2,3]'::vector);
SELECT l2_distance('[1,2]'::vector, '[1]');
SELECT inner_product('[1,2]'::halfvec, '[1]');
SELECT cosine_distance('{}/2'::sparsevec, '{}/3');
SELECT l1_distance('[1,2]'::vector, '[1]');
SELECT l2_distance('[1,2]'::vector, '[3,4]'::halfvec), l2_distance('[1,2]'::halfvec, '[3,4]'::vector), l2_distance('[1,2]'::vector, '{1:3}/2'::sparsevec), l2_distance('{1:3}/2'::sparsevec, '[1,2]'::halfvec);
SELECT '[1,1]'::vector <-> '[4,5]', '[1,1]'::vector <#> '[4,5]', '[1,1]'::vector <=> '[4,5]', '[1,1]'::vector <+> '[4,5]';
SELECT '[1,1]'::halfvec <-> '[4,5]', '[1,1]'::halfvec <#> '[4,5]', '[1,1]'::halfvec <=> '[4,5]', '[1,1]'::halfvec <+> '[4,5]';
SELECT '{1:1}/2'::sparsevec <-> '{2:4}/2', '{1:1}/2'::sparsevec <#> '{2:4}/2', '{1:1}/2'::sparsevec <=> '{2:4}/2', '{1:1}/2'::sparsevec <+> '{2:4}/2';
SELECT '[4,5]' <-> '[1,1]'::vector, '[4,5]' <#> '[1,1]'::halfvec, '{2:4}/2' <=> '{1:1}/2'::sparsevec, '[4,5]' <+> '[1,1]'::vector;
SELECT '[1,2]'::vector <=> '[3,4]'::halfvec, '[1,2]'::halfvec <=> '[3,4]'::vector, '[1,2]'::halfvec <-> '[3,4]'::vector, '[1,2]'::halfvec <#> '[3,4]'::vector, '[1,2]'::halfvec <+> '[3,4]'::vector;
SELECT '[1,2]'::vector <-> '{1:3}/2'::sparsevec, '{1:3}/2'::sparsevec <=> '[1,2]'::halfvec;
SELECT '[1,2]'::vector <=> '[1]';
SELECT h <-> '[1]'::vector FROM unnest('{"[1,2]"}'::halfvec[]) AS h;
SELECT '[1,70000]'::vector <-> '[1,1]'::halfvec;

-- Lengths, parts, signs.
SELECT vector_dims('[1,2,3]'::vector), vector_dims('[1,2]'::halfvec), vector_norm('[6,8]'), l2_norm('[6,8]'::halfvec), l2_norm('{1:6,3:8}/3'::sparsevec);
SELECT l2_normalize('[6,8]'::vector), l2_normalize('[6,8]'::halfvec), l2_normalize('{1:6,3:8}/3'::sparsevec), l2_normalize('[0,0]'::vector);
SELECT subvector('[1,2,3,4]'::vector, 2, 2), subvector('[1,2,3,4]'::halfvec, 0, 3), subvector('[1,2,3,4]'::vector, 3, 99);
SELECT subvector('[1,2,3,4]'::vector, 2, 0);
SELECT binary_quantize('[1,-1,0,2]'::vector), binary_quantize('[1,-1,0,2]'::halfvec);

-- Aggregates and what they are made of.
SELECT avg(v), sum(v) FROM unnest('{"[1,5]","[2,7]"}'::vector[]) AS v;
SELECT avg(v), sum(v) FROM unnest(ARRAY['[1,5]'::halfvec, NULL, '[2,7]']) AS v;
SELECT avg(v), sum(v) FROM unnest('{}'::vector[]) AS v;
SELECT sum(v) FROM unnest('{"[1,5]","[2]"}'::vector[]) AS v;
SELECT sum(v) FROM unnest('{"[60000]","[60000]"}'::halfvec[]) AS v;
SELECT vector_accum('{0}', '[1,5]'), vector_combine('{1,1,5}', '{1,2,7}'), vector_avg('{2,3,12}'), halfvec_accum('{0}', '[1,5]'), halfvec_combine('{1,1,5}', '{1,2,7}'), halfvec_avg('{2,3,12}');
SELECT vector_accum('{1,2}', '[1,5]');
SELECT vector_avg('{{1,2}}');
SELECT vector_combine('{1,2}', '{1,2,3}');

-- Bit strings: all literals, beside a value, of both kinds.
SELECT hamming_distance('1010', '1010'), hamming_distance('1010', '0101'), hamming_distance('1', '0'), hamming_distance('', '');
SELECT jaccard_distance('1010', '1010'), jaccard_distance('1010', '0101'), jaccard_distance('1110', '0111'), jaccard_distance('0', '0'), jaccard_distance('', '');
SELECT hamming_distance(repeat('10', 700)::bit(1400), repeat('01', 700)::bit(1400)), jaccard_distance(repeat('110', 300)::bit(900), repeat('100', 300)::bit(900));
SELECT '1010' <~> '1001', '1010' <%> '1001', '1010' <~> b'1001', b'1010' <%> '1001', x'f0' <~> b'11110001', 'xf0' <~> 'x0f';
SELECT hamming_distance('101', '10');
SELECT jaccard_distance('1', '10');
SELECT '1010' <~> '10';
SELECT '1010' <%> '1012';
SELECT hamming_distance('101', '100'::varbit(5)), jaccard_distance('101'::varbit, '111'), '101'::varbit <~> '111'::varbit, '101'::varbit <%> b'111', b'101' <~> '111'::varbit;
SELECT hamming_distance('101', '1000'::varbit(5));
SELECT hamming_distance('101', NULL), '101' <~> NULL, NULL <%> '101';
SELECT '1010' & b'0110', b'1010' | '0110', b'1010' # '0110', ~ b'1010', b'1010' << 1, b'1010' || '01', b'10' = '10', b'10' < '11', b'10'::varbit = b'10';
SELECT bit_length('1010'::bit(4)), length(b'1010'), get_bit(b'1010', 0), set_bit(b'1010', 1, 1), bit_count(b'1011'), position(b'01' IN b'1010'), substring(b'1010' FROM 2 FOR 2), bit_and(b), bit_or(b) FROM unnest('{101,110}'::varbit[]) AS b GROUP BY ();
SELECT 5::bit(4), b'0101'::integer, 'f'::text <> 't', '101'::bit(3) IN ('101', '111'), ARRAY[b'10', '11'] = '{10,11}';

-- Statements with parameters, as drivers prepare them.
CREATE TABLE items (id integer, v vector(3), h halfvec(3), s sparsevec(3), b bit(3), r real[]);
INSERT INTO items VALUES (1, '[1,2,3]', '[1,2,3]', '{1:1}/3', '101', '{1,2,3}'), (2, '[3,2,1]', '[3,2,1]', '{3:1}/3', '011', '{3,2,1}');
PREPARE by_name AS SELECT id, 1 - cosine_distance(v, $1) AS similarity FROM items ORDER BY 2 DESC;
EXECUTE by_name('[1,2,3]');
PREPARE halves AS SELECT id, l2_distance($1, h), h <=> $1 FROM items ORDER BY 2, 1;
EXECUTE halves('[1,2,3]');
PREPARE bits AS SELECT id, b <~> $1, hamming_distance(b, $2) FROM items ORDER BY 2, 1;
EXECUTE bits('111', '000');
PREPARE two AS SELECT $1 <~> $2, jaccard_distance($1, $2);
EXECUTE two('110', '011');
SELECT parameter_types FROM pg_prepared_statements WHERE name <> 'two' ORDER BY name;
SELECT id FROM items WHERE v <-> '[1,2,3]' < 1 AND h <-> v < 1 AND l2_distance(v, h) < 1 AND v = '[1,2,3]' ORDER BY h <=> '[1,1,1]'::vector;
SELECT a.id, b.id, a.v <-> b.v, a.h <#> b.v, a.v <#> b.h, a.b <~> b.b FROM items AS a, items AS b ORDER BY 1, 2;
UPDATE items SET v = v + h::vector, h = v, s = h WHERE id = 1 RETURNING *;
INSERT INTO items (id, v, h, s) SELECT 3, r, r, r FROM items WHERE id = 1 RETURNING *;
SELECT v FROM items UNION SELECT h FROM items ORDER BY 1;
SELECT DISTINCT b FROM items ORDER BY b;
DROP TABLE items;
