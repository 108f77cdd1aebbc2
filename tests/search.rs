//! What the documentation shows about searching runs as it is shown.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use cluster::Cluster;
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
    // Nine statements print a result; the first search finds the fruit.
    let results = printed.matches(" row").count();
    ensure!(results == 9, "{results} results in\n{printed}");
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
