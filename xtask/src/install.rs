//! Builds the extension and installs it into a Postgres.
//!
//! The SQL is written by hand, so nothing has to be generated from the library: cargo builds it, [`files`] says what
//! goes where. cargo-pgrx is needed by `cargo xtask test` only, for the tests inside a backend.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use cluster::Installation;

use crate::cache::Cache;
use crate::setup::{self, Purpose};
use crate::{run, script, servers, workspace};

pub use crate::script::EXTENSION;

/// How the extension is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Fast to build, with the checks of debug builds: for tests.
    Dev,
    /// Optimised, without link-time optimisation: for the demo, which people wait for.
    Demo,
    /// Fast to run: for people and measurements.
    Release,
}

impl Profile {
    /// As cargo calls it.
    fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Demo => "demo",
            Self::Release => "release",
        }
    }

    /// Its directory below the target directory.
    fn directory(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            other => other.name(),
        }
    }
}

/// `install PG_CONFIG`: a release build for the Postgres that this `pg_config` belongs to.
pub fn command(mut parser: lexopt::Parser) -> Result<()> {
    let pg_config = match parser.next()? {
        Some(lexopt::Arg::Value(path)) => path,
        Some(other) => return Err(other.unexpected().into()),
        None => bail!("say where: cargo xtask install /path/to/pg_config"),
    };
    let installation = Installation::from_pg_config(pg_config)?;
    let cache = setup::ensure(Purpose::Build)?;
    for_use(&cache, &installation, Profile::Release)?;
    println!("installed two extensions; now, in a database:");
    println!("  CREATE EXTENSION {EXTENSION};");
    println!(
        "  CREATE EXTENSION {EXTENSION}_vector;  -- qivf on pgvector's types, beside the extension vector"
    );
    Ok(())
}

/// Builds the extension and copies its files into a Postgres; what cargo prints goes to `log`.
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
    for file in files(cache, installation, profile, log)? {
        file.write()?;
    }
    Ok(())
}

/// Builds for a person who waits, and says so.
pub fn for_use(cache: &Cache, installation: &Installation, profile: Profile) -> Result<()> {
    println!("building the extension for {} …", installation.version);
    let start = Instant::now();
    let log = workspace::target().join("xtask-logs/install.log");
    extension(cache, installation, profile, &log)?;
    println!("built in {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// A file of the extension, and where it goes.
pub struct File {
    /// Its path when installed.
    pub path: PathBuf,
    /// What it holds.
    pub content: Vec<u8>,
}

impl File {
    /// Writes it, readable for everybody whatever the umask. A library that a server has loaded stays as it is for that server:
    /// the new one is another file under the same name.
    fn write(&self) -> Result<()> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let fresh = self.path.with_file_name(format!(".{name}.new"));
        let write = || {
            fs::write(&fresh, &self.content)?;
            fs::set_permissions(&fresh, Permissions::from_mode(0o644))?;
            fs::rename(&fresh, &self.path)
        };
        write().with_context(|| format!("could not write {}", self.path.display()))
    }
}

/// Builds the library and lists all files of the two extensions.
pub fn files(
    cache: &Cache,
    installation: &Installation,
    profile: Profile,
    log: &Path,
) -> Result<Vec<File>> {
    let library = build(cache, installation, profile, log)?;
    let mut files = vec![File {
        path: installation.pkglibdir.join(format!("{EXTENSION}.so")),
        content: fs::read(&library).with_context(|| format!("no {}", library.display()))?,
    }];
    for (name, content) in script::files()? {
        files.push(File {
            path: installation.extension_dir().join(name),
            content,
        });
    }
    Ok(files)
}

/// Builds the library and returns its path.
fn build(
    cache: &Cache,
    installation: &Installation,
    profile: Profile,
    log: &Path,
) -> Result<PathBuf> {
    let mut cargo = run::cargo(cache);
    cargo
        .args(["build", "--package", EXTENSION, "--lib"])
        .args(["--no-default-features", "--features"])
        .arg(installation.label())
        .args(["--profile", profile.name()]);
    if profile == Profile::Dev {
        // There are no examples, but asking for them makes cargo choose the same features of the dependencies as for tests.
        cargo.arg("--examples");
    }
    // Those that pgrx's configuration names are found by their version.
    if !servers::all(cache).contains(installation) {
        cargo.env("PGRX_PG_CONFIG_PATH", &installation.pg_config);
    }
    run::logged(&mut cargo, log)?;
    let directory = workspace::target().join(profile.directory());
    Ok(directory.join(format!("lib{EXTENSION}.so")))
}
