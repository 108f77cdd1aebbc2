//! Where the working tree and its build output are.

use std::path::{Path, PathBuf};

/// Root of the working tree.
pub fn root() -> &'static Path {
    // xtask/ is one level below it.
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask has a parent directory")
}

/// Cargo's target directory.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(target) => std::path::absolute(&target).unwrap_or_else(|_| target.into()),
        None => root().join("target"),
    }
}
