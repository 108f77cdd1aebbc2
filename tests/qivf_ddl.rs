//! The index beside everything that changes or shapes a table: partial and expression indexes, rewrites, temporary tables,
//! partitions.

use anyhow::{Context, Result, ensure};
use postgres::Client;
use server_tests::qivf::{Search, database, is_sound, refused, value};

/// Searches all of `from` exactly.
fn exact(client: &mut Client, from: &str, distance: &str) -> Result<()> {
    Search {
        from,
        distance,
        limit: 10_000,
    }
    .is_exact(client)
}

const DOCS: &str = "CREATE TABLE docs AS SELECT n AS id, embedding(32, n) AS e FROM generate_series(1, 1000) AS n;";

#[test]
fn expression_indexes() -> Result<()> {
    let (_cluster, mut client) = database()?;
    client.batch_execute(DOCS)?;
    client.batch_execute("CREATE INDEX binary_e ON docs USING qivf (quantize_binary(e)); CREATE INDEX half_e ON docs USING qivf (truncate_embeddings(e, 16) real_l2_ops)")?;
    client.batch_execute("INSERT INTO docs SELECT n, embedding(32, n) FROM generate_series(1001, 1200) AS n; INSERT INTO docs VALUES (0, NULL)")?;
    for (index, distance) in [
        (
            "binary_e",
            "quantize_binary(e) <~> quantize_binary(embedding(32, 3))",
        ),
        ("binary_e", "quantize_binary(e) <#> embedding(32, 3)"),
        ("half_e", "truncate_embeddings(e, 16) <-> embedding(16, 3)"),
    ] {
        is_sound(&mut client, index)?;
        exact(&mut client, "docs", distance)?;
    }
    Ok(())
}

#[test]
fn partial_indexes() -> Result<()> {
    let (_cluster, mut client) = database()?;
    client.batch_execute(DOCS)?;
    client.batch_execute("CREATE INDEX docs_e ON docs USING qivf (e) WHERE id % 2 = 0")?;
    client.batch_execute("UPDATE docs SET id = id + 1001 WHERE id % 3 = 0; INSERT INTO docs SELECT n, embedding(32, n) FROM generate_series(3001, 3100) AS n")?;
    is_sound(&mut client, "docs_e")?;
    exact(
        &mut client,
        "docs WHERE id % 2 = 0",
        "e <=> embedding(32, 3)",
    )?;
    client.batch_execute("VACUUM docs")?;
    is_sound(&mut client, "docs_e")?;
    exact(
        &mut client,
        "docs WHERE id % 2 = 0",
        "e <=> embedding(32, 3)",
    )
}

#[test]
fn rewrites_of_the_table_rebuild_the_index() -> Result<()> {
    let (_cluster, mut client) = database()?;
    client.batch_execute(DOCS)?;
    client.batch_execute("CREATE INDEX docs_e ON docs USING qivf (e)")?;
    let rewrites = [
        ("ALTER TABLE docs ALTER e TYPE real[] USING e[1:20]", 20),
        ("VACUUM FULL docs", 20),
        ("ALTER TABLE docs SET UNLOGGED", 20),
        ("ALTER TABLE docs SET LOGGED", 20),
        ("REINDEX INDEX docs_e", 20),
        ("REINDEX TABLE CONCURRENTLY docs", 20),
        (
            "CREATE INDEX docs_id ON docs (id); CLUSTER docs USING docs_id",
            20,
        ),
        (
            "ALTER INDEX docs_e SET (lists = 3); REINDEX INDEX docs_e",
            20,
        ),
        (
            "TRUNCATE docs; INSERT INTO docs SELECT n, embedding(7, n) FROM generate_series(1, 200) AS n",
            7,
        ),
    ];
    for (rewrite, dimensions) in rewrites {
        // Some can't run in the implicit transaction of several statements.
        for statement in rewrite.split("; ") {
            client.batch_execute(statement)?;
        }
        is_sound(&mut client, "docs_e")?;
        exact(
            &mut client,
            "docs",
            &format!("e <=> embedding({dimensions}, 3)"),
        )?;
    }
    Ok(())
}

