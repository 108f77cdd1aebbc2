//! The SQL regression tests: `tests/regress/sql/*.sql` against `tests/regress/expected/*.out`.
//!
//! Each file runs through psql in a database of its own that holds the extension; what psql
//! prints, errors included, must equal the expected file to the byte. A file that begins with
//! `-- requires: vector` runs only where that extension is available, and gets it created first.
//! `<name>.pgNN.out` replaces `<name>.out` on that version.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use cluster::{Cluster, Installation, Options};

use super::expected;
use super::tally::Tally;
use crate::install::{self, Profile};
use crate::setup::Purpose;
use crate::{run, servers, setup, workspace};

/// A statement that takes longer than this is stuck.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(120);

/// One regression file.
struct Case {
    name: String,
    sql: PathBuf,
    requires: Vec<String>,
}

/// `regress [pgNN] [--bless] [name…]`: builds, installs and runs on one server.
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
    let cache = setup::ensure(Purpose::Everything)?;
    let all = servers::all(&cache);
    let installation = all.iter().find(|installation| installation.major == major);
    let installation = installation.with_context(|| format!("there is no Postgres {major}"))?;
    let log = workspace::target().join("xtask-logs/install.log");
    install::extension(&cache, installation, Profile::Dev, &log)?;
    let mut cases = cases()?;
    if !names.is_empty() {
        cases.retain(|case| names.contains(&case.name));
    }
    let tally = run_cases(installation, &cases, bless, &mut std::io::stdout())?;
    println!("{} passed, {} failed", tally.passed, tally.failed);
    if tally.failed > 0 {
        bail!("the regression tests failed");
    }
    Ok(())
}

/// Runs every file on `installation`, whose extension is installed; differences go to `log` and,
/// at once, to the screen.
pub fn run(installation: &Installation, log: &Path) -> Result<Tally> {
    let mut file = run::create(log)?;
    let tally = run_cases(installation, &cases()?, false, &mut file)?;
    if tally.failed > 0 {
        eprintln!("\n{}", run::tail(log));
    }
    Ok(tally)
}

fn run_cases(
    installation: &Installation,
    cases: &[Case],
    bless: bool,
    log: &mut dyn Write,
) -> Result<Tally> {
    let cluster = Cluster::start_new(installation, Options::default())?;
    let mut tally = Tally::default();
    for case in cases {
        if let Some(absent) = case
            .requires
            .iter()
            .find(|name| !installation.has_extension(name))
        {
            writeln!(log, "{}: {absent} is not available here", case.name)?;
            continue;
        }
        let actual = run_case(&cluster, case)?;
        let path = expected_path(&case.name, installation);
        if expected::matches(&case.name, &path, &actual, bless, log)? {
            tally.passed += 1;
        } else {
            tally.failed += 1;
        }
        if !cluster.is_running() {
            bail!(
                "the server died in {}; its log ends\n{}",
                case.name,
                cluster.log_tail(40)
            );
        }
    }
    Ok(tally)
}

/// Runs one file in a fresh database; returns what psql printed.
fn run_case(cluster: &Cluster, case: &Case) -> Result<String> {
    let database = format!("regress_{}", case.name);
    cluster.create_database(&database)?;
    let mut client = cluster.connect(&database)?;
    for name in case
        .requires
        .iter()
        .map(String::as_str)
        .chain([install::EXTENSION])
    {
        client
            .batch_execute(&format!("CREATE EXTENSION {name}"))
            .with_context(|| format!("could not create extension {name} for {}", case.name))?;
    }
    drop(client);
    let output = workspace::target()
        .join("regress")
        .join(format!("{}.out", case.name));
    let file = run::create(&output)?;
    // Standard input, since psql prefixes errors with the name of a file given with -f.
    let mut psql = cluster.psql(&database);
    psql.args([
        "-a",
        "-q",
        "-v",
        "HIDE_TABLEAM=on",
        "-v",
        "HIDE_TOAST_COMPRESSION=on",
    ])
    .env(
        "PGOPTIONS",
        format!("-c statement_timeout={}", STATEMENT_TIMEOUT.as_millis()),
    )
    .env("PGTZ", "UTC")
    .env("PGDATESTYLE", "ISO")
    .current_dir(workspace::root())
    .stdin(File::open(&case.sql)?)
    .stdout(file.try_clone()?)
    .stderr(file);
    // Its exit code says only whether the last statement worked; errors are part of the output.
    psql.status().context("could not run psql")?;
    let printed = fs::read(&output)?;
    Ok(String::from_utf8_lossy(&printed).into_owned())
}

/// Every file, in the order of their names.
fn cases() -> Result<Vec<Case>> {
    let directory = workspace::root().join("tests/regress/sql");
    let mut cases = Vec::new();
    for entry in fs::read_dir(&directory).context("there is no tests/regress/sql")? {
        let sql = entry?.path();
        if sql.extension().is_some_and(|extension| extension == "sql") {
            let name = sql
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let requires = requirements(&fs::read_to_string(&sql)?);
            cases.push(Case {
                name,
                sql,
                requires,
            });
        }
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(cases)
}

/// The extensions that the first line asks for.
fn requirements(sql: &str) -> Vec<String> {
    let first = sql.lines().next().unwrap_or_default();
    let names = first.strip_prefix("-- requires:").unwrap_or_default();
    names
        .split([',', ' '])
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The expected file, the one for this version if there is one.
fn expected_path(name: &str, installation: &Installation) -> PathBuf {
    let directory = workspace::root().join("tests/regress/expected");
    let special = directory.join(format!("{name}.{}.out", installation.label()));
    if special.is_file() {
        special
    } else {
        directory.join(format!("{name}.out"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_a_file_requires() {
        assert_eq!(requirements("-- requires: vector\nSELECT 1;"), ["vector"]);
        assert_eq!(requirements("-- requires: a, b\n"), ["a", "b"]);
        assert!(requirements("SELECT 1;\n-- requires: vector").is_empty());
    }
}
