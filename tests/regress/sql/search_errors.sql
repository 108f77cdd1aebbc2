-- What semantic_search refuses, with SQLSTATE, message, detail and hint.
CREATE TABLE docs (id integer, title text, embedding real[], embedding_bin binvec(3), embedding_int8 int8vec(3));
INSERT INTO docs VALUES (1, 'one', '{1,2,3}', '111', '[1,2,3]');
CREATE TABLE plain (id integer, title text);
CREATE TABLE two_floats (title_embedding real[], body_embedding real[], body_bin binvec(3));
CREATE TABLE only_code (id integer, code binvec(3));
CREATE TABLE no_typmod (id integer, embedding real[], code binvec);
INSERT INTO no_typmod VALUES (1, '{1,2,3}', '111');
CREATE TYPE composite AS (id integer, embedding real[]);
CREATE FUNCTION refused(call text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    hint text;
BEGIN
    EXECUTE 'SELECT * FROM semantic_search(' || call || ')';
    RAISE INFO 'no error: %', call;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RAISE INFO E'%\n% %', call, SQLSTATE, concat_ws(E'\n', message, 'DETAIL: ' || nullif(detail, ''), 'HINT: ' || nullif(hint, ''));
END
$$;

-- The corpus.
SELECT refused($s$'docs', '{1,2,3}'$s$);
SELECT refused($s$NULL, '{1,2,3}'$s$);
SELECT refused($s$'docs'::regclass, '{1,2,3}'$s$);
SELECT refused($s$NULL::composite, '{1,2,3}'$s$);
SELECT refused($s$ROW(1, 2), '{1,2,3}'$s$);
-- Columns.
SELECT refused($s$NULL::plain, '{1,2,3}'$s$);
SELECT refused($s$NULL::two_floats, '{1,2,3}'$s$);
SELECT refused($s$NULL::two_floats, '{1,2,3}', embedding => 'title_embedding', quantized => 'body_bin', refine => 'body_bin'$s$);
SELECT refused($s$NULL::only_code, '{1,2,3}'$s$);
SELECT refused($s$NULL::docs, '{1,2,3}'$s$);
SELECT refused($s$NULL::docs, '{1,2,3}', embedding => 'nowhere'$s$);
SELECT refused($s$NULL::docs, '{1,2,3}', embedding => 'title'$s$);
SELECT refused($s$NULL::docs, '{1,2,3}', quantized => 'nowhere'$s$);
SELECT refused($s$NULL::docs, '{1,2,3}', quantized => 'embedding'$s$);
SELECT refused($s$NULL::docs, '{1,2,3}', quantized => 'embedding_int8', refine => 'embedding_bin'$s$);
SELECT refused($s$NULL::docs, '{1,2,3}', quantized => 'embedding_int8', refine => 'embedding_int8'$s$);
SELECT refused($s$NULL::docs, '{1,2,3}', embedding => 'ctid'$s$);
-- The calibration.
SELECT refused($s$NULL::docs, '{1,2,3}', quantized => 'embedding_int8'$s$);
SELECT refused($s$NULL::docs, '{1,2,3}', quantized => 'embedding_bin', refine => 'embedding_int8'$s$);
SELECT refused($s$NULL::docs, '{1,2,3}', quantized => 'embedding_int8', ranges => '{1,2,3}'$s$);
SELECT refused($s$NULL::docs, '{1,2,3}', quantized => 'embedding_int8', ranges => '{}'$s$);
SELECT refused($s$NULL::docs, '{1,2,3}', quantized => 'embedding_int8', ranges => '{{0,0},{1,1}}'$s$);
SELECT refused($s$NULL::docs, '{1,2,3}', quantized => 'embedding_int8', ranges => '{{0,0,3},{1,1,2}}'$s$);
SELECT refused($s$NULL::docs, '{1,2,3}', quantized => 'embedding_int8', metric => 'hamming', ranges => '{{0,0,0},{1,1,1}}'$s$);
-- The query.
SELECT refused($s$NULL::docs, '{1,2}', quantized => 'embedding_bin'$s$);
SELECT refused($s$NULL::docs, '{{1,2},{3,4}}', quantized => 'embedding_bin'$s$);
SELECT refused($s$NULL::no_typmod, '{1,2}'$s$);
SELECT refused($s$NULL::docs, '{}', quantized => 'embedding_bin'$s$);
SELECT refused($s$NULL::docs, '{{{1,2,3}}}', quantized => 'embedding_bin'$s$);
SELECT refused($s$NULL::docs, '{1,NaN,3}', quantized => 'embedding_bin'$s$);
SELECT refused($s$NULL::docs, '{{1,2,3},{1,-Infinity,3}}', quantized => 'embedding_bin'$s$);
SELECT refused($s$NULL::docs, '{1,NULL,3}', quantized => 'embedding_bin'$s$);
-- The other parameters.
SELECT refused($s$NULL::docs, '{1,2,3}', -1, quantized => 'embedding_bin'$s$);
SELECT refused($s$NULL::docs, '{1,2,3}', NULL, quantized => 'embedding_bin'$s$);
SELECT refused($s$NULL::docs, '{1,2,3}', quantized => 'embedding_bin', rescore_multiplier => 0.99$s$);
SELECT refused($s$NULL::docs, '{1,2,3}', quantized => 'embedding_bin', rescore_multiplier => 'NaN'$s$);
SELECT refused($s$NULL::docs, '{1,2,3}', quantized => 'embedding_bin', rescore_multiplier => NULL$s$);
SELECT refused($s$NULL::docs, '{1,2,3}', quantized => 'embedding_bin', rescore => NULL$s$);
SELECT refused($s$NULL::docs, '{1,2,3}', quantized => 'embedding_bin', exact => NULL$s$);
SELECT refused($s$NULL::docs, '{1,2,3}', quantized => 'embedding_bin', metric => 'manhattan'$s$);
SELECT refused($s$NULL::docs, '{1,2,3}', quantized => 'embedding_bin', metric => NULL$s$);
-- A filter that does not parse: the parser's own message, with its position.
\set SHOW_CONTEXT never
SELECT count(*) FROM semantic_search(NULL::docs, '{1,2,3}', quantized => 'embedding_bin', filter => 'title = = ''x''');
SELECT count(*) FROM semantic_search(NULL::docs, '{1,2,3}', quantized => 'embedding_bin', filter => 'titel = ''x''');
SELECT count(*) FROM semantic_search(NULL::docs, '{1,2,3}', quantized => 'embedding_bin', filter => 'title = ''x');
SELECT count(*) FROM semantic_search(NULL::docs, '{1,2,3}', quantized => 'embedding_bin', filter => '');
SELECT count(*) FROM semantic_search(NULL::docs, '{1,2,3}', quantized => 'embedding_bin', filter => 'id');
SELECT count(*) FROM semantic_search(NULL::docs, '{1,2,3}', quantized => 'embedding_bin', filter => 'found.id > 0');
