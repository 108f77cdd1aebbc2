//! Quantizing columns of live tables: writers at work, sessions that die, locks that others hold.
//!
//! The property throughout: a row's code is the quantization of its embedding with the recorded
//! ranges, at the end of a migration for every row, and in every snapshot for rows that have one.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use cluster::{Cluster, Options, Shutdown};
use postgres::{Client, Config, NoTls};
use server_tests::{DATABASE, start};

const ROWS: i32 = 20_000;
const QUANTIZE: &str =
    "CALL quantize_column('docs', 'embedding', 'int8', batch_rows => 200, pause_ms => 2)";
const REQUANTIZE: &str = "CALL requantize_column('docs', 'embedding_int8', batch_rows => 200, \
     pause_ms => 1, ranges => (array_fill(-3::real, ARRAY[1, 8]) || array_fill(3::real, ARRAY[1, 8])))";
/// Rows without a code, and rows with a code that is not what the recorded ranges give.
const FAULTS: &str = "SELECT count(*) FILTER (WHERE d.embedding_int8 IS NULL),
        count(*) FILTER (WHERE d.embedding_int8 <> quantize_int8(d.embedding, q.ranges)), count(*)
     FROM docs d CROSS JOIN quantized_columns q WHERE d.embedding IS NOT NULL";

/// A cluster with `docs (id, embedding)`.
fn cluster_with_docs() -> Result<Cluster> {
    let cluster = start(Options::default().set("deadlock_timeout", "100ms"))?;
    cluster.connect(DATABASE)?.batch_execute(&format!(
        "CREATE TABLE docs (id integer PRIMARY KEY, embedding real[]);
         CREATE FUNCTION embed(seed integer) RETURNS real[] LANGUAGE sql AS
             'SELECT array_agg(sin(seed * 7 + i * 3)::real ORDER BY i) FROM generate_series(1, 8) i';
         INSERT INTO docs SELECT i, embed(i) FROM generate_series(1, {ROWS}) i;
         ANALYZE docs"
    ))?;
    Ok(cluster)
}

/// Waits until `condition` holds, a minute at most.
fn wait_until(what: &str, mut condition: impl FnMut() -> Result<bool>) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(60);
    while !condition()? {
        ensure!(Instant::now() < end, "waited in vain: {what}");
        sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// One value of one row.
fn value<T: for<'a> postgres::types::FromSql<'a>>(client: &mut Client, query: &str) -> Result<T> {
    Ok(client
        .query_one(query, &[])
        .context(query.to_owned())?
        .get(0))
}

/// A session that runs one CALL in a thread, with the notices it got.
struct Call {
    pid: i32,
    notices: Arc<Mutex<Vec<String>>>,
    thread: JoinHandle<Result<(), postgres::Error>>,
}

impl Call {
    fn start(cluster: &Cluster, statement: &'static str) -> Result<Self> {
        let notices = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&notices);
        let mut config = cluster.config(DATABASE);
        config.notice_callback(move |notice| {
            sink.lock().unwrap().push(notice.message().to_owned());
        });
        let mut client = config.connect(NoTls)?;
        let pid = value(&mut client, "SELECT pg_backend_pid()")?;
        let thread = thread::spawn(move || client.batch_execute(statement));
        Ok(Self {
            pid,
            notices,
            thread,
        })
    }

    fn finish(self) -> Result<Vec<String>> {
        self.thread.join().expect("the session panicked")?;
        Ok(self.notices.lock().unwrap().clone())
    }

    /// Waits until a backfill has done `percent` of the table.
    fn wait_for_progress(&self, cluster: &Cluster, percent: i32) -> Result<()> {
        let mut client = cluster.connect(DATABASE)?;
        let query = format!(
            "SELECT EXISTS (SELECT FROM quantize_progress WHERE percent > {percent} AND active)"
        );
        wait_until("progress of the backfill", || {
            ensure!(!self.thread.is_finished(), "the backfill ended too early");
            value(&mut client, &query)
        })
    }
}

/// Sessions that insert, update and delete without a pause until they are stopped.
struct Writers {
    stop: Arc<AtomicBool>,
    committed: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
}

