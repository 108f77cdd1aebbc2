//! Data that leave a server and come back: COPY in every format, pg_dump and pg_restore.
//!
//! Dumps run with an empty search_path, so whatever a generated column, an index or a view calls must find its
//! operators without one; the extension lives in a schema of its own here.

use std::io::{Read, Write};
use std::process::{Output, Stdio};

use anyhow::{Context, Result, ensure};
use cluster::{Cluster, Options};
use postgres::Client;
use server_tests::{start, start_default};

/// A table with every type: typed and untyped, NULLs, one to many dimensions, inline and out of line.
const VALUES: &str = "
CREATE TABLE source (id int PRIMARY KEY, b binvec, b9 binvec(9), i int8vec(3), u uint8vec, q quantized);
INSERT INTO source VALUES
    (1, '0', '100000001', '[-128,0,127]', '[255]', 'float32[0.1,-0,1e-45]'),
    (2, NULL, NULL, NULL, NULL, NULL),
    (3, '1', NULL, '[1,2,3]', NULL, 'binary[0101]');
INSERT INTO source SELECT 10 + n, quantize_binary(e), NULL, NULL, quantize_uint8(e, r), quantize_embeddings(e, p, r)
FROM (SELECT n, p, array_agg(sin(i * n) ORDER BY i)::real[] AS e, ARRAY[array_agg(-1 ORDER BY i), array_agg(1 ORDER BY i)]::real[] AS r
      FROM unnest('{float32,int8,uint8,binary,ubinary}'::text[]) WITH ORDINALITY AS p(p, n), generate_series(1, 5000) AS i GROUP BY n, p) AS wide;
CREATE TABLE target (LIKE source);";

/// Rows that are in one of the two tables only.
fn different(client: &mut Client) -> Result<i64> {
    let statement = "SELECT count(*) FROM ((TABLE source EXCEPT ALL TABLE target) UNION ALL (TABLE target EXCEPT ALL TABLE source)) AS d";
    Ok(client.query_one(statement, &[])?.get(0))
}

fn copy_out(client: &mut Client, statement: &str) -> Result<Vec<u8>> {
    let mut data = Vec::new();
    client.copy_out(statement)?.read_to_end(&mut data)?;
    Ok(data)
}

fn copy_in(client: &mut Client, statement: &str, data: &[u8]) -> Result<u64> {
    let mut writer = client.copy_in(statement)?;
    writer.write_all(data)?;
    Ok(writer.finish()?)
}

#[test]
fn copy_brings_back_what_it_took() -> Result<()> {
    let (_cluster, mut client) = start_default()?;
    client.batch_execute(VALUES)?;
    for format in ["binary", "text", "csv"] {
        let data = copy_out(
            &mut client,
            &format!("COPY source TO STDOUT (FORMAT {format})"),
        )?;
        client.batch_execute("TRUNCATE target")?;
        let rows = copy_in(
            &mut client,
            &format!("COPY target FROM STDIN (FORMAT {format})"),
            &data,
        )?;
        assert_eq!(rows, 8, "{format}");
        assert_eq!(different(&mut client)?, 0, "{format}");
        let again = copy_out(
            &mut client,
            &format!("COPY target TO STDOUT (FORMAT {format})"),
        )?;
        assert_eq!(again, data, "{format}");
    }
    Ok(())
}

#[test]
fn the_binary_format_is_frozen() -> Result<()> {
    let (_cluster, mut client) = start_default()?;
    let query = "COPY (SELECT binvec '100000001', int8vec '[-1,2]', uint8vec '[255]', quantized 'binary[1]', quantized 'float32[1]') TO STDOUT (FORMAT binary)";
    let data = copy_out(&mut client, query)?;
    let mut expected = b"PGCOPY\n\xff\r\n\0".to_vec();
    expected.extend([0; 8]);
    expected.extend(5u16.to_be_bytes());
    let fields: [&[u8]; 5] = [
        &[9, 0, 0x80, 0x80],
        &[2, 0, 0xff, 2],
        &[1, 0, 0xff],
        &[3, 1, 0, 0x80],
        &[0, 1, 0, 0, 0, 0x80, 0x3f],
    ];
    for field in fields {
        expected.extend((field.len() as u32).to_be_bytes());
        expected.extend(field);
    }
    expected.extend(0xffffu16.to_be_bytes());
    assert_eq!(data, expected);
    Ok(())
}

