//! Calibration of pgvector's columns by the companion's aggregates: to the bit what the same floats as `real[]` give.
//!
//! Where pgvector is not installed these tests can't run; they say so on standard error and pass.

use anyhow::{Context, Result, ensure};
use cluster::{Cluster, Options};
use postgres::Client;
use server_tests::{DATABASE, available, installation};

/// 4,000 rows in three groups, some of them null, with signed zeros and the smallest and largest halves among the values. A `halfvec`
/// is short enough for a header of one byte, a `vector` is not. `wide` is stored out of line.
const EMBEDDINGS: &str = "
CREATE TABLE e (id int PRIMARY KEY, g int, v vector(40), h halfvec(40)) WITH (parallel_workers = 2);
INSERT INTO e SELECT n, n % 3, a::vector, a::vector::halfvec
FROM (SELECT n, array_agg((CASE (n * i) % 7 WHEN 0 THEN '-0' WHEN 1 THEN 6e-8 WHEN 2 THEN -65504 ELSE sin(n * i) * 0.5 END)::real ORDER BY i) AS a
    FROM generate_series(1, 4000) AS n, generate_series(1, 40) AS i GROUP BY n) AS t;
INSERT INTO e (id, g) SELECT -n, n % 3 FROM generate_series(1, 50) AS n;
CREATE TABLE wide (v vector(3000), h halfvec(3000));
INSERT INTO wide SELECT a::vector, a::vector::halfvec
FROM (SELECT n, array_agg(sin(n * i)::real ORDER BY i) AS a FROM generate_series(1, 20) AS n, generate_series(1, 3000) AS i GROUP BY n) AS t;
CREATE TABLE none (v vector, h halfvec);
ANALYZE;
SET max_parallel_workers_per_gather = 0;";

/// Calls with `x` for the embedding, and what makes bytes of their results.
const CALLS: [(&str, &str); 4] = [
    ("calibrate_ranges(x)", "array_send"),
    ("calibrate_ranges(x, 0.95)", "array_send"),
    ("calibrate_thresholds(x)", "array_send"),
    (
        "clipping_report(x, (SELECT array_fill(-0.25::real, ARRAY[1, d]) || array_fill(0.25::real, ARRAY[1, d]) FROM dimensions))",
        "jsonb_send",
    ),
];

const COLUMNS: [&str; 2] = ["v", "h"];

fn embeddings() -> Result<Option<(Cluster, Client)>> {
    if !available("vector")? {
        return Ok(None);
    }
    let cluster = Cluster::start_new(&installation()?, Options::default())?;
    let mut client = cluster.connect(DATABASE)?;
    client.batch_execute("CREATE EXTENSION pg_quantize_vector CASCADE")?;
    client.batch_execute(EMBEDDINGS)?;
    Ok(Some((cluster, client)))
}

/// A call on a column of this many dimensions, as it is and through the cast.
fn pair(call: &str, column: &str, dimensions: usize) -> [String; 2] {
    let call = call.replace(
        "FROM dimensions",
        &format!("FROM (SELECT {dimensions} AS d) AS n"),
    );
    // Nothing but the embedding is called x.
    let with = |x: &str| call.replacen("(x", &format!("({x}"), 1);
    [with(column), with(&format!("{column}::real[]"))]
}

fn value(client: &mut Client, query: &str) -> Result<bool> {
    let row = client
        .query_one(query, &[])
        .with_context(|| query.to_owned())?;
    row.get::<_, Option<bool>>(0)
        .with_context(|| format!("null: {query}"))
}

#[test]
fn aggregates_give_what_the_floats_give() -> Result<()> {
    let Some((_cluster, mut client)) = embeddings()? else {
        return Ok(());
    };
    for column in COLUMNS {
        for (call, send) in CALLS {
            let [own, cast] = pair(call, column, 40);
            let same = format!("{send}({own}) IS NOT DISTINCT FROM {send}({cast})");
            let over = "OVER (ORDER BY id)";
            let window = format!("{send}({own} {over}) IS NOT DISTINCT FROM {send}({cast} {over})");
            for query in [
                format!("SELECT {same} AND {own} IS NOT NULL FROM e"),
                format!(
                    "SELECT bool_and(same) FROM (SELECT {same} AS same FROM e GROUP BY g) AS t"
                ),
                format!("SELECT {own} IS NULL FROM none"),
                format!("SELECT {own} IS NULL FROM e WHERE id < 0"),
                format!(
                    "SELECT bool_and(same) FROM (SELECT {window} AS same FROM e WHERE id % 50 = 0) AS t"
                ),
            ] {
                ensure!(value(&mut client, &query)?, "{query}");
            }
        }
    }
    Ok(())
}

