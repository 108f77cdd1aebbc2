//! Which lists hold a row: the nearest centroid, and a second that complements it (SOAR, arXiv 2404.00774).
//!
//! Rows of a coarse cluster are compared with the centroids of the coarse clusters around it, by one matrix product: the
//! work of a graph search in the shape that the processor likes best, without a graph to build.

use super::cluster::{Clusters, JOB};
use super::rows::Gathered;
use super::{Crew, Phase, STRIPES, Source};
use crate::error::Result;
use ndarray::{Array1, Array2, Axis};
use quantize::kmeans;

/// Nearest centroids among which the second home is chosen.
const CANDIDATES: usize = 16;
/// Coarse clusters searched for the home of a row, its own included.
const AROUND: usize = 16;

/// No second home.
pub(crate) const NO_LIST: u32 = u32::MAX;

/// The lists of every row.
pub(crate) struct Homes {
    /// One a row.
    pub centroids: Array2<f32>,
    /// First and second list of each row.
    pub lists: Vec<[u32; 2]>,
}

impl Homes {
    /// Every row in one of a few lists around the common mean.
    pub(crate) fn flat(source: &mut Source<'_>, crew: &Crew<'_>) -> Result<Self> {
        let (space, total) = (source.space, source.rows.len());
        let mut mean = Array1::<f32>::zeros(space.dim);
        let mut from = 0;
        crew.run(
            || {
                let rows: Vec<u32> = (from..(from + JOB).min(total)).map(|r| r as u32).collect();
                from += rows.len();
                (!rows.is_empty()).then(|| source.gather(&rows)).transpose()
            },
            |rows| rows.decode(space).sum_axis(Axis(0)),
            |sum| {
                mean += &(sum / total as f32);
                Ok(())
            },
        )?;
        // In stretches, so that neighbours in the heap stay neighbours.
        let stretch = total.div_ceil(STRIPES).max(1);
        Ok(Self {
            centroids: mean
                .broadcast((STRIPES, space.dim))
                .map_or(Array2::zeros((STRIPES, space.dim)), |m| m.to_owned()),
            lists: (0..total)
                .map(|row| [(row / stretch) as u32, NO_LIST])
                .collect(),
        })
    }
}

/// Some rows of one coarse cluster and the coarse clusters around it.
pub(super) struct Job {
    pub rows: Gathered,
    around: Vec<usize>,
}

/// Yields all rows, cluster by cluster.
pub(super) struct Jobs {
    members: Vec<Vec<u32>>,
    around: Vec<Vec<usize>>,
    group: usize,
    from: usize,
}

impl Jobs {
    pub(super) fn new(clusters: &Clusters) -> Self {
        let coarse = &clusters.coarse;
        let norms = kmeans::norms_squared(coarse.view());
        let dots = coarse.dot(&coarse.t());
        let around = (0..coarse.nrows()).map(|i| {
            let mut order: Vec<usize> = (0..coarse.nrows())
                .filter(|j| !clusters.groups[*j].is_empty())
                .collect();
            let distance = |j: &usize| {
                if *j == i {
                    f32::NEG_INFINITY
                } else {
                    norms[*j] - 2.0 * dots[[i, *j]]
                }
            };
            order.sort_by(|a, b| distance(a).total_cmp(&distance(b)));
            order.truncate(AROUND);
            order
        });
        Self {
            around: around.collect(),
            members: clusters.members.clone(),
            group: 0,
            from: 0,
        }
    }

    pub(super) fn next(&mut self, source: &mut Source<'_>) -> Result<Option<Job>> {
        while self.group < self.members.len() && self.from >= self.members[self.group].len() {
            (self.group, self.from) = (self.group + 1, 0);
        }
        let Some(members) = self.members.get(self.group) else {
            return Ok(None);
        };
        let rows = &members[self.from..(self.from + JOB).min(members.len())];
        self.from += rows.len();
        Ok(Some(Job {
            rows: source.gather(rows)?,
            around: self.around[self.group].clone(),
        }))
    }
}

