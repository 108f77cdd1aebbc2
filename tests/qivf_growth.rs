//! Indexes made before their data: they grow under inserts, beside readers and VACUUM, through crashes and on a standby.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::scope;

use anyhow::{Context, Result, ensure};
use cluster::{Cluster, Options, Shutdown};
use postgres::Client;
use server_tests::qivf::{Search, create_generator, database, is_sound, value};
use server_tests::{DATABASE, start};

const TABLE: &str =
    "CREATE TABLE docs (id serial PRIMARY KEY, e real[]) WITH (autovacuum_enabled = off);
     CREATE INDEX docs_e ON docs USING qivf (e)";

const EXACT: Search<'_> = Search {
    from: "docs",
    distance: "e <=> embedding(16, 11)",
    limit: 100_000,
};

fn well(client: &mut Client) -> Result<()> {
    is_sound(client, "docs_e")?;
    EXACT.is_exact(client)
}

fn info<T: for<'a> postgres::types::FromSql<'a>>(client: &mut Client, what: &str) -> Result<T> {
    value(
        client,
        &format!("SELECT {what} FROM qivf_info('docs_e') AS i"),
    )
}

/// Recall asked for and got, and the share of all sign codes that a search scores.
fn serves(client: &mut Client, share: f64) -> Result<()> {
    let (recall, codes): (f32, f32) = {
        let row = client.query_one(
            "SELECT recall, codes FROM recall_report('docs_e', 60) WHERE target_recall = 0.95::real",
            &[],
        )?;
        (row.get(0), row.get(1))
    };
    let rows: i64 = value(client, "SELECT count(*) FROM docs")?;
    ensure!(recall > 0.85, "recall {recall} where 0.95 was asked for");
    ensure!(
        f64::from(codes) < share * 2.0 * rows as f64,
        "{codes} codes scored of {rows} rows"
    );
    Ok(())
}

#[test]
fn one_transaction_fills_an_index_in_order() -> Result<()> {
    let (_cluster, mut client) = database()?;
    client.batch_execute(TABLE)?;
    client.batch_execute(
        "BEGIN;
         INSERT INTO docs (e) SELECT e FROM (SELECT embedding(16, n) AS e FROM generate_series(1, 12000) AS n) AS s ORDER BY e",
    )?;
    serves(&mut client, 0.6)?;
    client.batch_execute("COMMIT")?;
    ensure!(
        !info::<bool>(&mut client, "(i ->> 'flat')::bool")?,
        "the index is flat"
    );
    well(&mut client)?;
    let before: i32 = info(&mut client, "(i ->> 'lists')::int")?;
    client.batch_execute("VACUUM docs")?;
    let after: i32 = info(&mut client, "(i ->> 'lists')::int")?;
    ensure!(after > before, "VACUUM left {after} of {before} lists");
    well(&mut client)?;
    serves(&mut client, 0.4)?;
    ensure!(!info::<bool>(&mut client, "(i ->> 'reindex_due')::bool")?);
    Ok(())
}

/// A cursor that waits while lists are split and moved gives every row once.
#[test]
fn a_cursor_waits_through_changes_of_lists() -> Result<()> {
    let (cluster, mut client) = database()?;
    client.batch_execute(TABLE)?;
    client.batch_execute(
        "INSERT INTO docs (e) SELECT embedding(16, n) FROM generate_series(1, 3000) AS n",
    )?;
    let name: String = value(&mut client, "SELECT current_database()::text")?;
    for target in ["0.9", "1"] {
        client.batch_execute(&format!(
            "BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL qivf.target_recall = {target};
             DECLARE c CURSOR FOR SELECT id FROM docs ORDER BY e <=> embedding(16, 11)"
        ))?;
        let rows: i64 = value(&mut client, "SELECT count(*) FROM docs")?;
        let first = client.query("FETCH 5 FROM c", &[])?;
        let mut other = cluster.connect(&name)?;
        other.batch_execute(
            "INSERT INTO docs (e) SELECT embedding(16, n) FROM generate_series(10001, 14000) AS n",
        )?;
        other.batch_execute("VACUUM docs")?;
        let rest = client.query("FETCH ALL FROM c", &[])?;
        client.batch_execute("COMMIT")?;
        let mut ids: Vec<i32> = first.iter().chain(&rest).map(|row| row.get(0)).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        ensure!(ids.len() == count, "a row came twice");
        ensure!(count as i64 == rows, "{count} rows of {rows}");
    }
    well(&mut client)
}

