//! Loads the data, calibrates, quantizes, and weighs the columns.

use std::time::Instant;

use anyhow::Result;
use postgres::Client;
use postgres::binary_copy::BinaryCopyInWriter;
use postgres::types::Type;

use super::data::Data;
use super::paint::{chapter, dim, grouped, statement};

const TABLES: &str = "
    CREATE TABLE docs (id int PRIMARY KEY, package text, text text, embedding real[]);
    CREATE TABLE queries (id int PRIMARY KEY, kind text, text text, embedding real[]);";

/// Creates and fills the two tables.
pub fn tables(client: &mut Client, data: &Data) -> Result<()> {
    client.batch_execute(TABLES)?;
    let documents = data
        .documents
        .iter()
        .map(|document| (&document.package, &document.text));
    let embeddings = (0..).map(|row| data.embeddings.floats(row));
    copy(
        client,
        "docs (id, package, text, embedding)",
        documents.zip(embeddings),
    )?;
    let queries = data.queries.iter().map(|query| (&query.kind, &query.text));
    let embeddings = (0..).map(|row| data.query_embeddings.floats(row));
    copy(
        client,
        "queries (id, kind, text, embedding)",
        queries.zip(embeddings),
    )
}

/// Copies rows of two texts and a vector, numbered from 0.
fn copy<'a>(
    client: &mut Client,
    target: &str,
    rows: impl Iterator<Item = ((&'a String, &'a String), Vec<f32>)>,
) -> Result<()> {
    let types = [Type::INT4, Type::TEXT, Type::TEXT, Type::FLOAT4_ARRAY];
    let sink = client.copy_in(&format!("COPY {target} FROM STDIN BINARY"))?;
    let mut writer = BinaryCopyInWriter::new(sink, &types);
    for (id, ((first, second), embedding)) in (0_i32..).zip(rows) {
        writer.write(&[&id, first, second, &embedding])?;
    }
    writer.finish()?;
    Ok(())
}

/// Adds the quantized columns to the table as one does to a table in use.
pub fn quantize(client: &mut Client) -> Result<()> {
    chapter("1  Quantize a live table");
    client.batch_execute("SET client_min_messages = warning")?;
    for precision in ["int8", "binary"] {
        let sql = format!("CALL quantize_column('docs', 'embedding', '{precision}')");
        let start = Instant::now();
        client.batch_execute(&sql)?;
        statement(&sql, start.elapsed());
    }
    println!(
        "  {}",
        dim(
            "Calibrated, filled in batches with a commit each, kept current by a trigger from now on."
        )
    );
    // What the backfill left behind would slow every later scan.
    client.batch_execute("VACUUM (FULL, ANALYZE) docs")?;
    client.batch_execute("VACUUM ANALYZE queries")?;
    Ok(())
}

/// Bytes of each column.
pub fn sizes(client: &mut Client) -> Result<()> {
    chapter("2  What the columns weigh");
    let sql = "SELECT avg(pg_column_size(embedding))::float8, \
                      avg(pg_column_size(embedding_int8))::float8, \
                      avg(pg_column_size(embedding_bin))::float8, count(*) FROM docs";
    let row = client.query_one(sql, &[])?;
    let float: f64 = row.get(0);
    println!(
        "  {:<16} {:<8} {:>9} {:>12} {:>9}",
        "column", "type", "bytes/row", "total", "smaller"
    );
    for (index, column, kind) in [
        (0, "embedding", "real[]"),
        (1, "embedding_int8", "int8vec"),
        (2, "embedding_bin", "binvec"),
    ] {
        let bytes: f64 = row.get(index);
        let total = bytes * row.get::<_, i64>(3) as f64 / 1024.0;
        let total = format!("{} kB", grouped(total.round() as u64));
        println!(
            "  {column:<16} {kind:<8} {bytes:>9.0} {total:>12} {:>8.1}×",
            float / bytes
        );
    }
    let sql = "SELECT pg_relation_size(oid), pg_relation_size(reltoastrelid) \
               FROM pg_class WHERE oid = 'docs'::regclass";
    let row = client.query_one(sql, &[])?;
    let kilobytes = |index| grouped(row.get::<_, i64>(index).unsigned_abs() / 1024);
    let (rows, toast) = (kilobytes(0), kilobytes(1));
    let note = format!("Postgres keeps {rows} kB in the rows and {toast} kB out of line (TOAST).");
    println!("  {}", dim(&note));
    Ok(())
}
