//! The documents and queries that the repository carries in `demo/`.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;

use super::npy::Matrix;
use crate::workspace;

/// Documents with texts, queries, and an embedding for each of them.
pub struct Data {
    /// Documents in the order of `embeddings`.
    pub documents: Vec<Document>,
    /// One row for each document.
    pub embeddings: Matrix,
    /// Questions first.
    pub queries: Vec<Query>,
    /// One row for each query.
    pub query_embeddings: Matrix,
}

/// A package and its description.
pub struct Document {
    /// Name of the package.
    pub package: String,
    /// Its description, beginning with its name.
    pub text: String,
}

/// Something to look for.
pub struct Query {
    /// `question` for those that the demo answers on screen; the others measure recall.
    pub kind: String,
    /// In words.
    pub text: String,
}

/// Directory of the data.
pub fn directory() -> PathBuf {
    workspace::root().join("demo")
}

/// Reads everything.
pub fn read() -> Result<Data> {
    let directory = directory();
    let documents = lines(&directory.join("documents.tsv.gz"))?
        .iter()
        .map(|line| {
            let (package, text) = line.split_once('\t').context("a document without text")?;
            Ok(Document {
                package: package.into(),
                text: text.into(),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let queries = lines(&directory.join("queries.tsv.gz"))?
        .iter()
        .map(|line| {
            let (kind, text) = line.split_once('\t').context("a query without text")?;
            Ok(Query {
                kind: kind.into(),
                text: text.into(),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let embeddings = Matrix::read(&directory.join("documents.f16.npy"))?;
    let query_embeddings = Matrix::read(&directory.join("queries.f16.npy"))?;
    ensure!(
        embeddings.rows() == documents.len(),
        "documents and embeddings differ in number"
    );
    ensure!(
        query_embeddings.rows() == queries.len(),
        "queries and embeddings differ in number"
    );
    Ok(Data {
        documents,
        embeddings,
        queries,
        query_embeddings,
    })
}

/// Lines of a gzipped text.
pub fn lines(path: &Path) -> Result<Vec<String>> {
    let open = || -> std::io::Result<String> {
        let mut text = String::new();
        GzDecoder::new(File::open(path)?).read_to_string(&mut text)?;
        Ok(text)
    };
    let text = open().with_context(|| format!("could not read {}", path.display()))?;
    Ok(text.lines().map(str::to_owned).collect())
}
