-- The extension's own schema: tables of records, and every function that is not for people. What people call is in the
-- schema that the extension is created in. Postgres checks USAGE of a schema where a name is looked up, so operators,
-- casts and types work without it; triggers and event triggers name functions here, whoever fires them.

CREATE SCHEMA quantize;
COMMENT ON SCHEMA quantize IS 'internals of the extension pg_quantize: nothing here is meant to be called or changed by hand';
GRANT USAGE ON SCHEMA quantize TO PUBLIC;
