//! What Citus and postgres_fdw ask of an extension before they let other servers evaluate its expressions. No Citus is to be had for
//! the tests; the catalogs say what it would find.

use anyhow::{Result, ensure};
use cluster::Cluster;
use server_tests::{DATABASE, available, installation};

/// The functions of both extensions.
const MEMBERS: &str = "
CREATE VIEW members AS
SELECT p.oid::regprocedure AS signature, p.*, l.lanname FROM pg_proc p
JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
JOIN pg_extension e ON e.oid = d.refobjid AND e.extname IN ('pg_quantize', 'pg_quantize_vector')
JOIN pg_language l ON l.oid = p.prolang";

/// Each query lists what is not as it must be.
const DEMANDS: [(&str, &str); 5] = [
    (
        "aggregates are computed in parts: with a combine function, and states that can be sent",
        "SELECT signature FROM members JOIN pg_aggregate a ON a.aggfnoid = members.oid
         WHERE a.aggcombinefn = 0 OR a.aggtranstype = 'internal'::regtype OR proparallel <> 's' OR provolatile <> 'i'",
    ),
    (
        "what aggregates are made of depends on nothing but its arguments",
        "SELECT f.oid::regprocedure FROM members JOIN pg_aggregate a ON a.aggfnoid = members.oid
         JOIN pg_proc f ON f.oid IN (a.aggtransfn, a.aggcombinefn, a.aggfinalfn)
         WHERE f.provolatile <> 'i' OR f.proparallel <> 's'",
    ),
    (
        "operators and casts depend on nothing but their arguments",
        "SELECT signature FROM members
         WHERE (oid IN (SELECT oprcode FROM pg_operator) OR oid IN (SELECT castfunc FROM pg_cast))
             AND (provolatile <> 'i' OR proparallel <> 's' OR lanname NOT IN ('c', 'sql', 'internal') OR prosecdef)",
    ),
    (
        "functions of values depend on nothing but their arguments",
        "SELECT signature FROM members
         WHERE prokind = 'f' AND proname ~ '^(quantize_(embeddings|binary|int8|uint8)|dequantize_|truncate_|normalize_|scale_query|.*_distance|.*inner_product|vector_dims|quantized_precision)'
             AND (provolatile <> 'i' OR proparallel <> 's')
             -- This form looks ranges up in a table: stable, and for the server that is asked.
             AND NOT 'regclass'::regtype = ANY (proargtypes)",
    ),
    (
        "values travel in binary form",
        "SELECT t.oid::regtype FROM pg_type t
         JOIN pg_depend d ON d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
         JOIN pg_extension e ON e.oid = d.refobjid AND e.extname IN ('pg_quantize', 'pg_quantize_vector')
         WHERE t.typtype = 'b' AND (t.typsend = 0 OR t.typreceive = 0)",
    ),
];

#[test]
fn expressions_can_be_evaluated_anywhere() -> Result<()> {
    let cluster = Cluster::start_new(&installation()?, cluster::Options::default())?;
    let mut client = cluster.connect(DATABASE)?;
    client.batch_execute("CREATE EXTENSION pg_quantize")?;
    if available("vector")? {
        client.batch_execute("CREATE EXTENSION pg_quantize_vector CASCADE")?;
    }
    client.batch_execute(MEMBERS)?;
    let aggregates = "SELECT count(*) FROM members WHERE prokind = 'a'";
    ensure!(client.query_one(aggregates, &[])?.get::<_, i64>(0) >= 5);
    for (demand, query) in DEMANDS {
        let rows = client.query(&format!("SELECT name::text FROM ({query}) AS t(name)"), &[])?;
        let names: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        ensure!(names.is_empty(), "{demand}, but not {names:?}");
    }
    Ok(())
}
