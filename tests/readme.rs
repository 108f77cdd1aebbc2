//! The README's SQL example does what the README says.

use anyhow::{Context, Result};
use cluster::{Cluster, Options};
use postgres::SimpleQueryMessage;
use server_tests::{DATABASE, installation};

const README: &str = include_str!("../README.md");

/// The text of the first block fenced as `language`.
fn block(language: &str) -> Result<&'static str> {
    let fence = format!("```{language}\n");
    let (_, rest) = README.split_once(&fence).context("no such block")?;
    let (block, _) = rest.split_once("```").context("block without an end")?;
    Ok(block)
}

/// The cells of a table as psql prints it.
fn printed_rows(table: &str) -> Vec<Vec<String>> {
    let lines = table.lines().skip(2);
    lines
        .map(|line| line.split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

#[test]
fn the_example_prints_what_the_readme_shows() -> Result<()> {
    let cluster = Cluster::start_new(&installation()?, Options::default())?;
    let mut client = cluster.connect(DATABASE)?;
    // One statement at a time: a CALL that commits cannot be part of a longer message.
    let sql: String = block("sql")?
        .lines()
        .filter(|line| !line.starts_with("--"))
        .collect::<Vec<_>>()
        .join("\n");
    let mut rows: Vec<Vec<String>> = Vec::new();
    for statement in sql.split(';').filter(|s| !s.trim().is_empty()) {
        rows = client
            .simple_query(statement)
            .with_context(|| statement.to_owned())?
            .iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => Some(
                    (0..row.len())
                        .map(|i| row.get(i).unwrap_or("").to_owned())
                        .collect(),
                ),
                _ => None,
            })
            .collect();
    }
    assert_eq!(rows, printed_rows(block("text")?));
    Ok(())
}
