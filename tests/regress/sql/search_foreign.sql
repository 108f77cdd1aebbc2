-- requires: postgres_fdw
-- semantic_search over a foreign table, alone and as a partition beside a local one.
CREATE FUNCTION embed(seed text) RETURNS real[] IMMUTABLE LANGUAGE sql AS $$
    SELECT array_agg((('x' || substr(md5(seed || ':' || j), 1, 6))::bit(24)::integer / 8388608.0 - 1)::real ORDER BY j)
    FROM generate_series(1, 16) j
$$;
CREATE TABLE docs (id integer PRIMARY KEY, embedding real[],
    embedding_bin binvec(16) GENERATED ALWAYS AS (quantize_binary(embedding)) STORED);
INSERT INTO docs SELECT i, embed(i::text) FROM generate_series(1, 300) i;
SELECT format('CREATE SERVER loopback FOREIGN DATA WRAPPER postgres_fdw OPTIONS (dbname %L, host %L, port %L)',
    current_database(), split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port')) AS statement \gset
:statement;
CREATE USER MAPPING FOR CURRENT_USER SERVER loopback;
CREATE FOREIGN TABLE far (id integer, embedding real[], embedding_bin binvec(16)) SERVER loopback OPTIONS (table_name 'docs');
SELECT array_agg((doc).id) = (SELECT array_agg(id) FROM (
    SELECT id FROM docs ORDER BY embedding <=> embed('q') LIMIT 10) t) AS same, count(*)
FROM semantic_search(NULL::far, embed('q'), rescore_multiplier => 30);

-- The scan goes to the other server when the extension is known to be there.
ALTER SERVER loopback OPTIONS (ADD extensions 'pg_quantize');
CREATE FUNCTION plan(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF) ' || statement;
END
$$;
SELECT bool_or(plan ~ 'Remote SQL:.* ORDER BY .*embedding_bin.* LIMIT') AS pushed_down
FROM plan(semantic_search_sql(NULL::far, embed('q')));
SELECT array_agg((doc).id) = (SELECT array_agg(id) FROM (
    SELECT id FROM docs ORDER BY embedding <=> embed('q') LIMIT 10) t) AS same, count(*)
FROM semantic_search(NULL::far, embed('q'), rescore_multiplier => 30);

-- Partitions here and there.
CREATE TABLE parted (id integer, embedding real[], embedding_bin binvec(16)) PARTITION BY RANGE (id);
CREATE TABLE near PARTITION OF parted FOR VALUES FROM (1000) TO (2000);
CREATE VIEW low AS SELECT id, embedding, embedding_bin FROM docs WHERE id <= 150;
CREATE FOREIGN TABLE far_part PARTITION OF parted FOR VALUES FROM (1) TO (1000) SERVER loopback OPTIONS (table_name 'low');
INSERT INTO near SELECT id + 1000, embedding, embedding_bin FROM docs WHERE id > 150;
SELECT array_agg((doc).id % 1000) = (SELECT array_agg(id) FROM (
    SELECT id FROM docs ORDER BY embedding <=> embed('q') LIMIT 10) t) AS same, count(*)
FROM semantic_search(NULL::parted, embed('q'), rescore_multiplier => 30);
