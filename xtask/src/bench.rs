//! `cargo xtask bench`: speed of the SQL surface, as ratios within one run.
//!
//! One table holds floats and codes; one process scans it. Each round runs every statement once,
//! so that a disturbance of the machine hits all of them; medians over the rounds are compared.
//! Absolute times are shown only to tell how far the ratios can be trusted.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use cluster::{Cluster, Options};
use half::f16;
use postgres::Client;
use postgres::binary_copy::BinaryCopyInWriter;
use postgres::types::Type;

use crate::demo::data;
use crate::demo::npy::Matrix;
use crate::setup::Purpose;
use crate::{install, psql, servers, setup};

/// Rows that the default data are repeated to.
const ROWS: usize = 60_000;

/// Rounds that the medians are taken over, each with another query.
const ROUNDS: usize = 15;

/// A vector of this many floats still fits a row beside its codes.
const INLINE_DIMENSIONS: usize = 480;

/// Two statements whose times are compared. In both `$1` is a query, `$2` the ranges.
struct Comparison {
    name: &'static str,
    /// What is measured.
    subject: &'static str,
    /// What it is measured against.
    base: &'static str,
    /// Whether the subject should be the faster one.
    faster: bool,
}

const READ: &str = "SELECT sum(cardinality(embedding)) FROM t";
const HAMMING: &str = "SELECT sum(id) FROM (SELECT id FROM t \
    ORDER BY embedding_bin <~> quantize_binary($1) LIMIT 10) s";
const FLOAT: &str = "SELECT sum(id) FROM (SELECT id FROM t ORDER BY embedding <=> $1 LIMIT 10) s";

const COMPARISONS: [Comparison; 8] = [
    Comparison {
        name: "quantize_binary over reading the floats",
        subject: "SELECT count(quantize_binary(embedding)) FROM t",
        base: READ,
        faster: false,
    },
    Comparison {
        name: "quantize_int8 over reading the floats",
        subject: "SELECT count(quantize_int8(embedding, $2)) FROM t",
        base: READ,
        faster: false,
    },
    Comparison {
        name: "calibrate_ranges over reading the floats",
        subject: "SELECT cardinality(calibrate_ranges(embedding)) FROM t",
        base: READ,
        faster: false,
    },
    Comparison {
        name: "top 10 by binvec <~> binvec",
        subject: HAMMING,
        base: FLOAT,
        faster: true,
    },
    Comparison {
        name: "top 10 by binvec <~> over reading codes",
        subject: HAMMING,
        base: "SELECT count(embedding_bin) FROM t",
        faster: false,
    },
    Comparison {
        name: "top 10 by binvec <#> real[]",
        subject: "SELECT sum(id) FROM (SELECT id FROM t \
                  ORDER BY embedding_bin <#> $1 LIMIT 10) s",
        base: FLOAT,
        faster: true,
    },
    Comparison {
        name: "top 10 by int8vec <#> int8vec",
        subject: "SELECT sum(id) FROM (SELECT id FROM t \
                  ORDER BY embedding_int8 <#> quantize_int8($1, $2) LIMIT 10) s",
        base: FLOAT,
        faster: true,
    },
    Comparison {
        name: "top 10 by int8vec <#> real[]",
        subject: "SELECT sum(id) FROM (SELECT id FROM t \
                  ORDER BY embedding_int8 <#> scale_query($1, $2) LIMIT 10) s",
        base: FLOAT,
        faster: true,
    },
];

/// `bench [--data DIR]`; `DIR` holds `base.f16.npy` and `queries.f16.npy`.
pub fn command(mut parser: lexopt::Parser) -> Result<()> {
    let mut directory = None;
    while let Some(argument) = parser.next()? {
        match argument {
            lexopt::Arg::Long("data") => directory = Some(PathBuf::from(parser.value()?)),
            other => return Err(other.unexpected().into()),
        }
    }
    let (base, queries) = match directory {
        Some(directory) => (
            Matrix::read(&directory.join("base.f16.npy"))?,
            Matrix::read(&directory.join("queries.f16.npy"))?,
        ),
        None => {
            let data = data::read()?;
            (repeated(&data.embeddings, ROWS), data.query_embeddings)
        }
    };
    ensure!(queries.rows() >= ROUNDS, "{ROUNDS} queries are needed");
    let cache = setup::ensure(Purpose::Embedded)?;
    let installation = servers::embedded_version(&cache, servers::EMBEDDED_DEFAULT)?;
    install::for_use(&cache, &installation, install::Profile::Release)?;
    let options = Options::default()
        .set("shared_buffers", "1GB")
        .set("max_parallel_workers_per_gather", "0")
        .set("jit", "off")
        .set("autovacuum", "off");
    let cluster = Cluster::start_new(&installation, options)?;
    psql::create_extensions(&cluster, "postgres")?;
    let mut client = cluster.connect("postgres")?;
    load(&mut client, &base)?;
    println!("{} rows of {} dimensions", base.rows(), base.columns);
    let ranges: Vec<f32> = client.query_one("SELECT flat FROM ranges", &[])?.get(0);
    ensure!(
        ranges.len() == 2 * base.columns,
        "ranges of another dimension"
    );
    COMPARISONS
        .iter()
        .try_for_each(|comparison| compare(&mut client, &queries, comparison))
}