#[test]
fn copy_checks_the_dimensions_of_a_column() -> Result<()> {
    let (_cluster, mut client) = start_default()?;
    client.batch_execute("CREATE TABLE wide (b binvec(9)); CREATE TABLE narrow (b binvec(8)); INSERT INTO wide VALUES ('100000001')")?;
    for format in ["binary", "text"] {
        let data = copy_out(
            &mut client,
            &format!("COPY wide TO STDOUT (FORMAT {format})"),
        )?;
        let refused = copy_in(
            &mut client,
            &format!("COPY narrow FROM STDIN (FORMAT {format})"),
            &data,
        );
        let message = format!("{:?}", refused.err().context("it was accepted")?);
        ensure!(
            message.contains("expected 8 dimensions, not 9"),
            "{message}"
        );
    }
    Ok(())
}

/// A schema that uses the extension wherever a schema can.
const APPLICATION: &str = "
CREATE SCHEMA vectors;
CREATE EXTENSION pg_quantize SCHEMA vectors;
CREATE SCHEMA app;
SET search_path = app, vectors;
CREATE DOMAIN code AS binvec(4) CHECK (VALUE <> '0000');
CREATE FUNCTION near(code binvec, query binvec) RETURNS boolean IMMUTABLE LANGUAGE sql RETURN (code <~> query) <= 1;
CREATE TABLE docs (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    embedding real[] CHECK (embedding <=> '{1,1,1,1}'::real[] >= 0),
    b binvec(4) GENERATED ALWAYS AS (quantize_binary(embedding)) STORED,
    i int8vec(4) GENERATED ALWAYS AS (quantize_int8(embedding, '{{-1,-1,-1,-1},{1,1,1,1}}')) STORED,
    u uint8vec(4) GENERATED ALWAYS AS (quantize_embeddings(embedding, 'uint8', '{{-1,-1,-1,-1},{1,1,1,1}}')) STORED,
    short binvec(2) GENERATED ALWAYS AS (truncate_embeddings(quantize_binary(embedding), 2)) STORED,
    distance float8 GENERATED ALWAYS AS (embedding <=> '{1,2,3,4}'::real[]) STORED,
    by_floats float8 GENERATED ALWAYS AS (quantize_binary(embedding) <#> '{1,2,3,4}'::real[]) STORED,
    from_doubles float8 GENERATED ALWAYS AS (embedding <-> ARRAY[1,2,3,4]::float8[]) STORED,
    typed code DEFAULT '1111',
    any_precision quantized DEFAULT quantize_embeddings('{1,2}', 'int8', '{{0,0},{2,2}}'),
    CHECK (vector_dims(b) = 4)
);
CREATE INDEX by_code ON docs (b, id);
CREATE INDEX by_hash ON docs USING hash (i);
CREATE INDEX by_expression ON docs (quantize_binary(embedding));
CREATE INDEX by_dimension ON docs ((vector_dims(quantize_embeddings(embedding, 'binary'))));
CREATE INDEX by_distance ON docs ((embedding <#> '{1,0,0,0}'::real[])) WHERE near(b, '1111');
CREATE INDEX by_doubles ON docs ((embedding <+> ARRAY[1,0,0,0]::float8[]));
CREATE VIEW nearest AS SELECT id, b <~> '1010' AS hamming, i <#> '{1,2,3,4}'::real[] AS product FROM docs ORDER BY embedding <=> '{1,-1,1,-1}' LIMIT 5;
CREATE MATERIALIZED VIEW codes AS SELECT b, count(*), calibrate_ranges(embedding) AS ranges, calibrate_thresholds(embedding) FROM docs GROUP BY b;
CREATE UNIQUE INDEX ON codes (b);
CREATE TABLE parted (b binvec(1), id int) PARTITION BY LIST (b);
CREATE TABLE parted_0 PARTITION OF parted FOR VALUES IN ('0');
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (b'1');
INSERT INTO docs (embedding) SELECT ARRAY[sin(n), cos(n), sin(2 * n), cos(3 * n)] FROM generate_series(1, 200) AS n;
INSERT INTO docs (embedding) VALUES (NULL);
INSERT INTO parted SELECT (n % 2)::bit, n FROM generate_series(1, 10) AS n;
REFRESH MATERIALIZED VIEW codes;";

fn run(command: &mut std::process::Command) -> Result<Output> {
    let output = command.output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success() && errors.is_empty(),
        "{command:?}: {errors}"
    );
    Ok(output)
}

/// The text dump, without the key that makes every dump differ.
fn dump(cluster: &Cluster, database: &str) -> Result<String> {
    let output = run(&mut cluster.client_command("pg_dump", database))?;
    let text = String::from_utf8(output.stdout)?;
    let lines = text
        .lines()
        .filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"));
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

/// Everything computed: what a dump leaves to the restoring server.
fn computed(cluster: &Cluster, database: &str) -> Result<Vec<String>> {
    let mut client = cluster.connect(database)?;
    let mut all = Vec::new();
    let queries = [
        "SELECT d::text FROM app.docs AS d ORDER BY id",
        "SELECT c::text FROM app.codes AS c ORDER BY c::text",
        "SELECT n::text FROM app.nearest AS n ORDER BY id",
        "SELECT tableoid::regclass || p::text FROM app.parted AS p ORDER BY id",
        "SELECT indexrelid::regclass || ' ' || indisvalid FROM pg_index WHERE indrelid = 'app.docs'::regclass ORDER BY 1",
    ];
    for query in queries {
        let rows = client.query(query, &[])?;
        ensure!(!rows.is_empty(), "{query}: no rows");
        all.extend(rows.iter().map(|row| row.get::<_, String>(0)));
    }
    Ok(all)
}

#[test]
fn a_text_dump_restores_everything() -> Result<()> {
    let cluster = start(Options::default())?;
    cluster.create_database("source")?;
    cluster.connect("source")?.batch_execute(APPLICATION)?;
    let text = dump(&cluster, "source")?;
    cluster.create_database("restored")?;
    let mut psql = cluster.psql("restored");
    let mut child = psql
        .args(["-q", "-v", "ON_ERROR_STOP=1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    child
        .stdin
        .take()
        .context("no pipe")?
        .write_all(text.as_bytes())?;
    ensure!(child.wait()?.success(), "the dump does not restore");
    assert_eq!(
        computed(&cluster, "restored")?,
        computed(&cluster, "source")?
    );
    assert_eq!(dump(&cluster, "restored")?, text);
    Ok(())
}

#[test]
fn an_archive_restores_in_parallel() -> Result<()> {
    let cluster = start(Options::default())?;
    cluster.create_database("source")?;
    cluster.connect("source")?.batch_execute(APPLICATION)?;
    let archive = cluster.path().join("archive");
    run(cluster
        .client_command("pg_dump", "source")
        .arg("-Fc")
        .arg("-f")
        .arg(&archive))?;
    cluster.create_database("restored")?;
    run(cluster
        .client_command("pg_restore", "restored")
        .args(["-d", "restored", "-j2", "--exit-on-error"])
        .arg(&archive))?;
    assert_eq!(
        computed(&cluster, "restored")?,
        computed(&cluster, "source")?
    );
    Ok(())
}

#[test]
fn dropping_the_extension_takes_what_depends_on_it() -> Result<()> {
    let (_cluster, mut client) = start_default()?;
    client.batch_execute("CREATE TABLE t (id int, b binvec(2), f real[]); CREATE INDEX ON t (b); INSERT INTO t VALUES (1, '01', '{1}')")?;
    let refused = client
        .batch_execute("DROP EXTENSION pg_quantize")
        .err()
        .context("it was dropped")?;
    assert_eq!(refused.code().map(|code| code.code()), Some("2BP01"));
    client.batch_execute("DROP EXTENSION pg_quantize CASCADE")?;
    let row = client.query_one("SELECT count(*), count(f) FROM t", &[])?;
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (1, 1));
    client.batch_execute("CREATE EXTENSION pg_quantize; SELECT '01'::binvec")?;
    Ok(())
}
