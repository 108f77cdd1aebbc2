//! Every function of the extension, called by a role without any rights with arguments of the right types and absurd
//! values: an error with a proper SQLSTATE or a result, never a lost connection, never the text of a panic.
//!
//! The calls are made from the catalog, so a new function is tried from the day it exists. `PG_QUANTIZE_CALLS` sets how many
//! there are of each function.

use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use cluster::Options;
use postgres::Client;
use server_tests::load::Random;
use server_tests::qivf::create_generator;
use server_tests::{DATABASE, available, start};

/// Calls of each function, when the variable does not say otherwise.
const CALLS: u64 = 12;

/// What the calls work on: a table that the caller owns, and one that it may not even read.
const TABLES: &str = "
CREATE ROLE caller LOGIN;
CREATE SCHEMA own AUTHORIZATION caller;
CREATE TABLE own.docs (id int PRIMARY KEY, e real[], e_bin binvec);
INSERT INTO own.docs SELECT n, embedding(8, n), quantize_binary(embedding(8, n)) FROM generate_series(1, 300) AS n;
CREATE INDEX docs_e ON own.docs USING qivf (e);
CREATE INDEX docs_bin ON own.docs USING qivf (e_bin);
ALTER TABLE own.docs OWNER TO caller;
CREATE TABLE public.secret (id int, e real[]);
INSERT INTO public.secret SELECT n, embedding(8, n) FROM generate_series(1, 300) AS n;
CREATE INDEX secret_e ON public.secret USING qivf (e);";

/// The functions with their identity, the types of their input arguments, and how they are called.
const FUNCTIONS: &str = "
SELECT p.oid::regprocedure::text, n.nspname::text, p.proname::text, p.prokind::text,
    ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY AS u(t, i) ORDER BY i)
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    JOIN pg_extension x ON x.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
WHERE x.extname LIKE 'pg_quantize%' AND p.prokind IN ('f', 'a', 'p')
    AND p.prorettype <> ALL (ARRAY['trigger', 'event_trigger', 'internal', 'index_am_handler']::regtype[])
    AND NOT 'internal'::regtype = ANY (p.proargtypes)
    -- It raises whatever error it is told to.
    AND p.proname <> 'refuse'
ORDER BY 1";

/// Values of a type: ordinary, extreme, malformed.
fn pool(kind: &str) -> &'static [&'static str] {
    match kind {
        "integer" | "bigint" | "smallint" | "oid" => &[
            "0",
            "1",
            "2",
            "8",
            "-1",
            "10",
            "100",
            "32767",
            "2000000000",
            "2147483647",
            "-2147483648",
            "65535",
            "65536",
            "NULL",
        ],
        "real" | "double precision" | "numeric" => &[
            "0",
            "1",
            "0.5",
            "0.95",
            "-1",
            "1e30",
            "1e-40",
            "'NaN'",
            "'Infinity'",
            "NULL",
        ],
        "boolean" => &["true", "false", "NULL"],
        "text" | "name" | "cstring" | "unknown" | "character varying" => &[
            "'int8'",
            "'binary'",
            "'cosine'",
            "''",
            "'docs'",
            "'own.docs'",
            "'e'",
            "'[1,2]'",
            "'0101'",
            "'{}'",
            "'$1'",
            "'id < 5'",
            "repeat('x', 10000)",
            "'; DROP TABLE secret'",
            "NULL",
        ],
        "regclass" => &[
            "'own.docs'",
            "'own.docs_e'",
            "'own.docs_bin'",
            "'secret_e'",
            "'secret'",
            "'pg_class'",
            "0",
            "4294967295",
            "NULL",
        ],
        "real[]" => &[
            "'{1,2,3,4,5,6,7,8}'",
            "'{{0,0,0,0,0,0,0,0},{1,1,1,1,1,1,1,1}}'",
            "'{}'",
            "'{1}'",
            "'{NULL}'",
            "'{NaN,1}'",
            "'{Infinity,-1}'",
            "'{{1,2},{3,4},{5,6}}'",
            "'{{{1},{2}}}'",
            "array_fill(1::real, ARRAY[70000])",
            "array_fill(1::real, ARRAY[2, 3000])",
            "array_fill(0::real, ARRAY[8])",
            "'{3e38,3e38,3e38,1,1,1,1,1}'",
            "'[5:12]={1,2,3,4,5,6,7,8}'",
            "NULL",
        ],
        "double precision[]" | "numeric[]" => {
            &["'{1,2}'", "'{}'", "'{1e300,1}'", "'{NULL}'", "NULL"]
        }
        "integer[]" | "smallint[]" | "bigint[]" => &[
            "'{1,2,3}'",
            "'{}'",
            "'{-129,300}'",
            "'{NULL}'",
            "'{{1},{2}}'",
            "NULL",
        ],
        "text[]" | "name[]" => &["'{}'", "'{a,b}'", "'{NULL}'", "NULL"],
        "bytea" => &[
            "''",
            "'\\x00'",
            "'\\xff00ff'",
            "'\\xffffffffffffffff'",
            "repeat('a', 9000)::bytea",
            "NULL",
        ],
        "bit" | "bit varying" => &[
            "B''",
            "B'1'",
            "B'01011'",
            "repeat('01', 40000)::varbit",
            "NULL",
        ],
        "binvec" => &["'01010101'", "'1'", "repeat('01', 4000)::binvec", "NULL"],
        "int8vec" => &[
            "'[1,-2,3]'",
            "'[-128,-128,-128,-128,-128,-128,-128,-128]'",
            "'[0]'",
            "NULL",
        ],
        "uint8vec" => &[
            "'[1,2,3]'",
            "'[255,255,255,255,255,255,255,255]'",
            "'[0]'",
            "NULL",
        ],
        "quantized" => &[
            "quantize_embeddings('{1,-2}', 'binary')",
            "quantize_embeddings('{1,-2}', 'float32')",
            "'int8[1,2]'",
            "NULL",
        ],
        "jsonb" | "json" => &["'{}'", "'[]'", "'null'", "NULL"],
        "vector" => &["'[1,2,3]'", "'[0,0,0]'", "NULL"],
        "halfvec" => &["'[1,2,3]'", "'[0,0,0]'", "NULL"],
        "uuid" => &["gen_random_uuid()", "NULL"],
        "anyelement" | "record" => &["NULL::own.docs", "1", "NULL::secret", "ROW(1, 2)"],
        "anyarray" => &["'{1,2}'::real[]", "'{}'::int[]", "'{a}'::text[]"],
        _ => &["NULL"],
    }
}

