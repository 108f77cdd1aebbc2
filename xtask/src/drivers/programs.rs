//! The drivers: where each comes from, and how its program is run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::cache::Cache;
use crate::{run, workspace};

/// A driver and its program.
pub struct Driver {
    /// As its users call it.
    pub name: &'static str,
    /// Whether it takes seconds to get, without a system package or a build.
    pub quick: bool,
    /// Gets the driver, unless it is there, and returns the program to run; an error says why it can't run here.
    pub prepare: fn(&Cache) -> Result<Command>,
}

/// All of them.
pub const DRIVERS: &[Driver] = &[
    Driver {
        name: "psycopg",
        quick: true,
        prepare: |cache| {
            python(
                cache,
                "psycopg",
                "3.3.9",
                "psycopg[binary]",
                "psycopg_driver.py",
            )
        },
    },
    Driver {
        name: "asyncpg",
        quick: true,
        prepare: |cache| python(cache, "asyncpg", "0.32.0", "asyncpg", "asyncpg_driver.py"),
    },
    Driver {
        name: "node-postgres",
        quick: true,
        prepare: node,
    },
    Driver {
        name: "jdbc",
        quick: false,
        prepare: jdbc,
    },
    Driver {
        name: "sqlx",
        quick: false,
        prepare: sqlx,
    },
];

/// The version of the package `pg`.
const NODE_POSTGRES: &str = "8.23.1";

/// Debian's package of the JDBC driver, and the file in it.
const JDBC_PACKAGE: &str = "libpostgresql-jdbc-java";
const JDBC_JAR: &str = "usr/share/java/postgresql.jar";

fn directory(cache: &Cache) -> PathBuf {
    cache.root().join("drivers")
}

fn program(name: &str) -> PathBuf {
    workspace::root().join("tests/drivers/programs").join(name)
}

/// A package of pip's in a directory of its own for this version of Python.
fn python(
    cache: &Cache,
    package: &str,
    version: &str,
    requirement: &str,
    script: &str,
) -> Result<Command> {
    ensure!(
        run::succeeds("python3", &["-m", "pip", "--version"]),
        "there is no python3 with pip"
    );
    let tag = "import sys; print('python%d.%d' % sys.version_info[:2])";
    let output = Command::new("python3").args(["-c", tag]).output()?;
    let tag = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let target = directory(cache).join(format!("{package}-{version}-{tag}"));
    fill_directory(&target, |fresh| {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--only-binary", ":all:", "--target"])
            .arg(fresh)
            .arg(format!("{requirement}=={version}"));
        run::logged(&mut pip, &cache.log(package))
    })?;
    let mut command = Command::new("python3");
    command
        .arg(program(script))
        .env("PYTHONPATH", target)
        .env("PYTHONIOENCODING", "utf-8")
        .env("PYTHONDONTWRITEBYTECODE", "1");
    Ok(command)
}

fn node(cache: &Cache) -> Result<Command> {
    for tool in ["node", "npm"] {
        ensure!(run::succeeds(tool, &["--version"]), "there is no {tool}");
    }
    let target = directory(cache).join(format!("pg-{NODE_POSTGRES}"));
    fill_directory(&target, |fresh| {
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-fund", "--no-audit", "--ignore-scripts"])
            .arg("--prefix")
            .arg(fresh)
            .arg(format!("pg@{NODE_POSTGRES}"));
        run::logged(&mut npm, &cache.log("node-postgres"))
    })?;
    let mut command = Command::new("node");
    command
        .arg(program("node_postgres.js"))
        .env("NODE_PATH", target.join("node_modules"));
    Ok(command)
}

/// The distribution's driver: installed, or its package unpacked, which takes no root.
fn jdbc(cache: &Cache) -> Result<Command> {
    ensure!(
        run::succeeds("javac", &["-version"]),
        "there is no Java development kit"
    );
    let installed = Path::new("/").join(JDBC_JAR);
    let jar = if installed.is_file() {
        installed
    } else {
        let target = directory(cache).join(JDBC_PACKAGE);
        fill_directory(&target, |fresh| unpack_debian(cache, JDBC_PACKAGE, fresh))?;
        target.join(JDBC_JAR)
    };
    let mut command = Command::new("java");
    command
        .args(["-Dfile.encoding=UTF-8", "-cp"])
        .arg(jar)
        .arg(program("Jdbc.java"));
    Ok(command)
}

/// Downloads a Debian package and unpacks it.
fn unpack_debian(cache: &Cache, package: &str, directory: &Path) -> Result<()> {
    ensure!(
        run::succeeds("apt-get", &["--version"]),
        "install PostgreSQL's JDBC driver as /{JDBC_JAR}"
    );
    let mut download = Command::new("apt-get");
    download.args(["download", package]).current_dir(directory);
    run::logged(&mut download, &cache.log(package))
        .with_context(|| format!("install {package}, or run apt-get update"))?;
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            let mut unpack = Command::new("dpkg");
            unpack.arg("-x").arg(&path).arg(directory);
            return run::logged(&mut unpack, &cache.log(package));
        }
    }
    bail!("apt-get downloaded nothing")
}

fn sqlx(cache: &Cache) -> Result<Command> {
    let target = workspace::target().join("drivers");
    let mut cargo = run::cargo(cache);
    cargo
        .args(["build", "--locked", "--manifest-path"])
        .arg(program("sqlx/Cargo.toml"))
        .env("CARGO_TARGET_DIR", &target);
    run::logged(&mut cargo, &workspace::target().join("xtask-logs/sqlx.log"))?;
    Ok(Command::new(target.join("debug/sqlx-driver")))
}

/// Fills `target` unless it is there: beside it first, so that it is there as a whole or not at all.
pub fn fill_directory(target: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    if target.is_dir() {
        return Ok(());
    }
    let fresh = target.with_extension("new");
    if fresh.exists() {
        fs::remove_dir_all(&fresh)?;
    }
    fs::create_dir_all(&fresh).with_context(|| format!("could not create {}", fresh.display()))?;
    fill(&fresh)?;
    fs::rename(&fresh, target).with_context(|| format!("could not create {}", target.display()))
}
