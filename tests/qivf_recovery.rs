//! The index after crashes and on standbys: nothing lost, nothing invented, and the same answers.

use anyhow::{Context, Result, ensure};
use cluster::{Cluster, Options, Shutdown};
use postgres::Client;
use server_tests::qivf::{Search, create_generator, is_sound, refused, value};
use server_tests::{DATABASE, start};

/// Two indexes of different kinds on one table, built over part of its rows.
const ROWS: &str = "
CREATE TABLE docs (id serial PRIMARY KEY, e real[], b binvec GENERATED ALWAYS AS (quantize_binary(e)) STORED) WITH (autovacuum_enabled = off);
INSERT INTO docs (e) SELECT embedding(32, n) FROM generate_series(1, 1000) AS n;
CREATE INDEX docs_e ON docs USING qivf (e);
CREATE INDEX docs_b ON docs USING qivf (b);
CREATE TABLE filled (id serial PRIMARY KEY, e real[]) WITH (autovacuum_enabled = off);
CREATE INDEX filled_e ON filled USING qivf (e real_l2_ops);";

/// Inserts, updates and deletes, vacuums, and inserts into the freed slots.
const CHANGES: [&str; 6] = [
    "INSERT INTO docs (e) SELECT embedding(32, n) FROM generate_series(2001, 2600) AS n",
    "INSERT INTO filled (e) SELECT embedding(32, n) FROM generate_series(1, 900) AS n",
    "DELETE FROM docs WHERE id % 3 = 0; DELETE FROM filled WHERE id % 3 = 1",
    "VACUUM docs, filled",
    "UPDATE docs SET e = embedding(32, id + 7000) WHERE id % 5 = 1; INSERT INTO filled (e) SELECT NULL FROM generate_series(1, 20)",
    "INSERT INTO docs (e) SELECT embedding(32, n) FROM generate_series(3001, 3400) AS n",
];

const SEARCHES: [Search<'_>; 3] = [
    Search {
        from: "docs",
        distance: "e <=> embedding(32, 11)",
        limit: 5000,
    },
    Search {
        from: "docs",
        distance: "b <~> quantize_binary(embedding(32, 11))",
        limit: 5000,
    },
    Search {
        from: "filled",
        distance: "e <-> embedding(32, 11)",
        limit: 5000,
    },
];

fn all_well(client: &mut Client) -> Result<()> {
    for index in ["docs_e", "docs_b", "filled_e"] {
        is_sound(client, index)?;
    }
    SEARCHES
        .iter()
        .try_for_each(|search| search.is_exact(client))
}

fn filled(options: Options) -> Result<(Cluster, Client)> {
    let cluster = start(options)?;
    let mut client = cluster.connect(DATABASE)?;
    create_generator(&mut client)?;
    client.batch_execute(ROWS)?;
    Ok((cluster, client))
}

#[test]
fn an_immediate_stop_after_any_change_loses_nothing() -> Result<()> {
    let (cluster, mut client) = filled(Options::default())?;
    // Pages since a checkpoint are logged whole, so that replay starts from every page's own change too.
    for (i, change) in CHANGES.iter().enumerate() {
        if i % 2 == 0 {
            client.batch_execute("CHECKPOINT")?;
        }
        client.batch_execute(change)?;
        drop(client);
        cluster.restart(Shutdown::Immediate)?;
        client = cluster.connect(DATABASE)?;
        all_well(&mut client)?;
    }
    Ok(())
}

#[test]
fn a_crash_in_the_middle_of_a_transaction_leaves_dead_rows_only() -> Result<()> {
    let (cluster, mut client) = filled(Options::default())?;
    let rows: i64 = value(&mut client, "SELECT count(*) FROM docs")?;
    client.batch_execute(
        "BEGIN; INSERT INTO docs (e) SELECT embedding(32, n) FROM generate_series(2001, 2600) AS n",
    )?;
    // What another session commits brings the open transaction's records to disk.
    cluster
        .connect(DATABASE)?
        .batch_execute("INSERT INTO filled (e) VALUES (embedding(32, 1))")?;
    cluster.kill()?;
    drop(client);
    cluster.start()?;
    let mut client = cluster.connect(DATABASE)?;
    ensure!(value::<i64>(&mut client, "SELECT count(*) FROM docs")? == rows);
    all_well(&mut client)?;
    client.batch_execute("VACUUM docs")?;
    all_well(&mut client)?;
    let held = "SELECT (qivf_info('docs_e') ->> 'rows')::bigint";
    ensure!(
        value::<i64>(&mut client, held)? == rows,
        "vacuum left dead rows behind"
    );
    Ok(())
}

