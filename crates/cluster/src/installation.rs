//! What a `pg_config` leads to: version, programs, libraries, headers.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// An installed Postgres, as its `pg_config` describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// The `pg_config` that was asked.
    pub pg_config: PathBuf,
    /// As printed, for example `PostgreSQL 18.4`.
    pub version: String,
    /// Major version, for example 18.
    pub major: u16,
    /// Programs: `postgres`, `psql`, `initdb`, …
    pub bindir: PathBuf,
    /// Loadable modules: `$libdir`.
    pub pkglibdir: PathBuf,
    /// Architecture-independent files; `extension/` holds control files and scripts.
    pub sharedir: PathBuf,
    /// Server headers; the directory need not exist.
    pub includedir_server: PathBuf,
}

impl Installation {
    /// Asks `pg_config` once for everything.
    pub fn from_pg_config(pg_config: impl AsRef<Path>) -> Result<Self> {
        let pg_config = pg_config.as_ref();
        let output = Command::new(pg_config)
            .output()
            .with_context(|| format!("could not run {}", pg_config.display()))?;
        ensure!(
            output.status.success(),
            "{} failed: {}",
            pg_config.display(),
            output.status
        );
        let text = String::from_utf8(output.stdout).context("pg_config printed invalid UTF-8")?;
        Self::parse(pg_config, &text)
            .with_context(|| format!("could not read the output of {}", pg_config.display()))
    }

    /// Reads the `NAME = value` lines that `pg_config` prints without arguments.
    fn parse(pg_config: &Path, text: &str) -> Result<Self> {
        let value = |name: &str| {
            text.lines()
                .filter_map(|line| line.split_once(" = "))
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.trim().to_owned())
                .with_context(|| format!("{name} is missing"))
        };
        let version = value("VERSION")?;
        Ok(Self {
            pg_config: pg_config.to_owned(),
            major: major(&version)?,
            bindir: value("BINDIR")?.into(),
            pkglibdir: value("PKGLIBDIR")?.into(),
            sharedir: value("SHAREDIR")?.into(),
            includedir_server: value("INCLUDEDIR-SERVER")?.into(),
            version,
        })
    }

    /// The name that cargo features and pgrx use, for example `pg18`.
    pub fn label(&self) -> String {
        format!("pg{}", self.major)
    }

    /// Path of one of its programs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.bindir.join(name)
    }

    /// Whether an extension can be compiled against it.
    pub fn has_headers(&self) -> bool {
        self.includedir_server.join("postgres.h").is_file()
    }

    /// Whether it can run a server (client packages bring a `pg_config` too).
    pub fn has_server(&self) -> bool {
        self.program("postgres").is_file() && self.program("initdb").is_file()
    }

    /// Directory of control files and extension scripts.
    pub fn extension_dir(&self) -> PathBuf {
        self.sharedir.join("extension")
    }

    /// Whether `CREATE EXTENSION name` would find its control file.
    pub fn has_extension(&self, name: &str) -> bool {
        self.extension_dir()
            .join(format!("{name}.control"))
            .is_file()
    }
}

/// `PostgreSQL 15.14 (Debian 15.14-0+deb12u1)` → 15; `PostgreSQL 19beta1` → 19.
fn major(version: &str) -> Result<u16> {
    let number = version.strip_prefix("PostgreSQL ").unwrap_or_default();
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    match digits.parse() {
        Ok(major) => Ok(major),
        Err(_) => bail!("unknown version \"{version}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "BINDIR = /usr/lib/postgresql/15/bin\n\
        INCLUDEDIR-SERVER = /usr/include/postgresql/15/server\n\
        PKGLIBDIR = /usr/lib/postgresql/15/lib\n\
        SHAREDIR = /usr/share/postgresql/15\n\
        CONFIGURE =  '--build=x86_64' 'CFLAGS=-g -O2 VERSION = none'\n\
        VERSION = PostgreSQL 15.14 (Debian 15.14-0+deb12u1)\n";

    #[test]
    fn reads_what_pg_config_prints() {
        let found = Installation::parse(Path::new("/usr/bin/pg_config"), OUTPUT).unwrap();
        assert_eq!(found.major, 15);
        assert_eq!(found.label(), "pg15");
        assert_eq!(
            found.program("psql"),
            Path::new("/usr/lib/postgresql/15/bin/psql")
        );
        assert_eq!(
            found.extension_dir(),
            Path::new("/usr/share/postgresql/15/extension")
        );
    }

    #[test]
    fn names_what_is_missing() {
        let text = OUTPUT.replace("PKGLIBDIR", "LIBDIR");
        let error = Installation::parse(Path::new("pg_config"), &text).unwrap_err();
        assert_eq!(error.to_string(), "PKGLIBDIR is missing");
    }

    #[test]
    fn reads_the_major_version_of_releases_and_betas() {
        assert_eq!(major("PostgreSQL 18.4").unwrap(), 18);
        assert_eq!(major("PostgreSQL 19beta1").unwrap(), 19);
        assert!(major("MySQL 8").is_err());
        assert!(major("PostgreSQL devel").is_err());
    }
}
