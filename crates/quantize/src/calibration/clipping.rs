//! How much of live data falls outside calibration ranges: the drift signal.
//!
//! State: one `u64` of rows, then `d` pairs of `u64`: values below the minimum and above the maximum.

use serde::Serialize;

use crate::{Error, check_finite, check_same_dimensions};

/// How many of the worst dimensions a report names.
const WORST: usize = 10;

/// Length of the state for `dimensions`.
pub const fn state_len(dimensions: usize) -> usize {
    1 + 2 * dimensions
}

/// Counts the values of one embedding that lie outside the ranges.
///
/// # Errors
/// Ranges of other dimensions, or a value that is not finite.
pub fn add(
    state: &mut [u64],
    embedding: &[f32],
    minima: &[f32],
    maxima: &[f32],
) -> Result<(), Error> {
    let dimensions = (state.len() - 1) / 2;
    if dimensions != embedding.len() {
        return Err(Error::RangesDimensions {
            embedding: embedding.len(),
            ranges: dimensions,
        });
    }
    check_finite(embedding)?;
    let (rows, counts) = state.split_at_mut(1);
    rows[0] += 1;
    let bounds = minima.iter().zip(maxima);
    for ((count, x), (min, max)) in counts.chunks_exact_mut(2).zip(embedding).zip(bounds) {
        count[0] += u64::from(x < min);
        count[1] += u64::from(x > max);
    }
    Ok(())
}

/// Adds another state.
///
/// # Errors
/// Different dimensions.
pub fn merge(state: &mut [u64], other: &[u64]) -> Result<(), Error> {
    check_same_dimensions(state.len() / 2, other.len() / 2)?;
    for (count, other) in state.iter_mut().zip(other) {
        *count += other;
    }
    Ok(())
}

/// What `clipping_report` returns.
#[derive(Debug, PartialEq, Serialize)]
pub struct Report {
    /// Embeddings seen.
    pub rows: u64,
    /// Dimensions of each.
    pub dimensions: usize,
    /// Values outside the ranges.
    pub clipped_values: u64,
    /// The same as a share of all values, 0 to 1.
    pub clipped_share: f64,
    /// Dimensions in which at least one value was clipped.
    pub clipped_dimensions: usize,
    /// Dimensions with a range of no width, counted from 1.
    pub constant_dimensions: Vec<usize>,
    /// The dimensions with most clipped values, worst first.
    pub worst_dimensions: Vec<Dimension>,
}

/// One dimension of a [`Report`].
#[derive(Debug, PartialEq, Serialize)]
pub struct Dimension {
    /// Counted from 1.
    pub dimension: usize,
    /// Values below the minimum.
    pub below: u64,
    /// Values above the maximum.
    pub above: u64,
    /// Both as a share of the rows, 0 to 1.
    pub clipped_share: f64,
}

/// Sums a state up.
pub fn finish(state: &[u64], minima: &[f32], maxima: &[f32]) -> Report {
    let rows = state[0];
    let share = |count: u64, of: u64| {
        if of == 0 {
            0.0
        } else {
            count as f64 / of as f64
        }
    };
    let mut clipped: Vec<Dimension> = state[1..]
        .chunks_exact(2)
        .enumerate()
        .filter(|(_, count)| count[0] + count[1] > 0)
        .map(|(i, count)| Dimension {
            dimension: i + 1,
            below: count[0],
            above: count[1],
            clipped_share: share(count[0] + count[1], rows),
        })
        .collect();
    let clipped_dimensions = clipped.len();
    let clipped_values = clipped.iter().map(|d| d.below + d.above).sum();
    clipped.sort_by_key(|d| (std::cmp::Reverse(d.below + d.above), d.dimension));
    clipped.truncate(WORST);
    let bounds = minima.iter().zip(maxima).enumerate();
    Report {
        rows,
        dimensions: minima.len(),
        clipped_values,
        clipped_share: share(clipped_values, rows * minima.len() as u64),
        clipped_dimensions,
        constant_dimensions: bounds
            .filter(|(_, (min, max))| min == max)
            .map(|(i, _)| i + 1)
            .collect(),
        worst_dimensions: clipped,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_below_and_above_and_names_the_worst() {
        let (minima, maxima) = ([0.0, 0.0, 5.0], [1.0, 1.0, 5.0]);
        let mut state = vec![0; state_len(3)];
        let mut other = state.clone();
        add(&mut state, &[-1.0, 0.5, 5.0], &minima, &maxima).unwrap();
        add(&mut state, &[0.0, 2.0, 5.0], &minima, &maxima).unwrap();
        add(&mut other, &[0.0, 3.0, 5.0], &minima, &maxima).unwrap();
        merge(&mut state, &other).unwrap();
        let report = finish(&state, &minima, &maxima);
        assert_eq!(
            (
                report.rows,
                report.clipped_values,
                report.clipped_dimensions
            ),
            (3, 3, 2)
        );
        assert_eq!(report.clipped_share, 3.0 / 9.0);
        assert_eq!(report.constant_dimensions, [3]);
        let worst = &report.worst_dimensions[0];
        assert_eq!((worst.dimension, worst.below, worst.above), (2, 0, 2));
    }

    #[test]
    fn no_rows_is_no_drift() {
        let report = finish(&vec![0; state_len(1)], &[0.0], &[1.0]);
        assert_eq!((report.rows, report.clipped_share), (0, 0.0));
    }
}
