//! Which lists hold a row: the nearest centroid, and a second that complements it (SOAR, arXiv 2404.00774).
//!
//! Rows that lie close are compared with the centroids of the coarse clusters nearest to each, by matrix products: the work of
//! a graph search in the shape that the processor likes best, without a graph to build. That work grows with the root of
//! the number of lists, so very many lists are found by a graph.

use super::cluster::{Clusters, JOB};
use super::graph::Graph;
use super::rows::Gathered;
use super::{Crew, Phase, STRIPES, Source};
use crate::error::Result;
use ndarray::{Array1, Array2, ArrayView1, Axis, s};
use quantize::kmeans;
use std::ops::Range;

/// Nearest centroids among which the second home is chosen.
const CANDIDATES: usize = 16;
/// Coarse clusters searched for the homes of a row.
///
/// Seen on 62,666 × 384 embeddings, 56 coarse clusters (`examples/evidence.rs`): with 12 recall and lists opened are those
/// of comparing all, in a third of the time. What matters is that each row has its own: with the 16 around the row's
/// coarse cluster, nearly twice as many codes are scored at recall 0.99.
const AROUND: usize = 12;

/// No second home.
pub(crate) const NO_LIST: u32 = u32::MAX;

/// The lists of every row.
pub(crate) struct Homes {
    /// One a row.
    pub centroids: Array2<f32>,
    /// First and second list of each row.
    pub lists: Vec<[u32; 2]>,
    /// Lists that lie close and are adjacent, all in order: what inner nodes are made of.
    pub groups: Vec<Range<usize>>,
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
            groups: Vec::new(),
        })
    }
}

/// Yields all rows, coarse cluster by coarse cluster: rows that lie close are compared with the same lists.
pub(super) struct Jobs {
    members: Vec<Vec<u32>>,
    group: usize,
    from: usize,
}

impl Jobs {
    pub(super) fn new(clusters: &Clusters) -> Self {
        Self {
            members: clusters.members.clone(),
            group: 0,
            from: 0,
        }
    }

    pub(super) fn next(&mut self, source: &mut Source<'_>) -> Result<Option<Gathered>> {
        while self.group < self.members.len() && self.from >= self.members[self.group].len() {
            (self.group, self.from) = (self.group + 1, 0);
        }
        let Some(members) = self.members.get(self.group) else {
            return Ok(None);
        };
        let rows = &members[self.from..(self.from + JOB).min(members.len())];
        self.from += rows.len();
        source.gather(rows).map(Some)
    }
}

/// The lists nearest to a row so far.
struct Nearest {
    count: usize,
    /// Unordered, up to four times as many.
    lists: Vec<(u32, f32)>,
    bar: f32,
}

impl Nearest {
    fn new(count: usize) -> Self {
        Self {
            count,
            lists: Vec::with_capacity(4 * count),
            bar: f32::INFINITY,
        }
    }

    fn add(&mut self, list: u32, distance: f32) {
        if distance < self.bar || self.lists.len() < self.count {
            self.lists.push((list, distance));
            if self.lists.len() == 4 * self.count {
                self.shorten();
            }
        }
    }

    fn shorten(&mut self) {
        if self.lists.len() > self.count {
            let (_, last, _) = self
                .lists
                .select_nth_unstable_by(self.count - 1, |a, b| a.1.total_cmp(&b.1));
            self.bar = last.1;
            self.lists.truncate(self.count);
        }
    }

    fn sorted(mut self) -> Vec<(u32, f32)> {
        self.shorten();
        self.lists.sort_unstable_by(|a, b| a.1.total_cmp(&b.1));
        self.lists
    }
}

/// How the lists of a row are found.
pub(crate) enum Search {
    /// By matrix products with the lists of coarse clusters.
    Products,
    /// By a graph over all lists, and the row's own coarse cluster.
    Graph(Graph),
}

impl Search {
    /// For each point about the `count` nearest centroids, with their squared distances (less ‖x‖²), nearest first.
    pub(super) fn nearest(
        &self,
        points: &Array2<f32>,
        clusters: &Clusters,
        around: usize,
        count: usize,
    ) -> Result<Vec<Vec<(u32, f32)>>> {
        match self {
            Self::Products => Ok(nearest(points, clusters, around, count)),
            // A graph may have no way to some list among near-duplicates; the row's own coarse cluster mostly holds it.
            // Of 12,500 lists of package descriptions the graph alone misses the nearest for 4 % of the rows, both 0.8 %.
            Self::Graph(graph) => {
                let found = graph.nearest(points, &clusters.centroids, count)?;
                let own = nearest(points, clusters, 1, count);
                Ok(found
                    .into_iter()
                    .zip(own)
                    .map(|(a, b)| merged(a, b, count))
                    .collect())
            }
        }
    }
}

