//! AVX-512 (VPOPCNTDQ), AVX2 and plain POPCNT kernels.
//!
//! The AVX2 one counts bits per byte by two table look-ups. Per word and byte the planes' counts are first
//! combined: c0 + 2·c1 + 4·c2 ≤ 56 and c3 ≤ 8, so four words fit a byte (224) before the sums are widened.
#![allow(unsafe_code)]

use super::table::{BLOCK, ByteTables, TableKernel};
use super::{Kernel, LANES, PlaneWord, scalar};
use std::arch::x86_64::*;

/// Adds what the processor supports, the best first.
pub(super) fn push_available(kernels: &mut Vec<(&'static str, Kernel)>) {
    if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vpopcntdq") {
        kernels.push(("avx512", |planes, group, out| {
            // SAFETY: listed only after both features were detected.
            unsafe { score_avx512(planes, group, out) }
        }));
    }
    if is_x86_feature_detected!("avx2") {
        kernels.push(("avx2", |planes, group, out| {
            // SAFETY: listed only after AVX2 was detected.
            unsafe { score_avx2(planes, group, out) }
        }));
    }
    if is_x86_feature_detected!("popcnt") {
        kernels.push(("popcnt", |planes, group, out| {
            // SAFETY: listed only after POPCNT was detected.
            unsafe { score_popcnt(planes, group, out) }
        }));
    }
}

#[target_feature(enable = "popcnt")]
fn score_popcnt(planes: &[PlaneWord], group: &[u8], out: &mut [i32; LANES]) {
    scalar::score_group(planes, group, out);
}

#[target_feature(enable = "avx512f,avx512vpopcntdq")]
fn score_avx512(planes: &[PlaneWord], group: &[u8], out: &mut [i32; LANES]) {
    assert_eq!(group.len(), planes.len() * LANES * 8);
    let mut sums = [_mm512_setzero_si512(); 4];
    for (row, planes) in group.as_chunks::<64>().0.iter().zip(planes) {
        // SAFETY: `row` is 64 readable bytes; the load needs no alignment.
        let codes = unsafe { _mm512_loadu_si512(row.as_ptr().cast()) };
        for (sum, &plane) in sums.iter_mut().zip(planes) {
            let hits = _mm512_and_si512(codes, _mm512_set1_epi64(plane as i64));
            *sum = _mm512_add_epi64(*sum, _mm512_popcnt_epi64(hits));
        }
    }
    let low = _mm512_add_epi64(sums[0], _mm512_slli_epi64::<1>(sums[1]));
    let high = _mm512_sub_epi64(
        _mm512_slli_epi64::<2>(sums[2]),
        _mm512_slli_epi64::<3>(sums[3]),
    );
    let total = _mm512_cvtepi64_epi32(_mm512_add_epi64(low, high));
    // SAFETY: `out` is eight writable i32, 32 bytes; the store needs no alignment.
    unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), total) };
}

/// Bits set in each byte.
#[target_feature(enable = "avx2")]
#[inline]
fn byte_counts(v: __m256i) -> __m256i {
    let table = _mm256_setr_epi8(
        0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3,
        3, 4,
    );
    let nibble = _mm256_set1_epi8(15);
    let low = _mm256_shuffle_epi8(table, _mm256_and_si256(v, nibble));
    let high = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16::<4>(v), nibble));
    _mm256_add_epi8(low, high)
}

/// Counts of the positive planes, weighted, and of the negative plane, per byte, for four codes.
#[target_feature(enable = "avx2")]
#[inline]
fn weighted_bytes(codes: __m256i, planes: &PlaneWord) -> (__m256i, __m256i) {
    let count = |plane: u64| byte_counts(_mm256_and_si256(codes, _mm256_set1_epi64x(plane as i64)));
    let (c0, c1, c2) = (count(planes[0]), count(planes[1]), count(planes[2]));
    // c0 + 2(c1 + 2c2), each step within a byte.
    let upper = _mm256_add_epi8(c1, _mm256_add_epi8(c2, c2));
    let positive = _mm256_add_epi8(c0, _mm256_add_epi8(upper, upper));
    (positive, count(planes[3]))
}

