//! cargo-pgrx in the cache, and a `PGRX_HOME` of our own.

use std::fmt::Write;
use std::fs;

use anyhow::{Context, Result};

use crate::cache::{CARGO_PGRX_VERSION, Cache};
use crate::{run, servers, workspace};

/// `cargo install` moves the program into place last, so a file means a whole one.
pub fn is_there(cache: &Cache) -> bool {
    cache.cargo_pgrx().join("bin/cargo-pgrx").is_file()
}

/// Builds cargo-pgrx; takes some minutes, once.
pub fn install(cache: &Cache) -> Result<()> {
    println!("  builds   cargo-pgrx {CARGO_PGRX_VERSION} (some minutes, only this once)");
    let mut cargo = run::cargo(cache);
    cargo
        .args(arguments(cache))
        // It runs for seconds only: not worth minutes of optimising.
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
        .env("CARGO_TARGET_DIR", workspace::target().join("cargo-pgrx"));
    run::logged(&mut cargo, &cache.log("cargo-pgrx"))
}

/// The same for people.
pub fn shell_line(cache: &Cache) -> String {
    format!("cargo {}", arguments(cache).join(" "))
}

fn arguments(cache: &Cache) -> Vec<String> {
    let root = cache.cargo_pgrx().display().to_string();
    let version = format!("={CARGO_PGRX_VERSION}");
    [
        "install",
        "--locked",
        "cargo-pgrx",
        "--version",
        &version,
        "--root",
        &root,
    ]
    .map(String::from)
    .into()
}

/// Writes `config.toml`: which `pg_config` stands for which version. That is all of
/// `cargo pgrx init` that building and testing need.
pub fn configure(cache: &Cache) -> Result<()> {
    let mut text = String::from("[configs]\n");
    for installation in servers::all(cache) {
        // Writing to a String can't fail.
        let _ = writeln!(
            text,
            "{} = {:?}",
            installation.label(),
            installation.pg_config
        );
    }
    let path = cache.pgrx_home().join("config.toml");
    // A new time stamp would make cargo rebuild the bindings.
    if fs::read_to_string(&path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs::create_dir_all(cache.pgrx_home())?;
    fs::write(&path, text).with_context(|| format!("could not write {}", path.display()))
}
