//! The index under several sessions at once, and after sessions that were cancelled or killed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use cluster::Cluster;
use postgres::error::SqlState;
use postgres::{Client, NoTls};
use server_tests::qivf::{Search, database, is_sound, value};

const EXACT: Search<'_> = Search {
    from: "docs",
    distance: "e <=> embedding(32, 11)",
    limit: 100_000,
};

/// `docs` with `rows` rows and, if `rows` is not 0, an index built over them; else an index built over nothing.
fn create_docs(client: &mut Client, rows: usize) -> Result<()> {
    Ok(client.batch_execute(&format!(
        "CREATE TABLE docs (id serial PRIMARY KEY, e real[]);
         INSERT INTO docs (e) SELECT embedding(32, n) FROM generate_series(1, {rows}) AS n;
         CREATE INDEX docs_e ON docs USING qivf (e)"
    ))?)
}

fn well(client: &mut Client) -> Result<()> {
    is_sound(client, "docs_e")?;
    EXACT.is_exact(client)
}

/// A session's statements until `stop`; `{n}` is the session's and round's own number.
fn repeat(
    cluster: &Cluster,
    database: &str,
    stop: &AtomicBool,
    session: usize,
    statement: &str,
) -> Result<usize> {
    let mut client = cluster.connect(database)?;
    client.batch_execute("SET enable_seqscan = off")?;
    let mut rounds = 0;
    while !stop.load(Ordering::Relaxed) {
        rounds += 1;
        let statement = statement.replace("{n}", &(session * 10_007 + rounds * 31).to_string());
        match client.batch_execute(&statement) {
            // Writers that meet on the same rows in another order; Postgres ends one of them.
            Err(error) if error.code() == Some(&SqlState::T_R_DEADLOCK_DETECTED) => {}
            result => result.with_context(|| statement.clone())?,
        }
    }
    Ok(rounds)
}

/// Runs each statement over and over in a session of its own while `during` runs; every session must get through a round.
fn at_once<T>(
    cluster: &Cluster,
    database: &str,
    statements: &[&str],
    during: impl FnOnce() -> Result<T>,
) -> Result<T> {
    let stop = AtomicBool::new(false);
    scope(|scope| {
        let sessions: Vec<_> = statements
            .iter()
            .enumerate()
            .map(|(i, statement)| {
                scope.spawn({
                    let stop = &stop;
                    move || repeat(cluster, database, stop, i + 1, statement)
                })
            })
            .collect();
        let result = during();
        stop.store(true, Ordering::Relaxed);
        for session in sessions {
            let rounds = session
                .join()
                .map_err(|_| anyhow::anyhow!("a session's thread panicked"))??;
            ensure!(rounds > 0, "a session did nothing");
        }
        result
    })
}

fn name(client: &mut Client) -> Result<String> {
    value(client, "SELECT current_database()::text")
}

const INSERT: &str =
    "INSERT INTO docs (e) SELECT embedding(32, {n} + k) FROM generate_series(1, 7) AS k";
const DELETE: &str =
    "DELETE FROM docs WHERE id IN (SELECT id FROM docs WHERE id % 13 = {n} % 13 LIMIT 20)";
const UPDATE: &str = "UPDATE docs SET e = embedding(32, {n}) WHERE id = (SELECT id FROM docs ORDER BY e <=> embedding(32, {n}) LIMIT 1)";
const SCAN: &str = "SELECT id FROM docs ORDER BY e <=> embedding(32, {n}) LIMIT 50";
/// Every row once, in order, while others write.
const WHOLE_SCAN: &str = "DO $$ BEGIN SET LOCAL qivf.target_recall = 1;
    IF EXISTS (SELECT FROM (SELECT id, d, lag(d) OVER () AS before FROM (SELECT id, e <=> embedding(32, {n}) AS d FROM docs ORDER BY e <=> embedding(32, {n}) LIMIT 5000) AS s) AS t WHERE before > d)
    THEN RAISE EXCEPTION 'out of order'; END IF; END $$";