/// For each point the `count` nearest centroids with their squared distances (less ‖x‖²), nearest first.
pub(super) fn nearest(
    points: &Array2<f32>,
    clusters: &Clusters,
    job: &Job,
    count: usize,
) -> Vec<Vec<(u32, f32)>> {
    let candidates: Vec<usize> = job
        .around
        .iter()
        .flat_map(|g| clusters.groups[*g].clone())
        .collect();
    let centroids = clusters.centroids.select(Axis(0), &candidates);
    let norms = kmeans::norms_squared(centroids.view());
    let mut homes = Vec::with_capacity(points.nrows());
    let mut order: Vec<(u32, f32)> = Vec::with_capacity(candidates.len());
    let dots = points.dot(&centroids.t());
    for row in dots.rows() {
        order.clear();
        order.extend(
            row.iter()
                .zip(&norms)
                .enumerate()
                .map(|(i, (dot, norm))| (i as u32, norm - 2.0 * dot)),
        );
        let count = count.min(order.len());
        if count < order.len() {
            order.select_nth_unstable_by(count, |a, b| a.1.total_cmp(&b.1));
        }
        let mut best = order[..count].to_vec();
        best.sort_by(|a, b| a.1.total_cmp(&b.1));
        homes.push(
            best.iter()
                .map(|(i, d)| (candidates[*i as usize] as u32, *d))
                .collect(),
        );
    }
    homes
}

/// Among `candidates` (residuals of one row to further centroids) the one that minimises
/// ‖r₂‖² + (r₂·r₁/‖r₁‖)²: near, and off in another direction than the first.
pub(crate) fn second_home<'a>(
    first: &[f32],
    candidates: impl Iterator<Item = &'a [f32]>,
) -> Option<usize> {
    let norm_squared = dot(first, first);
    let mut best = (f32::INFINITY, None);
    for (i, second) in candidates.enumerate() {
        let (own, common) = (dot(second, second), dot(second, first));
        let parallel = if norm_squared > 0.0 {
            common * common / norm_squared
        } else {
            0.0
        };
        if own + parallel < best.0 {
            best = (own + parallel, Some(i));
        }
    }
    best.1
}

/// ⟨a, b⟩ in sixteen independent sums, which the compiler keeps in vector registers.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 16];
    let (a_chunks, a_tail) = a.as_chunks::<16>();
    let (b_chunks, b_tail) = b.as_chunks::<16>();
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for i in 0..16 {
            sums[i] += a[i] * b[i];
        }
    }
    let tail: f32 = a_tail.iter().zip(b_tail).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + tail
}

/// Assigns every row to its lists.
pub(crate) fn assign(
    source: &mut Source<'_>,
    crew: &Crew<'_>,
    clusters: Clusters,
) -> Result<Homes> {
    let (space, total) = (source.space, source.rows.len());
    let mut lists = vec![[0, NO_LIST]; total];
    let mut jobs = Jobs::new(&clusters);
    let mut done = 0;
    crew.run(
        || jobs.next(source),
        |job| {
            let points = job.rows.decode(space);
            let nearest = nearest(&points, &clusters, &job, CANDIDATES);
            let mut first = vec![0.0; space.dim];
            let mut others = vec![0.0; space.dim * CANDIDATES];
            let homes: Vec<[u32; 2]> = points
                .rows()
                .into_iter()
                .zip(&nearest)
                .map(|(point, near)| {
                    for ((r, x), c) in first
                        .iter_mut()
                        .zip(&point)
                        .zip(clusters.centroids.row(near[0].0 as usize))
                    {
                        *r = x - c;
                    }
                    for ((list, _), out) in near[1..].iter().zip(others.chunks_exact_mut(space.dim))
                    {
                        for ((r, x), c) in out
                            .iter_mut()
                            .zip(&point)
                            .zip(clusters.centroids.row(*list as usize))
                        {
                            *r = x - c;
                        }
                    }
                    let candidates = others.chunks_exact(space.dim).take(near.len() - 1);
                    let second = second_home(&first, candidates).map_or(NO_LIST, |i| near[i + 1].0);
                    [near[0].0, second]
                })
                .collect();
            (job.rows.rows, homes)
        },
        |(rows, homes)| {
            for (row, home) in rows.iter().zip(homes) {
                lists[*row as usize] = home;
            }
            done += rows.len() as u64;
            crew.host.progress(Phase::Assigning, done, total as u64);
            Ok(())
        },
    )?;
    Ok(Homes {
        centroids: clusters.centroids,
        lists,
    })
}
