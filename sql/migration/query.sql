-- What queries need of a record.

-- In a subquery of its own it is computed once, whatever the plan: ORDER BY code <#> (SELECT scale_query($1, 'docs', 'code')).
CREATE FUNCTION @extschema@.scale_query(query real[], relation regclass, quantized_column name) RETURNS real[]
    STABLE STRICT PARALLEL SAFE COST 1000 LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    q quantize.quantized_columns;
BEGIN
    SELECT * INTO q FROM quantize.quantized_columns c WHERE c.table_oid = relation AND c.quantized_column = quantized_column;
    IF q.quantized_column_id IS NULL THEN
        PERFORM quantize.check_exists(relation);
        PERFORM quantize.refuse('undefined_object', format('column "%s" of table "%s" is not a quantized column', quantized_column,
                (SELECT c.relname FROM pg_class c WHERE c.oid = relation)),
            hint => coalesce((SELECT 'Quantized columns of the table: ' || string_agg(format('%I', c.quantized_column), ', ') || '.'
                    FROM quantize.quantized_columns c WHERE c.table_oid = relation), 'The table has none.'));
    ELSIF q.ranges IS NULL THEN
        PERFORM quantize.refuse('wrong_object_type', format('column "%s" of table "%s" holds sign bits, which have no ranges',
                q.quantized_column, q.table_name),
            hint => 'Order by <#> with the query itself.');
    ELSIF q.truncate_dim IS NULL AND array_length(query, 1) <> array_length(q.ranges, 2) THEN
        PERFORM quantize.refuse('22000', format('query has %s dimensions, but column "%s" has %s', array_length(query, 1),
                q.quantized_column, array_length(q.ranges, 2)),
            hint => 'A query must come from the model that made the embeddings, with the same number of dimensions.');
    END IF;
    RETURN @extschema@.scale_query(CASE WHEN q.truncate_dim IS NULL THEN query
        ELSE @extschema@.truncate_embeddings(query, q.truncate_dim) END, q.ranges);
END
$$;
COMMENT ON FUNCTION @extschema@.scale_query(real[], regclass, name) IS 'the query for <#> with int8 codes of a quantized column, by its recorded ranges';
