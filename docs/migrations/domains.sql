-- Ranges for data of several domains: the rows of a rare domain would hardly show in a sample of the whole table, and a
-- quantile would cut them off. So each domain is calibrated by itself, on an equal share of rows, and the ranges are merged.

-- Ranges of each domain, on at most 1000 rows of each.
CREATE TABLE domain_ranges AS
SELECT domain, calibrate_ranges(embedding, 0.999) AS ranges, count(*) AS rows_calibrated
FROM (
    SELECT domain, embedding, row_number() OVER (PARTITION BY domain ORDER BY random()) AS n
    FROM docs WHERE embedding IS NOT NULL
) sample
WHERE n <= 1000
GROUP BY domain;

-- One column for all: ranges that cover every domain. CALL takes no subquery, hence the variable (in psql: \gset).
SELECT merge_ranges(ranges) AS merged FROM domain_ranges \gset
CALL quantize_column('docs', 'embedding', 'int8', ranges => :'merged');

-- How much of each domain the merged ranges clip. Codes of the two domains are comparable, since they share the ranges.
SELECT domain, clipping_report(embedding, q.ranges) ->> 'clipped_share' AS clipped
FROM docs JOIN quantized_columns q ON q.table_oid = 'docs'::regclass AND q.quantized_column = 'embedding_int8'
GROUP BY domain ORDER BY domain;

-- Ranges of its own for a domain that is only searched by itself: finer steps, but codes and scores of another domain
-- can't be compared with them. The query is scaled with the same ranges.
CREATE TABLE law AS SELECT id, embedding FROM docs WHERE domain = 'law';
SELECT ranges AS law_ranges FROM domain_ranges WHERE domain = 'law' \gset
CALL quantize_column('law', 'embedding', 'int8', ranges => :'law_ranges');
SELECT id FROM law ORDER BY embedding_int8 <#> (SELECT scale_query('{0.5,0.5,0.1}', 'law', 'embedding_int8')) LIMIT 3;

-- The merged ranges cover what each domain was calibrated to.
DO $$
BEGIN
    ASSERT (SELECT bool_and(m.ranges[1][i] <= d.ranges[1][i] AND m.ranges[2][i] >= d.ranges[2][i])
        FROM domain_ranges d, quantized_columns m, generate_series(1, 3) i WHERE m.table_name = 'docs');
    ASSERT (SELECT count(DISTINCT domain) FROM domain_ranges) = 2;
    ASSERT NOT EXISTS (SELECT FROM docs d, quantized_columns q WHERE q.table_name = 'docs'
        AND d.embedding_int8 IS DISTINCT FROM quantize_int8(d.embedding, q.ranges));
END
$$;
