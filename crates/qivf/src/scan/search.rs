//! The state of a search and what it hands out; [`super::steps`] opens what is next.

use super::centroids::Centroids;
use super::changes::Changes;
use super::options::{Candidate, Order, ScanOptions, ScanStats};
use super::reach::Reach;
use super::unordered::Unordered;
use super::uppers::{Ordered, Uppers};
use crate::error::Result;
use crate::index::Searchable;
use crate::layout::meta::Effort;
use crate::layout::{Pointer, Tid};
use crate::pages;
use crate::query::Query;
use crate::query::keys::{Leaf, list_key};
use crate::row_set::RowSet;
use crate::store::PageStore;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The K that is settled first.
pub(super) const FIRST: usize = 10;

/// The K that is settled after `k`: a quarter larger.
fn after(k: usize) -> usize {
    (k + (k / 4).max(3)).min(MOST)
}

/// The highest K: it bounds the memory for upper bounds.
const MOST: usize = 1 << 20;

/// Once so many times K rows were handed out, K grows even if nobody can be sure of them: bounds are wide.
const DRAWN: usize = 2;

/// A refined row that waits to be handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    pub(super) bound: Ordered,
    pub(super) tid: Tid,
}

/// A list whose node was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenList {
    pub(super) at: Pointer,
    pub(super) leaf: Leaf,
    /// Entries up to here are queued already; `None` before the list is first opened. A key, or at target 1 a distance.
    pub(super) queued: Option<f64>,
    /// The smallest entry that is not, in the same unit.
    pub(super) rest: f64,
    /// How many are queued, about.
    pub(super) taken: usize,
    /// How many it has, once it was opened.
    pub(super) entries: usize,
    /// The margin of their keys: always that of the first opening, so that those queued have the smaller keys.
    pub(super) margin: f32,
}

impl OpenList {
    pub(super) fn new(at: Pointer, leaf: Leaf) -> Self {
        Self {
            at,
            leaf,
            queued: None,
            rest: f64::NEG_INFINITY,
            taken: 0,
            entries: 0,
            margin: 0.0,
        }
    }
}

/// A search in progress.
pub(crate) struct Search<S: PageStore> {
    pub(super) index: Searchable<S>,
    pub(super) query: Query,
    pub(super) options: ScanOptions,
    /// How many rows are settled before the next is handed out.
    pub(super) k: usize,
    pub(super) effort: Effort,
    pub(super) centroids: Option<Centroids>,
    pub(super) lists: Vec<OpenList>,
    /// (frontier distance, index into `lists`).
    pub(super) list_queue: BinaryHeap<Reverse<(Ordered, u32)>>,
    /// (key, record).
    pub(super) code_queue: BinaryHeap<Reverse<(Ordered, Pointer)>>,
    pub(super) rows: BinaryHeap<Reverse<Row>>,
    pub(super) seen: RowSet,
    pub(super) uppers: Uppers,
    pub(super) last_bound: f64,
    /// Rows that were handed out or, being late, dropped.
    drawn: usize,
    pub(super) unordered: Unordered,
    /// `None` once more rows were asked for than it was made for.
    pub(super) reach: Option<Reach>,
    /// Keys and places of a list's entries, while it is opened.
    pub(super) scratch: Vec<(f32, Pointer)>,
    pub(super) stats: ScanStats,
    pub(super) changes: Changes,
}

impl<S: PageStore> Search<S> {
    /// Begins a search for `query`.
    pub(crate) fn new(index: Searchable<S>, query: Query, options: ScanOptions) -> Result<Self> {
        let seen = RowSet::new(index.store().block_count()?, index.space().refine.per_page)?;
        let mut scan = Self {
            query,
            options,
            k: FIRST,
            effort: Effort::default(),
            centroids: None,
            lists: Vec::new(),
            list_queue: BinaryHeap::new(),
            code_queue: BinaryHeap::new(),
            rows: BinaryHeap::new(),
            seen,
            uppers: Uppers::new(FIRST),
            last_bound: f64::NEG_INFINITY,
            drawn: 0,
            unordered: Unordered::new(index.meta().tids),
            reach: Some(Reach::new(FIRST)),
            scratch: Vec::new(),
            stats: ScanStats::default(),
            changes: Changes::new(index.sighted()),
            index,
        };
        if scan.query.degenerate.is_none() {
            scan.start()?;
        }
        Ok(scan)
    }

