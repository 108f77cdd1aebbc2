-- truncate_embeddings keeps the first dimensions, and brings floats back to unit length unless told not to.
SELECT truncate_embeddings('{3,4,12}'::real[], 2), truncate_embeddings('{3,4,12}'::real[], 2, false), truncate_embeddings('{3,4,12}'::real[], 3, false);
SELECT truncate_embeddings('{3,4,12}', truncate_dim => 2, "normalize" => false) AS named;
SELECT truncate_embeddings('0110110111'::binvec, 9), truncate_embeddings('1111'::binvec, 3)::bytea AS rest_is_zero,
    truncate_embeddings('[1,-2,3]'::int8vec, 2), truncate_embeddings('[1,200,3]'::uint8vec, 1);
SELECT truncate_embeddings(q, 2) FROM unnest('{"int8[-128,127,1]","uint8[0,255,1]","binary[111]","float32[1.5,-2,1]"}'::quantized[]) AS q;
SELECT quantize.quantized_send(truncate_embeddings('ubinary[111]'::quantized, 2)) AS rest_is_zero;
SELECT normalize_embeddings('{3,4}'), normalize_embeddings('{0,0}') AS zero_stays, normalize_embeddings('{3e38,3e38}') AS no_overflow, normalize_embeddings('{1e-45}') AS no_underflow;
SELECT normalize_embeddings(NULL) IS NULL, truncate_embeddings(NULL::real[], 1) IS NULL, truncate_embeddings('01'::binvec, NULL) IS NULL;
-- Codes of a prefix are the prefix of the codes.
SELECT bool_and(truncate_embeddings(quantize_binary(e), d) = quantize_binary(truncate_embeddings(e, d))) AS same
FROM (SELECT array_agg(sin(i * k) ORDER BY i)::real[] AS e FROM generate_series(1, 40) AS i, generate_series(1, 5) AS k GROUP BY k) AS v, generate_series(1, 40) AS d;
SELECT truncate_embeddings('{3,4}'::real[], 0);
SELECT truncate_embeddings('{3,4}'::real[], 3);
SELECT truncate_embeddings('01'::binvec, -1);
SELECT truncate_embeddings('[1,2]'::int8vec, 3);
SELECT truncate_embeddings('[1,2]'::uint8vec, 2147483647);
SELECT truncate_embeddings('{1,NaN}'::real[], 1);
SELECT normalize_embeddings('{1,Infinity}');
