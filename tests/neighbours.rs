//! Everything that works with pgvector alone works beside pg_quantize and its companion, and means the same.
//!
//! Three databases: pgvector alone, with pg_quantize, and with the companion as well. In each, what psql prints of
//! `neighbours/*.sql` is the same, and so is what becomes of calls that are made from the catalog: every function and operator of
//! pgvector, and those of Postgres for bit strings and arrays, with every mixture of types, untyped literals and untyped parameters.
//!
//! Where pgvector is not installed these tests can't run; they say so on standard error and pass.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::thread;

use anyhow::{Context, Result, ensure};
use cluster::{Cluster, Options};
use postgres::Client;
use server_tests::{available, installation};

/// The databases: the first is what the others must equal.
const DATABASES: [(&str, &[&str]); 3] = [
    ("alone", &["vector"]),
    ("beside", &["vector", "pg_quantize"]),
    ("all", &["vector", "pg_quantize", "pg_quantize_vector"]),
];

/// A cluster with [`DATABASES`], unless pgvector is missing.
fn databases() -> Result<Option<Cluster>> {
    if !available("vector")? {
        return Ok(None);
    }
    // Plans must not depend on when a table was analyzed.
    let options = Options::default().set("autovacuum", "off");
    let cluster = Cluster::start_new(&installation()?, options)?;
    for (database, extensions) in DATABASES {
        cluster.create_database(database)?;
        let mut client = cluster.connect(database)?;
        for extension in extensions {
            client.batch_execute(&format!("CREATE EXTENSION {extension}"))?;
        }
    }
    Ok(Some(cluster))
}

/// What psql prints of a file, output and errors in the order in which they came.
fn printed(cluster: &Cluster, database: &str, script: &Path) -> Result<Vec<String>> {
    let log = cluster.path().join(format!("{database}.out"));
    let output = File::create(&log)?;
    cluster
        .psql(database)
        .args(["-q", "-a", "-v", "VERBOSITY=default"])
        .stdin(File::open(script)?)
        .stdout(output.try_clone()?)
        .stderr(output)
        .status()?;
    let text = std::fs::read_to_string(&log)?;
    Ok(text.lines().map(str::to_owned).collect())
}

fn scripts_print_the_same(name: &str) -> Result<()> {
    let Some(cluster) = databases()? else {
        return Ok(());
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("neighbours/{name}.sql"));
    let [alone, others @ ..] = DATABASES.map(|(database, _)| database);
    let expected = printed(&cluster, alone, &script)?;
    let failed = expected.iter().filter(|line| line.starts_with("ERROR"));
    ensure!(
        expected.len() > 300 && failed.count() < 100,
        "the script does not run with pgvector alone:\n{}",
        expected.join("\n")
    );
    for database in others {
        let lines = printed(&cluster, database, &script)?;
        let differs =
            (0..expected.len().max(lines.len())).find(|&i| expected.get(i) != lines.get(i));
        if let Some(i) = differs {
            let around = |lines: &[String]| {
                let range = i.saturating_sub(4).min(lines.len())..(i + 5).min(lines.len());
                lines[range].join("\n")
            };
            anyhow::bail!(
                "line {i} differs in database {database}; with pgvector alone\n{}\n\nhere\n{}",
                around(&expected),
                around(&lines)
            );
        }
    }
    Ok(())
}

#[test]
fn values_print_the_same() -> Result<()> {
    scripts_print_the_same("values")
}

#[test]
fn indexes_print_the_same() -> Result<()> {
    scripts_print_the_same("indexes")
}

/// One row of every type that calls mix, and what becomes of a call: its result and how the planner understood it, the types that
/// untyped parameters got, or its SQLSTATE.
const OUTCOMES: &str = "
CREATE DOMAIN vector_domain AS vector;
CREATE DOMAIN half_domain AS halfvec;
CREATE TABLE typed (v vector(3), h halfvec(3), s sparsevec(3), b bit(3), vb varbit(3), vd vector_domain, hd half_domain,
    r real[], f float8[], i integer[], n numeric[]);
