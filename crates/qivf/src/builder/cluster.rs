//! Centroids by hierarchical k-means: √lists coarse clusters, each divided again by its share of the rows, then one
//! Lloyd step over everything.

use super::clusters::Clusters;
use super::graph::Graph;
use super::nearest::{Jobs, Search};
use super::source::{JOB, Source};
use crate::error::Result;
use crate::workers::{Phase, Workers};
use ndarray::{Array2, Axis, concatenate, s};
use quantize::kmeans;
use quantize::rotation::SplitMix64;

/// Lloyd steps at each level.
const ITERATIONS: usize = 8;
/// Sampled rows per coarse cluster.
const COARSE_SAMPLE: usize = 256;
/// Rows used per list when a coarse cluster is divided.
const FINE_SAMPLE: usize = 64;
/// Up to so many lists one level is enough.
const ONE_LEVEL: usize = 64;
/// Coarse clusters searched for the list of a row in the last Lloyd step.
const AROUND: usize = 6;
/// Finds about `lists` centroids, and what finds those of a row: from `graph_lists` on a graph.
pub(crate) fn find(
    source: &mut Source<'_>,
    workers: &Workers<'_>,
    lists: usize,
    graph_lists: usize,
) -> Result<(Clusters, Search)> {
    let coarse_count = if lists <= ONE_LEVEL {
        1
    } else {
        (lists as f64).sqrt().round() as usize
    };
    let coarse = coarse(source, workers, coarse_count)?;
    let members = coarse_members(source, workers, &coarse)?;
    let mut clusters = divide(source, workers, coarse, members, lists)?;
    let centroids = &clusters.centroids;
    let search = if centroids.nrows() >= graph_lists && Graph::fits(centroids) {
        Search::Graph(Graph::new(workers, centroids)?)
    } else {
        Search::Products
    };
    lloyd_step(source, workers, &mut clusters, &search)?;
    Ok((clusters, search))
}

/// `count` distinct row numbers, or all.
fn sample(total: usize, count: usize, generator: &mut SplitMix64) -> Vec<u32> {
    if count >= total {
        return (0..total as u32).collect();
    }
    // One from each of `count` equal stretches: distinct, ascending, and cheap to read from a spill file.
    (0..count)
        .map(|i| {
            let (from, to) = (i * total / count, (i + 1) * total / count);
            (from + generator.below((to - from).max(1))) as u32
        })
        .collect()
}

fn coarse(source: &mut Source<'_>, workers: &Workers<'_>, count: usize) -> Result<Array2<f32>> {
    let mut generator = SplitMix64::new(1);
    let sample = sample(source.rows.len(), count * COARSE_SAMPLE, &mut generator);
    let rows = source.gather(&sample)?;
    let (space, stop) = (source.space, workers.stop());
    workers.run_one(|| {
        let points = rows.decode(space);
        kmeans::lloyd(points.view(), count, ITERATIONS, 1, stop)
    })
}

/// The rows nearest to each coarse centroid.
fn coarse_members(
    source: &mut Source<'_>,
    workers: &Workers<'_>,
    coarse: &Array2<f32>,
) -> Result<Vec<Vec<u32>>> {
    let (space, total, cancel) = (source.space, source.rows.len(), workers.stop());
    let mut members = vec![Vec::new(); coarse.nrows()];
    let mut homes = vec![0u32; total];
    let mut from = 0;
    workers.run(
        || {
            let rows: Vec<u32> = (from..(from + JOB).min(total)).map(|r| r as u32).collect();
            from += rows.len();
            (!rows.is_empty()).then(|| source.gather(&rows)).transpose()
        },
        |rows| {
            let nearest = kmeans::nearest(rows.decode(space).view(), coarse.view(), cancel);
            (rows.rows, nearest)
        },
        |(rows, nearest)| {
            for (row, home) in rows.iter().zip(nearest) {
                homes[*row as usize] = home;
            }
            Ok(())
        },
    )?;
    for (row, home) in homes.iter().enumerate() {
        members[*home as usize].push(row as u32);
    }
    Ok(members)
}

