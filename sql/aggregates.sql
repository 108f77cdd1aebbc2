-- Calibration. Transition types are plain arrays, so that workers (and other nodes) can exchange states.

-- 2×d ranges: the exact minimum and maximum of each dimension. The state is the result.
CREATE FUNCTION quantize.calibrate_ranges_transition(real[], real[]) RETURNS real[]
    IMMUTABLE PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'calibrate_ranges_transition_wrapper';
CREATE FUNCTION quantize.merge_ranges_transition(real[], real[]) RETURNS real[]
    IMMUTABLE PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'merge_ranges_transition_wrapper';
CREATE AGGREGATE calibrate_ranges(embedding real[]) (
    SFUNC = quantize.calibrate_ranges_transition, STYPE = real[], COMBINEFUNC = quantize.merge_ranges_transition,
    SSPACE = 8192, PARALLEL = safe
);
COMMENT ON AGGREGATE calibrate_ranges(real[]) IS 'minimum and maximum of each dimension, as quantize_embeddings takes them';

-- One set of ranges that covers several.
CREATE AGGREGATE merge_ranges(ranges real[]) (
    SFUNC = quantize.merge_ranges_transition, STYPE = real[], COMBINEFUNC = quantize.merge_ranges_transition,
    SSPACE = 8192, PARALLEL = safe
);
COMMENT ON AGGREGATE merge_ranges(real[]) IS 'the ranges that cover all of the given ranges';

-- Ranges without the tails: 1 - quantile of the values is cut at each end of each dimension. From a sketch of 12 kB a
-- dimension; a bound is within 1/64 of its own size of the exact quantile.
CREATE FUNCTION quantize.calibrate_quantile_transition(integer[], real[], float8) RETURNS integer[]
    IMMUTABLE PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'calibrate_quantile_transition_wrapper';
CREATE FUNCTION quantize.calibrate_quantile_combine(integer[], integer[]) RETURNS integer[]
    IMMUTABLE PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'calibrate_quantile_combine_wrapper';
CREATE FUNCTION quantize.calibrate_quantile_final(integer[]) RETURNS real[]
    IMMUTABLE PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'calibrate_quantile_final_wrapper';
CREATE AGGREGATE calibrate_ranges(embedding real[], quantile float8) (
    SFUNC = quantize.calibrate_quantile_transition, STYPE = integer[], COMBINEFUNC = quantize.calibrate_quantile_combine,
    FINALFUNC = quantize.calibrate_quantile_final, FINALFUNC_MODIFY = read_only, SSPACE = 8000000, PARALLEL = safe
);
COMMENT ON AGGREGATE calibrate_ranges(real[], float8) IS 'ranges that cut 1 - quantile of the values at each end';

-- The mean of each dimension.
CREATE FUNCTION quantize.calibrate_thresholds_transition(float8[], real[]) RETURNS float8[]
    IMMUTABLE PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'calibrate_thresholds_transition_wrapper';
CREATE FUNCTION quantize.calibrate_thresholds_combine(float8[], float8[]) RETURNS float8[]
    IMMUTABLE PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'calibrate_thresholds_combine_wrapper';
CREATE FUNCTION quantize.calibrate_thresholds_final(float8[]) RETURNS real[]
    IMMUTABLE PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'calibrate_thresholds_final_wrapper';
CREATE AGGREGATE calibrate_thresholds(embedding real[]) (
    SFUNC = quantize.calibrate_thresholds_transition, STYPE = float8[], COMBINEFUNC = quantize.calibrate_thresholds_combine,
    FINALFUNC = quantize.calibrate_thresholds_final, FINALFUNC_MODIFY = read_only, SSPACE = 8192, PARALLEL = safe
);
COMMENT ON AGGREGATE calibrate_thresholds(real[]) IS 'mean of each dimension, as quantize_binary takes thresholds';

-- How much of the data lies outside ranges.
CREATE FUNCTION quantize.clipping_report_transition(bigint[], real[], real[]) RETURNS bigint[]
    IMMUTABLE PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'clipping_report_transition_wrapper';
CREATE FUNCTION quantize.clipping_report_combine(bigint[], bigint[]) RETURNS bigint[]
    IMMUTABLE PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'clipping_report_combine_wrapper';
CREATE FUNCTION quantize.clipping_report_final(bigint[]) RETURNS jsonb
    IMMUTABLE PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', 'clipping_report_final_wrapper';
CREATE AGGREGATE clipping_report(embedding real[], ranges real[]) (
    SFUNC = quantize.clipping_report_transition, STYPE = bigint[], COMBINEFUNC = quantize.clipping_report_combine,
    FINALFUNC = quantize.clipping_report_final, FINALFUNC_MODIFY = read_only, SSPACE = 16384, PARALLEL = safe
);
COMMENT ON AGGREGATE clipping_report(real[], real[]) IS 'share of values outside ranges, in all and in the worst dimensions';
