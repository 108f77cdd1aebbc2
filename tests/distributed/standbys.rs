//! Standbys answer searches, and clients reach them by libpq's own settings.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use cluster::{Cluster, Options};
use server_tests::{DATABASE, installation, start};

/// What psql prints for a query, over a connection to either server that has these attributes.
fn ask(servers: [&Cluster; 2], attributes: &str, query: &str) -> Result<String> {
    let hosts = servers.map(|server| server.path().display().to_string());
    let ports = servers.map(|server| server.port().to_string());
    let connection = format!(
        "host={} port={} user=postgres dbname={DATABASE} {attributes}",
        hosts.join(","),
        ports.join(",")
    );
    let output = servers[0]
        .psql(DATABASE)
        .env_remove("PGHOST")
        .args(["-q", "-A", "-t", "-d", &connection, "-c", query])
        .stdin(Stdio::null())
        .output()?;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{errors}");
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

#[test]
fn searches_go_to_standbys() -> Result<()> {
    let primary = start(Options::default())?;
    let mut client = primary.connect(DATABASE)?;
    client.batch_execute(
        "CREATE TABLE docs (id int PRIMARY KEY, embedding real[]);
         INSERT INTO docs SELECT n, array_agg((sin(n * i) * 0.5)::real ORDER BY i)
             FROM generate_series(1, 1000) AS n, generate_series(1, 16) AS i GROUP BY n;
         CREATE INDEX docs_qivf ON docs USING qivf (embedding real_cosine_ops); ANALYZE docs",
    )?;
    let standby = Cluster::standby_of(&primary, Options::default())?;
    standby.wait_for(&primary)?;
    let servers = [&primary, &standby];
    let search = "SELECT string_agg((doc).id::text, ' ' ORDER BY score DESC) FROM semantic_search(NULL::docs, \
         (SELECT embedding FROM docs WHERE id = 42), 5)";
    let where_it_ran = "SELECT pg_is_in_recovery()";
    let mut preferences = vec![
        "target_session_attrs=standby",
        "target_session_attrs=prefer-standby",
    ];
    if installation()?.major >= 16 {
        preferences.push("target_session_attrs=prefer-standby load_balance_hosts=random");
    }
    let expected = ask(servers, "target_session_attrs=read-write", search)?;
    ensure!(expected.starts_with("42 "), "{expected}");
    for attributes in preferences {
        assert_eq!(ask(servers, attributes, where_it_ran)?, "t", "{attributes}");
        assert_eq!(ask(servers, attributes, search)?, expected, "{attributes}");
    }
    assert_eq!(
        ask(servers, "target_session_attrs=read-write", where_it_ran)?,
        "f"
    );
    // The standby's index serves.
    let plan = standby.connect(DATABASE)?.query(
        "EXPLAIN (COSTS OFF) SELECT id FROM docs ORDER BY embedding <=> array_fill(0.5::real, ARRAY[16]) LIMIT 5",
        &[],
    )?;
    let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
    ensure!(
        plan.iter().any(|line| line.contains("docs_qivf")),
        "{plan:?}"
    );
    // Without its primary it goes on answering.
    primary
        .stop(cluster::Shutdown::Immediate)
        .context("primary")?;
    assert_eq!(
        ask(servers, "target_session_attrs=prefer-standby", search)?,
        expected
    );
    Ok(())
}
