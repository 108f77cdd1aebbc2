//! Sign codes as bits, and how they lie together.

/// Codes in an interleaved group.
pub const LANES: usize = 8;
/// Codes in a block.
pub const BLOCK: usize = 32;

/// 64-bit words in the sign code of a `dim`-dimensional vector.
pub const fn words(dim: usize) -> usize {
    dim.div_ceil(64)
}

/// Bytes of a block of `dim`-dimensional codes.
pub const fn block_size(dim: usize) -> usize {
    words(dim) * 8 * BLOCK
}

/// The signs of `v` as packed words: bit 1 where the component is not negative.
pub fn signs(v: &[f32], code: &mut [u64]) {
    debug_assert_eq!(code.len(), words(v.len()));
    for (chunk, word) in v.chunks(64).zip(code) {
        *word = chunk
            .iter()
            .enumerate()
            .fold(0, |w, (i, &x)| w | u64::from(x >= 0.0) << i);
    }
}

/// Writes `code` as lane `lane` of an interleaved group of `lanes` codes.
pub fn interleave(code: &[u64], lane: usize, lanes: usize, group: &mut [u8]) {
    debug_assert!(lane < lanes && group.len() == code.len() * lanes * 8);
    for (w, word) in code.iter().enumerate() {
        let at = (w * lanes + lane) * 8;
        group[at..at + 8].copy_from_slice(&word.to_le_bytes());
    }
}

/// Reads lane `lane` of an interleaved group of `lanes` codes.
pub fn deinterleave(group: &[u8], lane: usize, lanes: usize, code: &mut [u64]) {
    debug_assert!(lane < lanes && group.len() == code.len() * lanes * 8);
    for (word, bytes) in code
        .iter_mut()
        .zip(group.as_chunks::<8>().0.iter().skip(lane).step_by(lanes))
    {
        *word = u64::from_le_bytes(*bytes);
    }
}

/// Writes `code` at place `lane` of a block.
pub fn set_in_block(code: &[u64], lane: usize, block: &mut [u8]) {
    debug_assert!(lane < BLOCK && block.len() == code.len() * 8 * BLOCK);
    let bytes = code.iter().flat_map(|word| word.to_le_bytes());
    for (row, byte) in block.chunks_exact_mut(BLOCK).zip(bytes) {
        row[lane] = byte;
    }
}
