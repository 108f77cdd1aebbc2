//! NEON kernels: every 64-bit Arm CPU. One instruction looks up sixteen nibbles in a table.
//!
//! Run so far under emulation only (the same results as the scalar ones); no time was measured.
#![allow(unsafe_code)]

use super::interleaved::{BLOCK, LANES};
use super::kernels::{ENTRIES, GroupScores, Kernels, PairTables};
use std::arch::aarch64::*;

pub(super) static KERNELS: Kernels = Kernels {
    block: score_block,
    groups: score_groups,
};

/// Sums of two bytes are at most 240, so 16 bits hold 256 of them.
const WIDEN_AFTER: usize = 256;

/// Sums of sixteen codes.
type Sums = [uint16x8_t; 2];

#[target_feature(enable = "neon")]
#[inline]
fn load(bytes: &[u8; 16]) -> uint8x16_t {
    // SAFETY: 16 readable bytes; the load needs no alignment.
    unsafe { vld1q_u8(bytes.as_ptr()) }
}

/// Looks up both nibbles of every byte and adds them to `sums`.
#[target_feature(enable = "neon")]
#[inline]
fn look_up(codes: uint8x16_t, low: &[u8; ENTRIES], high: &[u8; ENTRIES], sums: &mut Sums) {
    let lower = vqtbl1q_u8(load(low), vandq_u8(codes, vdupq_n_u8(15)));
    let upper = vqtbl1q_u8(load(high), vshrq_n_u8::<4>(codes));
    let both = vaddq_u8(lower, upper);
    sums[0] = vaddw_u8(sums[0], vget_low_u8(both));
    sums[1] = vaddw_u8(sums[1], vget_high_u8(both));
}

/// Adds eight sums to `out`.
#[target_feature(enable = "neon")]
#[inline]
fn add_to(out: &mut [u32], sums: uint16x8_t) {
    let mut words = [0u16; 8];
    // SAFETY: eight writable `u16`; the store needs no alignment.
    unsafe { vst1q_u16(words.as_mut_ptr(), sums) };
    for (out, word) in out.iter_mut().zip(words) {
        *out += u32::from(word);
    }
}

#[target_feature(enable = "neon")]
fn score_block(tables: &[PairTables], block: &[u8], out: &mut [u32; BLOCK]) {
    assert_eq!(block.len(), tables.len() * 2 * BLOCK);
    out.fill(0);
    let rows = block.as_chunks::<{ 2 * BLOCK }>().0;
    for (rows, tables) in rows
        .chunks(WIDEN_AFTER / 2)
        .zip(tables.chunks(WIDEN_AFTER / 2))
    {
        let mut sums = [[vdupq_n_u16(0); 2]; 2];
        for (rows, [low, high]) in rows.iter().zip(tables) {
            let tables = low.as_chunks().0.iter().zip(high.as_chunks().0);
            for (codes, (low, high)) in rows.as_chunks::<BLOCK>().0.iter().zip(tables) {
                for (codes, sums) in codes.as_chunks().0.iter().zip(&mut sums) {
                    look_up(load(codes), low, high, sums);
                }
            }
        }
        for (out, sums) in out.chunks_mut(8).zip(sums.into_iter().flatten()) {
            add_to(out, sums);
        }
    }
}

/// Where bytes `2p` and `2p + 1` of eight codes of eight bytes lie.
const PAIRS: [[u8; 16]; 4] = {
    let mut pairs = [[0; 16]; 4];
    let mut i = 0;
    while i < 64 {
        let (pair, which, code) = (i / 16, i / 8 % 2, i % 8);
        pairs[pair][which * 8 + code] = (code * 8 + 2 * pair + which) as u8;
        i += 1;
    }
    pairs
};

#[target_feature(enable = "neon")]
#[inline]
fn load_word(codes: &[u8; 8 * LANES]) -> uint8x16x4_t {
    // SAFETY: 64 readable bytes; the load needs no alignment.
    unsafe { vld1q_u8_x4(codes.as_ptr()) }
}

#[target_feature(enable = "neon")]
fn score_groups(tables: &[PairTables], groups: [&[u8]; 2], out: &mut GroupScores) {
    for group in groups {
        assert_eq!(group.len(), tables.len() * 2 * LANES);
    }
    *out = GroupScores::default();
    let [first, second] = groups.map(|group| group.as_chunks::<{ 8 * LANES }>().0);
    // Four pairs of tables a word.
    let words = WIDEN_AFTER / 8;
    let chunks = first.chunks(words).zip(second.chunks(words));
    for ((first, second), tables) in chunks.zip(tables.chunks(4 * words)) {
        let mut sums = [vdupq_n_u16(0); 2];
        for ((first, second), tables) in first.iter().zip(second).zip(tables.as_chunks::<4>().0) {
            let (first, second) = (load_word(first), load_word(second));
            for (places, [low, high]) in PAIRS.iter().zip(tables) {
                let turned = |word| vreinterpretq_u64_u8(vqtbl4q_u8(word, load(places)));
                let (a, b) = (turned(first), turned(second));
                let (lows, highs) = (low.as_chunks().0, high.as_chunks().0);
                let bytes = [vzip1q_u64(a, b), vzip2q_u64(a, b)].map(|b| vreinterpretq_u8_u64(b));
                for (bytes, (low, high)) in bytes.into_iter().zip(lows.iter().zip(highs)) {
                    look_up(bytes, low, high, &mut sums);
                }
            }
        }
        for (out, sums) in out.iter_mut().zip(sums) {
            add_to(out, sums);
        }
    }
}
