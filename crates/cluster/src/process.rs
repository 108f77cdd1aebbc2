//! Running Postgres's programs: with a clean environment, a time limit, and their output in errors.

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// Removes every `PG…` variable that would redirect a server or a client, and what would change its messages.
pub(crate) fn clean_environment(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(&name);
        }
    }
    // With it pgrx would add a backtrace to the detail of every error.
    command.env_remove("RUST_BACKTRACE");
    command.env("LC_ALL", "C");
}

/// Runs `command` to its end; an error carries what it printed.
pub(crate) fn run(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("could not run {name}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    ensure!(
        output.status.success(),
        "{name} failed: {}\n{}\n{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
    Ok(text(&output.stdout))
}

/// Sends SIGKILL; a process that has gone already is fine.
pub(crate) fn kill(pid: Pid) {
    let _ = kill_process(pid, Signal::KILL);
}

/// Waits until every process is gone.
pub(crate) fn wait_gone(pids: &[Pid], timeout: Duration) -> Result<()> {
    let end = Instant::now() + timeout;
    while pids
        .iter()
        .any(|pid| test_kill_process(*pid).is_ok() && !is_zombie(*pid))
    {
        if Instant::now() > end {
            bail!("processes {pids:?} did not end within {timeout:?}");
        }
        sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// Whether a process runs.
pub(crate) fn is_alive(pid: Pid) -> bool {
    // The server may be another user's: EPERM means that it exists.
    test_kill_process(pid) != Err(rustix::io::Errno::SRCH) && !is_zombie(pid)
}

/// Children of `pid`, where the system tells (Linux); otherwise none.
pub(crate) fn children(pid: Pid) -> Vec<Pid> {
    let raw = pid.as_raw_nonzero();
    std::fs::read_to_string(format!("/proc/{raw}/task/{raw}/children"))
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|child| Pid::from_raw(child.parse().ok()?))
        .collect()
}

/// A killed process that nobody has reaped holds nothing any more; in a container whose first
/// process does not reap orphans it stays in the table for good.
fn is_zombie(pid: Pid) -> bool {
    std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).is_ok_and(|stat| {
        stat.rsplit(')')
            .next()
            .is_some_and(|rest| rest.starts_with(" Z"))
    })
}
