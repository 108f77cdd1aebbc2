//! Best-first search: lists, sign entries and refined rows wait in queues; the nearest is taken next.
//!
//! A row leaves the scan when its bound is not beyond the *frontier*, the smallest distance anything unopened may have.
//! How optimistic the frontier is about lists depends on `b`, learned for the rank K of the row asked for; so the first
//! row is held back until K rows are *settled*: the K-th smallest upper bound is not beyond the frontier. K grows not with
//! rows handed out but with rows the caller can already be sure of, see [`Scan::next`].
//!
//! Only entries that may still matter are queued. Those of an opened list beyond the K-th upper bound (while there is none,
//! beyond a guess: `reach`) are forgotten, and the list waits in the queue again with the nearest forgotten key; when it comes
//! up, it is scored again. So the memory of a scan is bounded by the leaves plus what was refined.
//!
//! At target 1 the frontier is certain: lists count with their maximum radius, and every entry is refined.

mod cells;
mod centroids;
mod leaves;
pub(crate) mod lists;
mod open;
mod reach;
pub(crate) mod seen;
mod whole;

pub use cells::Cells;
pub(crate) use centroids::{Centroids, list_key, read_leaf};
pub(crate) use leaves::Next;

use crate::error::Result;
use crate::index::Index;
use crate::layout::meta::Effort;
use crate::layout::{Pointer, Tid};
use crate::query::Query;
use crate::store::PageStore;
use crate::walk;
use centroids::Leaf;
use reach::Reach;
use seen::Seen;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use whole::Whole;

/// Upper bounds kept beyond the highest learned rank; more are never asked for.
const UPPERS: usize = 1024;

/// The K that are settled one after the other; `b` is interpolated between the learned [`RANKS`].
const STEPS: [usize; 13] = [10, 13, 16, 20, 25, 32, 40, 50, 64, 80, 100, 128, 160];

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
    /// A lower bound on its distance, or the distance itself. NaN where there is none.
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
}

/// A float ordered as a number (`total_cmp`).
#[derive(Clone, Copy, Debug, PartialEq)]
struct Ordered(f64);

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// A refined row that waits to be handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    bound: Ordered,
    tid: Tid,
}

/// An opened or sighted list.
#[derive(Clone, Copy, Debug)]
struct OpenList {
    leaf: Leaf,
    /// Entries up to here are queued already; `None` before the list is first opened. A key, or at target 1 a distance.
    queued: Option<f64>,
    /// The smallest entry that is not, in the same unit.
    rest: f64,
}

impl OpenList {
    fn new(leaf: Leaf) -> Self {
        Self {
            leaf,
            queued: None,
            rest: f64::NEG_INFINITY,
        }
    }
}

/// A scan in progress.
pub struct Scan<S: PageStore> {
    index: Index<S>,
    query: Query,
    options: ScanOptions,
    /// Index into [`STEPS`].
    step: usize,
    effort: Effort,
    centroids: Option<Centroids>,
    lists: Vec<OpenList>,
    /// (frontier distance, index into `lists`).
    list_queue: BinaryHeap<Reverse<(Ordered, u32)>>,
    /// (key, record).
    code_queue: BinaryHeap<Reverse<(Ordered, Pointer)>>,
    rows: BinaryHeap<Reverse<Row>>,
    seen: Seen,
    /// The smallest upper bounds, ascending.
    uppers: Vec<f64>,
    last_bound: f64,
    whole: Whole,
    /// `None` once more rows were asked for than it was made for.
    reach: Option<Reach>,
    /// Keys and places of a list's entries, while it is opened.
    scratch: Vec<(f32, Pointer)>,
    stats: ScanStats,
}

impl<S: PageStore> Scan<S> {
    /// Begins a scan for `query`.
    pub fn new(index: Index<S>, query: Query, options: ScanOptions) -> Result<Self> {
        let per_page = index.space().map_or(1, |s| s.refine.per_page);
        let seen = Seen::new(index.store().block_count()?, per_page)?;
        let mut scan = Self {
            query,
            options,
            step: 0,
            effort: Effort::default(),
            centroids: None,
            lists: Vec::new(),
            list_queue: BinaryHeap::new(),
            code_queue: BinaryHeap::new(),
            rows: BinaryHeap::new(),
            seen,
            uppers: Vec::new(),
            last_bound: f64::NEG_INFINITY,
            whole: Whole::new(index.meta().tids),
            reach: Some(Reach::new(STEPS[0])),
            scratch: Vec::new(),
            stats: ScanStats::default(),
            index,
        };
        if scan.query.degenerate.is_none() {
            scan.start()?;
        }
        Ok(scan)
    }

    /// What the scan has done.
    pub fn stats(&self) -> ScanStats {
        ScanStats {
            inner: self.centroids.as_ref().map_or(0, |c| c.opened as u64),
            ..self.stats
        }
    }

    fn exact(&self) -> bool {
        self.options.target >= 1.0
    }

