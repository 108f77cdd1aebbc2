//! Calibration ranges: a minimum and a maximum per dimension.
//!
//! Invariant: same number of dimensions in both rows, all finite, `min ≤ max`, width finite.

use crate::{Error, check_dimensions};

/// Checked ranges, with the step widths that encoding and decoding need.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranges {
    minima: Vec<f32>,
    steps: Vec<f32>,
    centers: Vec<f32>,
}

impl Ranges {
    /// Takes the minima and maxima of `d` dimensions each.
    ///
    /// The step width is `(max − min) / 255` in float32, and 1 where that is zero (a constant
    /// dimension), as in sentence-transformers.
    ///
    /// # Errors
    /// Not 1 to 65535 dimensions, a different number of minima and maxima, a value that is not
    /// finite, a minimum above its maximum, or a width that overflows.
    pub fn new(minima: &[f32], maxima: &[f32]) -> Result<Self, Error> {
        check_dimensions(minima.len())?;
        crate::check_same_dimensions(minima.len(), maxima.len())?;
        let mut steps = Vec::with_capacity(minima.len());
        let mut centers = Vec::with_capacity(minima.len());
        for (i, (&min, &max)) in minima.iter().zip(maxima).enumerate() {
            let dimension = i + 1;
            if !(min.is_finite() && max.is_finite()) {
                return Err(Error::RangeNotFinite { dimension });
            }
            if min > max {
                return Err(Error::RangeInverted {
                    dimension,
                    min,
                    max,
                });
            }
            let width = max - min;
            if !width.is_finite() {
                return Err(Error::RangeTooWide { dimension });
            }
            let step = width / 255.0;
            steps.push(if step == 0.0 { 1.0 } else { step });
            centers.push(min + 0.5 * step);
        }
        Ok(Self {
            minima: minima.to_vec(),
            steps,
            centers,
        })
    }

    /// Takes a 2×d matrix in row-major order, as SQL passes it: d minima, then d maxima.
    ///
    /// # Errors
    /// As [`Ranges::new`].
    pub fn from_rows(rows: &[f32]) -> Result<Self, Error> {
        let (minima, maxima) = rows.split_at(rows.len() / 2);
        Self::new(minima, maxima)
    }

    /// The number of dimensions.
    pub fn dimensions(&self) -> usize {
        self.minima.len()
    }

    /// The minimum of each dimension.
    pub fn minima(&self) -> &[f32] {
        &self.minima
    }

    /// The step width of each dimension: what one code more or less is worth.
    pub fn steps(&self) -> &[f32] {
        &self.steps
    }

    /// The value that uint8 code 0 stands for in each dimension: the middle of its interval, or the
    /// constant where the range has no width.
    pub fn centers(&self) -> &[f32] {
        &self.centers
    }

    /// Checks that an embedding has as many dimensions as these ranges.
    ///
    /// # Errors
    /// [`Error::RangesDimensions`].
    pub fn check(&self, dimensions: usize) -> Result<(), Error> {
        if self.dimensions() == dimensions {
            return Ok(());
        }
        Err(Error::RangesDimensions {
            embedding: dimensions,
            ranges: self.dimensions(),
        })
    }

    /// Multiplies a query by the step widths (float32), so that its inner product with raw codes
    /// ranks as its inner product with the dequantized vectors: the two differ by
    /// `Σ qᵢ·(centerᵢ + 128·stepᵢ)` (for uint8 `Σ qᵢ·centerᵢ`), the same for every row.
    ///
    /// # Errors
    /// [`Error::RangesDimensions`], or [`Error::NotFinite`] when a product overflows.
    pub fn scale_query(&self, query: &[f32]) -> Result<Vec<f32>, Error> {
        self.check(query.len())?;
        let scaled: Vec<f32> = query.iter().zip(&self.steps).map(|(q, s)| q * s).collect();
        crate::check_finite(&scaled)?;
        Ok(scaled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_dimension_has_step_one() {
        let ranges = Ranges::new(&[0.5, -1.0], &[0.5, 1.0]).unwrap();
        assert_eq!(ranges.steps(), [1.0, 2.0 / 255.0]);
    }

    #[test]
    fn bad_ranges_are_named_by_dimension() {
        assert_eq!(
            Ranges::new(&[0.0, 2.0], &[1.0, 1.0]),
            Err(Error::RangeInverted {
                dimension: 2,
                min: 2.0,
                max: 1.0
            })
        );
        assert_eq!(
            Ranges::new(&[f32::NAN], &[1.0]),
            Err(Error::RangeNotFinite { dimension: 1 })
        );
        assert_eq!(
            Ranges::new(&[f32::MIN], &[f32::MAX]),
            Err(Error::RangeTooWide { dimension: 1 })
        );
        assert!(Ranges::new(&[], &[]).is_err());
        assert!(Ranges::from_rows(&[0.0, 1.0, 2.0]).is_err());
    }

    #[test]
    fn scale_query_checks_dimensions_and_overflow() {
        let ranges = Ranges::new(&[-1.0], &[1.0]).unwrap();
        assert_eq!(ranges.scale_query(&[3.0]).unwrap(), [3.0 * (2.0 / 255.0)]);
        assert!(ranges.scale_query(&[1.0, 2.0]).is_err());
        let wide = Ranges::new(&[-1e38], &[1e38]).unwrap();
        assert!(matches!(
            wide.scale_query(&[1e30]),
            Err(Error::NotFinite { .. })
        ));
    }
}
