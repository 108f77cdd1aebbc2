//! Servers that `demo --keep` left running: noted in the cache directory, stopped by `demo --stop`.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::cache::Cache;

fn list(cache: &Cache) -> PathBuf {
    cache.root().join("kept-demos")
}

/// Notes the directory of a server.
pub fn note(cache: &Cache, directory: &Path) -> Result<()> {
    let path = list(cache);
    let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
    writeln!(file, "{}", directory.display())
        .with_context(|| format!("could not write {}", path.display()))
}

/// Stops every noted server and removes its directory.
pub fn stop(cache: &Cache) -> Result<()> {
    let path = list(cache);
    let text = fs::read_to_string(&path).unwrap_or_default();
    let mut stopped = 0;
    for directory in text.lines().map(Path::new) {
        if stop_one(directory)? {
            println!("stopped the server in {}", directory.display());
            stopped += 1;
        }
    }
    if path.exists() {
        fs::remove_file(&path)?;
    }
    if stopped == 0 {
        println!("no server was left running");
    }
    Ok(())
}

/// Asks the server of a directory to end, waits for that, and removes the directory; `false` when there is none.
fn stop_one(directory: &Path) -> Result<bool> {
    let lock = directory.join("data/postmaster.pid");
    let Ok(text) = fs::read_to_string(&lock) else {
        return Ok(false);
    };
    let pid = text.lines().next().unwrap_or_default();
    ensure!(
        pid.parse::<u32>().is_ok(),
        "no process number in {}",
        lock.display()
    );
    let end = Instant::now() + Duration::from_secs(30);
    if Command::new("sh")
        .args(["-c", &format!("kill -INT {pid}")])
        .status()?
        .success()
    {
        while lock.exists() {
            ensure!(
                Instant::now() < end,
                "the server in {} does not stop",
                directory.display()
            );
            sleep(Duration::from_millis(50));
        }
    }
    fs::remove_dir_all(directory)
        .with_context(|| format!("could not remove {}", directory.display()))?;
    Ok(true)
}