INSERT INTO typed VALUES ('[1,2,3]', '[3,2,1]', '{1:2,3:1}/3', '101', '110', '[2,2,2]', '[1,0,1]', '{1,2,3}', '{3,2,1}', '{1,1,2}', '{2,1,1}');
CREATE FUNCTION outcome(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
    types text := '';
    line text;
    statement text := 'SELECT (' || call || ') FROM typed';
BEGIN
    IF strpos(call, '$') > 0 THEN
        EXECUTE 'PREPARE untyped AS ' || statement;
        SELECT parameter_types::text, 'EXECUTE untyped(' || repeat('NULL, ', cardinality(parameter_types) - 1) || 'NULL)'
            INTO types, statement FROM pg_prepared_statements WHERE name = 'untyped';
    END IF;
    FOR line IN EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF) ' || statement LOOP
        result := concat_ws(E'\\n', result, line);
    END LOOP;
    IF types = '' THEN
        EXECUTE 'SELECT (' || call || ')::text FROM typed' INTO line;
        result := concat_ws(E'\\n', result, coalesce(line, 'null'));
    ELSE
        DEALLOCATE untyped;
    END IF;
    RETURN concat_ws(' ', types, result);
EXCEPTION WHEN OTHERS THEN
    IF EXISTS (SELECT FROM pg_prepared_statements WHERE name = 'untyped') THEN
        DEALLOCATE untyped;
    END IF;
    RETURN 'error ' || SQLSTATE;
END $$;
SET plan_cache_mode = force_generic_plan;
SET search_path = public, pg_catalog;";

/// What may stand in a call where pgvector's or an array's values do: columns of [`OUTCOMES`], literals, parameters.
const ARGUMENTS: [&str; 15] = [
    "v",
    "h",
    "s",
    "b",
    "vb",
    "vd",
    "hd",
    "r",
    "f",
    "i",
    "n",
    "'[1,2,3]'",
    "'{1:1,3:5}/3'",
    "'111'",
    "$",
];

/// Names of pgvector's functions and operators with each number of arguments, and the argument types of every overload.
const OF_PGVECTOR: &str = "
SELECT p.proname::text, false, array_agg(p.proargtypes::regtype[]::text[]::text) FROM pg_proc AS p
JOIN pg_depend AS d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'vector'
WHERE NOT p.proargtypes::oid[] && '{internal,cstring,cstring[]}'::regtype[]::oid[] AND p.pronargs > 0
GROUP BY p.proname, p.pronargs
UNION ALL
SELECT o.oprname, true, array_agg(ARRAY[o.oprleft::regtype, o.oprright::regtype]::text) FROM pg_operator AS o
JOIN pg_depend AS d ON d.objid = o.oid AND d.classid = 'pg_operator'::regclass AND d.deptype = 'e'
JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'vector'
GROUP BY o.oprname ORDER BY 1";

/// The same of Postgres's own for bit strings and arrays.
const OF_POSTGRES: &str = "
SELECT p.proname::text, false, array_agg(p.proargtypes::regtype[]::text[]::text) FROM pg_proc AS p
WHERE p.proargtypes::oid[] && '{bit,varbit,anyarray,anycompatiblearray,real[],float8[]}'::regtype[]::oid[]
    AND NOT p.proargtypes::oid[] && '{internal,cstring}'::regtype[]::oid[]
    AND p.pronamespace = 'pg_catalog'::regnamespace AND p.provolatile = 'i' AND p.pronargs BETWEEN 1 AND 2 AND p.prokind IN ('f', 'a')
GROUP BY p.proname, p.pronargs
UNION ALL
SELECT o.oprname, true, array_agg(ARRAY[o.oprleft::regtype, o.oprright::regtype]::text) FROM pg_operator AS o
WHERE ARRAY[o.oprleft, o.oprright] && '{bit,varbit,anyarray,anycompatiblearray}'::regtype[]::oid[]
    AND o.oprnamespace = 'pg_catalog'::regnamespace AND o.oprleft <> 0
GROUP BY o.oprname ORDER BY 1";

