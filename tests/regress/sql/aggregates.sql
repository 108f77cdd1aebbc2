-- Calibration, thresholds, merging, drift.
CREATE TABLE e (id int, domain text, embedding real[]);
INSERT INTO e SELECT n, CASE WHEN n % 2 = 0 THEN 'even' ELSE 'odd' END, ARRAY[sin(n), n, -n / 1000.0, 0.5] FROM generate_series(1, 1000) AS n;
INSERT INTO e VALUES (0, 'none', NULL);
SELECT calibrate_ranges(embedding) FROM e;
-- Exactly min and max of each dimension.
WITH r AS (SELECT calibrate_ranges(embedding) AS ranges FROM e)
SELECT bool_and(ranges[1][i] = lo AND ranges[2][i] = hi) AS exact, array_ndims(min(ranges)) AS ndims, array_dims(min(ranges)) AS dims
FROM r, (SELECT i, min(x) AS lo, max(x) AS hi FROM e, unnest(embedding) WITH ORDINALITY AS u(x, i) GROUP BY i) AS d;
SELECT calibrate_thresholds(embedding) FROM e WHERE id <= 3;
SELECT bool_and(abs((SELECT calibrate_thresholds(embedding) FROM e)[i] - mean) < 1e-6 * greatest(1, abs(mean))) AS is_the_mean
FROM (SELECT i, avg(x) AS mean FROM e, unnest(embedding) WITH ORDINALITY AS u(x, i) GROUP BY i) AS d;

-- No rows, only NULLs, NULLs among rows, one row.
SELECT calibrate_ranges(embedding), calibrate_ranges(embedding, 0.99), calibrate_thresholds(embedding), merge_ranges(embedding), clipping_report(embedding, '{{0},{1}}')
FROM e WHERE id < 0;
SELECT calibrate_ranges(embedding), calibrate_ranges(embedding, 0.99), calibrate_thresholds(embedding), merge_ranges(embedding), clipping_report(embedding, '{{0},{1}}')
FROM e WHERE embedding IS NULL;
SELECT calibrate_ranges(v), calibrate_ranges(v, 0.9), calibrate_thresholds(v) FROM (VALUES (NULL), ('{1,-2}'::real[]), (NULL)) AS t(v);
SELECT calibrate_ranges('{-0,0}'::real[]) AS zeros_have_no_sign, merge_ranges('{{-0},{-0}}'::real[]);

-- Quantiles: tails are cut at both ends. A bound is within 1/64 of the exact one.
SELECT calibrate_ranges(embedding, 1) = calibrate_ranges(embedding) AS quantile_1_cuts_nothing FROM e;
WITH r AS (SELECT calibrate_ranges(embedding, 0.99) AS ranges FROM e)
SELECT i, bool_and(abs(ranges[1][i] - lo) <= abs(lo) / 64 AND abs(ranges[2][i] - hi) <= abs(hi) / 64) AS within_the_stated_error
FROM r, (SELECT i, percentile_disc(0.01) WITHIN GROUP (ORDER BY x) AS lo, percentile_disc(0.99) WITHIN GROUP (ORDER BY x) AS hi
         FROM e, unnest(embedding) WITH ORDINALITY AS u(x, i) GROUP BY i) AS d GROUP BY i ORDER BY i;
-- Both ends alike: the negated data give the negated ranges.
SELECT calibrate_ranges(ARRAY[n], 0.7), calibrate_ranges(ARRAY[-n], 0.7) FROM generate_series(1, 2) AS n;
SELECT calibrate_ranges(embedding, 0.999) AS outlier_is_cut FROM (SELECT ARRAY[CASE n WHEN 7 THEN 1e6 ELSE 1 END]::real[] AS embedding FROM generate_series(1, 2000) AS n) AS t;

