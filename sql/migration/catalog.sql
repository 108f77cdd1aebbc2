-- The record of quantized columns.
--
-- A row belongs to a column of a table of this database: table_oid and the attribute numbers say which, and a trigger
-- writes them. The names are for people and for pg_dump: on the way in, from a restore too, a row finds its table by name.
-- Renames are followed (follow.sql). People read the views (views.sql).
--
-- From here to views.sql, what the script names is in pg_catalog or qualified: whoever may create objects in the
-- extension's schema has no say in what a policy, a view or a function body is bound to.

SET LOCAL search_path = pg_catalog, pg_temp;

CREATE TABLE quantize.quantized_columns (
    quantized_column_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
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
    -- Whether every embedding that is quantized has length 1: true says so of all rows but those noted in other_lengths;
    -- NULL when it is not known.
    unit_length boolean,
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
    created_at timestamptz NOT NULL DEFAULT now(),
    calibrated_at timestamptz NOT NULL DEFAULT now(),
    -- Written by the trigger register.
    table_oid oid,
    source_attnum smallint,
    quantized_attnum smallint,
    next_attnum smallint,
    owner oid
);
CREATE UNIQUE INDEX quantized_columns_column ON quantize.quantized_columns (table_oid, quantized_attnum) WHERE table_oid <> 0;
COMMENT ON TABLE quantize.quantized_columns IS 'quantized columns of tables, with their calibration';

