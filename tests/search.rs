//! What the documentation shows about searching runs as it is shown.

use std::path::{Path, PathBuf};

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use cluster::Cluster;
use postgres::Client;
use server_tests::{DATABASE, start_default};

/// The directory of the documentation.
fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

/// Runs a script through psql, stopping at the first error, and returns what it prints.
fn run(cluster: &Cluster, script: &Path) -> Result<String> {
    let output = cluster
        .psql(DATABASE)
        .args(["-q", "-v", "ON_ERROR_STOP=1", "-f"])
        .arg(script)
        .output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{} failed: {errors}",
        script.display()
    );
    Ok(String::from_utf8(output.stdout)?)
}

/// The SQL blocks of a page, in order, as one script.
fn sql_blocks(page: &str) -> String {
    let blocks = page
        .split("\n```sql\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("\n```"));
    blocks.map(|(block, _)| format!("{block}\n")).collect()
}

#[test]
fn the_statements_of_the_search_page_run() -> Result<()> {
    let (cluster, mut client) = start_default()?;
    let page = std::fs::read_to_string(docs().join("search.md"))?;
    let script = cluster.path().join("search_page.sql");
    std::fs::write(&script, sql_blocks(&page))?;
    let printed = run(&cluster, &script)?;
    // Eleven statements print a result; the first search finds the fruit.
    let results = printed.matches(" row").count();
    ensure!(results == 11, "{results} results in\n{printed}");
    let (first, _) = printed.split_once("(2 rows)").context("no result")?;
    ensure!(
        first.contains("apples") && first.contains("pears"),
        "{first}"
    );
    let row = client.query_one("SELECT count(*) FROM docs", &[])?;
    assert_eq!(row.get::<_, i64>(0), 3);
    Ok(())
}

#[test]
fn the_rag_example_answers_its_questions() -> Result<()> {
    let (cluster, _client) = start_default()?;
    let printed = run(&cluster, &docs().join("examples/rag.sql"))?;
    let answers: Vec<&str> = printed.split("Question: ").skip(1).collect();
    let [restore, retry] = answers[..] else {
        anyhow::bail!("two questions, not\n{printed}");
    };
    ensure!(
        restore.contains("unpack the base backup into an empty directory"),
        "{restore}"
    );
    ensure!(retry.contains("[1] Client, Retry"), "{retry}");
    // The filter holds: another product's chunk and an old one stay out.
    ensure!(!restore.contains("Client,"), "{restore}");
    ensure!(!retry.contains("home directory"), "{retry}");
    // So does the budget.
    for answer in answers {
        let texts = answer.lines().skip(1).filter(|line| !line.starts_with('['));
        let characters: usize = texts.map(|line| line.chars().count()).sum();
        ensure!(
            (100..=400).contains(&characters),
            "{characters} characters in\n{answer}"
        );
    }
    Ok(())
}

/// Statements that change a table while another session waits to search it. Rewrites are among them: a snapshot from before
/// sees no row of the new file.
const CHANGES: [&str; 8] = [
    "ALTER TABLE docs ADD extra integer",
    "ALTER TABLE docs ADD more text DEFAULT 'x', ALTER more SET STORAGE external",
    "ALTER TABLE docs ADD rewritten float8 DEFAULT random()",
    "ALTER TABLE docs ADD by_hand binvec(8) GENERATED ALWAYS AS (quantize_binary(embedding)) STORED",
    "ALTER TABLE docs ALTER id TYPE bigint",
    "ALTER TABLE docs DROP COLUMN title",
    "ALTER TABLE docs RENAME COLUMN lang TO language",
    "DROP INDEX docs_pkey_too",
];

/// Makes the table that is searched, with codes of its own.
fn make_docs(client: &mut Client) -> Result<()> {
    client.batch_execute(
        "CREATE TABLE docs AS SELECT g AS id, 'title ' || g AS title, 'en'::text AS lang,
             (SELECT array_agg(sin(g * k)::real) FROM generate_series(1, 8) k) AS embedding
         FROM generate_series(1, 200) g;
         ALTER TABLE docs ADD PRIMARY KEY (id);
         CREATE INDEX docs_pkey_too ON docs (id)",
    )?;
    client.batch_execute("CALL quantize_column('docs', 'embedding', 'binary')")?;
    Ok(())
}

/// Waits until a session waits for a lock.
fn wait_for_waiting(client: &mut Client) -> Result<()> {
    for _ in 0..200 {
        let row = client.query_one(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)",
            &[],
        )?;
        if row.get(0) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    anyhow::bail!("nobody waits")
}

#[test]
fn a_search_answers_after_the_change_that_it_waited_for() -> Result<()> {
    let (cluster, mut client) = start_default()?;
    make_docs(&mut client)?;
    let search = "SELECT count(*), min(score) FROM semantic_search(NULL::docs, array_fill(0.5::real, '{8}'), 3)";
    let lateral = "SELECT count(*), min(s.score) FROM generate_series(1, 2) g
        CROSS JOIN LATERAL semantic_search(NULL::docs, array_fill(0.5::real, '{8}'), 3 + 0 * g) s";
    for isolation in ["read committed", "repeatable read"] {
        for change in CHANGES {
            let mut session = cluster.connect(DATABASE)?;
            session.batch_execute(&format!(
                "SET default_transaction_isolation = '{isolation}'"
            ))?;
            let prepared = session.prepare(search)?;
            let before: i64 = session.query_one(&prepared, &[])?.get(0);
            assert_eq!(before, 3);
            let mut changing = client.transaction()?;
            changing.batch_execute(change)?;
            let waiting = std::thread::spawn(move || -> Result<[i64; 3]> {
                // Prepared long ago, and planned now.
                let first = session.query_one(&prepared, &[])?.get(0);
                let second = session.query_one(search, &[])?.get(0);
                let third = session.query_one(lateral, &[])?.get(0);
                Ok([first, second, third])
            });
            wait_for_waiting(&mut cluster.connect(DATABASE)?)?;
            changing.commit()?;
            let found = match waiting.join() {
                Ok(found) => found.with_context(|| format!("{change}, {isolation}"))?,
                Err(_) => anyhow::bail!("{change}: the session's thread panicked"),
            };
            // One snapshot throughout, taken before the rows were written anew, sees none of them in a statement that was
            // planned before: Postgres's own rule.
            if isolation == "read committed" {
                assert_eq!(found, [3, 3, 6], "{change}");
            } else {
                assert_eq!(found[1..], [3, 6], "{change}");
            }
        }
        client.batch_execute("DROP TABLE docs")?;
        make_docs(&mut client)?;
    }
    Ok(())
}

#[test]
fn searches_go_on_while_columns_come_and_go() -> Result<()> {
    let (cluster, mut client) = start_default()?;
    make_docs(&mut client)?;
    let mut session = cluster.connect(DATABASE)?;
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let searching = std::thread::spawn(move || -> Result<u32> {
        let search =
            "SELECT count(*) FROM semantic_search(NULL::docs, array_fill(0.5::real, '{8}'), 3)";
        let mut searches = 0;
        while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
            let found: i64 = session.query_one(search, &[])?.get(0);
            ensure!(found == 3, "{found} rows after {searches} searches");
            searches += 1;
        }
        Ok(searches)
    });
    for _ in 0..3 {
        client.batch_execute(
            "CALL quantize_column('docs', 'embedding', 'int8', quantized_column => 'more')",
        )?;
        client.batch_execute("CALL requantize_column('docs', 'more')")?;
        client.batch_execute("CALL drop_quantized_column('docs', 'embedding_bin')")?;
        client.batch_execute("CALL quantize_column('docs', 'embedding', 'binary')")?;
        client.batch_execute("CALL drop_quantized_column('docs', 'more')")?;
    }
    drop(stop);
    match searching.join() {
        Ok(searches) => ensure!(searches? > 3, "too few searches"),
        Err(_) => anyhow::bail!("the searching thread panicked"),
    }
    Ok(())
}

#[test]
fn a_session_that_searches_much_does_not_grow() -> Result<()> {
    let (_cluster, mut client) = start_default()?;
    make_docs(&mut client)?;
    // Statements of their own, more than a session keeps, and errors.
    let mut grow = |rounds: i32| -> Result<i64> {
        for i in 0..rounds {
            let search = format!(
                "SELECT count(*) FROM semantic_search(NULL::docs, array_fill(0.5::real, '{{8}}'), 3, filter => 'id <> {}')",
                i % 300
            );
            client.batch_execute(&search)?;
            let bad = search.replace("filter => '", "filter => 'nonsense ");
            ensure!(client.batch_execute(&bad).is_err());
        }
        let bytes = "SELECT sum(total_bytes)::bigint FROM pg_backend_memory_contexts";
        Ok(client.query_one(bytes, &[])?.get(0))
    };
    let (first, second) = (grow(400)?, grow(400)?);
    ensure!(second < first + (1 << 20), "{first} bytes, then {second}");
    Ok(())
}
