//! Partitions on other servers, by postgres_fdw: the shards do the work, and answers are those of one server with all rows.
//!
//! Where postgres_fdw is not installed these tests can't run; they say so on standard error and pass.

mod catalog;
mod page;
mod shards;
mod standbys;

use std::collections::HashSet;

use anyhow::{Context, Result, ensure};
use cluster::Shutdown;
use postgres::Client;
use shards::{DIMENSIONS, DOCUMENTS, Distributed, SHARDS, array, embeddings, explain, run};

/// The ids and scores that a search finds.
fn found(
    client: &mut Client,
    table: &str,
    query: &[f32],
    arguments: &str,
) -> Result<Vec<(i32, f64)>> {
    let statement = format!(
        "SELECT (doc).id, score FROM semantic_search(NULL::{table}, '{}', 10{arguments}) ORDER BY score DESC, 1",
        array(query)
    );
    let rows = client.query(&statement, &[])?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// The share of the ten nearest that a search of the parent finds, over some queries.
fn recall(client: &mut Client, queries: &[Vec<f32>], arguments: &str) -> Result<f64> {
    let (mut hits, mut all) = (0, 0);
    for query in queries {
        let exact = format!(
            "SELECT id FROM everything ORDER BY embedding <=> '{}'::real[] LIMIT 10",
            array(query)
        );
        let exact = client.query(&exact, &[])?;
        let ids: HashSet<i32> = exact.iter().map(|row| row.get(0)).collect();
        let ours = found(client, "docs", query, arguments)?;
        ensure!(ours.len() == 10, "{} rows", ours.len());
        hits += ours.iter().filter(|(id, _)| ids.contains(id)).count();
        all += ids.len();
    }
    Ok(hits as f64 / all as f64)
}

/// A value of one row.
fn holds(client: &mut Client, query: &str) -> Result<bool> {
    let row = client
        .query_one(query, &[])
        .with_context(|| query.to_owned())?;
    Ok(row.get::<_, Option<bool>>(0) == Some(true))
}

/// A plan without its long literals.
fn shortened(plan: &str) -> String {
    plan.lines()
        .map(|line| line.chars().take(300).collect::<String>() + "\n")
        .collect()
}

#[test]
fn the_shards_search_by_their_indexes() -> Result<()> {
    let Some(distributed) = Distributed::start()? else {
        return Ok(());
    };
    let mut client = distributed.connect()?;
    // So few rows would be read one by one.
    distributed.on_shards(
        "CREATE INDEX docs_qivf ON docs USING qivf (embedding real_cosine_ops); \
         ALTER DATABASE postgres SET enable_seqscan = off",
    )?;
    let queries: Vec<Vec<f32>> = embeddings("queries")?
        .into_iter()
        .step_by(9)
        .take(20)
        .collect();

    // Order, limit and filter are sent, all shards work at once, each by its index.
    let query = array(&queries[0]);
    let each: Vec<String> = (0..SHARDS)
        .map(|i| {
            format!(
                "(SELECT id, embedding <=> '{query}'::real[] AS distance FROM docs_{i} \
                 WHERE lang <> 'de' ORDER BY distance LIMIT 10)"
            )
        })
        .collect();
    let by_hand = format!(
        "SELECT id, distance FROM ({}) AS nearest ORDER BY distance + 0 LIMIT 10",
        each.join(" UNION ALL ")
    );
    let call = format!(
        "SELECT semantic_search_sql(NULL::docs, '{query}', 10, filter => 'docs.lang <> ''de''')"
    );
    let by_function: String = client.query_one(&call, &[])?.get(0);
    for statement in [by_hand, by_function] {
        let plan = explain(&mut client, &statement, "VERBOSE, COSTS OFF")?;
        let remote: Vec<&str> = plan
            .lines()
            .filter(|line| line.contains("Remote SQL:"))
            .collect();
        ensure!(
            remote.len() == SHARDS && plan.matches("Async Foreign Scan").count() == SHARDS,
            "{}",
            shortened(&plan)
        );
        for statement in remote {
            ensure!(
                statement.contains("lang <> 'de'")
                    && statement.contains("ORDER BY")
                    && statement.contains("LIMIT"),
                "{statement}"
            );
        }
        for plan in distributed.remote_plans(&plan)? {
            ensure!(
                plan.contains("Index Scan using docs_qivf"),
                "{}",
                shortened(&plan)
            );
        }
    }
    parents_rights_are_not_passed_by(&mut client, &query)?;

    // At target 1 the rows are those of one server.
    distributed.set_on_shards("-c qivf.target_recall=1")?;
    for query in &queries {
        for arguments in ["", ", filter => 'lang = ''en'''", ", metric => 'ip'"] {
            assert_eq!(
                found(&mut client, "docs", query, arguments)?,
                found(&mut client, "everything", query, arguments)?
            );
        }
    }
    // Below, as many of them are found as were asked for.
    distributed.set_on_shards("-c qivf.target_recall=0.9")?;
    let recall = recall(&mut client, &queries, "")?;
    ensure!(recall >= 0.89, "recall {recall}");

    // A shard that is down is named, at once.
    distributed.shards[1].stop(Shutdown::Fast)?;
    let query = vec![0.5; DIMENSIONS];
    let error = found(&mut client, "docs", &query, "")
        .err()
        .context("a shard is missing")?;
    let error = error
        .downcast_ref::<postgres::Error>()
        .and_then(postgres::Error::as_db_error)
        .context("not from the server")?;
    ensure!(
        error.code().code() == "08001" && error.message().contains("shard_1"),
        "{error:?}"
    );
    Ok(())
}

#[test]
fn one_calibration_serves_all_shards() -> Result<()> {
    let Some(distributed) = Distributed::start()? else {
        return Ok(());
    };
    let mut client = distributed.connect()?;
    for (over_shards, over_all) in [
        (
            "calibrate_shards('docs', 'embedding')",
            "calibrate_ranges(embedding)",
        ),
        (
            "calibrate_shards('docs', 'embedding', 0.99)",
            "calibrate_ranges(embedding, 0.99)",
        ),
        (
            "(SELECT calibrate_ranges(embedding) FROM docs)",
            "calibrate_ranges(embedding)",
        ),
        (
            "(SELECT calibrate_ranges(embedding, 0.99) FROM docs)",
            "calibrate_ranges(embedding, 0.99)",
        ),
    ] {
        let same = format!("SELECT {over_shards} = (SELECT {over_all} FROM everything)");
        ensure!(holds(&mut client, &same)?, "{same}");
    }
    refusals(&mut client)?;
    // Each shard aggregates its own rows.
    let statement = "SELECT merge_ranges(r) FROM (SELECT calibrate_ranges(embedding) AS r FROM docs_0 \
        UNION ALL SELECT calibrate_ranges(embedding) FROM docs_1) AS ranges";
    let plan = explain(&mut client, statement, "VERBOSE, COSTS OFF")?;
    ensure!(
        plan.matches("Remote SQL: SELECT public.calibrate_ranges(embedding) FROM")
            .count()
            == 2,
        "{plan}"
    );

    // The migration itself is refused, with what to run instead.
    let refused = client
        .batch_execute("CALL quantize_column('docs', 'embedding', 'int8')")
        .err()
        .context("accepted")?;
    let refused = refused
        .as_db_error()
        .context("not from the server")?
        .clone();
    ensure!(
        refused
            .hint()
            .is_some_and(|hint| hint.contains("quantize_shards_sql('public.docs'")),
        "{refused:?}"
    );
    for precision in ["int8", "binary"] {
        let rows = client.query(
            &format!("SELECT server, statement FROM quantize_shards_sql('docs', 'embedding', '{precision}')"),
            &[],
        )?;
        ensure!(rows.len() == SHARDS + 1);
        for row in &rows {
            let statement: &str = row.get(1);
            match row.get::<_, Option<&str>>(0) {
                Some(server) => {
                    let number: usize = server.trim_start_matches("shard_").parse()?;
                    run(
                        &mut distributed.shards[number].connect(server_tests::DATABASE)?,
                        statement,
                    )?;
                }
                None => run(&mut client, statement)?,
            }
        }
    }
    let same = format!(
        "SELECT count(*) = {DOCUMENTS} AND bool_and(d.embedding_int8 = quantize_int8(e.embedding, r) \
         AND d.embedding_bin = quantize_binary(e.embedding)) \
         FROM docs d JOIN everything e USING (id), (SELECT calibrate_ranges(embedding) AS r FROM everything) AS ranges"
    );
    ensure!(holds(&mut client, &same)?, "{same}");
    // What is inserted and updated through the parent gets its codes where it lives.
    run(
        &mut client,
        "INSERT INTO docs (id, embedding) SELECT 100000, embedding FROM everything WHERE id = 1; \
         UPDATE docs SET embedding = (SELECT embedding FROM everything WHERE id = 3) WHERE id = 2",
    )?;
    ensure!(holds(
        &mut client,
        "SELECT count(*) = 2 FROM docs d JOIN everything e ON (d.id, e.id) IN ((100000, 1), (2, 3)) \
         WHERE d.embedding_bin = quantize_binary(e.embedding) AND d.embedding_int8 IS NOT NULL"
    )?);

    // Search by the codes, rescored with the floats.
    let queries: Vec<Vec<f32>> = embeddings("queries")?
        .into_iter()
        .step_by(11)
        .take(20)
        .collect();
    run(
        &mut client,
        "DELETE FROM docs WHERE id = 100000; UPDATE docs SET embedding = (SELECT embedding FROM everything WHERE id = 2) WHERE id = 2; \
         ALTER TABLE everything ADD embedding_bin binvec(384) GENERATED ALWAYS AS (quantize_binary(embedding)) STORED",
    )?;
    for query in &queries {
        let arguments = ", quantized => 'embedding_bin', rescore_multiplier => 30";
        assert_eq!(
            found(&mut client, "docs", query, arguments)?,
            found(
                &mut client,
                "everything",
                query,
                ", embedding => 'embedding', quantized => 'embedding_bin', exact => true, rescore_multiplier => 240"
            )?
        );
    }
    let ranges = "ranges => (SELECT calibrate_ranges(embedding) FROM everything)";
    let recall = recall(
        &mut client,
        &queries,
        &format!(", quantized => 'embedding_int8', {ranges}"),
    )?;
    ensure!(recall >= 0.99, "recall {recall}");
    Ok(())
}

fn refusals(client: &mut Client) -> Result<()> {
    run(
        client,
        "CREATE TABLE mixed (id int, embedding real[]) PARTITION BY LIST (id); CREATE TABLE mixed_1 PARTITION OF mixed FOR VALUES IN (1)",
    )?;
    for (call, sqlstate, part) in [
        (
            "calibrate_shards('docs', 'lang')",
            "42804",
            "does not hold embeddings",
        ),
        (
            "calibrate_shards('docs', 'nothing')",
            "42703",
            "does not exist",
        ),
        (
            "quantize_shards_sql('docs', 'embedding', 'int4')",
            "22023",
            "unknown precision \"int4\"",
        ),
        (
            "quantize_shards_sql('docs', 'embedding', 'binary', quantile => 0.9)",
            "22023",
            "quantile is for int8",
        ),
        (
            "quantize_shards_sql('mixed', 'embedding', 'binary')",
            "42809",
            "\"mixed_1\" is not a foreign table",
        ),
        (
            "quantize_shards_sql('mixed', 'embedding', 'int8')",
            "P0002",
            "no embedding in column",
        ),
    ] {
        let error = client
            .query(&format!("SELECT {call}"), &[])
            .err()
            .with_context(|| format!("accepted: {call}"))?;
        let error = error.as_db_error().context("not from the server")?;
        ensure!(
            error.code().code() == sqlstate && error.message().contains(part),
            "{call}: {} {}",
            error.code().code(),
            error.message()
        );
    }
    ensure!(holds(
        client,
        "SELECT calibrate_shards('mixed', 'embedding') IS NULL"
    )?);

    Ok(())
}

/// Who may read the parent only, or sees it through policies, searches the parent.
fn parents_rights_are_not_passed_by(client: &mut Client, query: &str) -> Result<()> {
    let call = format!("SELECT semantic_search_sql(NULL::docs, '{query}', 10) LIKE '%UNION ALL%'");
    run(
        client,
        "CREATE ROLE reader; GRANT SELECT ON docs TO reader; SET ROLE reader",
    )?;
    ensure!(!holds(client, &call)?, "partitions that may not be read");
    run(
        client,
        "RESET ROLE; GRANT SELECT ON docs_0, docs_1, docs_2 TO reader; SET ROLE reader",
    )?;
    ensure!(holds(client, &call)?, "partitions that may be read");
    run(
        client,
        "RESET ROLE; ALTER TABLE docs ENABLE ROW LEVEL SECURITY; \
         CREATE POLICY english ON docs USING (lang = 'en'); SET ROLE reader",
    )?;
    ensure!(!holds(client, &call)?, "a policy is passed by");
    let seen = format!(
        "SELECT bool_and((doc).lang = 'en') FROM semantic_search(NULL::docs, '{query}', 10)"
    );
    ensure!(holds(client, &seen)?, "rows against the policy");
    run(
        client,
        "RESET ROLE; DROP POLICY english ON docs; ALTER TABLE docs DISABLE ROW LEVEL SECURITY",
    )
}