-- How far a backfill has come. Positions are of this database's files, so pg_dump leaves the table out; a row that is
-- missing means a backfill from the start, which finds the codes that are there.
CREATE TABLE quantize.quantize_work (
    quantized_column_id uuid PRIMARY KEY REFERENCES quantize.quantized_columns ON DELETE CASCADE,
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
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE quantize.quantize_work IS 'progress of backfills';

-- Quantized columns in which an embedding of another length than 1 has arrived. Rows are only added, so that writers don't wait
-- for each other, as they would to change the record. Only the trigger's function writes them (lengths.sql). The table's oid is
-- for those who listen to changes, and filled in from the record.
CREATE TABLE quantize.other_lengths (
    quantized_column_id uuid NOT NULL REFERENCES quantize.quantized_columns ON DELETE CASCADE,
    table_oid oid
);
CREATE INDEX other_lengths_column ON quantize.other_lengths (quantized_column_id);
COMMENT ON TABLE quantize.other_lengths IS 'quantized columns in which an embedding is not of unit length';
GRANT SELECT ON quantize.other_lengths TO PUBLIC;
SELECT pg_extension_config_dump('quantize.other_lengths',
    'WHERE quantized_column_id IN (SELECT q.quantized_column_id FROM quantize.quantized_columns q JOIN pg_catalog.pg_class c ON c.oid = q.table_oid)');
CREATE FUNCTION quantize.register_length() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.table_oid := (SELECT q.table_oid FROM quantize.quantized_columns q WHERE q.quantized_column_id = NEW.quantized_column_id);
    RETURN NEW;
END
$$;
CREATE TRIGGER register BEFORE INSERT ON quantize.other_lengths FOR EACH ROW EXECUTE FUNCTION quantize.register_length();

-- Owners of a table write the rows about it; who may read a column of the table reads them.
CREATE FUNCTION quantize.may_write(relation oid, recorded_owner oid) RETURNS boolean
    STABLE PARALLEL SAFE LANGUAGE sql
    RETURN pg_has_role(coalesce((SELECT c.relowner FROM pg_class c WHERE c.oid = relation), recorded_owner), 'USAGE');
CREATE FUNCTION quantize.may_read(relation oid, recorded_owner oid) RETURNS boolean
    STABLE PARALLEL SAFE LANGUAGE sql
    RETURN coalesce(has_any_column_privilege(relation, 'SELECT'), false) OR pg_has_role(recorded_owner, 'USAGE');

ALTER TABLE quantize.quantized_columns ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON quantize.quantized_columns FOR SELECT USING (quantize.may_read(table_oid, owner));
CREATE POLICY owners ON quantize.quantized_columns USING (quantize.may_write(table_oid, owner));
ALTER TABLE quantize.quantize_work ENABLE ROW LEVEL SECURITY;
CREATE POLICY owners ON quantize.quantize_work USING (EXISTS (
    SELECT FROM quantize.quantized_columns q
    WHERE q.quantized_column_id = quantize_work.quantized_column_id AND quantize.may_write(q.table_oid, q.owner)));
GRANT SELECT, INSERT, UPDATE, DELETE ON quantize.quantized_columns, quantize.quantize_work TO PUBLIC;

-- Rows of tables that are gone are not worth a dump.
SELECT pg_extension_config_dump('quantize.quantized_columns',
    'WHERE EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = table_oid)');

CREATE FUNCTION quantize.column_number(relation oid, name name) RETURNS smallint
    STABLE PARALLEL SAFE LANGUAGE sql
    RETURN (SELECT a.attnum FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = name AND NOT a.attisdropped);
CREATE FUNCTION quantize.column_name(relation oid, number smallint) RETURNS name
    STABLE PARALLEL SAFE LANGUAGE sql
    RETURN (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = relation AND a.attnum = number AND NOT a.attisdropped);

-- Which table and columns a row is about, taken from the catalogs whatever the statement says. A new row, from a restore
-- too, finds them by name, or is left out. Later they stay, but for the next column, which comes and takes the place of the
-- first, and the names follow them. So no row is about a table that does not exist yet, or about another's.
CREATE FUNCTION quantize.register_column() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.table_oid := (SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = NEW.table_schema AND c.relname = NEW.table_name);
        NEW.source_attnum := quantize.column_number(NEW.table_oid, NEW.source_column);
        NEW.quantized_attnum := quantize.column_number(NEW.table_oid, NEW.quantized_column);
        NEW.next_attnum := quantize.column_number(NEW.table_oid, NEW.next_column);
        IF NEW.source_attnum IS NULL OR NEW.quantized_attnum IS NULL THEN
            RAISE WARNING 'quantized column "%" of "%" is not recorded', NEW.quantized_column, NEW.table_name
                USING DETAIL = format('There is no table %I.%I with columns %I and %I.',
                    NEW.table_schema, NEW.table_name, NEW.source_column, NEW.quantized_column);
            RETURN NULL;
        END IF;
    ELSE
        NEW.quantized_column_id := OLD.quantized_column_id;
        NEW.table_oid := OLD.table_oid;
        NEW.source_attnum := OLD.source_attnum;
        IF NEW.quantized_attnum IS DISTINCT FROM OLD.next_attnum THEN
            NEW.quantized_attnum := OLD.quantized_attnum;
        END IF;
        IF NEW.next_column IS NULL THEN
            NEW.next_attnum := NULL;
        ELSIF OLD.next_attnum IS NULL THEN
            NEW.next_attnum := quantize.column_number(NEW.table_oid, NEW.next_column);
        ELSE
            NEW.next_attnum := OLD.next_attnum;
        END IF;
    END IF;
    SELECT n.nspname, c.relname, c.relowner INTO NEW.table_schema, NEW.table_name, NEW.owner
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = NEW.table_oid;
    IF NOT FOUND THEN
        RETURN OLD;
    END IF;
    NEW.source_column := coalesce(quantize.column_name(NEW.table_oid, NEW.source_attnum), NEW.source_column);
    NEW.quantized_column := coalesce(quantize.column_name(NEW.table_oid, NEW.quantized_attnum), NEW.quantized_column);
    NEW.next_column := quantize.column_name(NEW.table_oid, NEW.next_attnum);
    RETURN NEW;
END
$$;
CREATE TRIGGER register BEFORE INSERT OR UPDATE ON quantize.quantized_columns
    FOR EACH ROW EXECUTE FUNCTION quantize.register_column();

-- One at a time on a table. The lock lasts as long as the transaction, so nothing is left behind by a session that dies.
CREATE FUNCTION quantize.lock_key() RETURNS integer IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN 1903521396;
CREATE FUNCTION quantize.lock_table_key(relation oid) RETURNS integer IMMUTABLE PARALLEL SAFE LANGUAGE sql
    RETURN ((relation::bigint << 32) >> 32)::integer;
