//! `cargo xtask python`: the tests of the Python package, on a throw-away cluster.
//!
//! What they need comes from PyPI in the versions of `python/tests/requirements.txt`, into the cache directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use cluster::{Cluster, Installation, Options};

use crate::cache::Cache;
use crate::drivers::fill_directory;
use crate::install::{self, Profile};
use crate::setup::{self, Purpose};
use crate::test::tally::Tally;
use crate::{run, servers, workspace};

const DATABASE: &str = "postgres";

/// `python [pgNN]`: builds, installs and runs on one server.
pub fn command(mut parser: lexopt::Parser) -> Result<()> {
    let mut major = servers::EMBEDDED_DEFAULT;
    while let Some(argument) = parser.next()? {
        match argument {
            lexopt::Arg::Value(label) => major = servers::parse_label(&label.to_string_lossy())?,
            other => return Err(other.unexpected().into()),
        }
    }
    let cache = setup::ensure(Purpose::Embedded)?;
    let installation = servers::embedded_version(&cache, major)?;
    let packages = prepare(&cache)?;
    let log = workspace::target().join("xtask-logs/install.log");
    install::extension(&cache, &installation, Profile::Dev, &log)?;
    let log = workspace::target().join("xtask-logs/python.log");
    let tally = run(&installation, &packages, &log);
    print!("{}", fs::read_to_string(&log)?);
    let tally = tally?;
    println!("{} passed, {} failed", tally.passed, tally.failed);
    ensure!(tally.failed == 0, "the tests of the Python package failed");
    Ok(())
}

/// Gets the packages, once for each list and version of Python.
pub fn prepare(cache: &Cache) -> Result<PathBuf> {
    ensure!(
        run::succeeds("python3", &["-m", "pip", "--version"]),
        "there is no python3 with pip"
    );
    let requirements = workspace::root().join("python/tests/requirements.txt");
    let tag = "import sys, zlib; print('python%d.%d-%08x' % (*sys.version_info[:2], zlib.crc32(open(sys.argv[1], 'rb').read())))";
    let output = Command::new("python3")
        .args(["-c", tag])
        .arg(&requirements)
        .output()?;
    let tag = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let target = cache.root().join("python").join(tag);
    fill_directory(&target, |fresh| {
        let mut pip = Command::new("python3");
        pip.args([
            "-m",
            "pip",
            "install",
            "--only-binary",
            ":all:",
            "--no-deps",
            "--target",
        ])
        .arg(fresh)
        .arg("--requirement")
        .arg(&requirements);
        run::logged(&mut pip, &cache.log("python"))
    })?;
    Ok(target)
}

/// Runs pytest and the type checker on a cluster of `installation`, whose extensions are installed.
pub fn run(installation: &Installation, packages: &Path, log: &Path) -> Result<Tally> {
    let cluster = Cluster::start_new(installation, Options::default())?;
    let file = run::create(log)?;
    let mut pytest = Command::new("python3");
    for (name, value) in cluster.client_command("psql", DATABASE).get_envs() {
        match value {
            Some(value) => pytest.env(name, value),
            None => pytest.env_remove(name),
        };
    }
    let status = with_packages(&mut pytest, packages)
        .args([
            "-m",
            "pytest",
            "--quiet",
            "--color=no",
            "-W",
            "error::sqlalchemy.exc.SAWarning",
        ])
        .stdout(file.try_clone()?)
        .stderr(file.try_clone()?)
        .status()
        .context("could not run python3")?;
    let text = fs::read_to_string(log)?;
    let mut tally = pytest_tally(&text).unwrap_or_default();
    if !status.success() && tally.failed == 0 {
        bail!(
            "pytest ended with {status}; {} ends\n{}",
            log.display(),
            run::tail(log)
        );
    }
    if tally.failed > 0 {
        eprintln!("\n{}", run::tail(log));
    }
    let mut mypy = Command::new("python3");
    let typed = with_packages(&mut mypy, packages)
        .args(["-m", "mypy", "--no-incremental", "src/pg_quantize"])
        .stdout(file.try_clone()?)
        .stderr(file)
        .status()?;
    if typed.success() {
        tally.passed += 1;
    } else {
        eprintln!("\n{}", run::tail(log));
        tally.failed += 1;
    }
    Ok(tally)
}

fn with_packages<'a>(python: &'a mut Command, packages: &Path) -> &'a mut Command {
    python
        .current_dir(workspace::root().join("python"))
        .env("PYTHONPATH", packages)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
}

/// The counts of pytest's closing line, `1 failed, 82 passed in 5.09s`.
fn pytest_tally(text: &str) -> Option<Tally> {
    let line = text
        .lines()
        .rev()
        .find(|line| line.contains(" passed") || line.contains(" failed"))?;
    let count = |word: &str| {
        let before = line.split(word).next().filter(|_| line.contains(word))?;
        before.trim().rsplit(' ').next()?.parse().ok()
    };
    Some(Tally {
        passed: count(" passed").unwrap_or(0),
        failed: count(" failed").unwrap_or(0) + count(" error").unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_closing_line_of_pytest() {
        let tally = |passed, failed| Some(Tally { passed, failed });
        assert_eq!(pytest_tally("..\n83 passed in 12.82s\n"), tally(83, 0));
        assert_eq!(
            pytest_tally("1 failed, 82 passed, 2 warnings in 5.09s"),
            tally(82, 1)
        );
        assert_eq!(pytest_tally("1 passed, 2 errors in 1s"), tally(1, 2));
        assert_eq!(pytest_tally("collected 0 items"), None);
    }
}
