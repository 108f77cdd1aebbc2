//! At `qivf.target_recall = 1` an index of any operator class gives what a sequential scan gives, whatever the values.

use anyhow::{Result, ensure};
use postgres::Client;
use server_tests::available;
use server_tests::qivf::{Search, database, is_sound, refused, value};

/// Every operator class: its column in [`ROWS`], an operator and a right side.
const CLASSES: [(&str, &str, &str); 16] = [
    ("e real_cosine_ops", "<=>", "embedding(24, 5)"),
    ("e real_ip_ops", "<#>", "embedding(24, 5)"),
    ("e real_l2_ops", "<->", "embedding(24, 5)"),
    (
        "b binvec_hamming_ops",
        "<~>",
        "quantize_binary(embedding(24, 5))",
    ),
    ("b binvec_hamming_ops", "<#>", "embedding(24, 5)"),
    ("b binvec_hamming_ops", "<=>", "embedding(24, 5)"),
    (
        "i int8vec_ip_ops",
        "<#>",
        "(SELECT i FROM docs WHERE id = 5)",
    ),
    ("i int8vec_ip_ops", "<#>", "embedding(24, 5)"),
    (
        "i int8vec_cosine_ops",
        "<=>",
        "(SELECT i FROM docs WHERE id = 5)",
    ),
    ("i int8vec_cosine_ops", "<=>", "embedding(24, 5)"),
    (
        "i int8vec_l2_ops",
        "<->",
        "(SELECT i FROM docs WHERE id = 5)",
    ),
    (
        "u uint8vec_ip_ops",
        "<#>",
        "(SELECT u FROM docs WHERE id = 5)",
    ),
    ("u uint8vec_ip_ops", "<#>", "embedding(24, 5)"),
    (
        "u uint8vec_cosine_ops",
        "<=>",
        "(SELECT u FROM docs WHERE id = 5)",
    ),
    ("u uint8vec_cosine_ops", "<=>", "embedding(24, 5)"),
    (
        "u uint8vec_l2_ops",
        "<->",
        "(SELECT u FROM docs WHERE id = 5)",
    ),
];

/// Rows of every type: most of them different, some equal, some all zeros, some NULL.
const ROWS: &str = "
CREATE TABLE floats AS
    SELECT n AS id, embedding(24, n) AS e FROM generate_series(1, 1500) AS n
    UNION ALL SELECT n, embedding(24, n % 3) FROM generate_series(1501, 1700) AS n
    UNION ALL SELECT n, array_fill(0::real, ARRAY[24]) FROM generate_series(1701, 1720) AS n
    UNION ALL SELECT n, NULL FROM generate_series(1721, 1740) AS n;
CREATE TABLE r AS SELECT calibrate_ranges(e) AS ranges FROM floats;
-- Written once: rows updated in place would keep a new index from older transactions for a while.
CREATE TABLE docs AS
    SELECT id, e, quantize_binary(e) AS b, quantize_int8(e, ranges) AS i, quantize_uint8(e, ranges) AS u FROM floats, r;
ANALYZE docs;";

/// The name of the column before the class.
fn column(class: &str) -> &str {
    class.split(' ').next().unwrap_or(class)
}

/// Creates `docs_index` on `docs`.
fn create_index(client: &mut Client, class: &str, lists: usize) -> Result<()> {
    Ok(client.batch_execute(&format!(
        "DROP INDEX IF EXISTS docs_index; CREATE INDEX docs_index ON docs USING qivf ({class}) WITH (lists = {lists})"
    ))?)
}

/// Compares with the sequential scan: the nearest ten and every row.
fn all_exact(client: &mut Client, distance: &str) -> Result<()> {
    for limit in [10, 100_000] {
        Search {
            from: "docs",
            distance,
            limit,
        }
        .is_exact(client)?;
    }
    Ok(())
}

#[test]
fn every_class_with_lists_of_its_own_choice() -> Result<()> {
    let (_cluster, mut client) = database()?;
    client.batch_execute(ROWS)?;
    for (class, operator, query) in CLASSES {
        create_index(&mut client, class, 0)?;
        is_sound(&mut client, "docs_index")?;
        all_exact(
            &mut client,
            &format!("{} {operator} {query}", column(class)),
        )?;
    }
    Ok(())
}

#[test]
fn flat_few_and_too_many_lists() -> Result<()> {
    let (_cluster, mut client) = database()?;
    client.batch_execute(ROWS)?;
    for lists in [1, 2, 3, 5000] {
        for (class, operator, query) in [CLASSES[0], CLASSES[2], CLASSES[4], CLASSES[7]] {
            create_index(&mut client, class, lists)?;
            is_sound(&mut client, "docs_index")?;
            all_exact(
                &mut client,
                &format!("{} {operator} {query}", column(class)),
            )?;
        }
    }
    Ok(())
}

