//! Damaged index files: an error that names the damage, or an answer, but never a crash, an endless loop or an error while
//! planning.
//!
//! The pages of an index are damaged on disk, checksums off, while the server is down. `PG_QUANTIZE_DAMAGES` sets how often.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use cluster::{Cluster, Options, Shutdown};
use postgres::Client;
use server_tests::load::Random;
use server_tests::qivf::{create_generator, value};
use server_tests::{DATABASE, start};

/// Damages, when the variable does not say otherwise.
const DAMAGES: u64 = 8;

const PAGE: usize = 8192;

const TABLES: &str = "
CREATE TABLE docs (id int PRIMARY KEY, e real[], b binvec GENERATED ALWAYS AS (quantize_binary(e)) STORED) WITH (autovacuum_enabled = off);
INSERT INTO docs SELECT n, embedding(24, n) FROM generate_series(1, 1500) AS n;
INSERT INTO docs VALUES (0, NULL), (-1, array_fill(0::real, ARRAY[24]));
CREATE INDEX docs_e ON docs USING qivf (e);
CREATE INDEX docs_b ON docs USING qivf (b);";

/// What is tried on a damaged index. Each may fail, in time and with its session alive.
const STATEMENTS: [&str; 9] = [
    "SELECT id FROM docs ORDER BY e <=> embedding(24, 11) LIMIT 10",
    "SELECT id FROM docs ORDER BY b <~> quantize_binary(embedding(24, 11)) LIMIT 10",
    "SET qivf.target_recall = 1; SELECT id FROM docs ORDER BY e <=> embedding(24, 11) LIMIT 2000",
    "RESET qivf.target_recall; SELECT qivf_info('docs_e'), qivf_info('docs_b')",
    "SELECT count(*) FROM qivf_check('docs_e'); SELECT count(*) FROM qivf_check('docs_b')",
    "INSERT INTO docs SELECT n, embedding(24, n) FROM generate_series(5001, 5100) AS n",
    "DELETE FROM docs WHERE id % 7 = 0",
    "VACUUM docs",
    "SELECT count(*) FROM recall_report('docs_e', 5, 5)",
];

/// Damages one page of a file: random bytes in a row, one bit, zeros, another page's content, or the end cut off.
fn damage(bytes: &mut Vec<u8>, random: &mut Random) -> String {
    let pages = bytes.len() / PAGE;
    let page = random.below(pages as u64) as usize;
    let at = page * PAGE;
    match random.below(6) {
        0 => {
            let offset = at + random.below(PAGE as u64) as usize;
            let bit = random.below(8);
            bytes[offset] ^= 1 << bit;
            format!("bit {bit} of byte {} of page {page}", offset - at)
        }
        1 => {
            let from = 24 + random.below((PAGE - 24 - 64) as u64) as usize;
            let len = 1 + random.below(64) as usize;
            bytes[at + from..at + from + len].fill_with(|| random.next() as u8);
            format!("{len} random bytes from {from} on of page {page}")
        }
        2 => {
            bytes[at..at + PAGE].fill(0);
            format!("page {page} zeroed")
        }
        3 => {
            let other = random.below(pages as u64) as usize * PAGE;
            bytes.copy_within(other..other + PAGE, at);
            format!("page {} over page {page}", other / PAGE)
        }
        4 => {
            // Behind the page header, where the kinds keep their pointers and counts.
            let from = 24 + random.below(64) as usize;
            let value = [0u8, 1, 0x7f, 0xff][random.below(4) as usize];
            bytes[at + from..at + from + 4].fill(value);
            format!("four bytes {value:#x} at {from} of page {page}")
        }
        _ => {
            let keep = page.max(1);
            bytes.truncate(keep * PAGE);
            format!("cut after {keep} pages")
        }
    }
}

/// The statements on the damaged index: an SQL error is an answer.
fn try_everything(cluster: &Cluster) -> Result<()> {
    let mut client = cluster.connect(DATABASE)?;
    client.batch_execute(
        "SET statement_timeout = '20s'; SET enable_seqscan = off; SET enable_sort = off",
    )?;
    // Planning looks at the index too, and must not mind.
    for statement in &STATEMENTS[..2] {
        let Err(error) = client.batch_execute(&format!("EXPLAIN {statement}")) else {
            continue;
        };
        // A page whose header makes no sense never leaves Postgres's own reading.
        let message = error.as_db_error().map_or("", |error| error.message());
        let unreadable = ["invalid page", "could not read"];
        ensure!(
            unreadable.iter().any(|start| message.starts_with(start)),
            "planning failed: {error}"
        );
    }
    for statement in STATEMENTS {
        for part in statement.split("; ") {
            let Err(error) = client.batch_execute(part) else {
                continue;
            };
            let refusal = error
                .as_db_error()
                .with_context(|| format!("the connection was lost: {part}"))?;
            let (code, message) = (refusal.code().code(), refusal.message());
            ensure!(code != "57014", "it did not end: {part}");
            ensure!(
                !message.contains("panicked") && !message.contains(".rs:"),
                "{message}: {part}"
            );
        }
    }
    Ok(())
}

/// Brings the index back.
fn rebuild(client: &mut Client) -> Result<()> {
    client.batch_execute(
        "DELETE FROM docs WHERE id > 5000; REINDEX INDEX docs_e; REINDEX INDEX docs_b; CHECKPOINT",
    )?;
    Ok(())
}

#[test]
fn damaged_pages_are_errors_not_crashes() -> Result<()> {
    let variable = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|value| value.parse::<u64>().ok())
    };
    let seed = variable("PG_QUANTIZE_SEED").unwrap_or_else(|| {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(1, |since| since.as_nanos() as u64)
    });
    let mut random = Random::new(seed);
    // Without this, pages are refused before anything of ours sees them where checksums are the default.
    let cluster = start(Options::default().set("ignore_checksum_failure", "on"))?;
    let mut client = cluster.connect(DATABASE)?;
    create_generator(&mut client)?;
    client.batch_execute(TABLES)?;
    for _ in 0..variable("PG_QUANTIZE_DAMAGES").unwrap_or(DAMAGES) {
        client.batch_execute("CHECKPOINT")?;
        let index = ["docs_e", "docs_b"][random.below(2) as usize];
        let path: String = value(
            &mut client,
            &format!("SELECT pg_relation_filepath('{index}')"),
        )?;
        drop(client);
        cluster.stop(Shutdown::Fast)?;
        let path = cluster.data_dir().join(path);
        let mut bytes = fs::read(&path)?;
        let what = damage(&mut bytes, &mut random);
        fs::write(&path, &bytes)?;
        cluster.start()?;
        try_everything(&cluster).with_context(|| {
            format!(
                "{index}: {what}, seed {seed}; the log ends\n{}",
                cluster.log_tail(15)
            )
        })?;
        client = cluster.connect(DATABASE)?;
        rebuild(&mut client).with_context(|| format!("{index}: {what}, seed {seed}"))?;
    }
    Ok(())
}
