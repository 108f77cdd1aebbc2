//! Which lists hold a row: the nearest centroid, and a second that complements it (SOAR, arXiv 2404.00774).

use super::clusters::Clusters;
use super::nearest::{Jobs, Search};
use super::source::{JOB, Source};
use crate::error::Result;
use crate::geometry::second_home;
use crate::plan::stripes;
use crate::workers::{Phase, Workers};
use ndarray::{Array1, Array2, ArrayView1, Axis};
use quantize::room;
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
    pub(crate) fn flat(source: &mut Source<'_>, workers: &Workers<'_>) -> Result<Self> {
        let (space, total) = (source.space, source.rows.len());
        let mut mean = Array1::<f32>::zeros(space.dim);
        let mut from = 0;
        workers.run(
            || {
                let rows: Vec<u32> = (from..(from + JOB).min(total)).map(|r| r as u32).collect();
                from += rows.len();
                (!rows.is_empty()).then(|| source.gather(&rows)).transpose()
            },
            |rows| Ok(rows.decode(space)?.sum_axis(Axis(0))),
            |sum: Result<_>| {
                mean += &(sum? / total as f32);
                Ok(())
            },
        )?;
        // In stretches, so that neighbours in the heap stay neighbours.
        let stripes = stripes(space);
        let stretch = total.div_ceil(stripes).max(1);
        Ok(Self {
            centroids: mean
                .broadcast((stripes, space.dim))
                .map_or(Array2::zeros((stripes, space.dim)), |m| m.to_owned()),
            lists: room::collect((0..total).map(|row| [(row / stretch) as u32, NO_LIST]))?,
            groups: Vec::new(),
        })
    }
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
    workers: &Workers<'_>,
    clusters: Clusters,
    search: &Search,
) -> Result<Homes> {
    let (space, total) = (source.space, source.rows.len());
    let mut lists = room::filled([0, NO_LIST], total)?;
    let mut jobs = Jobs::default();
    let mut done = 0;
    workers.run(
        || jobs.next(&clusters.members, source),
        |gathered| {
            let points = gathered.decode(space)?;
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
            workers.host.progress(Phase::Assigning, done, total as u64);
            Ok(())
        },
    )?;
    Ok(Homes {
        centroids: clusters.centroids,
        lists,
        groups: clusters.groups,
    })
}
