-- What a search knows about a relation: read when a session first searches it, and again when something has changed. These
-- read catalogs only, so they run with a search_path of their own. Names come as UTF-8, whatever the encoding of the
-- database.

-- The relation: its name; that with its schema and without as SQL text; the extension's schema; whether its rows can be told by ctid alone, as in a plain
-- table without children, in Postgres's own storage, that no extension distributes; about how many there are; it and those
-- that it inherits from; the partitions to search one by one, where some are on other servers: if the caller may read each of
-- them, and no policy of the parent would be passed by; their names are parted by zero bytes.
CREATE FUNCTION quantize.search_relation(
    relation oid, OUT name bytea, OUT sql bytea, OUT alias bytea, OUT extension bytea, OUT has_ctid boolean,
    OUT row_count float8, OUT family oid[], OUT partitions bytea
)
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    distributed boolean := false;
BEGIN
    IF to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL THEN
        EXECUTE 'SELECT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = $1)' INTO distributed USING relation;
    END IF;
    SELECT convert_to(c.relname, 'UTF8'), convert_to(format('%I.%I', n.nspname, c.relname), 'UTF8'),
        convert_to(quote_ident(c.relname), 'UTF8'), convert_to('@extschema@', 'UTF8'),
        NOT distributed AND c.relkind IN ('r', 'm') AND NOT c.relhassubclass AND am.amname = 'heap',
        CASE WHEN c.relkind IN ('r', 'm') THEN c.reltuples END
    INTO name, sql, alias, extension, has_ctid, row_count
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_am am ON am.oid = c.relam
    WHERE c.oid = relation;
    WITH RECURSIVE parents(oid) AS (
        SELECT relation UNION SELECT i.inhparent FROM pg_inherits i JOIN parents p ON i.inhrelid = p.oid
    )
    SELECT array_agg(p.oid) INTO family FROM parents p;
    IF EXISTS (SELECT FROM pg_partition_tree(relation) t JOIN pg_class c ON c.oid = t.relid WHERE c.relkind = 'f' AND t.level > 0)
        AND NOT row_security_active(relation)
    THEN
        SELECT family || array_agg(t.relid::oid),
            CASE WHEN bool_and(has_table_privilege(t.relid, 'SELECT') AND NOT row_security_active(t.relid)) THEN
                string_agg(convert_to(format('%I.%I', n.nspname, c.relname), 'UTF8'), '\x00' ORDER BY c.oid) FILTER (WHERE t.isleaf) END
        INTO family, partitions
        FROM pg_partition_tree(relation) t JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE t.level > 0;
    END IF;
END
$$;

-- Every column that can take part, in the relation's order. A table inherits the records of its parents, a partition those
-- of its partitioned table. A column that requantize_column is filling is none of the user's. is_filled: no row is without
-- a code, or, of a view, nothing tells. indexed_by: the operators by which a valid index over all rows hands them out.
CREATE FUNCTION quantize.search_columns(relation oid) RETURNS TABLE (
    number smallint, name bytea, sql bytea, kind text, type_oid oid, type bytea, schema bytea, dimensions integer,
    is_filled boolean, indexed_by text[], has_index boolean, created_at float8, source bytea, is_complete boolean,
    unit_length boolean, ranges real[], thresholds real[], truncate_dim integer
)
    STABLE LANGUAGE plpgsql ROWS 4 SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY
    WITH RECURSIVE family(oid) AS (
        SELECT relation UNION SELECT i.inhparent FROM pg_inherits i JOIN family f ON i.inhrelid = f.oid
    ), recorded AS (
        SELECT code.attname AS name, source.attname AS source, next.attname AS next, q.state <> 'backfilling' AS is_complete,
            extract(epoch FROM q.created_at)::float8 AS created_at,
            quantize.known_unit_length(q) AS unit_length, q.ranges, q.thresholds, q.truncate_dim
        FROM quantize.quantized_columns q JOIN family f ON f.oid = q.table_oid
        JOIN pg_attribute code ON code.attrelid = q.table_oid AND code.attnum = q.quantized_attnum
        LEFT JOIN pg_attribute source ON source.attrelid = q.table_oid AND source.attnum = q.source_attnum
        LEFT JOIN pg_attribute next ON next.attrelid = q.table_oid AND next.attnum = q.next_attnum
    ), indexed AS (
        SELECT i.indkey[0] AS number, o.oprname, i.indisvalid AND i.indpred IS NULL AS whole
        FROM pg_index i
        JOIN pg_opclass c ON c.oid = i.indclass[0]
        JOIN pg_amop m ON m.amopfamily = c.opcfamily AND m.amoppurpose = 'o' AND m.amoplefttype = c.opcintype
        JOIN pg_operator o ON o.oid = m.amopopr
        WHERE i.indrelid = relation
    )
    SELECT a.attnum, convert_to(a.attname, 'UTF8'), convert_to(quote_ident(a.attname), 'UTF8'), base.typname::text, base.oid,
        convert_to(format('%I.%s', n.nspname,
            CASE base.typname WHEN '_float4' THEN 'float4[]' ELSE quote_ident(base.typname) END), 'UTF8'),
        convert_to(quote_ident(n.nspname), 'UTF8'), nullif(greatest(a.atttypmod, declared.typtypmod), -1),
        a.attgenerated = 's' OR a.attnotnull OR c.relkind IN ('v', 'm', 'f'),
        ARRAY(SELECT DISTINCT x.oprname::text FROM indexed x WHERE x.number = a.attnum AND x.whole),
        EXISTS (SELECT FROM indexed x WHERE x.number = a.attnum),
        r.created_at, convert_to(r.source, 'UTF8'), r.is_complete, r.unit_length, r.ranges, r.thresholds, r.truncate_dim
    FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_type declared ON declared.oid = a.atttypid
    JOIN pg_type base ON base.oid = coalesce(nullif(declared.typbasetype, 0), declared.oid)
    JOIN pg_namespace n ON n.oid = base.typnamespace
    LEFT JOIN recorded r ON r.name = a.attname
    WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
        AND (
            base.oid IN ('pg_catalog.float4[]'::regtype, '@extschema@.binvec'::regtype,
                '@extschema@.int8vec'::regtype, '@extschema@.uint8vec'::regtype)
            OR base.typname IN ('vector', 'halfvec') AND EXISTS (
                SELECT FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
                WHERE d.classid = 'pg_type'::regclass AND d.objid = base.oid AND d.deptype = 'e'
                    AND d.refclassid = 'pg_extension'::regclass AND e.extname = 'vector')
        )
        AND NOT EXISTS (SELECT FROM recorded following WHERE following.next = a.attname)
    ORDER BY a.attnum;
END
$$;

-- A record that changes makes what sessions know about its table out of date.
CREATE FUNCTION quantize.record_changed() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'search_record_changed_wrapper';
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON quantize.quantized_columns
    FOR EACH ROW EXECUTE FUNCTION quantize.record_changed();
CREATE TRIGGER changed AFTER INSERT OR DELETE ON quantize.other_lengths
    FOR EACH ROW EXECUTE FUNCTION quantize.record_changed();
