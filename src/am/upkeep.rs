//! What an index does for itself while it grows, at insert and in VACUUM, as Postgres sees it.

use std::sync::Arc;

use qivf::{BuildHost, Result, Stop};

use super::threads;

/// Postgres as work sees it that is part of another command: it can be cancelled, and reports no progress of its own.
pub struct Upkeep;

impl BuildHost for Upkeep {
    fn check_interrupts(&self) -> Result<()> {
        threads::check();
        pgrx::check_for_interrupts!();
        Ok(())
    }

    fn start_threads(&self, stop: &Arc<Stop>, spawn: &mut dyn FnMut()) {
        threads::start(stop, spawn);
    }
}