-- With FILTER, DISTINCT, ORDER BY, GROUP BY, ROLLUP, HAVING.
SELECT calibrate_ranges(embedding) FILTER (WHERE id > 998), calibrate_ranges(DISTINCT embedding ORDER BY embedding DESC) FILTER (WHERE id < 3) FROM e;
SELECT domain, calibrate_ranges(embedding) FILTER (WHERE id <= 4) FROM e GROUP BY domain ORDER BY domain;
SELECT domain, id % 3 AS part, (calibrate_ranges(embedding))[2][2] AS top, (calibrate_thresholds(embedding))[4] AS mean FROM e WHERE id BETWEEN 1 AND 7
GROUP BY ROLLUP (domain, id % 3) ORDER BY 1, 2;
SELECT domain FROM e GROUP BY domain HAVING (calibrate_ranges(embedding))[2][2] = 1000;
-- Several states side by side, by hashing and by sorting: the same.
SET enable_sort = off;
CREATE TABLE hashed AS SELECT id % 50 AS g, calibrate_ranges(embedding) AS r, calibrate_ranges(embedding, 0.9) AS q, calibrate_thresholds(embedding) AS t, clipping_report(embedding, '{{-0.5,0,-1,0},{0.5,900,0,1}}') AS c FROM e WHERE id > 0 GROUP BY g;
RESET enable_sort;
SET enable_hashagg = off;
CREATE TABLE sorted AS SELECT id % 50 AS g, calibrate_ranges(embedding) AS r, calibrate_ranges(embedding, 0.9) AS q, calibrate_thresholds(embedding) AS t, clipping_report(embedding, '{{-0.5,0,-1,0},{0.5,900,0,1}}') AS c FROM e WHERE id > 0 GROUP BY g;
RESET enable_hashagg;
SELECT count(*) AS groups FROM hashed JOIN sorted USING (g, r, q, t, c);
-- As window functions: each row sees the state of its frame, and rows before it keep theirs.
SELECT id, calibrate_ranges(v) OVER w AS so_far, calibrate_thresholds(v) OVER w AS mean, calibrate_ranges(v, 0.9) OVER (ORDER BY id ROWS 1 PRECEDING) AS last_two, merge_ranges(ARRAY[v, v]) OVER w AS merged
FROM (SELECT id, (embedding)[2:2] AS v FROM e WHERE id BETWEEN 1 AND 4) AS t WINDOW w AS (ORDER BY id) ORDER BY id;
SELECT id, clipping_report(v, '{{2},{3}}') OVER (ORDER BY id) -> 'clipped_values' AS clipped FROM (SELECT id, (embedding)[2:2] AS v FROM e WHERE id BETWEEN 1 AND 4) AS t;

-- merge_ranges covers all of the given ranges.
SELECT merge_ranges(r) FROM (SELECT calibrate_ranges(embedding) AS r FROM e GROUP BY domain) AS t;
SELECT (SELECT merge_ranges(r) FROM (SELECT calibrate_ranges(embedding) AS r FROM e GROUP BY id % 7) AS t) = (SELECT calibrate_ranges(embedding) FROM e) AS same_as_at_once;

-- clipping_report: how far data lie outside ranges.
SELECT jsonb_pretty(clipping_report(embedding, '{{-1,1,-0.5,0.5},{1,900,0,0.5}}')) FROM e;
SELECT clipping_report(embedding, (SELECT calibrate_ranges(embedding) FROM e)) -> 'clipped_share' AS nothing_outside FROM e;