#[target_feature(enable = "avx2")]
fn score_avx2(planes: &[PlaneWord], group: &[u8], out: &mut [i32; LANES]) {
    assert_eq!(group.len(), planes.len() * LANES * 8);
    let zero = _mm256_setzero_si256();
    let mut totals = [zero; 2];
    let rows = group.as_chunks::<64>().0;
    for (rows, planes) in rows.chunks(4).zip(planes.chunks(4)) {
        let (mut positive, mut negative) = ([zero; 2], [zero; 2]);
        for (row, planes) in rows.iter().zip(planes) {
            for half in 0..2 {
                // SAFETY: bytes 32·half … 32·half + 31 of a 64-byte row; the load needs no alignment.
                let codes = unsafe { _mm256_loadu_si256(row.as_ptr().add(32 * half).cast()) };
                let (plus, minus) = weighted_bytes(codes, planes);
                positive[half] = _mm256_add_epi8(positive[half], plus);
                negative[half] = _mm256_add_epi8(negative[half], minus);
            }
        }
        for half in 0..2 {
            let plus = _mm256_sad_epu8(positive[half], zero);
            let minus = _mm256_slli_epi64::<3>(_mm256_sad_epu8(negative[half], zero));
            totals[half] = _mm256_add_epi64(totals[half], _mm256_sub_epi64(plus, minus));
        }
    }
    // The low 32 bits of each 64-bit sum, in order.
    let pick = _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6);
    for (half, total) in totals.into_iter().enumerate() {
        let low = _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(total, pick));
        // SAFETY: i32 4·half … 4·half + 3 of the eight in `out`; the store needs no alignment.
        unsafe { _mm_storeu_si128(out.as_mut_ptr().add(4 * half).cast(), low) };
    }
}

/// Adds the table kernel, if the processor has it.
pub(super) fn push_table_kernels(kernels: &mut Vec<(&'static str, TableKernel)>) {
    if is_x86_feature_detected!("avx2") {
        kernels.push(("avx2", |tables, block, out| {
            // SAFETY: listed only after AVX2 was detected.
            unsafe { look_up_avx2(tables, block, out) }
        }));
    }
}

/// Sums of two bytes are below 255, so 16 bits hold 256 of them.
const WIDEN_AFTER: usize = 256;

#[target_feature(enable = "avx2")]
fn look_up_avx2(tables: &[ByteTables], block: &[u8], out: &mut [u32; BLOCK]) {
    assert_eq!(block.len(), tables.len() * BLOCK);
    let nibble = _mm256_set1_epi8(15);
    let low_byte = _mm256_set1_epi16(255);
    out.fill(0);
    let rows = block.as_chunks::<BLOCK>().0;
    for (rows, tables) in rows.chunks(WIDEN_AFTER).zip(tables.chunks(WIDEN_AFTER)) {
        let mut sums = [_mm256_setzero_si256(); 2];
        for (row, [low, high]) in rows.iter().zip(tables) {
            // SAFETY: three arrays of 32 readable bytes; the loads need no alignment.
            let (codes, low, high) = unsafe {
                (
                    _mm256_loadu_si256(row.as_ptr().cast()),
                    _mm256_loadu_si256(low.as_ptr().cast()),
                    _mm256_loadu_si256(high.as_ptr().cast()),
                )
            };
            let lower = _mm256_shuffle_epi8(low, _mm256_and_si256(codes, nibble));
            let upper = _mm256_and_si256(_mm256_srli_epi16::<4>(codes), nibble);
            let both = _mm256_add_epi8(lower, _mm256_shuffle_epi8(high, upper));
            sums[0] = _mm256_add_epi16(sums[0], _mm256_and_si256(both, low_byte));
            sums[1] = _mm256_add_epi16(sums[1], _mm256_srli_epi16::<8>(both));
        }
        // Even and odd codes apart, sixteen each.
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
