//! Scans as queries use them: rescans, cursors, prepared statements, filters, odd orders, odd queries.

use std::sync::Arc;

use anyhow::{Result, ensure};
use cluster::Cluster;
use postgres::Client;
use server_tests::qivf::{Search, database, refused, value};

const ROWS: i64 = 2000;

/// `docs` with [`ROWS`] rows and an index on floats, for a session that will use it.
fn docs() -> Result<(Arc<Cluster>, Client)> {
    let (cluster, mut client) = database()?;
    client.batch_execute(&format!(
        "CREATE TABLE docs AS SELECT n AS id, embedding(32, n) AS e FROM generate_series(1, {ROWS}) AS n;
         CREATE INDEX docs_e ON docs USING qivf (e); ALTER TABLE docs ADD PRIMARY KEY (id); ANALYZE docs;
         SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off"
    ))?;
    Ok((cluster, client))
}

fn ids(client: &mut Client, query: &str) -> Result<Vec<i32>> {
    let rows = client.query(query, &[])?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

fn holds(client: &mut Client, query: &str) -> Result<()> {
    ensure!(
        value::<Option<bool>>(client, query)? == Some(true),
        "does not hold: {query}"
    );
    Ok(())
}

/// Whether the plan of `query` reads the index.
fn uses_index(client: &mut Client, query: &str) -> Result<bool> {
    let rows = client.query(&format!("EXPLAIN (COSTS OFF) {query}"), &[])?;
    let lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    Ok(lines
        .iter()
        .any(|line| line.contains("Index Scan using docs_e")))
}

#[test]
fn lateral_joins_rescan() -> Result<()> {
    let (_cluster, mut client) = docs()?;
    client.batch_execute("SET qivf.target_recall = 1")?;
    let joined = "SELECT q.id AS q, n.id, n.d FROM generate_series(1, 40) AS q(id),
        LATERAL (SELECT id, e <=> embedding(32, q.id) AS d FROM docs ORDER BY e <=> embedding(32, q.id) LIMIT 7) AS n";
    ensure!(uses_index(&mut client, joined)?);
    holds(&mut client, &format!(
        "WITH found AS MATERIALIZED ({joined}), expected AS MATERIALIZED (SELECT q.id AS q, n.d FROM generate_series(1, 40) AS q(id),
         LATERAL (SELECT (e <=> embedding(32, q.id)) + 0 AS d FROM docs ORDER BY (e <=> embedding(32, q.id)) + 0 LIMIT 7) AS n)
         SELECT (SELECT array_agg(d ORDER BY q, d) FROM found) = (SELECT array_agg(d ORDER BY q, d) FROM expected)"
    ))
}

#[test]
fn a_cursor_gives_the_same_rows_piece_by_piece() -> Result<()> {
    let (_cluster, mut client) = docs()?;
    let query = "SELECT id FROM docs ORDER BY e <=> embedding(32, 5)";
    ensure!(uses_index(&mut client, query)?);
    let all = ids(&mut client, query)?;
    ensure!(all.len() as i64 == ROWS, "{} rows", all.len());
    client.batch_execute(&format!("BEGIN; DECLARE c NO SCROLL CURSOR FOR {query}"))?;
    let mut pieces = Vec::new();
    for count in [1, 9, 1, 100, 500, 5000] {
        pieces.extend(ids(&mut client, &format!("FETCH {count} FROM c"))?);
    }
    ensure!(pieces == all);
    ensure!(
        refused(&mut client, "FETCH BACKWARD 1 FROM c")?.contains("cursor can only scan forward")
    );
    client.batch_execute("ROLLBACK")?;
    // A scrollable one keeps its rows.
    client.batch_execute(&format!("BEGIN; DECLARE c SCROLL CURSOR FOR {query}"))?;
    let first = ids(&mut client, "FETCH 30 FROM c")?;
    let back = ids(&mut client, "FETCH BACKWARD 29 FROM c")?;
    ensure!(back.iter().rev().eq(&first[..29]));
    ensure!(ids(&mut client, "FETCH ABSOLUTE 12 FROM c")? == [all[11]]);
    Ok(client.batch_execute("COMMIT")?)
}

