-- Filling a column of a live table: block by block, a commit after each batch.
--
-- Rows are taken FOR NO KEY UPDATE SKIP LOCKED, so a batch never waits for a row while it holds others: it can't be part
-- of a deadlock. Rows that were locked are noted and visited again; whoever held them has either written the code (the
-- trigger does) or left it missing. An update sets the column to itself: the trigger computes the code, once.

-- Takes the table for this transaction, or says that another session is at work on it.
CREATE FUNCTION quantize.lock_for_work(of_table oid) RETURNS void
    VOLATILE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    table_key integer := quantize.lock_table_key(of_table);
BEGIN
    IF NOT pg_try_advisory_xact_lock(table_key, quantize.lock_key()) THEN
        PERFORM quantize.refuse('object_in_use', format('another session is quantizing table "%s"', (SELECT c.relname FROM pg_class c WHERE c.oid = of_table)),
            detail => format('Its process is %s.', (SELECT string_agg(l.pid::text, ', ') FROM pg_locks l
                    WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.granted AND l.classid = of_table
                        AND l.objid = quantize.lock_key()::oid)),
            hint => 'Watch it in the view quantize_progress.');
    END IF;
END
$$;

-- The tables that hold rows: itself, or the leaf partitions.
CREATE FUNCTION quantize.leaves(relation oid) RETURNS SETOF oid
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT t.relid::oid FROM pg_partition_tree(relation) t WHERE t.isleaf
    UNION SELECT c.oid FROM pg_class c WHERE c.oid = relation AND c.relkind = 'r'
    ORDER BY 1
$$;

-- Embeddings in a block, about: counted in some two hundred blocks. What Postgres's statistics say lags behind, and blocks
-- also hold dead rows and rows without an embedding.
CREATE FUNCTION quantize.rows_per_block(relation oid, blocks bigint, source_column name) RETURNS double precision
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    rows_per_block double precision;
BEGIN
    IF blocks > 0 THEN
        EXECUTE format('SELECT count(*)::float8 / %s FROM ONLY %s%s WHERE %I IS NOT NULL', least(blocks, 200), relation::regclass,
            CASE WHEN blocks > 200 THEN format(' TABLESAMPLE system (%s)', 20000.0 / blocks) END, source_column)
            INTO rows_per_block;
    END IF;
    RETURN greatest(coalesce(rows_per_block, 1), 0.01);
END
$$;

-- The column that a backfill fills, with its calibration: the next one while one is being made.
CREATE FUNCTION quantize.target(q quantize.quantized_columns) RETURNS quantize.quantized_columns
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF q.state IN ('requantizing', 'swapping') THEN
        q.quantized_column := q.next_column;
        q.ranges := q.next_ranges;
        q.thresholds := q.next_thresholds;
    END IF;
    RETURN q;
END
$$;

-- The condition for a row of which the code is missing (or, with recheck, any other than it should be).
CREATE FUNCTION quantize.pending(q quantize.quantized_columns, recheck boolean) RETURNS text
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quantize.quantized_columns := quantize.target(q);
BEGIN
    IF recheck THEN
        RETURN format('NOT coalesce(%1$I OPERATOR(@extschema@.=) %2$s, %1$I IS NULL AND %3$I IS NULL)',
            target.quantized_column, quantize.column_code(format('%I', q.source_column), q."precision",
                target.ranges, target.thresholds, q.truncate_dim), q.source_column);
    END IF;
    RETURN format('(%I IS NOT NULL AND %I IS NULL)', q.source_column, target.quantized_column);
END
$$;

-- Says which row it is, of those in some blocks, of which a code cannot be made; with the error that it causes.
CREATE FUNCTION quantize.report_bad_row(source_column name, code text, relation oid, first_block bigint, end_block bigint) RETURNS void
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    keys text := (SELECT string_agg(format('%I', a.attname), ', ' ORDER BY k.n)
        FROM pg_index i CROSS JOIN unnest(i.indkey::smallint[]) WITH ORDINALITY k(attnum, n)
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
        WHERE i.indrelid = relation AND i.indisprimary);
    found record;
    message text;
    state text;
