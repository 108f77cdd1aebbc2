//! Matryoshka embeddings: keep the first dimensions, bring the rest back to unit length.

use crate::{Error, check_embedding};

/// Checks a `truncate_dim` against a vector's dimensions and returns it.
///
/// # Errors
/// [`Error::TruncateDim`] unless `1 ≤ truncate_dim ≤ dimensions`.
pub fn check_truncate_dim(truncate_dim: i64, dimensions: usize) -> Result<usize, Error> {
    usize::try_from(truncate_dim)
        .ok()
        .filter(|n| (1..=dimensions).contains(n))
        .ok_or(Error::TruncateDim {
            truncate_dim,
            dimensions,
        })
}

/// Scales to unit Euclidean length; a zero vector stays zero.
///
/// The norm is accumulated in f64 in index order and each component divided in f64, then rounded
/// once to float32.
///
/// # Errors
/// No dimensions, too many, or a value that is not finite.
pub fn normalize(embedding: &[f32]) -> Result<Vec<f32>, Error> {
    check_embedding(embedding)?;
    let norm = embedding
        .iter()
        .fold(0.0f64, |sum, &x| sum + f64::from(x) * f64::from(x))
        .sqrt();
    if norm == 0.0 {
        return Ok(embedding.to_vec());
    }
    Ok(embedding
        .iter()
        .map(|&x| (f64::from(x) / norm) as f32)
        .collect())
}

/// Keeps the first `truncate_dim` dimensions, and normalizes them if asked.
///
/// # Errors
/// As [`check_truncate_dim`] and [`normalize`]; dimensions that are cut off are checked too.
pub fn truncate(
    embedding: &[f32],
    truncate_dim: i64,
    normalize_result: bool,
) -> Result<Vec<f32>, Error> {
    check_embedding(embedding)?;
    let head = &embedding[..check_truncate_dim(truncate_dim, embedding.len())?];
    if normalize_result {
        normalize(head)
    } else {
        Ok(head.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truncates_then_normalizes() {
        assert_eq!(truncate(&[3.0, 4.0, 12.0], 2, true).unwrap(), [0.6, 0.8]);
        assert_eq!(truncate(&[3.0, 4.0, 12.0], 2, false).unwrap(), [3.0, 4.0]);
        assert_eq!(normalize(&[0.0, 0.0]).unwrap(), [0.0, 0.0]);
        for bad in [0, -1, 4] {
            assert!(matches!(
                truncate(&[3.0, 4.0, 12.0], bad, true),
                Err(Error::TruncateDim { .. })
            ));
        }
    }

    #[test]
    fn extreme_lengths_survive() {
        let huge = normalize(&[f32::MAX, f32::MAX]).unwrap();
        assert!((huge[0] - std::f32::consts::FRAC_1_SQRT_2).abs() < 1e-7);
        let tiny = normalize(&[f32::from_bits(1), 0.0]).unwrap();
        assert_eq!(tiny, [1.0, 0.0]);
    }
}