    /// What the search has done.
    pub(crate) fn stats(&self) -> ScanStats {
        ScanStats {
            inner: self.centroids.as_ref().map_or(0, |c| c.opened as u64),
            ..self.stats
        }
    }

    pub(super) fn exact(&self) -> bool {
        self.options.target >= 1.0
    }

    fn start(&mut self) -> Result<()> {
        let (store, space) = (self.index.store(), self.index.space());
        if self.exact() || self.index.meta().flat {
            let mut leaves = Vec::new();
            for at in self.index.leaves()? {
                let leaf = |record: &[u8]| Leaf::of(space, &self.query, record);
                leaves.push((at.leaf, pages::with_node(store, space, at.leaf, leaf)?));
            }
            self.stats.centroids += leaves.len() as u64;
            for (at, leaf) in leaves {
                let key = if self.exact() {
                    self.certain_key(&leaf)
                } else {
                    f64::NEG_INFINITY
                };
                self.push_list(at, leaf, key);
            }
            return Ok(());
        }
        self.effort = self.learned();
        let root = self.index.meta().root;
        self.centroids = Some(Centroids::new(
            store,
            space,
            &self.query,
            (root, self.index.root_cache()),
            self.effort,
        )?);
        Ok(())
    }

    fn learned(&self) -> Effort {
        self.index.meta().tuning.effort(self.k, self.options.target)
    }

    /// Overrides the learned effort and the rank to settle first, for learning.
    pub(crate) fn set_effort(&mut self, effort: Effort, k: usize) {
        self.k = k;
        self.uppers.grow(k);
        self.reach = Some(Reach::new(k));
        self.effort = effort;
        self.rekey();
    }

    /// Keeps a row from being found.
    pub(crate) fn exclude(&mut self, at: Pointer) {
        self.seen.insert(at);
    }

    /// Settles K and returns the rows among which the caller would find the K nearest, for learning.
    pub(crate) fn settled(&mut self) -> Result<Vec<Tid>> {
        self.settle()?;
        let reach = self.kth_upper();
        let rows = self.rows.iter().filter(|Reverse(row)| row.bound.0 <= reach);
        Ok(rows.map(|Reverse(row)| row.tid).collect())
    }

    /// A distance that no row of the list can be nearer than, whatever the rounding.
    fn certain_key(&self, leaf: &Leaf) -> f64 {
        let q = f64::from(self.query.norm);
        let c = f64::from(leaf.node.norm_squared).sqrt();
        let slack = (self.query.vector.len() as f64 + 16.0) / f64::from(1u32 << 24);
        let radius = f64::from(leaf.node.max_radius);
        let key = if self.query.by_ip {
            let dot = f64::from(leaf.dot) + q * radius + slack * q * (c + radius);
            -2.0 * dot
        } else {
            let squared =
                q * q + c * c - 2.0 * f64::from(leaf.dot) - 2.0 * slack * (q + c) * (q + c);
            let low = (squared.max(0.0).sqrt() - radius).max(0.0);
            low * low - slack * (q + c) * (q + c)
        };
        // Rounding to f32 may go up by one part in 2²⁴; overflow means nothing is certain.
        let key = (key - key.abs() * 1e-6) as f32;
        if key.is_finite() {
            self.query.distance_of(key)
        } else {
            f64::NEG_INFINITY
        }
    }

    pub(super) fn push_list(&mut self, at: Pointer, leaf: Leaf, key: f64) {
        self.lists.push(OpenList::new(at, leaf));
        self.list_queue
            .push(Reverse((Ordered(key), self.lists.len() as u32 - 1)));
    }

