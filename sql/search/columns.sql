-- Which columns a search reads.
--
-- Everything here reads catalogs only, so it runs with a search_path of its own. What touches the user's table, whose
-- policies and functions may need the caller's search_path, is in statement.sql and search.sql.

-- A column that can take part: its name, its kind (real, vector, halfvec: floats; binvec, int8vec, uint8vec: codes),
-- declared dimensions if any, type and operators' schema as SQL text, and what quantized_columns says about it.
CREATE TYPE quantize.semantic_search_column AS (
    name name,
    kind text,
    dimensions integer,
    type text,
    schema text,
    source name,
    state text,
    ranges real[],
    thresholds real[],
    truncate_dim integer
);

-- The table, and the column of each stage; NULL where there is no such stage.
CREATE TYPE quantize.semantic_search_stages AS (
    relation oid,
    embedding quantize.semantic_search_column,
    quantized quantize.semantic_search_column,
    refine quantize.semantic_search_column,
    -- Whether embeddings are taken to be of unit length.
    is_unit boolean
);

-- Every column that can take part, in the table's order. A table inherits the records of its parents, a partition those of
-- its partitioned table. A column that requantize_column is filling is none of the user's. Ranges that the user gives go
-- before those that are recorded.
CREATE FUNCTION quantize.semantic_search_columns(relation oid, given_ranges real[]) RETURNS SETOF quantize.semantic_search_column
    STABLE LANGUAGE plpgsql ROWS 4 SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY
    WITH RECURSIVE family(oid) AS (
        SELECT relation UNION SELECT i.inhparent FROM pg_inherits i JOIN family f ON i.inhrelid = f.oid
    ), recorded AS (
        SELECT code.attname AS name, source.attname AS source, next.attname AS next,
            q.state, q.ranges, q.thresholds, q.truncate_dim
        FROM quantize.quantized_columns q JOIN family f ON f.oid = q.table_oid
        JOIN pg_attribute code ON code.attrelid = q.table_oid AND code.attnum = q.quantized_attnum
        LEFT JOIN pg_attribute source ON source.attrelid = q.table_oid AND source.attnum = q.source_attnum
        LEFT JOIN pg_attribute next ON next.attrelid = q.table_oid AND next.attnum = q.next_attnum
    )
    SELECT a.attname,
        CASE base.typname WHEN '_float4' THEN 'real' ELSE base.typname::text END,
        nullif(greatest(a.atttypmod, declared.typtypmod), -1),
        format('%I.%s', n.nspname, CASE base.typname WHEN '_float4' THEN 'float4[]' ELSE quote_ident(base.typname) END),
        quote_ident(n.nspname),
        r.source, r.state, coalesce(given_ranges, r.ranges), r.thresholds, r.truncate_dim
    FROM pg_attribute a
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

-- For messages: a relation without its schema, as Postgres's own give it, and the names of columns.
CREATE FUNCTION quantize.semantic_search_relation_name(relation oid) RETURNS name
    STABLE PARALLEL SAFE LANGUAGE sql RETURN (SELECT c.relname FROM pg_catalog.pg_class c WHERE c.oid = relation);
CREATE FUNCTION quantize.semantic_search_names(columns quantize.semantic_search_column[]) RETURNS text
    IMMUTABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT string_agg(format('"%s" (%s)', c.name, CASE c.kind WHEN 'real' THEN 'real[]' ELSE c.kind END), ', ')
    FROM unnest(columns) c
$$;

-- The column of this name, which must be of one of these kinds.
CREATE FUNCTION quantize.semantic_search_named(
    relation oid, columns quantize.semantic_search_column[], wanted name, kinds text[], parameter text
) RETURNS quantize.semantic_search_column
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found quantize.semantic_search_column;
    type_oid oid;
BEGIN
    SELECT * INTO found FROM unnest(columns) c WHERE c.name = wanted AND c.kind = ANY (kinds);
    IF found.name IS NOT NULL THEN
        RETURN found;
    END IF;
    SELECT a.atttypid INTO type_oid FROM pg_attribute a
    WHERE a.attrelid = relation AND a.attname = wanted AND a.attnum > 0 AND NOT a.attisdropped;
    IF type_oid IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_column',
            MESSAGE = format('column "%s" of relation "%s" does not exist',
                wanted, quantize.semantic_search_relation_name(relation));
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'datatype_mismatch',
        MESSAGE = format('column "%s" cannot be "%s": it is of type %s', wanted, parameter, format_type(type_oid, NULL)),
        HINT = format('The types are %s.', array_to_string(array_replace(kinds, 'real', 'real[]'), ', '));
END
$$;

-- The column of codes for the first stage when none is named, or NULL: the only one there is, or the only recorded one.
-- A code that no record ties to its floats counts only where there is no doubt about them.
CREATE FUNCTION quantize.semantic_search_only_code(
    relation oid, columns quantize.semantic_search_column[], embedding name, refine name
) RETURNS quantize.semantic_search_column
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    floats integer := (SELECT count(*) FROM unnest(columns) c WHERE c.kind IN ('real', 'vector', 'halfvec'));
    codes quantize.semantic_search_column[] := ARRAY(
        SELECT c FROM unnest(columns) c
        WHERE c.kind IN ('binvec', 'int8vec', 'uint8vec') AND c.name IS DISTINCT FROM refine
            AND (embedding IS NULL OR c.source = embedding OR c.source IS NULL AND floats = 1));
    recorded quantize.semantic_search_column[] := ARRAY(SELECT c FROM unnest(codes) c WHERE c.source IS NOT NULL);
