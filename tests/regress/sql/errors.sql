-- Every kind of bad input: SQLSTATE, message, and what to do about it. None of it harms the session.
CREATE FUNCTION refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    hint text;
BEGIN
    EXECUTE statement;
    RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(E'\n       ', SQLSTATE || ': ' || message, nullif(detail, ''), nullif(hint, ''));
END $$;
\pset format unaligned
\pset tuples_only on
CREATE TABLE e AS SELECT '{1,-1}'::real[] AS v;

-- NaN and infinity.
SELECT refused('SELECT quantize_binary(''{1,NaN}'')');
SELECT refused('SELECT quantize_binary(''{-Infinity}'')');
SELECT refused('SELECT quantize_binary(''{1}'', ''{NaN}'')');
SELECT refused('SELECT quantize_int8(''{0,0,Infinity}'', ''{{0,0,0},{1,1,1}}'')');
SELECT refused('SELECT quantize_uint8(''{NaN}'', ''{{0},{1}}'')');
SELECT refused('SELECT quantize_embeddings(''{NaN}'', ''float32'')');
SELECT refused('SELECT quantize_embeddings(''{1}'', ''int8'', NULL, ''{{1},{NaN}}'')');
SELECT refused('SELECT quantize_int8(''{1}'', ''{{NaN},{1}}'')');
SELECT refused('SELECT quantize_int8(''{1,1}'', ''{{0,0},{1,Infinity}}'')');
SELECT refused('SELECT normalize_embeddings(''{Infinity,1}'')');
SELECT refused('SELECT truncate_embeddings(''{1,2,NaN}''::real[], 2)');
SELECT refused('SELECT scale_query(''{NaN}'', ''{{0},{1}}'')');
SELECT refused('SELECT scale_query(''{1e38}'', ''{{-3e37},{3e38}}'')');
SELECT refused('SELECT calibrate_ranges(''{NaN}''::real[])');
SELECT refused('SELECT calibrate_thresholds(''{Infinity}''::real[])');

-- Empty, multi-dimensional and NULL-holding arrays.
SELECT refused('SELECT quantize_binary(''{}'')');
SELECT refused('SELECT quantize_binary(''{{1,2},{3,4}}'')');
SELECT refused('SELECT quantize_binary(''{{{1}}}'')');
SELECT refused('SELECT quantize_binary(''{1,NULL}'')');
SELECT refused('SELECT quantize_embeddings(''{NULL}'', ''float32'')');
SELECT refused('SELECT quantize_embeddings(''{}'', ''binary'')');
SELECT refused('SELECT quantize_int8(''{{1}}'', ''{{0},{1}}'')');
SELECT refused('SELECT quantize_int8(''{1}'', ''{{0},{NULL}}'')');
SELECT refused('SELECT quantize_int8(''{1}'', ''{}'')');
SELECT refused('SELECT quantize_embeddings(''{1}'', ''int8'', NULL, ''{}'')');
SELECT refused('SELECT quantize_embeddings(''{1}'', ''int8'', NULL, ''{1}'')');
SELECT refused('SELECT quantize_embeddings(''{1}'', ''int8'', NULL, ''{{1},{NULL}}'')');
SELECT refused('SELECT normalize_embeddings(''{}'')');
SELECT refused('SELECT v <=> ''{}'' FROM e');
SELECT refused('SELECT v <-> ''{1,NULL}'' FROM e');
SELECT refused('SELECT v <-> ARRAY[1, NULL]::float8[] FROM e');
SELECT refused('SELECT v <#> ''{{1,2}}'' FROM e');
SELECT refused('SELECT quantize_binary(ARRAY[v, v]) FROM e');

-- Dimensions that do not agree: both are named.
SELECT refused('SELECT quantize_int8(''{1,2,3}'', ''{{0,0},{1,1}}'')');
SELECT refused('SELECT quantize_embeddings(''{1,2,3}'', ''uint8'', NULL, ''{{0,0},{1,1}}'')');
SELECT refused('SELECT quantize_binary(''{1,2,3}'', ''{0,0}'')');
SELECT refused('SELECT dequantize_embeddings(''[1]''::uint8vec, ''{{0,0},{1,1}}'')');
SELECT refused('SELECT scale_query(''{1}'', ''{{0,0},{1,1}}'')');
SELECT refused('SELECT ''01''::binvec <~> ''011''');
SELECT refused('SELECT ''01''::binvec <#> ''{1,2,3}''::real[]');
SELECT refused('SELECT ''[1]''::int8vec <+> ''[1,2]''');
SELECT refused('SELECT v <=> ''{1,2,3}'' FROM e');
SELECT refused('SELECT calibrate_ranges(x) FROM (SELECT v FROM e UNION ALL SELECT ''{1}'') AS t(x)');

