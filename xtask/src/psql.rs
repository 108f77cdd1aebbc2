//! `cargo xtask psql`: a shell in an embedded server with the extension loaded.

use std::ffi::OsString;

use anyhow::{Result, bail, ensure};
use cluster::{Cluster, Options};

use crate::setup::Purpose;
use crate::{install, servers, setup};

/// `psql [pgNN] [-- argument…]`; the arguments go to psql.
pub fn command(mut parser: lexopt::Parser) -> Result<()> {
    let mut own: Vec<OsString> = parser.raw_args()?.collect();
    let split = own
        .iter()
        .position(|argument| argument == "--")
        .unwrap_or(own.len());
    let arguments = own.split_off(split);
    let major = match own.as_slice() {
        [] => servers::EMBEDDED_DEFAULT,
        [label] => servers::parse_label(&label.to_string_lossy())?,
        _ => bail!("usage: cargo xtask psql [pgNN] [-- argument…]"),
    };
    let cache = setup::ensure(Purpose::Embedded)?;
    let installation = servers::embedded_version(&cache, major)?;
    install::for_use(&cache, &installation, install::Profile::Demo)?;
    let cluster = Cluster::start_new(&installation, Options::default())?;
    create_extensions(&cluster, "postgres")?;
    // Ctrl-C is psql's, to cancel a query; here it would leave the server behind.
    ctrlc::set_handler(|| {})?;
    let status = cluster
        .psql("postgres")
        .args(arguments.iter().skip(1))
        .status()?;
    ensure!(status.success(), "psql ended with {status}");
    Ok(())
}

/// Creates the extension, and pgvector with the companion where the server has it.
pub fn create_extensions(cluster: &Cluster, database: &str) -> Result<()> {
    let mut client = cluster.connect(database)?;
    if cluster.installation().has_extension("vector") {
        client.batch_execute("CREATE EXTENSION vector")?;
    }
    client.batch_execute(&format!("CREATE EXTENSION {}", install::EXTENSION))?;
    if cluster.installation().has_extension("vector") {
        client.batch_execute(&format!("CREATE EXTENSION {}_vector", install::EXTENSION))?;
    }
    Ok(())
}