#[test]
fn a_cursor_sees_the_rows_of_its_own_time() -> Result<()> {
    let (cluster, mut client) = docs()?;
    let name: String = value(&mut client, "SELECT current_database()::text")?;
    let query = "SELECT id FROM docs ORDER BY e <=> embedding(32, 5)";
    client.batch_execute("DELETE FROM docs WHERE id % 4 = 0")?;
    let all = ids(&mut client, query)?;
    client.batch_execute(&format!("BEGIN; DECLARE c CURSOR FOR {query}"))?;
    let mut seen = ids(&mut client, "FETCH 10 FROM c")?;
    // Vacuum frees the slots of rows that were dead before, and new rows take them under the scan's eyes.
    let mut writer = cluster.connect(&name)?;
    for change in [
        "VACUUM docs",
        "INSERT INTO docs SELECT n, embedding(32, 5) FROM generate_series(10001, 10200) AS n",
        "INSERT INTO docs SELECT n, embedding(32, n) FROM generate_series(20001, 20300) AS n",
        "DELETE FROM docs WHERE id % 2 = 0",
        "VACUUM docs",
    ] {
        writer.batch_execute(change)?;
    }
    seen.extend(ids(&mut client, "FETCH ALL FROM c")?);
    client.batch_execute("COMMIT")?;
    seen.sort_unstable();
    let mut all = all;
    all.sort_unstable();
    ensure!(seen == all, "{} rows instead of {}", seen.len(), all.len());
    Ok(())
}

#[test]
fn generic_plans_take_their_query_at_run_time() -> Result<()> {
    let (_cluster, mut client) = docs()?;
    client.batch_execute("SET plan_cache_mode = force_generic_plan; PREPARE nearest(real[], int) AS SELECT id FROM docs ORDER BY e <=> $1 LIMIT $2")?;
    ensure!(uses_index(
        &mut client,
        "EXECUTE nearest(embedding(32, 1), 3)"
    )?);
    for n in [3, 700, 1999] {
        ensure!(
            ids(
                &mut client,
                &format!("EXECUTE nearest(embedding(32, {n}), 3)")
            )?[0]
                == n
        );
    }
    // The driver's own parameters, too.
    let query: Vec<f32> = value(&mut client, "SELECT embedding(32, 77)")?;
    let rows = client.query(
        "SELECT id FROM docs ORDER BY e <=> $1 LIMIT $2",
        &[&query, &5i64],
    )?;
    ensure!(rows.len() == 5 && rows[0].get::<_, i32>(0) == 77);
    Ok(())
}

#[test]
fn plpgsql_searches_in_loops_and_subtransactions() -> Result<()> {
    let (_cluster, mut client) = docs()?;
    client.batch_execute(
        "DO $$ DECLARE q real[]; nearest int; n int := 0; BEGIN
            FOR i IN 1..60 LOOP
                q := embedding(32, i);
                SELECT id INTO nearest FROM docs ORDER BY e <=> q LIMIT 1;
                ASSERT nearest = i, format('%s for %s', nearest, i);
                BEGIN
                    INSERT INTO docs VALUES (-i, q);
                    SELECT count(*) INTO n FROM (SELECT id FROM docs ORDER BY e <=> q LIMIT 2) AS s WHERE id IN (i, -i);
                    ASSERT n = 2, 'a row of the open subtransaction is not found';
                    RAISE EXCEPTION 'undo' USING ERRCODE = 'P0099';
                EXCEPTION WHEN SQLSTATE 'P0099' THEN NULL;
                END;
                ASSERT NOT EXISTS (SELECT FROM (SELECT id FROM docs ORDER BY e <=> q LIMIT 5) AS s WHERE id < 0), 'an undone row is found';
            END LOOP;
        END $$",
    )?;
    Ok(())
}

