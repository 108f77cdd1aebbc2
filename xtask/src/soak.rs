//! `cargo xtask soak`: the tests that kill, starve and corrupt, for as long as they are given.
//!
//! The same programs as in `cargo xtask test`, which gives them seconds: `tests/crash.rs`, `tests/corruption.rs` and
//! `tests/random_calls.rs`. Each prints the seed of a failure.

use anyhow::{Context, Result, bail};
use lexopt::ValueExt;

use crate::install::{self, Profile};
use crate::setup::{self, Purpose};
use crate::{run, servers, workspace};

/// Minutes without `--minutes`.
const MINUTES: u64 = 60;

/// Damaged files and calls of each function for every minute.
const PER_MINUTE: u64 = 10;

/// `soak [pgNN] [--minutes N]`: builds, installs and runs on one server.
pub fn command(mut parser: lexopt::Parser) -> Result<()> {
    let (mut major, mut minutes) = (servers::EMBEDDED_DEFAULT, MINUTES);
    while let Some(argument) = parser.next()? {
        match argument {
            lexopt::Arg::Long("minutes") => minutes = parser.value()?.parse()?,
            lexopt::Arg::Value(label) => major = servers::parse_label(&label.to_string_lossy())?,
            other => return Err(other.unexpected().into()),
        }
    }
    let cache = setup::ensure(Purpose::Everything)?;
    let all = servers::all(&cache);
    let installation = all.iter().find(|installation| installation.major == major);
    let installation = installation.with_context(|| format!("there is no Postgres {major}"))?;
    let log = workspace::target().join("xtask-logs/install.log");
    install::extension(&cache, installation, Profile::Dev, &log)?;
    let count = (minutes * PER_MINUTE).to_string();
    let mut cargo = run::cargo(&cache);
    cargo
        .args(["test", "--package", "server-tests", "--no-fail-fast"])
        .args([
            "--test",
            "crash",
            "--test",
            "corruption",
            "--test",
            "random_calls",
        ])
        .args(["--", "--nocapture", "--test-threads", "1"])
        .env("PG_QUANTIZE_PG_CONFIG", &installation.pg_config)
        .env("PG_QUANTIZE_SOAK_MINUTES", minutes.to_string())
        .env("PG_QUANTIZE_DAMAGES", &count)
        .env("PG_QUANTIZE_CALLS", &count);
    let status = cargo.status().context("could not run cargo")?;
    if !status.success() {
        bail!("something was lost, or the server did not survive");
    }
    Ok(())
}
