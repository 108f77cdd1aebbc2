//! Sessions that end while a build's threads are at work: by a cancel, by termination, by a timeout. The threads end first, the
//! session soon after, and no other session notices.

use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use cluster::Cluster;
use postgres::Client;
use server_tests::qivf::{is_sound, value};
use server_tests::{DATABASE, start_default};

/// The longest that a session may take to end; a busy machine is slow.
const SOON: Duration = Duration::from_secs(20);

const ROWS: &str = "CREATE TABLE docs AS SELECT n AS id, (SELECT array_agg(sin(n * i * 0.37 + i)::real) FROM generate_series(1, 64) AS i) AS e
    FROM generate_series(1, 3000) AS n";

/// A session that uses threads.
fn builder(cluster: &Cluster) -> Result<Client> {
    let mut client = cluster.connect(DATABASE)?;
    client.batch_execute(
        "SET max_parallel_maintenance_workers = 4; SET maintenance_work_mem = '1MB'",
    )?;
    Ok(client)
}

/// Begins a build, runs `end` on it after a while, and returns the error that it ends with, if any.
fn ended(cluster: &Cluster, after: Duration, end: &str) -> Result<Option<String>> {
    let mut client = builder(cluster)?;
    let pid: i32 = value(&mut client, "SELECT pg_backend_pid()")?;
    let build = spawn(move || {
        let result = client.batch_execute("CREATE INDEX interrupted ON docs USING qivf (e)");
        (result, Instant::now())
    });
    sleep(after);
    let asked = Instant::now();
    cluster
        .connect(DATABASE)?
        .batch_execute(&format!("SELECT {end}({pid})"))?;
    let (result, at) = build
        .join()
        .map_err(|_| anyhow::anyhow!("the test panicked"))?;
    let took = at.saturating_duration_since(asked);
    ensure!(took < SOON, "{end} after {after:?} took {took:?}");
    let Err(error) = result else { return Ok(None) };
    let code = code_of(&error).with_context(|| cluster.log_tail(20))?;
    Ok(Some(code))
}

/// The SQLSTATE of an error. Where a session ends, the client may see that before it has read why.
fn code_of(error: &postgres::Error) -> Result<String> {
    match error.as_db_error() {
        Some(error) => Ok(error.code().code().to_owned()),
        None if error.is_closed() => Ok(CLOSED.into()),
        None => anyhow::bail!("not an answer: {error:?}"),
    }
}

/// Instead of the SQLSTATE of what ended a session.
const CLOSED: &str = "closed";

#[test]
fn a_session_ends_in_the_middle_of_a_build() -> Result<()> {
    let (cluster, mut witness) = start_default()?;
    witness.batch_execute(ROWS)?;
    let begun = Instant::now();
    builder(&cluster)?.batch_execute("CREATE INDEX whole ON docs USING qivf (e)")?;
    let whole = begun.elapsed();
    // Spread over all phases of a build.
    for step in 1..=3 {
        let after = whole * step / 4;
        for (end, expected) in [
            ("pg_terminate_backend", &["57P01", CLOSED][..]),
            ("pg_cancel_backend", &["57014"]),
        ] {
            match ended(&cluster, after, end)? {
                Some(code) => ensure!(
                    expected.contains(&code.as_str()),
                    "{end} after {after:?}: {code}"
                ),
                None => witness.batch_execute("DROP INDEX interrupted")?,
            }
        }
    }
    // A crash would have ended this session too.
    is_sound(&mut witness, "whole")?;
    let log = std::fs::read_to_string(cluster.log_path())?;
    ensure!(
        !log.contains("terminated by signal") && !log.contains("exited with exit code 2"),
        "{}",
        cluster.log_tail(20)
    );
    Ok(())
}

#[test]
fn a_timeout_ends_a_build_a_tuning_and_a_report() -> Result<()> {
    let (cluster, mut witness) = start_default()?;
    witness.batch_execute(ROWS)?;
    witness.batch_execute("CREATE INDEX whole ON docs USING qivf (e)")?;
    let statements = [
        "CREATE INDEX interrupted ON docs USING qivf (e)",
        "SELECT qivf_tune('whole', (SELECT array_agg(e) FROM docs WHERE id <= 2900))",
        "SELECT * FROM recall_report('whole', 2900, 300)",
    ];
    let has_transaction_timeout: bool = value(
        &mut witness,
        "SELECT EXISTS (SELECT FROM pg_settings WHERE name = 'transaction_timeout')",
    )?;
    for statement in statements {
        // An error, and from 17 on one that ends the session.
        let mut timeouts = vec![("statement_timeout", &["57014"][..])];
        if has_transaction_timeout {
            timeouts.push(("transaction_timeout", &["25P04", CLOSED]));
        }
        for (timeout, expected) in timeouts {
            let mut client = builder(&cluster)?;
            client.batch_execute(&format!("SET {timeout} = '200ms'"))?;
            let begun = Instant::now();
            let Err(error) = client.batch_execute(statement) else {
                anyhow::bail!("too quick for this test: {statement}");
            };
            ensure!(begun.elapsed() < SOON, "{timeout}: {statement}");
            let code = code_of(&error)?;
            ensure!(
                expected.contains(&code.as_str()),
                "{timeout}, {statement}: {code}"
            );
        }
    }
    is_sound(&mut witness, "whole")
}
