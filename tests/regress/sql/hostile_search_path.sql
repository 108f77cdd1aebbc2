-- Whoever may create objects in a schema of somebody's search_path must not have a say in what our SQL does. A schema that
-- comes before pg_catalog holds operators for every pair of built-in types in use, functions, types and relations by every name
-- that our SQL uses. Each of them counts its calls in a sequence, which no rollback undoes, and fails.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE SCHEMA evil;
CREATE SEQUENCE evil.calls;
SET search_path = pg_catalog, pg_temp;
DO $$
DECLARE
    types CONSTANT regtype[] := '{bool,"\"char\"",name,text,int2,int4,int8,numeric,float4,float8,oid,regclass,regtype,uuid,tid,bytea,
        jsonb,timestamptz,interval,_text,_name,_oid,_int2,_int4,_int8,_float4,_float8,_numeric,_bool,int8range,int8multirange}';
    l regtype;
    r regtype;
    symbol text;
    capture CONSTANT text := $f$BEGIN PERFORM pg_catalog.nextval('evil.calls'); RAISE EXCEPTION 'captured'; END$f$;
    f record;
BEGIN
    -- Operators: every pair of types, whether Postgres has that operator or would have to cast.
    FOREACH l IN ARRAY types LOOP
        FOREACH r IN ARRAY types LOOP
            -- Arrays and ranges with their own kind.
            CONTINUE WHEN l <> r AND '{_text,_name,_oid,_int2,_int4,_int8,_float4,_float8,_numeric,_bool,int8range,int8multirange}'::regtype[] && ARRAY[l, r];
            EXECUTE format('CREATE FUNCTION evil.holds(%s, %s) RETURNS boolean LANGUAGE plpgsql AS %L', l, r, capture);
            EXECUTE format('CREATE FUNCTION evil.computes(%s, %s) RETURNS %1$s LANGUAGE plpgsql AS %3$L', l, r, capture);
            FOREACH symbol IN ARRAY '{=,<>,<,>,<=,>=,~}'::text[] LOOP
                EXECUTE format('CREATE OPERATOR evil.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = evil.holds)', symbol, l, r);
            END LOOP;
            FOREACH symbol IN ARRAY '{+,-,*,/,%,||}'::text[] LOOP
                EXECUTE format('CREATE OPERATOR evil.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = evil.computes)', symbol, l, r);
            END LOOP;
        END LOOP;
    END LOOP;
    -- Functions: all of pg_catalog's that our own name, with the same arguments; aggregates too.
    FOR f IN
        SELECT DISTINCT p.proname,
            (SELECT coalesce(string_agg(format_type(a.oid, NULL), ', ' ORDER BY a.n), '') FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY a(oid, n)) AS arguments
        FROM pg_proc p
        WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind IN ('f', 'a')
            AND NOT EXISTS (SELECT FROM unnest(p.proargtypes) a JOIN pg_type t ON t.oid = a WHERE t.typtype = 'p' AND t.typname !~ '^any.')
            AND EXISTS (SELECT FROM pg_proc o WHERE o.pronamespace IN ('quantize'::regnamespace, 'public'::regnamespace)
                AND o.prosrc ~ ('\m' || p.proname || '\M'))
    LOOP
        EXECUTE format('CREATE FUNCTION evil.%I(%s) RETURNS text LANGUAGE plpgsql AS %L', f.proname, f.arguments, capture);
    END LOOP;
    EXECUTE format('CREATE FUNCTION evil.format(text, VARIADIC anyarray) RETURNS text LANGUAGE plpgsql AS %L', capture);
    EXECUTE format('CREATE FUNCTION evil.format(text, text) RETURNS text LANGUAGE plpgsql AS %L', capture);
    EXECUTE format('CREATE FUNCTION evil.format(text, name) RETURNS text LANGUAGE plpgsql AS %L', capture);
    EXECUTE format('CREATE FUNCTION evil.num_nonnulls(VARIADIC anyarray) RETURNS text LANGUAGE plpgsql AS %L', capture);
    -- Relations without a column; temporary ones too, which come first where search_path doesn't say otherwise.
    FOR f IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind IN ('r', 'v')
            AND EXISTS (SELECT FROM pg_proc o WHERE o.pronamespace = 'quantize'::regnamespace AND o.prosrc ~ ('\m' || c.relname || '\M')) LOOP
        EXECUTE format('CREATE TABLE evil.%I ()', f.relname);
        EXECUTE format('CREATE TEMPORARY TABLE %I ()', f.relname);
    END LOOP;
    CREATE TABLE evil.quantized_columns ();
    CREATE TABLE evil.quantize_work ();
    -- Types: last, since this block names some of them.
    FOR f IN SELECT t.typname FROM pg_type t WHERE t.oid = ANY (types) AND t.typcategory <> 'A' LOOP
        EXECUTE format('CREATE DOMAIN evil.%I AS pg_catalog.point', f.typname);
        EXECUTE format('CREATE DOMAIN pg_temp.%I AS pg_catalog.point', f.typname);
    END LOOP;
