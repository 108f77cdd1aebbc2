//! The companion extension: qivf on pgvector's types and operators.
//!
//! Where pgvector is not installed these tests can't run; they say so on standard error and pass.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use cluster::{Cluster, Options};
use postgres::Client;
use postgres::types::{ToSql, Type};
use server_tests::{DATABASE, available, installation};

/// 3,000 rows in both types, with an index on each; planning is told that the table is large.
const ITEMS: &str = "
CREATE TABLE items (id int PRIMARY KEY, v vector(16), h halfvec(16));
INSERT INTO items SELECT n, e::vector, e::vector::halfvec
FROM (SELECT n, array_agg((sin(n * i) * 0.5)::real ORDER BY i) AS e FROM generate_series(1, 3000) AS n, generate_series(1, 16) AS i GROUP BY n) AS t;
ANALYZE items;
SET enable_seqscan = off; SET enable_sort = off;";

fn run(client: &mut Client, sql: &str) -> Result<()> {
    client.batch_execute(sql).with_context(|| sql.to_owned())
}

fn cluster() -> Result<Option<Cluster>> {
    if !available("vector")? {
        return Ok(None);
    }
    Cluster::start_new(&installation()?, Options::default()).map(Some)
}

/// A database with the three extensions and [`ITEMS`].
fn items() -> Result<Option<(Cluster, Client)>> {
    let Some(cluster) = cluster()? else {
        return Ok(None);
    };
    let mut client = cluster.connect(DATABASE)?;
    run(&mut client, "CREATE EXTENSION pg_quantize_vector CASCADE")?;
    run(&mut client, ITEMS)?;
    Ok(Some((cluster, client)))
}

fn plan(client: &mut Client, query: &str) -> Result<String> {
    let rows = client
        .query(&format!("EXPLAIN (COSTS OFF) {query}"), &[])
        .with_context(|| query.to_owned())?;
    let lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    Ok(lines.join("\n"))
}

