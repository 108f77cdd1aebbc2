-- Inside PL/pgSQL and SQL functions: one call site that sees another query, other ranges, other NULLs each time.
DO $$
DECLARE
    query real[];
    answer float8;
    same float8;
BEGIN
    FOR n IN 1 .. 200 LOOP
        query := ARRAY[n % 3 - 1, n % 5 - 2, sin(n)];
        answer := '101'::binvec <#> query;
        EXECUTE format('SELECT %L::binvec <#> %L::real[]', '101', query) INTO same;
        IF answer <> same THEN
            RAISE EXCEPTION 'stale query: % instead of % at %', answer, same, n;
        END IF;
    END LOOP;
END $$;
DO $$
DECLARE
    ranges real[];
    rows real[];
    codes uint8vec;
BEGIN
    FOR n IN 1 .. 200 LOOP
        ranges := ARRAY[ARRAY[0, -n], ARRAY[n % 10 + 1, n]];
        codes := quantize_uint8('{1,0}', ranges);
        IF codes::int[] <> ARRAY[floor(1::real / ((n % 10 + 1)::real / 255::real)), floor(n::real / ((n * 2)::real / 255::real))]::int[] THEN
            RAISE EXCEPTION 'stale ranges: % at %', codes, n;
        END IF;
    END LOOP;
END $$;
-- Ranges that come and go beside embeddings to calibrate on.
CREATE FUNCTION either(ranges real[], rows real[]) RETURNS quantized LANGUAGE plpgsql AS $$ BEGIN RETURN quantize_embeddings('{1}', 'uint8', ranges, rows); END $$;
SELECT either(r, c), quantize_embeddings('{1}', 'uint8', r, c) AS at_one_site, quantize_embeddings('{1}', 'uint8', r, '{{0},{2}}') AS constant_rows
FROM (VALUES (1, NULL, '{{0},{2}}'::real[]), (2, '{{0},{4}}'::real[], NULL), (3, '{{0},{8}}', '{{0},{2}}'), (4, NULL, '{{0},{3}}')) AS t(n, r, c) ORDER BY n;
SELECT quantize_embeddings('{1}', 'uint8', NULL, '{{3},{0}}') AS rows_in_any_order;
-- … which are not ranges, also where the same array was calibrated on before.
SELECT quantize_embeddings('{1}', 'uint8', r, c) FROM (VALUES (1, NULL, '{{3},{0}}'::real[]), (2, '{{3},{0}}'::real[], NULL)) AS t(n, r, c) ORDER BY n;
-- The precision may change from row to row.
SELECT p, quantize_embeddings('{1,-1}', p, '{{-1,-1},{1,1}}') FROM unnest('{int8,binary,uint8,float32,int8}'::text[]) WITH ORDINALITY AS u(p, n) ORDER BY n;

-- Typed variables, loops, arrays of codes, exceptions that are caught.
CREATE FUNCTION nearest(query binvec, codes binvec[]) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    best int := 0;
    code binvec(4);
BEGIN
    FOR n IN 1 .. cardinality(codes) LOOP
        code := codes[n];
        IF best = 0 OR code <~> query < codes[best] <~> query THEN
            best := n;
        END IF;
    END LOOP;
    RETURN best;
END $$;
SELECT nearest('0111', '{1000,0110,0011}'), nearest(quantize_embeddings('{1,-1,-1,-1}', 'binary'), '{0111,1000}');
SELECT nearest('0111', '{1000,011}');
DO $$
DECLARE refused int := 0;
BEGIN
    FOR n IN 1 .. 1000 LOOP
        BEGIN
            PERFORM quantize_int8(ARRAY[1, 2]::real[], ARRAY[ARRAY[n], ARRAY[n]]::real[]);
        EXCEPTION WHEN data_exception THEN
            refused := refused + 1;
        END;
    END LOOP;
    RAISE NOTICE '% refused, still here', refused;
END $$;
-- An array that lives in a variable (an expanded object) is an array like any other, and is not changed.
DO $$
DECLARE
    v real[] := '{}';
    r real[];
BEGIN
    FOR n IN 1 .. 100 LOOP
        v[n] := n - 50;
        PERFORM quantize_binary(v), v <-> v;
    END LOOP;
    SELECT calibrate_ranges(v) INTO r;
    RAISE NOTICE '% % %', cardinality(v), r[1][1], length(replace(quantize_binary(v)::text, '0', ''));
END $$;
CREATE FUNCTION inlined(v real[], query real[]) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN v <=> query;
SELECT inlined('{1,0}', '{1,0}'), inlined('{1,0}', '{0,1}');
CREATE PROCEDURE fill(rows int) LANGUAGE plpgsql AS $$
BEGIN
    FOR n IN 1 .. rows LOOP
        INSERT INTO filled VALUES (quantize_embeddings(ARRAY[n % 2 - 0.5, n % 3 - 1], 'binary'), n);
        IF n % 10 = 0 THEN COMMIT; END IF;
    END LOOP;
END $$;
CREATE TABLE filled (b binvec(2), n int);
CALL fill(35);
SELECT b, count(*) FROM filled GROUP BY b ORDER BY b;
