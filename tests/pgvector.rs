//! Beside pgvector: its columns as arguments, its operators and indexes undisturbed.
//!
//! Where pgvector is not installed these tests can't run; they say so on standard error and pass.

use anyhow::{Context, Result, ensure};
use cluster::{Cluster, Options};
use postgres::Client;
use server_tests::{DATABASE, available, start};

const DOCS: &str = "
CREATE TABLE docs (id int PRIMARY KEY, v vector(8), h halfvec(8), f real[], bits bit(8));
INSERT INTO docs SELECT n, e::vector, e::vector::halfvec, e, binary_quantize(e::vector)
FROM (SELECT n, array_agg((sin(n * i) * 0.5)::real ORDER BY i) AS e FROM generate_series(1, 500) AS n, generate_series(1, 8) AS i GROUP BY n) AS t;";

/// A cluster with both extensions and [`DOCS`], unless pgvector is missing.
fn both() -> Result<Option<(Cluster, Client)>> {
    if !available("vector")? {
        return Ok(None);
    }
    let cluster = start(Options::default())?;
    let mut client = cluster.connect(DATABASE)?;
    client.batch_execute("CREATE EXTENSION vector")?;
    client.batch_execute(DOCS)?;
    Ok(Some((cluster, client)))
}

/// Runs a query that returns one boolean, which must be true.
fn holds(client: &mut Client, query: &str) -> Result<()> {
    let row = client
        .query_one(query, &[])
        .with_context(|| query.to_owned())?;
    ensure!(
        row.get::<_, Option<bool>>(0) == Some(true),
        "does not hold: {query}"
    );
    Ok(())
}

fn plan(client: &mut Client, query: &str) -> Result<String> {
    let rows = client.query(&format!("EXPLAIN (COSTS OFF) {query}"), &[])?;
    let lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    Ok(lines.join("\n"))
}

#[test]
fn either_extension_may_come_first_and_share_a_schema() -> Result<()> {
    if !available("vector")? {
        return Ok(());
    }
    let cluster = Cluster::start_new(&server_tests::installation()?, Options::default())?;
    let orders = [
        ["pg_quantize", "vector"],
        ["vector", "pg_quantize"],
        ["vector SCHEMA a", "pg_quantize SCHEMA b"],
        ["pg_quantize SCHEMA a", "vector SCHEMA a"],
    ];
    for (i, order) in orders.iter().enumerate() {
        let database = format!("order_{i}");
        cluster.create_database(&database)?;
        let mut client = cluster.connect(&database)?;
        client.batch_execute("CREATE SCHEMA a; CREATE SCHEMA b; SET search_path = public, a, b")?;
        for extension in order {
            let create = format!("CREATE EXTENSION {extension}");
            client
                .batch_execute(&create)
                .with_context(|| format!("{create} of {order:?}"))?;
        }
        holds(
            &mut client,
            "SELECT quantize_binary('[1,-1]'::vector) = '10' AND '[1,2]'::vector <-> '[1,2]' = 0",
        )?;
        client.batch_execute("DROP EXTENSION pg_quantize; SELECT '[1,2]'::vector <=> '[1,2]'")?;
    }
    Ok(())
}

#[test]
fn vectors_are_arguments_as_they_are() -> Result<()> {
    let Some((_cluster, mut client)) = both()? else {
        return Ok(());
    };
    let ranges = "(SELECT calibrate_ranges(v) FROM docs)";
    let same = [
        "SELECT calibrate_ranges(v) = calibrate_ranges(f) AND calibrate_ranges(v, 0.95) = calibrate_ranges(f, 0.95) FROM docs".to_owned(),
        "SELECT calibrate_thresholds(v) = calibrate_thresholds(f) FROM docs".into(),
        format!("SELECT clipping_report(v, {ranges}) ->> 'clipped_values' = '0' FROM docs"),
        "SELECT bool_and(quantize_binary(v) = quantize_binary(f)) FROM docs".into(),
        format!("SELECT bool_and(quantize_int8(v, {ranges}) = quantize_int8(f, {ranges})) FROM docs"),
        format!("SELECT bool_and(quantize_embeddings(v, 'uint8', {ranges}) = quantize_uint8(f, {ranges})) FROM docs"),
        "SELECT bool_and(truncate_embeddings(v, 4) = truncate_embeddings(f, 4)) FROM docs".into(),
        "SELECT bool_and(quantize_binary(h::real[]) = quantize_binary(v)) FROM docs".into(),
        // pgvector's own sign bits are ours.
        "SELECT bool_and(quantize_binary(v) = binary_quantize(v) AND quantize_binary(v)::bit(8) = bits) FROM docs".into(),
        "SELECT bool_and(quantize_binary(v) <~> '00000000' = bits <~> B'00000000') FROM docs".into(),
        "SELECT bool_and((quantize_binary(v) <#> v) <= 0) FROM docs".into(),
        "SELECT bool_and(abs((f <=> '{1,2,3,4,5,6,7,8}') - (v <=> '[1,2,3,4,5,6,7,8]')) < 1e-6 AND abs((f <-> '{1,2,3,4,5,6,7,8}') - (v <-> '[1,2,3,4,5,6,7,8]')) < 1e-5) FROM docs".into(),
        "SELECT bool_and(abs((f <#> '{1,2,3,4,5,6,7,8}') - (v <#> '[1,2,3,4,5,6,7,8]')) < 1e-5 AND abs((f <+> '{1,2,3,4,5,6,7,8}') - (v <+> '[1,2,3,4,5,6,7,8]')) < 1e-5) FROM docs".into(),
        "SELECT bool_and((bits <%> B'11110000') = (quantize_binary(v) <%> '11110000')) FROM docs".into(),
    ];
    for query in same {
        holds(&mut client, &query)?;
    }
    Ok(())
}