#[test]
fn a_check_finds_nothing_beside_writers_and_vacuum() -> Result<()> {
    let (cluster, mut client) = database()?;
    create_docs(&mut client, 1500)?;
    let database = name(&mut client)?;
    let work = [INSERT, DELETE, UPDATE, "VACUUM docs"];
    at_once(&cluster, &database, &work, || {
        for _ in 0..25 {
            is_sound(&mut client, "docs_e")?;
        }
        Ok(())
    })?;
    well(&mut client)
}

#[test]
fn inserts_deletes_scans_and_vacuums_at_once() -> Result<()> {
    let (cluster, mut client) = database()?;
    create_docs(&mut client, 1500)?;
    let database = name(&mut client)?;
    let work = [
        INSERT,
        INSERT,
        DELETE,
        UPDATE,
        SCAN,
        WHOLE_SCAN,
        "VACUUM docs",
    ];
    at_once(&cluster, &database, &work, || {
        sleep(Duration::from_secs(5));
        Ok(())
    })?;
    well(&mut client)?;
    client.batch_execute("VACUUM docs")?;
    well(&mut client)
}

#[test]
fn sessions_fill_an_index_built_over_nothing() -> Result<()> {
    let (cluster, mut client) = database()?;
    create_docs(&mut client, 0)?;
    let database = name(&mut client)?;
    at_once(&cluster, &database, &[INSERT, INSERT, INSERT, SCAN], || {
        sleep(Duration::from_secs(3));
        Ok(())
    })?;
    well(&mut client)
}

#[test]
fn sessions_insert_the_same_value() -> Result<()> {
    let (cluster, mut client) = database()?;
    create_docs(&mut client, 500)?;
    let database = name(&mut client)?;
    let same = "INSERT INTO docs (e) SELECT embedding(32, 1) FROM generate_series(1, 20)";
    at_once(&cluster, &database, &[same, same, same], || {
        sleep(Duration::from_secs(2));
        Ok(())
    })?;
    well(&mut client)
}

#[test]
fn indexes_are_built_concurrently_under_writes() -> Result<()> {
    let (cluster, mut client) = database()?;
    client.batch_execute(
        "CREATE TABLE docs (id serial PRIMARY KEY, e real[]); INSERT INTO docs (e) SELECT embedding(32, n) FROM generate_series(1, 1500) AS n",
    )?;
    let database = name(&mut client)?;
    at_once(
        &cluster,
        &database,
        &[
            INSERT,
            DELETE,
            "UPDATE docs SET e = embedding(32, {n}) WHERE id % 50 = {n} % 50",
        ],
        || {
            client.batch_execute("CREATE INDEX CONCURRENTLY docs_e ON docs USING qivf (e)")?;
            is_sound(&mut client, "docs_e")?;
            client.batch_execute("REINDEX INDEX CONCURRENTLY docs_e")?;
            is_sound(&mut client, "docs_e")
        },
    )?;
    well(&mut client)
}

#[test]
fn a_build_can_be_cancelled_at_any_moment() -> Result<()> {
    let (_cluster, mut client) = database()?;
    client.batch_execute(
        "CREATE TABLE docs (id serial PRIMARY KEY, e real[]); INSERT INTO docs (e) SELECT embedding(32, n) FROM generate_series(1, 3000) AS n",
    )?;
    let start = Instant::now();
    client.batch_execute("CREATE INDEX docs_e ON docs USING qivf (e)")?;
    let whole = start.elapsed();
    let mut cancelled = 0;
    for share in [1, 2, 3, 5, 7, 8, 9] {
        client.batch_execute("DROP INDEX IF EXISTS docs_e")?;
        let timeout = (whole * share / 10).as_millis().max(1);
        client.batch_execute(&format!("SET statement_timeout = {timeout}"))?;
        match client.batch_execute("CREATE INDEX docs_e ON docs USING qivf (e)") {
            // The machine may have been faster than before.
            Ok(()) => {}
            Err(error) => {
                let state = error.code().context("the connection broke")?;
                ensure!(
                    *state == postgres::error::SqlState::QUERY_CANCELED,
                    "{error:?}"
                );
                cancelled += 1;
            }
        }
        client.batch_execute("RESET statement_timeout")?;
    }
    ensure!(cancelled > 0, "no build was cancelled");
    client
        .batch_execute("DROP INDEX IF EXISTS docs_e; CREATE INDEX docs_e ON docs USING qivf (e)")?;
    well(&mut client)
}

