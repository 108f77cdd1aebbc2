-- A quantized column in plain DDL, kept by Postgres itself. For Alembic, Rails, Django, sqlx, Flyway: run it as it stands.
--
-- Locks: ADD COLUMN … GENERATED rewrites the table under ACCESS EXCLUSIVE. For tables that are small or not in use; for
-- the others see trigger.sql.

BEGIN;
SET LOCAL lock_timeout = '5s';

-- Binary codes need no calibration.
ALTER TABLE docs ADD COLUMN embedding_bin binvec(3)
    GENERATED ALWAYS AS (quantize_binary(embedding)) STORED;

-- A generated column can't hold a subquery: the ranges are written into it. Compute them once and paste them here.
--     SELECT calibrate_ranges(embedding) FROM docs;
ALTER TABLE docs ADD COLUMN embedding_int8 int8vec(3)
    GENERATED ALWAYS AS (quantize_int8(embedding, '{{-1,-1,-0.1},{1,1,0.1}}')) STORED;

COMMIT;

-- Down:
--     ALTER TABLE docs DROP COLUMN embedding_int8, DROP COLUMN embedding_bin;