#[test]
fn an_unlogged_index_is_empty_and_usable_after_a_crash() -> Result<()> {
    let (cluster, mut client) = filled(Options::default())?;
    client.batch_execute(
        "CREATE UNLOGGED TABLE quick (id serial, e real[]); INSERT INTO quick (e) SELECT embedding(32, n) FROM generate_series(1, 500) AS n;
         CREATE INDEX quick_e ON quick USING qivf (e)",
    )?;
    let search = Search {
        from: "quick",
        distance: "e <=> embedding(32, 11)",
        limit: 1000,
    };
    search.is_exact(&mut client)?;
    drop(client);
    cluster.restart(Shutdown::Immediate)?;
    let mut client = cluster.connect(DATABASE)?;
    is_sound(&mut client, "quick_e")?;
    ensure!(
        search.by_index(&mut client)?.is_empty(),
        "rows in a reset table"
    );
    client.batch_execute(
        "INSERT INTO quick (e) SELECT embedding(32, n) FROM generate_series(1, 300) AS n",
    )?;
    is_sound(&mut client, "quick_e")?;
    search.is_exact(&mut client)?;
    drop(client);
    // An orderly stop keeps them.
    cluster.restart(Shutdown::Fast)?;
    let mut client = cluster.connect(DATABASE)?;
    is_sound(&mut client, "quick_e")?;
    ensure!(search.by_index(&mut client)?.len() == 300);
    Ok(())
}

/// What the index holds, without what a standby's own session could change.
fn info(client: &mut Client, index: &str) -> Result<String> {
    value(client, &format!("SELECT (qivf_info('{index}'))::text"))
}

#[test]
fn a_standby_replays_every_page_and_answers_like_its_primary() -> Result<()> {
    // Every replayed record is compared with the page it was made from; a difference stops the standby.
    let options = Options::default().set("wal_consistency_checking", "all");
    let (primary, mut client) = filled(options.clone())?;
    let standby = Cluster::standby_of(&primary, options)?;
    for change in CHANGES {
        client.batch_execute(change)?;
    }
    client.batch_execute(
        "CREATE INDEX later ON docs USING qivf (e real_ip_ops); REINDEX INDEX docs_b",
    )?;
    standby.wait_for(&primary)?;
    let mut reader = standby.connect(DATABASE)?;
    for search in SEARCHES {
        search.is_exact(&mut reader)?;
        // At any target, the same lists are opened in the same order.
        ensure!(
            search.by_index(&mut reader)? == search.by_index(&mut client)?,
            "the standby answers otherwise: {search:?}"
        );
    }
    for index in ["docs_e", "docs_b", "filled_e", "later"] {
        ensure!(
            info(&mut reader, index)? == info(&mut client, index)?,
            "{index}"
        );
        is_sound(&mut reader, index)?;
    }
    let report = "SELECT count(*) FROM recall_report('docs_e', 20)";
    ensure!(value::<i64>(&mut reader, report)? > 0);
    ensure!(
        refused(&mut reader, "SELECT qivf_tune('docs_e', '{{1}}'::real[])")?
            == "cannot execute qivf_tune() during recovery"
    );
    let log = std::fs::read_to_string(standby.log_path())?;
    ensure!(
        !log.contains("inconsistent page found"),
        "{}",
        standby.log_tail(20)
    );
    Ok(())
}

#[test]
fn a_promoted_standby_takes_over() -> Result<()> {
    let (primary, mut client) = filled(Options::default())?;
    let standby = Cluster::standby_of(&primary, Options::default())?;
    for change in &CHANGES[..3] {
        client.batch_execute(change)?;
    }
    standby.wait_for(&primary)?;
    drop(client);
    primary.stop(Shutdown::Immediate)?;
    let mut client = standby.connect(DATABASE)?;
    ensure!(value::<bool>(&mut client, "SELECT pg_promote()")?);
    all_well(&mut client)?;
    for change in &CHANGES[3..] {
        client.batch_execute(change)?;
    }
    all_well(&mut client)
}

