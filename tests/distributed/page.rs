//! What docs/distributed.md shows runs as it is shown.

use anyhow::{Context, Result, ensure};
use cluster::{Cluster, Options};
use server_tests::{DATABASE, available, installation};

const PAGE: &str = include_str!("../../docs/distributed.md");

/// Runs a block through psql and returns what it prints.
fn run(cluster: &Cluster, block: &str) -> Result<String> {
    let script = cluster.path().join("block.sql");
    std::fs::write(&script, block)?;
    let output = cluster
        .psql(DATABASE)
        .args(["-q", "-v", "ON_ERROR_STOP=1", "-f"])
        .arg(&script)
        .output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{block}\n{errors}");
    Ok(String::from_utf8(output.stdout)?)
}

#[test]
fn the_statements_of_the_page_run() -> Result<()> {
    if !available("postgres_fdw")? {
        return Ok(());
    }
    let installation = installation()?;
    let start = || Cluster::start_new(&installation, Options::default());
    let (coordinator, shards) = (start()?, [start()?, start()?]);
    let mut printed = String::new();
    for rest in PAGE.split("\n```sql\n").skip(1) {
        let (block, _) = rest.split_once("\n```").context("a block without an end")?;
        if block.starts_with("-- on every shard") {
            for shard in &shards {
                run(shard, block)?;
            }
        } else if block.starts_with("-- on the coordinator") {
            let mut block = block
                .replace("user 'app', password 'secret'", "user 'postgres'")
                .replace("dbname 'app'", "dbname 'postgres'");
            for (i, shard) in shards.iter().enumerate() {
                let there = format!("host '{}', port '{}'", shard.path().display(), shard.port());
                block = block.replace(&format!("host 'shard-{i}.example', port '5432'"), &there);
            }
            printed.push_str(&run(&coordinator, &block)?);
        } else {
            ensure!(block.starts_with("-- with Citus"), "{block}");
        }
    }
    // Both searches find the same two rows, and the statements are listed as shown.
    ensure!(
        printed.contains("  1 | 0.98") && printed.contains("  1 | 0.01"),
        "{printed}"
    );
    let (_, shown) = PAGE.split_once("\n```text\n").context("no listing")?;
    let (shown, _) = shown
        .split_once("\n```")
        .context("a listing without an end")?;
    for line in shown.lines().skip(2) {
        ensure!(printed.contains(line), "{line}\n{printed}");
    }
    Ok(())
}