    fn rekey(&mut self) {
        let Some(mut centroids) = self.centroids.take() else {
            return;
        };
        centroids.rekey(&self.query, self.effort, self.k);
        self.centroids = Some(centroids);
        let waiting = std::mem::take(&mut self.list_queue);
        self.list_queue = waiting
            .into_iter()
            .map(|Reverse((key, i))| {
                let list = &self.lists[i as usize];
                // Once opened, a list waits with its forgotten entries, which do not depend on the effort.
                if list.queued.is_some() {
                    return Reverse((key, i));
                }
                let key = list_key(
                    &self.query,
                    list.leaf.nearness,
                    list.leaf.node.radius,
                    &self.effort.opening,
                );
                Reverse((Ordered(self.query.distance_of(key)), i))
            })
            .collect();
    }

    /// The next row, nearest first as far as the target promises, or `None` at the end.
    ///
    /// The caller can be sure of the rows that have an upper bound within the last bound it was given: once these are K, it
    /// is asking for a rank beyond K. That holds whether it keeps the rows or a condition of its own drops them.
    #[allow(clippy::should_implement_trait)] // it can fail
    pub(crate) fn next(&mut self) -> Result<Option<Candidate>> {
        if self.query.degenerate.is_some() {
            return self.next_unordered();
        }
        loop {
            self.step_up();
            let finished = !self.settle()?;
            if self.catch_up(finished)? {
                continue;
            }
            let frontier = self.frontier().unwrap_or(f64::INFINITY);
            match self.rows.peek() {
                Some(Reverse(row)) if row.bound.0 <= frontier || finished => {
                    let row = *row;
                    self.rows.pop();
                    let late = row.bound.0 < self.last_bound;
                    self.stats.late += u64::from(late);
                    self.last_bound = self.last_bound.max(row.bound.0);
                    self.drawn += 1;
                    if late && self.options.order == Order::Strict {
                        continue;
                    }
                    self.stats.candidates += 1;
                    return Ok(Some(Candidate {
                        tid: row.tid,
                        distance: row.bound.0,
                        exact: !self.lossy(),
                        null: false,
                    }));
                }
                _ if finished => return self.next_unordered(),
                _ => self.step(frontier)?,
            }
        }
    }

    /// Makes K larger while the caller may already have emitted so many rows.
    fn step_up(&mut self) {
        let before = self.k;
        while self.k < MOST && (self.kth_upper() <= self.last_bound || self.drawn >= DRAWN * self.k)
        {
            self.k = after(self.k);
            self.uppers.grow(self.k);
        }
        if self.k != before {
            self.reach = None;
            let effort = self.learned();
            if effort != self.effort {
                self.effort = effort;
                self.rekey();
            }
        }
    }

    fn lossy(&self) -> bool {
        self.index.space().is_lossy()
    }

    fn next_unordered(&mut self) -> Result<Option<Candidate>> {
        let all = self.query.degenerate;
        let candidate = self
            .unordered
            .next(self.index.store(), Some(self.index.space()), all)?;
        self.stats.candidates += u64::from(candidate.is_some());
        Ok(candidate)
    }

    /// Steps until the K nearest are settled; `false` when nothing is left to open.
    fn settle(&mut self) -> Result<bool> {
        loop {
            let Some(frontier) = self.frontier() else {
                return Ok(false);
            };
            if self.has_enough() {
                return Ok(false);
            }
            if self.exact() || self.kth_upper() <= frontier {
                return Ok(true);
            }
            self.step(frontier)?;
        }
    }

    /// Whether as many rows were refined as were asked for at most.
    pub(super) fn has_enough(&self) -> bool {
        self.options.max_rows > 0 && self.stats.rows >= self.options.max_rows
    }

    /// The K-th smallest upper bound, ∞ while fewer rows are refined.
    pub(super) fn kth_upper(&self) -> f64 {
        self.uppers.kth()
    }

    /// The smallest distance anything unopened may have.
    fn frontier(&mut self) -> Option<f64> {
        let leaf = self.centroids.as_mut().and_then(Centroids::peek);
        let leaf = leaf.map(|key| self.query.distance_of(key));
        let list = self.list_queue.peek().map(|Reverse((key, _))| key.0);
        let code = self
            .code_queue
            .peek()
            .map(|Reverse((key, _))| self.query.distance_of(key.0 as f32));
        [leaf, list, code].into_iter().flatten().reduce(f64::min)
    }
}