#[test]
fn built_empty_and_filled_by_inserts() -> Result<()> {
    let (_cluster, mut client) = database()?;
    client.batch_execute(ROWS)?;
    client.batch_execute("CREATE TABLE source AS TABLE docs")?;
    for (class, operator, query) in [
        CLASSES[0],
        CLASSES[1],
        CLASSES[2],
        CLASSES[3],
        CLASSES[6],
        CLASSES[15],
    ] {
        client.batch_execute("TRUNCATE docs")?;
        create_index(&mut client, class, 0)?;
        let distance = format!("{} {operator} {query}", column(class));
        let distance = distance.replace("FROM docs", "FROM source");
        all_exact(&mut client, &distance)?;
        client.batch_execute("INSERT INTO docs TABLE source")?;
        is_sound(&mut client, "docs_index")?;
        all_exact(&mut client, &distance)?;
        ensure!(
            value::<bool>(
                &mut client,
                "SELECT NOT (qivf_info('docs_index') ->> 'reindex_due')::bool"
            )?,
            "an index filled after it was built empty asks for a REINDEX"
        );
        client.batch_execute("REINDEX INDEX docs_index")?;
        ensure!(
            value::<bool>(
                &mut client,
                "SELECT NOT (qivf_info('docs_index') ->> 'reindex_due')::bool"
            )?,
            "a rebuilt index asks for a REINDEX"
        );
    }
    Ok(())
}

#[test]
fn one_row_and_no_row() -> Result<()> {
    let (_cluster, mut client) = database()?;
    client.batch_execute(ROWS)?;
    client.batch_execute("CREATE TABLE source AS TABLE docs")?;
    for id in [0, 5, 1705, 1730] {
        client.batch_execute(&format!(
            "TRUNCATE docs; INSERT INTO docs SELECT * FROM source WHERE id = {id}"
        ))?;
        for (class, operator, query) in CLASSES {
            create_index(&mut client, class, 0)?;
            is_sound(&mut client, "docs_index")?;
            let query = query.replace("FROM docs", "FROM source");
            all_exact(
                &mut client,
                &format!("{} {operator} {query}", column(class)),
            )?;
        }
    }
    Ok(())
}

#[test]
fn nothing_but_duplicates_zeros_or_nulls() -> Result<()> {
    let (_cluster, mut client) = database()?;
    let contents = [
        "embedding(24, 1)",
        "array_fill(0::real, ARRAY[24])",
        "NULL::real[]",
        "embedding(24, n % 2)",
    ];
    for content in contents {
        client.batch_execute(&format!(
            "DROP TABLE IF EXISTS docs; CREATE TABLE docs AS SELECT n AS id, {content} AS e FROM generate_series(1, 1200) AS n"
        ))?;
        for (class, operator, query) in &CLASSES[..3] {
            create_index(&mut client, class, 0)?;
            is_sound(&mut client, "docs_index")?;
            all_exact(&mut client, &format!("e {operator} {query}"))?;
        }
    }
    Ok(())
}

#[test]
fn values_of_any_size() -> Result<()> {
    let (_cluster, mut client) = database()?;
    // Squares of the largest overflow a float, those of the smallest underflow it.
    for factor in ["1e-38", "1e-30", "1e-18", "1e18", "1e30"] {
        client.batch_execute(&format!(
            "DROP TABLE IF EXISTS docs; CREATE TABLE docs AS SELECT n AS id, (SELECT array_agg((x * (CASE WHEN n % 7 = 0 THEN 1 ELSE {factor} END)::float8)::real)
             FROM unnest(embedding(8, n)) AS x) AS e FROM generate_series(1, 500) AS n"
        ))?;
        for (class, operator, _) in &CLASSES[..3] {
            create_index(&mut client, class, 0)?;
            is_sound(&mut client, "docs_index")?;
            for id in [7, 8] {
                all_exact(
                    &mut client,
                    &format!("e {operator} (SELECT e FROM docs WHERE id = {id})"),
                )?;
            }
        }
    }
    Ok(())
}

#[test]
fn one_dimension() -> Result<()> {
    let (_cluster, mut client) = database()?;
    client.batch_execute(
        "CREATE TABLE docs AS SELECT n AS id, ARRAY[n % 100 - 50]::real[] AS e, ARRAY[n % 200 - 100]::int8vec AS i,
         (n % 2)::text::binvec AS b, ARRAY[n % 200]::uint8vec AS u FROM generate_series(1, 1000) AS n",
    )?;
    for (class, operator, query) in CLASSES {
        create_index(&mut client, class, 0)?;
        is_sound(&mut client, "docs_index")?;
        let query = query.replace("24", "1");
        all_exact(
            &mut client,
            &format!("{} {operator} {query}", column(class)),
        )?;
    }
    Ok(())
}

