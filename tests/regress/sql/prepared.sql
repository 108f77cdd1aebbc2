-- Prepared statements: parameters typed, untyped, of the types that clients send; custom and generic plans.
CREATE TABLE docs (id int, embedding real[], b binvec(3), i int8vec(3), u uint8vec(3));
INSERT INTO docs SELECT n, e, quantize_binary(e), quantize_int8(e, '{{-1,-1,-1},{1,1,1}}'), quantize_uint8(e, '{{-1,-1,-1},{1,1,1}}')
FROM (SELECT n, ARRAY[sin(n), cos(n), sin(n * n)]::real[] AS e FROM generate_series(1, 50) AS n) AS t;
PREPARE asymmetric_binary(real[]) AS SELECT array_agg(id) FROM (SELECT id FROM docs ORDER BY b <#> $1, id LIMIT 5) AS t;
PREPARE asymmetric_int8(real[]) AS SELECT array_agg(id) FROM (SELECT id FROM docs ORDER BY i <=> $1, id LIMIT 5) AS t;
PREPARE asymmetric_uint8(real[]) AS SELECT array_agg(id) FROM (SELECT id FROM docs ORDER BY $1 <=> u, id LIMIT 5) AS t;
PREPARE floats(real[]) AS SELECT array_agg(id) FROM (SELECT id FROM docs ORDER BY embedding <=> $1, id LIMIT 5) AS t;
PREPARE doubles(float8[]) AS SELECT array_agg(id) FROM (SELECT id FROM docs ORDER BY embedding <=> $1, id LIMIT 5) AS t;
PREPARE hamming(binvec) AS SELECT array_agg(id) FROM (SELECT id FROM docs ORDER BY b <~> $1, id LIMIT 5) AS t;
PREPARE quantizing(real[]) AS SELECT array_agg(id) FROM (SELECT id FROM docs ORDER BY b <~> quantize_embeddings($1, 'binary'), id LIMIT 5) AS t;
PREPARE ranges(real[], real[]) AS SELECT quantize_int8($1, $2);
-- What an untyped parameter becomes: the other side's type where that has the operator with itself.
PREPARE untyped AS SELECT embedding <=> $1, b <~> $2, b <#> $3, i <#> $4 FROM docs WHERE id = 1;
SELECT parameter_types FROM pg_prepared_statements WHERE name = 'untyped';
PREPARE untyped_functions AS SELECT quantize_embeddings($1, 'int8', $2), quantize_binary($3), cosine_distance(embedding, $4) FROM docs WHERE id = 1;
SELECT parameter_types FROM pg_prepared_statements WHERE name = 'untyped_functions';
EXECUTE untyped('{1,0,0}', '000', '{1,1,1}', '[1,2,3]');
EXECUTE untyped_functions('{1}', '{{0},{2}}', '{1,-1}', '{1,0,0}');
SET plan_cache_mode = force_custom_plan;
EXECUTE asymmetric_binary('{1,-0.5,0.1}'); EXECUTE asymmetric_int8('{1,-0.5,0.1}'); EXECUTE asymmetric_uint8('{1,-0.5,0.1}'); EXECUTE floats('{1,-0.5,0.1}');
EXECUTE doubles('{1,-0.5,0.1}'); EXECUTE hamming('101'); EXECUTE quantizing('{1,-0.5,0.1}'); EXECUTE ranges('{1,0}', '{{0,0},{2,2}}');
SET plan_cache_mode = force_generic_plan;
EXECUTE asymmetric_binary('{1,-0.5,0.1}'); EXECUTE asymmetric_int8('{1,-0.5,0.1}'); EXECUTE asymmetric_uint8('{1,-0.5,0.1}'); EXECUTE floats('{1,-0.5,0.1}');
EXECUTE doubles('{1,-0.5,0.1}'); EXECUTE hamming('101'); EXECUTE quantizing('{1,-0.5,0.1}'); EXECUTE ranges('{1,0}', '{{0,0},{2,2}}');
-- Executed again with other values: the generic plan keeps nothing of the old ones.
EXECUTE asymmetric_binary('{-1,0.5,-0.1}'); EXECUTE asymmetric_int8('{-1,0.5,-0.1}'); EXECUTE floats('{-1,0.5,-0.1}'); EXECUTE ranges('{1,0}', '{{0,0},{4,4}}');
EXECUTE asymmetric_binary(NULL);
EXECUTE asymmetric_binary('{1,2}');
EXECUTE floats(ARRAY[1, 0, 0]);
EXPLAIN (COSTS OFF) EXECUTE quantizing('{1,-0.5,0.1}');
RESET plan_cache_mode;
-- A cursor goes on with its own query while another runs.
BEGIN;
DECLARE one CURSOR FOR SELECT id FROM docs ORDER BY b <#> '{1,-0.5,0.1}'::real[], id;
DECLARE two CURSOR FOR SELECT id FROM docs ORDER BY b <#> '{-1,0.5,-0.1}'::real[], id;
FETCH 2 FROM one; FETCH 2 FROM two; FETCH 2 FROM one;
COMMIT;
