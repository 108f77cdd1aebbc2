//! `cargo xtask cut-demo-data DIR`: cuts `demo/` out of a larger set.
//!
//! `DIR` holds `base.f16.npy`, `base.tsv.gz` (row, package, text), `queries.f16.npy` and
//! `queries.tsv.gz` (row, kind, source, text). Taken are the nearest documents of every query
//! that is kept, so that the queries have their true answers, and evenly spread ones besides.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use flate2::{Compression, GzBuilder};
use std::io::Write;

use super::data::{directory, lines};
use super::npy::Matrix;
use crate::run;

/// Rows of the queries that the demo answers on screen.
const QUESTIONS: [usize; 10] = [137, 168, 348, 364, 415, 204, 273, 133, 656, 200];

/// Further queries: every how many rows one is kept.
const QUERY_STEP: usize = 6;

/// Documents to keep.
const DOCUMENTS: usize = 5_000;

/// Nearest documents kept for a question and for another query.
const NEIGHBOURS: (usize, usize) = (40, 10);

/// `cut-demo-data DIR`.
pub fn command(mut parser: lexopt::Parser) -> Result<()> {
    let source = PathBuf::from(
        parser
            .value()
            .context("usage: cargo xtask cut-demo-data DIR")?,
    );
    let base = Matrix::read(&source.join("base.f16.npy"))?;
    let queries = Matrix::read(&source.join("queries.f16.npy"))?;
    let kept_queries = kept_queries(queries.rows());
    let kept = kept_documents(&base, &queries, &kept_queries)?;
    let target = directory();
    base.select(&kept)
        .write(&target.join("documents.f16.npy"))?;
    queries
        .select(&kept_queries)
        .write(&target.join("queries.f16.npy"))?;
    let texts = lines(&source.join("base.tsv.gz"))?;
    let documents = kept.iter().map(|row| without_row(&texts, *row));
    write(
        &target.join("documents.tsv.gz"),
        &documents.collect::<Result<Vec<_>>>()?,
    )?;
    let texts = lines(&source.join("queries.tsv.gz"))?;
    let described = kept_queries.iter().map(|row| {
        let fields: Vec<&str> = without_row(&texts, *row)?.split('\t').collect();
        let [kind, _, text] = fields[..] else {
            anyhow::bail!("query {row} has no text")
        };
        Ok(format!(
            "{}\t{text}",
            if QUESTIONS.contains(row) {
                "question"
            } else {
                kind
            }
        ))
    });
    write(
        &target.join("queries.tsv.gz"),
        &described.collect::<Result<Vec<_>>>()?,
    )?;
    println!(
        "{} documents, {} queries in {}",
        kept.len(),
        kept_queries.len(),
        target.display()
    );
    Ok(())
}

/// Questions, then the others.
fn kept_queries(rows: usize) -> Vec<usize> {
    let others = (0..rows)
        .step_by(QUERY_STEP)
        .filter(|row| !QUESTIONS.contains(row));
    QUESTIONS.into_iter().chain(others).collect()
}

/// Rows of the documents, ascending.
fn kept_documents(base: &Matrix, queries: &Matrix, kept: &[usize]) -> Result<Vec<usize>> {
    let floats: Vec<Vec<f32>> = (0..base.rows()).map(|row| base.floats(row)).collect();
    let mut rows = BTreeSet::new();
    for query in kept {
        let count = if QUESTIONS.contains(query) {
            NEIGHBOURS.0
        } else {
            NEIGHBOURS.1
        };
        rows.extend(nearest(&floats, &queries.floats(*query), count));
    }
    ensure!(
        rows.len() <= DOCUMENTS,
        "{} neighbours do not fit",
        rows.len()
    );
    let others: Vec<usize> = (0..base.rows()).filter(|row| !rows.contains(row)).collect();
    let free = DOCUMENTS - rows.len();
    rows.extend((0..free).map(|i| others[i * others.len() / free]));
    Ok(rows.into_iter().collect())
}

/// The `count` rows with the largest inner product.
fn nearest(rows: &[Vec<f32>], query: &[f32], count: usize) -> Vec<usize> {
    let product = |row: &[f32]| row.iter().zip(query).map(|(a, b)| a * b).sum::<f32>();
    let mut scored: Vec<(f32, usize)> = rows
        .iter()
        .enumerate()
        .map(|(index, row)| (product(row), index))
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored
        .into_iter()
        .take(count)
        .map(|(_, index)| index)
        .collect()
}

/// A line of a table without its first column, the row number.
fn without_row(texts: &[String], row: usize) -> Result<&str> {
    let line = texts
        .get(row)
        .with_context(|| format!("there is no text {row}"))?;
    Ok(line.split_once('\t').context("a line without columns")?.1)
}

/// Writes gzipped lines, without a time stamp, so that equal lines give equal bytes.
fn write<T: AsRef<str>>(path: &Path, lines: &[T]) -> Result<()> {
    let file = run::create(path)?;
    let mut encoder = GzBuilder::new().mtime(0).write(file, Compression::best());
    for line in lines {
        writeln!(encoder, "{}", line.as_ref())?;
    }
    encoder.finish()?;
    Ok(())
}
