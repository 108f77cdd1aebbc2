//! System packages (Debian and Ubuntu), and what to ask for elsewhere.

use std::process::Command;

use anyhow::{Result, bail};

use super::{Purpose, pgrx, wheel};
use crate::cache::Cache;
use crate::{run, servers};

/// Package names that are needed and not installed.
///
/// Without `dpkg` nothing can be looked up by name; there a missing `clang` or `c++` is an error that
/// says what to install.
pub fn missing(cache: &Cache, purpose: Purpose) -> Result<Vec<String>> {
    if !run::succeeds("dpkg-query", &["--version"]) {
        if !run::succeeds("clang", &["--version"]) {
            bail!("clang is missing: install clang with libclang and its headers, then try again");
        }
        if !run::succeeds("c++", &["--version"]) {
            bail!("c++ is missing: install a C++ compiler, then try again");
        }
        return Ok(Vec::new());
    }
    // usearch is compiled as C++.
    let mut needed = vec!["clang", "libclang-dev", "g++"];
    if purpose == Purpose::Everything && !pgrx::is_there(cache) {
        needed.extend(["libssl-dev", "pkg-config"]);
    }
    if purpose != Purpose::Build && !wheel::is_there(cache) && !wheel::has_pip() {
        needed.extend(["python3", "python3-pip"]);
    }
    if is_root() && purpose == Purpose::Everything {
        // pgrx's tests step down from root with it.
        needed.push("sudo");
    }
    let mut missing: Vec<String> = needed
        .into_iter()
        .filter(|name| !is_installed(name))
        .map(str::to_owned)
        .collect();
    // Only root can install the extension into the distribution's server.
    if is_root() && purpose == Purpose::Everything && servers::system().is_empty() {
        missing.extend(server_packages());
    }
    Ok(missing)
}

/// Installs packages; an error with the command to run for who may not.
pub fn install(cache: &Cache, missing: &[String]) -> Result<()> {
    if !is_root() || !run::succeeds("apt-get", &["--version"]) {
        let lines = commands(missing).join("\n  ");
        bail!("system packages are missing; install them with\n  {lines}");
    }
    println!("  installs {}", missing.join(" "));
    run::logged(apt_get().arg("update"), &cache.log("apt-update"))?;
    // Only now it is known for sure which server the distribution offers.
    let (servers, mut names): (Vec<_>, Vec<_>) = missing
        .iter()
        .cloned()
        .partition(|name| name.starts_with("postgresql"));
    if !servers.is_empty() {
        names.extend(server_packages());
    }
    let mut install = apt_get();
    install
        .args(["install", "--yes", "--no-install-recommends"])
        .args(names);
    run::logged(&mut install, &cache.log("apt-install"))
}

/// The command lines that install `missing`.
pub fn commands(missing: &[String]) -> Vec<String> {
    let list = missing.join(" ");
    vec![
        "sudo apt-get update".into(),
        format!("sudo apt-get install --yes --no-install-recommends {list}"),
    ]
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn is_installed(package: &str) -> bool {
    Command::new("dpkg-query")
        .args(["--show", "--showformat=${db:Status-Status}", package])
        .output()
        .is_ok_and(|output| output.status.success() && output.stdout == b"installed")
}

/// Server and headers of the newest supported version that the distribution offers; its own
/// choice where no package lists have been loaded yet.
fn server_packages() -> Vec<String> {
    let names = |major| {
        [
            format!("postgresql-{major}"),
            format!("postgresql-server-dev-{major}"),
        ]
    };
    let fallback = || ["postgresql", "postgresql-server-dev-all"].map(String::from);
    let mut pairs = servers::SUPPORTED.rev().map(names);
    pairs
        .find(|pair| pair.iter().all(|name| is_offered(name)))
        .unwrap_or_else(fallback)
        .into()
}

fn is_offered(package: &str) -> bool {
    Command::new("apt-cache")
        .args(["show", "--no-all-versions", package])
        .output()
        .is_ok_and(|output| output.status.success() && !output.stdout.is_empty())
}
