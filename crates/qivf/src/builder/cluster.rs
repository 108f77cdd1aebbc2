//! Centroids by hierarchical k-means: √lists coarse clusters, each divided again by its share of the rows, then one
//! Lloyd step over everything.

use super::clusters::Clusters;
use super::graph::Graph;
use super::nearest::{Jobs, Search};
use super::source::{JOB, Source};
use crate::error::Result;
use crate::workers::{Phase, Workers};
use ndarray::{Array2, s};
use quantize::rotation::SplitMix64;
use quantize::{kmeans, room};

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
fn sample(total: usize, count: usize, generator: &mut SplitMix64) -> Result<Vec<u32>> {
    if count >= total {
        return Ok(room::collect(0..total as u32)?);
    }
    // One from each of `count` equal stretches: distinct, ascending, and cheap to read from a spill file.
    Ok(room::collect((0..count).map(|i| {
        let (from, to) = (i * total / count, (i + 1) * total / count);
        (from + generator.below((to - from).max(1))) as u32
    }))?)
}

fn coarse(source: &mut Source<'_>, workers: &Workers<'_>, count: usize) -> Result<Array2<f32>> {
    let mut generator = SplitMix64::new(1);
    let sample = sample(source.rows.len(), count * COARSE_SAMPLE, &mut generator)?;
    let rows = source.gather(&sample)?;
    let (space, stop) = (source.space, workers.stop());
    workers.run_one(|| {
        let points = rows.decode(space)?;
        Ok(kmeans::lloyd(points.view(), count, ITERATIONS, 1, stop)?)
    })?
}

/// The rows nearest to each coarse centroid.
fn coarse_members(
    source: &mut Source<'_>,
    workers: &Workers<'_>,
    coarse: &Array2<f32>,
) -> Result<Vec<Vec<u32>>> {
    let (space, total, cancel) = (source.space, source.rows.len(), workers.stop());
    let mut members = room::filled(Vec::new(), coarse.nrows())?;
    let mut homes = room::filled(0u32, total)?;
    let mut from = 0;
    workers.run(
        || {
            let rows: Vec<u32> = (from..(from + JOB).min(total)).map(|r| r as u32).collect();
            from += rows.len();
            (!rows.is_empty()).then(|| source.gather(&rows)).transpose()
        },
        |rows| {
            let nearest = kmeans::nearest(rows.decode(space)?.view(), coarse.view(), cancel)?;
            Ok((rows.rows, nearest))
        },
        |found: Result<_>| {
            let (rows, nearest) = found?;
            for (row, home) in rows.iter().zip(nearest) {
                homes[*row as usize] = home;
            }
            Ok(())
        },
    )?;
    for (row, home) in homes.iter().enumerate() {
        room::push(&mut members[*home as usize], row as u32)?;
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
    let mut found: Vec<Option<Array2<f32>>> = room::filled(None, members.len())?;
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
            let picked = sample(rows.len(), share * FINE_SAMPLE, &mut generator)?;
            let rows = room::collect(picked.iter().map(|i| rows[*i as usize]))?;
            next += 1;
            Ok(Some((next - 1, share, source.gather(&rows)?)))
        },
        |(group, share, rows)| {
            let points = rows.decode(space)?;
            let seed = group as u64;
            let centroids = kmeans::lloyd(points.view(), share, ITERATIONS, seed, cancel)?;
            Ok((group, centroids))
        },
        |divided: Result<_>| {
            let (group, centroids) = divided?;
            found[group] = Some(centroids);
            done += 1;
            workers
                .host
                .progress(Phase::Clustering, done, members.len() as u64);
            Ok(())
        },
    )?;
    let count_of = |part: &Option<Array2<f32>>| part.as_ref().map_or(0, |p| p.nrows());
    let total = found.iter().map(count_of).sum();
    let mut clusters = Clusters {
        centroids: room::matrix(total, space.dim)?,
        groups: room::vec(found.len())?,
        coarse,
        members,
    };
    let mut start = 0;
    for part in found {
        let group = start..start + count_of(&part);
        if let Some(part) = part {
            let mut place = clusters.centroids.slice_mut(s![group.clone(), ..]);
            place.assign(&part);
        }
        start = group.end;
        clusters.groups.push(group);
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
    let (lists, dim) = clusters.centroids.dim();
    let mut sums = room::matrix(lists, dim)?;
    let mut counts = room::filled(0u32, lists)?;
    let mut jobs = Jobs::default();
    let plan = &*clusters;
    workers.run(
        || jobs.next(&plan.members, source),
        |gathered| {
            let points = gathered.decode(space)?;
            let homes = search.nearest(&points, plan, AROUND, 1)?;
            // Sums of the lists this job touches: far smaller to hand over than the points.
            let mut touched = room::collect(homes.iter().map(|h| h[0].0))?;
            touched.sort_unstable();
            touched.dedup();
            let mut sums = room::matrix(touched.len(), space.dim)?;
            let mut counts = room::filled(0u32, touched.len())?;
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
