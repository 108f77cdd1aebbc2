//! What the sessions send.

use std::io::Write;

use anyhow::{Context, Result, bail};
use postgres::Client;

use super::ledger::{Ledger, Row};
use super::random::Random;
use crate::qivf::create_generator;

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As it should.
    Done,
    /// By a lock or a deadlock.
    Refused,
    /// With the connection.
    Gone,
}

/// Every kind of index on one table, a table that is emptied and filled again, and one that is migrated while in use.
const TABLES: &str = "
CREATE TABLE docs (
    id int PRIMARY KEY, seed int NOT NULL, note int NOT NULL DEFAULT 0, e real[] NOT NULL,
    b binvec GENERATED ALWAYS AS (quantize_binary(e)) STORED,
    c int8vec GENERATED ALWAYS AS (quantize_int8(e, array_cat(ARRAY[array_fill(-1.6::real, ARRAY[24])], ARRAY[array_fill(1.6::real, ARRAY[24])]))) STORED
);
CREATE INDEX docs_e ON docs USING qivf (e);
CREATE INDEX docs_l2 ON docs USING qivf (e real_l2_ops) WHERE id % 2 = 0;
CREATE INDEX docs_b ON docs USING qivf (b);
CREATE INDEX docs_c ON docs USING qivf (c);
CREATE TABLE emptied (id int, e real[]);
CREATE INDEX emptied_e ON emptied USING qivf (e);
CREATE TABLE live (id int PRIMARY KEY, e real[]);
INSERT INTO live SELECT n, embedding(24, n) FROM generate_series(1, 300) n;";

const VECTOR: &str = "
CREATE EXTENSION vector;
CREATE EXTENSION pg_quantize_vector;
ALTER TABLE docs ADD v vector(24);
CREATE FUNCTION copy_vector() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.v := NEW.e::vector; RETURN NEW; END $$;
CREATE TRIGGER copy_vector BEFORE INSERT OR UPDATE OF e ON docs FOR EACH ROW EXECUTE FUNCTION copy_vector();
CREATE INDEX docs_v ON docs USING qivf (v vector_cosine_ops);";

/// Creates the tables.
pub fn create(client: &mut Client, with_vector: bool) -> Result<()> {
    create_generator(client)?;
    client.batch_execute(TABLES)?;
    if with_vector {
        client.batch_execute(VECTOR)?;
    }
    Ok(())
}

/// Inserts rows.
pub fn insert(client: &mut Client, rows: &[Row]) -> Result<(), postgres::Error> {
    let (ids, seeds) = columns(rows);
    let statement = "INSERT INTO docs (id, seed, e) SELECT i, s, embedding(24, s) FROM unnest($1::int[], $2::int[]) AS u(i, s)";
    client.execute(statement, &[&ids, &seeds]).map(drop)
}

fn columns(rows: &[Row]) -> (Vec<i32>, Vec<i32>) {
    rows.iter().copied().unzip()
}

/// Tells an end of the connection and a conflict from an error.
fn outcome(result: Result<(), postgres::Error>) -> Result<Outcome> {
    let Err(error) = result else {
        return Ok(Outcome::Done);
    };
    let Some(state) = error.code() else {
        return Ok(Outcome::Gone);
    };
    match state.code() {
        // Deadlock, lock not available, serialization failure; a column or an index that another session dropped.
        "40P01" | "55P03" | "40001" => Ok(Outcome::Refused),
        code if code.starts_with("57P") || code.starts_with("08") => Ok(Outcome::Gone),
        _ => Err(error).context("a statement of the load failed"),
    }
}

