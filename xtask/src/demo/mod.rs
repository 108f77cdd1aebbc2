//! `cargo xtask demo`: the whole story on real data, in an embedded server.
//!
//! Every statement on screen is the one that runs.

mod answers;
mod context;
pub mod cut;
pub mod data;
mod indexes;
mod kept;
mod load;
mod measure;
pub mod npy;
mod paint;

use anyhow::Result;
use cluster::{Cluster, Options};

use crate::cache::Cache;
use crate::setup::Purpose;
use crate::{install, psql, servers, setup};
use paint::{bold, dim, grouped};

/// Where the demo's tables are.
const DATABASE: &str = "postgres";

/// `demo [--keep]`, `demo --stop`.
pub fn command(mut parser: lexopt::Parser) -> Result<()> {
    let mut keep = false;
    while let Some(argument) = parser.next()? {
        match argument {
            lexopt::Arg::Long("keep") => keep = true,
            lexopt::Arg::Long("stop") => return kept::stop(&Cache::locate()?),
            other => return Err(other.unexpected().into()),
        }
    }
    let cache = setup::ensure(Purpose::Embedded)?;
    let installation = servers::embedded_version(&cache, servers::EMBEDDED_DEFAULT)?;
    install::for_use(&cache, &installation, install::Profile::Demo)?;
    let mut cluster = Cluster::start_new(&installation, Options::default())?;
    psql::create_extensions(&cluster, DATABASE)?;
    tell(&cluster)?;
    if keep {
        print_access(&cache, &mut cluster)?;
    } else {
        println!(
            "{}",
            dim("`cargo xtask demo --keep` leaves this server running for your own queries.")
        );
    }
    Ok(())
}

fn tell(cluster: &Cluster) -> Result<()> {
    let data = data::read()?;
    let mut client = cluster.connect(DATABASE)?;
    println!();
    println!(
        "{}  {} package descriptions as vectors of {} floats, in {}",
        bold("pg_quantize"),
        grouped(data.documents.len() as u64),
        data.embeddings.columns,
        cluster.installation().version
    );
    load::tables(&mut client, &data)?;
    load::quantize(&mut client)?;
    load::sizes(&mut client)?;
    answers::questions(&mut client)?;
    measure::methods(&mut client)?;
    indexes::compare(&mut client)?;
    context::for_a_question(&mut client)
}

/// Leaves the server running and says how to reach and how to stop it.
fn print_access(cache: &Cache, cluster: &mut Cluster) -> Result<()> {
    let psql = cluster.installation().program("psql");
    let connection = cluster.connection_string(DATABASE);
    kept::note(cache, cluster.keep())?;
    println!("{}", bold("The server stays up."));
    println!("  {} \"{connection}\"", psql.display());
    println!("  {}", dim("stop it and remove its files with"));
    println!("  cargo xtask demo --stop");
    Ok(())
}