#[test]
fn a_filter_never_starves_a_limit() -> Result<()> {
    let (_cluster, mut client) = docs()?;
    // One row in a hundred, whatever the target.
    for target in ["0.5", "0.95", "1"] {
        client.batch_execute(&format!("SET qivf.target_recall = {target}"))?;
        let found = ids(
            &mut client,
            "SELECT id FROM docs WHERE id % 100 = 3 ORDER BY e <=> embedding(32, 9) LIMIT 15",
        )?;
        ensure!(
            found.len() == 15 && found.iter().all(|id| id % 100 == 3),
            "{found:?}"
        );
        let found = ids(
            &mut client,
            "SELECT id FROM docs WHERE id % 100 = 3 ORDER BY e <=> embedding(32, 9) LIMIT 100",
        )?;
        ensure!(found.len() == 20, "{} rows of 20", found.len());
    }
    Search {
        from: "docs WHERE id % 100 = 3",
        distance: "e <=> embedding(32, 9)",
        limit: 20,
    }
    .is_exact(&mut client)
}

#[test]
fn every_row_comes_once_at_any_target() -> Result<()> {
    let (_cluster, mut client) = docs()?;
    for target in ["0.5", "0.9", "0.99", "1"] {
        client.batch_execute(&format!("SET qivf.target_recall = {target}"))?;
        let mut found = ids(
            &mut client,
            "SELECT id FROM docs ORDER BY e <=> embedding(32, 9)",
        )?;
        found.sort_unstable();
        ensure!(found.into_iter().eq(1..=ROWS as i32), "target {target}");
    }
    Ok(())
}

#[test]
fn strict_order_is_an_order() -> Result<()> {
    let (_cluster, mut client) = docs()?;
    client.batch_execute("SET qivf.target_recall = 0.6")?;
    for seed in 1..30 {
        let search = |order: &str, client: &mut Client| -> Result<Vec<(i32, f64)>> {
            client.batch_execute(&format!(
                "SELECT set_config('qivf.scan_order', '{order}', false)"
            ))?;
            let rows = client.query(&format!("SELECT id, e <=> embedding(32, {seed}) FROM docs ORDER BY e <=> embedding(32, {seed})"), &[])?;
            Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
        };
        let strict = search("strict", &mut client)?;
        let relaxed = search("relaxed", &mut client)?;
        ensure!(
            strict.is_sorted_by(|a, b| a.1 <= b.1),
            "strict is out of order for {seed}"
        );
        ensure!(
            relaxed.len() as i64 == ROWS && strict.len() >= 10 && strict.len() <= relaxed.len()
        );
        ensure!(strict.iter().all(|row| relaxed.contains(row)));
    }
    Ok(())
}

#[test]
fn a_scan_stops_at_max_scan_tuples() -> Result<()> {
    let (_cluster, mut client) = docs()?;
    client.batch_execute("SET qivf.max_scan_tuples = 100")?;
    let found = ids(
        &mut client,
        "SELECT id FROM docs ORDER BY e <=> embedding(32, 9)",
    )?;
    ensure!(
        found.len() >= 100 && (found.len() as i64) < ROWS,
        "{} rows",
        found.len()
    );
    Ok(())
}

#[test]
fn a_second_term_orders_within_equal_distances() -> Result<()> {
    let (_cluster, mut client) = docs()?;
    client.batch_execute("INSERT INTO docs SELECT -n, embedding(32, n % 3) FROM generate_series(1, 300) AS n; SET qivf.target_recall = 1; SET enable_sort = on")?;
    let order = "e <=> embedding(32, 1), e <=> embedding(32, 2)";
    let found = format!(
        "SELECT e <=> embedding(32, 1) AS a, e <=> embedding(32, 2) AS b FROM docs ORDER BY {order} LIMIT 400"
    );
    let plus = "(e <=> embedding(32, 1)) + 0, (e <=> embedding(32, 2)) + 0";
    let expected = format!(
        "SELECT e <=> embedding(32, 1) AS a, e <=> embedding(32, 2) AS b FROM docs ORDER BY {plus} LIMIT 400"
    );
    ensure!(uses_index(&mut client, &found)?);
    let pairs = |client: &mut Client, query: &str| -> Result<Vec<(f64, f64)>> {
        let rows = client.query(query, &[])?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    };
    ensure!(pairs(&mut client, &found)? == pairs(&mut client, &expected)?);
    // A term that no index knows is sorted within each distance.
    let mixed = ids(
        &mut client,
        "SELECT id FROM docs ORDER BY e <=> embedding(32, 1), id LIMIT 50",
    )?;
    let sorted = ids(
        &mut client,
        "SELECT id FROM docs ORDER BY (e <=> embedding(32, 1)) + 0, id LIMIT 50",
    )?;
    ensure!(mixed == sorted);
    Ok(())
}