    fn start(&mut self) -> Result<()> {
        let Some(space) = self.index.space() else {
            return Ok(());
        };
        let store = self.index.store();
        if self.exact() || self.index.meta().flat {
            let mut leaves = Vec::new();
            for at in walk::leaves(&self.index)? {
                leaves.push(read_leaf(store, space, &self.query, at.leaf)?);
            }
            self.stats.centroids += leaves.len() as u64;
            for leaf in leaves {
                let key = if self.exact() {
                    self.certain_key(&leaf)
                } else {
                    f64::NEG_INFINITY
                };
                self.push_list(leaf, key);
            }
            return Ok(());
        }
        self.effort = self.learned();
        let root = self.index.meta().root;
        self.centroids = Some(Centroids::new(
            store,
            space,
            &self.query,
            (root, self.index.cells()),
            self.effort,
        )?);
        Ok(())
    }

    fn learned(&self) -> Effort {
        self.index
            .meta()
            .tuning
            .effort(STEPS[self.step], self.options.target)
    }

    /// Overrides the learned effort and the rank to settle first, for learning.
    pub(crate) fn set_effort(&mut self, effort: Effort, k: usize) {
        self.step = STEPS.partition_point(|step| *step < k).min(STEPS.len() - 1);
        self.reach = Some(Reach::new(STEPS[self.step]));
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

    fn push_list(&mut self, leaf: Leaf, key: f64) {
        self.lists.push(OpenList::new(leaf));
        self.list_queue
            .push(Reverse((Ordered(key), self.lists.len() as u32 - 1)));
    }

    fn rekey(&mut self) {
        let Some(mut centroids) = self.centroids.take() else {
            return;
        };
        centroids.rekey(&self.query, self.effort);
        self.centroids = Some(centroids);
        let waiting = std::mem::take(&mut self.list_queue);
        self.list_queue = waiting
            .into_iter()
            .map(|Reverse((key, i))| {
                let list = &self.lists[i as usize];
                // Once opened, a list waits with its forgotten entries, which do not depend on `b`.
                if list.queued.is_some() {
                    return Reverse((key, i));
                }
                let key = list_key(
                    &self.query,
                    list.leaf.nearness,
                    list.leaf.node.radius,
                    self.effort.b,
                );
                Reverse((Ordered(self.query.distance_of(key)), i))
            })
            .collect();
    }

    /// The next row, nearest first as far as the target promises, or `None` at the end.
    ///
    /// The caller can have emitted at most as many rows as have an upper bound within the last bound it was given;
    /// one more than that is the rank it is asking for now.
    #[allow(clippy::should_implement_trait)] // it can fail
    pub fn next(&mut self) -> Result<Option<Candidate>> {
        if self.query.degenerate.is_some() {
            return self.next_of_whole();
        }
        loop {
            let asked = 1 + self.uppers.partition_point(|u| *u <= self.last_bound);
            self.step_up(asked);
            let finished = !self.settle()?;
            let frontier = self.frontier().unwrap_or(f64::INFINITY);
            match self.rows.peek() {
                Some(Reverse(row)) if row.bound.0 <= frontier || finished => {
                    let row = *row;
                    self.rows.pop();
                    let late = row.bound.0 < self.last_bound;
                    self.last_bound = self.last_bound.max(row.bound.0);
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
                _ if finished => return self.next_of_whole(),
                _ => self.step(frontier)?,
            }
        }
    }

    /// Makes K at least `asked`, as far as anything was learned.
    fn step_up(&mut self, asked: usize) {
        let before = self.step;
        while STEPS[self.step] < asked && self.step + 1 < STEPS.len() {
            self.step += 1;
        }
        if self.step != before {
            self.reach = None;
            let effort = self.learned();
            if effort != self.effort {
                self.effort = effort;
                self.rekey();
            }
        }
    }

    fn lossy(&self) -> bool {
        self.index.space().is_some_and(|s| s.is_lossy())
    }

    fn next_of_whole(&mut self) -> Result<Option<Candidate>> {
        let all = self.query.degenerate;
        let candidate = self.whole.next(&self.index, all)?;
        self.stats.candidates += u64::from(candidate.is_some());
        Ok(candidate)
    }

    /// Steps until the K nearest are settled; `false` when nothing is left to open.
    fn settle(&mut self) -> Result<bool> {
        loop {
            let Some(frontier) = self.frontier() else {
                return Ok(false);
            };
            if self.options.max_rows > 0 && self.stats.rows >= self.options.max_rows {
                return Ok(false);
            }
            if self.exact() || self.kth_upper() <= frontier {
                return Ok(true);
            }
            self.step(frontier)?;
        }
    }

    /// The K-th smallest upper bound, ∞ while fewer rows are refined.
    fn kth_upper(&self) -> f64 {
        self.uppers
            .get(STEPS[self.step] - 1)
            .copied()
            .unwrap_or(f64::INFINITY)
    }

    /// The smallest distance anything unopened may have.
    fn frontier(&mut self) -> Option<f64> {
        let sighted = self.centroids.as_mut().and_then(Centroids::peek);
        let sighted = sighted.map(|key| self.query.distance_of(key));
        let list = self.list_queue.peek().map(|Reverse((key, _))| key.0);
        let code = self
            .code_queue
            .peek()
            .map(|Reverse((key, _))| self.query.distance_of(key.0 as f32));
        [sighted, list, code].into_iter().flatten().reduce(f64::min)
    }
}
