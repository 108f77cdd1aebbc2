//! The project's commands, run as `cargo xtask <command>`; [`USAGE`] lists them.
//!
//! Invariants
//! - Nothing outside the working tree, the cache directory ([`cache`]) and the chosen Postgres's
//!   extension directories is written; system packages are installed by `setup` only.
//! - A command that needs tools or servers calls [`setup`] first, so each works on a cold machine.

#![deny(unsafe_code)]

mod allocations;
mod bench;
mod cache;
mod circles;
mod demo;
#[cfg(test)]
mod documents;
mod drivers;
mod generate_sql;
mod install;
mod lint;
mod package;
mod psql;
mod python;
mod run;
mod script;
mod servers;
mod setup;
mod soak;
mod test;
mod workspace;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
usage: cargo xtask <command>

  setup [--check]                 install what is missing; --check only tells
  demo [--keep | --stop]          the whole story on real data; --keep leaves the server up
  test [pgNN|all] [--keep-going]  everything that CI runs, on every server at hand or on one
  regress [pgNN] [--bless] [name…]
                                  the SQL regression files; --bless accepts what they print
  drivers [pgNN] [--bless] [name…]
                                  queries sent by psycopg, asyncpg, node-postgres, jdbc, sqlx
  python [pgNN]                   the tests of the Python package
  lint [pgNN…]                    import circles and allocations; clippy for versions that no server is here for
  soak [pgNN] [--minutes N]       the tests that kill and corrupt, for N minutes (60)
  install PG_CONFIG               a release build into the Postgres of this pg_config
  package PG_CONFIG               a Debian package, a tarball, a zip for PGXN
  psql [pgNN] [-- argument…]      a shell in an embedded server with the extension loaded
  bench [--data DIR]              speed of the SQL surface, as ratios
  generate-sql                    writes the companion's script anew
  cut-demo-data DIR               makes demo/ out of a larger data set
";

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let command = arguments.next().unwrap_or_default();
    match dispatch(&command.to_string_lossy(), arguments.collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: &str, arguments: Vec<OsString>) -> Result<()> {
    let parser = lexopt::Parser::from_args(arguments);
    match command {
        "setup" => setup::command(parser),
        "demo" => demo::command(parser),
        "bench" => bench::command(parser),
        "cut-demo-data" => demo::cut::command(parser),
        "generate-sql" => generate_sql::command(parser),
        "install" => install::command(parser),
        "test" => test::command(parser),
        "drivers" => drivers::command(parser),
        "lint" => lint::command(parser),
        "soak" => soak::command(parser),
        "regress" => test::regress::command(parser),
        "python" => python::command(parser),
        "package" => package::command(parser),
        "psql" => psql::command(parser),
        "" | "help" | "-h" | "--help" => {
            print!("{USAGE}");
            Ok(())
        }
        unknown => bail!("unknown command \"{unknown}\"\n\n{USAGE}"),
    }
}
