-- The index access method qivf and its operator classes. Support function 1 of a class returns its number.

CREATE FUNCTION quantize.qivf_handler(internal) RETURNS index_am_handler
    STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'qivf_handler_wrapper';
CREATE ACCESS METHOD qivf TYPE INDEX HANDLER quantize.qivf_handler;
COMMENT ON ACCESS METHOD qivf IS 'inverted lists of quantized codes, searched best-first over bounds';

CREATE FUNCTION quantize.qivf_binvec_hamming() RETURNS integer IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'qivf_binvec_hamming_wrapper';
CREATE FUNCTION quantize.qivf_int8vec_ip() RETURNS integer IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'qivf_int8vec_ip_wrapper';
CREATE FUNCTION quantize.qivf_int8vec_cosine() RETURNS integer IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'qivf_int8vec_cosine_wrapper';
CREATE FUNCTION quantize.qivf_int8vec_l2() RETURNS integer IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'qivf_int8vec_l2_wrapper';
CREATE FUNCTION quantize.qivf_uint8vec_ip() RETURNS integer IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'qivf_uint8vec_ip_wrapper';
CREATE FUNCTION quantize.qivf_uint8vec_cosine() RETURNS integer IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'qivf_uint8vec_cosine_wrapper';
CREATE FUNCTION quantize.qivf_uint8vec_l2() RETURNS integer IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'qivf_uint8vec_l2_wrapper';
CREATE FUNCTION quantize.qivf_real_ip() RETURNS integer IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'qivf_real_ip_wrapper';
CREATE FUNCTION quantize.qivf_real_cosine() RETURNS integer IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'qivf_real_cosine_wrapper';
CREATE FUNCTION quantize.qivf_real_l2() RETURNS integer IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'qivf_real_l2_wrapper';

-- binvec: Hamming distance, and float queries by inner product and cosine.
CREATE OPERATOR CLASS binvec_hamming_ops DEFAULT FOR TYPE binvec USING qivf AS
    OPERATOR 1 <~> FOR ORDER BY float_ops,
    OPERATOR 2 <#> (binvec, real[]) FOR ORDER BY float_ops,
    OPERATOR 3 <=> (binvec, real[]) FOR ORDER BY float_ops,
    FUNCTION 1 quantize.qivf_binvec_hamming();

-- int8vec: with itself, and with float queries.
CREATE OPERATOR CLASS int8vec_ip_ops DEFAULT FOR TYPE int8vec USING qivf AS
    OPERATOR 1 <#> FOR ORDER BY float_ops,
    OPERATOR 1 <#> (int8vec, real[]) FOR ORDER BY float_ops,
    FUNCTION 1 quantize.qivf_int8vec_ip();
CREATE OPERATOR CLASS int8vec_cosine_ops FOR TYPE int8vec USING qivf AS
    OPERATOR 1 <=> FOR ORDER BY float_ops,
    OPERATOR 1 <=> (int8vec, real[]) FOR ORDER BY float_ops,
    FUNCTION 1 quantize.qivf_int8vec_cosine();
CREATE OPERATOR CLASS int8vec_l2_ops FOR TYPE int8vec USING qivf AS
    OPERATOR 1 <-> FOR ORDER BY float_ops,
    FUNCTION 1 quantize.qivf_int8vec_l2();

-- uint8vec: with itself, and with float queries.
CREATE OPERATOR CLASS uint8vec_ip_ops DEFAULT FOR TYPE uint8vec USING qivf AS
    OPERATOR 1 <#> FOR ORDER BY float_ops,
    OPERATOR 1 <#> (uint8vec, real[]) FOR ORDER BY float_ops,
    FUNCTION 1 quantize.qivf_uint8vec_ip();
CREATE OPERATOR CLASS uint8vec_cosine_ops FOR TYPE uint8vec USING qivf AS
    OPERATOR 1 <=> FOR ORDER BY float_ops,
    OPERATOR 1 <=> (uint8vec, real[]) FOR ORDER BY float_ops,
    FUNCTION 1 quantize.qivf_uint8vec_cosine();
CREATE OPERATOR CLASS uint8vec_l2_ops FOR TYPE uint8vec USING qivf AS
    OPERATOR 1 <-> FOR ORDER BY float_ops,
    FUNCTION 1 quantize.qivf_uint8vec_l2();

-- real[]: cosine by default, as in sentence-transformers.
CREATE OPERATOR CLASS real_ip_ops FOR TYPE real[] USING qivf AS
    OPERATOR 1 <#> FOR ORDER BY float_ops,
    FUNCTION 1 quantize.qivf_real_ip();
CREATE OPERATOR CLASS real_cosine_ops DEFAULT FOR TYPE real[] USING qivf AS
    OPERATOR 1 <=> FOR ORDER BY float_ops,
    FUNCTION 1 quantize.qivf_real_cosine();
CREATE OPERATOR CLASS real_l2_ops FOR TYPE real[] USING qivf AS
    OPERATOR 1 <-> FOR ORDER BY float_ops,
    FUNCTION 1 quantize.qivf_real_l2();

-- Looking into an index.
CREATE FUNCTION qivf_info(index regclass) RETURNS jsonb
    STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'qivf_info_wrapper';
COMMENT ON FUNCTION qivf_info IS 'what a qivf index is and holds, and whether a REINDEX is due';
CREATE FUNCTION qivf_check(index regclass) RETURNS SETOF text
    STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'qivf_check_wrapper';
COMMENT ON FUNCTION qivf_check IS 'every broken invariant of a qivf index; no rows when it is sound';
CREATE FUNCTION qivf_tune(index regclass, queries real[]) RETURNS jsonb
    STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'qivf_tune_wrapper';
COMMENT ON FUNCTION qivf_tune IS 'learn from real queries how many lists a recall target takes';
CREATE FUNCTION recall_report(
    index regclass, queries integer DEFAULT 100, k integer DEFAULT 10,
    OUT target_recall real, OUT recall real, OUT confidence real, OUT mean_us real, OUT p95_us real,
    OUT lists real, OUT codes real, OUT rows_scanned real, OUT rows_rechecked real, OUT queries_run integer
) RETURNS SETOF record
    STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'recall_report_wrapper';
COMMENT ON FUNCTION recall_report(regclass, integer, integer) IS 'recall and effort at several targets, with rows as queries';
CREATE FUNCTION recall_report(
    index regclass, queries real[], k integer DEFAULT 10,
    OUT target_recall real, OUT recall real, OUT confidence real, OUT mean_us real, OUT p95_us real,
    OUT lists real, OUT codes real, OUT rows_scanned real, OUT rows_rechecked real, OUT queries_run integer
) RETURNS SETOF record
    STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'recall_report_queries_wrapper';
COMMENT ON FUNCTION recall_report(regclass, real[], integer) IS 'recall and effort at several targets, with real queries';
CREATE FUNCTION qivf_last_scan() RETURNS jsonb
    STRICT PARALLEL RESTRICTED LANGUAGE c AS 'MODULE_PATHNAME', 'qivf_last_scan_wrapper';
COMMENT ON FUNCTION qivf_last_scan IS 'what the last qivf index scan of this session looked at, and why it ended';