-- More dimensions than fit.
SELECT refused('SELECT quantize_binary(array_fill(1::real, ARRAY[65536]))');
SELECT refused('SELECT quantize_int8(array_fill(1::real, ARRAY[65536]), array_fill(1::real, ARRAY[2, 65536]))');
SELECT refused('SELECT quantize_embeddings(array_fill(1::real, ARRAY[65536]), ''float32'')');
SELECT refused('SELECT array_fill(1, ARRAY[65536])::int8vec');
SELECT refused('SELECT calibrate_ranges(array_fill(1::real, ARRAY[65536]), 0.9)');
SELECT refused('SELECT calibrate_thresholds(array_fill(1::real, ARRAY[100000]))');
SELECT vector_dims(quantize_binary(array_fill(1::real, ARRAY[65535]))), vector_dims(quantize_int8(array_fill(1::real, ARRAY[65535]), array_fill(1::real, ARRAY[2, 65535])));

-- Ranges of the wrong shape, upside down, too wide.
SELECT refused('SELECT quantize_int8(''{1,2}'', ''{0,1}'')');
SELECT refused('SELECT quantize_int8(''{1,2}'', ''{{0,1}}'')');
SELECT refused('SELECT quantize_int8(''{1,2}'', ''{{0,1},{0,1},{0,1}}'')');
SELECT refused('SELECT quantize_int8(''{1,2}'', ''{{{0,1},{0,1}}}'')');
SELECT refused('SELECT quantize_int8(''{1,2}'', ''{{0,1},{1,0.5}}'')');
SELECT refused('SELECT quantize_int8(''{1}'', ''{{-3e38},{3e38}}'')');
SELECT refused('SELECT merge_ranges(''{{1},{0}}''::real[])');
SELECT refused('SELECT clipping_report(v, ''{1,2}'') FROM e');

-- The precision, and what it needs.
SELECT refused('SELECT quantize_embeddings(''{1}'', ''int4'')');
SELECT refused('SELECT quantize_embeddings(''{1}'', ''INT8'', ''{{0},{1}}'')');
SELECT refused('SELECT quantize_embeddings(''{1}'', '''')');
SELECT refused('SELECT quantize_embeddings(''{1}'', NULL)');
SELECT refused('SELECT quantize_embeddings(''{1}'', ''int8'')');
SELECT refused('SELECT quantize_embeddings(''{1}'', ''uint8'', NULL, NULL)');
SELECT refused('SELECT quantize_embeddings(''{1}'', ''int8'', ''{{0},{1}}'')::uint8vec');
SELECT refused('SELECT ''01''::binvec <~> quantize_embeddings(''{1}'', ''int8'', ''{{0},{1}}'')');
SELECT refused('SELECT quantize_embeddings(v, ''binary'') <#> quantize_embeddings(v, ''binary'') FROM e');

-- Parameters out of bounds.
SELECT refused('SELECT truncate_embeddings(v, 0) FROM e');
SELECT refused('SELECT truncate_embeddings(v, 3) FROM e');
SELECT refused('SELECT truncate_embeddings(''int8[1]''::quantized, -2147483648)');
SELECT refused('SELECT calibrate_ranges(v, 0.5) FROM e');
SELECT refused('SELECT calibrate_ranges(v, ''Infinity'') FROM e');
SELECT refused('SELECT calibrate_ranges(v, NULL) FROM e');
SELECT refused('SELECT clipping_report(v, NULL) FROM e');
SELECT refused('CREATE TABLE bad (b binvec(0))');
SELECT refused('CREATE TABLE bad (b int8vec(1,2))');

-- Text and bytes that are not vectors.
SELECT refused('SELECT ''01x''::binvec');
SELECT refused('SELECT ''[1,300]''::uint8vec');
SELECT refused('SELECT ''(1)''::int8vec');
SELECT refused('SELECT ''''::binvec');
SELECT refused('SELECT ''int8(1)''::quantized');
SELECT refused('SELECT ''int9[1]''::quantized');
SELECT refused('SELECT ''\xff''::bytea::binvec(4)');
SELECT refused('SELECT ''\xffff''::bytea::binvec(4)');
SELECT refused('SELECT ''{1000}''::int[]::int8vec');
CREATE TABLE typed (i int8vec(3));
SELECT refused('INSERT INTO typed VALUES (''[1,2]'')');
SELECT refused('SELECT quantize.calibrate_ranges_transition(''{{1},{1}}'', ''{1}'')');

-- A constant dimension is fine and has one code; values outside the ranges are clipped; the session goes on.
SELECT quantize_int8('{5,5,-9,9}', '{{5,5,0,0},{5,5,1,1}}'), quantize_uint8('{5,6,4}', '{{5,5,5},{5,5,5}}');
