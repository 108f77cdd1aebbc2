//! Binary codes: one bit a dimension, set where the value is above zero (or a threshold).
//!
//! Bits are packed most significant first, as `numpy.packbits` does; unused low bits of the last
//! byte are zero.

use crate::{Error, check_finite};

/// Bytes that `dimensions` bits take.
pub const fn packed_len(dimensions: usize) -> usize {
    dimensions.div_ceil(8)
}

/// The bits of the last byte that belong to a vector of `dimensions` bits.
pub const fn last_byte_mask(dimensions: usize) -> u8 {
    match dimensions % 8 {
        0 => 0xff,
        used => 0xffu8 << (8 - used),
    }
}

/// Quantizes to sign bits (`x > 0`) into `packed`, of [`packed_len`] bytes.
///
/// # Errors
/// A value that is not finite.
///
/// # Panics
/// When `packed` is shorter than [`packed_len`].
pub fn quantize_binary(embedding: &[f32], packed: &mut [u8]) -> Result<(), Error> {
    check_finite(embedding)?;
    let packed = &mut packed[..packed_len(embedding.len())];
    // Whole bytes apart: arrays of known length vectorise.
    let (whole, rest) = embedding.as_chunks::<8>();
    for (byte, values) in packed.iter_mut().zip(whole) {
        *byte = pack_byte(values.iter().map(|&x| x > 0.0));
    }
    if let Some(last) = packed.get_mut(whole.len()) {
        *last = pack_byte(rest.iter().map(|&x| x > 0.0));
    }
    Ok(())
}

/// Quantizes to bits that say whether each value is above its dimension's threshold.
///
/// # Errors
/// Thresholds of other dimensions, or a value (of either) that is not finite.
///
/// # Panics
/// When `packed` is shorter than [`packed_len`].
pub fn quantize_binary_above(
    embedding: &[f32],
    thresholds: &[f32],
    packed: &mut [u8],
) -> Result<(), Error> {
    if embedding.len() != thresholds.len() {
        return Err(Error::ThresholdsDimensions {
            embedding: embedding.len(),
            thresholds: thresholds.len(),
        });
    }
    check_finite(embedding)?;
    check_finite(thresholds)?;
    let chunks = embedding.chunks(8).zip(thresholds.chunks(8));
    for (byte, (values, limits)) in packed[..packed_len(embedding.len())].iter_mut().zip(chunks) {
        *byte = pack_byte(values.iter().zip(limits).map(|(x, limit)| x > limit));
    }
    Ok(())
}

/// Packs up to eight bits, the first one highest.
#[inline(always)]
fn pack_byte(bits: impl Iterator<Item = bool>) -> u8 {
    let mut byte = 0;
    for (i, bit) in bits.enumerate() {
        byte |= u8::from(bit) << (7 - i);
    }
    byte
}

/// Whether bit `i` is set.
///
/// # Panics
/// When there is no such bit.
pub fn bit(packed: &[u8], i: usize) -> bool {
    packed[i / 8] & (0x80 >> (i % 8)) != 0
}

/// Restores bits to floats: +1 where set, −1 where not.
///
/// # Panics
/// When `packed` is shorter than [`packed_len`].
pub fn dequantize_binary(packed: &[u8], dimensions: usize) -> Vec<f32> {
    (0..dimensions)
        .map(|i| if bit(packed, i) { 1.0 } else { -1.0 })
        .collect()
}

/// The bytes sentence-transformers returns for precision `binary`: those of `ubinary` less 128, as
/// signed bytes.
pub fn to_signed_bytes(packed: &[u8]) -> Vec<u8> {
    packed.iter().map(|byte| byte ^ 0x80).collect()
}

/// Packed bits out of the bytes sentence-transformers returns for precision `binary`: the inverse of [`to_signed_bytes`].
pub fn from_signed_bytes(signed: &[u8]) -> Vec<u8> {
    to_signed_bytes(signed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packs_most_significant_bit_first_and_zero_is_not_positive() {
        let mut packed = [0xffu8; 2];
        quantize_binary(
            &[1.0, -1.0, 0.0, -0.0, 1e-45, 2.0, -3.0, 4.0, 5.0],
            &mut packed,
        )
        .unwrap();
        assert_eq!(packed, [0b1000_1101, 0b1000_0000]);
        assert_eq!(to_signed_bytes(&packed), [0b0000_1101, 0]);
        assert_eq!(from_signed_bytes(&[0b0000_1101, 0]), packed);
    }

    #[test]
    fn thresholds_move_the_cut() {
        let mut packed = [0u8];
        quantize_binary_above(&[0.5, 0.5, -0.1], &[0.5, 0.4, -0.2], &mut packed).unwrap();
        assert_eq!(packed, [0b0110_0000]);
        assert!(quantize_binary_above(&[0.5], &[0.5, 0.4], &mut packed).is_err());
    }

    #[test]
    fn dequantizing_and_quantizing_again_is_the_identity() {
        for dimensions in 1..40 {
            let packed: Vec<u8> = (0..packed_len(dimensions))
                .map(|i| (i as u8).wrapping_mul(0x9d) ^ 0x5a)
                .collect();
            let mut masked = packed.clone();
            *masked.last_mut().unwrap() &= last_byte_mask(dimensions);
            let mut again = vec![0; packed.len()];
            quantize_binary(&dequantize_binary(&packed, dimensions), &mut again).unwrap();
            assert_eq!(again, masked);
        }
    }
}
