-- Queries on int8 codes as the documentation writes them: the index serves them, prepared or not, and they rank by the recorded
-- ranges.
SET client_min_messages = warning;
\set VERBOSITY default
CREATE TABLE docs AS SELECT g AS id, (SELECT array_agg(sin(g * k)::real) FROM generate_series(1, 32) k) AS embedding FROM generate_series(1, 5000) g;
ALTER TABLE docs ADD PRIMARY KEY (id);
CALL quantize_column('docs', 'embedding', 'int8');
CALL quantize_column('docs', 'embedding', 'uint8', 'short', truncate_dim => 8);
CALL quantize_column('docs', 'embedding', 'binary');
CREATE INDEX ON docs USING qivf (embedding_int8);
ANALYZE docs;
PREPARE documented (real[]) AS
SELECT id FROM docs ORDER BY embedding_int8 <#> (SELECT scale_query($1, 'docs', 'embedding_int8')) LIMIT 10;
PREPARE ranges_at_hand (real[]) AS
SELECT id FROM docs ORDER BY embedding_int8 <#> (SELECT scale_query($1, (SELECT ranges FROM quantized_columns WHERE table_oid = 'docs'::regclass AND quantized_column = 'embedding_int8'))) LIMIT 10;
SELECT embedding AS q FROM docs WHERE id = 1 \gset
-- How a plan reads the table: what else it prints is not the same in every version.
CREATE FUNCTION scan_of(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE line text; BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || statement LOOP
        IF line ~ ' on docs' OR line ~ 'Order By|Sort' THEN RETURN NEXT regexp_replace(trim(line), '\(InitPlan.*|\$\d+.*', '…'); END IF;
    END LOOP;
END $$;
SELECT scan_of(format('EXECUTE documented(%L)', :'q'));
SELECT scan_of(format('EXECUTE ranges_at_hand(%L)', :'q'));
SET plan_cache_mode = force_generic_plan;
SELECT scan_of(format('EXECUTE documented(%L)', :'q'));
-- The same order as by the dequantized embeddings.
SELECT array_agg(id) = (SELECT array_agg(id) FROM (SELECT id FROM docs, quantized_columns c WHERE c.quantized_column = 'embedding_int8'
    ORDER BY dequantize_embeddings(embedding_int8, c.ranges) <#> :'q'::real[], id LIMIT 10) exact) AS same
FROM (SELECT id FROM docs ORDER BY embedding_int8 <#> (SELECT scale_query(:'q', 'docs', 'embedding_int8')) LIMIT 10) found;
-- A truncated column takes the query truncated.
SELECT scale_query(:'q', 'docs', 'short') = scale_query(truncate_embeddings(:'q'::real[], 8), ranges) AS truncated FROM quantized_columns WHERE quantized_column = 'short';
SELECT scale_query(NULL, 'docs', 'short') IS NULL AS null_query;
SELECT scale_query(:'q', 'docs', 'missing');
SELECT scale_query(:'q', 'docs', 'embedding_bin');
SELECT scale_query('{1,2}', 'docs', 'embedding_int8');
SELECT scale_query('{1}', 'pg_class', 'relname');
SELECT scale_query('{1}', 0, 'relname');
-- Who may not read the table knows nothing of its ranges.
CREATE ROLE regress_query_other;
SET ROLE regress_query_other;
SELECT scale_query(:'q', 'docs', 'embedding_int8');
RESET ROLE;
DROP ROLE regress_query_other;
