//! AVX2, FMA and POPCNT: x86-64-v3, every server CPU since Haswell and Zen.
//!
//! Every function here enables exactly `avx2,fma,popcnt`, which `Level::is_present` asks for.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::bytes::as_bytes;
use crate::distance::scalar::{LANES, fold};
use crate::distance::table::Kernels;

pub(in crate::distance) static KERNELS: Kernels = Kernels {
    name: "avx2",
    hamming,
    intersection_union,
    dot_i8,
    dot_u8,
    dot_and_norm_i8,
    dot_and_norm_u8,
    l2_squared_i8,
    l2_squared_u8,
    l1_i8,
    l1_u8,
    dot_f32_i8,
    dot_f32_u8,
    dot_f32,
    dot_and_norm_f32,
    l2_squared_f32,
    l1_f32,
};

/// Bytes in a register.
const WIDTH: usize = 32;

/// The sixteen lanes of a float kernel: lane `i` is element `i % 4` of register `i / 4`.
type Lanes = [__m256d; LANES / 4];

#[target_feature(enable = "avx2,fma,popcnt")]
fn hamming(a: &[u8], b: &[u8]) -> u32 {
    fold(a, b, 0, |different, a, b| {
        let bits = i64::from_ne_bytes(*a) ^ i64::from_ne_bytes(*b);
        different + _popcnt64(bits) as u32
    })
}

#[target_feature(enable = "avx2,fma,popcnt")]
fn intersection_union(a: &[u8], b: &[u8]) -> (u32, u32) {
    fold(a, b, (0, 0), |(intersection, union), a, b| {
        let (a, b) = (i64::from_ne_bytes(*a), i64::from_ne_bytes(*b));
        (
            intersection + _popcnt64(a & b) as u32,
            union + _popcnt64(a | b) as u32,
        )
    })
}

