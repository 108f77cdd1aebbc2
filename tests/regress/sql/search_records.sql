-- What semantic_search takes from quantized_columns: which column, its floats, its calibration, whether it is complete.
SET client_min_messages = warning;
CREATE FUNCTION embed(seed text) RETURNS real[] IMMUTABLE LANGUAGE sql AS $$
    SELECT array_agg((('x' || substr(md5(seed || ':' || j), 1, 6))::bit(24)::integer / 8388608.0 - 1)::real ORDER BY j)
    FROM generate_series(1, 16) j
$$;
CREATE TABLE docs (id integer PRIMARY KEY, title_embedding real[], body_embedding real[]);
INSERT INTO docs SELECT i, embed('t' || i), normalize_embeddings(embed('b' || i)) FROM generate_series(1, 300) i;
CREATE FUNCTION stage(statement text) RETURNS text LANGUAGE sql
    RETURN substring(substring(statement FROM '\nORDER BY ([^\n]*)') FROM 'docs\.\w+');

-- Two embeddings: one must be named, until a record tells which is quantized.
SELECT stage(semantic_search_sql(NULL::docs, embedding => 'title_embedding'));
CALL quantize_column('docs', 'body_embedding', 'int8', quantized_column => 'body_int8');
SELECT stage(semantic_search_sql(NULL::docs));
SELECT stage(semantic_search_sql(NULL::docs, embedding => 'title_embedding'));
SELECT array_agg((doc).id) = (SELECT array_agg(id) FROM (
    SELECT id FROM docs ORDER BY body_embedding <=> embed('q') LIMIT 10) t) AS same
FROM semantic_search(NULL::docs, embed('q'), rescore_multiplier => 30);
-- Its ranges are the recorded ones, unless others are passed.
SELECT bool_and(abs(score - (1 - (dequantize_embeddings((doc).body_int8, ranges) <=> embed('q')))) < 1e-9) AS recorded
FROM quantized_columns, semantic_search(NULL::docs, embed('q'), rescore => false);
SELECT strpos(semantic_search_sql(NULL::docs, embed('q'), ranges => ARRAY[array_fill(-7::real, '{16}'), array_fill(7::real, '{16}')]),
    '-7') > 0 AS passed;

-- Neither a column of codes that no record names nor a second record changes what is searched.
ALTER TABLE docs ADD by_hand binvec(16);
SELECT stage(semantic_search_sql(NULL::docs));
CALL quantize_column('docs', 'body_embedding', 'binary', quantized_column => 'body_bin', learn_thresholds => true);
\set SHOW_CONTEXT never
SELECT stage(semantic_search_sql(NULL::docs));
SELECT stage(semantic_search_sql(NULL::docs, refine => 'body_int8'));
-- A cascade with nothing passed; thresholds shape the query's own code.
SELECT array_agg((doc).id) = (SELECT array_agg(id) FROM (
    SELECT id FROM docs ORDER BY body_embedding <=> embed('q') LIMIT 10) t) AS same
FROM semantic_search(NULL::docs, embed('q'), quantized => 'body_bin', refine => 'body_int8', rescore_multiplier => 30);
SELECT bool_and(score = -((doc).body_bin <~> quantize_binary(embed('q'), thresholds))) AS same
FROM quantized_columns, semantic_search(NULL::docs, embed('q'), quantized => 'body_bin', metric => 'hamming', rescore => false)
WHERE quantized_column = 'body_bin';

-- Truncated codes get a truncated query.
CALL quantize_column('docs', 'body_embedding', 'int8', quantized_column => 'body_short', truncate_dim => 8);
SELECT array_agg((doc).id) = (SELECT array_agg(id) FROM (
    SELECT id FROM docs ORDER BY body_embedding <=> embed('q') LIMIT 10) t) AS same
FROM semantic_search(NULL::docs, embed('q'), quantized => 'body_short', rescore_multiplier => 30);
SELECT bool_and(abs(score - (1 - (dequantize_embeddings((doc).body_short, ranges) <=> truncate_embeddings(embed('q'), 8)))) < 1e-9) AS same
FROM quantized_columns, semantic_search(NULL::docs, embed('q'), quantized => 'body_short', rescore => false)
WHERE quantized_column = 'body_short';
SELECT count(*) FROM semantic_search(NULL::docs, (embed('q'))[1:7], quantized => 'body_short');

-- Codes that are still being filled are passed over, whoever names them; the column that a requantization fills is hidden.
UPDATE quantize.quantized_columns SET state = 'backfilling' WHERE quantized_column = 'body_bin';
SELECT stage(semantic_search_sql(NULL::docs, quantized => 'body_bin', refine => 'body_int8'));
UPDATE quantize.quantized_columns SET state = 'ready' WHERE quantized_column = 'body_bin';
UPDATE quantize.quantized_columns SET state = 'backfilling' WHERE quantized_column = 'body_int8';
SELECT count(*) AS stages FROM regexp_matches(semantic_search_sql(NULL::docs, quantized => 'body_bin', refine => 'body_int8'), 'LIMIT', 'g');
UPDATE quantize.quantized_columns SET state = 'ready' WHERE quantized_column = 'body_int8';
CALL drop_quantized_column('docs', 'body_short');
CALL drop_quantized_column('docs', 'body_bin');
ALTER TABLE docs DROP COLUMN by_hand;
ALTER TABLE docs ADD next int8vec(16);
UPDATE quantize.quantized_columns SET state = 'requantizing', next_column = 'next',
    next_attnum = (SELECT attnum FROM pg_attribute WHERE attrelid = 'docs'::regclass AND attname = 'next');
SELECT stage(semantic_search_sql(NULL::docs));
UPDATE quantize.quantized_columns SET state = 'ready', next_column = NULL, next_attnum = NULL;
ALTER TABLE docs DROP COLUMN next;

-- Renames.
ALTER TABLE docs RENAME COLUMN body_int8 TO code;
ALTER TABLE docs RENAME COLUMN body_embedding TO body;
SELECT stage(semantic_search_sql(NULL::docs));
SELECT count(*) FROM semantic_search(NULL::docs, embed('q'));

-- A partition has the record of its partitioned table.
CREATE TABLE parted (id integer, embedding real[]) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (1) TO (1000);
INSERT INTO parted SELECT id, body FROM docs;
CALL quantize_column('parted', 'embedding', 'int8');
SELECT count(*) FROM semantic_search(NULL::parted, embed('q'));
SELECT count(*) FROM semantic_search(NULL::parted_1, embed('q'));

-- Whoever may read the table may search it, with the recorded ranges.
CREATE ROLE regress_search_reader;
GRANT SELECT ON docs TO regress_search_reader;
SET ROLE regress_search_reader;
SELECT count(*) FROM semantic_search(NULL::docs, embed('q'));
RESET ROLE;
DROP OWNED BY regress_search_reader;
DROP ROLE regress_search_reader;
