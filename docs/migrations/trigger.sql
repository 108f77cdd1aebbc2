-- A quantized column in plain DDL for a table that is in use: a trigger keeps it, small updates fill it.
--
-- Three migrations of a framework that wraps each in a transaction: (1) column and trigger, (2) backfill, outside a
-- transaction, (3) nothing, or the index. Locks: (1) takes ACCESS EXCLUSIVE for a moment, no rewrite; (2) locks only the
-- rows of a batch.

-- (1) Column and trigger. Both in one transaction, and before the backfill: from here on every new row has its code.
BEGIN;
SET LOCAL lock_timeout = '1s';
ALTER TABLE docs ADD COLUMN embedding_int8 int8vec(3);

-- The ranges are part of the function: SELECT calibrate_ranges(embedding) FROM docs;
CREATE FUNCTION quantize_docs_embedding_int8() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.embedding_int8 := quantize_int8(NEW.embedding, '{{-1,-1,-0.1},{1,1,0.1}}');
    RETURN NEW;
END
$$;

-- Not UPDATE OF embedding: that would miss changes made by other triggers. The name sorts behind theirs.
CREATE TRIGGER zzz_quantize_embedding_int8 BEFORE INSERT OR UPDATE ON docs
    FOR EACH ROW EXECUTE FUNCTION quantize_docs_embedding_int8();
COMMIT;

-- (2) Backfill, by block ranges, with a commit each. The update sets the column to itself; the trigger computes the code.
-- Rows that others hold are skipped and found in the next round.
CREATE PROCEDURE backfill_docs_embedding_int8(blocks_per_batch integer DEFAULT 1000) LANGUAGE plpgsql AS $$
DECLARE
    blocks bigint;
    block bigint;
BEGIN
    LOOP
        blocks := pg_relation_size('docs') / current_setting('block_size')::bigint;
        block := 0;
        WHILE block < blocks LOOP
            UPDATE docs SET embedding_int8 = embedding_int8 WHERE ctid = ANY (ARRAY(
                SELECT ctid FROM docs
                WHERE ctid >= format('(%s,0)', block)::tid AND ctid < format('(%s,0)', block + blocks_per_batch)::tid
                    AND embedding IS NOT NULL AND embedding_int8 IS NULL
                FOR NO KEY UPDATE SKIP LOCKED));
            COMMIT;
            block := block + blocks_per_batch;
        END LOOP;
        EXIT WHEN NOT EXISTS (SELECT FROM docs WHERE embedding IS NOT NULL AND embedding_int8 IS NULL);
        PERFORM pg_sleep(1);
    END LOOP;
END
$$;
CALL backfill_docs_embedding_int8();
DROP PROCEDURE backfill_docs_embedding_int8;

-- Every code is what it should be:
DO $$
BEGIN
    ASSERT NOT EXISTS (SELECT FROM docs
        WHERE embedding_int8 IS DISTINCT FROM quantize_int8(embedding, '{{-1,-1,-0.1},{1,1,0.1}}'));
END
$$;

-- Down:
--     DROP TRIGGER zzz_quantize_embedding_int8 ON docs;
--     DROP FUNCTION quantize_docs_embedding_int8();
--     ALTER TABLE docs DROP COLUMN embedding_int8;
