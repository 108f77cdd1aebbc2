//! Settings at their lowest, and arguments at their highest: everything works, or says why not.

use anyhow::{Context, Result, ensure};
use cluster::{Cluster, Options, Shutdown};
use postgres::Client;
use server_tests::qivf::{Search, create_generator, is_sound, value};
use server_tests::{DATABASE, start};

/// Floats that need no catalog look-ups to make: `rows` × `dimensions`.
fn filled(client: &mut Client, table: &str, rows: u32, dimensions: u32) -> Result<()> {
    let statement = format!(
        "CREATE TABLE {table} AS SELECT n AS id, (SELECT array_agg(sin(n * i * 0.37 + i)::real) FROM generate_series(1, {dimensions}) AS i) AS e FROM generate_series(1, {rows}) AS n"
    );
    Ok(client.batch_execute(&statement)?)
}

fn server(options: Options) -> Result<(Cluster, Client)> {
    let cluster = start(options)?;
    let mut client = cluster.connect(DATABASE)?;
    create_generator(&mut client)?;
    Ok((cluster, client))
}

/// The least that the server takes of a setting in kilobytes, and so sets.
fn set_least(client: &mut Client, setting: &str) -> Result<()> {
    let least: String = value(
        client,
        &format!("SELECT min_val FROM pg_settings WHERE name = '{setting}'"),
    )?;
    Ok(client.batch_execute(&format!("SET {setting} = {least}"))?)
}

/// Everything that an index does, on `docs` with its index `docs_e`.
fn everything(client: &mut Client) -> Result<()> {
    let search = Search {
        from: "docs",
        distance: "e <=> (SELECT e FROM docs WHERE id = 7)",
        limit: 50,
    };
    for statement in [
        "REINDEX INDEX docs_e",
        "CREATE INDEX CONCURRENTLY again ON docs USING qivf (e real_l2_ops)",
        "REINDEX INDEX CONCURRENTLY again",
        "DROP INDEX again",
        "DELETE FROM docs WHERE id % 5 = 0",
        "VACUUM docs",
        "INSERT INTO docs SELECT id * 5, e FROM docs WHERE id % 5 = 1",
        "VACUUM FULL docs",
        "SELECT qivf_tune('docs_e', (SELECT array_agg(e) FROM docs WHERE id <= 40))",
        "SELECT * FROM recall_report('docs_e', 10)",
        "SELECT qivf_info('docs_e')",
        "SELECT calibrate_ranges(e), calibrate_thresholds(e) FROM docs",
    ] {
        client
            .batch_execute(statement)
            .with_context(|| statement.to_owned())?;
    }
    is_sound(client, "docs_e")?;
    search.is_exact(client)
}

#[test]
fn everything_works_in_little_memory() -> Result<()> {
    let (_cluster, mut client) = server(Options::default())?;
    // More than half of a megabyte, which is the least that some versions take: every build spills.
    filled(&mut client, "docs", 700, 1200)?;
    client.batch_execute("SET maintenance_work_mem = '1MB'; SET max_parallel_maintenance_workers = 8; CREATE INDEX docs_e ON docs USING qivf (e)")?;
    set_least(&mut client, "work_mem")?;
    set_least(&mut client, "maintenance_work_mem")?;
    client.batch_execute("SET max_parallel_maintenance_workers = 0")?;
    everything(&mut client)?;
    // With lists to find.
    client.batch_execute("CREATE INDEX lists ON docs USING qivf (e) WITH (lists = 9)")?;
    is_sound(&mut client, "lists")
}

#[test]
fn everything_works_in_few_buffers() -> Result<()> {
    let options = Options::default().set("shared_buffers", "128kB");
    let (_cluster, mut client) = server(options.set("autovacuum", "off"))?;
    filled(&mut client, "docs", 900, 64)?;
    client.batch_execute("CREATE INDEX docs_e ON docs USING qivf (e)")?;
    everything(&mut client)
}

#[test]
fn a_temporary_table_works_in_few_buffers() -> Result<()> {
    let (_cluster, mut client) = server(Options::default())?;
    set_least(&mut client, "temp_buffers")?;
    client.batch_execute("SET maintenance_work_mem = '1MB'")?;
    filled(&mut client, "source", 800, 900)?;
    client.batch_execute(
        "CREATE TEMP TABLE kept AS SELECT * FROM source; CREATE INDEX kept_e ON kept USING qivf (e);
         CREATE TEMP TABLE emptied (id int, e real[]) ON COMMIT DELETE ROWS; CREATE INDEX emptied_e ON emptied USING qivf (e)",
    )?;
    client.batch_execute("INSERT INTO kept SELECT id + 10000, e FROM source LIMIT 500")?;
    is_sound(&mut client, "kept_e")?;
    for _ in 0..2 {
        client.batch_execute("INSERT INTO emptied SELECT * FROM source LIMIT 500")?;
        is_sound(&mut client, "emptied_e")?;
    }
    let search = Search {
        from: "kept",
        distance: "e <=> (SELECT e FROM source WHERE id = 7)",
        limit: 50,
    };
    search.is_exact(&mut client)
}

/// The SQLSTATE that a statement fails with.
fn code(client: &mut Client, statement: &str) -> Result<String> {
    let Err(error) = client.batch_execute(statement) else {
        anyhow::bail!("accepted: {statement}");
    };
    let error = error
        .as_db_error()
        .with_context(|| format!("the connection broke at {statement}"))?;
    Ok(error.code().code().to_owned())
}

