-- The record of quantized columns.
--
-- A row belongs to a column of a table of this database: table_oid and the attribute numbers say which, and are right as
-- long as they were written here. The names are for people and for pg_dump: on the way in, from a restore too, a row
-- finds its table by name. Renames are followed (follow.sql).

CREATE TABLE quantized_columns (
    quantized_column_id uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
    table_schema name NOT NULL,
    table_name name NOT NULL,
    source_column name NOT NULL,
    quantized_column name NOT NULL,
    "precision" text NOT NULL CHECK ("precision" IN ('int8', 'uint8', 'binary', 'ubinary')),
    -- What the codes were made with. Exactly one is set for int8 and uint8 (ranges); binary has thresholds or neither.
    ranges real[],
    thresholds real[],
    -- The quantile that ranges were calibrated with; NULL: minimum and maximum, or given by the user.
    quantile double precision,
    truncate_dim integer,
    -- Dimensions of a code; NULL when the table was empty and nothing told.
    dimensions integer,
    rows_calibrated bigint,
    mode text NOT NULL CHECK (mode IN ('trigger', 'generated')),
    -- backfilling: codes are still missing. ready: every row has its code. requantizing: every row has its code, and a
    -- second column is being filled. swapping: that column is complete and waits for its indexes.
    state text NOT NULL CHECK (state IN ('backfilling', 'ready', 'requantizing', 'swapping')),
    -- The column that requantize_column fills, and its calibration.
    next_column name,
    next_ranges real[],
    next_thresholds real[],
    next_quantile double precision,
    next_rows_calibrated bigint,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    calibrated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    -- Written by register_quantized_column, never by hand.
    table_oid oid,
    source_attnum smallint,
    quantized_attnum smallint,
    next_attnum smallint,
    owner oid
);
CREATE UNIQUE INDEX quantized_columns_column ON quantized_columns (table_oid, quantized_attnum) WHERE table_oid <> 0;
COMMENT ON TABLE quantized_columns IS 'quantized columns of tables, with their calibration';

