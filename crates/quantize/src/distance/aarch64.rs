//! NEON: every 64-bit Arm CPU.
#![allow(unsafe_code)]

use std::arch::aarch64::*;

use super::scalar::{LANES, fold};
use super::table::Kernels;

pub(super) static KERNELS: Kernels = Kernels {
    name: "neon",
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
const WIDTH: usize = 16;

/// The sixteen lanes of a float kernel: lane `i` is element `i % 2` of register `i / 2`.
type Lanes = [float64x2_t; LANES / 2];

#[inline]
#[target_feature(enable = "neon")]
fn load_u8(codes: &[u8; WIDTH]) -> uint8x16_t {
    // SAFETY: the reference covers the 16 bytes read; the load needs no alignment.
    unsafe { vld1q_u8(codes.as_ptr()) }
}

#[inline]
#[target_feature(enable = "neon")]
fn load_i8(codes: &[i8; WIDTH]) -> int8x16_t {
    // SAFETY: the reference covers the 16 bytes read; the load needs no alignment.
    unsafe { vld1q_s8(codes.as_ptr()) }
}

/// Adds the numbers of bits set to lanes of u32.
#[inline]
#[target_feature(enable = "neon")]
fn add_bits(sums: uint32x4_t, bits: uint8x16_t) -> uint32x4_t {
    vpadalq_u16(sums, vpaddlq_u8(vcntq_u8(bits)))
}

#[target_feature(enable = "neon")]
fn hamming(a: &[u8], b: &[u8]) -> u32 {
    let sums = fold(a, b, vdupq_n_u32(0), |sums, a, b| {
        add_bits(sums, veorq_u8(load_u8(a), load_u8(b)))
    });
    vaddvq_u32(sums)
}

#[target_feature(enable = "neon")]
fn intersection_union(a: &[u8], b: &[u8]) -> (u32, u32) {
    let zero = [vdupq_n_u32(0); 2];
    let [intersection, union] = fold(a, b, zero, |[intersection, union], a, b| {
        let (a, b) = (load_u8(a), load_u8(b));
        [
            add_bits(intersection, vandq_u8(a, b)),
            add_bits(union, vorrq_u8(a, b)),
        ]
    });
    (vaddvq_u32(intersection), vaddvq_u32(union))
}

/// Adds products to lanes of i32; a product of two i8 fits in 16 bits.
#[inline]
#[target_feature(enable = "neon")]
fn add_products_i8(sums: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
    let low = vmull_s8(vget_low_s8(a), vget_low_s8(b));
    let high = vmull_s8(vget_high_s8(a), vget_high_s8(b));
    vpadalq_s16(vpadalq_s16(sums, low), high)
}

/// Adds products to lanes of u32; a product of two u8 fits in 16 bits.
#[inline]
#[target_feature(enable = "neon")]
fn add_products_u8(sums: uint32x4_t, a: uint8x16_t, b: uint8x16_t) -> uint32x4_t {
    let low = vmull_u8(vget_low_u8(a), vget_low_u8(b));
    let high = vmull_u8(vget_high_u8(a), vget_high_u8(b));
    vpadalq_u16(vpadalq_u16(sums, low), high)
}

#[target_feature(enable = "neon")]
fn dot_i8(a: &[i8], b: &[i8]) -> i32 {
    let sums = fold(a, b, vdupq_n_s32(0), |sums, a, b| {
        add_products_i8(sums, load_i8(a), load_i8(b))
    });
    vaddvq_s32(sums)
}

#[target_feature(enable = "neon")]
fn dot_u8(a: &[u8], b: &[u8]) -> u32 {
    let sums = fold(a, b, vdupq_n_u32(0), |sums, a, b| {
        add_products_u8(sums, load_u8(a), load_u8(b))
    });
    vaddvq_u32(sums)
}

#[target_feature(enable = "neon")]
fn dot_and_norm_i8(a: &[i8], b: &[i8]) -> (i32, u32) {
    let [dot, norm] = fold(a, b, [vdupq_n_s32(0); 2], |[dot, norm], a, b| {
        let (a, b) = (load_i8(a), load_i8(b));
        [add_products_i8(dot, a, b), add_products_i8(norm, b, b)]
    });
    (vaddvq_s32(dot), vaddvq_s32(norm) as u32)
}

#[target_feature(enable = "neon")]
fn dot_and_norm_u8(a: &[u8], b: &[u8]) -> (u32, u32) {
    let [dot, norm] = fold(a, b, [vdupq_n_u32(0); 2], |[dot, norm], a, b| {
        let (a, b) = (load_u8(a), load_u8(b));
        [add_products_u8(dot, a, b), add_products_u8(norm, b, b)]
    });
    (vaddvq_u32(dot), vaddvq_u32(norm))
}

/// The distances of signed codes. The instruction keeps the low 8 bits of the distance, which is
/// the whole of it once read as unsigned.
#[inline]
#[target_feature(enable = "neon")]
fn gaps_i8(a: &[i8; WIDTH], b: &[i8; WIDTH]) -> uint8x16_t {
    vreinterpretq_u8_s8(vabdq_s8(load_i8(a), load_i8(b)))
}

#[inline]
#[target_feature(enable = "neon")]
fn gaps_u8(a: &[u8; WIDTH], b: &[u8; WIDTH]) -> uint8x16_t {
    vabdq_u8(load_u8(a), load_u8(b))
}

#[target_feature(enable = "neon")]
fn l2_squared_i8(a: &[i8], b: &[i8]) -> u32 {
    let sums = fold(a, b, vdupq_n_u32(0), |sums, a, b| {
        let gaps = gaps_i8(a, b);
        add_products_u8(sums, gaps, gaps)
    });
    vaddvq_u32(sums)
}

#[target_feature(enable = "neon")]
fn l2_squared_u8(a: &[u8], b: &[u8]) -> u32 {
    let sums = fold(a, b, vdupq_n_u32(0), |sums, a, b| {
        let gaps = gaps_u8(a, b);
        add_products_u8(sums, gaps, gaps)
    });
    vaddvq_u32(sums)
}

#[target_feature(enable = "neon")]
fn l1_i8(a: &[i8], b: &[i8]) -> u32 {
    let sums = fold(a, b, vdupq_n_u32(0), |sums, a, b| {
        vpadalq_u16(sums, vpaddlq_u8(gaps_i8(a, b)))
    });
    vaddvq_u32(sums)
}

#[target_feature(enable = "neon")]
fn l1_u8(a: &[u8], b: &[u8]) -> u32 {
    let sums = fold(a, b, vdupq_n_u32(0), |sums, a, b| {
        vpadalq_u16(sums, vpaddlq_u8(gaps_u8(a, b)))
    });
    vaddvq_u32(sums)
}

/// Sixteen f32, given as four registers, as f64.
#[inline]
#[target_feature(enable = "neon")]
fn to_lanes(q: [float32x4_t; 4]) -> Lanes {
    [
        vcvt_f64_f32(vget_low_f32(q[0])),
        vcvt_high_f64_f32(q[0]),
        vcvt_f64_f32(vget_low_f32(q[1])),
        vcvt_high_f64_f32(q[1]),
        vcvt_f64_f32(vget_low_f32(q[2])),
        vcvt_high_f64_f32(q[2]),
        vcvt_f64_f32(vget_low_f32(q[3])),
        vcvt_high_f64_f32(q[3]),
    ]
}

#[inline]
#[target_feature(enable = "neon")]
fn f32_lanes(values: &[f32; LANES]) -> Lanes {
    let (quads, _) = values.as_chunks::<4>();
    // SAFETY: each reference covers the four floats read; the load needs no alignment.
    let quad = |i: usize| unsafe { vld1q_f32(quads[i].as_ptr()) };
    to_lanes([quad(0), quad(1), quad(2), quad(3)])
}

/// By way of f32, which holds every code exactly.
#[inline]
#[target_feature(enable = "neon")]
fn i8_lanes(codes: &[i8; LANES]) -> Lanes {
    let codes = load_i8(codes);
    let (low, high) = (vmovl_s8(vget_low_s8(codes)), vmovl_high_s8(codes));
    to_lanes([
        vcvtq_f32_s32(vmovl_s16(vget_low_s16(low))),
        vcvtq_f32_s32(vmovl_high_s16(low)),
        vcvtq_f32_s32(vmovl_s16(vget_low_s16(high))),
        vcvtq_f32_s32(vmovl_high_s16(high)),
    ])
}

/// By way of f32, which holds every code exactly.
#[inline]
#[target_feature(enable = "neon")]
fn u8_lanes(codes: &[u8; LANES]) -> Lanes {
    let codes = load_u8(codes);
    let (low, high) = (vmovl_u8(vget_low_u8(codes)), vmovl_high_u8(codes));
    to_lanes([
        vcvtq_f32_u32(vmovl_u16(vget_low_u16(low))),
        vcvtq_f32_u32(vmovl_high_u16(low)),
        vcvtq_f32_u32(vmovl_u16(vget_low_u16(high))),
        vcvtq_f32_u32(vmovl_high_u16(high)),
    ])
}

#[inline]
#[target_feature(enable = "neon")]
fn zero_lanes() -> Lanes {
    [vdupq_n_f64(0.0); LANES / 2]
}

/// Fusing is allowed: the products are exact (see the module above).
#[inline]
#[target_feature(enable = "neon")]
fn multiply_add(mut sums: Lanes, a: Lanes, b: Lanes) -> Lanes {
    for i in 0..LANES / 2 {
        sums[i] = vfmaq_f64(sums[i], a[i], b[i]);
    }
    sums
}

/// Adds the lanes in the order of `scalar::reduce`.
#[inline]
#[target_feature(enable = "neon")]
fn reduce(mut sums: Lanes) -> f64 {
    for half in [4, 2, 1] {
        for i in 0..half {
            sums[i] = vaddq_f64(sums[i], sums[i + half]);
        }
    }
    vaddvq_f64(sums[0])
}

#[target_feature(enable = "neon")]
fn dot_f32_i8(a: &[f32], b: &[i8]) -> f64 {
    let step = |sums, a: &_, b: &_| multiply_add(sums, f32_lanes(a), i8_lanes(b));
    reduce(fold(a, b, zero_lanes(), step))
}

#[target_feature(enable = "neon")]
fn dot_f32_u8(a: &[f32], b: &[u8]) -> f64 {
    let step = |sums, a: &_, b: &_| multiply_add(sums, f32_lanes(a), u8_lanes(b));
    reduce(fold(a, b, zero_lanes(), step))
}

#[target_feature(enable = "neon")]
fn dot_f32(a: &[f32], b: &[f32]) -> f64 {
    let step = |sums, a: &_, b: &_| multiply_add(sums, f32_lanes(a), f32_lanes(b));
    reduce(fold(a, b, zero_lanes(), step))
}

#[target_feature(enable = "neon")]
fn dot_and_norm_f32(a: &[f32], b: &[f32]) -> (f64, f64) {
    let [dot, norm] = fold(a, b, [zero_lanes(); 2], |[dot, norm], a, b| {
        let (a, b) = (f32_lanes(a), f32_lanes(b));
        [multiply_add(dot, a, b), multiply_add(norm, b, b)]
    });
    (reduce(dot), reduce(norm))
}

#[target_feature(enable = "neon")]
fn l2_squared_f32(a: &[f32], b: &[f32]) -> f64 {
    let sums = fold(a, b, zero_lanes(), |mut sums, a, b| {
        let (a, b) = (f32_lanes(a), f32_lanes(b));
        for i in 0..LANES / 2 {
            let gap = vsubq_f64(a[i], b[i]);
            // Not fused: the square of a rounded difference is not exact.
            sums[i] = vaddq_f64(sums[i], vmulq_f64(gap, gap));
        }
        sums
    });
    reduce(sums)
}

#[target_feature(enable = "neon")]
fn l1_f32(a: &[f32], b: &[f32]) -> f64 {
    let sums = fold(a, b, zero_lanes(), |mut sums, a, b| {
        let (a, b) = (f32_lanes(a), f32_lanes(b));
        for i in 0..LANES / 2 {
            let gap = vabdq_f64(a[i], b[i]);
            sums[i] = vaddq_f64(sums[i], gap);
        }
        sums
    });
    reduce(sums)
}
