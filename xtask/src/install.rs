//! Builds the extension and installs it into a Postgres.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use cluster::Installation;

use crate::cache::Cache;
use crate::setup::{self, Purpose};
use crate::{run, servers, workspace};

/// Name of the extension.
pub const EXTENSION: &str = "pg_quantize";

/// How the extension is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Fast to build: for tests.
    Dev,
    /// Fast to run: for people and measurements.
    Release,
}

/// `install PG_CONFIG`: a release build for the Postgres that this `pg_config` belongs to.
pub fn command(mut parser: lexopt::Parser) -> Result<()> {
    let pg_config = match parser.next()? {
        Some(lexopt::Arg::Value(path)) => path,
        Some(other) => return Err(other.unexpected().into()),
        None => bail!("say where: cargo xtask install /path/to/pg_config"),
    };
    let installation = Installation::from_pg_config(pg_config)?;
    let cache = setup::ensure(Purpose::Embedded)?;
    for_use(&cache, &installation)?;
    println!("installed; now: CREATE EXTENSION {EXTENSION};");
    Ok(())
}

/// Builds and installs the extension; what cargo prints goes to `log`.
pub fn extension(
    cache: &Cache,
    installation: &Installation,
    profile: Profile,
    log: &Path,
) -> Result<()> {
    ensure!(
        servers::may_install(installation),
        "no permission to install an extension into {}",
        installation.pkglibdir.display()
    );
    run::logged(&mut cargo_pgrx_install(cache, installation, profile), log)?;
    copy_companion(installation)?;
    make_readable(installation)
}

/// The companion for pgvector is SQL over the same library; cargo pgrx knows of one control file only.
fn copy_companion(installation: &Installation) -> Result<()> {
    for entry in fs::read_dir(workspace::root().join("companion"))? {
        let entry = entry?;
        let target = installation.extension_dir().join(entry.file_name());
        fs::copy(entry.path(), &target)
            .with_context(|| format!("could not write {}", target.display()))?;
    }
    Ok(())
}

/// Builds in release mode for a person who waits, and says so.
pub fn for_use(cache: &Cache, installation: &Installation) -> Result<()> {
    println!("building the extension for {} …", installation.version);
    let log = workspace::target().join("xtask-logs/install.log");
    extension(cache, installation, Profile::Release, &log)
}

fn cargo_pgrx_install(cache: &Cache, installation: &Installation, profile: Profile) -> Command {
    let mut cargo = run::cargo(cache);
    cargo.args(["pgrx", "install", "--no-default-features", "--features"]);
    cargo
        .arg(installation.label())
        .arg("--pg-config")
        .arg(&installation.pg_config);
    if profile == Profile::Release {
        cargo.arg("--release");
    }
    cargo
}

/// A strict umask must not keep the server's own user from reading the extension.
fn make_readable(installation: &Installation) -> Result<()> {
    for directory in [&installation.pkglibdir, &installation.extension_dir()] {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(EXTENSION) {
                let mode = entry.metadata()?.permissions().mode() | 0o444;
                fs::set_permissions(entry.path(), Permissions::from_mode(mode))?;
            }
        }
    }
    Ok(())
}