#[test]
fn sessions_insert_search_and_vacuum_while_lists_split() -> Result<()> {
    let (cluster, mut client) = database()?;
    client.batch_execute(TABLE)?;
    let name: String = value(&mut client, "SELECT current_database()::text")?;
    let stop = AtomicBool::new(false);
    let repeat = |statement: &str| -> Result<()> {
        let mut client = cluster.connect(&name)?;
        client.batch_execute("SET enable_seqscan = off")?;
        while !stop.load(Ordering::Relaxed) {
            client
                .batch_execute(statement)
                .with_context(|| statement.to_owned())?;
        }
        Ok(())
    };
    scope(|scope| {
        let search = "SELECT id FROM docs ORDER BY e <=> embedding(16, 11) LIMIT 20";
        let exact = "SET qivf.target_recall = 1; SELECT id FROM docs ORDER BY e <=> embedding(16, 5) LIMIT 20";
        let others = [search, exact, "VACUUM docs"].map(|statement| {
            let repeat = &repeat;
            scope.spawn(move || repeat(statement))
        });
        let writers = [0, 1].map(|writer| {
            let (cluster, name) = (&cluster, &name);
            scope.spawn(move || -> Result<()> {
                Ok(cluster.connect(name)?.batch_execute(&format!(
                    "DO $$ BEGIN FOR i IN 1..60 LOOP
                       INSERT INTO docs (e) SELECT embedding(16, 50 * i + k + {writer} * 100000) FROM generate_series(1, 50) AS k;
                       IF i % 10 = 0 THEN DELETE FROM docs WHERE id % 17 = i % 17; END IF;
                       COMMIT; END LOOP; END $$"
                ))?)
            })
        });
        let written = writers.map(|writer| writer.join());
        stop.store(true, Ordering::Relaxed);
        for result in written {
            result.map_err(|_| anyhow::anyhow!("a writer panicked"))??;
        }
        for other in others {
            other
                .join()
                .map_err(|_| anyhow::anyhow!("a session panicked"))??;
        }
        anyhow::Ok(())
    })?;
    well(&mut client)?;
    client.batch_execute("VACUUM docs")?;
    well(&mut client)
}

#[test]
fn a_stop_in_the_middle_of_growth_loses_nothing() -> Result<()> {
    let options = Options::default().set("max_wal_size", "2GB");
    let cluster = start(options)?;
    let mut client = cluster.connect(DATABASE)?;
    create_generator(&mut client)?;
    client.batch_execute(TABLE)?;
    for round in 0..4 {
        let kill = std::time::Duration::from_millis(300 + 450 * round);
        scope(|scope| {
            scope.spawn(|| insert_until_it_ends(&cluster));
            std::thread::sleep(kill);
            cluster.kill()
        })?;
        cluster.start()?;
        client = cluster.connect(DATABASE)?;
        well(&mut client)?;
        if round % 2 == 1 {
            client.batch_execute("VACUUM docs")?;
            well(&mut client)?;
        }
    }
    drop(client);
    cluster.restart(Shutdown::Fast)?;
    well(&mut cluster.connect(DATABASE)?)
}

/// Inserts, with a VACUUM now and then, until the server is killed.
fn insert_until_it_ends(cluster: &Cluster) {
    let Ok(mut client) = cluster.connect(DATABASE) else {
        return;
    };
    for round in 0.. {
        let insert = "INSERT INTO docs (e) SELECT embedding(16, (random() * 1e6)::int) FROM generate_series(1, 200)";
        let vacuum = round % 5 == 4 && client.batch_execute("VACUUM docs").is_err();
        if vacuum || client.batch_execute(insert).is_err() {
            return;
        }
    }
}