/// Divides each coarse cluster into its share of the lists.
fn divide(
    source: &mut Source<'_>,
    workers: &Workers<'_>,
    coarse: Array2<f32>,
    members: Vec<Vec<u32>>,
    lists: usize,
) -> Result<Clusters> {
    let (space, total, cancel) = (source.space, source.rows.len(), workers.stop());
    let mut found: Vec<Option<Array2<f32>>> = vec![None; members.len()];
    let mut next = 0;
    let mut done = 0;
    workers.run(
        || {
            while next < members.len() && members[next].is_empty() {
                next += 1;
            }
            let Some(rows) = members.get(next) else {
                return Ok(None);
            };
            let share = ((lists * rows.len()) as f64 / total as f64)
                .round()
                .max(1.0) as usize;
            let mut generator = SplitMix64::new(next as u64);
            let picked = sample(rows.len(), share * FINE_SAMPLE, &mut generator);
            let rows: Vec<u32> = picked.iter().map(|i| rows[*i as usize]).collect();
            next += 1;
            Ok(Some((next - 1, share, source.gather(&rows)?)))
        },
        |(group, share, rows)| {
            let points = rows.decode(space);
            (
                group,
                kmeans::lloyd(points.view(), share, ITERATIONS, group as u64, cancel),
            )
        },
        |(group, centroids)| {
            found[group] = Some(centroids);
            done += 1;
            workers
                .host
                .progress(Phase::Clustering, done, members.len() as u64);
            Ok(())
        },
    )?;
    let mut clusters = Clusters {
        centroids: Array2::zeros((0, space.dim)),
        groups: Vec::new(),
        coarse,
        members,
    };
    let mut start = 0;
    for part in &found {
        let count = part.as_ref().map_or(0, |p| p.nrows());
        clusters.groups.push(start..start + count);
        start += count;
    }
    let views: Vec<_> = found.iter().flatten().map(|p| p.view()).collect();
    if let Ok(all) = concatenate(Axis(0), &views) {
        clusters.centroids = all;
    }
    Ok(clusters)
}

/// Moves every centroid to the mean of the rows nearest to it.
fn lloyd_step(
    source: &mut Source<'_>,
    workers: &Workers<'_>,
    clusters: &mut Clusters,
    search: &Search,
) -> Result<()> {
    let space = source.space;
    let mut sums = Array2::<f32>::zeros(clusters.centroids.raw_dim());
    let mut counts = vec![0u32; clusters.centroids.nrows()];
    let mut jobs = Jobs::new(clusters);
    let plan = &*clusters;
    workers.run(
        || jobs.next(source),
        |gathered| {
            let points = gathered.decode(space);
            let homes = search.nearest(&points, plan, AROUND, 1)?;
            // Sums of the lists this job touches: far smaller to hand over than the points.
            let mut touched: Vec<u32> = homes.iter().map(|h| h[0].0).collect();
            touched.sort_unstable();
            touched.dedup();
            let mut sums = Array2::<f32>::zeros((touched.len(), space.dim));
            let mut counts = vec![0u32; touched.len()];
            for (point, home) in points.rows().into_iter().zip(&homes) {
                let at = touched.partition_point(|t| *t < home[0].0);
                let mut sum = sums.slice_mut(s![at, ..]);
                sum += &point;
                counts[at] += 1;
            }
            Ok((touched, sums, counts))
        },
        |part: Result<_>| {
            let (touched, part, part_counts) = part?;
            for ((list, row), count) in touched.iter().zip(part.rows()).zip(part_counts) {
                let mut sum = sums.slice_mut(s![*list as usize, ..]);
                sum += &row;
                counts[*list as usize] += count;
            }
            Ok(())
        },
    )?;
    let rows = sums.rows().into_iter().zip(&counts);
    for (mut centroid, (sum, &count)) in clusters.centroids.rows_mut().into_iter().zip(rows) {
        if count > 0 {
            centroid.assign(&(&sum / count as f32));
        }
    }
    Ok(())
}
