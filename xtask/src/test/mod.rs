//! `cargo xtask test`: lints, pure crates, `#[pg_test]`, SQL regression and whole-server tests.
//!
//! The extension's tests run on every server at hand (see [`servers::all`]) or on the one named.
//! On each server `cargo pgrx test` comes first, because it installs a build with test functions
//! in it; the ordinary build then replaces that one for the other tests.

pub mod expected;
pub mod regress;
mod report;
pub mod tally;

use std::process::Command;

use anyhow::{Result, bail};
use cluster::{Account, Guard, Installation};

use crate::cache::Cache;
use crate::install::{self, Profile};
use crate::setup::Purpose;
use crate::{allocations, circles, drivers, package, python, run, servers, setup};
use report::Session;
use tally::Tally;

/// `test [pgNN|all] [--keep-going]`.
pub fn command(mut parser: lexopt::Parser) -> Result<()> {
    let (mut only, mut keep_going) = (None, false);
    while let Some(argument) = parser.next()? {
        match argument {
            lexopt::Arg::Long("keep-going") => keep_going = true,
            lexopt::Arg::Value(label) if label == "all" => only = None,
            lexopt::Arg::Value(label) => {
                only = Some(servers::parse_label(&label.to_string_lossy())?);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    let cache = setup::ensure(Purpose::Everything)?;
    let servers = chosen_servers(&cache, only)?;
    let mut session = Session::new(keep_going);
    let outcome = everything(&mut session, &cache, &servers);
    session.finish(outcome)
}

/// The servers to test on; an error when the one asked for is not there.
fn chosen_servers(cache: &Cache, only: Option<u16>) -> Result<Vec<Installation>> {
    let mut servers = servers::all(cache);
    for system in servers::system()
        .iter()
        .filter(|system| !servers::may_install(system))
    {
        println!(
            "not tested: {}, whose directories only root may write",
            system.version
        );
    }
    if let Some(major) = only {
        servers.retain(|installation| installation.major == major);
    }
    match (servers.is_empty(), only) {
        (true, Some(major)) => bail!("there is no Postgres {major} to test on"),
        (true, None) => bail!("there is no Postgres to test on"),
        _ => Ok(servers),
    }
}

fn everything(session: &mut Session, cache: &Cache, servers: &[Installation]) -> Result<()> {
    lints(session, cache, servers)?;
    session.tests("pure crates", &mut pure_tests(cache))?;
    for installation in servers {
        on_server(session, cache, installation)?;
    }
    session.verdict()
}

fn lints(session: &mut Session, cache: &Cache, servers: &[Installation]) -> Result<()> {
    session.check(
        "format",
        run::cargo(cache).args(["fmt", "--all", "--check", "--", "--color", "never"]),
    )?;
    session.step("import circles", |_| {
        circles::check().map(|()| Tally::default())
    })?;
    session.step("allocations", |_| {
        allocations::check().map(|()| Tally::default())
    })?;
    let mut clippy = run::cargo(cache);
    clippy.args([
        "clippy",
        "--workspace",
        "--exclude",
        install::EXTENSION,
        "--all-targets",
    ]);
    session.check("lint pure crates", clippy.args(["--", "-D", "warnings"]))?;
    let mut documentation = run::cargo(cache);
    documentation.args(["doc", "--no-deps", "--document-private-items"]);
    documentation.args(["-p", "quantize", "-p", "qivf", "-p", "cluster"]);
    documentation.env("RUSTDOCFLAGS", "-D warnings");
    session.check("documentation of pure crates", &mut documentation)?;
    for installation in servers {
        let label = installation.label();
        let mut clippy = run::cargo(cache);
        clippy.args(["clippy", "--package", install::EXTENSION, "--all-targets"]);
        clippy.args([
            "--no-default-features",
            "--features",
            &format!("{label} pg_test"),
        ]);
        session.check(
            &format!("lint {label}"),
            clippy.args(["--", "-D", "warnings"]),
        )?;
    }
    Ok(())
}

/// Everything that needs no Postgres.
fn pure_tests(cache: &Cache) -> Command {
    let mut cargo = run::cargo(cache);
    cargo.args(["test", "--workspace", "--no-fail-fast"]);
    cargo.args(["--exclude", install::EXTENSION, "--exclude", "server-tests"]);
    cargo
}

fn on_server(session: &mut Session, cache: &Cache, installation: &Installation) -> Result<()> {
    let label = installation.label();
    println!(
        "{} ({})",
        installation.version,
        installation.bindir.display()
    );
    packages(session, cache, installation)?;
    let data = TestData::create()?;
    session.tests(
        &format!("pg_test {label}"),
        &mut pgrx_tests(cache, installation, &data)?,
    )?;
    session.step(&format!("install {label}"), |log| {
        install::extension(cache, installation, Profile::Dev, log).map(|()| Tally::default())
    })?;
    session.step(&format!("regress {label}"), |log| {
        regress::run(installation, log)
    })?;
    session.tests(
        &format!("server {label}"),
        &mut server_tests(cache, installation),
    )?;
    driver_tests(session, cache, installation)?;
    python_tests(session, cache, installation)
}

/// The Debian package of the distribution's server: installed, used, removed.
fn packages(session: &mut Session, cache: &Cache, installation: &Installation) -> Result<()> {
    let name = format!("package {}", installation.label());
    if !servers::system().contains(installation) {
        return Ok(());
    }
    if !rustix::process::geteuid().is_root() || !run::succeeds("dpkg", &["--version"]) {
        session.left_out(&[format!("{name}: takes root and dpkg")]);
        return Ok(());
    }
    session.step(&name, |log| {
        package::try_debian(cache, installation, log).map(|()| Tally {
            passed: 1,
            failed: 0,
        })
    })
}

/// The Python package, on the newest server only: what it does is the same on all.
fn python_tests(session: &mut Session, cache: &Cache, installation: &Installation) -> Result<()> {
    if installation.major != servers::EMBEDDED_DEFAULT {
        return Ok(());
    }
    match python::prepare(cache) {
        Ok(packages) => session.step("python", |log| python::run(installation, &packages, log)),
        Err(error) => {
            session.left_out(&[format!("python: {error:#}")]);
            Ok(())
        }
    }
}

/// Queries as clients send them, through those drivers that take seconds to get.
fn driver_tests(session: &mut Session, cache: &Cache, installation: &Installation) -> Result<()> {
    let name = format!("drivers {}", installation.label());
    if !installation.has_extension("vector") {
        session.left_out(&[format!("{name}: there is no pgvector")]);
        return Ok(());
    }
    let prepared = drivers::prepare_quick(cache);
    session.left_out(&prepared.missing);
    session.step(&name, |log| {
        let tally = drivers::run(installation, prepared.ready, false, log)?;
        if tally.failed > 0 {
            eprintln!("\n{}", run::tail(log));
        }
        Ok(tally)
    })
}

fn pgrx_tests(cache: &Cache, installation: &Installation, data: &TestData) -> Result<Command> {
    let mut cargo = run::cargo(cache);
    cargo.args([
        "pgrx",
        "test",
        "--no-default-features",
        &installation.label(),
    ]);
    cargo.arg("--pgdata").arg(&data.path);
    // pgrx connects under this name.
    cargo.env("USER", whoami());
    if let Some(name) = Account::detect()?.name() {
        cargo.args(["--runas", name]);
    }
    Ok(cargo)
}

/// The tests in `tests/`, which start servers of their own.
fn server_tests(cache: &Cache, installation: &Installation) -> Command {
    let mut cargo = run::cargo(cache);
    cargo.args(["test", "--package", "server-tests", "--no-fail-fast"]);
    cargo.env("PG_QUANTIZE_PG_CONFIG", &installation.pg_config);
    cargo
}

/// Name of the calling user.
fn whoami() -> String {
    let output = Command::new("id")
        .arg("-un")
        .output()
        .map(|output| output.stdout);
    String::from_utf8_lossy(&output.unwrap_or_default())
        .trim()
        .to_owned()
}

/// A directory for pgrx's data directories that the server's account may write, gone afterwards.
struct TestData {
    path: std::path::PathBuf,
    _guard: Guard,
}

impl TestData {
    fn create() -> Result<Self> {
        // Short, since it holds sockets.
        let path = std::env::temp_dir().join(format!("pgq-test-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        let guard = Guard::new(&path)?;
        Account::detect()?.give(&path)?;
        Ok(Self {
            path,
            _guard: guard,
        })
    }
}