-- How far a backfill has come. Positions are of this database's files, so pg_dump leaves the table out; a row that is
-- missing means a backfill from the start, which finds the codes that are there.
CREATE TABLE quantize_work (
    quantized_column_id uuid PRIMARY KEY REFERENCES quantized_columns ON DELETE CASCADE,
    -- Codes may be stale rather than missing: compare each.
    recheck boolean NOT NULL DEFAULT false,
    -- Tables (leaf partitions) that are complete, and the one in work: blocks below next_block are done, blocks from
    -- end_block on were written by the trigger, file tells whether the table was rewritten in between.
    relations_done oid[] NOT NULL DEFAULT '{}',
    relation oid,
    file oid,
    next_block bigint,
    end_block bigint,
    -- Blocks with rows that were locked by others.
    retry_blocks int8multirange NOT NULL DEFAULT '{}',
    rows_done bigint NOT NULL DEFAULT 0,
    rows_expected bigint,
    blocks_done bigint NOT NULL DEFAULT 0,
    blocks_expected bigint,
    -- Of the present run, for rates.
    run_started_at timestamptz,
    run_blocks bigint NOT NULL DEFAULT 0,
    run_rows bigint NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE quantize_work IS 'progress of backfills';

-- Owners of a table write the rows about it; who may read a column of the table reads them.
CREATE FUNCTION may_write_quantized_column(relation oid, recorded_owner oid) RETURNS boolean
    STABLE PARALLEL SAFE LANGUAGE sql
    RETURN pg_catalog.pg_has_role(
        coalesce((SELECT c.relowner FROM pg_catalog.pg_class c WHERE c.oid = relation), recorded_owner), 'USAGE');
CREATE FUNCTION may_read_quantized_column(relation oid, recorded_owner oid) RETURNS boolean
    STABLE PARALLEL SAFE LANGUAGE sql
    RETURN coalesce(pg_catalog.has_any_column_privilege(relation, 'SELECT'), false)
        OR pg_catalog.pg_has_role(recorded_owner, 'USAGE');

ALTER TABLE quantized_columns ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON quantized_columns FOR SELECT USING (may_read_quantized_column(table_oid, owner));
CREATE POLICY owners ON quantized_columns USING (may_write_quantized_column(table_oid, owner));
ALTER TABLE quantize_work ENABLE ROW LEVEL SECURITY;
CREATE POLICY owners ON quantize_work USING (EXISTS (
    SELECT FROM quantized_columns q WHERE q.quantized_column_id = quantize_work.quantized_column_id AND may_write_quantized_column(q.table_oid, q.owner)));
GRANT SELECT, INSERT, UPDATE, DELETE ON quantized_columns, quantize_work TO PUBLIC;

-- Rows of tables that are gone are not worth a dump.
SELECT pg_catalog.pg_extension_config_dump('quantized_columns',
    'WHERE EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = table_oid)');

-- Fills in what a row's names stand for: when a row arrives, from a restore too.
CREATE FUNCTION register_quantized_column() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT c.oid, c.relowner INTO NEW.table_oid, NEW.owner
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = NEW.table_schema AND c.relname = NEW.table_name;
    IF NEW.table_oid IS NULL THEN
        NEW.table_oid := 0;
        NEW.owner := coalesce(NEW.owner, (SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user));
    END IF;
    NEW.source_attnum := (SELECT a.attnum FROM pg_attribute a
        WHERE a.attrelid = NEW.table_oid AND a.attname = NEW.source_column AND NOT a.attisdropped);
    NEW.quantized_attnum := (SELECT a.attnum FROM pg_attribute a
        WHERE a.attrelid = NEW.table_oid AND a.attname = NEW.quantized_column AND NOT a.attisdropped);
    NEW.next_attnum := (SELECT a.attnum FROM pg_attribute a
        WHERE a.attrelid = NEW.table_oid AND a.attname = NEW.next_column AND NOT a.attisdropped);
    RETURN NEW;
END
$$;
CREATE TRIGGER register BEFORE INSERT ON quantized_columns
    FOR EACH ROW EXECUTE FUNCTION register_quantized_column();

-- One at a time on a table. The lock lasts as long as the transaction, so nothing is left behind by a session that dies.
CREATE FUNCTION quantize_lock_key() RETURNS integer IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN 1903521396;
CREATE FUNCTION quantize_lock_table(relation oid) RETURNS integer IMMUTABLE PARALLEL SAFE LANGUAGE sql
    RETURN ((relation::bigint << 32) >> 32)::integer;

CREATE VIEW quantize_progress AS
SELECT q.table_schema, q.table_name, q.quantized_column, q.next_column, q.state,
    w.rows_done, w.rows_expected,
    round(100.0 * least(w.blocks_done, w.blocks_expected) / nullif(w.blocks_expected, 0), 1) AS percent,
    round((w.run_rows / r.seconds)::numeric) AS rows_per_second,
    pg_catalog.make_interval(secs => round(
        greatest(w.blocks_expected - w.blocks_done, 0) * r.seconds / nullif(w.run_blocks, 0))) AS time_left,
    EXISTS (
        SELECT FROM pg_catalog.pg_locks l
        WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.objid = quantize_lock_key()::oid
            AND l.classid = q.table_oid AND l.granted
            AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
    ) AS active,
    w.updated_at
FROM quantized_columns q
JOIN quantize_work w ON w.quantized_column_id = q.quantized_column_id
CROSS JOIN LATERAL (
    SELECT nullif(extract(epoch FROM w.updated_at - w.run_started_at)::double precision, 0) AS seconds
) r
WHERE q.state <> 'ready' AND may_read_quantized_column(q.table_oid, q.owner);
COMMENT ON VIEW quantize_progress IS 'backfills that are not complete: rows, rate, time left, and whether a session is at work';
GRANT SELECT ON quantize_progress TO PUBLIC;
