//! What every whole-server test starts from: a cluster of its own with the extension in it.
//!
//! The variable `PG_QUANTIZE_PG_CONFIG` names the `pg_config` of a Postgres into which the
//! extension is installed; `cargo xtask test` sets it.

#![deny(unsafe_code)]

pub mod load;
pub mod qivf;

use std::io::Write;

use anyhow::{Context, Result};
use cluster::{Cluster, Installation, Options};
use postgres::Client;

/// Name of the variable that says which Postgres to test.
pub const PG_CONFIG_VARIABLE: &str = "PG_QUANTIZE_PG_CONFIG";

/// Database that [`start`] creates the extension in.
pub const DATABASE: &str = "postgres";

/// The installation to test.
pub fn installation() -> Result<Installation> {
    let pg_config = std::env::var_os(PG_CONFIG_VARIABLE)
        .with_context(|| format!("{PG_CONFIG_VARIABLE} is not set; run `cargo xtask test`"))?;
    Installation::from_pg_config(pg_config)
}

/// A running cluster whose database [`DATABASE`] holds the extension.
pub fn start(options: Options) -> Result<Cluster> {
    let cluster = Cluster::start_new(&installation()?, options)?;
    create_extension(&cluster, DATABASE)?;
    Ok(cluster)
}

/// A running cluster with default settings, and a connection to it.
pub fn start_default() -> Result<(Cluster, Client)> {
    let cluster = start(Options::default())?;
    let client = cluster.connect(DATABASE)?;
    Ok((cluster, client))
}

/// Creates the extension in an existing database.
pub fn create_extension(cluster: &Cluster, database: &str) -> Result<()> {
    let mut client = cluster.connect(database)?;
    client
        .batch_execute("CREATE EXTENSION pg_quantize")
        .with_context(|| format!("could not create the extension in database {database}"))
}

/// Whether an extension can be created on the tested Postgres; where it can't, says on standard error (which cargo does
/// not hold back) that the calling test is skipped.
pub fn available(extension: &str) -> Result<bool> {
    let installation = installation()?;
    let available = installation.has_extension(extension);
    if !available {
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        let version = &installation.version;
        writeln!(
            std::io::stderr(),
            "skipped {test}: {version} has no extension {extension}"
        )?;
    }
    Ok(available)
}

/// Ends a session's process as the kernel would that is out of memory: SIGKILL. By the shell, which has `kill` built in where
/// no such program is installed.
pub fn kill_session(pid: i32) -> Result<()> {
    let status = std::process::Command::new("sh")
        .args(["-c", &format!("kill -KILL {pid}")])
        .status()?;
    anyhow::ensure!(status.success(), "no process {pid} to kill");
    Ok(())
}
