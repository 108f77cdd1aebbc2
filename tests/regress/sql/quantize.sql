-- quantize_embeddings: what sentence-transformers' function of that name returns, for one embedding.
\set ranges '\'{{-1,-1,0,5},{1,0.5,10,5}}\'::real[]'
SELECT p AS "precision", quantize_embeddings('{-0.5,0.25,3.3,5}', p, :ranges)
FROM unnest('{float32,int8,uint8,binary,ubinary}'::text[]) AS p;
-- code = floor((x - min) / ((max - min) / 255)), clipped to 0…255; int8 is that less 128. A constant dimension has one code.
SELECT quantize_embeddings('{-1,-1,0,5}', 'uint8', :ranges) AS at_the_minima, quantize_embeddings('{1,0.5,10,5}', 'uint8', :ranges) AS at_the_maxima,
    quantize_embeddings('{-9,9,1e30,4}', 'int8', :ranges) AS outside_is_clipped;
-- Bits are set above zero: not at zero, of either sign.
SELECT quantize_embeddings('{0.1,0,-0,-0.1,1e-45,1,-1,2,3}', 'binary'), quantize_embeddings('{0.1,0,-0,-0.1,1e-45,1,-1,2,3}', 'ubinary')::bytea;
-- Ranges from embeddings to calibrate on; ranges win where both are given.
SELECT quantize_embeddings('{1,2}', 'uint8', NULL, '{{0,0},{2,4},{1,-4}}') AS calibrated, quantize_embeddings('{1,2}', 'uint8', '{{0,-4},{2,4}}') AS ranges,
    quantize_embeddings('{1,2}', 'uint8', '{{0,0},{1,2}}', '{{0,0},{2,4}}') AS ranges_win, quantize_embeddings('{3}', 'uint8', calibration_embeddings => '{{3}}') AS one_row;
SELECT quantize_embeddings(embedding => '{1,-1}', "precision" => 'int8', ranges => '{{0,0},{1,1}}') AS named;
-- NULLs.
SELECT quantize_embeddings(NULL, 'binary') IS NULL, quantize_embeddings(NULL, 'int8') IS NULL, quantize_embeddings(NULL, 'int8', NULL) IS NULL;
SELECT quantize_binary(NULL) IS NULL, quantize_binary('{1}', NULL) IS NULL, quantize_int8(NULL, '{{0},{1}}') IS NULL, quantize_int8('{1}', NULL) IS NULL,
    quantize_uint8(NULL, NULL) IS NULL, scale_query(NULL, '{{0},{1}}') IS NULL;

-- The typed forms give the same codes.
SELECT quantize_binary('{0.1,0,-0.1}'), quantize_int8('{-0.5,0.25,3.3,5}', :ranges), quantize_uint8('{-0.5,0.25,3.3,5}', :ranges);
SELECT quantize_binary('{0.5,0.5,-0.1}', '{0.5,0.4,-0.2}') AS above_thresholds;
CREATE TABLE e AS SELECT n AS id, ARRAY[sin(n), cos(n * 3), sin(n * 7) * 4, n % 3, 1]::real[] AS embedding FROM generate_series(1, 1000) AS n;
SELECT calibrate_ranges(embedding) AS ranges FROM e \gset
SELECT count(*), bool_and(quantize_int8(embedding, :'ranges') = quantize_embeddings(embedding, 'int8', :'ranges')) AS int8,
    bool_and(quantize_uint8(embedding, :'ranges') = quantize_embeddings(embedding, 'uint8', :'ranges')) AS uint8,
    bool_and(quantize_binary(embedding) = quantize_embeddings(embedding, 'binary')) AS "binary",
    bool_and(quantize_embeddings(embedding, 'float32')::real[] = embedding) AS float32
FROM e;
-- Against the formula in SQL (float4 arithmetic). A constant dimension has step 1.
WITH step AS (SELECT i, lo, CASE WHEN hi = lo THEN 1 ELSE (hi - lo) / 255::real END::real AS step
    FROM generate_series(1, 5) AS i, LATERAL (SELECT (:'ranges'::real[])[1][i] AS lo, (:'ranges'::real[])[2][i] AS hi) AS r)
SELECT count(*) AS codes, count(*) FILTER (WHERE code <> greatest(0, least(255, floor((x - lo) / step)))) AS different, count(DISTINCT code) > 200 AS varied
FROM e, unnest(embedding, quantize_uint8(embedding, :'ranges')::int[]) WITH ORDINALITY AS u(x, code, i) JOIN step USING (i);