-- Bad input.
SELECT calibrate_ranges(v) FROM (VALUES ('{1,2}'::real[]), ('{1,2,3}')) AS t(v);
SELECT calibrate_ranges(v) FROM (VALUES ('{1,2}'::real[]), ('{NaN,2}')) AS t(v);
SELECT calibrate_ranges('{}'::real[]);
SELECT calibrate_ranges('{1,NULL}'::real[]);
SELECT calibrate_ranges('{{1,2}}'::real[]);
SELECT calibrate_ranges(array_fill(1::real, ARRAY[65536]));
SELECT calibrate_ranges(v, 0.9) FROM (VALUES ('{1,2}'::real[]), ('{1}')) AS t(v);
SELECT calibrate_ranges('{1}'::real[], 0.5);
SELECT calibrate_ranges('{1}'::real[], 1.001);
SELECT calibrate_ranges('{1}'::real[], 'NaN');
SELECT calibrate_ranges('{1}'::real[], NULL);
SELECT calibrate_ranges('{1}'::real[], q) FROM unnest('{0.9,0.99}'::float8[]) AS q;
SELECT calibrate_ranges('{-Infinity}'::real[], 0.9);
SELECT calibrate_thresholds('{Infinity}'::real[]);
SELECT calibrate_thresholds(v) FROM (VALUES ('{1,2}'::real[]), ('{1}')) AS t(v);
SELECT merge_ranges('{1,2}'::real[]);
SELECT merge_ranges('{{1},{2},{3}}'::real[]);
SELECT merge_ranges('{{2},{1}}'::real[]);
SELECT merge_ranges(v) FROM (VALUES ('{{1},{2}}'::real[]), ('{{1,1},{2,2}}')) AS t(v);
SELECT clipping_report('{1}'::real[], NULL);
SELECT clipping_report('{1}'::real[], '{1,2}');
SELECT clipping_report('{1}'::real[], '{{2},{1}}');
SELECT clipping_report('{1,2}'::real[], '{{0},{1}}');
SELECT clipping_report('{1}'::real[], r) FROM (VALUES ('{{0},{1}}'::real[]), ('{{0},{2}}')) AS t(r);
SELECT clipping_report('{NaN}'::real[], '{{0},{1}}');
-- The functions behind the aggregates refuse a state that does not come from one.
SELECT quantize.calibrate_ranges_transition('{{1},{1}}', '{1}');
SELECT quantize.merge_ranges_transition('{1}', '{{1},{1}}');
SELECT quantize.calibrate_quantile_transition('{1}', '{1}', 0.9);
SELECT quantize.calibrate_quantile_combine(NULL, '{1}');
SELECT quantize.calibrate_quantile_final('{1}');
SELECT quantize.calibrate_thresholds_transition('{}', '{1}');
SELECT quantize.calibrate_thresholds_combine('{1}', '{1}');
SELECT quantize.calibrate_thresholds_final('{}');
SELECT quantize.clipping_report_transition('{}', '{1}', '{{1},{1}}');
SELECT quantize.clipping_report_combine('{1}', NULL);
SELECT quantize.clipping_report_final('{1}');
-- So do they when somebody builds an aggregate of them that starts from nonsense.
CREATE AGGREGATE own_ranges(real[]) (SFUNC = quantize.calibrate_ranges_transition, STYPE = real[], INITCOND = '{1,2,3}');
CREATE AGGREGATE own_quantiles(real[], float8) (SFUNC = quantize.calibrate_quantile_transition, STYPE = integer[], FINALFUNC = quantize.calibrate_quantile_final, INITCOND = '{1}');
CREATE AGGREGATE own_thresholds(real[]) (SFUNC = quantize.calibrate_thresholds_transition, STYPE = float8[], FINALFUNC = quantize.calibrate_thresholds_final, INITCOND = '{}');
CREATE AGGREGATE own_report(real[], real[]) (SFUNC = quantize.clipping_report_transition, STYPE = bigint[], FINALFUNC = quantize.clipping_report_final, INITCOND = '{1,2,3}');
CREATE AGGREGATE own_nulls(real[]) (SFUNC = quantize.calibrate_ranges_transition, STYPE = real[], INITCOND = '{{1},{NULL}}');
SELECT own_ranges('{1}');
SELECT own_quantiles('{1}', 0.9);
SELECT own_thresholds('{1}');
SELECT own_thresholds(NULL);
SELECT own_report('{1}', '{{0},{1}}');
SELECT own_nulls('{1}');
CREATE AGGREGATE own_start(real[]) (SFUNC = quantize.calibrate_ranges_transition, STYPE = real[], INITCOND = '{{0},{0}}');
SELECT own_start(v) AS widened_from_zero FROM (VALUES ('{1}'::real[]), ('{3}')) AS t(v);
