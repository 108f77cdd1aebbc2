//! Lloyd's k-means over the rows of a matrix, with the distances from matrix products.
//!
//! Deterministic for a seed on one machine; nothing here is frozen, since only the resulting centroids reach
//! disk, never the way to them.

use crate::room::{self, OutOfMemory};
use crate::rotation::SplitMix64;
use ndarray::{Array1, Array2, ArrayView2, Axis, s};
use std::sync::atomic::{AtomicBool, Ordering};

/// Rows per matrix product: keeps the product (rows × centroids) in cache and bounds the wait after a cancel.
const CHUNK: usize = 256;

/// The `clusters` centroids (one a row) after `iterations` Lloyd steps from randomly chosen points.
///
/// With no more points than clusters, the points themselves come back. Returns early, with whatever it has, when
/// `cancel` is set.
///
/// # Errors
/// No memory for as many points.
pub fn lloyd(
    points: ArrayView2<'_, f32>,
    clusters: usize,
    iterations: usize,
    seed: u64,
    cancel: &AtomicBool,
) -> Result<Array2<f32>, OutOfMemory> {
    if points.nrows() <= clusters {
        return room::copy_matrix(points);
    }
    let mut generator = SplitMix64::new(seed);
    let mut centroids = initial(points, clusters, &mut generator)?;
    for _ in 0..iterations {
        if cancel.load(Ordering::Relaxed) {
            break;
        }
        let homes = nearest(points, centroids.view(), cancel)?;
        centroids = means(points, &homes, centroids, &mut generator)?;
    }
    Ok(centroids)
}

/// Distinct random points: the first of a partial Fisher–Yates shuffle.
fn initial(
    points: ArrayView2<'_, f32>,
    clusters: usize,
    generator: &mut SplitMix64,
) -> Result<Array2<f32>, OutOfMemory> {
    let mut order = room::collect(0..points.nrows())?;
    for i in 0..clusters {
        let j = i + generator.below(order.len() - i);
        order.swap(i, j);
    }
    room::select(points, &order[..clusters])
}

/// ‖row‖² of each row.
pub fn norms_squared(rows: ArrayView2<'_, f32>) -> Array1<f32> {
    rows.map_axis(Axis(1), |row| row.dot(&row))
}

/// For each point the index of its nearest centroid; the lower index wins a tie.
///
/// # Errors
/// No memory for as many points.
pub fn nearest(
    points: ArrayView2<'_, f32>,
    centroids: ArrayView2<'_, f32>,
    cancel: &AtomicBool,
) -> Result<Vec<u32>, OutOfMemory> {
    let norms = norms_squared(centroids);
    let mut homes = room::vec(points.nrows())?;
    for chunk in points.axis_chunks_iter(Axis(0), CHUNK) {
        if cancel.load(Ordering::Relaxed) {
            homes.resize(points.nrows(), 0);
            break;
        }
        let dots = chunk.dot(&centroids.t());
        for row in dots.rows() {
            let mut best = (f32::INFINITY, 0);
            for (i, (dot, norm)) in row.iter().zip(&norms).enumerate() {
                let distance = norm - 2.0 * dot;
                if distance < best.0 {
                    best = (distance, i as u32);
                }
            }
            homes.push(best.1);
        }
    }
    Ok(homes)
}

/// The mean of each cluster; an empty one restarts at a random point.
fn means(
    points: ArrayView2<'_, f32>,
    homes: &[u32],
    mut centroids: Array2<f32>,
    generator: &mut SplitMix64,
) -> Result<Array2<f32>, OutOfMemory> {
    let mut counts = room::filled(0u32, centroids.nrows())?;
    centroids.fill(0.0);
    for (point, &home) in points.rows().into_iter().zip(homes) {
        counts[home as usize] += 1;
        let mut sum = centroids.slice_mut(s![home as usize, ..]);
        sum += &point;
    }
    for (mut centroid, &count) in centroids.rows_mut().into_iter().zip(&counts) {
        if count == 0 {
            centroid.assign(&points.row(generator.below(points.nrows())));
        } else {
            centroid /= count as f32;
        }
    }
    Ok(centroids)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blobs(count: usize) -> Array2<f32> {
        let mut generator = SplitMix64::new(5);
        Array2::from_shape_fn((count, 4), |(row, column)| {
            let centre = if (row % 4) == column { 100.0 } else { 0.0 };
            centre + generator.below(1000) as f32 / 1000.0
        })
    }

    #[test]
    fn finds_separated_blobs() {
        let points = blobs(400);
        let cancel = AtomicBool::new(false);
        // Several restarts: Lloyd from random points may merge two blobs.
        let best = (0..8)
            .map(|seed| {
                let centroids = lloyd(points.view(), 4, 10, seed, &cancel).unwrap();
                let homes = nearest(points.view(), centroids.view(), &cancel).unwrap();
                let error: f32 = points
                    .rows()
                    .into_iter()
                    .zip(&homes)
                    .map(|(p, &h)| (&p - &centroids.row(h as usize)).mapv(|x| x * x).sum())
                    .sum();
                error
            })
            .fold(f32::INFINITY, f32::min);
        assert!(best < 400.0 * 4.0, "total squared error {best}");
    }

    #[test]
    fn few_and_identical_points() {
        let cancel = AtomicBool::new(false);
        let points = blobs(3);
        assert_eq!(lloyd(points.view(), 5, 3, 1, &cancel), Ok(points));
        let same = Array2::<f32>::ones((20, 3));
        let centroids = lloyd(same.view(), 4, 3, 1, &cancel).unwrap();
        assert!(centroids.iter().all(|x| *x == 1.0));
    }
}
