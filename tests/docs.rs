//! Every SQL statement of the documentation runs as it stands.
//!
//! A page that has a comment `<!-- test setup … -->`, or needs none, runs in a database of its own: first the setup, then every
//! block fenced as `sql`, in order. A line `$1 = …` in the setup says what stands for `$1`. Pages whose statements are
//! tested elsewhere are named below, with the test.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use cluster::{Cluster, Options};
use server_tests::{available, installation};

/// Pages that other tests run, with their own fixtures and expectations.
const ELSEWHERE: [(&str, &str); 6] = [
    ("distributed.md", "distributed/page.rs"),
    ("search.md", "search.rs"),
    ("rag.md", "search.rs"),
    ("pgvector.md", "companion.rs"),
    ("index.md", "qivf regression files"),
    ("sql.md", "regression files"),
];

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

/// The setup of a page, and what stands for `$1`.
fn setup(page: &str) -> (String, Option<String>) {
    let comment = page
        .split_once("<!-- test setup\n")
        .and_then(|(_, rest)| rest.split_once("-->"))
        .map_or("", |(comment, _)| comment);
    let (values, statements): (Vec<&str>, Vec<&str>) =
        comment.lines().partition(|line| line.starts_with("$1 = "));
    let value = values.first().map(|line| line["$1 = ".len()..].to_owned());
    (statements.join("\n"), value)
}

/// The SQL blocks of a page, in order.
fn blocks(page: &str) -> Vec<&str> {
    let starts = page.split("\n```sql\n").skip(1);
    starts
        .filter_map(|rest| Some(rest.split_once("\n```")?.0))
        .collect()
}

/// The statements with `value` for `$1`, except within strings: there it is for whom the string is for.
fn with_value(block: &str, value: &str) -> String {
    let parts = block.split('\'').enumerate();
    let parts = parts.map(|(i, part)| match i % 2 {
        0 => part.replace("$1", value),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("'")
}

/// Runs a page's statements through psql.
fn run(cluster: &Cluster, name: &str, page: &str) -> Result<()> {
    let database = name.replace(['.', '-'], "_");
    cluster.create_database(&database)?;
    let (mut script, value) = setup(page);
    for block in blocks(page) {
        script.push('\n');
        script.push_str(&match &value {
            Some(value) => with_value(block, value),
            None => block.to_owned(),
        });
        script.push('\n');
    }
    let path = cluster.path().join(format!("{database}.sql"));
    fs::write(&path, script)?;
    let output = cluster
        .psql(&database)
        .args(["-q", "-v", "ON_ERROR_STOP=1", "-f"])
        .arg(&path)
        .output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name}: {errors}");
    Ok(())
}

#[test]
fn the_statements_of_every_page_run() -> Result<()> {
    let cluster = Cluster::start_new(&installation()?, Options::default())?;
    let mut pages: Vec<PathBuf> = fs::read_dir(docs())?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    pages.sort();
    let mut ran = 0;
    for path in pages {
        let name = path
            .file_name()
            .context("a page without a name")?
            .to_string_lossy()
            .into_owned();
        if !name.ends_with(".md") || ELSEWHERE.iter().any(|(page, _)| *page == name) {
            continue;
        }
        let page = fs::read_to_string(&path)?;
        if blocks(&page).is_empty() || page.contains("EXTENSION vector") && !available("vector")? {
            continue;
        }
        run(&cluster, &name, &page)?;
        ran += 1;
    }
    ensure!(ran >= 5, "only {ran} pages have statements");
    Ok(())
}

/// A link to a page or a heading that is not there helps nobody.
#[test]
fn links_between_pages_lead_somewhere() -> Result<()> {
    for entry in fs::read_dir(docs())? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let page = fs::read_to_string(&path)?;
        for target in page
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split([')', ' ']).next())
        {
            if target.starts_with("http") {
                continue;
            }
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let linked = if file.is_empty() {
                path.clone()
            } else {
                docs().join(file)
            };
            ensure!(linked.exists(), "{}: no {target}", path.display());
            if !heading.is_empty() {
                let text = fs::read_to_string(&linked)?;
                let found = text
                    .lines()
                    .filter(|line| line.starts_with('#'))
                    .any(|line| anchor(line) == heading);
                ensure!(found, "{}: no heading {target}", path.display());
            }
        }
    }
    Ok(())
}

/// The anchor of a heading as Markdown makes it: lower case, hyphens for spaces, no punctuation.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}
