//! `cargo xtask lint`: import circles, allocations, and clippy for versions of Postgres that are not on this machine.
//!
//! pgrx comes with bindings of every version, for docs.rs. With them the extension's library is checked, not linked, and no
//! header or `pg_config` is needed: enough to see that it compiles.

use anyhow::{Context, Result};

use crate::setup::{self, Purpose};
use crate::{allocations, circles, install, run, servers, workspace};

/// `lint [pgNN…]`: these versions, else those that no server is there for.
pub fn command(mut parser: lexopt::Parser) -> Result<()> {
    let mut majors = Vec::new();
    while let Some(argument) = parser.next()? {
        match argument {
            lexopt::Arg::Value(label) => {
                majors.push(servers::parse_label(&label.to_string_lossy())?);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    circles::check()?;
    println!("import circles: none");
    allocations::check()?;
    println!("allocations: bounded or asked for");
    let cache = setup::ensure(Purpose::Embedded)?;
    if majors.is_empty() {
        let there = servers::all(&cache);
        majors.extend(
            servers::SUPPORTED.filter(|major| there.iter().all(|server| server.major != *major)),
        );
    }
    for major in majors {
        let label = format!("pg{major}");
        let mut clippy = run::cargo(&cache);
        clippy
            .args(["clippy", "--package", install::EXTENSION, "--lib"])
            .args(["--no-default-features", "--features", &label])
            .args(["--", "-D", "warnings"])
            // To cargo the wrapper is another compiler: in the common directory, everything would be built anew, back and forth.
            .env("CARGO_TARGET_DIR", workspace::target().join("lint"))
            .env("DOCS_RS", "1")
            .env(
                "RUSTC_WRAPPER",
                workspace::root().join("xtask/rustc-with-shipped-bindings"),
            );
        let log = workspace::target().join(format!("xtask-logs/lint-{label}.log"));
        run::logged(&mut clippy, &log).with_context(|| format!("lint of {label}"))?;
        println!("{label}: ok");
    }
    Ok(())
}
