//! Builds the extension and installs it into a Postgres.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use cluster::Installation;

use crate::cache::Cache;
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
    make_readable(installation)
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
