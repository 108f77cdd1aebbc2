-- dequantize_embeddings: the middle of each code's interval; bits are ±1.
SELECT dequantize_embeddings('[-128,127,0]'::int8vec, '{{0,0,5},{255,510,5}}'), dequantize_embeddings('[0,255,128]'::uint8vec, '{{0,0,5},{255,510,5}}');
SELECT dequantize_embeddings('0110'::binvec);
SELECT dequantize_embeddings(NULL::int8vec, '{{0},{1}}') IS NULL, dequantize_embeddings('[1]'::uint8vec, NULL) IS NULL;
SELECT dequantize_embeddings('[1,2]'::int8vec, '{{0},{1}}');
SELECT dequantize_embeddings('[1]'::int8vec, '{0,1}');

SELECT dequantize_embeddings(q, '{{0,0},{255,510}}') FROM unnest('{"int8[-128,127]","uint8[0,255]","binary[01]","float32[1.5,-2]"}'::quantized[]) AS q;
SELECT dequantize_embeddings(quantize_embeddings('{1,-1}', 'binary'));

-- There and back: within half a step, and the same codes again.
CREATE TABLE e AS SELECT n AS id, ARRAY[sin(n), cos(n) * 100, 1 / n::real, 0.25, n]::real[] AS embedding FROM generate_series(1, 500) AS n;
SELECT calibrate_ranges(embedding) AS ranges FROM e \gset
SELECT max(abs(x - y) / nullif(hi - lo, 0) * 255)::numeric(4, 2) AS steps_off, max(abs(x - y)) FILTER (WHERE i = 4) AS constant_off
FROM e, LATERAL unnest(embedding, dequantize_embeddings(quantize_int8(embedding, :'ranges'), :'ranges')) WITH ORDINALITY AS u(x, y, i),
    LATERAL (SELECT (:'ranges'::real[])[1][i] AS lo, (:'ranges'::real[])[2][i] AS hi) AS r;
SELECT bool_and(quantize_int8(dequantize_embeddings(quantize_int8(embedding, :'ranges'), :'ranges'), :'ranges') = quantize_int8(embedding, :'ranges')) AS int8,
    bool_and(quantize_uint8(dequantize_embeddings(quantize_uint8(embedding, :'ranges'), :'ranges'), :'ranges') = quantize_uint8(embedding, :'ranges')) AS uint8,
    bool_and(quantize_binary(dequantize_embeddings(quantize_binary(embedding))) = quantize_binary(embedding)) AS "binary",
    bool_and(dequantize_embeddings(quantize_int8(embedding, :'ranges'), :'ranges') = dequantize_embeddings(quantize_uint8(embedding, :'ranges'), :'ranges')) AS alike
FROM e;
