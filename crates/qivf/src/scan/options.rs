//! What a scan is asked for and what it hands out.

use crate::layout::Tid;

/// What to do with a row found after rows beyond it were handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Hand it out late.
    Relaxed,
    /// Drop it.
    Strict,
}

/// How to scan.
#[derive(Clone, Copy, Debug)]
pub struct ScanOptions {
    /// Share of the true neighbours to find, 0.5 … 1; 1 is exact.
    pub target: f32,
    /// See [`Order`].
    pub order: Order,
    /// Stop after this many rows were refined; 0 = never.
    pub max_rows: u64,
}

impl Default for ScanOptions {
    fn default() -> Self {
        Self {
            target: 0.95,
            order: Order::Relaxed,
            max_rows: 0,
        }
    }
}

/// A row for the executor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// The heap row.
    pub tid: Tid,
    /// A lower bound on its distance, or the distance itself. ∞ where there is none.
    pub distance: f64,
    /// Whether `distance` needs no recheck.
    pub exact: bool,
    /// Whether the distance is NULL.
    pub null: bool,
}

/// What a scan has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanStats {
    /// Inner nodes opened.
    pub inner: u64,
    /// Leaf nodes read.
    pub centroids: u64,
    /// Lists scored, counting again those scored again.
    pub lists: u64,
    /// Sign entries scored.
    pub codes: u64,
    /// Rows refined.
    pub rows: u64,
    /// Candidates handed out.
    pub candidates: u64,
    /// Those of them that came after a row beyond them, or were dropped for it.
    pub late: u64,
}

impl std::ops::Add for ScanStats {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            inner: self.inner + other.inner,
            centroids: self.centroids + other.centroids,
            lists: self.lists + other.lists,
            codes: self.codes + other.codes,
            rows: self.rows + other.rows,
            candidates: self.candidates + other.candidates,
            late: self.late + other.late,
        }
    }
}
