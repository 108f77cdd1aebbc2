//! Where the building thread reads rows from.

use super::rows::{Gathered, Rows};
use crate::error::Result;
use crate::space::Space;
use crate::store::SpillFile;

/// Rows per job.
pub(super) const JOB: usize = 1024;

/// The rows of a build, to be read by the building thread.
pub(crate) struct Source<'a> {
    pub space: &'a Space,
    pub rows: &'a Rows,
    pub spill: &'a mut dyn SpillFile,
}

impl Source<'_> {
    /// Copies of some rows.
    pub(crate) fn gather(&mut self, rows: &[u32]) -> Result<Gathered> {
        self.rows.gather(rows, self.spill)
    }
}
