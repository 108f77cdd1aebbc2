//! What must hold after every recovery.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use postgres::Client;

use super::ledger::Ledger;
use super::random::Random;
use crate::qivf::{Search, is_sound, value};

/// Rows looked up by themselves in each proof.
const LOOKED_UP: usize = 25;

/// Ends what the crash left open: prepared transactions, and indexes that were never finished.
pub fn settle(client: &mut Client) -> Result<()> {
    for row in client.query("SELECT gid FROM pg_prepared_xacts ORDER BY gid", &[])? {
        client.batch_execute(&format!("COMMIT PREPARED '{}'", row.get::<_, String>(0)))?;
    }
    let invalid = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid AND indexrelid >= 16384";
    for row in client.query(invalid, &[])? {
        client.batch_execute(&format!("DROP INDEX IF EXISTS {}", row.get::<_, String>(0)))?;
    }
    Ok(())
}

/// The tables hold what was committed and nothing else, every index is sound, holds every row, and answers like a sequential
/// scan.
pub fn everything_is_there(
    client: &mut Client,
    ledgers: &mut [Ledger],
    random: &mut Random,
) -> Result<()> {
    for ledger in ledgers.iter_mut() {
        let (remainder, divisor) = ledger.remainder();
        let rows = client.query(
            "SELECT id, seed FROM docs WHERE id % $1 = $2",
            &[&divisor, &remainder],
        )?;
        let found: BTreeMap<i32, i32> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let differences = ledger.compare(&found);
        ensure!(
            differences.is_empty(),
            "{} rows differ: {:?}",
            differences.len(),
            &differences[..differences.len().min(5)]
        );
    }
    let indexes = "SELECT c.relname::text FROM pg_class c JOIN pg_am a ON a.oid = c.relam
        WHERE a.amname = 'qivf' AND c.relkind = 'i' ORDER BY 1";
    for row in client.query(indexes, &[])? {
        is_sound(client, row.get(0))?;
    }
    finds_rows_by_themselves(client, random)?;
    let seed = random.below(1 << 20);
    for (from, distance) in [
        ("docs", format!("e <=> embedding(24, {seed})")),
        (
            "docs WHERE id % 2 = 0",
            format!("e <-> embedding(24, {seed})"),
        ),
        (
            "docs",
            format!("b <~> quantize_binary(embedding(24, {seed}))"),
        ),
        ("docs", format!("c <#> embedding(24, {seed})")),
    ] {
        let search = Search {
            from,
            distance: &distance,
            limit: 200,
        };
        search.is_exact(client)?;
    }
    Ok(())
}

/// Each of some rows is its own nearest neighbour.
fn finds_rows_by_themselves(client: &mut Client, random: &mut Random) -> Result<()> {
    let limit = LOOKED_UP as i64;
    let offset = random.below(1 + value::<i64>(client, "SELECT count(*) FROM docs")? as u64) as i64;
    // At a lower target a search may miss a row, even itself.
    client.batch_execute(
        "SET enable_seqscan = off; SET enable_sort = off; SET qivf.target_recall = 1",
    )?;
    let rows = client.query(
        "SELECT d.id, n.distance FROM (SELECT id, e FROM docs ORDER BY id OFFSET $1 LIMIT $2) d,
            LATERAL (SELECT o.e <=> d.e AS distance FROM docs o ORDER BY o.e <=> d.e LIMIT 1) n",
        &[&offset, &limit],
    )?;
    client.batch_execute("RESET enable_seqscan; RESET enable_sort; RESET qivf.target_recall")?;
    for row in rows {
        let (id, distance): (i32, f64) = (row.get(0), row.get(1));
        ensure!(
            distance.abs() < 1e-5,
            "row {id} is not found by itself: the nearest is at {distance}"
        );
    }
    Ok(())
}
