//! Int8 and uint8 codes: an affine map of each dimension's range onto 256 codes.
//!
//! `code = clip(floor((x − min) / step), 0, 255)`, and the int8 code is that less 128
//! (`sentence_transformers.quantization.quantize_embeddings`, 5.7 and later; all in float32).
#![allow(unsafe_code)]

use crate::wide::wide;
use crate::{Error, Ranges, check_finite};

/// The code of one value; `step` is positive.
///
/// Clipping before rounding gives the same result as after, because the limits are whole numbers,
/// and lets `floor` be a truncation.
#[inline(always)]
#[allow(clippy::manual_clamp)] // `clamp` keeps a NaN.
fn code(x: f32, min: f32, step: f32) -> u8 {
    let clipped = ((x - min) / step).max(0.0).min(255.0);
    // SAFETY: `max` and `min` return their constant where the other operand is NaN, so this is a number within 0…255.
    // (A checked cast makes the loop over dimensions three times slower.)
    unsafe { clipped.to_int_unchecked::<i32>() as u8 }
}

/// Bytes as the signed codes that they hold in two's complement.
#[inline]
pub fn signed(bytes: &[u8]) -> &[i8] {
    // SAFETY: the same bytes for the same lifetime, and every byte is an `i8`.
    unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast(), bytes.len()) }
}

/// Quantizes to unsigned codes 0…255, one per dimension, into `codes`.
///
/// Values outside the ranges are clipped. A dimension of zero width has step 1 and gives code 0 for
/// its constant value.
///
/// # Errors
/// Ranges of other dimensions, or a value that is not finite.
///
/// # Panics
/// When `codes` is shorter than the embedding.
pub fn quantize_uint8(embedding: &[f32], ranges: &Ranges, codes: &mut [u8]) -> Result<(), Error> {
    quantize_with_offset(embedding, ranges, 0, codes)
}

/// Quantizes to signed codes −128…127, one per dimension, into `codes` (two's complement bytes).
///
/// # Errors
/// As [`quantize_uint8`].
///
/// # Panics
/// As [`quantize_uint8`].
pub fn quantize_int8(embedding: &[f32], ranges: &Ranges, codes: &mut [u8]) -> Result<(), Error> {
    // Subtracting 128 modulo 256 is flipping the top bit.
    quantize_with_offset(embedding, ranges, 0x80, codes)
}

fn quantize_with_offset(
    embedding: &[f32],
    ranges: &Ranges,
    flip: u8,
    codes: &mut [u8],
) -> Result<(), Error> {
    ranges.check(embedding.len())?;
    check_finite(embedding)?;
    let codes = &mut codes[..embedding.len()];
    encode(embedding, ranges.minima(), ranges.steps(), flip, codes);
    Ok(())
}

wide! {
    /// The codes of finite values; all slices have the same length.
    fn encode(embedding: &[f32], minima: &[f32], steps: &[f32], flip: u8, codes: &mut [u8]) = encode_portable
}

#[inline(always)]
fn encode_portable(embedding: &[f32], minima: &[f32], steps: &[f32], flip: u8, codes: &mut [u8]) {
    let bounds = minima.iter().zip(steps);
    for ((out, &x), (&min, &step)) in codes.iter_mut().zip(embedding).zip(bounds) {
        *out = code(x, min, step) ^ flip;
    }
}

/// Restores unsigned codes to floats: the middle of each code's interval, `center + code·step` in
/// float32 (see [`Ranges::centers`]).
///
/// A value within the ranges comes back within half a step (a rounding error apart); a constant
/// dimension comes back as its constant.
///
/// # Errors
/// Ranges of other dimensions.
pub fn dequantize_uint8(codes: &[u8], ranges: &Ranges) -> Result<Vec<f32>, Error> {
    dequantize(codes.iter().map(|&c| f32::from(c)), codes.len(), ranges)
}

/// Restores signed codes to floats, as [`dequantize_uint8`] with `code + 128`.
///
/// # Errors
/// Ranges of other dimensions.
pub fn dequantize_int8(codes: &[i8], ranges: &Ranges) -> Result<Vec<f32>, Error> {
    let unsigned = codes.iter().map(|&c| f32::from(c) + 128.0);
    dequantize(unsigned, codes.len(), ranges)
}