#[test]
fn values_out_of_line_are_read() -> Result<()> {
    let Some((_cluster, mut client)) = embeddings()? else {
        return Ok(());
    };
    for column in COLUMNS {
        for (call, send) in CALLS {
            let [own, cast] = pair(call, column, 3000);
            let query = format!("SELECT {send}({own}) = {send}({cast}) FROM wide");
            ensure!(value(&mut client, &query)?, "{query}");
        }
    }
    Ok(())
}

#[test]
fn workers_share_the_scan_and_nothing_is_cast() -> Result<()> {
    let Some((_cluster, mut client)) = embeddings()? else {
        return Ok(());
    };
    for column in COLUMNS {
        let ranges =
            "(SELECT array_fill(-1::real, ARRAY[1, 40]) || array_fill(1::real, ARRAY[1, 40]))";
        let select = format!(
            "SELECT calibrate_ranges({column}) AS r, calibrate_ranges({column}, 0.95) AS q, calibrate_thresholds({column}) AS t, \
             clipping_report({column}, {ranges}) AS c FROM e"
        );
        client.batch_execute(&format!(
            "SET max_parallel_workers_per_gather = 0; CREATE TABLE serial AS {select}; \
             SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; \
             SET min_parallel_table_scan_size = 0; CREATE TABLE parts AS {select}"
        ))?;
        let rows = client.query(&format!("EXPLAIN (COSTS OFF, VERBOSE) {select}"), &[])?;
        let lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let plan = lines.join("\n");
        for wanted in [
            "Finalize Aggregate",
            "Partial Aggregate",
            "Parallel Seq Scan",
            &format!("calibrate_ranges(e.{column})"),
        ] {
            ensure!(plan.contains(wanted), "no {wanted}:\n{plan}");
        }
        ensure!(!plan.contains(&format!("(e.{column})::real[]")), "{plan}");
        // A mean may differ in its last bit with who saw which row.
        let same = "SELECT array_send(serial.r) = array_send(parts.r) AND array_send(serial.q) = array_send(parts.q) \
             AND serial.c = parts.c AND l2_distance(serial.t, parts.t) <= 1e-6 * sqrt(inner_product(serial.t, serial.t)) FROM serial, parts";
        ensure!(value(&mut client, same)?, "{column}");
        client.batch_execute("DROP TABLE serial, parts")?;
    }
    Ok(())
}

#[test]
fn arrays_are_calibrated_as_before() -> Result<()> {
    let Some((_cluster, mut client)) = embeddings()? else {
        return Ok(());
    };
    for query in [
        "SELECT calibrate_ranges(ARRAY[1, 2]) = '{{1,2},{1,2}}'",
        "SELECT calibrate_ranges(ARRAY[1, 2.5]) = '{{1,2.5},{1,2.5}}'",
        "SELECT calibrate_ranges('{1,2}'::real[], 1) IS NOT NULL",
        "SELECT clipping_report(ARRAY[1, 2]::real[], '{{0,0},{1,1}}') ->> 'clipped_values' = '1'",
        "SELECT calibrate_thresholds(ARRAY[1, 2]::bigint[]) = '{1,2}'",
    ] {
        ensure!(value(&mut client, query)?, "{query}");
    }
    Ok(())
}

#[test]
fn bad_embeddings_are_refused_alike() -> Result<()> {
    let Some((_cluster, mut client)) = embeddings()? else {
        return Ok(());
    };
    client.batch_execute("INSERT INTO none VALUES ('[1,2]', '[1,2]'), ('[1,2,3]', '[1,2,3]')")?;
    let mut refusal = |query: String| {
        let error = client.query(&query, &[]).err();
        let error = error.with_context(|| format!("accepted: {query}"))?;
        let error = error.as_db_error().context("not from the server")?;
        anyhow::Ok((error.code().clone(), error.message().to_owned()))
    };
    for column in COLUMNS {
        for (call, _) in CALLS {
            let [own, cast] = pair(call, column, 2);
            let refused = refusal(format!("SELECT {own} FROM none"))?;
            assert_eq!(refused, refusal(format!("SELECT {cast} FROM none"))?);
        }
    }
    Ok(())
}

#[test]
fn columns_are_quantized_with_the_companion_in_the_same_schema() -> Result<()> {
    let Some((_cluster, mut client)) = embeddings()? else {
        return Ok(());
    };
    for column in COLUMNS {
        client.batch_execute(&format!("CALL quantize_column('e', '{column}', 'int8')"))?;
        let query = format!(
            "SELECT array_send(ranges) = (SELECT array_send(calibrate_ranges({column})) FROM e) \
             FROM quantized_columns WHERE quantized_column = '{column}_int8'"
        );
        ensure!(value(&mut client, &query)?, "{query}");
    }
    ensure!(value(
        &mut client,
        "SELECT bool_and(share_outside = 0) FROM calibration_status('e')"
    )?);
    Ok(())
}
