//! The index: built on `real[]` and, where pgvector is there, on `vector` beside its HNSW; recall asked and got, time, size.

use std::fmt::Write;
use std::time::Instant;

use anyhow::Result;
use postgres::Client;

use super::paint::{chapter, dim, grouped, statement};

/// Width of the longest bar.
const BAR: f64 = 24.0;

/// An index on a table of its own, so that the planner has no choice, and the settings to search it with.
struct Index {
    name: &'static str,
    table: &'static str,
    create: &'static str,
    query_type: &'static str,
    settings: &'static [(&'static str, &'static str)],
    setting: &'static str,
}

const QIVF_REAL: Index = Index {
    name: "qivf on real[]",
    table: "docs",
    create: "CREATE INDEX demo_qivf ON docs USING qivf (embedding)",
    query_type: "real[]",
    settings: &[("target 0.95", "0.95"), ("target 0.99", "0.99")],
    setting: "qivf.target_recall",
};

const QIVF_VECTOR: Index = Index {
    name: "qivf on vector",
    table: "ours",
    create: "CREATE INDEX demo_ours ON ours USING qivf (embedding vector_cosine_ops)",
    query_type: "vector",
    settings: &[("target 0.95", "0.95"), ("target 0.99", "0.99")],
    setting: "qivf.target_recall",
};

const HNSW: Index = Index {
    name: "hnsw on vector",
    table: "theirs",
    create: "CREATE INDEX demo_theirs ON theirs USING hnsw (embedding vector_cosine_ops)",
    query_type: "vector",
    settings: &[("ef_search 40", "40"), ("ef_search 160", "160")],
    setting: "hnsw.ef_search",
};

/// What an index did at one setting.
struct Outcome {
    recall: f64,
    microseconds: f64,
}

/// Builds the indexes, searches them, and prints one table.
pub fn compare(client: &mut Client) -> Result<()> {
    chapter("5  The index");
    let vector = client
        .query_one(
            "SELECT count(*) FROM pg_extension WHERE extname = 'pg_quantize_vector'",
            &[],
        )?
        .get::<_, i64>(0)
        > 0;
    let mut indexes = vec![QIVF_REAL];
    if vector {
        let (columns, rows) = (
            "(id int PRIMARY KEY, embedding vector(384))",
            "SELECT id, embedding::vector FROM docs",
        );
        for table in ["ours", "theirs"] {
            client.batch_execute(&format!(
                "CREATE TABLE {table} {columns}; INSERT INTO {table} {rows}"
            ))?;
            client.batch_execute(&format!("VACUUM ANALYZE {table}"))?;
        }
        indexes.extend([QIVF_VECTOR, HNSW]);
    }
    let mut built = Vec::new();
    for index in &indexes {
        let start = Instant::now();
        client.batch_execute(index.create)?;
        statement(index.create, start.elapsed());
        let name = index.create.split(' ').nth(2).unwrap_or_default();
        let size: i64 = client
            .query_one("SELECT pg_relation_size($1::text::regclass)", &[&name])?
            .get(0);
        built.push((start.elapsed().as_secs_f64(), size));
    }
    let outcomes = measure(client, &indexes)?;
    print(&indexes, &built, &outcomes);
    explain(client)
}

/// Recall and time of every index at every setting, each query on all of them in turn.
fn measure(client: &mut Client, indexes: &[Index]) -> Result<Vec<Outcome>> {
    client.batch_execute(
        "CREATE TEMP TABLE truth AS SELECT q.id, (SELECT max(d) FROM (SELECT embedding <=> q.embedding AS d FROM docs ORDER BY 1 LIMIT 10) AS t) AS tenth
             FROM queries q;
         CREATE TEMP TABLE found (method int, recall float8, us float8);",
    )?;
    let mut body = String::new();
    let (mut declared, mut method) = (String::new(), 0);
    for index in indexes {
        let variable = index.table;
        let _ = write!(declared, "{variable} {};", index.query_type);
        let _ = write!(body, "{variable} := q.embedding::{};", index.query_type);
        for (_, value) in index.settings {
            let _ = write!(
                body,
                "PERFORM set_config('{setting}', '{value}', false);
                 start := clock_timestamp();
                 ids := ARRAY(SELECT id FROM {table} AS t ORDER BY t.embedding <=> {variable} LIMIT 10);
                 us := 1e6 * extract(epoch FROM clock_timestamp() - start);
                 INSERT INTO found SELECT {method}, count(*) / 10.0, us FROM docs
                     WHERE id = ANY (ids) AND embedding <=> q.embedding <= q.tenth + 1e-6;",
                setting = index.setting,
                table = index.table,
            );
            method += 1;
        }
    }
    client.batch_execute(&format!(
        "DO $$
         #variable_conflict use_variable
         DECLARE q record; ids int[]; start timestamptz; us float8; {declared}
         BEGIN
             FOR turn IN 1..3 LOOP
                 FOR q IN SELECT queries.id, queries.embedding, truth.tenth FROM queries JOIN truth USING (id) ORDER BY queries.id LOOP
                     {body}
                 END LOOP;
             END LOOP;
         END $$"
    ))?;
    let rows = client.query(
        "SELECT avg(recall), percentile_cont(0.5) WITHIN GROUP (ORDER BY us) FROM found GROUP BY method ORDER BY method",
        &[],
    )?;
    Ok(rows
        .iter()
        .map(|row| Outcome {
            recall: row.get(0),
            microseconds: row.get(1),
        })
        .collect())
}

fn print(indexes: &[Index], built: &[(f64, i64)], outcomes: &[Outcome]) {
    println!(
        "\n  {:<16} {:>8} {:>9}   {:<14} {:>9} {:>9}",
        "index", "build s", "kB", "asked", "recall@10", "median µs"
    );
    let longest = outcomes.iter().map(|o| o.microseconds).fold(1.0, f64::max);
    let mut next = outcomes.iter();
    for (index, (seconds, bytes)) in indexes.iter().zip(built) {
        let kilobytes = grouped(bytes.unsigned_abs() / 1024);
        let mut head = format!("{:<16} {seconds:>8.2} {kilobytes:>9}", index.name);
        for ((label, _), outcome) in index.settings.iter().zip(&mut next) {
            let bar = "▇".repeat((outcome.microseconds / longest * BAR).ceil() as usize);
            println!(
                "  {head:<35}   {label:<14} {:>9.3} {:>9.0} {}",
                outcome.recall,
                outcome.microseconds,
                dim(&bar)
            );
            head.clear();
        }
    }
}

/// The plan of a filtered search.
fn explain(client: &mut Client) -> Result<()> {
    let sql =
        "SELECT package FROM docs WHERE package LIKE 'python3-%' ORDER BY embedding <=> $1 LIMIT 3";
    println!("\n  {}", dim(sql));
    client.batch_execute("SET plan_cache_mode = force_generic_plan")?;
    let question = "SELECT embedding FROM queries WHERE kind = 'question' ORDER BY id LIMIT 1";
    let embedding: Vec<f32> = client.query_one(question, &[])?.get(0);
    let lines = client.query(&format!("EXPLAIN (COSTS OFF) {sql}"), &[&embedding])?;
    for line in lines {
        println!("    {}", line.get::<_, String>(0));
    }
    for row in client.query(sql, &[&embedding])? {
        println!("    → {}", row.get::<_, String>(0));
    }
    Ok(())
}
