//! `cargo xtask drivers`: what clients send, sent by the clients' own drivers.
//!
//! A program for each driver (`tests/drivers/programs`) sends the statements of `tests/drivers/setup.sql` with the query in every
//! form that the driver has, and prints how each fared: served by the index with the right rows, or refused, and how. What it
//! prints must equal `tests/drivers/expected`.
//!
//! Drivers come from their registries, in fixed versions, into the cache directory. One that can't be had on this machine is not
//! run, and named with the reason: silently nothing is left out.

mod programs;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use cluster::{Cluster, Installation, Options};

use crate::cache::Cache;
use crate::install::{self, Profile};
use crate::setup::{self, Purpose};
use crate::test::expected;
use crate::test::tally::Tally;
use crate::{run, servers, workspace};
pub use programs::fill_directory;
use programs::{DRIVERS, Driver};

/// The database that `setup.sql` fills.
const DATABASE: &str = "postgres";

/// A driver that can run, and how.
pub struct Ready {
    name: &'static str,
    program: Command,
}

/// What there is to run, and why the rest is not.
pub struct Prepared {
    /// Those that can run.
    pub ready: Vec<Ready>,
    /// A line for each that can't.
    pub missing: Vec<String>,
}

/// `drivers [pgNN] [--bless] [name…]`: builds, installs and runs on one server.
pub fn command(mut parser: lexopt::Parser) -> Result<()> {
    let (mut major, mut bless, mut names) = (servers::EMBEDDED_DEFAULT, false, Vec::new());
    while let Some(argument) = parser.next()? {
        match argument {
            lexopt::Arg::Long("bless") => bless = true,
            lexopt::Arg::Value(value) => {
                let value = value.to_string_lossy().into_owned();
                match servers::parse_label(&value) {
                    Ok(label) => major = label,
                    Err(_) => names.push(value),
                }
            }
            other => return Err(other.unexpected().into()),
        }
    }
    let chosen = chosen(&names)?;
    let cache = setup::ensure(Purpose::Embedded)?;
    let installation = servers::embedded_version(&cache, major)?;
    let prepared = prepare(&cache, &chosen);
    ensure!(
        names.is_empty() || prepared.missing.is_empty(),
        "can't run {}",
        prepared.missing.join("; ")
    );
    let log = workspace::target().join("xtask-logs/install.log");
    install::extension(&cache, &installation, Profile::Dev, &log)?;
    let ran = prepared.ready.len();
    let log = workspace::target().join("xtask-logs/drivers.log");
    let tally = run(&installation, prepared.ready, bless, &log)?;
    print!("{}", fs::read_to_string(&log)?);
    for line in &prepared.missing {
        println!("not run: {line}");
    }
    println!(
        "{ran} drivers run, {} not run; {} passed, {} failed",
        prepared.missing.len(),
        tally.passed,
        tally.failed
    );
    ensure!(tally.failed == 0, "the driver tests failed");
    Ok(())
}

/// The drivers of these names; all without a name.
fn chosen(names: &[String]) -> Result<Vec<&'static Driver>> {
    if names.is_empty() {
        return Ok(DRIVERS.iter().collect());
    }
    let known = || {
        let names: Vec<&str> = DRIVERS.iter().map(|driver| driver.name).collect();
        names.join(", ")
    };
    names
        .iter()
        .map(|name| {
            let driver = DRIVERS.iter().find(|driver| driver.name == name);
            driver.with_context(|| format!("unknown driver \"{name}\": choose of {}", known()))
        })
        .collect()
}

/// Makes those drivers available that take seconds to get and need no build: what every test session runs.
pub fn prepare_quick(cache: &Cache) -> Prepared {
    let quick: Vec<&Driver> = DRIVERS.iter().filter(|driver| driver.quick).collect();
    prepare(cache, &quick)
}

fn prepare(cache: &Cache, drivers: &[&'static Driver]) -> Prepared {
    let (mut ready, mut missing) = (Vec::new(), Vec::new());
    for driver in drivers {
        match (driver.prepare)(cache) {
            Ok(program) => ready.push(Ready {
                name: driver.name,
                program,
            }),
            Err(error) => missing.push(format!("{}: {error:#}", driver.name)),
        }
    }
    Prepared { ready, missing }
}

/// Runs the programs on a throw-away cluster of `installation`, whose extensions are installed; differences go to `log`.
pub fn run(
    installation: &Installation,
    drivers: Vec<Ready>,
    bless: bool,
    log: &Path,
) -> Result<Tally> {
    let mut file = run::create(log)?;
    let cluster = Cluster::start_new(installation, Options::default().with_tcp())?;
    fill(&cluster)?;
    let mut tally = Tally::default();
    for driver in drivers {
        let printed = output(&cluster, driver.program)?;
        let path = directory().join(format!("expected/{}.out", driver.name));
        if expected::matches(driver.name, &path, &printed, bless, &mut file)? {
            tally.passed += 1;
        } else {
            tally.failed += 1;
        }
    }
    Ok(tally)
}

fn directory() -> std::path::PathBuf {
    workspace::root().join("tests/drivers")
}

fn fill(cluster: &Cluster) -> Result<()> {
    let output = cluster
        .psql(DATABASE)
        .args(["-q", "-v", "ON_ERROR_STOP=1", "-f"])
        .arg(directory().join("setup.sql"))
        .output()?;
    if !output.status.success() {
        bail!(
            "setup.sql failed:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}

/// What a program prints, errors last.
fn output(cluster: &Cluster, mut program: Command) -> Result<String> {
    // The connection, and nothing of the caller's.
    for (name, value) in cluster.client_command("psql", DATABASE).get_envs() {
        match value {
            Some(value) => program.env(name, value),
            None => program.env_remove(name),
        };
    }
    // Some drivers know TCP only.
    program.env("PGHOST", "127.0.0.1").stdin(Stdio::null());
    let name = program.get_program().to_string_lossy().into_owned();
    let output = program
        .output()
        .with_context(|| format!("could not run {name}"))?;
    let mut printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        printed.push_str(&format!("{name} ended with {}\n", output.status));
        printed.push_str(&String::from_utf8_lossy(&output.stderr));
    }
    Ok(printed)
}