#[test]
fn a_build_heeds_cancel_and_terminate() -> Result<()> {
    let (cluster, mut client) = database()?;
    client.batch_execute(
        "CREATE TABLE docs (id serial PRIMARY KEY, e real[]); INSERT INTO docs (e) SELECT embedding(32, n) FROM generate_series(1, 3000) AS n",
    )?;
    let database = name(&mut client)?;
    for signal in ["pg_cancel_backend", "pg_terminate_backend"] {
        let mut builder = cluster.connect(&database)?;
        let pid: i32 = value(&mut builder, "SELECT pg_backend_pid()")?;
        let built = scope(|scope| {
            let build = scope.spawn(move || {
                builder
                    .batch_execute("CREATE INDEX docs_e ON docs USING qivf (e)")
                    .is_ok()
            });
            // In the crate's own code, beyond the scan of the table.
            let progress = format!(
                "SELECT EXISTS (SELECT FROM pg_stat_progress_create_index WHERE pid = {pid} AND phase ~ 'centroids|lists|queries')"
            );
            let end = Instant::now() + Duration::from_secs(20);
            while !build.is_finished()
                && Instant::now() < end
                && !value::<bool>(&mut client, &progress)?
            {}
            let _: bool = value(&mut client, &format!("SELECT {signal}({pid})"))?;
            build
                .join()
                .map_err(|_| anyhow::anyhow!("the builder's thread panicked"))
        })?;
        ensure!(!built, "{signal} came too late or was ignored");
    }
    client.batch_execute("CREATE INDEX docs_e ON docs USING qivf (e)")?;
    well(&mut client)
}

#[test]
fn a_scan_can_be_cancelled() -> Result<()> {
    let (_cluster, mut client) = database()?;
    create_docs(&mut client, 1000)?;
    client.batch_execute(
        "SET enable_seqscan = off; SET qivf.target_recall = 1; SET statement_timeout = 200",
    )?;
    let scans = "DO $$ BEGIN LOOP PERFORM id FROM docs ORDER BY e <=> embedding(32, 3) LIMIT 500; END LOOP; END $$";
    let Err(error) = client.batch_execute(scans) else {
        anyhow::bail!("an endless loop ended");
    };
    ensure!(
        error.code() == Some(&postgres::error::SqlState::QUERY_CANCELED),
        "{error:?}"
    );
    client.batch_execute("RESET ALL")?;
    well(&mut client)
}

#[test]
fn a_session_killed_while_inserting_leaves_a_sound_index() -> Result<()> {
    // A cluster of its own: the others' sessions would end with this one's.
    let cluster = server_tests::start(cluster::Options::default())?;
    let mut client = cluster.connect(server_tests::DATABASE)?;
    server_tests::qivf::create_generator(&mut client)?;
    create_docs(&mut client, 500)?;
    for _ in 0..3 {
        let mut victim = cluster.connect(server_tests::DATABASE)?;
        let pid: i32 = value(&mut victim, "SELECT pg_backend_pid()")?;
        scope(|scope| {
            let work = scope.spawn(move || victim.batch_execute("INSERT INTO docs (e) SELECT embedding(32, n) FROM generate_series(1, 100000) AS n").is_err());
            sleep(Duration::from_millis(400));
            server_tests::kill_session(pid)?;
            let died = work
                .join()
                .map_err(|_| anyhow::anyhow!("the victim's thread panicked"))?;
            ensure!(died, "the insert ended before it was killed");
            Ok(())
        })?;
        client = reconnect(&cluster)?;
        well(&mut client)?;
    }
    client.batch_execute("VACUUM docs")?;
    well(&mut client)?;
    ensure!(value::<i64>(&mut client, "SELECT count(*) FROM docs")? == 500);
    Ok(())
}

/// Waits until the server has recovered.
fn reconnect(cluster: &Cluster) -> Result<Client> {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        sleep(Duration::from_millis(100));
        if let Ok(mut client) = cluster.config(server_tests::DATABASE).connect(NoTls)
            && client.simple_query("SELECT 1").is_ok()
        {
            return Ok(client);
        }
        ensure!(Instant::now() < end, "the server did not come back");
    }
}
