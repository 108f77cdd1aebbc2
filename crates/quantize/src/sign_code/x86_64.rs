//! AVX2 kernels. A byte shuffle looks up sixteen nibbles in each half of a register, each half in its own table.
#![allow(unsafe_code)]

use super::interleaved::{BLOCK, LANES};
use super::kernels::{ENTRIES, GroupScores, Kernels, PairTables};
use std::arch::x86_64::*;

pub(super) static KERNELS: Kernels = Kernels {
    block: score_block,
    groups: score_groups,
};

/// Sums of two bytes are at most 240, so 16 bits hold 256 of them.
const WIDEN_AFTER: usize = 256;

/// Sums of sixteen bits: of the bytes at even places, and of those at odd places.
type Sums = [__m256i; 2];

/// Looks up both nibbles of every byte and adds them to `sums`.
#[target_feature(enable = "avx2")]
#[inline]
fn look_up(codes: __m256i, low: __m256i, high: __m256i, sums: &mut Sums) {
    let nibble = _mm256_set1_epi8(15);
    let lower = _mm256_shuffle_epi8(low, _mm256_and_si256(codes, nibble));
    let upper = _mm256_and_si256(_mm256_srli_epi16::<4>(codes), nibble);
    let both = _mm256_add_epi8(lower, _mm256_shuffle_epi8(high, upper));
    let low_byte = _mm256_set1_epi16(255);
    sums[0] = _mm256_add_epi16(sums[0], _mm256_and_si256(both, low_byte));
    sums[1] = _mm256_add_epi16(sums[1], _mm256_srli_epi16::<8>(both));
}

#[target_feature(enable = "avx2")]
#[inline]
fn load(bytes: &[u8; 32]) -> __m256i {
    // SAFETY: 32 readable bytes; the load needs no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

/// The same in both halves.
#[target_feature(enable = "avx2")]
#[inline]
fn load_twice(table: &[u8; ENTRIES]) -> __m256i {
    // SAFETY: 16 readable bytes; the load needs no alignment.
    _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(table.as_ptr().cast()) })
}

#[target_feature(enable = "avx2")]
fn score_block(tables: &[PairTables], block: &[u8], out: &mut [u32; BLOCK]) {
    assert_eq!(block.len(), tables.len() * 2 * BLOCK);
    out.fill(0);
    let rows = block.as_chunks::<{ 2 * BLOCK }>().0;
    for (rows, tables) in rows
        .chunks(WIDEN_AFTER / 2)
        .zip(tables.chunks(WIDEN_AFTER / 2))
    {
        let mut sums = [_mm256_setzero_si256(); 2];
        for (rows, [low, high]) in rows.iter().zip(tables) {
            // All thirty-two by the table of the first byte, then of the second.
            let tables = low.as_chunks().0.iter().zip(high.as_chunks().0);
            for (codes, (low, high)) in rows.as_chunks().0.iter().zip(tables) {
                look_up(load(codes), load_twice(low), load_twice(high), &mut sums);
            }
        }
        for (parity, sums) in sums.into_iter().enumerate() {
            let mut words = [0u16; BLOCK / 2];
            // SAFETY: `words` is 32 writable bytes; the store needs no alignment.
            unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), sums) };
            for (out, word) in out.iter_mut().skip(parity).step_by(2).zip(words) {
                *out += u32::from(word);
            }
        }
    }
}

/// Turns a word of sixteen codes around: four registers with two bytes of all codes each, one byte in each half. In each
/// half the codes stand in the order 0 1 4 5 8 9 12 13 2 3 6 7 10 11 14 15.
#[target_feature(enable = "avx2")]
#[inline]
fn transposed([first, second]: [&[u8; 64]; 2]) -> [__m256i; 4] {
    // In each half: byte 0 of both codes, byte 1 of both, …
    let pairs = _mm256_setr_epi8(
        0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15, 0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5,
        13, 6, 14, 7, 15,
    );
    let paired = |codes: &[u8; 64], half: usize| {
        let (halves, _) = codes.as_chunks::<32>();
        _mm256_shuffle_epi8(load(&halves[half]), pairs)
    };
    let (a, b) = (paired(first, 0), paired(first, 1));
    let (c, d) = (paired(second, 0), paired(second, 1));
    let (ab, cd) = (_mm256_unpacklo_epi16(a, b), _mm256_unpacklo_epi16(c, d));
    let (ab4, cd4) = (_mm256_unpackhi_epi16(a, b), _mm256_unpackhi_epi16(c, d));
    [
        _mm256_unpacklo_epi32(ab, cd),
        _mm256_unpackhi_epi32(ab, cd),
        _mm256_unpacklo_epi32(ab4, cd4),
        _mm256_unpackhi_epi32(ab4, cd4),
    ]
    // The two quarters of one byte side by side.
    .map(|bytes| _mm256_permute4x64_epi64::<0b11_01_10_00>(bytes))
}

#[target_feature(enable = "avx2")]
fn score_groups(tables: &[PairTables], groups: [&[u8]; 2], out: &mut GroupScores) {
    for group in groups {
        assert_eq!(group.len(), tables.len() * 2 * LANES);
    }
    let [first, second] = groups.map(|group| group.as_chunks::<{ 8 * LANES }>().0);
    let mut totals = [_mm256_setzero_si256(); 2];
    // Four pairs of tables a word.
    let words = WIDEN_AFTER / 4;
    let chunks = first.chunks(words).zip(second.chunks(words));
    for ((first, second), tables) in chunks.zip(tables.chunks(WIDEN_AFTER)) {
        let mut sums = [_mm256_setzero_si256(); 2];
        for ((first, second), tables) in first.iter().zip(second).zip(tables.as_chunks::<4>().0) {
            let bytes = transposed([first, second]);
            for (bytes, [low, high]) in bytes.into_iter().zip(tables) {
                look_up(bytes, load(low), load(high), &mut sums);
            }
        }
        // The two halves are bytes of the same codes.
        let [even, odd] = sums.map(|sums| {
            [
                _mm256_castsi256_si128(sums),
                _mm256_extracti128_si256::<1>(sums),
            ]
        });
        for (even, odd) in even.into_iter().zip(odd) {
            // Codes 0 1 4 5 8 9 12 13, then 2 3 6 7 10 11 14 15.
            let (low, high) = (_mm_unpacklo_epi16(even, odd), _mm_unpackhi_epi16(even, odd));
            let ordered = [_mm_unpacklo_epi32(low, high), _mm_unpackhi_epi32(low, high)];
            for (total, ordered) in totals.iter_mut().zip(ordered) {
                *total = _mm256_add_epi32(*total, _mm256_cvtepu16_epi32(ordered));
            }
        }
    }
    for (total, out) in totals.into_iter().zip(out) {
        // SAFETY: eight writable `u32`, 32 bytes; the store needs no alignment.
        unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), total) };
    }
}