impl Writers {
    fn start(cluster: &Cluster, sessions: i32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let committed = Arc::new(AtomicU64::new(0));
        let threads = (0..sessions)
            .map(|session| {
                let config = cluster.config(DATABASE);
                let (stop, committed) = (Arc::clone(&stop), Arc::clone(&committed));
                thread::spawn(move || write(&config, session, &stop, &committed))
            })
            .collect();
        Self {
            stop,
            committed,
            threads,
        }
    }

    fn stop(self) -> Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            ensure!(thread.join().is_ok(), "a writer panicked");
        }
        Ok(self.committed.load(Ordering::Relaxed))
    }
}

/// Writes to rows that no other session touches, several in a transaction and in changing order, so
/// that a deadlock could only be with the backfill. Connects again when the server has gone.
fn write(config: &Config, session: i32, stop: &AtomicBool, committed: &AtomicU64) {
    let mut step = 0;
    while !stop.load(Ordering::Relaxed) {
        let Ok(mut client) = config.connect(NoTls) else {
            sleep(Duration::from_millis(10));
            continue;
        };
        while !stop.load(Ordering::Relaxed) {
            step += 1;
            // Strides over the table; the residue mod 4 is the session's own.
            let row = |n: i32| (step * 7919 + n * 4999).rem_euclid(ROWS / 4) * 4 + session;
            let (a, b, c) = (row(0), row(1), row(2));
            let new = ROWS + step * 4 + session;
            let written = client.batch_execute(&format!(
                "BEGIN; UPDATE docs SET embedding = embed({step}) WHERE id = {a};
                 UPDATE docs SET embedding = embed({step} + 1) WHERE id = {b};
                 DELETE FROM docs WHERE id = {c} AND id % 3 = 0;
                 INSERT INTO docs VALUES ({new}, embed({new})) ON CONFLICT DO NOTHING;
                 UPDATE docs SET embedding = NULL WHERE id = {a} AND id % 5 = 0; COMMIT"
            ));
            match written {
                Ok(()) => committed.fetch_add(1, Ordering::Relaxed),
                Err(error)
                    if error
                        .code()
                        .is_some_and(|code| !code.code().starts_with("57")) =>
                {
                    panic!("a writer failed: {error:?}")
                }
                Err(_) => break,
            };
        }
    }
}

fn assert_all_codes_right(cluster: &Cluster) -> Result<()> {
    let mut client = cluster.connect(DATABASE)?;
    let row = client.query_one(FAULTS, &[])?;
    let (missing, wrong, rows): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
    assert!(rows > i64::from(ROWS) / 2, "{rows} rows");
    assert_eq!(
        (missing, wrong),
        (0, 0),
        "missing and wrong codes of {rows}"
    );
    let stray: i64 = value(
        &mut client,
        "SELECT count(*) FROM docs WHERE embedding IS NULL AND embedding_int8 IS NOT NULL",
    )?;
    assert_eq!(stray, 0, "codes without an embedding");
    let state: String = value(&mut client, "SELECT state FROM quantized_columns")?;
    assert_eq!(state, "ready");
    Ok(())
}

#[test]
fn writers_of_rows_of_other_lengths_do_not_wait_for_each_other() -> Result<()> {
    let cluster = start(Options::default())?;
    let mut client = cluster.connect(DATABASE)?;
    client.batch_execute(
        "CREATE TABLE units (id integer, embedding real[]);
         INSERT INTO units SELECT i, ARRAY[sin(i), cos(i)]::real[] FROM generate_series(1, 100) i",
    )?;
    client.batch_execute("CALL quantize_column('units', 'embedding', 'int8')")?;
    let unit = "SELECT unit_length FROM quantized_columns";
    assert_eq!(value::<Option<bool>>(&mut client, unit)?, Some(true));

    // The first to see such a row may be at it for hours; whoever waited for it would fail here.
    let mut sessions = [cluster.connect(DATABASE)?, cluster.connect(DATABASE)?];
    for (i, session) in sessions.iter_mut().enumerate() {
        session.batch_execute(&format!(
            "SET statement_timeout = '20s'; BEGIN; INSERT INTO units VALUES ({i}, '{{3,4}}')"
        ))?;
    }
    assert_eq!(value::<Option<bool>>(&mut client, unit)?, Some(true));
    sessions[1].batch_execute("COMMIT")?;
    assert_eq!(value::<Option<bool>>(&mut client, unit)?, Some(false));
    sessions[0].batch_execute("ROLLBACK")?;
    assert_eq!(value::<Option<bool>>(&mut client, unit)?, Some(false));
    Ok(())
}

