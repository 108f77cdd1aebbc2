//! The query for bits that say whether a value is above a threshold.
//!
//! Such bits are the signs of `x − t`, so they are to be compared with a query that is centered in the same way. For a
//! distance that is `q − t`. A direction has no length to subtract by: there the query is freed of the thresholds'
//! direction, `q − (q·t / t·t)·t`, whatever the lengths of query and embeddings are.

use crate::{Error, check_finite};

/// The query less the thresholds: by its position, as distances need it, or by its direction, as the cosine does.
///
/// # Errors
/// Thresholds of other dimensions, or a value that is not finite, in the result too.
pub fn center_query(
    query: &[f32],
    thresholds: &[f32],
    by_position: bool,
) -> Result<Vec<f32>, Error> {
    if query.len() != thresholds.len() {
        return Err(Error::ThresholdsDimensions {
            embedding: query.len(),
            thresholds: thresholds.len(),
        });
    }
    check_finite(query)?;
    check_finite(thresholds)?;
    let share = if by_position {
        1.0
    } else {
        let own = dot(thresholds, thresholds);
        if own == 0.0 {
            0.0
        } else {
            dot(query, thresholds) / own
        }
    };
    let centered: Vec<f32> = query
        .iter()
        .zip(thresholds)
        .map(|(&q, &t)| (f64::from(q) - share * f64::from(t)) as f32)
        .collect();
    check_finite(&centered)?;
    Ok(centered)
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(&a, &b)| f64::from(a) * f64::from(b))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_moved() {
        let centered = center_query(&[1.0, 2.0, 3.0], &[0.5, 0.5, -1.0], true).unwrap();
        assert_eq!(centered, [0.5, 1.5, 4.0]);
    }

    #[test]
    fn a_direction_does_not_depend_on_the_length_of_the_query() {
        let (query, thresholds) = ([3.0, 1.0, 2.0], [1.0, 1.0, 0.0]);
        let centered = center_query(&query, &thresholds, false).unwrap();
        assert_eq!(centered, [1.0, -1.0, 2.0]);
        let longer = center_query(&query.map(|x| 8.0 * x), &thresholds, false).unwrap();
        assert_eq!(longer, [8.0, -8.0, 16.0]);
    }

    #[test]
    fn thresholds_of_zero_change_nothing() {
        for by_position in [false, true] {
            assert_eq!(
                center_query(&[1.0, -2.0], &[0.0, 0.0], by_position).unwrap(),
                [1.0, -2.0]
            );
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(matches!(
            center_query(&[1.0], &[1.0, 2.0], true),
            Err(Error::ThresholdsDimensions { .. })
        ));
        assert!(center_query(&[f32::NAN], &[1.0], true).is_err());
        assert!(center_query(&[f32::MAX], &[-f32::MAX], true).is_err());
    }
}