/// The rows again and again, each copy a little different, up to `rows`.
fn repeated(source: &Matrix, rows: usize) -> Matrix {
    let mut values = Vec::with_capacity(rows * source.columns);
    // A fixed linear congruential sequence: the same data on every machine.
    let mut state = 1_u64;
    for row in 0..rows {
        for value in source.row(row % source.rows()) {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let noise = (state >> 40) as f32 / (1 << 24) as f32 - 0.5;
            values.push(f16::from_f32(value.to_f32() + noise * 0.01));
        }
    }
    Matrix {
        columns: source.columns,
        values,
    }
}

/// Fills the table with floats and their codes.
fn load(client: &mut Client, base: &Matrix) -> Result<()> {
    client.batch_execute("CREATE TABLE floats (id int, embedding real[])")?;
    let sink = client.copy_in("COPY floats FROM STDIN BINARY")?;
    let mut writer = BinaryCopyInWriter::new(sink, &[Type::INT4, Type::FLOAT4_ARRAY]);
    for (id, row) in (0_i32..).zip(0..base.rows()) {
        writer.write(&[&id, &base.floats(row)])?;
    }
    writer.finish()?;
    let dimensions = base.columns;
    // Short vectors stay in the row, long ones go where Postgres puts them by itself.
    let storage = if dimensions <= INLINE_DIMENSIONS {
        "WITH (toast_tuple_target = 8160)"
    } else {
        ""
    };
    client.batch_execute(&format!(
        "CREATE TABLE ranges AS SELECT r, (SELECT array_agg(x) FROM unnest(r) x) AS flat
             FROM (SELECT calibrate_ranges(embedding) AS r FROM floats) c;
         CREATE TABLE t (id int, embedding real[], embedding_int8 int8vec({dimensions}),
             embedding_bin binvec({dimensions})) {storage};
         INSERT INTO t SELECT id, embedding, quantize_int8(embedding, r), quantize_binary(embedding)
             FROM floats, ranges;
         DROP TABLE floats;
         CREATE FUNCTION pg_temp.clock(statement text, q real[]) RETURNS float8 LANGUAGE plpgsql AS $$
         DECLARE start timestamptz; ranges real[]; ignored text;
         BEGIN
             SELECT r INTO ranges FROM ranges;
             start := clock_timestamp();
             EXECUTE statement INTO ignored USING q, ranges;
             RETURN extract(epoch FROM clock_timestamp() - start);
         END $$;"
    ))?;
    client.batch_execute("VACUUM (FREEZE, ANALYZE) t")?;
    Ok(())
}

/// Measures one comparison and prints its line.
fn compare(client: &mut Client, queries: &Matrix, comparison: &Comparison) -> Result<()> {
    let (mut subject, mut base) = (Vec::new(), Vec::new());
    // The first round only warms.
    for round in 0..=ROUNDS {
        let query = queries.floats(round % queries.rows());
        for (statement, times) in [
            (comparison.subject, &mut subject),
            (comparison.base, &mut base),
        ] {
            let row = client.query_one("SELECT pg_temp.clock($1, $2)", &[&statement, &query])?;
            if round > 0 {
                times.push(Duration::from_secs_f64(row.get(0)));
            }
        }
    }
    let (subject, base) = (median(subject), median(base));
    let ratio = subject.as_secs_f64() / base.as_secs_f64();
    let verdict = if comparison.faster {
        format!("{:.1} times faster than by real[] <=> real[]", 1.0 / ratio)
    } else {
        format!("{ratio:.2} times")
    };
    println!(
        "  {:<42} {verdict}  ({subject:.1?} to {base:.1?})",
        comparison.name
    );
    Ok(())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeating_changes_rows_but_not_what_they_are_near() {
        let values = [1.0, 0.0, 0.0, 1.0].map(f16::from_f32).to_vec();
        let source = Matrix { columns: 2, values };
        let result = repeated(&source, 5);
        assert_eq!(result.rows(), 5);
        assert_ne!(result.row(0), result.row(2));
        assert!((result.floats(4)[0] - 1.0).abs() < 0.01 && result.floats(4)[1].abs() < 0.01);
    }

    #[test]
    fn takes_the_middle() {
        let times = [3, 1, 2].map(Duration::from_secs).to_vec();
        assert_eq!(median(times), Duration::from_secs(2));
    }
}
