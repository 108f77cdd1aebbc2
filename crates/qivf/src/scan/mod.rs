//! Best-first search: lists, sign entries and refined rows wait in queues; the nearest is taken next.
//!
//! A row leaves the scan when its bound is not beyond the *frontier*, the smallest distance anything unopened may have.
//! How optimistic the frontier is about lists depends on an effort, learned for the rank K of the row asked for; so the first
//! row is held back until K rows are *settled*: the K-th smallest upper bound is not beyond the frontier. K grows with the
//! rows that the caller can already be sure of, kept or not, see `Search::next`.
//!
//! Only entries that may still matter are queued. Those of an opened list beyond the K-th upper bound (while there is none,
//! beyond a guess: `reach`) are forgotten, and the list waits in the queue again with the nearest forgotten key; when it comes
//! up, it is scored again. So the memory of a scan is bounded by the leaves plus what was refined.
//!
//! At target 1 the frontier is certain: lists count with their maximum radius, and every entry is refined.

mod centroids;
mod changes;
mod follow;
mod leaves;
mod options;
mod reach;
mod scoring;
mod search;
mod steps;
mod unordered;
mod uppers;

pub(crate) use centroids::Centroids;
pub(crate) use leaves::Next;
pub use options::{Candidate, Order, ScanOptions, ScanStats};
pub(crate) use search::Search;

use crate::error::Result;
use crate::index::{Blank, Index};
use crate::query::{Degenerate, Query};
use crate::store::PageStore;
use unordered::Unordered;

/// A scan in progress.
pub struct Scan<S: PageStore>(State<S>);

enum State<S: PageStore> {
    /// No vector is indexed: only rows without a code are handed out.
    Blank {
        index: Blank<S>,
        /// Why the query has no order, if it has none.
        degenerate: Option<Degenerate>,
        rows: Unordered,
        stats: ScanStats,
    },
    Search(Box<Search<S>>),
}

impl<S: PageStore> Scan<S> {
    /// Begins a scan for `query`.
    pub fn new(index: Index<S>, query: Query, options: ScanOptions) -> Result<Self> {
        Ok(Self(match index {
            Index::Blank(index) => State::Blank {
                rows: Unordered::new(index.meta().tids),
                index,
                degenerate: query.degenerate,
                stats: ScanStats::default(),
            },
            Index::Searchable(index) => {
                State::Search(Box::new(Search::new(index, query, options)?))
            }
        }))
    }

    /// The next row, nearest first as far as the target promises, or `None` at the end.
    #[allow(clippy::should_implement_trait)] // it can fail
    pub fn next(&mut self) -> Result<Option<Candidate>> {
        match &mut self.0 {
            State::Blank {
                index,
                degenerate,
                rows,
                stats,
            } => {
                let candidate = rows.next(index.store(), None, *degenerate)?;
                stats.candidates += u64::from(candidate.is_some());
                Ok(candidate)
            }
            State::Search(search) => search.next(),
        }
    }

    /// What the scan has done.
    pub fn stats(&self) -> ScanStats {
        match &self.0 {
            State::Blank { stats, .. } => *stats,
            State::Search(search) => search.stats(),
        }
    }
}

impl<S: PageStore> Index<S> {
    /// Begins a scan.
    pub fn scan(self, query: Query, options: ScanOptions) -> Result<Scan<S>> {
        Scan::new(self, query, options)
    }
}
