//! The cache directory: tools and servers that outlive the working tree.
//!
//! ```text
//! <cache>/cargo-pgrx-<version>/bin/cargo-pgrx
//! <cache>/pgserver/                 an unpacked wheel with two Postgres installations
//! <cache>/pgrx/config.toml          which pg_config stands for which version
//! <cache>/drivers/                  client drivers, for `drivers`
//! <cache>/python/                   what the tests of the Python package need
//! <cache>/kept-demos                directories of servers that `demo --keep` left running
//! <cache>/logs/                     what the installing commands printed
//! ```

use std::path::PathBuf;

use anyhow::{Context, Result};

/// The version of pgrx that the extension is built with; cargo-pgrx must be the same.
pub const CARGO_PGRX_VERSION: &str = "0.18.1";

/// Paths below the cache directory.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// `$PG_QUANTIZE_CACHE`, else `/var/cache/pg_quantize` for root (the server's own user must be
    /// able to read it), else `$XDG_CACHE_HOME/pg_quantize` or `~/.cache/pg_quantize`.
    pub fn locate() -> Result<Self> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let root = if let Some(chosen) = variable("PG_QUANTIZE_CACHE") {
            std::path::absolute(chosen)?
        } else if rustix::process::geteuid().is_root() {
            "/var/cache/pg_quantize".into()
        } else if let Some(caches) = variable("XDG_CACHE_HOME") {
            PathBuf::from(caches).join("pg_quantize")
        } else {
            let home = variable("HOME").context("neither PG_QUANTIZE_CACHE nor HOME is set")?;
            PathBuf::from(home).join(".cache/pg_quantize")
        };
        Ok(Self { root })
    }

    /// The directory itself.
    pub fn root(&self) -> &PathBuf {
        &self.root
    }

    /// Where `cargo install` puts cargo-pgrx.
    pub fn cargo_pgrx(&self) -> PathBuf {
        self.root.join(format!("cargo-pgrx-{CARGO_PGRX_VERSION}"))
    }

    /// The unpacked wheel.
    pub fn pgserver(&self) -> PathBuf {
        self.root.join("pgserver")
    }

    /// pgrx's own directory, instead of `~/.pgrx`.
    pub fn pgrx_home(&self) -> PathBuf {
        self.root.join("pgrx")
    }

    /// Log of an installing command.
    pub fn log(&self, name: &str) -> PathBuf {
        self.root.join("logs").join(format!("{name}.log"))
    }
}