/// One random statement or transaction on the writer's own rows.
pub fn writer_step(
    client: &mut Client,
    ledger: &mut Ledger,
    random: &mut Random,
) -> Result<Outcome> {
    let count = 1 + random.below(60) as usize;
    match random.below(12) {
        0..=3 => {
            let rows = ledger.fresh(count);
            let result = insert(client, &rows);
            settle(ledger, result, &rows, Ledger::holds)
        }
        4 => {
            let rows = ledger.fresh(count);
            let result = copy(client, &rows);
            settle(ledger, result, &rows, Ledger::holds)
        }
        5 => {
            let rows = ledger.some(count, random);
            let (ids, _) = columns(&rows);
            let result = client.execute("DELETE FROM docs WHERE id = ANY ($1)", &[&ids]);
            settle(ledger, result.map(drop), &rows, Ledger::lacks)
        }
        6 => {
            let rows = ledger.some(count, random);
            let result = update(client, &rows);
            settle(ledger, result, &rows, Ledger::holds)
        }
        7 => {
            let mut rows = ledger.some(count / 2 + 1, random);
            rows.extend(ledger.fresh(count / 2));
            let result = upsert(client, &rows);
            settle(ledger, result, &rows, Ledger::holds)
        }
        // Nothing indexed changes: a HOT update.
        8 => {
            let (ids, _) = columns(&ledger.some(count, random));
            let statement = "UPDATE docs SET note = note + 1 WHERE id = ANY ($1)";
            outcome(client.execute(statement, &[&ids]).map(drop))
        }
        9 => rolled_back(client, ledger, random),
        10 => prepared(client, ledger, random),
        _ => search(client, random),
    }
}

/// Writes down what a statement did to its rows.
fn settle(
    ledger: &mut Ledger,
    result: Result<(), postgres::Error>,
    rows: &[Row],
    done: fn(&mut Ledger, &[Row]),
) -> Result<Outcome> {
    let outcome = outcome(result)?;
    match outcome {
        Outcome::Done => done(ledger, rows),
        Outcome::Refused => {}
        Outcome::Gone => ledger.doubts(rows),
    }
    Ok(outcome)
}

fn copy(client: &mut Client, rows: &[Row]) -> Result<(), postgres::Error> {
    let (ids, seeds) = columns(rows);
    let texts = client.query(
        "SELECT i || E'\\t' || s || E'\\t' || embedding(24, s)::text FROM unnest($1::int[], $2::int[]) AS u(i, s)",
        &[&ids, &seeds],
    )?;
    let mut writer = client.copy_in("COPY docs (id, seed, e) FROM STDIN")?;
    for text in texts {
        // A failure shows again when the copy is finished.
        let _ = writeln!(writer, "{}", text.get::<_, String>(0));
    }
    writer.finish().map(drop)
}

fn update(client: &mut Client, rows: &[Row]) -> Result<(), postgres::Error> {
    let (ids, seeds) = columns(rows);
    let statement = "UPDATE docs SET seed = s, e = embedding(24, s) FROM unnest($1::int[], $2::int[]) AS u(i, s) WHERE id = i";
    client.execute(statement, &[&ids, &seeds]).map(drop)
}

fn upsert(client: &mut Client, rows: &[Row]) -> Result<(), postgres::Error> {
    let (ids, seeds) = columns(rows);
    let statement = "INSERT INTO docs (id, seed, e) SELECT i, s, embedding(24, s) FROM unnest($1::int[], $2::int[]) AS u(i, s)
        ON CONFLICT (id) DO UPDATE SET seed = excluded.seed, e = excluded.e";
    client.execute(statement, &[&ids, &seeds]).map(drop)
}

/// A transaction of which only what came before the savepoint counts, or nothing.
fn rolled_back(client: &mut Client, ledger: &mut Ledger, random: &mut Random) -> Result<Outcome> {
    let kept = ledger.fresh(1 + random.below(20) as usize);
    let dropped = ledger.fresh(1 + random.below(40) as usize);
    let commits = random.below(2) == 0;
    let mut run = || {
        client.batch_execute("BEGIN")?;
        insert(client, &kept)?;
        client.batch_execute("SAVEPOINT s")?;
        insert(client, &dropped)?;
        client.batch_execute("ROLLBACK TO s")?;
        client.batch_execute(if commits { "COMMIT" } else { "ROLLBACK" })
    };
    let result = run();
    let ended = settle(
        ledger,
        result,
        &kept,
        if commits {
            Ledger::holds
        } else {
            Ledger::lacks
        },
    )?;
    if ended == Outcome::Refused {
        return outcome(client.batch_execute("ROLLBACK"));
    }
    Ok(ended)
}