#[inline]
#[target_feature(enable = "avx2,fma,popcnt")]
fn load(bytes: &[u8; WIDTH]) -> __m256i {
    // SAFETY: the reference covers the 32 bytes read; the load needs no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

/// Folds the registers of both slices, the last ones padded with zeros.
#[inline]
#[target_feature(enable = "avx2,fma,popcnt")]
fn fold_bytes<T>(a: &[u8], b: &[u8], zero: T, step: impl Fn(T, __m256i, __m256i) -> T) -> T {
    fold(a, b, zero, |sums, a, b| step(sums, load(a), load(b)))
}

#[inline]
#[target_feature(enable = "avx2,fma,popcnt")]
fn reduce_i32(sums: __m256i) -> i32 {
    let sums = _mm_add_epi32(
        _mm256_castsi256_si128(sums),
        _mm256_extracti128_si256::<1>(sums),
    );
    let sums = _mm_add_epi32(sums, _mm_unpackhi_epi64(sums, sums));
    let sums = _mm_add_epi32(sums, _mm_shuffle_epi32::<0b01>(sums));
    _mm_cvtsi128_si32(sums)
}

/// Signed codes as two registers of i16, in order.
#[inline]
#[target_feature(enable = "avx2,fma,popcnt")]
fn widen_i8(codes: __m256i) -> [__m256i; 2] {
    [
        _mm256_cvtepi8_epi16(_mm256_castsi256_si128(codes)),
        _mm256_cvtepi8_epi16(_mm256_extracti128_si256::<1>(codes)),
    ]
}

/// Unsigned codes as two registers of i16, the even ones and the odd ones.
#[inline]
#[target_feature(enable = "avx2,fma,popcnt")]
fn widen_u8(codes: __m256i) -> [__m256i; 2] {
    [
        _mm256_and_si256(codes, _mm256_set1_epi16(0xff)),
        _mm256_srli_epi16::<8>(codes),
    ]
}

/// Adds the products of i16 pairs (all below 2¹⁶ in size, so a pair's sum fits) to lanes of i32.
#[inline]
#[target_feature(enable = "avx2,fma,popcnt")]
fn add_products(sums: __m256i, a: [__m256i; 2], b: [__m256i; 2]) -> __m256i {
    let products = _mm256_add_epi32(_mm256_madd_epi16(a[0], b[0]), _mm256_madd_epi16(a[1], b[1]));
    _mm256_add_epi32(sums, products)
}

#[target_feature(enable = "avx2,fma,popcnt")]
fn dot_i8(a: &[i8], b: &[i8]) -> i32 {
    let zero = _mm256_setzero_si256();
    let step = |sums, a, b| add_products(sums, widen_i8(a), widen_i8(b));
    reduce_i32(fold_bytes(as_bytes(a), as_bytes(b), zero, step))
}

#[target_feature(enable = "avx2,fma,popcnt")]
fn dot_u8(a: &[u8], b: &[u8]) -> u32 {
    let zero = _mm256_setzero_si256();
    let step = |sums, a, b| add_products(sums, widen_u8(a), widen_u8(b));
    reduce_i32(fold_bytes(a, b, zero, step)) as u32
}

#[target_feature(enable = "avx2,fma,popcnt")]
fn dot_and_norm_i8(a: &[i8], b: &[i8]) -> (i32, u32) {
    let zero = [_mm256_setzero_si256(); 2];
    let [dot, norm] = fold_bytes(as_bytes(a), as_bytes(b), zero, |[dot, norm], a, b| {
        let (a, b) = (widen_i8(a), widen_i8(b));
        [add_products(dot, a, b), add_products(norm, b, b)]
    });
    (reduce_i32(dot), reduce_i32(norm) as u32)
}

#[target_feature(enable = "avx2,fma,popcnt")]
fn dot_and_norm_u8(a: &[u8], b: &[u8]) -> (u32, u32) {
    let zero = [_mm256_setzero_si256(); 2];
    let [dot, norm] = fold_bytes(a, b, zero, |[dot, norm], a, b| {
        let (a, b) = (widen_u8(a), widen_u8(b));
        [add_products(dot, a, b), add_products(norm, b, b)]
    });
    (reduce_i32(dot) as u32, reduce_i32(norm) as u32)
}

/// Adds the squares of unsigned bytes to lanes of i32.
#[inline]
#[target_feature(enable = "avx2,fma,popcnt")]
fn add_squares(sums: __m256i, gaps: __m256i) -> __m256i {
    let gaps = widen_u8(gaps);
    add_products(sums, gaps, gaps)
}

#[target_feature(enable = "avx2,fma,popcnt")]
fn l2_squared_i8(a: &[i8], b: &[i8]) -> u32 {
    let zero = _mm256_setzero_si256();
    let sums = fold_bytes(as_bytes(a), as_bytes(b), zero, |sums, a, b| {
        let gaps = _mm256_sub_epi8(_mm256_max_epi8(a, b), _mm256_min_epi8(a, b));
        add_squares(sums, gaps)
    });
    reduce_i32(sums) as u32
}

#[target_feature(enable = "avx2,fma,popcnt")]
fn l2_squared_u8(a: &[u8], b: &[u8]) -> u32 {
    let sums = fold_bytes(a, b, _mm256_setzero_si256(), |sums, a, b| {
        let gaps = _mm256_sub_epi8(_mm256_max_epu8(a, b), _mm256_min_epu8(a, b));
        add_squares(sums, gaps)
    });
    reduce_i32(sums) as u32
}

#[target_feature(enable = "avx2,fma,popcnt")]
fn l1_i8(a: &[i8], b: &[i8]) -> u32 {
    // Flipping the sign bit adds 128: the differences stay, the values become unsigned.
    let flip = _mm256_set1_epi8(i8::MIN);
    let zero = _mm256_setzero_si256();
    let sums = fold_bytes(as_bytes(a), as_bytes(b), zero, |sums, a, b| {
        let gaps = _mm256_sad_epu8(_mm256_xor_si256(a, flip), _mm256_xor_si256(b, flip));
        _mm256_add_epi32(sums, gaps)
    });
    reduce_i32(sums) as u32
}

#[target_feature(enable = "avx2,fma,popcnt")]
fn l1_u8(a: &[u8], b: &[u8]) -> u32 {
    let step = |sums, a, b| _mm256_add_epi32(sums, _mm256_sad_epu8(a, b));
    reduce_i32(fold_bytes(a, b, _mm256_setzero_si256(), step)) as u32
}

#[inline]
#[target_feature(enable = "avx2,fma,popcnt")]
fn f32_lanes(values: &[f32; LANES]) -> Lanes {
    let (quads, _) = values.as_chunks::<4>();
    // SAFETY: each reference covers the four floats read; the load needs no alignment.
    let quad = |i: usize| unsafe { _mm256_cvtps_pd(_mm_loadu_ps(quads[i].as_ptr())) };
    [quad(0), quad(1), quad(2), quad(3)]
}

#[inline]
#[target_feature(enable = "avx2,fma,popcnt")]
fn i8_lanes(codes: &[i8; LANES]) -> Lanes {
    let (quads, _) = codes.as_chunks::<4>();
    let quad = |i: usize| {
        let codes = _mm_cvtsi32_si128(i32::from_le_bytes(quads[i].map(i8::cast_unsigned)));
        _mm256_cvtepi32_pd(_mm_cvtepi8_epi32(codes))
    };
    [quad(0), quad(1), quad(2), quad(3)]
}

#[inline]
#[target_feature(enable = "avx2,fma,popcnt")]
fn u8_lanes(codes: &[u8; LANES]) -> Lanes {
    let (quads, _) = codes.as_chunks::<4>();
    let quad = |i: usize| {
        let codes = _mm_cvtsi32_si128(i32::from_le_bytes(quads[i]));
        _mm256_cvtepi32_pd(_mm_cvtepu8_epi32(codes))
    };
    [quad(0), quad(1), quad(2), quad(3)]
}

#[inline]
#[target_feature(enable = "avx2,fma,popcnt")]
fn zero_lanes() -> Lanes {
    [_mm256_setzero_pd(); LANES / 4]
}

/// Fusing is allowed: the products are exact (see the module above).
#[inline]
#[target_feature(enable = "avx2,fma,popcnt")]
fn multiply_add(mut sums: Lanes, a: Lanes, b: Lanes) -> Lanes {
    for i in 0..LANES / 4 {
        sums[i] = _mm256_fmadd_pd(a[i], b[i], sums[i]);
    }
    sums
}

/// Adds the lanes in the order of `scalar::reduce`.
#[inline]
#[target_feature(enable = "avx2,fma,popcnt")]
fn reduce(sums: Lanes) -> f64 {
    let eight = [
        _mm256_add_pd(sums[0], sums[2]),
        _mm256_add_pd(sums[1], sums[3]),
    ];
    let four = _mm256_add_pd(eight[0], eight[1]);
    let two = _mm_add_pd(
        _mm256_castpd256_pd128(four),
        _mm256_extractf128_pd::<1>(four),
    );
    _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)))
}