#[test]
fn a_changed_type_keeps_its_index_or_says_why_not() -> Result<()> {
    let (_cluster, mut client) = database()?;
    client.batch_execute("CREATE TABLE docs AS SELECT n AS id, quantize_binary(embedding(32, n))::binvec(32) AS b FROM generate_series(1, 500) AS n; CREATE INDEX docs_b ON docs USING qivf (b)")?;
    client.batch_execute(
        "ALTER TABLE docs ALTER b TYPE binvec(16) USING truncate_embeddings(b, 16)",
    )?;
    is_sound(&mut client, "docs_b")?;
    exact(
        &mut client,
        "docs",
        "b <~> quantize_binary(embedding(16, 3))",
    )?;
    let message = refused(
        &mut client,
        "ALTER TABLE docs ALTER b TYPE text USING b::text",
    )?;
    ensure!(message.contains("operator class"), "{message}");
    is_sound(&mut client, "docs_b")
}

#[test]
fn temporary_tables() -> Result<()> {
    let (_cluster, mut client) = database()?;
    client.batch_execute(
        "CREATE TEMP TABLE docs (id int, e real[]); CREATE INDEX docs_e ON docs USING qivf (e);
         INSERT INTO docs SELECT n, embedding(32, n) FROM generate_series(1, 500) AS n",
    )?;
    is_sound(&mut client, "docs_e")?;
    exact(&mut client, "docs", "e <=> embedding(32, 3)")?;
    client.batch_execute("REINDEX INDEX docs_e; DELETE FROM docs WHERE id % 2 = 0")?;
    client.batch_execute("VACUUM docs")?;
    is_sound(&mut client, "docs_e")?;
    exact(&mut client, "docs", "e <=> embedding(32, 3)")
}

#[test]
fn rows_deleted_on_commit() -> Result<()> {
    let (_cluster, mut client) = database()?;
    client.batch_execute("CREATE TEMP TABLE docs (id int, e real[]) ON COMMIT DELETE ROWS; CREATE INDEX docs_e ON docs USING qivf (e); SET enable_seqscan = off")?;
    for dimensions in [8, 8, 32] {
        let mut transaction = client.transaction()?;
        transaction.batch_execute(&format!("INSERT INTO docs SELECT n, embedding({dimensions}, n) FROM generate_series(1, 300) AS n"))?;
        let nearest =
            format!("SELECT id FROM docs ORDER BY e <=> embedding({dimensions}, 77) LIMIT 1");
        ensure!(transaction.query_one(&nearest, &[])?.get::<_, i32>(0) == 77);
        transaction.commit()?;
        ensure!(client.query(&nearest, &[])?.is_empty());
    }
    is_sound(&mut client, "docs_e")
}

#[test]
fn partitioned_tables_merge_their_indexes() -> Result<()> {
    let (_cluster, mut client) = database()?;
    client.batch_execute(
        "CREATE TABLE docs (id int, e real[]) PARTITION BY HASH (id);
         CREATE TABLE docs_0 PARTITION OF docs FOR VALUES WITH (MODULUS 2, REMAINDER 0);
         CREATE INDEX docs_e ON docs USING qivf (e);
         CREATE TABLE docs_1 PARTITION OF docs FOR VALUES WITH (MODULUS 2, REMAINDER 1);
         INSERT INTO docs SELECT n, embedding(32, n) FROM generate_series(1, 1000) AS n; ANALYZE docs",
    )?;
    exact(&mut client, "docs", "e <=> embedding(32, 3)")?;
    for index in ["docs_0_e_idx", "docs_1_e_idx"] {
        is_sound(&mut client, index)?;
    }
    let message = refused(&mut client, "SELECT qivf_info('docs_e')")?;
    ensure!(!message.contains("panic"), "{message}");
    Ok(())
}

#[test]
fn vacuumed_slots_are_used_again() -> Result<()> {
    let (_cluster, mut client) = database()?;
    client.batch_execute(DOCS)?;
    client.batch_execute("CREATE INDEX docs_e ON docs USING qivf (e)")?;
    let size = "SELECT pg_relation_size('docs_e')";
    client.batch_execute("DELETE FROM docs; INSERT INTO docs SELECT n, embedding(32, n) FROM generate_series(1, 1000) AS n")?;
    client.batch_execute("VACUUM docs")?;
    let before: i64 = value(&mut client, size)?;
    for _ in 0..5 {
        client.batch_execute("DELETE FROM docs")?;
        client.batch_execute("VACUUM docs")?;
        client.batch_execute(
            "INSERT INTO docs SELECT n, embedding(32, n) FROM generate_series(1, 1000) AS n",
        )?;
        is_sound(&mut client, "docs_e")?;
        exact(&mut client, "docs", "e <=> embedding(32, 3)")?;
    }
    let after: i64 = value(&mut client, size)?;
    ensure!(
        after <= before + before / 4,
        "grew from {before} to {after} bytes"
    );
    Ok(())
}