#[test]
fn dimensions_up_to_the_limit_and_no_further() -> Result<()> {
    let (_cluster, mut client) = database()?;
    client.batch_execute(
        "CREATE TABLE docs AS SELECT n AS id, embedding(8000, n) AS e, (SELECT array_agg((x * 60)::smallint) FROM unnest(embedding(8000, n)) AS x)::int8vec AS i,
         repeat(substr('110100101', n % 7 + 1, 3), 20000)::binvec AS b FROM generate_series(1, 30) AS n",
    )?;
    for (class, distance) in [
        ("e real_cosine_ops", "e <=> embedding(8000, 5)"),
        ("e real_l2_ops", "e <-> embedding(8000, 5)"),
        ("i int8vec_ip_ops", "i <#> embedding(8000, 5)"),
        (
            "b binvec_hamming_ops",
            "b <~> (SELECT b FROM docs WHERE id = 5)",
        ),
    ] {
        create_index(&mut client, class, 0)?;
        is_sound(&mut client, "docs_index")?;
        all_exact(&mut client, distance)?;
    }
    client.batch_execute("CREATE TABLE beyond AS SELECT embedding(8001, 1) AS e, repeat('1', 60001)::binvec AS b, array_fill(1, ARRAY[8001])::int8vec AS i")?;
    for (column, dimensions, limit) in [("e", 8001, 8000), ("i", 8001, 8000), ("b", 60001, 60000)] {
        let message = refused(
            &mut client,
            &format!("CREATE INDEX ON beyond USING qivf ({column})"),
        )?;
        assert_eq!(
            message,
            format!("cannot index {dimensions} dimensions, 1 to {limit} are allowed")
        );
    }
    Ok(())
}

#[test]
fn values_that_no_index_takes() -> Result<()> {
    let (_cluster, mut client) = database()?;
    client.batch_execute("CREATE TABLE docs AS SELECT embedding(4, n) AS e FROM generate_series(1, 50) AS n; CREATE INDEX ON docs USING qivf (e)")?;
    for (bad, message) in [
        ("{1,2,3}", "expected 4 dimensions, not 3"),
        ("{1,2,3,4,5}", "expected 4 dimensions, not 5"),
    ] {
        assert_eq!(
            refused(&mut client, &format!("INSERT INTO docs VALUES ('{bad}')"))?,
            message
        );
        let search = format!(
            "SET enable_seqscan = off; SELECT FROM docs ORDER BY e <=> '{bad}'::real[] LIMIT 1"
        );
        refused(&mut client, &search)?;
    }
    for bad in [
        "{1,NaN,3,4}",
        "{1,2,3,-Infinity}",
        "{}",
        "{1,2,NULL,4}",
        "{{1,2},{3,4}}",
    ] {
        refused(&mut client, &format!("INSERT INTO docs VALUES ('{bad}')"))?;
        client.batch_execute("CREATE TABLE hostile (e real[])")?;
        client.batch_execute(&format!("INSERT INTO hostile VALUES ('{bad}')"))?;
        refused(&mut client, "CREATE INDEX ON hostile USING qivf (e)")?;
        client.batch_execute("DROP TABLE hostile")?;
    }
    client.batch_execute(
        "CREATE TABLE mixed (e real[]); INSERT INTO mixed VALUES ('{1,2}'), ('{1,2,3}')",
    )?;
    assert_eq!(
        refused(&mut client, "CREATE INDEX ON mixed USING qivf (e)")?,
        "expected 2 dimensions, not 3"
    );
    ensure!(value::<i64>(&mut client, "SELECT count(*) FROM docs")? == 50);
    Ok(())
}

#[test]
fn columns_of_pgvector() -> Result<()> {
    if !available("vector")? || !available("pg_quantize_vector")? {
        return Ok(());
    }
    let (_cluster, mut client) = database()?;
    client.batch_execute("CREATE EXTENSION vector; CREATE EXTENSION pg_quantize_vector")?;
    client.batch_execute(
        "CREATE TABLE docs AS SELECT n AS id, embedding(64, n)::vector(64) AS v, embedding(64, n)::vector::halfvec(64) AS h FROM generate_series(1, 2000) AS n;
         INSERT INTO docs SELECT n, embedding(64, n % 3), embedding(64, n % 3)::vector FROM generate_series(2001, 2100) AS n;
         INSERT INTO docs SELECT n, array_fill(0::real, ARRAY[64]), array_fill(0::real, ARRAY[64])::vector FROM generate_series(2101, 2110) AS n;
         INSERT INTO docs VALUES (2111, NULL, NULL)",
    )?;
    for (metric, operator) in [("cosine", "<=>"), ("ip", "<#>"), ("l2", "<->")] {
        for (column, kind) in [("v", "vector"), ("h", "halfvec")] {
            create_index(&mut client, &format!("{column} {kind}_{metric}_ops"), 0)?;
            is_sound(&mut client, "docs_index")?;
            // Postgres itself raises an error where a bound lies above the distance that pgvector computes.
            for id in [5, 77, 2105] {
                let query = format!("(SELECT {column} FROM docs WHERE id = {id})");
                all_exact(&mut client, &format!("{column} {operator} {query}"))?;
            }
        }
        create_index(&mut client, &format!("v vector_{metric}_ops"), 0)?;
        all_exact(&mut client, &format!("v {operator} embedding(64, 5)"))?;
        all_exact(
            &mut client,
            &format!("v {operator} embedding(64, 5)::float8[]"),
        )?;
    }
    Ok(())
}