BEGIN
    FOR found IN EXECUTE format('SELECT ctid, concat(''(%1$s)=('', concat_ws('', '', %1$s), '')'') AS key
            FROM ONLY %2$s WHERE %3$s AND %4$I IS NOT NULL',
        coalesce(keys, 'ctid'), relation::regclass, quantize.block_condition(first_block, end_block), source_column)
    LOOP
        BEGIN
            EXECUTE format('SELECT %s FROM ONLY %s WHERE ctid = $1', code, relation::regclass) USING found.ctid;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, state = RETURNED_SQLSTATE;
            PERFORM quantize.refuse(state, message,
                detail => format('The embedding in column "%s" of the row %s of table %s cannot be quantized.',
                    source_column, found.key, relation::regclass),
                hint => 'Mend or delete the row and call the procedure again: it goes on where it stopped.');
        END;
    END LOOP;
END
$$;
-- The same of a batch.
CREATE FUNCTION quantize.report_bad_row(q quantize.quantized_columns, relation oid, first_block bigint, end_block bigint) RETURNS void
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quantize.quantized_columns := quantize.target(q);
BEGIN
    PERFORM quantize.report_bad_row(q.source_column, quantize.column_code(format('%I', q.source_column), q."precision",
        target.ranges, target.thresholds, q.truncate_dim), relation, first_block, end_block);
END
$$;

-- Begins work on the next table that is not done, or returns NULL. Goes on where the last run stopped, unless the table
-- has been rewritten.
CREATE FUNCTION quantize.next_relation(q quantize.quantized_columns) RETURNS quantize.quantize_work
    VOLATILE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    w quantize.quantize_work;
    blocks bigint;
BEGIN
    SELECT * INTO w FROM quantize.quantize_work k WHERE k.quantized_column_id = q.quantized_column_id;
    IF w.relation IS NOT NULL AND w.relation IN (SELECT quantize.leaves(q.table_oid))
        AND w.file = pg_relation_filenode(w.relation) THEN
        RETURN w;
    END IF;
    w.relation := (SELECT l FROM quantize.leaves(q.table_oid) l WHERE l <> ALL (w.relations_done) ORDER BY l LIMIT 1);
    IF w.relation IS NULL THEN
        RETURN NULL;
    END IF;
    blocks := pg_relation_size(w.relation) / current_setting('block_size')::bigint;
    UPDATE quantize.quantize_work k
    SET relation = w.relation, file = pg_relation_filenode(w.relation), next_block = 0, end_block = blocks, retry_blocks = '{}'
    WHERE k.quantized_column_id = q.quantized_column_id RETURNING k.* INTO w;
    RETURN w;
END
$$;

-- What there is to do in all, for progress; a new run has its own rate.
CREATE FUNCTION quantize.begin_run(q quantize.quantized_columns) RETURNS void
    VOLATILE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO quantize.quantize_work (quantized_column_id) VALUES (q.quantized_column_id) ON CONFLICT (quantized_column_id) DO NOTHING;
    UPDATE quantize.quantize_work w
    SET (rows_expected, blocks_expected) = (
            SELECT w.rows_done + coalesce(round(sum(b.blocks * quantize.rows_per_block(b.oid, b.blocks, q.source_column))), 0),
                w.blocks_done + coalesce(sum(b.blocks), 0)
            FROM (SELECT l, CASE WHEN l = w.relation THEN w.end_block - w.next_block
                    ELSE pg_relation_size(l) / current_setting('block_size')::bigint END
                FROM quantize.leaves(q.table_oid) l WHERE l <> ALL (w.relations_done)) b(oid, blocks)),
        run_started_at = clock_timestamp(), run_blocks = 0, run_rows = 0, updated_at = clock_timestamp()
    WHERE w.quantized_column_id = q.quantized_column_id;
END
$$;

-- The progress of a run, for people.
CREATE FUNCTION quantize.report_progress(q quantize.quantized_columns) RETURNS void
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    p record;
BEGIN
    SELECT w.rows_done, round(100.0 * least(w.blocks_done, w.blocks_expected) / greatest(w.blocks_expected, 1)) AS percent,
        round(w.run_rows / r.seconds) AS rate,
        make_interval(secs => round(greatest(w.blocks_expected - w.blocks_done, 0) * r.seconds / greatest(w.run_blocks, 1))) AS time_left
    INTO p
    FROM quantize.quantize_work w,
        LATERAL (SELECT greatest(extract(epoch FROM clock_timestamp() - w.run_started_at)::double precision, 0.001)) r(seconds)
    WHERE w.quantized_column_id = q.quantized_column_id;
    RAISE NOTICE '%.%: % rows, % %% of the table, % rows/s, % left', q.table_name,
        (quantize.target(q)).quantized_column, p.rows_done, p.percent, p.rate, p.time_left;
END
$$;

