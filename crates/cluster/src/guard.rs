//! Cleaning up after an owner that could not: one that Ctrl-C, a signal or a crash has ended.
//!
//! A [`Guard`] is a shell that reads from a pipe whose other end only the owner holds. The pipe ends when the owner does,
//! in whatever way; then the shell stops the servers and removes the directory. Destructors don't run at a signal, and a
//! handler for it would have to be in every program, the test binaries included.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

/// `$1` is the directory; the data directories are in it. SIGQUIT is an immediate shutdown. A dead server that nobody
/// reaps keeps its process id, so the wait has an end.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
if read -r released; then exit; fi
for lock in "$1"/*/postmaster.pid; do
    [ -e "$lock" ] || continue
    read -r pid < "$lock" && kill -QUIT "$pid" || continue
    tries=0
    while [ -e "$lock" ] && [ $tries -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
done
rm -rf "$1"
"#;

/// Stops the servers whose data directories are in a directory, and removes it, when this value is dropped or its
/// process ends.
#[derive(Debug)]
pub struct Guard(Child);

impl Guard {
    /// Guards `directory`, which exists.
    pub fn new(directory: &Path) -> Result<Self> {
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT, "sh"]).arg(directory);
        // A group of its own, which Ctrl-C at the terminal does not reach.
        shell.current_dir("/").process_group(0);
        shell
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        shell.spawn().context("could not run sh").map(Self)
    }

    /// Leaves directory and servers alone from now on.
    pub fn release(mut self) {
        if let Some(mut pipe) = self.0.stdin.take() {
            // A shell that is gone guards nothing either.
            let _ = writeln!(pipe, "released");
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // Only reaps it.
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removes_the_directory_unless_released() {
        for released in [false, true] {
            let home = tempfile::tempdir().unwrap();
            std::fs::write(home.path().join("file"), "").unwrap();
            let guard = Guard::new(home.path()).unwrap();
            if released {
                guard.release();
            } else {
                drop(guard);
            }
            assert_eq!(home.path().exists(), released);
        }
    }
}