#[target_feature(enable = "avx2,fma,popcnt")]
pub(super) fn dot_f32_i8(a: &[f32], b: &[i8]) -> f64 {
    let step = |sums, a: &_, b: &_| multiply_add(sums, f32_lanes(a), i8_lanes(b));
    reduce(fold(a, b, zero_lanes(), step))
}

#[target_feature(enable = "avx2,fma,popcnt")]
pub(super) fn dot_f32_u8(a: &[f32], b: &[u8]) -> f64 {
    let step = |sums, a: &_, b: &_| multiply_add(sums, f32_lanes(a), u8_lanes(b));
    reduce(fold(a, b, zero_lanes(), step))
}

#[target_feature(enable = "avx2,fma,popcnt")]
pub(super) fn dot_f32(a: &[f32], b: &[f32]) -> f64 {
    let step = |sums, a: &_, b: &_| multiply_add(sums, f32_lanes(a), f32_lanes(b));
    reduce(fold(a, b, zero_lanes(), step))
}

#[target_feature(enable = "avx2,fma,popcnt")]
pub(super) fn dot_and_norm_f32(a: &[f32], b: &[f32]) -> (f64, f64) {
    let [dot, norm] = fold(a, b, [zero_lanes(); 2], |[dot, norm], a, b| {
        let (a, b) = (f32_lanes(a), f32_lanes(b));
        [multiply_add(dot, a, b), multiply_add(norm, b, b)]
    });
    (reduce(dot), reduce(norm))
}

#[target_feature(enable = "avx2,fma,popcnt")]
pub(super) fn l2_squared_f32(a: &[f32], b: &[f32]) -> f64 {
    let sums = fold(a, b, zero_lanes(), |mut sums, a, b| {
        let (a, b) = (f32_lanes(a), f32_lanes(b));
        for i in 0..LANES / 4 {
            let gap = _mm256_sub_pd(a[i], b[i]);
            // Not fused: the square of a rounded difference is not exact.
            sums[i] = _mm256_add_pd(sums[i], _mm256_mul_pd(gap, gap));
        }
        sums
    });
    reduce(sums)
}

#[target_feature(enable = "avx2,fma,popcnt")]
pub(super) fn l1_f32(a: &[f32], b: &[f32]) -> f64 {
    let sign = _mm256_set1_pd(-0.0);
    let sums = fold(a, b, zero_lanes(), |mut sums, a, b| {
        let (a, b) = (f32_lanes(a), f32_lanes(b));
        for i in 0..LANES / 4 {
            let gap = _mm256_andnot_pd(sign, _mm256_sub_pd(a[i], b[i]));
            sums[i] = _mm256_add_pd(sums[i], gap);
        }
        sums
    });
    reduce(sums)
}
