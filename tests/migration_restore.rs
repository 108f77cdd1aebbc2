//! What is recorded about quantized columns outlives pg_dump, and plain DDL does without it.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use cluster::Cluster;
use postgres::Client;
use server_tests::{DATABASE, create_extension, start_default};

/// One value of one row.
fn value<T: for<'a> postgres::types::FromSql<'a>>(client: &mut Client, query: &str) -> Result<T> {
    Ok(client
        .query_one(query, &[])
        .context(query.to_owned())?
        .get(0))
}

/// Dumps `DATABASE` and restores it into a new database `copy`, stopping at the first error.
fn restore_copy(cluster: &Cluster) -> Result<Client> {
    cluster.create_database("copy")?;
    let mut dump = cluster
        .client_command("pg_dump", DATABASE)
        .stdout(Stdio::piped())
        .spawn()?;
    let output = cluster
        .psql("copy")
        .args(["-q", "-v", "ON_ERROR_STOP=1", "-f", "-"])
        .stdin(dump.stdout.take().context("no pipe")?)
        .output()?;
    ensure!(dump.wait()?.success(), "pg_dump failed");
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    cluster.connect("copy")
}

#[test]
fn records_and_triggers_are_restored() -> Result<()> {
    let (cluster, mut client) = start_default()?;
    // Object identifiers differ after the restore, and so do attribute numbers: columns were dropped.
    client.batch_execute(
        "CREATE SCHEMA \"Other\";
         CREATE TABLE docs (a text, id integer PRIMARY KEY, b text, embedding real[]);
         INSERT INTO docs SELECT 'a', i, 'b', ARRAY[sin(i), cos(i)]::real[] FROM generate_series(1, 1000) i;
         CREATE TABLE kept AS SELECT * FROM docs;
         CREATE TABLE gone AS SELECT * FROM docs",
    )?;
    for call in [
        "CALL quantize_column('docs', 'embedding', 'int8')",
        "CALL quantize_column('docs', 'embedding', 'binary', mode => 'generated')",
        "CALL quantize_column('kept', 'embedding', 'uint8', quantile => 0.99)",
        "CALL quantize_column('gone', 'embedding', 'int8')",
    ] {
        client.batch_execute(call).context(call)?;
    }
    client.batch_execute(
        "ALTER TABLE docs DROP COLUMN a, DROP COLUMN b;
         ALTER TABLE docs RENAME TO \"Papers\";
         ALTER TABLE \"Papers\" SET SCHEMA \"Other\";
         ALTER TABLE \"Other\".\"Papers\" RENAME COLUMN embedding TO \"the embedding\";
         ALTER TABLE \"Other\".\"Papers\" RENAME COLUMN embedding_int8 TO codes;
         DROP TABLE gone",
    )?;
    let query = "SELECT string_agg(concat_ws('|', table_schema, table_name, source_column, quantized_column, \"precision\",
            ranges::text, quantile, dimensions, rows_calibrated, unit_length, mode, state), E'\\n' ORDER BY table_name, quantized_column)
         FROM quantized_columns";
    let before: String = value(&mut client, query)?;
    assert_eq!(before.lines().count(), 3);

    let mut copy = restore_copy(&cluster)?;
    assert_eq!(value::<String>(&mut copy, query)?, before);
    let resolved: i64 = value(
        &mut copy,
        "SELECT count(*) FROM quantized_columns q JOIN pg_attribute s ON s.attrelid = table_oid AND s.attnum = source_attnum
         JOIN pg_attribute a ON a.attrelid = table_oid AND a.attnum = quantized_attnum
         WHERE table_oid = format('%I.%I', table_schema, table_name)::regclass
            AND s.attname = source_column AND a.attname = quantized_column",
    )?;
    assert_eq!(resolved, 3, "rows that found their columns");

    // The trigger works, the record is complete, and a migration goes on from it.
    copy.batch_execute(
        "INSERT INTO \"Other\".\"Papers\" (id, \"the embedding\") VALUES (0, '{0.5,0.5}')",
    )?;
    copy.batch_execute(
        "CALL quantize_column('\"Other\".\"Papers\"', 'the embedding', 'int8', 'codes')",
    )?;
    copy.batch_execute("CALL requantize_column('kept', 'embedding_uint8')")?;
    let faults: i64 = value(
        &mut copy,
        "SELECT count(*) FROM \"Other\".\"Papers\" p, quantized_columns q
         WHERE q.quantized_column = 'codes' AND codes IS DISTINCT FROM quantize_int8(\"the embedding\", ranges)",
    )?;
    assert_eq!(faults, 0);
    Ok(())
}

#[test]
fn an_interrupted_backfill_goes_on_after_a_restore() -> Result<()> {
    let (cluster, mut client) = start_default()?;
    client.batch_execute(
        "CREATE TABLE docs (id integer PRIMARY KEY, embedding real[]);
         INSERT INTO docs SELECT i, ARRAY[sin(i), cos(i)]::real[] FROM generate_series(1, 2000) i;
         UPDATE docs SET embedding = '{NaN,1}' WHERE id = 1500",
    )?;
    let call = "CALL quantize_column('docs', 'embedding', 'int8', ranges => '{{-1,-1},{1,1}}', batch_rows => 200)";
    let error = client.batch_execute(call).unwrap_err();
    let error = error.as_db_error().context("not from the server")?;
    assert!(
        error
            .detail()
            .is_some_and(|detail| detail.contains("(id)=(1500)")),
        "{error:?}"
    );

    let mut copy = restore_copy(&cluster)?;
    assert_eq!(
        value::<String>(&mut copy, "SELECT state FROM quantized_columns")?,
        "backfilling"
    );
    copy.batch_execute("UPDATE docs SET embedding = '{0,1}' WHERE id = 1500")?;
    copy.batch_execute(call)?;
    let missing: i64 = value(
        &mut copy,
        "SELECT count(*) FROM docs WHERE embedding_int8 IS NULL",
    )?;
    assert_eq!(missing, 0);
    assert_eq!(
        value::<String>(&mut copy, "SELECT state FROM quantized_columns")?,
        "ready"
    );
    Ok(())
}

#[test]
fn the_documented_ddl_runs_as_it_stands() -> Result<()> {
    let (cluster, _client) = start_default()?;
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/migrations");
    let mut files: Vec<_> = std::fs::read_dir(&directory)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "sql"));
    files.sort();
    assert!(!files.is_empty(), "no file in {}", directory.display());
    for (number, path) in files.iter().enumerate() {
        let database = format!("ddl_{number}");
        cluster.create_database(&database)?;
        create_extension(&cluster, &database)?;
        cluster.connect(&database)?.batch_execute(
            "CREATE TABLE docs (id integer PRIMARY KEY, domain text, embedding real[]);
             INSERT INTO docs SELECT i, CASE WHEN i % 10 = 0 THEN 'law' ELSE 'news' END, ARRAY[sin(i), cos(i), 0.1 * sin(3 * i)]::real[]
             FROM generate_series(1, 5000) i;",
        )?;
        let output = cluster
            .psql(&database)
            .args(["-q", "-v", "ON_ERROR_STOP=1", "-f"])
            .arg(path)
            .output()?;
        ensure!(
            output.status.success(),
            "{}: {}",
            path.display(),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}
