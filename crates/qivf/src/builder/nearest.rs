//! Which lists are nearest to a row.
//!
//! Rows that lie close are compared with the centroids of the coarse clusters nearest to each, by matrix products: the work of
//! a graph search in the shape that the processor likes best, without a graph to build. That work grows with the root of
//! the number of lists, so very many lists are found by a graph.

use super::clusters::Clusters;
use super::graph::Graph;
use super::rows::Gathered;
use super::source::{JOB, Source};
use crate::error::Result;
use ndarray::{Array2, Axis, s};
use quantize::kmeans;

/// Yields all rows, coarse cluster by coarse cluster: rows that lie close are compared with the same lists.
#[derive(Default)]
pub(super) struct Jobs {
    group: usize,
    from: usize,
}

impl Jobs {
    /// The next of `members`, the rows of each coarse cluster.
    pub(super) fn next(
        &mut self,
        members: &[Vec<u32>],
        source: &mut Source<'_>,
    ) -> Result<Option<Gathered>> {
        while self.group < members.len() && self.from >= members[self.group].len() {
            (self.group, self.from) = (self.group + 1, 0);
        }
        let Some(members) = members.get(self.group) else {
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