-- scale_query multiplies by the step widths: the order is that of the dequantized vectors.
SELECT scale_query('{255,510,3}', '{{0,-1,7},{1,1,7}}');
WITH q(query) AS (SELECT '{0.3,-0.7,0.2,0.1,5}'::real[])
SELECT array_agg(id ORDER BY quantize_int8(embedding, :'ranges') <#> scale_query(query, :'ranges'), id)
     = array_agg(id ORDER BY dequantize_embeddings(quantize_int8(embedding, :'ranges'), :'ranges') <#> query, id) AS same_order
FROM e, q WHERE id <= 20;

-- Arrays in all shapes that are one vector: other lower bounds, a null bitmap without nulls, built at run time, toasted.
SELECT quantize_binary('[0:2]={1,-1,1}'), quantize_int8('[-3:-2]={0,1}', '[5:6][7:8]={{0,0},{1,1}}');
SELECT quantize_binary((array_append('{1,-1}'::real[], NULL))[1:2]), quantize_binary(array_remove(ARRAY[1, NULL, -1]::real[], NULL));
SELECT quantize_binary(array_agg(x)), quantize_binary(array_cat('{1}', array_agg(-x))) FROM generate_series(1, 3) AS x;
CREATE TABLE wide (embedding real[]);
INSERT INTO wide SELECT array_agg(sin(i)) FROM generate_series(1, 65535) AS i;
INSERT INTO wide SELECT array_fill(-1::real, ARRAY[1200]);
SELECT cardinality(embedding), pg_column_size(embedding) < 4 * cardinality(embedding) AS compressed,
    length(replace(quantize_binary(embedding)::text, '0', '')) AS ones, right(quantize_embeddings(embedding, 'float32')::text, 8)
FROM wide ORDER BY 1;
-- Ranges as they are stored, compressed or out of line, changing within one call site.
CREATE TABLE stored_ranges (id int, compressed real[], out_of_line real[], plain real[]);
ALTER TABLE stored_ranges ALTER out_of_line SET STORAGE EXTERNAL;
INSERT INTO stored_ranges SELECT id, r, r, r FROM generate_series(1, 4) AS id,
    LATERAL (SELECT ARRAY[array_fill((-id)::real, ARRAY[2000]), array_fill((id % 3)::real, ARRAY[2000])]) AS v(r);
SELECT bool_and(pg_column_size(compressed) < 1000) AS compressed, bool_and(pg_column_size(out_of_line) = 16028) AS out_of_line FROM stored_ranges;
SELECT row, count(DISTINCT a) AS different, bool_and(a = z AND b = z AND c = z AND d = z AND dequantize_embeddings(a, compressed) = dequantize_embeddings(z, fresh)) AS same
FROM generate_series(1, 2) AS row, stored_ranges, LATERAL (SELECT array_fill(row / 4.0::real, ARRAY[2000])::real[] AS e, array_cat(plain, '{}') AS fresh) AS v,
    LATERAL (SELECT quantize_int8(e, compressed) AS a, quantize_int8(e, out_of_line) AS b, quantize_embeddings(e, 'int8', compressed)::int8vec AS c,
        quantize_embeddings(e, 'int8', (SELECT s.out_of_line FROM stored_ranges AS s WHERE s.id = stored_ranges.id))::int8vec AS d, quantize_int8(e, fresh) AS z) AS q
GROUP BY row ORDER BY row;
DO $$
DECLARE
    r record;
    ranges real[];
BEGIN
    FOR r IN SELECT * FROM stored_ranges ORDER BY id LOOP
        ranges := r.out_of_line;
        ranges[1][1] := -100;
        ASSERT (quantize_uint8(array_fill(-50::real, ARRAY[2000]), ranges)::int[])[1] BETWEEN 120 AND 128;
        ASSERT (quantize_uint8(array_fill(-50::real, ARRAY[2000]), r.out_of_line)::int[])[1] = 0;
    END LOOP;
END
$$;
-- Integers and numerics become real[] by themselves, float8[] by an explicit cast.
SELECT quantize_binary(ARRAY[1, -1]), quantize_binary(ARRAY[0.5, -1]), quantize_binary(ARRAY[0.5, -1]::float8[]::real[]);
SELECT vector_dims(quantize_embeddings('{1,2,3}', 'binary')), quantized_precision(quantize_embeddings('{1,2,3}', 'binary'));