-- The statements of a batch: the one that fills the blocks from first_block up to end_block, and the one that asks whether
-- rows were left because others had locked them.
CREATE FUNCTION quantize.batch_statements(
    q quantize.quantized_columns, relation oid, pending text, first_block bigint, end_block bigint
) RETURNS text[]
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT ARRAY[
        format('UPDATE ONLY %1$s SET %2$I = %2$I WHERE ctid OPERATOR(pg_catalog.=) ANY (ARRAY('
            'SELECT ctid FROM ONLY %1$s WHERE %3$s AND %4$s FOR NO KEY UPDATE SKIP LOCKED))',
            relation::regclass, (quantize.target(q)).quantized_column, b.blocks, pending),
        format('SELECT EXISTS (SELECT FROM ONLY %s WHERE %s AND %s)', relation::regclass, b.blocks, pending)]
    FROM quantize.block_condition(first_block, end_block) b(blocks)
$$;
CREATE FUNCTION quantize.block_condition(first_block bigint, end_block bigint) RETURNS text
    IMMUTABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('ctid OPERATOR(pg_catalog.>=) ''(%s,0)''::pg_catalog.tid AND ctid OPERATOR(pg_catalog.<) ''(%s,0)''::pg_catalog.tid',
        first_block, end_block)
$$;

-- Fills some blocks in the caller's transaction. rows_left: some rows were locked.
CREATE PROCEDURE quantize.batch(
    q quantize.quantized_columns, relation oid, pending text, first_block bigint, end_block bigint, INOUT rows_done bigint, INOUT rows_left boolean
) LANGUAGE plpgsql AS $$
DECLARE
    statements pg_catalog.text[] := quantize.batch_statements(q, relation, pending, first_block, end_block);
BEGIN
    BEGIN
        EXECUTE statements[1];
        GET DIAGNOSTICS rows_done = ROW_COUNT;
    EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
        PERFORM quantize.report_bad_row(q, relation, first_block, end_block);
        RAISE;
    END;
    EXECUTE statements[2] INTO rows_left;
END
$$;

-- The statements that find a row of some blocks that is still to be filled, and that fill it.
CREATE FUNCTION quantize.straggler_statements(
    q quantize.quantized_columns, relation oid, pending text, first_block bigint, end_block bigint
) RETURNS text[]
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT ARRAY[
        format('SELECT ctid FROM ONLY %s WHERE %s AND %s LIMIT 1', relation::regclass,
            quantize.block_condition(first_block, end_block), pending),
        format('UPDATE ONLY %1$s SET %2$I = %2$I WHERE ctid OPERATOR(pg_catalog.=) $1 AND %3$s', relation::regclass,
            (quantize.target(q)).quantized_column, pending)]
$$;
CREATE FUNCTION quantize.check_straggler(changed bigint, straggler tid, last_straggler tid, relation oid) RETURNS void
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF changed = 0 AND straggler = last_straggler THEN
        PERFORM quantize.refuse('triggered_action_exception',
            format('could not update the row at ctid %s of table "%s"', straggler, relation::regclass),
            hint => 'A trigger of the table may suppress updates that change nothing: disable it during the backfill.');
    END IF;
END
$$;

-- Fills what remains in some blocks, row by row, waiting for locks: with one row at a time nobody waits in a circle.
CREATE PROCEDURE quantize.stragglers(q quantize.quantized_columns, relation oid, pending text, first_block bigint, end_block bigint)
    LANGUAGE plpgsql AS $$
DECLARE
    statements pg_catalog.text[] := quantize.straggler_statements(q, relation, pending, first_block, end_block);
    straggler pg_catalog.tid;
    last_straggler pg_catalog.tid;
    changed bigint;
BEGIN
    LOOP
        PERFORM quantize.lock_for_work(q.table_oid);
        EXECUTE statements[1] INTO straggler;
        EXIT WHEN straggler IS NULL;
        EXECUTE statements[2] USING straggler;
        GET DIAGNOSTICS changed = ROW_COUNT;
        PERFORM quantize.check_straggler(changed, straggler, last_straggler, relation);
        last_straggler := straggler;
        COMMIT;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    END LOOP;
END
$$;

-- Blocks of a batch; where a batch ends, NULL when there is no more; a pause; the progress, every five seconds: all that the
-- procedure below has to compute.
CREATE FUNCTION quantize.batch_blocks(q quantize.quantized_columns, w quantize.quantize_work, batch_rows integer) RETURNS bigint
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT ceil(batch_rows / quantize.rows_per_block(w.relation, w.end_block, q.source_column))::bigint
$$;
CREATE FUNCTION quantize.batch_end(next_block bigint, end_block bigint, step bigint) RETURNS bigint
    IMMUTABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT least(next_block + step, end_block) WHERE next_block < end_block
