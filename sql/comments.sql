-- Comments for what comes in many forms: distances, operators, casts, operator classes. What is single has its comment
-- beside its definition.

SET LOCAL search_path = pg_catalog, pg_temp;

-- Each member of the extension of this type whose identity is like the pattern gets the text; a later line goes before an
-- earlier one. Identities are as pg_identify_object gives them, here without schemas.
DO $comments$
DECLARE
    texts CONSTANT text[] := ARRAY[
        ['function', 'hamming_distance(%', 'number of bits that differ'],
        ['function', 'jaccard_distance(%', '1 minus the share of the bits set in both among those set in either'],
        ['function', 'inner_product(%', 'inner product'],
        ['function', 'negative_inner_product(%', 'inner product with its sign turned: smaller is nearer'],
        ['function', 'cosine_distance(%', '1 minus the cosine of the angle'],
        ['function', 'l2_distance(%', 'Euclidean distance'],
        ['function', 'l1_distance(%', 'taxicab distance'],
        ['operator', '<~>(%', 'Hamming distance: number of bits that differ'],
        ['operator', '<\%>(%', 'Jaccard distance of bits'],
        ['operator', '<#>(%', 'negative inner product: smaller is nearer'],
        ['operator', '<=>(%', 'cosine distance'],
        ['operator', '<->(%', 'Euclidean distance'],
        ['operator', '<+>(%', 'taxicab distance'],
        ['operator', '=(%', 'same codes'],
        ['operator', '<>(%', 'other codes'],
        ['operator', '<(%', 'before, by elements'],
        ['operator', '<=(%', 'before or equal, by elements'],
        ['operator', '>(%', 'after, by elements'],
        ['operator', '>=(%', 'after or equal, by elements'],
        ['cast', '(%vec AS %vec)', 'holds a code to the dimension of its column'],
        ['cast', '(bit%', 'the bits'],
        ['cast', '(binvec AS bit%', 'the bits'],
        ['cast', '(bytea AS binvec)', 'packed bits, the first dimension in the highest bit, as numpy.packbits'],
        ['cast', '(binvec AS bytea)', 'packed bits, the first dimension in the highest bit, as numpy.packbits'],
        ['cast', '(bytea AS %int8vec)', 'codes, one byte each, as numpy''s tobytes()'],
        ['cast', '(%int8vec AS bytea)', 'codes, one byte each, as numpy''s tobytes()'],
        ['cast', '(%int%[] AS %int8vec)', 'codes out of a list of numbers'],
        ['cast', '(%int8vec AS %int%[])', 'codes as a list of numbers'],
        ['cast', '(quantized AS %vec)', 'the codes; an error when the precision is another'],
        ['cast', '(%vec AS quantized)', 'the codes, tagged with their precision'],
        ['cast', '(quantized AS real[])', 'the floats of precision float32'],
        ['cast', '(quantized AS bytea)', 'the bytes that sentence-transformers gives'],
        ['operator %', '%_ops USING btree', 'order by elements, a vector before those that it begins'],
        ['operator %', '%_ops USING hash', 'equality of codes'],
        ['operator %', '%_ip_ops USING qivf', 'nearest by inner product: <#>'],
        ['operator %', '%_cosine_ops USING qivf', 'nearest by cosine: <=>'],
        ['operator %', '%_l2_ops USING qivf', 'nearest by Euclidean distance: <->'],
        ['operator %', 'binvec_hamming_ops USING qivf', 'nearest by sign bits: <~>; with float queries <#> and <=>']];
    entry text[];
    member record;
BEGIN
    FOREACH entry SLICE 1 IN ARRAY texts LOOP
        FOR member IN
            SELECT o.type, o.identity
            FROM pg_extension e
            JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
            CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) o
            WHERE e.extname = 'pg_quantize' AND o.type LIKE entry[1]
                AND replace(replace(o.identity, '@extschema@.', ''), 'pg_catalog.', '') LIKE entry[2]
        LOOP
            EXECUTE format('COMMENT ON %s %s IS %L', member.type, member.identity, entry[3]);
        END LOOP;
    END LOOP;
END
$comments$;

COMMENT ON EVENT TRIGGER pg_quantize_follow_alter IS 'keeps the records of quantized columns true after renames';
COMMENT ON EVENT TRIGGER pg_quantize_follow_drop IS 'deletes the records of quantized columns that are dropped';
