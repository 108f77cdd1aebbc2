//! Checks of what comes from outside: dimensions, components, names.

use crate::error::shown;
use crate::wide::wide;
use crate::{Error, MAX_DIMENSIONS, Precision};

/// Checks that a vector has between 1 and [`MAX_DIMENSIONS`] dimensions.
///
/// # Errors
/// [`Error::NoDimensions`] or [`Error::TooManyDimensions`].
pub fn check_dimensions(dimensions: usize) -> Result<(), Error> {
    match dimensions {
        0 => Err(Error::NoDimensions),
        1..=MAX_DIMENSIONS => Ok(()),
        _ => Err(Error::TooManyDimensions { dimensions }),
    }
}

/// Checks that two vectors have the same number of dimensions.
///
/// # Errors
/// [`Error::DifferentDimensions`], naming both.
pub fn check_same_dimensions(left: usize, right: usize) -> Result<(), Error> {
    if left == right {
        Ok(())
    } else {
        Err(Error::DifferentDimensions { left, right })
    }
}

/// Checks that every value is finite.
///
/// # Errors
/// [`Error::NotFinite`] with the first offending dimension, counted from 1 as SQL does.
pub fn check_finite(values: &[f32]) -> Result<(), Error> {
    // One pass without branches; the search for the culprit is the rare case.
    if all_finite(values) {
        return Ok(());
    }
    let index = values.iter().position(|x| !x.is_finite()).unwrap_or(0);
    Err(Error::NotFinite {
        dimension: index + 1,
        value: values[index],
    })
}

wide! {
    fn all_finite(values: &[f32]) -> bool = all_finite_portable
}

/// One more in an exponent of all ones, NaN's and infinity's, carries into the sign bit.
#[inline(always)]
fn all_finite_portable(values: &[f32]) -> bool {
    const EXPONENT: u32 = 0x7f80_0000;
    const ONE: u32 = 0x0080_0000;
    let carries = values
        .iter()
        .fold(0, |acc, x| acc | ((x.to_bits() & EXPONENT) + ONE));
    carries & 0x8000_0000 == 0
}

/// Checks an embedding: 1 to [`MAX_DIMENSIONS`] dimensions, all values finite.
///
/// # Errors
/// As [`check_dimensions`] and [`check_finite`].
pub fn check_embedding(embedding: &[f32]) -> Result<(), Error> {
    check_dimensions(embedding.len())?;
    check_finite(embedding)
}

impl Precision {
    /// The precision with this name.
    ///
    /// # Errors
    /// [`Error::UnknownPrecision`].
    pub fn from_name(name: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|p| p.name() == name)
            .ok_or_else(|| Error::UnknownPrecision(shown(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_is_not_finite_wherever_it_stands() {
        let finite = [
            f32::MAX,
            f32::MIN,
            f32::MIN_POSITIVE,
            f32::from_bits(1),
            -0.0,
        ];
        let not_finite = [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
        for len in 0..70 {
            let mut values: Vec<f32> = (0..len).map(|i| finite[i % finite.len()]).collect();
            assert!(check_finite(&values).is_ok() && all_finite_portable(&values));
            for i in 0..len {
                let bad = not_finite[i % not_finite.len()];
                let good = std::mem::replace(&mut values[i], bad);
                let dimension = match check_finite(&values) {
                    Err(Error::NotFinite { dimension, .. }) => dimension,
                    _ => 0,
                };
                assert_eq!(dimension, i + 1);
                assert!(!all_finite_portable(&values));
                values[i] = good;
            }
        }
    }

    #[test]
    fn an_unknown_name_is_an_error_that_lists_the_five() {
        let error = Precision::from_name("int4").unwrap_err();
        assert_eq!(error.to_string(), "unknown precision \"int4\"");
        assert_eq!(
            error.hint().unwrap(),
            "Use one of float32, int8, uint8, binary, ubinary."
        );
    }
}