#[test]
fn a_null_or_zero_query_hands_out_every_row() -> Result<()> {
    let (_cluster, mut client) = docs()?;
    client.batch_execute(
        "INSERT INTO docs VALUES (-1, NULL), (-2, array_fill(0::real, ARRAY[32]))",
    )?;
    for query in ["NULL::real[]", "array_fill(0::real, ARRAY[32])"] {
        let search = format!("SELECT id FROM docs ORDER BY e <=> (SELECT {query})");
        ensure!(uses_index(&mut client, &search)?);
        let mut found = ids(&mut client, &search)?;
        found.sort_unstable();
        found.dedup();
        ensure!(
            found.len() as i64 == ROWS + 2,
            "{} rows for {query}",
            found.len()
        );
        Search {
            from: "docs",
            distance: &format!("e <=> (SELECT {query})"),
            limit: 5000,
        }
        .is_exact(&mut client)?;
    }
    Ok(())
}

#[test]
fn an_index_serves_its_own_operator_only() -> Result<()> {
    let (_cluster, mut client) = docs()?;
    for order in [
        "e <-> embedding(32, 1)",
        "e <#> embedding(32, 1)",
        "e <=> embedding(32, 1) DESC",
        "(e <=> embedding(32, 1)) + 1",
    ] {
        ensure!(
            !uses_index(
                &mut client,
                &format!("SELECT id FROM docs ORDER BY {order} LIMIT 5")
            )?,
            "{order}"
        );
    }
    // Either side may be the column.
    ensure!(uses_index(
        &mut client,
        "SELECT id FROM docs ORDER BY embedding(32, 1) <=> e LIMIT 5"
    )?);
    for query in [
        "SELECT count(*) FROM docs",
        "SELECT id FROM docs WHERE e IS NULL",
        "SELECT id FROM docs WHERE (e <=> embedding(32, 1)) < 0.1",
    ] {
        ensure!(!uses_index(&mut client, query)?, "{query}");
    }
    Ok(())
}

#[test]
fn explain_tells_what_a_search_looked_at() -> Result<()> {
    let (_cluster, mut client) = docs()?;
    let version: i32 = value(
        &mut client,
        "SELECT current_setting('server_version_num')::int",
    )?;
    // Two searches, by a rescan.
    let query = "SELECT n, (SELECT id FROM docs ORDER BY e <=> embedding(32, n) LIMIT 1) FROM generate_series(1, 2) AS n";
    let explain = format!("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) {query}");
    let rows = client.query(&explain, &[])?;
    let lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let number = |name: &str| {
        let line = lines.iter().find_map(|line| line.trim().strip_prefix(name));
        line.and_then(|number| number.trim().parse::<u64>().ok())
    };
    if version < 180_000 {
        ensure!(number("Lists Opened:").is_none(), "{lines:?}");
    } else {
        ensure!(number("Rows Returned:") >= Some(2), "{lines:?}");
        ensure!(number("Lists Opened:") >= Some(2), "{lines:?}");
        ensure!(
            number("Rows Compared:") >= number("Rows Returned:"),
            "{lines:?}"
        );
    }
    client.query(query, &[])?;
    let last: i32 = value(
        &mut client,
        "SELECT (qivf_last_scan() ->> 'rows_returned')::int",
    )?;
    ensure!(last >= 1);
    Ok(())
}