#[test]
fn a_backfill_survives_writers_a_kill_and_an_immediate_stop() -> Result<()> {
    let cluster = cluster_with_docs()?;
    let writers = Writers::start(&cluster, 3);

    let call = Call::start(&cluster, QUANTIZE)?;
    call.wait_for_progress(&cluster, 10)?;
    server_tests::kill_session(call.pid)?;
    assert!(call.finish().is_err(), "the session was killed");
    wait_until("recovery after the kill", || {
        let log = std::fs::read_to_string(cluster.log_path())?;
        Ok(log.matches("ready to accept connections").count() == 2)
    })?;
    let done: i64 = value(
        &mut cluster.connect(DATABASE)?,
        "SELECT blocks_done FROM quantize.quantize_work",
    )?;
    assert!(done > 0, "what was committed is kept");

    let call = Call::start(&cluster, QUANTIZE)?;
    call.wait_for_progress(&cluster, 40)?;
    cluster.restart(Shutdown::Immediate)?;
    assert!(call.finish().is_err(), "the server was stopped");

    let notices = Call::start(&cluster, QUANTIZE)?.finish()?;
    assert!(
        notices[0].starts_with("going on with column"),
        "{notices:?}"
    );
    let committed = writers.stop()?;
    assert!(
        committed > 100,
        "{committed} transactions beside the backfill"
    );
    assert_all_codes_right(&cluster)?;
    let log = std::fs::read_to_string(cluster.log_path())?;
    assert!(!log.contains("deadlock detected"), "a deadlock");
    Ok(())
}

#[test]
fn a_complete_column_is_left_alone() -> Result<()> {
    let cluster = cluster_with_docs()?;
    Call::start(&cluster, QUANTIZE)?.finish()?;
    let mut client = cluster.connect(DATABASE)?;
    let versions = "SELECT md5(string_agg(ctid::text || xmin, ',' ORDER BY id)) FROM docs";
    let before: String = value(&mut client, versions)?;
    let notices = Call::start(&cluster, QUANTIZE)?.finish()?;
    assert!(
        notices[0].ends_with("is complete, nothing to do"),
        "{notices:?}"
    );
    assert_eq!(value::<String>(&mut client, versions)?, before);
    Ok(())
}

#[test]
fn a_locked_row_holds_up_nothing_but_itself() -> Result<()> {
    let cluster = cluster_with_docs()?;
    let mut holder = cluster.connect(DATABASE)?;
    let call = Call::start(&cluster, QUANTIZE)?;
    call.wait_for_progress(&cluster, 1)?;
    // Rolled back in the end, so that nobody but the backfill writes these codes.
    let mut transaction = holder.transaction()?;
    transaction.batch_execute(&format!(
        "UPDATE docs SET embedding = embed(0) WHERE id IN ({}, {})",
        ROWS - 1,
        ROWS / 2
    ))?;
    let mut client = cluster.connect(DATABASE)?;
    wait_until("the rest of the table", || {
        Ok(value::<i64>(
            &mut client,
            "SELECT count(*) FROM docs WHERE embedding_int8 IS NULL",
        )? == 2)
    })?;
    transaction.rollback()?;
    call.finish()?;
    assert_all_codes_right(&cluster)
}