/// Every mixture of arguments for one name; arguments that are numbers or truth values in every overload stay what they are.
fn calls(name: &str, is_operator: bool, overloads: &[String]) -> Vec<String> {
    let overloads: Vec<Vec<&str>> = overloads
        .iter()
        .map(|types| types.trim_matches(['{', '}']).split(',').collect())
        .collect();
    let mut mixtures = vec![Vec::new()];
    for position in 0..overloads[0].len() {
        let all = |type_name: &str| overloads.iter().all(|types| types[position] == type_name);
        let choices: &[&str] = match () {
            () if all("integer") => &["2"],
            () if all("boolean") => &["true"],
            () => &ARGUMENTS,
        };
        mixtures = mixtures
            .iter()
            .flat_map(|before| {
                choices.iter().map(move |choice| {
                    let mut next: Vec<String> = before.clone();
                    // Every untyped parameter is one of its own.
                    next.push(if *choice == "$" {
                        format!(
                            "${}",
                            before.iter().filter(|x| x.starts_with('$')).count() + 1
                        )
                    } else {
                        (*choice).to_owned()
                    });
                    next
                })
            })
            .collect();
    }
    let call = |arguments: &Vec<String>| match (is_operator, arguments.as_slice()) {
        (true, [left, right]) => format!("{left} {name} {right}"),
        _ => format!("\"{name}\"({})", arguments.join(", ")),
    };
    mixtures.iter().map(call).collect()
}

/// What becomes of every call in a database.
fn outcomes(mut client: Client, calls: &[String]) -> Result<BTreeMap<String, String>> {
    let statement = "SELECT call, outcome(call) FROM unnest($1::text[]) AS call";
    let mut outcomes = BTreeMap::new();
    for some in calls.chunks(500) {
        for row in client.query(statement, &[&some])? {
            let outcome: String = row.get(1);
            // Two untyped literals or parameters that pgvector alone takes for `bit` are bit strings of an internal type.
            let outcome = outcome
                .replace("quantize.bit_literal", "bit")
                .replace("\"bit\"", "bit");
            outcomes.insert(row.get(0), outcome);
        }
    }
    Ok(outcomes)
}

/// Whether no function or operator could be chosen; such a call may mean something beside other extensions.
fn unresolved(outcome: &str) -> bool {
    // undefined_function, ambiguous_function, indeterminate_datatype
    ["error 42883", "error 42725", "error 42P18"].contains(&outcome)
}

fn calls_mean_the_same(names: &str, at_least: usize) -> Result<()> {
    let Some(cluster) = databases()? else {
        return Ok(());
    };
    let mut clients = Vec::new();
    for (database, _) in DATABASES {
        let mut client = cluster.connect(database)?;
        client.batch_execute(OUTCOMES)?;
        clients.push(client);
    }
    let mut all = Vec::new();
    for row in clients[0].query(names, &[])? {
        all.extend(calls(row.get(0), row.get(1), &row.get::<_, Vec<String>>(2)));
    }
    let outcomes = thread::scope(|scope| {
        let all = &all;
        let threads: Vec<_> = clients
            .into_iter()
            .map(|client| scope.spawn(move || outcomes(client, all)))
            .collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| thread.join().expect("no panic");
        threads.into_iter().map(join).collect::<Result<Vec<_>>>()
    })?;
    let [alone, others @ ..] = outcomes.as_slice() else {
        anyhow::bail!("no database");
    };
    let resolved: Vec<_> = alone
        .iter()
        .filter(|(_, outcome)| !unresolved(outcome))
        .collect();
    ensure!(
        resolved.len() >= at_least,
        "only {} calls resolve",
        resolved.len()
    );
    let mut different = Vec::new();
    for ((database, _), outcomes) in DATABASES[1..].iter().zip(others) {
        for (call, expected) in &resolved {
            let outcome = outcomes.get(*call).context("a call is missing")?;
            if outcome != *expected {
                different.push(format!(
                    "{call} in {database}: {outcome}\nalone: {expected}"
                ));
            }
        }
    }
    ensure!(
        different.is_empty(),
        "{} of {} calls differ, such as\n{}",
        different.len(),
        resolved.len(),
        different[..different.len().min(20)].join("\n\n")
    );
    Ok(())
}

#[test]
fn every_call_of_pgvector_means_the_same() -> Result<()> {
    calls_mean_the_same(OF_PGVECTOR, 1000)
}

#[test]
fn every_call_of_postgres_on_bits_and_arrays_means_the_same() -> Result<()> {
    calls_mean_the_same(OF_POSTGRES, 1000)
}
