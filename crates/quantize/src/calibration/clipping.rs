//! How much of live data falls outside calibration ranges: the drift signal.
//!
//! State, in 64-bit words: the number of rows, then for each dimension its range (the float32 bits of the minimum in
//! the upper half, of the maximum in the lower), the values below the minimum, and those above the maximum.

use serde::Serialize;

use crate::{Error, check_finite};

/// How many of the worst dimensions a report names.
const WORST: usize = 10;

/// Words of state for each dimension.
const STRIDE: usize = 3;

/// Length of the state for `dimensions`.
pub const fn state_len(dimensions: usize) -> usize {
    1 + STRIDE * dimensions
}

/// Whether a state can have this length.
pub const fn is_state_len(len: usize) -> bool {
    len > 1 && (len - 1).is_multiple_of(STRIDE)
}

/// Writes checked ranges (d minima, then d maxima) into a state of zeros.
pub fn start(state: &mut [u64], ranges: &[f32]) {
    for (words, packed) in state[1..].chunks_exact_mut(STRIDE).zip(packed(ranges)) {
        words[0] = packed;
    }
}

fn packed(ranges: &[f32]) -> impl Iterator<Item = u64> {
    let (minima, maxima) = ranges.split_at(ranges.len() / 2);
    let pairs = minima.iter().zip(maxima);
    pairs.map(|(min, max)| u64::from(min.to_bits()) << 32 | u64::from(max.to_bits()))
}

fn unpacked(word: u64) -> (f32, f32) {
    (
        f32::from_bits((word >> 32) as u32),
        f32::from_bits(word as u32),
    )
}

/// Counts the values of one embedding that lie outside the ranges, which must be those of the state.
///
/// # Errors
/// Other ranges, an embedding of other dimensions, or a value that is not finite.
pub fn add(state: &mut [u64], embedding: &[f32], ranges: &[f32]) -> Result<(), Error> {
    let (rows, dimensions) = state.split_at_mut(1);
    if ranges.len() / 2 * STRIDE != dimensions.len() {
        return Err(Error::RangesDiffer);
    }
    if embedding.len() * STRIDE != dimensions.len() {
        return Err(Error::RangesDimensions {
            embedding: embedding.len(),
            ranges: dimensions.len() / STRIDE,
        });
    }
    check_finite(embedding)?;
    rows[0] += 1;
    let values = embedding.iter().zip(packed(ranges));
    for (words, (&x, range)) in dimensions.chunks_exact_mut(STRIDE).zip(values) {
        if words[0] != range {
            return Err(Error::RangesDiffer);
        }
        let (min, max) = unpacked(range);
        words[1] += u64::from(x < min);
        words[2] += u64::from(x > max);
    }
    Ok(())
}

/// Adds another state.
///
/// # Errors
/// Other ranges.
pub fn merge(state: &mut [u64], other: &[u64]) -> Result<(), Error> {
    if state.len() != other.len() {
        return Err(Error::RangesDiffer);
    }
    state[0] += other[0];
    let pairs = state[1..]
        .chunks_exact_mut(STRIDE)
        .zip(other[1..].chunks_exact(STRIDE));
    for (words, other) in pairs {
        if words[0] != other[0] {
            return Err(Error::RangesDiffer);
        }
        words[1] += other[1];
        words[2] += other[2];
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
pub fn finish(state: &[u64]) -> Report {
    let rows = state[0];
    let words = state[1..].chunks_exact(STRIDE);
    let dimensions = words.len();
    let mut clipped: Vec<Dimension> = words
        .clone()
        .enumerate()
        .filter(|(_, words)| words[1] + words[2] > 0)
        .map(|(i, words)| Dimension {
            dimension: i + 1,
            below: words[1],
            above: words[2],
            clipped_share: share(words[1] + words[2], rows),
        })
        .collect();
    let clipped_dimensions = clipped.len();
    let clipped_values = clipped.iter().map(|d| d.below + d.above).sum();
    clipped.sort_by_key(|d| (std::cmp::Reverse(d.below + d.above), d.dimension));
    clipped.truncate(WORST);
    let constant = words.enumerate().filter(|(_, words)| {
        let (min, max) = unpacked(words[0]);
        min == max
    });
    Report {
        rows,
        dimensions,
        clipped_values,
        clipped_share: share(clipped_values, rows * dimensions as u64),
        clipped_dimensions,
        constant_dimensions: constant.map(|(i, _)| i + 1).collect(),
        worst_dimensions: clipped,
    }
}

fn share(count: u64, of: u64) -> f64 {
    if of == 0 {
        0.0
    } else {
        count as f64 / of as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANGES: [f32; 6] = [0.0, 0.0, 5.0, 1.0, 1.0, 5.0];

    fn started() -> Vec<u64> {
        let mut state = vec![0; state_len(3)];
        start(&mut state, &RANGES);
        state
    }

    #[test]
    fn counts_below_and_above_and_names_the_worst() {
        let (mut state, mut other) = (started(), started());
        add(&mut state, &[-1.0, 0.5, 5.0], &RANGES).unwrap();
        add(&mut state, &[0.0, 2.0, 5.0], &RANGES).unwrap();
        add(&mut other, &[0.0, 3.0, 5.0], &RANGES).unwrap();
        merge(&mut state, &other).unwrap();
        let report = finish(&state);
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
        let report = finish(&started());
        assert_eq!((report.rows, report.clipped_share), (0, 0.0));
    }

    #[test]
    fn all_rows_must_use_the_same_ranges() {
        let mut state = started();
        let mut moved = RANGES;
        moved[3] = 2.0;
        let error = add(&mut state, &[0.0, 0.0, 5.0], &moved).unwrap_err();
        assert_eq!(error, Error::RangesDiffer);
        assert_eq!(merge(&mut state, &[0; 4]).unwrap_err(), Error::RangesDiffer);
    }
}