/// Statements that fill a table `t` with an index `t_e`, most of them in the transaction that makes the files of these.
const NEW_FILES: [(&str, &str); 13] = [
    ("indexed_then_filled", "BEGIN; CREATE TABLE t (id serial, e real[]); CREATE INDEX t_e ON t USING qivf (e); INSERT INTO t (e) SELECT embedding(32, n) FROM generate_series(1, 300) AS n; COMMIT"),
    ("filled_then_indexed", "BEGIN; CREATE TABLE t (id serial, e real[]); INSERT INTO t (e) SELECT embedding(32, n) FROM generate_series(1, 1050) AS n; CREATE INDEX t_e ON t USING qivf (e);
        INSERT INTO t (e) SELECT embedding(32, n) FROM generate_series(1, 300) AS n; COMMIT"),
    ("truncated", "MAKE; BEGIN; TRUNCATE t; INSERT INTO t (e) SELECT embedding(32, n) FROM generate_series(1, 300) AS n; COMMIT"),
    ("truncated_twice", "MAKE; BEGIN; TRUNCATE t; INSERT INTO t (e) SELECT embedding(32, n) FROM generate_series(1, 300) AS n; TRUNCATE t;
        INSERT INTO t (e) SELECT embedding(32, n) FROM generate_series(1, 150) AS n; COMMIT"),
    ("truncated_in_place", "BEGIN; CREATE TABLE t (id serial, e real[]); CREATE INDEX t_e ON t USING qivf (e); INSERT INTO t (e) SELECT embedding(32, n) FROM generate_series(1, 200) AS n;
        TRUNCATE t; INSERT INTO t (e) SELECT embedding(32, n) FROM generate_series(1, 150) AS n; COMMIT; INSERT INTO t (e) SELECT embedding(32, n) FROM generate_series(1, 300) AS n"),
    ("reindexed", "MAKE; BEGIN; REINDEX INDEX t_e; INSERT INTO t (e) SELECT embedding(32, n) FROM generate_series(1, 300) AS n; COMMIT;
        INSERT INTO t (e) SELECT embedding(32, n) FROM generate_series(1, 300) AS n"),
    ("rolled_back_to_a_savepoint", "BEGIN; CREATE TABLE t (id serial, e real[]); CREATE INDEX t_e ON t USING qivf (e); SAVEPOINT a; INSERT INTO t (e) SELECT embedding(32, n) FROM generate_series(1, 300) AS n;
        ROLLBACK TO a; INSERT INTO t (e) SELECT embedding(32, n) FROM generate_series(1, 200) AS n; COMMIT"),
    ("truncated_in_a_savepoint_undone", "MAKE; BEGIN; SAVEPOINT a; TRUNCATE t; INSERT INTO t (e) SELECT embedding(32, n) FROM generate_series(1, 300) AS n;
        ROLLBACK TO a; INSERT INTO t (e) SELECT embedding(32, n) FROM generate_series(1, 300) AS n; COMMIT"),
    ("truncated_in_a_savepoint_kept", "MAKE; BEGIN; SAVEPOINT a; TRUNCATE t; INSERT INTO t (e) SELECT embedding(32, n) FROM generate_series(1, 200) AS n; RELEASE a;
        INSERT INTO t (e) SELECT embedding(32, n) FROM generate_series(1, 300) AS n; COMMIT; INSERT INTO t (e) SELECT embedding(32, n) FROM generate_series(1, 100) AS n"),
    ("vacuumed_and_filled_again", "MAKE; DELETE FROM t WHERE id % 3 = 0; VACUUM t; BEGIN; CREATE INDEX other ON t USING qivf (e real_l2_ops); DROP INDEX t_e; ALTER INDEX other RENAME TO t_e;
        INSERT INTO t (e) SELECT embedding(32, n) FROM generate_series(1, 300) AS n; COMMIT; INSERT INTO t (e) SELECT embedding(32, n) FROM generate_series(1, 300) AS n"),
    ("made_logged", "MAKE; ALTER TABLE t SET UNLOGGED; BEGIN; ALTER TABLE t SET LOGGED; INSERT INTO t (e) SELECT embedding(32, n) FROM generate_series(1, 300) AS n; COMMIT"),
    ("rewritten", "MAKE; VACUUM FULL t; INSERT INTO t (e) SELECT embedding(32, n) FROM generate_series(1, 300) AS n"),
    ("built_concurrently", "MAKE; CREATE INDEX CONCURRENTLY other ON t USING qivf (e); INSERT INTO t (e) SELECT embedding(32, n) FROM generate_series(1, 300) AS n;
        REINDEX INDEX CONCURRENTLY t_e; DROP INDEX other; INSERT INTO t (e) SELECT embedding(32, n) FROM generate_series(1, 300) AS n"),
];

const MAKE: &str = "CREATE TABLE t (id serial, e real[]); INSERT INTO t (e) SELECT embedding(32, n) FROM generate_series(1, 1010) AS n; CREATE INDEX t_e ON t USING qivf (e)";

/// Changes of a file that is new in its transaction aren't logged with `wal_level = minimal`; then nothing of it may be, or
/// replay brings back what was before them.
fn new_files_survive(settings: &[(&str, &str)]) -> Result<()> {
    let options = settings
        .iter()
        .fold(Options::default(), |options, (name, value)| {
            options.set(name, value)
        });
    let cluster = start(options.set("autovacuum", "off"))?;
    let mut client = cluster.connect(DATABASE)?;
    create_generator(&mut client)?;
    let mut rows: Vec<i64> = Vec::new();
    for (schema, script) in NEW_FILES {
        // One statement at a time: together they would be one transaction.
        client.batch_execute(&format!("CREATE SCHEMA {schema}"))?;
        client.batch_execute(&format!("SET search_path = {schema}, public"))?;
        for statement in script.replace("MAKE", MAKE).split(';') {
            client
                .batch_execute(statement)
                .with_context(|| format!("{schema}: {statement}"))?;
        }
        rows.push(value(&mut client, "SELECT count(*) FROM t")?);
    }
    client.batch_execute("CREATE UNLOGGED TABLE quick (id serial, e real[]); CREATE INDEX quick_e ON quick USING qivf (e); CHECKPOINT; INSERT INTO quick (e) VALUES (embedding(32, 1))")?;
    drop(client);
    cluster.restart(Shutdown::Immediate)?;
    let mut client = cluster.connect(DATABASE)?;
    for ((schema, _), rows) in NEW_FILES.iter().zip(rows) {
        client.batch_execute(&format!("SET search_path = {schema}, public"))?;
        is_sound(&mut client, "t_e").with_context(|| format!("{schema}, {settings:?}"))?;
        ensure!(value::<i64>(&mut client, "SELECT count(*) FROM t")? == rows);
        let metric = match *schema {
            "vacuumed_and_filled_again" => "e <-> embedding(32, 11)",
            _ => "e <=> embedding(32, 11)",
        };
        let search = Search {
            from: "t",
            distance: metric,
            limit: 5000,
        };
        search.is_exact(&mut client).context(*schema)?;
    }
    client.batch_execute("SET search_path = built_concurrently, public; INSERT INTO quick (e) VALUES (embedding(32, 1))")?;
    is_sound(&mut client, "quick_e")
}

#[test]
fn new_files_survive_a_crash() -> Result<()> {
    new_files_survive(&[])
}

const MINIMAL: [(&str, &str); 2] = [("wal_level", "minimal"), ("max_wal_senders", "0")];

#[test]
fn new_files_survive_a_crash_without_their_wal() -> Result<()> {
    // Written out at commit, whatever their size.
    new_files_survive(&[MINIMAL[0], MINIMAL[1], ("wal_skip_threshold", "0")])
}

#[test]
fn new_files_survive_a_crash_logged_at_commit() -> Result<()> {
    new_files_survive(&[
        MINIMAL[0],
        MINIMAL[1],
        ("wal_skip_threshold", "1GB"),
        ("full_page_writes", "off"),
    ])
}
