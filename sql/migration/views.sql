-- What people read: the records of the tables that they may read. Views, since a migration tool would take tables for its
-- own. They run with the rights of their owner, as every view does, so they choose the rows by themselves. Nothing can be
-- written through them.

CREATE VIEW @extschema@.quantized_columns WITH (security_barrier) AS
SELECT q.quantized_column_id, q.table_oid, q.table_schema, q.table_name, q.source_column, q.quantized_column,
    q."precision", q.ranges, q.thresholds, q.quantile, q.truncate_dim, q.dimensions, q.rows_calibrated,
    quantize.known_unit_length(q) AS unit_length,
    q.mode, q.state, q.next_column, q.next_ranges, q.next_thresholds, q.created_at, q.calibrated_at, q.owner,
    q.source_attnum, q.quantized_attnum, q.next_attnum
FROM quantize.quantized_columns q
WHERE quantize.may_read(q.table_oid, q.owner)
-- Not one that Postgres would write through.
OFFSET 0;
COMMENT ON VIEW @extschema@.quantized_columns IS 'quantized columns of tables, with their calibration';
GRANT SELECT ON @extschema@.quantized_columns TO PUBLIC;

CREATE VIEW @extschema@.quantize_progress WITH (security_barrier) AS
SELECT q.table_schema, q.table_name, q.quantized_column, q.next_column, q.state,
    w.rows_done, w.rows_expected,
    round(100.0 * least(w.blocks_done, w.blocks_expected) / nullif(w.blocks_expected, 0), 1) AS percent,
    round((w.run_rows / r.seconds)::numeric) AS rows_per_second,
    make_interval(secs => round(
        greatest(w.blocks_expected - w.blocks_done, 0) * r.seconds / nullif(w.run_blocks, 0))) AS time_left,
    EXISTS (
        SELECT FROM pg_locks l
        WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.objid = quantize.lock_key()::oid
            AND l.classid = q.table_oid AND l.granted
            AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
    ) AS active,
    w.updated_at
FROM quantize.quantized_columns q
JOIN quantize.quantize_work w ON w.quantized_column_id = q.quantized_column_id
CROSS JOIN LATERAL (
    SELECT nullif(extract(epoch FROM w.updated_at - w.run_started_at)::double precision, 0) AS seconds
) r
WHERE q.state <> 'ready' AND quantize.may_read(q.table_oid, q.owner);
COMMENT ON VIEW @extschema@.quantize_progress IS 'backfills that are not complete: rows, rate, time left, and whether a session is at work';
GRANT SELECT ON @extschema@.quantize_progress TO PUBLIC;

-- As the script began.
SET LOCAL search_path = @extschema@, pg_temp;