#[test]
fn codes_of_vectors_in_a_schema() -> Result<()> {
    let Some((_cluster, mut client)) = both()? else {
        return Ok(());
    };
    client.batch_execute(
        "ALTER TABLE docs ADD b binvec(8) GENERATED ALWAYS AS (quantize_binary(v)) STORED,
            ADD i int8vec(8) GENERATED ALWAYS AS (quantize_int8(v, '{{-1,-1,-1,-1,-1,-1,-1,-1},{1,1,1,1,1,1,1,1}}')) STORED;
        CREATE INDEX ON docs (quantize_binary(v));
        INSERT INTO docs (id, v) VALUES (0, '[1,1,1,1,-1,-1,-1,-1]');
        CREATE TABLE copies (b binvec(8));
        INSERT INTO copies SELECT binary_quantize(v) FROM docs;
        ANALYZE docs; SET enable_seqscan = off; SET enable_bitmapscan = off",
    )?;
    holds(
        &mut client,
        "SELECT b = '11110000' AND i <#> v < 0 FROM docs WHERE id = 0",
    )?;
    holds(&mut client, "SELECT count(*) = 501 FROM copies")?;
    let indexed = plan(
        &mut client,
        "SELECT id FROM docs WHERE quantize_binary(v) = '11110000'",
    )?;
    ensure!(
        indexed.contains("Index Scan using docs_quantize_binary_idx"),
        "{indexed}"
    );
    // Hamming first, pgvector's distance after.
    holds(
        &mut client,
        "SELECT id = 0 FROM (SELECT id, v FROM docs ORDER BY b <~> quantize_binary('[1,1,1,1,-1,-1,-1,-1]'::vector), id LIMIT 20) AS t
         ORDER BY v <=> '[1,1,1,1,-1,-1,-1,-1]' LIMIT 1",
    )
}

#[test]
fn indexes_of_pgvector_still_serve() -> Result<()> {
    let Some((_cluster, mut client)) = both()? else {
        return Ok(());
    };
    client.batch_execute(
        "CREATE INDEX docs_hnsw ON docs USING hnsw (v vector_cosine_ops);
        CREATE INDEX docs_half ON docs USING hnsw (h halfvec_l2_ops);
        CREATE INDEX docs_bits ON docs USING hnsw (bits bit_hamming_ops);
        SET enable_seqscan = off;
        PREPARE untyped AS SELECT id FROM docs ORDER BY v <=> $1 LIMIT 3",
    )?;
    let queries = [
        (
            "docs_hnsw",
            "SELECT id FROM docs ORDER BY v <=> '[1,2,3,4,5,6,7,8]' LIMIT 3",
        ),
        (
            "docs_hnsw",
            "SELECT id FROM docs ORDER BY v <=> (SELECT v FROM docs WHERE id = 1) LIMIT 3",
        ),
        ("docs_hnsw", "EXECUTE untyped('[1,2,3,4,5,6,7,8]')"),
        (
            "docs_half",
            "SELECT id FROM docs ORDER BY h <-> '[1,2,3,4,5,6,7,8]' LIMIT 3",
        ),
        (
            "docs_bits",
            "SELECT id FROM docs ORDER BY bits <~> B'11110000' LIMIT 3",
        ),
        (
            "docs_bits",
            "SELECT id FROM docs ORDER BY bits <~> '11110000' LIMIT 3",
        ),
    ];
    for (index, query) in queries {
        let text = plan(&mut client, query)?;
        ensure!(
            text.contains(&format!("Index Scan using {index}")),
            "{query}\n{text}"
        );
    }
    Ok(())
}

#[test]
fn calls_of_pgvector_still_resolve() -> Result<()> {
    let Some((_cluster, mut client)) = both()? else {
        return Ok(());
    };
    let calls = [
        "SELECT l2_distance(v, '[1,2,3,4,5,6,7,8]') >= 0 FROM docs LIMIT 1",
        "SELECT inner_product(v, v) > 0 AND cosine_distance(v, v) < 1e-6 AND l1_distance(v, '[0,0,0,0,0,0,0,0]') > 0 FROM docs LIMIT 1",
        "SELECT vector_dims(v) = 8 AND vector_norm(v) > 0 AND vector_dims(h) = 8 FROM docs LIMIT 1",
        "SELECT hamming_distance(bits, '00000000') >= 0 AND jaccard_distance(bits, B'00000000') = 1 FROM docs LIMIT 1",
        "SELECT v + v = v * '[2,2,2,2,2,2,2,2]' AND v = v AND v < '[9,0,0,0,0,0,0,0]' FROM docs LIMIT 1",
        "SELECT vector_dims(avg(v)) = 8 AND vector_dims(sum(v)) = 8 FROM docs",
        "SELECT l2_normalize(v) IS NOT NULL AND subvector(v, 1, 3) IS NOT NULL FROM docs LIMIT 1",
        "SELECT ARRAY[1,2,3]::vector <-> '[1,2,3]' = 0 AND '{1,2,3}'::real[]::vector <=> '[1,2,3]' < 1e-6",
        "SELECT B'01' <~> B'11' = 1",
    ];
    for call in calls {
        holds(&mut client, call)?;
    }
    Ok(())
}
