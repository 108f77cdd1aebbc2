//! `cargo xtask setup`: installs what the other commands need, and says so line by line.
//!
//! Three things: system packages ([`packages`]), cargo-pgrx ([`pgrx`]) and the embedded servers
//! ([`wheel`]). Whatever is there already costs a few file look-ups. Only root may install system
//! packages; anybody else is told the exact command.

mod packages;
mod pgrx;
mod purpose;
mod wheel;

use anyhow::{Result, bail};

use crate::cache::{CARGO_PGRX_VERSION, Cache};
pub use purpose::Purpose;

/// `setup [--check]`.
pub fn command(mut parser: lexopt::Parser) -> Result<()> {
    let mut check = false;
    while let Some(argument) = parser.next()? {
        match argument {
            lexopt::Arg::Long("check") => check = true,
            other => return Err(other.unexpected().into()),
        }
    }
    let cache = Cache::locate()?;
    println!("cache: {}", cache.root().display());
    if check {
        report(&cache)
    } else {
        prepare(&cache, Purpose::Everything, true)
    }
}

/// Makes everything for `purpose` available; silent about what is there already unless `verbose`.
pub fn ensure(purpose: Purpose) -> Result<Cache> {
    let cache = Cache::locate()?;
    prepare(&cache, purpose, false)?;
    Ok(cache)
}

fn prepare(cache: &Cache, purpose: Purpose, verbose: bool) -> Result<()> {
    let quiet = |line: &str| {
        if verbose {
            println!("  there    {line}");
        }
    };
    let missing = packages::missing(cache, purpose)?;
    if missing.is_empty() {
        quiet("system packages");
    } else {
        packages::install(cache, &missing)?;
    }
    if purpose != Purpose::Everything {
        // Only the tests inside a backend need cargo-pgrx.
    } else if pgrx::is_there(cache) {
        quiet(&format!("cargo-pgrx {CARGO_PGRX_VERSION}"));
    } else {
        pgrx::install(cache)?;
    }
    if purpose == Purpose::Build {
        // The caller has a server.
    } else if wheel::is_there(cache) {
        quiet(&format!(
            "embedded servers ({} {})",
            wheel::PACKAGE,
            wheel::VERSION
        ));
    } else {
        wheel::install(cache)?;
    }
    pgrx::configure(cache)
}

/// Says what is missing and how to get it, and fails if anything is.
fn report(cache: &Cache) -> Result<()> {
    let mut commands = Vec::new();
    let missing = packages::missing(cache, Purpose::Everything)?;
    if !missing.is_empty() {
        commands.extend(packages::commands(&missing));
    }
    if !pgrx::is_there(cache) {
        commands.push(pgrx::shell_line(cache));
    }
    if !wheel::is_there(cache) {
        commands.extend(wheel::shell_lines(cache));
    }
    if commands.is_empty() {
        println!("nothing is missing");
        return Ok(());
    }
    println!("missing; `cargo xtask setup` runs these (system packages as root only):");
    commands.iter().for_each(|line| println!("  {line}"));
    bail!("the setup is incomplete");
}