END
$$;
RESET search_path;

CREATE TABLE docs (id integer PRIMARY KEY, embedding real[]);
INSERT INTO docs SELECT i, ARRAY(SELECT sin(i * 7 + k * 3)::real FROM generate_series(1, 16) k) FROM generate_series(1, 300) i;
INSERT INTO docs VALUES (-1, NULL);
CREATE TABLE parts (id integer, embedding real[]) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
INSERT INTO parts SELECT id, embedding FROM docs WHERE id BETWEEN 1 AND 99;
ANALYZE docs;
SELECT (SELECT count(*) FROM pg_catalog.pg_operator WHERE oprnamespace = 'evil'::regnamespace) > 4000 AS operators,
    (SELECT count(*) FROM pg_catalog.pg_proc WHERE pronamespace = 'evil'::regnamespace) > 500 AS functions,
    (SELECT count(*) FROM pg_catalog.pg_class WHERE relnamespace = 'evil'::regnamespace) > 10 AS relations;
SET search_path = evil, pg_catalog;
SELECT 1 + 1;
RESET search_path;
SELECT setval('evil.calls', 1, false);

-- From here on nothing but calls: what the test itself would compute would be captured too.
SET search_path = evil, pg_catalog, pg_temp, public;
CALL public.quantize_column('public.docs', 'embedding', 'int8', batch_rows => 100, pause_ms => 1);
CALL public.quantize_column('public.docs', 'embedding', 'int8');
CALL public.quantize_column('public.docs', 'embedding', 'uint8', sample_rows => 100, quantile => 0.99, truncate_dim => 8);
CALL public.quantize_column('public.docs', 'embedding', 'binary', learn_thresholds => true);
CALL public.quantize_column('public.docs', 'embedding', 'int8', 'generated_one', mode => 'generated', sample_percent => 100);
CALL public.quantize_column('public.docs', 'embedding', 'ubinary', 'signs', ranges => '{{1},{2}}');
CALL public.quantize_column('public.parts', 'embedding', 'int8');
CREATE TABLE public.parts_2 PARTITION OF public.parts FOR VALUES FROM (100) TO (200);
CALL public.quantize_column('public.parts', 'embedding', 'int8');
CREATE INDEX by_code ON public.docs USING qivf (embedding_int8 public.int8vec_ip_ops);
CALL public.requantize_column('public.docs', 'embedding_int8');
CREATE INDEX next_by_code ON public.docs USING qivf (next_embedding_int8 public.int8vec_ip_ops);
CALL public.requantize_column('public.docs', 'embedding_int8');
CALL public.requantize_column('public.docs', 'generated_one', ranges => '{{-2,-2,-2,-2,-2,-2,-2,-2,-2,-2,-2,-2,-2,-2,-2,-2},{2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2}}');
CALL public.requantize_column('public.parts', 'embedding_int8');
TABLE public.quantize_progress;
SELECT quantized_column, state, pg_catalog.split_part(verdict, ':'::pg_catalog.text, 1) FROM public.calibration_status('public.docs');
SELECT quantized_column, pg_catalog.split_part(verdict, ':'::pg_catalog.text, 1) FROM public.calibration_status('public.parts', 10);
-- Triggers and event triggers.
INSERT INTO public.docs (id, embedding) VALUES (1001, '{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16}');
INSERT INTO public.docs (id, embedding) VALUES (1001, '{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,17}') ON CONFLICT (id) DO UPDATE SET embedding = EXCLUDED.embedding;
ALTER TABLE public.docs RENAME COLUMN embedding TO "a ""column";
INSERT INTO public.docs (id, "a ""column") VALUES (1002, '{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16}');
ALTER TABLE public.docs SET SCHEMA public;
ALTER TABLE public.docs RENAME TO papers;
CALL public.drop_quantized_column('public.papers', 'embedding_uint8');
ALTER TABLE public.papers DROP COLUMN generated_one;
-- Values, operators and aggregates.
SELECT public.quantize_embeddings('{1,2}', 'int8', '{{0,0},{3,3}}'), public.calibrate_ranges("a ""column") IS NULL AS none FROM public.papers;
DROP TABLE public.parts;
-- Searches, with plans that are kept and with those that are shown; looking into an index.
SELECT pg_catalog.count(*) FROM public.semantic_search(NULL::public.papers, '{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16}', 2);
SELECT pg_catalog.count(*) FROM public.semantic_search(NULL::public.papers, '{{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16}}', 1, quantized => 'embedding_bin', refine => 'embedding_int8', metric => 'l2');
SELECT pg_catalog.count(*) FROM public.semantic_search(NULL::public.papers, '{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16}', 1, quantized => 'embedding_int8', rescore => false, exact => true);
SELECT public.semantic_search_sql(NULL::public.papers, '{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16}', 2, quantized => 'embedding_int8') IS NULL AS none;
SELECT candidate FROM public.rescore('{1,2}', '{{1,2},{2,1}}');
SELECT pg_catalog.count(*) FROM (SELECT FROM public.papers ORDER BY embedding_int8 OPERATOR(public.<#>) (SELECT public.scale_query('{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16}', 'public.papers', 'embedding_int8')) LIMIT 1) s;
SELECT public.qivf_check('public.by_code'), public.qivf_info('public.by_code') IS NULL AS none;
SELECT pg_catalog.count(*) FROM public.recall_report('public.by_code', 2);

RESET search_path;
SELECT is_called AS captured FROM evil.calls;
SELECT count(embedding_int8) AS codes, count(embedding_bin) AS bits FROM papers;
SELECT table_name, quantized_column, source_column, state FROM quantized_columns ORDER BY 2;

-- The extension's schema is the hostile one: what its script makes is bound to nothing that was there.
DROP EXTENSION pg_quantize CASCADE;
ALTER TABLE papers DROP COLUMN IF EXISTS embedding_int8, DROP COLUMN IF EXISTS embedding_bin;
DROP TABLE evil.quantized_columns, evil.quantize_work;
CREATE EXTENSION pg_quantize SCHEMA evil;
SET search_path = evil, pg_catalog, pg_temp, public;
CALL quantize_column('public.papers', 'a "column', 'int8', 'code', pause_ms => 1);
CALL quantize_column('public.papers', 'a "column', 'binary', 'bits', mode => 'generated', learn_thresholds => true);
CREATE INDEX by_code ON public.papers USING qivf (code int8vec_ip_ops);
CALL requantize_column('public.papers', 'bits', learn_thresholds => true);
TABLE quantize_progress;
SELECT quantized_column, state FROM quantized_columns;
SELECT pg_catalog.split_part(verdict, ':'::pg_catalog.text, 1) FROM calibration_status('public.papers');
SELECT pg_catalog.count(*) FROM semantic_search(NULL::public.papers, '{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16}', 1, quantized => 'code');
SELECT pg_catalog.count(*) FROM (SELECT FROM public.papers ORDER BY "a ""column" <=> '{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16}'::double precision[] LIMIT 1) s;
UPDATE public.papers SET "a ""column" = "a ""column";
CALL drop_quantized_column('public.papers', 'code');
DROP TABLE public.papers;
RESET search_path;
SELECT is_called AS captured FROM evil.calls;