fn dequantize(
    codes: impl Iterator<Item = f32>,
    dimensions: usize,
    ranges: &Ranges,
) -> Result<Vec<f32>, Error> {
    ranges.check(dimensions)?;
    let intervals = ranges.centers().iter().zip(ranges.steps());
    Ok(codes
        .zip(intervals)
        .map(|(code, (&center, &step))| center + code * step)
        .collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The formula as sentence-transformers writes it: floor first, clip after.
    fn reference(x: f32, min: f32, max: f32) -> u8 {
        let step = (max - min) / 255.0;
        let step = if step == 0.0 { 1.0 } else { step };
        ((x - min) / step).floor().clamp(0.0, 255.0) as u8
    }

    fn finite() -> impl Strategy<Value = f32> {
        prop_oneof![
            -2.0f32..2.0,
            proptest::num::f32::NORMAL | proptest::num::f32::SUBNORMAL | proptest::num::f32::ZERO
        ]
    }

    proptest! {
        #[test]
        fn the_vectorised_path_gives_the_codes_of_the_portable_one(
            rows in prop::collection::vec((finite(), finite(), finite()), 0..150),
            flip in prop::sample::select(vec![0, 0x80]),
        ) {
            let embedding: Vec<f32> = rows.iter().map(|row| row.0).collect();
            let minima: Vec<f32> = rows.iter().map(|row| row.1).collect();
            let steps: Vec<f32> = rows.iter().map(|row| row.2.abs().max(f32::from_bits(1))).collect();
            let (mut portable, mut wide) = (vec![1; rows.len()], vec![2; rows.len()]);
            encode_portable(&embedding, &minima, &steps, flip, &mut portable);
            encode(&embedding, &minima, &steps, flip, &mut wide);
            prop_assert_eq!(portable, wide);
        }

        #[test]
        fn codes_follow_the_reference_formula(x in finite(), a in finite(), b in finite()) {
            let (min, max) = (a.min(b), a.max(b));
            prop_assume!((max - min).is_finite());
            let ranges = Ranges::new(&[min], &[max]).unwrap();
            let (mut unsigned, mut signed) = ([0], [0]);
            quantize_uint8(&[x], &ranges, &mut unsigned).unwrap();
            quantize_int8(&[x], &ranges, &mut signed).unwrap();
            prop_assert_eq!(unsigned[0], reference(x, min, max));
            prop_assert_eq!(i16::from(signed[0] as i8), i16::from(unsigned[0]) - 128);
        }

        #[test]
        fn a_value_in_range_comes_back_within_half_a_step(t in 0.0f32..=1.0, min in -2.0f32..2.0, width in 0.01f32..3.0) {
            let x = min + t * width;
            let ranges = Ranges::new(&[min], &[min + width]).unwrap();
            let mut codes = [0];
            quantize_uint8(&[x], &ranges, &mut codes).unwrap();
            let back = dequantize_uint8(&codes, &ranges).unwrap()[0];
            prop_assert!((back - x).abs() <= ranges.steps()[0] * 0.5 + 1e-5, "{x} came back as {back}");
        }
    }

    #[test]
    fn a_constant_dimension_has_one_code_and_comes_back_exactly() {
        let ranges = Ranges::new(&[0.25], &[0.25]).unwrap();
        let mut codes = [9];
        quantize_int8(&[0.25], &ranges, &mut codes).unwrap();
        assert_eq!(codes[0] as i8, -128);
        assert_eq!(dequantize_int8(&[-128], &ranges).unwrap(), [0.25]);
    }

    #[test]
    fn bad_embeddings_are_refused() {
        let ranges = Ranges::new(&[0.0, 0.0], &[1.0, 1.0]).unwrap();
        let mut codes = [0; 2];
        let mut refuse =
            |embedding: &[f32]| quantize_int8(embedding, &ranges, &mut codes).unwrap_err();
        assert!(matches!(
            refuse(&[1.0]),
            Error::RangesDimensions {
                embedding: 1,
                ranges: 2
            }
        ));
        assert!(matches!(
            refuse(&[1.0, f32::INFINITY]),
            Error::NotFinite { dimension: 2, .. }
        ));
    }
}