BEGIN
    IF cardinality(codes) > 1 AND cardinality(recorded) = 1 THEN
        RETURN recorded[1];
    ELSIF cardinality(codes) > 1 THEN
        RAISE EXCEPTION USING ERRCODE = 'ambiguous_column',
            MESSAGE = format('relation "%s" has several quantized columns: %s',
                quantize.semantic_search_relation_name(relation), quantize.semantic_search_names(codes)),
            HINT = 'Name one of them, as in quantized => ''' || replace(codes[1].name, '''', '''''') || '''.';
    END IF;
    RETURN codes[1];
END
$$;

-- The float column when none is named, or NULL: the one that the codes were made from, or the only one there is.
CREATE FUNCTION quantize.semantic_search_only_float(
    relation oid, columns quantize.semantic_search_column[], made_from name
) RETURNS quantize.semantic_search_column
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    floats quantize.semantic_search_column[] := ARRAY(
        SELECT c FROM unnest(columns) c
        WHERE c.kind IN ('real', 'vector', 'halfvec') AND c.name = coalesce(made_from, c.name));
BEGIN
    IF cardinality(floats) > 1 THEN
        RAISE EXCEPTION USING ERRCODE = 'ambiguous_column',
            MESSAGE = format('relation "%s" has several embedding columns: %s',
                quantize.semantic_search_relation_name(relation), quantize.semantic_search_names(floats)),
            HINT = 'Name one of them, as in embedding => ''' || replace(floats[1].name, '''', '''''') || '''.';
    END IF;
    RETURN floats[1];
END
$$;

-- Whether an index on this column returns rows in the order of a metric; for NULL, of any metric and any of the rows.
CREATE FUNCTION quantize.semantic_search_has_index(relation oid, name name, metric text) RETURNS boolean
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM pg_index i
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        JOIN pg_opclass c ON c.oid = i.indclass[0]
        JOIN pg_amop m ON m.amopfamily = c.opcfamily AND m.amoppurpose = 'o' AND m.amoplefttype = c.opcintype
        JOIN pg_operator o ON o.oid = m.amopopr
        WHERE i.indrelid = relation AND a.attname = name AND (metric IS NULL OR i.indisvalid AND i.indpred IS NULL
            AND o.oprname = CASE metric WHEN 'ip' THEN '<#>' WHEN 'l2' THEN '<->' WHEN 'hamming' THEN '<~>' ELSE '<=>' END));
END
$$;

-- The columns of each stage. Codes that are still being backfilled are passed over, as are codes that nobody asked for
-- where the floats have an index of their own: then the floats are searched.
CREATE FUNCTION quantize.semantic_search_choose(
    relation oid, embedding name, quantized name, refine name, rescore boolean, exact boolean, metric text,
    given_ranges real[]
) RETURNS quantize.semantic_search_stages
    STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    columns quantize.semantic_search_column[] := ARRAY(
        SELECT c FROM quantize.semantic_search_columns(relation, given_ranges) c);
    floats constant text[] := '{real,vector,halfvec}';
    stages quantize.semantic_search_stages;
BEGIN
    stages.relation := relation;
    IF embedding IS NOT NULL THEN
        stages.embedding := quantize.semantic_search_named(relation, columns, embedding, floats, 'embedding');
    END IF;
    IF quantized IS NOT NULL THEN
        stages.quantized := quantize.semantic_search_named(
            relation, columns, quantized, '{binvec,int8vec,uint8vec}', 'quantized');
    ELSE
        stages.quantized := quantize.semantic_search_only_code(relation, columns, embedding, refine);
    END IF;
    IF embedding IS NULL
        AND (rescore OR (stages.quantized).source IS NOT NULL OR (stages.quantized).name IS NULL) THEN
        stages.embedding := quantize.semantic_search_only_float(relation, columns, (stages.quantized).source);
    END IF;
    IF refine IS NOT NULL THEN
        stages.refine := quantize.semantic_search_named(relation, columns, refine, '{int8vec,uint8vec}', 'refine');
        IF (stages.quantized).name IS NULL OR (stages.quantized).name = refine THEN
            RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
                MESSAGE = format('no quantized column comes before "%s"', refine),
                HINT = 'The column to refine with is read between the quantized column and the floats. '
                    'A single column of codes is passed as quantized.';
        END IF;
    END IF;
    IF (stages.embedding).name IS NOT NULL THEN
        IF (stages.quantized).state = 'backfilling' OR rescore AND NOT exact AND quantized IS NULL AND refine IS NULL
            AND quantize.semantic_search_has_index(relation, (stages.embedding).name, metric)
        THEN
            stages.quantized := NULL;
        END IF;
        IF (stages.refine).state = 'backfilling' OR (stages.quantized).name IS NULL THEN
            stages.refine := NULL;
        END IF;
    END IF;
    IF (stages.embedding).name IS NULL AND (rescore OR (stages.quantized).name IS NULL) THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_column',
            MESSAGE = format('relation "%s" has no embedding column', quantize.semantic_search_relation_name(relation)),
            DETAIL = 'An embedding column is of type real[], or vector or halfvec of pgvector.',
            HINT = CASE WHEN (stages.quantized).name IS NULL THEN 'Name a table or view that has one.'
                ELSE 'To search the codes alone, pass rescore => false.' END;
    END IF;
    RETURN stages;
END
$$;
