//! Mean per dimension: the learned threshold of binary quantization.
//!
//! State: `d + 1` f64: the number of rows, then the sums.

use crate::{Error, check_finite, check_same_dimensions};

/// Length of the state for `dimensions`.
pub const fn state_len(dimensions: usize) -> usize {
    dimensions + 1
}

/// Whether a state can have this length.
pub const fn is_state_len(len: usize) -> bool {
    len > 1
}

/// Adds one embedding.
///
/// # Errors
/// Different dimensions, or a value that is not finite.
pub fn add(state: &mut [f64], embedding: &[f32]) -> Result<(), Error> {
    check_same_dimensions(state.len() - 1, embedding.len())?;
    check_finite(embedding)?;
    state[0] += 1.0;
    for (sum, &x) in state[1..].iter_mut().zip(embedding) {
        *sum += f64::from(x);
    }
    Ok(())
}

/// Adds another state.
///
/// # Errors
/// Different dimensions.
pub fn merge(state: &mut [f64], other: &[f64]) -> Result<(), Error> {
    check_same_dimensions(state.len() - 1, other.len() - 1)?;
    for (sum, &x) in state.iter_mut().zip(other) {
        *sum += x;
    }
    Ok(())
}

/// The mean of each dimension, rounded to float32.
pub fn finish(state: &[f64]) -> Vec<f32> {
    state[1..]
        .iter()
        .map(|sum| (sum / state[0]) as f32)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_of_merged_parts() {
        let mut left = vec![0.0; state_len(2)];
        let mut right = left.clone();
        add(&mut left, &[1.0, -1.0]).unwrap();
        add(&mut right, &[2.0, 0.0]).unwrap();
        add(&mut right, &[6.0, 4.0]).unwrap();
        merge(&mut left, &right).unwrap();
        assert_eq!(finish(&left), [3.0, 1.0]);
        assert!(add(&mut left, &[f32::NAN, 0.0]).is_err());
        assert!(add(&mut left, &[0.0]).is_err());
    }
}
