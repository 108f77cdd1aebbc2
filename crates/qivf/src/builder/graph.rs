//! A `usearch` graph over the centroids: it finds the lists of a row where there are too many for matrix products.
//!
//! - It is made once, before the last Lloyd step. What it finds is compared again with the centroids as they are by then,
//!   in floats, so neither the 8-bit codes in it nor that step bend the order.
//! - Of `usearch` only functions that return a `Result` are called: in those alone a C++ exception becomes an error. Room
//!   for every list and for every thread is reserved first.
//! - Lists are added, and rows looked for, by the threads of the workers, a job at a time: a cancel waits for a job at most.

use crate::error::{Error, Result};
use crate::geometry::dot;
use crate::workers::Workers;
use ndarray::{Array2, ArrayView1};
use quantize::kmeans;
use quantize::room;
use quantize::rotation::SplitMix64;
use usearch::{Index, IndexOptions, MetricKind, ScalarKind};

/// Edges of a node (twice as many on the lowest level).
const CONNECTIVITY: usize = 16;
/// Nodes kept while a place for a new one is looked for.
const EXPANSION_ADD: usize = 128;
/// Nodes kept while the lists of a row are looked for. Twice as many take twice as long (`examples/assignment.rs`).
const EXPANSION_SEARCH: usize = 32;
/// Lists per job.
const JOB: usize = 256;
/// Codes reach so many standard deviations of a component; beyond, they are cut.
const REACH: f32 = 4.5;

/// The most that a centroid's squared norm may be of the mean one.
const LONGEST: f32 = 4.0;

/// The graph, with 8-bit codes of the centroids.
pub(super) struct Graph {
    index: Index,
    /// Code units per unit of a component.
    scale: f32,
}

impl Graph {
    /// Whether codes of one scale fit all of `centroids`: none is far longer than the others.
    pub(super) fn fits(centroids: &Array2<f32>) -> bool {
        let norms = kmeans::norms_squared(centroids.view());
        let longest = norms.iter().fold(0.0f32, |a, b| a.max(*b));
        longest <= LONGEST * norms.sum() / norms.len().max(1) as f32
    }

    /// A graph over `centroids`.
    pub(super) fn new(workers: &Workers<'_>, centroids: &Array2<f32>) -> Result<Self> {
        let (lists, dim) = centroids.dim();
        let options = IndexOptions {
            dimensions: dim,
            metric: MetricKind::L2sq,
            quantization: ScalarKind::I8,
            connectivity: CONNECTIVITY,
            expansion_add: EXPANSION_ADD,
            expansion_search: EXPANSION_SEARCH,
            multi: false,
        };
        let index = Index::new(&options).map_err(failed)?;
        index
            .reserve_capacity_and_threads(lists, workers.threads())
            .map_err(|_| Error::OutOfMemory { bytes: lists * dim })?;
        let squares = kmeans::norms_squared(centroids.view()).sum();
        let deviation = (squares / (lists * dim) as f32).sqrt();
        let scale = if deviation > 0.0 {
            f32::from(i8::MAX) / (REACH * deviation)
        } else {
            1.0
        };
        let graph = Self { index, scale };
        let order = shuffled(lists)?;
        let mut jobs = order.chunks(JOB);
        workers.run(
            || Ok(jobs.next()),
            |lists| graph.add(centroids, lists),
            |added| added,
        )?;
        Ok(graph)
    }

    fn add(&self, centroids: &Array2<f32>, lists: &[u32]) -> Result<()> {
        let mut codes = Vec::with_capacity(centroids.ncols());
        for &list in lists {
            self.encode(centroids.row(list as usize), &mut codes);
            self.index.add(u64::from(list), &codes).map_err(failed)?;
        }
        Ok(())
    }

    fn encode(&self, point: ArrayView1<'_, f32>, codes: &mut Vec<i8>) {
        codes.clear();
        // `as` cuts at the ends.
        codes.extend(point.iter().map(|x| (x * self.scale).round() as i8));
    }

    /// For each point about the `count` nearest of `centroids`, with their squared distances (less ‖x‖²), nearest first.
    pub(super) fn nearest(
        &self,
        points: &Array2<f32>,
        centroids: &Array2<f32>,
        count: usize,
    ) -> Result<Vec<Vec<(u32, f32)>>> {
        let mut codes = Vec::with_capacity(points.ncols());
        let mut of_row = |point: ArrayView1<'_, f32>| {
            self.encode(point, &mut codes);
            // Half as many more than asked for, since codes confuse the last.
            let found = self.index.search(&codes, count + count.div_ceil(2));
            let keys = found.map_err(failed)?.keys;
            if keys.is_empty() {
                return Err(failed("no list found"));
            }
            let point = point.to_slice().unwrap_or_default();
            let mut lists: Vec<(u32, f32)> = keys
                .into_iter()
                .map(|key| {
                    let row = centroids.row(key as usize);
                    let centroid = row.to_slice().unwrap_or_default();
                    let distance = dot(centroid, centroid) - 2.0 * dot(centroid, point);
                    (key as u32, distance)
                })
                .collect();
            lists.sort_unstable_by(|a, b| a.1.total_cmp(&b.1));
            lists.truncate(count);
            Ok(lists)
        };
        points.rows().into_iter().map(&mut of_row).collect()
    }
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Graph {
        what: error.to_string(),
    }
}

/// The numbers below `count` in random order: in the order of the lists, whole regions would hang on few edges.
fn shuffled(count: usize) -> Result<Vec<u32>> {
    let mut generator = SplitMix64::new(3);
    let mut order = room::collect(0..count as u32)?;
    for i in (1..count).rev() {
        order.swap(i, generator.below(i + 1));
    }
    Ok(order)
}