/// An argument: most often with its type said, so that the function is found.
fn argument(kind: &str, random: &mut Random) -> String {
    let values = pool(kind);
    let value = values[random.below(values.len() as u64) as usize];
    if kind.starts_with("any") || kind == "record" {
        value.to_owned()
    } else {
        format!("({value})::{kind}")
    }
}

fn call(schema: &str, name: &str, kind: &str, arguments: &[String]) -> String {
    let arguments = arguments.join(", ");
    match kind {
        "p" => format!("CALL \"{schema}\".\"{name}\"({arguments})"),
        "a" => format!("SELECT \"{schema}\".\"{name}\"({arguments}) FROM generate_series(1, 3)"),
        _ => format!("SELECT * FROM (SELECT \"{schema}\".\"{name}\"({arguments})) AS s LIMIT 50"),
    }
}

/// Fails where the answer is not one that Postgres would give of itself.
fn check(error: &postgres::Error, statement: &str) -> Result<()> {
    let refusal = error
        .as_db_error()
        .with_context(|| format!("the connection was lost: {statement}"))?;
    let (code, message) = (refusal.code().code(), refusal.message());
    ensure!(
        !message.contains("panicked") && !message.contains(".rs:"),
        "{message}: {statement}"
    );
    // What Postgres itself says of numbers that belong to nothing.
    let nothing = ["cache lookup failed", "could not open relation with OID"];
    let of_nothing = nothing.iter().any(|start| message.starts_with(start));
    ensure!(
        code != "XX000" || of_nothing,
        "{code} {message}: {statement}"
    );
    ensure!(code != "XX002", "{code} {message}: {statement}");
    Ok(())
}

#[test]
fn every_function_answers_absurd_arguments() -> Result<()> {
    let seed = std::env::var("PG_QUANTIZE_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| {
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(1, |since| since.as_nanos() as u64)
        });
    let calls = std::env::var("PG_QUANTIZE_CALLS")
        .ok()
        .and_then(|calls| calls.parse().ok())
        .unwrap_or(CALLS);
    let mut random = Random::new(seed);
    let cluster = start(Options::default())?;
    let mut owner = cluster.connect(DATABASE)?;
    create_generator(&mut owner)?;
    if available("vector")? && available("pg_quantize_vector")? {
        owner.batch_execute("CREATE EXTENSION vector; CREATE EXTENSION pg_quantize_vector")?;
    }
    owner.batch_execute(TABLES)?;
    let mut client = caller(&cluster)?;
    let functions = owner.query(FUNCTIONS, &[])?;
    ensure!(functions.len() > 50, "only {} functions", functions.len());
    let mut failures = Vec::new();
    for function in functions {
        let (schema, name, kind): (String, String, String) =
            (function.get(1), function.get(2), function.get(3));
        let types: Vec<String> = function.get(4);
        for _ in 0..calls {
            let arguments: Vec<String> = types
                .iter()
                .map(|kind| argument(kind, &mut random))
                .collect();
            let statement = call(&schema, &name, &kind, &arguments);
            let Err(error) = client.batch_execute(&statement) else {
                continue;
            };
            if let Err(failure) = check(&error, &statement) {
                failures.push(format!("{failure:#}"));
                client = wait_for_caller(&cluster)?;
                break;
            }
        }
    }
    ensure!(failures.is_empty(), "seed {seed}:\n{}", failures.join("\n"));
    let mut owner = cluster.connect(DATABASE)?;
    let secrets: i64 = owner.query_one("SELECT count(*) FROM secret", &[])?.get(0);
    ensure!(secrets == 300, "rows of another role are gone, seed {seed}");
    Ok(())
}

/// The same again, once the server has recovered.
fn wait_for_caller(cluster: &cluster::Cluster) -> Result<Client> {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        match caller(cluster) {
            Ok(client) => return Ok(client),
            Err(error) if Instant::now() > end => return Err(error),
            Err(_) => sleep(Duration::from_millis(100)),
        }
    }
}

/// A session of a role that owns one table and has no other right.
fn caller(cluster: &cluster::Cluster) -> Result<Client> {
    let mut config = cluster.config(DATABASE);
    config.user("caller");
    let mut client = config.connect(postgres::NoTls)?;
    client.batch_execute(
        "SET statement_timeout = '2s'; SET lock_timeout = '1s'; SET client_min_messages = error",
    )?;
    Ok(client)
}