/// The `count` nearest of both.
fn merged(mut a: Vec<(u32, f32)>, b: Vec<(u32, f32)>, count: usize) -> Vec<(u32, f32)> {
    let new = b
        .into_iter()
        .filter(|(list, _)| a.iter().all(|(other, _)| other != list));
    let new: Vec<_> = new.collect();
    a.extend(new);
    a.sort_unstable_by(|a, b| a.1.total_cmp(&b.1));
    a.truncate(count);
    a
}

/// For each point the `count` nearest centroids of the `around` coarse clusters nearest to it, with their squared
/// distances (less ‖x‖²), nearest first.
pub fn nearest(
    points: &Array2<f32>,
    clusters: &Clusters,
    around: usize,
    count: usize,
) -> Vec<Vec<(u32, f32)>> {
    let mut found: Vec<Nearest> = points
        .rows()
        .into_iter()
        .map(|_| Nearest::new(count))
        .collect();
    for (group, rows) in visits(points, clusters, around).into_iter().enumerate() {
        let lists = clusters.groups[group].clone();
        if rows.is_empty() || lists.is_empty() {
            continue;
        }
        let centroids = clusters.centroids.slice(s![lists.clone(), ..]);
        let norms = kmeans::norms_squared(centroids);
        let dots = points.select(Axis(0), &rows).dot(&centroids.t());
        for (row, dots) in rows.into_iter().zip(dots.rows()) {
            for ((list, dot), norm) in lists.clone().zip(dots).zip(&norms) {
                found[row].add(list as u32, norm - 2.0 * dot);
            }
        }
    }
    found.into_iter().map(Nearest::sorted).collect()
}

/// Per coarse cluster the points that look for lists in it.
fn visits(points: &Array2<f32>, clusters: &Clusters, around: usize) -> Vec<Vec<usize>> {
    let norms = kmeans::norms_squared(clusters.coarse.view());
    let mut visits = vec![Vec::new(); clusters.coarse.nrows()];
    let mut order: Vec<(usize, f32)> = Vec::with_capacity(norms.len());
    for (row, dots) in points
        .dot(&clusters.coarse.t())
        .rows()
        .into_iter()
        .enumerate()
    {
        order.clear();
        let distances = dots.iter().zip(&norms).map(|(dot, norm)| norm - 2.0 * dot);
        let some = distances
            .enumerate()
            .filter(|(g, _)| !clusters.groups[*g].is_empty());
        order.extend(some);
        if around < order.len() {
            order.select_nth_unstable_by(around, |a, b| a.1.total_cmp(&b.1));
            order.truncate(around);
        }
        order.iter().for_each(|(group, _)| visits[*group].push(row));
    }
    visits
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
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
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

/// The two lists of each point, by the lists nearest to it.
fn homes(
    points: &Array2<f32>,
    nearest: &[Vec<(u32, f32)>],
    centroids: &Array2<f32>,
) -> Vec<[u32; 2]> {
    let dim = points.ncols();
    let mut first = vec![0.0; dim];
    let mut others = vec![0.0; dim * CANDIDATES];
    let residual = |point: &ArrayView1<'_, f32>, list: u32, out: &mut [f32]| {
        for ((r, x), c) in out.iter_mut().zip(point).zip(centroids.row(list as usize)) {
            *r = x - c;
        }
    };
    let of_row = |(point, near): (ArrayView1<'_, f32>, &Vec<(u32, f32)>)| {
        residual(&point, near[0].0, &mut first);
        for ((list, _), out) in near[1..].iter().zip(others.chunks_exact_mut(dim)) {
            residual(&point, *list, out);
        }
        let candidates = others.chunks_exact(dim).take(near.len() - 1);
        let second = second_home(&first, candidates).map_or(NO_LIST, |i| near[i + 1].0);
        [near[0].0, second]
    };
    points.rows().into_iter().zip(nearest).map(of_row).collect()
}

/// Assigns every row to its lists.
pub(crate) fn assign(
    source: &mut Source<'_>,
    crew: &Crew<'_>,
    clusters: Clusters,
    search: &Search,
) -> Result<Homes> {
    let (space, total) = (source.space, source.rows.len());
    let mut lists = vec![[0, NO_LIST]; total];
    let mut jobs = Jobs::new(&clusters);
    let mut done = 0;
    crew.run(
        || jobs.next(source),
        |gathered| {
            let points = gathered.decode(space);
            let nearest = search.nearest(&points, &clusters, AROUND, CANDIDATES)?;
            let homes = homes(&points, &nearest, &clusters.centroids);
            Ok((gathered.rows, homes))
        },
        |assigned: Result<_>| {
            let (rows, homes) = assigned?;
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
        groups: clusters.groups,
    })
}
