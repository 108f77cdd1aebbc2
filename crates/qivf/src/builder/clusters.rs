//! The centroids of a build.

use ndarray::Array2;
use std::ops::Range;

/// Centroids in coarse groups.
pub struct Clusters {
    /// One a row; those of a group are adjacent.
    pub centroids: Array2<f32>,
    /// The rows of `centroids` in each group.
    pub groups: Vec<Range<usize>>,
    /// The coarse centroids.
    pub coarse: Array2<f32>,
    /// The rows of the table in each group.
    pub members: Vec<Vec<u32>>,
}