#[test]
fn a_lock_on_the_table_is_tried_again() -> Result<()> {
    let cluster = cluster_with_docs()?;
    let mut holder = cluster.connect(DATABASE)?;
    let mut transaction = holder.transaction()?;
    transaction.batch_execute("LOCK TABLE docs IN ACCESS SHARE MODE")?;
    let call = Call::start(
        &cluster,
        "CALL quantize_column('docs', 'embedding', 'int8', lock_timeout => '20ms')",
    )?;
    wait_until("two attempts", || {
        Ok(call.notices.lock().unwrap().len() >= 2)
    })?;
    // Between attempts nothing waits for the table, and nothing is half done.
    assert_eq!(
        value::<i64>(
            &mut cluster.connect(DATABASE)?,
            "SELECT count(*) FROM quantized_columns"
        )?,
        0
    );
    transaction.commit()?;
    let notices = call.finish()?;
    assert!(notices[0].contains("is in use, attempt 1"), "{notices:?}");
    assert_all_codes_right(&cluster)
}

#[test]
fn two_sessions_do_not_quantize_one_table() -> Result<()> {
    let cluster = cluster_with_docs()?;
    let call = Call::start(&cluster, QUANTIZE)?;
    call.wait_for_progress(&cluster, 1)?;
    let mut client = cluster.connect(DATABASE)?;
    let error = client
        .batch_execute("CALL quantize_column('docs', 'embedding', 'binary')")
        .unwrap_err();
    let error = error.as_db_error().context("not from the server")?;
    assert_eq!(error.code().code(), "55006", "{error}");
    assert!(
        error
            .detail()
            .is_some_and(|detail| detail.contains(&call.pid.to_string())),
        "{error:?}"
    );
    call.finish()?;
    assert_all_codes_right(&cluster)
}

#[test]
fn no_snapshot_sees_codes_of_another_calibration() -> Result<()> {
    let cluster = cluster_with_docs()?;
    Call::start(&cluster, QUANTIZE)?.finish()?;
    let writers = Writers::start(&cluster, 2);
    let (stop, seen) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let reader = {
        let (stop, seen, mut client) = (stop.clone(), seen.clone(), cluster.connect(DATABASE)?);
        thread::spawn(move || -> Result<()> {
            while !stop.load(Ordering::Relaxed) {
                let row = client.query_one(FAULTS, &[])?;
                let (missing, wrong): (i64, i64) = (row.get(0), row.get(1));
                ensure!(
                    (missing, wrong) == (0, 0),
                    "a snapshot: {missing} missing, {wrong} wrong"
                );
                seen.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        })
    };

    // Interrupted once on the way, and held up by a snapshot that is older than the new codes.
    let call = Call::start(&cluster, REQUANTIZE)?;
    call.wait_for_progress(&cluster, 30)?;
    let mut client = cluster.connect(DATABASE)?;
    client.execute("SELECT pg_terminate_backend($1)", &[&call.pid])?;
    assert!(call.finish().is_err(), "the session was terminated");
    let mut old = cluster.connect(DATABASE)?;
    let mut old = old
        .build_transaction()
        .isolation_level(postgres::IsolationLevel::RepeatableRead)
        .start()?;
    old.query_one("SELECT pg_current_snapshot()::text", &[])?;
    let call = Call::start(&cluster, "CALL requantize_column('docs', 'embedding_int8')")?;
    wait_until("the end of the backfill", || {
        value(
            &mut client,
            "SELECT state = 'swapping' FROM quantized_columns",
        )
    })?;
    // Time for the columns to change places, if nothing held them back.
    sleep(Duration::from_millis(500));
    assert!(
        !call.thread.is_finished(),
        "an older snapshot was passed over"
    );
    let row = old.query_one(FAULTS, &[])?;
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (0, 0));
    old.commit()?;
    call.finish()?;

    let readings = seen.load(Ordering::Relaxed);
    wait_until("readings of the new codes", || {
        Ok(seen.load(Ordering::Relaxed) > readings + 2 || reader.is_finished())
    })?;
    stop.store(true, Ordering::Relaxed);
    reader.join().expect("the reader panicked")?;
    writers.stop()?;
    let bound: f32 = value(&mut client, "SELECT ranges[2][1] FROM quantized_columns")?;
    assert_eq!(bound, 3.0, "the new ranges are recorded");
    assert_all_codes_right(&cluster)
}
