//! Child processes: cargo with the right environment, and commands whose output goes to a log.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::cache::Cache;
use crate::workspace;

/// How many lines of a failing command's log are shown.
const TAIL: usize = 150;

/// `cargo`, in the working tree, able to run `cargo pgrx`, and free of what the outer `cargo run`
/// and the caller's environment would leak into the build.
pub fn cargo(cache: &Cache) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    cargo
        .current_dir(workspace::root())
        .env("CARGO_TARGET_DIR", workspace::target())
        .env("PATH", path_with(&cache.cargo_pgrx().join("bin")))
        .env("PGRX_HOME", cache.pgrx_home())
        // pgrx would add linker flags to every crate, which doubles the build; the extension's
        // build script asks for them where they matter.
        .env("CARGO_PGRX_DISABLE_GC_SECTIONS_WORKAROUND", "1")
        // There are no examples, but asking for them makes cargo choose the same features of the
        // dependencies as for tests, so that nothing is built twice.
        .env("PGRX_BUILD_FLAGS", "--examples")
        .env("CARGO_TERM_COLOR", "never")
        // Flags from outside replace those that schema generation relies on.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("CARGO_BUILD_TARGET")
        .stdin(Stdio::null());
    cargo
}

/// `$PATH` with `first` in front.
fn path_with(first: &Path) -> OsString {
    let rest = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(first.to_owned()).chain(std::env::split_paths(&rest));
    // Only a path that holds a colon fails here, and such a one can't be searched anyway.
    std::env::join_paths(all).unwrap_or(rest)
}

/// Runs `command` with its output in `log`; an error shows the end of the log.
pub fn logged(command: &mut Command, log: &Path) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let file = create(log)?;
    let status = command
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .status()
        .with_context(|| format!("could not run {program}"))?;
    if !status.success() {
        let path = log.display();
        bail!("{program} failed ({status}); {path} ends\n{}", tail(log));
    }
    Ok(())
}

/// Creates a file and the directories above it.
pub fn create(path: &Path) -> Result<File> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)
            .with_context(|| format!("could not create {}", parent.display()))?;
    }
    File::create(path).with_context(|| format!("could not create {}", path.display()))
}

/// The last lines of a log, without cargo's progress.
pub fn tail(log: &Path) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let progress = ["   Compiling ", "    Checking ", "  Downloaded "];
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !progress.iter().any(|word| line.starts_with(word)))
        .collect();
    lines[lines.len().saturating_sub(TAIL)..].join("\n")
}

/// Whether `program` runs successfully with these arguments.
pub fn succeeds(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