$$;
CREATE FUNCTION quantize.pause(pause_ms integer) RETURNS void
    VOLATILE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_sleep(pause_ms / 1000.0::float8)
$$;
CREATE FUNCTION quantize.report_progress_at_times(q quantize.quantized_columns, reported timestamptz) RETURNS timestamptz
    VOLATILE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF clock_timestamp() - reported < '5 s'::interval THEN
        RETURN reported;
    END IF;
    PERFORM quantize.report_progress(q);
    RETURN clock_timestamp();
END
$$;

-- Fills one table, from where the work stands.
CREATE PROCEDURE quantize.fill_relation(q quantize.quantized_columns, w quantize.quantize_work, batch_rows integer, pause_ms integer)
    LANGUAGE plpgsql AS $$
DECLARE
    pending pg_catalog.text := quantize.pending(q, w.recheck);
    step bigint := quantize.batch_blocks(q, w, batch_rows);
    reported timestamp with time zone := pg_catalog.clock_timestamp();
    upto bigint;
    rows_done bigint;
    rows_left boolean;
    again pg_catalog.int8range;
BEGIN
    LOOP
        upto := quantize.batch_end(w.next_block, w.end_block, step);
        EXIT WHEN upto IS NULL;
        PERFORM quantize.lock_for_work(q.table_oid);
        PERFORM quantize.pause(pause_ms);
        CALL quantize.batch(q, w.relation, pending, w.next_block, upto, rows_done, rows_left);
        PERFORM quantize.advance(q.quantized_column_id, w.relation, w.next_block, upto, rows_done, rows_left);
        w.next_block := upto;
        reported := quantize.report_progress_at_times(q, reported);
        COMMIT;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    END LOOP;
    FOREACH again IN ARRAY quantize.retries(q.quantized_column_id) LOOP
        PERFORM quantize.lock_for_work(q.table_oid);
        CALL quantize.batch(q, w.relation, pending, pg_catalog.lower(again), pg_catalog.upper(again), rows_done, rows_left);
        COMMIT;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        CALL quantize.stragglers(q, w.relation, pending, pg_catalog.lower(again), pg_catalog.upper(again));
    END LOOP;
    PERFORM quantize.finish_relation(q.quantized_column_id, w.relation);
    COMMIT;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
END
$$;

CREATE FUNCTION quantize.advance(work uuid, work_relation oid, first_block bigint, upto bigint, rows_filled bigint, rows_left boolean) RETURNS void
    VOLATILE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    UPDATE quantize.quantize_work w
    SET next_block = upto, retry_blocks = CASE WHEN rows_left THEN retry_blocks + int8multirange(int8range(first_block, upto))
            ELSE retry_blocks END,
        rows_done = w.rows_done + rows_filled, run_rows = w.run_rows + rows_filled,
        blocks_done = w.blocks_done + upto - first_block, run_blocks = w.run_blocks + upto - first_block,
        updated_at = clock_timestamp()
    WHERE w.quantized_column_id = work AND w.relation = work_relation
$$;

CREATE FUNCTION quantize.retries(work uuid) RETURNS int8range[]
    STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(array_agg(r), '{}') FROM quantize.quantize_work w, unnest(w.retry_blocks) r WHERE w.quantized_column_id = work
$$;

CREATE FUNCTION quantize.finish_relation(work uuid, work_relation oid) RETURNS void
    VOLATILE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    UPDATE quantize.quantize_work w
    SET relations_done = w.relations_done || work_relation, relation = NULL, file = NULL, next_block = NULL, end_block = NULL,
        retry_blocks = '{}', updated_at = clock_timestamp()
    WHERE w.quantized_column_id = work AND w.relation = work_relation
$$;

-- Fills every table that is not done. Commits. The caller sets the state.
CREATE PROCEDURE quantize.backfill(q quantize.quantized_columns, batch_rows integer, pause_ms integer)
    LANGUAGE plpgsql AS $$
DECLARE
    w quantize.quantize_work;
BEGIN
    PERFORM quantize.lock_for_work(q.table_oid);
    PERFORM quantize.begin_run(q);
    LOOP
        PERFORM quantize.lock_for_work(q.table_oid);
        w := quantize.next_relation(q);
        COMMIT;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        EXIT WHEN w.quantized_column_id IS NULL;
        CALL quantize.fill_relation(q, w, batch_rows, pause_ms);
    END LOOP;
    PERFORM quantize.report_progress(q);
END
$$;
