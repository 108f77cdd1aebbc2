//! The portable kernels: what every instruction set must reproduce, bit for bit.
//!
//! Integers are exact, so their order of summation is free. Floats are summed in [`LANES`] lanes of
//! f64: element `i` goes to lane `i % LANES`, in order, and [`reduce`] adds the lanes as a fixed tree.
//! A tail shorter than [`LANES`] may be padded with zeros: a lane starts at +0.0, a sum that starts
//! there never becomes −0.0, and adding ±0.0 to anything else changes nothing.

use super::table::Kernels;

/// Partial sums of a float kernel: four AVX2 registers, eight NEON ones.
pub(super) const LANES: usize = 16;

pub(super) static KERNELS: Kernels = Kernels {
    name: "scalar",
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

/// Copies a tail into a block of its own, zeros behind it.
#[inline]
pub(super) fn pad<T: Copy + Default, const N: usize>(tail: &[T]) -> [T; N] {
    let mut block = [T::default(); N];
    block[..tail.len()].copy_from_slice(tail);
    block
}

/// Adds the lanes: the upper half to the lower half, until one is left.
#[inline]
pub(super) fn reduce(mut lanes: [f64; LANES]) -> f64 {
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] += lanes[i + half];
        }
        half /= 2;
    }
    lanes[0]
}

/// Folds both slices in blocks of `N`, the last ones padded with zeros.
///
/// Always inlined, so that `step` becomes part of a caller that enables an instruction set.
#[inline(always)]
pub(super) fn fold<A, B, T, const N: usize>(
    a: &[A],
    b: &[B],
    zero: T,
    step: impl Fn(T, &[A; N], &[B; N]) -> T,
) -> T
where
    A: Copy + Default,
    B: Copy + Default,
{
    let (a, a_tail) = a.as_chunks::<N>();
    let (b, b_tail) = b.as_chunks::<N>();
    let mut sums = zero;
    for (a, b) in a.iter().zip(b) {
        sums = step(sums, a, b);
    }
    if !a_tail.is_empty() {
        sums = step(sums, &pad(a_tail), &pad(b_tail));
    }
    sums
}

fn hamming(a: &[u8], b: &[u8]) -> u32 {
    fold(a, b, 0, |different, a, b| {
        different + (u64::from_ne_bytes(*a) ^ u64::from_ne_bytes(*b)).count_ones()
    })
}

fn intersection_union(a: &[u8], b: &[u8]) -> (u32, u32) {
    fold(a, b, (0, 0), |(intersection, union), a, b| {
        let (a, b) = (u64::from_ne_bytes(*a), u64::from_ne_bytes(*b));
        (
            intersection + (a & b).count_ones(),
            union + (a | b).count_ones(),
        )
    })
}

fn dot_i8(a: &[i8], b: &[i8]) -> i32 {
    let products = a.iter().zip(b).map(|(&a, &b)| i32::from(a) * i32::from(b));
    products.sum()
}

fn dot_u8(a: &[u8], b: &[u8]) -> u32 {
    let products = a.iter().zip(b).map(|(&a, &b)| u32::from(a) * u32::from(b));
    products.sum()
}

fn dot_and_norm_i8(a: &[i8], b: &[i8]) -> (i32, u32) {
    (dot_i8(a, b), dot_i8(b, b).unsigned_abs())
}

fn dot_and_norm_u8(a: &[u8], b: &[u8]) -> (u32, u32) {
    (dot_u8(a, b), dot_u8(b, b))
}

fn l2_squared_i8(a: &[i8], b: &[i8]) -> u32 {
    let gaps = a.iter().zip(b).map(|(a, &b)| u32::from(a.abs_diff(b)));
    gaps.map(|gap| gap * gap).sum()
}

fn l2_squared_u8(a: &[u8], b: &[u8]) -> u32 {
    let gaps = a.iter().zip(b).map(|(a, &b)| u32::from(a.abs_diff(b)));
    gaps.map(|gap| gap * gap).sum()
}

fn l1_i8(a: &[i8], b: &[i8]) -> u32 {
    let gaps = a.iter().zip(b).map(|(a, &b)| u32::from(a.abs_diff(b)));
    gaps.sum()
}

fn l1_u8(a: &[u8], b: &[u8]) -> u32 {
    let gaps = a.iter().zip(b).map(|(a, &b)| u32::from(a.abs_diff(b)));
    gaps.sum()
}

/// Sums `term` over the pairs of elements, widened to f64.
#[inline]
fn sum<A, B>(a: &[A], b: &[B], term: impl Fn(f64, f64) -> f64) -> f64
where
    A: Copy + Default + Into<f64>,
    B: Copy + Default + Into<f64>,
{
    let zero = [0.0; LANES];
    reduce(fold(
        a,
        b,
        zero,
        |mut lanes, a: &[A; LANES], b: &[B; LANES]| {
            for i in 0..LANES {
                lanes[i] += term(a[i].into(), b[i].into());
            }
            lanes
        },
    ))
}

fn dot_f32_i8(a: &[f32], b: &[i8]) -> f64 {
    sum(a, b, |a, b| a * b)
}

fn dot_f32_u8(a: &[f32], b: &[u8]) -> f64 {
    sum(a, b, |a, b| a * b)
}

fn dot_f32(a: &[f32], b: &[f32]) -> f64 {
    sum(a, b, |a, b| a * b)
}

fn dot_and_norm_f32(a: &[f32], b: &[f32]) -> (f64, f64) {
    (dot_f32(a, b), dot_f32(b, b))
}

fn l2_squared_f32(a: &[f32], b: &[f32]) -> f64 {
    sum(a, b, |a, b| (a - b) * (a - b))
}

fn l1_f32(a: &[f32], b: &[f32]) -> f64 {
    sum(a, b, |a, b| (a - b).abs())
}
