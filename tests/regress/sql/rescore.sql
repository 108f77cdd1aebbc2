-- rescore: the exact scores of candidates that one's own statement has collected.
CREATE TABLE docs AS SELECT i AS id, ARRAY[cos(i), sin(i), i % 5]::real[] AS embedding FROM generate_series(1, 50) i;
ALTER TABLE docs ADD embedding_bin binvec GENERATED ALWAYS AS (quantize_binary(embedding)) STORED;
WITH candidates AS (
    SELECT array_agg(id) AS ids, array_agg(embedding) AS embeddings
    FROM (SELECT id, embedding FROM docs ORDER BY embedding_bin <#> '{1,0.5,0.25}'::real[] LIMIT 20) c
)
SELECT ids[r.candidate] = d.id AS found, bool_and(score = 1 - (d.embedding <=> '{1,0.5,0.25}'::real[])) AS score_is_right, count(*)
FROM candidates CROSS JOIN LATERAL rescore('{1,0.5,0.25}', embeddings) r JOIN docs d ON d.id = ids[r.candidate]
GROUP BY 1;
SELECT * FROM rescore('{1,0}', '{{0,1},{1,1},{2,0},{-1,0},{0,0}}');
SELECT * FROM rescore('{1,0}', '{{0,1},{1,1},{2,0}}', 'ip');
SELECT * FROM rescore('{1,0}', '{{0,1},{1,1},{2,0}}', metric => 'l2');
SELECT count(*) FROM rescore(NULL, '{{0,1}}');
SELECT count(*) FROM rescore('{1}', NULL);
SELECT count(*) FROM rescore('{1}', '{}');
\set SHOW_CONTEXT never
DO $$
DECLARE
    statement text;
    message text;
    hint text;
BEGIN
    FOREACH statement IN ARRAY ARRAY[
        $s$SELECT rescore('{1,0}', '{{0,1}}', 'manhattan')$s$,
        $s$SELECT rescore('{1,0}', '{0,1}')$s$,
        $s$SELECT rescore('{1,0,0}', '{{0,1}}')$s$,
        $s$SELECT rescore('{1,NaN}', '{{0,1}}')$s$,
        $s$SELECT rescore('{1,0}', '{{0,NULL}}')$s$
    ] LOOP
        BEGIN
            EXECUTE statement;
            RAISE NOTICE 'no error: %', statement;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
            RAISE INFO E'%\n% % (%)', statement, SQLSTATE, message, hint;
        END;
    END LOOP;
END
$$;