#[test]
fn only_owners_tune_and_only_qivf_indexes_are_looked_into() -> Result<()> {
    let (_cluster, mut client) = database()?;
    client.batch_execute(DOCS)?;
    client.batch_execute("CREATE INDEX docs_e ON docs USING qivf (e); CREATE INDEX docs_id ON docs (id); CREATE ROLE reader")?;
    let sample = "(SELECT array_agg(embedding(32, n)) FROM generate_series(1, 50) AS n)";
    client.batch_execute(&format!("SELECT qivf_tune('docs_e', {sample})"))?;
    client.batch_execute("SET ROLE reader")?;
    let message = refused(
        &mut client,
        &format!("SELECT qivf_tune('docs_e', {sample})"),
    )?;
    assert_eq!(message, "must be owner of index docs_e");
    client.batch_execute("RESET ROLE; DROP ROLE reader")?;
    for function in [
        "qivf_info('docs_id')",
        "qivf_check('docs_id')",
        "recall_report('docs_id')",
    ] {
        assert_eq!(
            refused(&mut client, &format!("SELECT {function}"))?,
            "\"docs_id\" is not a qivf index"
        );
    }
    is_sound(&mut client, "docs_e")?;
    exact(&mut client, "docs", "e <=> embedding(32, 3)")
}

/// Lists opened for a target of 0.8, and what the index keeps of its lessons.
fn effort(client: &mut Client) -> Result<(f32, Option<String>)> {
    let lists = "SELECT lists FROM recall_report('docs_e', 20) WHERE target_recall = 0.8::real";
    let taught = "SELECT qivf_info('docs_e') ->> 'taught'";
    Ok((value(client, lists)?, client.query_one(taught, &[])?.get(0)))
}

#[test]
fn what_real_queries_taught_outlives_the_index() -> Result<()> {
    let (_cluster, mut client) = database()?;
    client.batch_execute(
        "CREATE TABLE docs AS SELECT n AS id, array_agg((hashint4(n * 31 + i) % 1000)::real) AS e
         FROM generate_series(1, 3000) AS n, generate_series(1, 24) AS i GROUP BY n;
         CREATE INDEX docs_e ON docs USING qivf (e) WITH (lists = 100)",
    )?;
    let (untaught, nothing) = effort(&mut client)?;
    ensure!(nothing.is_none());
    // The calling query reads the table itself.
    client.batch_execute(
        "SELECT qivf_tune('docs_e', (SELECT array_agg(e) FROM docs WHERE id % 50 = 0))",
    )?;
    let (_, taught) = effort(&mut client)?;
    let taught = taught.context("nothing was kept")?;
    ensure!(taught.starts_with("0.8:"), "{taught}");
    for again in [
        "REINDEX INDEX docs_e",
        "REINDEX INDEX CONCURRENTLY docs_e",
        "VACUUM FULL docs",
    ] {
        client.batch_execute(again)?;
        ensure!(effort(&mut client)?.1.as_ref() == Some(&taught), "{again}");
    }
    // An index built anew asks more of its rows where queries need more.
    client.batch_execute(
        "ALTER INDEX docs_e SET (taught = '0.8:0.99,0.9:0.995,0.95:0.998,0.99:0.9995'); REINDEX INDEX docs_e",
    )?;
    let (lists, _) = effort(&mut client)?;
    ensure!(lists > untaught, "{lists} lists, {untaught} before");
    client.batch_execute("ALTER INDEX docs_e RESET (taught); REINDEX INDEX docs_e")?;
    ensure!(effort(&mut client)?.1.is_none());
    for wrong in ["", "much", "0.8:0.9", "0.8:2,0.9:0.9,0.95:0.9,0.99:0.9"] {
        let message = refused(
            &mut client,
            &format!("ALTER INDEX docs_e SET (taught = '{wrong}')"),
        )?;
        assert_eq!(message, "invalid value for option \"taught\"");
    }
    Ok(())
}
