//! Recall and time of every way to search, measured inside the server.
//!
//! One PL/pgSQL block takes each query in turn and runs every method on it, so that a disturbance
//! of the machine hits all of them alike; medians are compared. Recall counts a row as found when
//! its float distance is not larger than that of the true tenth.

use std::fmt::Write;

use anyhow::Result;
use postgres::Client;

use super::paint::{chapter, dim};

/// A way to search: `q` is the query's embedding, `r` the ranges.
struct Method {
    name: &'static str,
    sql: &'static str,
}

/// The first is the truth that the others are compared with.
///
/// A code of the query stands in a scalar subquery, which Postgres evaluates once for each
/// execution whatever the plan.
const METHODS: [Method; 6] = [
    Method {
        name: "float, exact scan",
        sql: "SELECT id FROM docs ORDER BY embedding <=> q LIMIT 10",
    },
    Method {
        name: "bits × bits (Hamming)",
        sql: "SELECT id FROM docs ORDER BY embedding_bin <~> (SELECT quantize_binary(q)) LIMIT 10",
    },
    Method {
        name: "bits × bits, 40 rescored",
        sql: "SELECT id FROM (SELECT id, embedding FROM docs \
              ORDER BY embedding_bin <~> (SELECT quantize_binary(q)) LIMIT 40) c \
              ORDER BY embedding <=> q LIMIT 10",
    },
    Method {
        name: "float × bits",
        sql: "SELECT id FROM docs ORDER BY embedding_bin <#> q LIMIT 10",
    },
    Method {
        name: "float × bits, 40 rescored",
        sql: "SELECT id FROM (SELECT id, embedding FROM docs \
              ORDER BY embedding_bin <#> q LIMIT 40) c ORDER BY embedding <=> q LIMIT 10",
    },
    Method {
        name: "float × int8",
        sql: "SELECT id FROM docs ORDER BY embedding_int8 <#> (SELECT scale_query(q, r)) LIMIT 10",
    },
];

/// Runs every method on every query and prints the table.
pub fn methods(client: &mut Client) -> Result<()> {
    let count: i64 = client
        .query_one("SELECT count(*) FROM queries", &[])?
        .get(0);
    chapter(&format!(
        "4  Recall and time of a top-10 search ({count} queries, one process)"
    ));
    client.batch_execute(
        "CREATE TEMP TABLE outcome (method int, recall float8, ms float8);
         SET max_parallel_workers_per_gather = 0; SET jit = off;",
    )?;
    client.batch_execute(&block())?;
    let rows = client.query(
        "SELECT avg(recall), percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) \
         FROM outcome GROUP BY method ORDER BY method",
        &[],
    )?;
    println!(
        "  {:<28} {:>9} {:>12} {:>8}",
        "method", "recall@10", "median ms", "faster"
    );
    let base: f64 = rows[0].get(1);
    for (method, row) in METHODS.iter().zip(&rows) {
        let (recall, ms): (f64, f64) = (row.get(0), row.get(1));
        println!(
            "  {:<28} {recall:>9.3} {ms:>12.2} {:>7.1}×",
            method.name,
            base / ms
        );
    }
    println!(
        "  {}",
        dim("Every row is a sequential scan of the table; the indexes come next.")
    );
    Ok(())
}

/// The block that measures.
fn block() -> String {
    let mut body = String::new();
    for (index, method) in METHODS.iter().enumerate() {
        // Writing to a String can't fail.
        let _ = write!(
            body,
            "start := clock_timestamp();
             ids := ARRAY({sql});
             ms := 1000 * extract(epoch FROM clock_timestamp() - start);
             {tenth}
             INSERT INTO outcome SELECT {index}, count(*) / 10.0, ms FROM docs
                 WHERE id = ANY (ids) AND embedding <=> q <= tenth;\n",
            sql = method.sql,
            tenth = if index == 0 {
                "SELECT max(embedding <=> q) INTO tenth FROM docs WHERE id = ANY (ids);"
            } else {
                ""
            },
        );
    }
    format!(
        "DO $$
         DECLARE
             q real[]; r real[]; ids int[]; start timestamptz; ms float8; tenth float8;
         BEGIN
             SELECT ranges INTO r FROM quantized_columns WHERE quantized_column = 'embedding_int8';
             FOR q IN SELECT embedding FROM queries ORDER BY id LOOP
                 {body}
             END LOOP;
         END $$"
    )
}
