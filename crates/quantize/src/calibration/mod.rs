//! What aggregates over embeddings compute: ranges, thresholds, drift.
//!
//! Every state has a fixed size once the dimension is known, lives in plain slices that the caller
//! owns, is updated in place, and merges with another state of its kind. All but the mean are
//! functions of the *set* of rows: order and parallel workers cannot change the result.

pub mod clipping;
pub mod mean;
pub mod quantile;

use crate::wide::wide;
use crate::{Error, check_finite, check_same_dimensions};

/// Widens 2×d ranges (d minima, then d maxima) to take in an embedding.
///
/// # Errors
/// Different dimensions, or a value that is not finite.
pub fn widen(ranges: &mut [f32], embedding: &[f32]) -> Result<(), Error> {
    let (minima, maxima) = ranges.split_at_mut(ranges.len() / 2);
    check_same_dimensions(minima.len(), embedding.len())?;
    check_finite(embedding)?;
    take_in(minima, maxima, embedding, embedding);
    Ok(())
}

/// Widens 2×d ranges to take in other 2×d ranges.
///
/// # Errors
/// Different dimensions.
pub fn merge(ranges: &mut [f32], other: &[f32]) -> Result<(), Error> {
    check_same_dimensions(ranges.len() / 2, other.len() / 2)?;
    let (minima, maxima) = ranges.split_at_mut(other.len() / 2);
    let (other_minima, other_maxima) = other.split_at(other.len() / 2);
    take_in(minima, maxima, other_minima, other_maxima);
    Ok(())
}

wide! {
    /// Lowers minima to `low` and raises maxima to `high`, all of the same length.
    fn take_in(minima: &mut [f32], maxima: &mut [f32], low: &[f32], high: &[f32]) = take_in_portable
}

// Plain comparisons compile to one vector instruction; `f32::min` must look after NaN, which
// cannot occur here. Adding +0 turns −0 into +0, so that the order of rows does not show; added
// to what is compared, it would make the store conditional, which is slow.
#[inline(always)]
fn take_in_portable(minima: &mut [f32], maxima: &mut [f32], low: &[f32], high: &[f32]) {
    for (min, &x) in minima.iter_mut().zip(low) {
        *min = (if x < *min { x } else { *min }) + 0.0;
    }
    for (max, &x) in maxima.iter_mut().zip(high) {
        *max = (if x > *max { x } else { *max }) + 0.0;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn finite() -> impl Strategy<Value = f32> {
        use proptest::num::f32::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
        prop_oneof![
            -1.0f32..1.0,
            POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO
        ]
    }

    proptest! {
        #[test]
        fn the_vectorised_path_gives_the_bits_of_the_portable_one(
            rows in prop::collection::vec((finite(), finite(), finite(), finite()), 0..150),
        ) {
            let column = |pick: fn(&(f32, f32, f32, f32)) -> f32| -> Vec<f32> { rows.iter().map(pick).collect() };
            let (low, high) = (column(|row| row.2), column(|row| row.3));
            let (mut minima, mut maxima) = (column(|row| row.0), column(|row| row.1));
            let (mut wide_minima, mut wide_maxima) = (minima.clone(), maxima.clone());
            take_in_portable(&mut minima, &mut maxima, &low, &high);
            take_in(&mut wide_minima, &mut wide_maxima, &low, &high);
            let bits = |floats: &[f32]| -> Vec<u32> { floats.iter().map(|x| x.to_bits()).collect() };
            prop_assert_eq!(bits(&minima), bits(&wide_minima));
            prop_assert_eq!(bits(&maxima), bits(&wide_maxima));
            // +0 is what −0 becomes; all else is minimum and maximum.
            let naive = rows.iter().map(|row| row.0.min(row.2) + 0.0);
            prop_assert!(minima.iter().copied().eq(naive) && bits(&minima).iter().all(|&x| x != 0x8000_0000));
        }
    }

    #[test]
    fn widening_row_by_row_equals_merging_parts() {
        let rows = [[1.0f32, -2.0], [0.5, 3.0], [-4.0, -0.0], [2.0, 0.0]];
        let start = |row: &[f32; 2]| [row[0], row[1], row[0], row[1]];
        let mut whole = start(&rows[0]);
        let (mut left, mut right) = (start(&rows[0]), start(&rows[2]));
        for row in &rows {
            widen(&mut whole, row).unwrap();
        }
        widen(&mut left, &rows[1]).unwrap();
        widen(&mut right, &rows[3]).unwrap();
        merge(&mut left, &right).unwrap();
        assert_eq!(whole, [-4.0, -2.0, 2.0, 3.0]);
        assert_eq!(left, whole);
        assert!(widen(&mut whole, &[1.0]).is_err());
        assert!(merge(&mut whole, &[1.0, 1.0]).is_err());
    }
}