/// The distances that a query returns, ascending.
fn distances(client: &mut Client, query: &str) -> Result<Vec<f64>> {
    let rows = client.query(query, &[]).with_context(|| query.to_owned())?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

#[test]
fn columns_of_vectors_are_queries_to_learn_and_report_from() -> Result<()> {
    let Some((_cluster, mut client)) = items()? else {
        return Ok(());
    };
    run(
        &mut client,
        "CREATE INDEX items_v ON items USING qivf (v vector_cosine_ops);
         CREATE INDEX items_h ON items USING qivf (h halfvec_cosine_ops)",
    )?;
    for column in ["v", "h"] {
        let queries = format!("(SELECT array_agg({column}) FROM items WHERE id % 50 = 0)");
        let learned = format!("SELECT (qivf_tune('items_{column}', {queries}) ->> 'queries')::int");
        ensure!(client.query_one(&learned, &[])?.get::<_, i32>(0) == 60);
        let report =
            format!("SELECT min(queries_run) FROM recall_report('items_{column}', {queries}, 5)");
        ensure!(client.query_one(&report, &[])?.get::<_, i32>(0) == 60);
    }
    // An untyped literal is still a real[].
    let literal = format!("{{{{{}}}}}", ["1"; 16].join(","));
    let error = client.batch_execute(&format!("SELECT qivf_tune('items_v', '{literal}')"));
    let error = error.err().context("one query was accepted")?;
    let message = error.as_db_error().context("no answer")?.message();
    ensure!(
        message.starts_with("at least 30 different queries"),
        "{message}"
    );
    Ok(())
}

#[test]
fn every_class_finds_what_a_sequential_scan_finds() -> Result<()> {
    let Some((_cluster, mut client)) = items()? else {
        return Ok(());
    };
    for column in ["v", "h"] {
        for (class, operator) in [("cosine", "<=>"), ("ip", "<#>"), ("l2", "<->")] {
            let type_name = if column == "v" { "vector" } else { "halfvec" };
            let query = format!(
                "SELECT {column} {operator} (SELECT {column} FROM items WHERE id = 7) AS d FROM items ORDER BY 1 LIMIT 20"
            );
            let expected = distances(&mut client, &query)?;
            run(
                &mut client,
                &format!(
                    "CREATE INDEX i ON items USING qivf ({column} {type_name}_{class}_ops) WITH (lists = 40); \
                     SET qivf.target_recall = 1"
                ),
            )?;
            let used = plan(&mut client, &query)?;
            ensure!(used.contains("Index Scan using i"), "{query}\n{used}");
            assert_eq!(distances(&mut client, &query)?, expected, "{query}");
            run(&mut client, "DROP INDEX i; RESET qivf.target_recall")?;
        }
    }
    Ok(())
}

#[test]
fn queries_as_clients_send_them_use_the_index() -> Result<()> {
    let Some((_cluster, mut client)) = items()? else {
        return Ok(());
    };
    run(
        &mut client,
        "CREATE INDEX ON items USING qivf (v vector_cosine_ops); CREATE INDEX ON items USING qivf (h halfvec_l2_ops)",
    )?;
    let elements = (1..=16)
        .map(|i| i.to_string())
        .collect::<Vec<_>>()
        .join(",");
    let literal = format!("'[{elements}]'");
    let mut queries = vec![literal.clone(), format!("{literal}::vector")];
    for element in ["real", "float8", "numeric", "smallint", "integer", "bigint"] {
        queries.push(format!("'{{{elements}}}'::{element}[]"));
    }
    queries.push(format!("ARRAY[{elements}]"));
    for query in queries {
        let statement = format!("SELECT id FROM items ORDER BY v <=> {query} LIMIT 3");
        let used = plan(&mut client, &statement)?;
        ensure!(used.contains("items_v_idx"), "{statement}\n{used}");
        if !query.contains("::vector") {
            let statement = format!("SELECT id FROM items ORDER BY h <-> {query} LIMIT 3");
            let used = plan(&mut client, &statement)?;
            ensure!(used.contains("items_h_idx"), "{statement}\n{used}");
        }
    }
    Ok(())
}

#[test]
fn prepared_statements_use_the_index_with_custom_and_generic_plans() -> Result<()> {
    let Some((_cluster, mut client)) = items()? else {
        return Ok(());
    };
    run(
        &mut client,
        "CREATE INDEX ON items USING qivf (v vector_cosine_ops)",
    )?;
    for parameter in ["real[]", "float8[]", "vector"] {
        for mode in ["force_custom_plan", "force_generic_plan"] {
            run(
                &mut client,
                &format!(
                    "SET plan_cache_mode = {mode}; \
                     PREPARE s({parameter}) AS SELECT id FROM items ORDER BY v <=> $1 LIMIT 1"
                ),
            )?;
            let values = "SELECT v::real[]::text FROM items WHERE id = 99";
            let text: String = client.query_one(values, &[])?.get(0);
            let text = if parameter == "vector" {
                text.replace('{', "[").replace('}', "]")
            } else {
                text
            };
            let used = plan(&mut client, &format!("EXECUTE s('{text}')"))?;
            ensure!(used.contains("items_v_idx"), "{parameter}, {mode}\n{used}");
            let found: i32 = client
                .query_one(&format!("EXECUTE s('{text}')"), &[])?
                .get(0);
            assert_eq!(found, 99, "{parameter}, {mode}");
            run(&mut client, "DEALLOCATE s")?;
        }
    }
    Ok(())
}

#[test]
fn typed_parameters_use_the_index() -> Result<()> {
    let Some((_cluster, mut client)) = items()? else {
        return Ok(());
    };
    run(
        &mut client,
        "CREATE INDEX ON items USING qivf (v vector_cosine_ops); SET qivf.target_recall = 1",
    )?;
    let floats: Vec<f32> = client
        .query_one("SELECT v::real[] FROM items WHERE id = 99", &[])?
        .get(0);
    let doubles: Vec<f64> = floats.iter().map(|&x| x.into()).collect();
    let forms: [(Type, &(dyn ToSql + Sync)); 2] = [
        (Type::FLOAT4_ARRAY, &floats),
        (Type::FLOAT8_ARRAY, &doubles),
    ];
    let search = "SELECT id FROM items ORDER BY v <=> $1 LIMIT 3";
    for (element, form) in forms {
        let explain = client.prepare_typed(
            &format!("EXPLAIN (COSTS OFF) {search}"),
            std::slice::from_ref(&element),
        )?;
        let rows = client.query(&explain, &[form])?;
        let by_index = |row: &postgres::Row| row.get::<_, &str>(0).contains("items_v_idx");
        ensure!(rows.iter().any(by_index), "{element}");
        // More than the five executions after which a plan may become generic.
        let search = client.prepare_typed(search, std::slice::from_ref(&element))?;
        for _ in 0..8 {
            let rows = client.query(&search, &[form])?;
            assert_eq!(rows.len(), 3, "{element}");
            assert_eq!(rows[0].get::<_, i32>(0), 99, "{element}");
        }
    }
    Ok(())
}

#[test]
fn schemas_and_order_of_creation_do_not_matter() -> Result<()> {
    let Some(cluster) = cluster()? else {
        return Ok(());
    };
    let orders = [
        [
            "vector SCHEMA a",
            "pg_quantize SCHEMA b",
            "pg_quantize_vector SCHEMA c",
        ],
        [
            "pg_quantize SCHEMA b",
            "vector SCHEMA a",
            "pg_quantize_vector SCHEMA b",
        ],
        ["vector", "pg_quantize", "pg_quantize_vector"],
    ];
    for (i, order) in orders.iter().enumerate() {
        let database = format!("order_{i}");
        cluster.create_database(&database)?;
        let mut client = cluster.connect(&database)?;
        run(
            &mut client,
            "CREATE SCHEMA a; CREATE SCHEMA b; CREATE SCHEMA c",
        )?;
        for extension in order {
            run(&mut client, &format!("CREATE EXTENSION {extension}"))?;
        }
        run(&mut client, "SET search_path = public, a, b, c")?;
        run(&mut client, ITEMS)?;
        run(
            &mut client,
            "CREATE INDEX ON items USING qivf (v vector_l2_ops)",
        )?;
        let query = "SELECT id FROM items ORDER BY v <-> ARRAY[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16] LIMIT 1";
        let used = plan(&mut client, query)?;
        ensure!(used.contains("items_v_idx"), "{order:?}\n{used}");
        run(&mut client, "ALTER EXTENSION vector UPDATE")?;
        // The index goes with its operator class, the column with pgvector's type.
        run(&mut client, "DROP EXTENSION pg_quantize_vector CASCADE")?;
        let left = "SELECT count(*) FROM pg_indexes WHERE indexname = 'items_v_idx'";
        assert_eq!(client.query_one(left, &[])?.get::<_, i64>(0), 0);
        run(
            &mut client,
            "DROP EXTENSION vector CASCADE; DROP EXTENSION pg_quantize CASCADE",
        )?;
    }
    Ok(())
}

/// As pgvector has it: the vector is cast, and an index on the halves serves.
#[test]
fn vectors_are_queries_of_halves() -> Result<()> {
    let Some((_cluster, mut client)) = items()? else {
        return Ok(());
    };
    for (class, operator) in [("cosine", "<=>"), ("ip", "<#>"), ("l2", "<->")] {
        run(
            &mut client,
            &format!(
                "CREATE INDEX i ON items USING qivf (h halfvec_{class}_ops) WITH (lists = 40); SET qivf.target_recall = 1; \
                 PREPARE s(vector) AS SELECT h {operator} $1 FROM items ORDER BY 1 LIMIT 5"
            ),
        )?;
        let query = "(SELECT v FROM items WHERE id = 7)";
        let by_half = format!("SELECT h {operator} {query}::halfvec FROM items ORDER BY 1 LIMIT 5");
        let expected = distances(&mut client, &by_half)?;
        let by_vector = format!("SELECT h {operator} {query} FROM items ORDER BY 1 LIMIT 5");
        let vector: String = client
            .query_one("SELECT v::text FROM items WHERE id = 7", &[])?
            .get(0);
        let executed = format!("EXECUTE s('{vector}')");
        for statement in [by_vector, executed] {
            let used = plan(&mut client, &statement)?;
            ensure!(used.contains("Index Scan using i"), "{statement}\n{used}");
            assert_eq!(distances(&mut client, &statement)?, expected, "{statement}");
        }
        run(&mut client, "DROP INDEX i; DEALLOCATE s")?;
    }
    Ok(())
}

#[test]
fn pgvector_may_move_to_another_schema() -> Result<()> {
    let Some((_cluster, mut client)) = items()? else {
        return Ok(());
    };
    run(
        &mut client,
        "CREATE INDEX ON items USING qivf (v vector_l2_ops); CREATE INDEX ON items USING qivf (h halfvec_l2_ops); \
         CREATE SCHEMA elsewhere; ALTER EXTENSION vector SET SCHEMA elsewhere; SET search_path = public, elsewhere",
    )?;
    for (query, index) in [
        (
            "v <-> '[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]'",
            "items_v_idx",
        ),
        (
            "v <-> ARRAY[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]",
            "items_v_idx",
        ),
        (
            "h <-> ARRAY[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16.5]",
            "items_h_idx",
        ),
        ("h <-> (SELECT v FROM items WHERE id = 7)", "items_h_idx"),
    ] {
        let statement = format!("SELECT id FROM items ORDER BY {query} LIMIT 3");
        let used = plan(&mut client, &statement)?;
        ensure!(used.contains(index), "{statement}\n{used}");
        assert_eq!(client.query(&statement, &[])?.len(), 3);
    }
    run(
        &mut client,
        "INSERT INTO items SELECT 9000, v, h FROM items WHERE id = 7; REINDEX TABLE items; SELECT calibrate_ranges(v), calibrate_ranges(h) FROM items",
    )
}

#[test]
fn the_guide_runs_and_both_sides_agree() -> Result<()> {
    let Some(cluster) = cluster()? else {
        return Ok(());
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples/pgvector.sql");
    let output = cluster
        .psql(DATABASE)
        .args(["-v", "ON_ERROR_STOP=1", "-q", "-A", "-t"])
        .stdin(std::fs::File::open(script)?)
        .output()?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{printed}\n{errors}");
    ensure!(printed.contains("Index Scan using items_qivf"), "{printed}");
    // The row itself is the nearest in every one of the four searches.
    let nearest = printed.lines().filter(|line| *line == "42").count();
    ensure!(
        nearest == 4,
        "{nearest} of 4 searches found row 42:\n{printed}"
    );
    Ok(())
}
