//! How far a sample of all rows is from a few queries: what is known about ranks beyond those for which every row counts.

use super::sample::Sampled;
use crate::layout::Pointer;
use crate::pages;
use crate::space::Space;
use crate::store::BlockNumber;
use quantize::rotation::SplitMix64;

/// Rows kept at least, where there are so many; at most twice as many.
const ROWS: usize = 16_384;

/// Distances of some rows to some queries.
#[derive(Debug)]
pub(super) struct Others {
    /// Queries.
    pub queries: usize,
    /// Rows among which the sample was taken.
    pub of: usize,
    pub at: Vec<Pointer>,
    /// Per row, one for each query; ∞ where the row is the query.
    distances: Vec<f32>,
    /// Rows are kept whose number, random but always the same, is at most this.
    limit: u64,
}

impl Others {
    /// None yet.
    pub(super) fn new(queries: usize) -> Self {
        Self {
            queries,
            of: 0,
            at: Vec::new(),
            distances: Vec::new(),
            limit: u64::MAX,
        }
    }

    /// To look for more rows of the same sample.
    pub(super) fn another(&self) -> Self {
        Self {
            limit: self.limit,
            ..Self::new(self.queries)
        }
    }

    /// Of one row, one for each query.
    pub(super) fn distances(&self, row: usize) -> &[f32] {
        &self.distances[row * self.queries..(row + 1) * self.queries]
    }

    /// How many rows each row of the sample stands for.
    pub(super) fn each(&self) -> f32 {
        self.of as f32 / self.at.len().max(1) as f32
    }

    /// Looks at the rows of a page.
    pub(super) fn look(
        &mut self,
        space: &Space,
        sample: &[Sampled],
        (block, page): (BlockNumber, &[u8]),
    ) {
        for (slot, record) in pages::live_rows(space, page) {
            self.of += 1;
            let at = Pointer { block, slot };
            if self.queries == 0 || number(at) > self.limit {
                continue;
            }
            self.at.push(at);
            self.distances.extend(sample.iter().map(|sampled| {
                if sampled.itself == Some(at) {
                    return f32::INFINITY;
                }
                let refined = sampled.query.refine(space, record);
                ((refined.bound + refined.upper) / 2.0) as f32
            }));
        }
    }

    /// Adds what another look has found.
    pub(super) fn merge(&mut self, more: &Self) {
        self.of += more.of;
        for (row, at) in more.at.iter().enumerate() {
            if number(*at) <= self.limit {
                self.at.push(*at);
                self.distances.extend_from_slice(more.distances(row));
            }
        }
        while self.at.len() > 2 * ROWS {
            self.limit /= 2;
            self.thin();
        }
    }

    fn thin(&mut self) {
        let mut kept = 0;
        for row in 0..self.at.len() {
            if number(self.at[row]) <= self.limit {
                self.at[kept] = self.at[row];
                let from = row * self.queries..(row + 1) * self.queries;
                self.distances.copy_within(from, kept * self.queries);
                kept += 1;
            }
        }
        self.at.truncate(kept);
        self.distances.truncate(kept * self.queries);
    }

    /// The rows in the order of their distance to a query.
    pub(super) fn nearest_first(&self, query: usize) -> Vec<u32> {
        let distance = |row: &u32| self.distances(*row as usize)[query];
        let mut rows: Vec<u32> = (0..self.at.len() as u32).collect();
        rows.retain(|row| distance(row).is_finite());
        rows.sort_by_cached_key(|row| Total(distance(row)));
        rows
    }
}

fn number(at: Pointer) -> u64 {
    SplitMix64::new(u64::from(at.block) << 16 | u64::from(at.slot)).next_u64()
}

/// A float ordered as a number.
#[derive(Clone, Copy, PartialEq)]
struct Total(f32);

impl Eq for Total {}

impl PartialOrd for Total {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Total {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}