/// A prepared transaction: committed here, or left for after the crash, which must not lose it.
fn prepared(client: &mut Client, ledger: &mut Ledger, random: &mut Random) -> Result<Outcome> {
    let rows = ledger.fresh(1 + random.below(20) as usize);
    let name = format!("load_{}", rows[0].0);
    let mut run = || {
        client.batch_execute("BEGIN")?;
        insert(client, &rows)?;
        client.batch_execute(&format!("PREPARE TRANSACTION '{name}'"))
    };
    let result = run();
    let ended = outcome(result)?;
    match ended {
        Outcome::Refused => return outcome(client.batch_execute("ROLLBACK")),
        Outcome::Gone => ledger.doubts(&rows),
        Outcome::Done if random.below(2) == 0 => {
            let result = client.batch_execute(&format!("COMMIT PREPARED '{name}'"));
            return settle(ledger, result, &rows, Ledger::holds);
        }
        Outcome::Done => ledger.awaits(&rows),
    }
    Ok(ended)
}

const SEARCHES: [&str; 5] = [
    "SELECT id FROM docs ORDER BY e <=> embedding(24, $1) LIMIT 10",
    "SELECT id FROM docs WHERE id % 2 = 0 ORDER BY e <-> embedding(24, $1) LIMIT 30",
    "SELECT id FROM docs WHERE note < 3 ORDER BY b <~> quantize_binary(embedding(24, $1)) LIMIT 10",
    "SELECT id FROM docs ORDER BY c <#> embedding(24, $1) LIMIT 100",
    "SELECT id FROM emptied ORDER BY e <=> embedding(24, $1) LIMIT 10",
];

fn search(client: &mut Client, random: &mut Random) -> Result<Outcome> {
    let statement = SEARCHES[random.below(SEARCHES.len() as u64) as usize];
    let seed = random.below(1 << 20) as i32;
    let mut run = || {
        client.batch_execute("SET enable_seqscan = off")?;
        let rows = client.query(statement, &[&seed])?;
        let mut ids: Vec<i32> = rows.iter().map(|row| row.get(0)).collect();
        ids.sort_unstable();
        ids.dedup();
        // `emptied` has repeated numbers.
        let twice = ids.len() < rows.len() && !statement.contains("emptied");
        Ok::<_, postgres::Error>(twice)
    };
    match run() {
        Ok(true) => bail!("a row came twice: {statement} with {seed}"),
        Ok(false) => Ok(Outcome::Done),
        Err(error) => outcome(Err(error)),
    }
}

/// One statement of those that look after tables and indexes.
pub fn keeper_step(client: &mut Client, random: &mut Random) -> Result<Outcome> {
    let index = ["docs_e", "docs_l2", "docs_b", "docs_c"][random.below(4) as usize];
    let statement = match random.below(9) {
        0 | 1 => "VACUUM docs".to_owned(),
        2 => "VACUUM emptied; ANALYZE docs".to_owned(),
        3 => format!("REINDEX INDEX {index}"),
        4 => format!("REINDEX INDEX CONCURRENTLY {index}"),
        5 => "DROP INDEX IF EXISTS extra; CREATE INDEX CONCURRENTLY extra ON docs USING qivf (e real_ip_ops)".to_owned(),
        6 => "BEGIN; TRUNCATE emptied; INSERT INTO emptied SELECT n, embedding(24, n) FROM generate_series(1, 400) n; COMMIT".to_owned(),
        7 => "INSERT INTO emptied SELECT n, embedding(24, n) FROM generate_series(1, 200) n; CHECKPOINT".to_owned(),
        _ => return migrate(client),
    };
    // Each by itself: VACUUM and CONCURRENTLY take no transaction.
    for part in statement.split("; ") {
        let ended = outcome(client.batch_execute(part))?;
        if ended != Outcome::Done {
            if ended == Outcome::Refused {
                client.batch_execute("ROLLBACK").ok();
            }
            return Ok(ended);
        }
    }
    Ok(Outcome::Done)
}

/// Adds a quantized column to a table in use, or takes it away.
fn migrate(client: &mut Client) -> Result<Outcome> {
    let there = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'live'::regclass AND attname = 'e_int8' AND NOT attisdropped";
    let there: i64 = match client.query_one(there, &[]) {
        Ok(row) => row.get(0),
        Err(error) => return outcome(Err(error)),
    };
    let statement = if there == 0 {
        "CALL quantize_column('live', 'e', 'int8', batch_rows => 50)"
    } else {
        "CALL drop_quantized_column('live', 'e_int8')"
    };
    client
        .batch_execute("SET client_min_messages = warning")
        .ok();
    outcome(client.batch_execute(statement))
}