#[test]
fn a_temporary_file_beyond_its_limit_is_an_error_of_its_own() -> Result<()> {
    let (_cluster, mut client) = server(Options::default())?;
    filled(&mut client, "docs", 900, 1200)?;
    client.batch_execute("SET maintenance_work_mem = '1MB'; SET temp_file_limit = '256kB'")?;
    let build = "CREATE INDEX docs_e ON docs USING qivf (e)";
    // configuration_limit_exceeded, in the top transaction and in one below it.
    ensure!(code(&mut client, build)? == "53400");
    let caught = format!(
        "DO $$ BEGIN {build}; EXCEPTION WHEN configuration_limit_exceeded THEN CREATE TABLE was_caught (); END $$"
    );
    client.batch_execute(&caught)?;
    client.batch_execute("RESET temp_file_limit; DROP TABLE was_caught")?;
    client.batch_execute(build)?;
    is_sound(&mut client, "docs_e")
}

/// Arguments that size something: each is refused, and the connection lives.
#[test]
fn sizes_given_by_anyone_are_refused() -> Result<()> {
    let (cluster, mut client) = server(Options::default())?;
    client.batch_execute(
        "CREATE TABLE docs AS SELECT n AS id, ARRAY[sin(n), cos(n), 1]::real[] AS e FROM generate_series(1, 900) AS n;
         CREATE INDEX docs_e ON docs USING qivf (e);
         CREATE ROLE anyone LOGIN; GRANT SELECT ON docs TO anyone; SET ROLE anyone",
    )?;
    let session: i32 = value(&mut client, "SELECT pg_backend_pid()")?;
    let most = i32::MAX;
    for (statement, codes) in [
        (format!("SELECT * FROM recall_report('docs_e', {most})"), &["22023", "42501"][..]),
        (format!("SELECT * FROM recall_report('docs_e', 10, {most})"), &["22023", "42501"]),
        ("SELECT * FROM recall_report('docs_e', 10000, 10000)".into(), &["22023", "42501"]),
        ("SELECT * FROM recall_report('docs_e', (SELECT array_agg(ARRAY[1, 2, 3]::real[]) FROM generate_series(1, 20000)))".into(), &["22023", "42501"]),
        (format!("SELECT truncate_embeddings('{{1}}'::real[], {most})"), &["22023"]),
        (format!("SELECT truncate_embeddings('1'::binvec, {most})"), &["22023"]),
        (format!("SELECT '1'::binvec({most})"), &["22023"]),
        ("SELECT ''::int8vec(999999999999)".into(), &["22023"]),
        ("SELECT quantize_embeddings('{1}', repeat('x', 10000000))".into(), &["22023"]),
        ("SELECT repeat('x', 10000000)::quantized".into(), &["22P02"]),
        ("SELECT ('[' || repeat('1,', 5000000) || '1]')::int8vec".into(), &["54000"]),
        ("SELECT repeat('1', 10000000)::binvec".into(), &["54000"]),
        ("SELECT quantize_int8('{1}', array_fill(0::real, ARRAY[2, 1000000]))".into(), &["54000", "22000"]),
        ("SELECT quantize_embeddings('{1}', 'int8', NULL, array_fill(0::real, ARRAY[2, 1000000]))".into(), &["54000", "22000"]),
        ("SELECT calibrate_ranges(array_fill(0::real, ARRAY[1000000]))".into(), &["54000"]),
        ("SELECT calibrate_ranges(array_fill(0::real, ARRAY[1000000]), 0.99)".into(), &["54000"]),
        ("SELECT calibrate_thresholds(array_fill(0::real, ARRAY[1000000]))".into(), &["54000"]),
        ("SELECT merge_ranges(array_fill(0::real, ARRAY[2, 1000000]))".into(), &["54000"]),
    ] {
        let code = code(&mut client, &statement)?;
        ensure!(codes.contains(&code.as_str()), "{code}: {statement}");
    }
    // Refused or answered: what counts is that the session lives.
    for arguments in [
        format!("ARRAY[1, 2, 3]::real[], {most}"),
        format!("ARRAY[1, 2, 3]::real[], {most}, rescore_multiplier => 'Infinity'"),
        "ARRAY[1, 2, 3]::real[], 10, rescore_multiplier => 3e38".into(),
        "array_fill(0.5::real, ARRAY[1000000])".into(),
        "array_fill(0.5::real, ARRAY[1, 1000000])".into(),
    ] {
        let search = format!("SELECT count(*) FROM semantic_search(NULL::docs, {arguments})");
        if let Err(error) = client.batch_execute(&search) {
            ensure!(error.as_db_error().is_some(), "{search}: {error:?}");
        }
    }
    client.batch_execute("RESET ROLE")?;
    for statement in [
        format!("SELECT * FROM recall_report('docs_e', {most})"),
        format!("SELECT * FROM recall_report('docs_e', 10, {most})"),
        "SELECT qivf_tune('docs_e', (SELECT array_agg(ARRAY[1, 2, 3]::real[]) FROM generate_series(1, 20000)))".into(),
        format!("CREATE INDEX ON docs USING qivf (e) WITH (lists = {most})"),
    ] {
        ensure!(code(&mut client, &statement)? == "22023", "{statement}");
    }
    ensure!(session == value::<i32>(&mut client, "SELECT pg_backend_pid()")?);
    cluster.stop(Shutdown::Fast)
}
