-- What the extension offers to users: every object outside its own schema "quantize", each with a comment. A change of this
-- list is a change of the interface. Tables and internals are in "quantize", where no migration tool and no \dt meets them.
CREATE VIEW members AS
SELECT replace(o.type, ' column', '') AS type, replace(replace(o.identity, 'public.', ''), 'pg_catalog.', '') AS identity,
    obj_description(d.objid, d.classid::regclass::name) AS comment
FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) o
WHERE e.extname = 'pg_quantize' AND d.deptype = 'e' AND NOT o.identity ~ '^quantize\.'
    -- Types that come with another: of arrays, of a view's rows.
    AND NOT (d.classid = 'pg_type'::regclass
        AND EXISTS (SELECT FROM pg_type t WHERE t.oid = d.objid AND (t.typcategory = 'A' OR t.typrelid <> 0)));
-- One line each, so that two changes don't meet in every line. Families have the names of their classes.
\pset format unaligned
\pset footer off
SELECT type, identity, comment FROM members WHERE type <> 'operator family' ORDER BY type COLLATE "C", identity COLLATE "C";
\pset format aligned
\pset footer on
SELECT type, identity AS without_a_comment FROM members WHERE comment IS NULL ORDER BY 1, 2;
-- Users call what is there; nobody but the extension's owner creates anything.
SELECT nspname, has_schema_privilege('public', oid, 'USAGE') AS usage, has_schema_privilege('public', oid, 'CREATE') AS create
FROM pg_namespace WHERE nspname = 'quantize';
SELECT relname, relkind FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname <> 'members' ORDER BY 1;
