//! Sign codes scored against a query cut into bit planes: 1 bit a dimension, AND and population count only.
//!
//! A code holds `s ∈ {−1, +1}^d` as bits (1 is +1), 64 to a little-endian word, padding bits 0. The query is
//! rounded to `q̂ᵢ = δ·uᵢ` with `uᵢ ∈ −7…7` (so that ±1 is exact) and kept as four planes of the two's complement of `uᵢ`, so that
//!
//! ```text
//! ⟨s, q̂⟩ = δ·(2A − Σuᵢ),   A = Σ_w |s_w & p0_w| + 2|s_w & p1_w| + 4|s_w & p2_w| − 8|s_w & p3_w|
//! ```
//!
//! Eight codes form a group (*word-interleaved*): word 0 of all eight, then word 1, and so on, so that one
//! vector register holds the same word of 4 or 8 codes. |A| ≤ 8·65535, far inside `i32`.
//!
//! [`scalar`] is the reference; the others return the same integers. The path is chosen once per process.
//! Seen on Zen 3 (AVX2): see `benches/sign_code.rs` of the `qivf` crate.

mod scalar;
pub mod table;
#[cfg(target_arch = "x86_64")]
mod x86_64;

use std::sync::OnceLock;

/// Codes in an interleaved group.
pub const LANES: usize = 8;

/// 64-bit words in the sign code of a `dim`-dimensional vector.
pub const fn words(dim: usize) -> usize {
    dim.div_ceil(64)
}

/// The four planes of one query word, lowest first.
pub type PlaneWord = [u64; 4];

/// A query prepared for scoring sign codes.
#[derive(Clone, Debug)]
pub struct QueryPlanes {
    planes: Vec<PlaneWord>,
    delta: f32,
    sum: i32,
    error: f32,
}

impl QueryPlanes {
    /// Cuts the finite vector `q` into planes.
    pub fn new(q: &[f32]) -> Self {
        let largest = q.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        let delta = largest / 7.0;
        let inverse = if delta.is_normal() { 1.0 / delta } else { 0.0 };
        let mut planes = vec![[0u64; 4]; words(q.len())];
        let (mut sum, mut error) = (0i32, 0.0f64);
        for (i, &v) in q.iter().enumerate() {
            // Truncation after a shift into the positive: rounding without a library call.
            let u = (v * inverse + 8.5) as i32 - 8;
            for (bit, plane) in planes[i / 64].iter_mut().enumerate() {
                *plane |= u64::from(u as u32 >> bit & 1) << (i % 64);
            }
            sum += u;
            error += f64::from(v - delta * u as f32).powi(2);
        }
        Self {
            planes,
            delta,
            sum,
            error: error.sqrt() as f32,
        }
    }

    /// Words per code.
    pub fn words(&self) -> usize {
        self.planes.len()
    }

    /// ‖q − q̂‖: what rounding the query lost.
    pub fn error(&self) -> f32 {
        self.error
    }

    /// ⟨s, q̂⟩ from the integer `A` that the kernels return.
    #[inline]
    pub fn dot(&self, a: i32) -> f32 {
        self.delta * (2 * a - self.sum) as f32
    }

    /// Scores an interleaved group: `group` holds `words() × LANES` little-endian words; `A` of each code goes to `out`.
    #[inline]
    pub fn score_group(&self, group: &[u8], out: &mut [i32; LANES]) {
        kernel()(&self.planes, group, out);
    }

    /// Scores one code of `words()` little-endian words, not interleaved.
    pub fn score_one(&self, code: &[u8]) -> i32 {
        scalar::score_one(&self.planes, code)
    }
}

/// Scores one group; panics unless `group` has exactly `planes.len() × LANES` words.
type Kernel = fn(&[PlaneWord], &[u8], &mut [i32; LANES]);

fn kernel() -> Kernel {
    static CHOSEN: OnceLock<Kernel> = OnceLock::new();
    *CHOSEN.get_or_init(|| available()[0].1)
}

/// The kernels this processor can run, the best first, the scalar reference last.
fn available() -> Vec<(&'static str, Kernel)> {
    let mut kernels: Vec<(&'static str, Kernel)> = Vec::new();
    #[cfg(target_arch = "x86_64")]
    x86_64::push_available(&mut kernels);
    kernels.push(("scalar", scalar::score_group));
    kernels
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rotation::SplitMix64;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn kernels_agree(dim in 1usize..2100, seed in any::<u64>(), shift in 0usize..8) {
            let mut generator = SplitMix64::new(seed);
            let q: Vec<f32> = (0..dim).map(|_| generator.below(2001) as f32 - 1000.0).collect();
            let planes = QueryPlanes::new(&q);
            let bytes: Vec<u8> = (0..words(dim) * 64 + shift).map(|_| generator.next_u64() as u8).collect();
            let mut expected = [0; LANES];
            scalar::score_group(&planes.planes, &bytes[shift..], &mut expected);
            for (name, kernel) in available() {
                let mut got = [0; LANES];
                kernel(&planes.planes, &bytes[shift..], &mut got);
                prop_assert_eq!(got, expected, "{}", name);
            }
        }

        #[test]
        fn score_is_the_dot_product(q in prop::collection::vec(-3f32..3.0, 1..300), seed in any::<u64>()) {
            let mut generator = SplitMix64::new(seed);
            let planes = QueryPlanes::new(&q);
            let rows: Vec<Vec<f32>> = (0..LANES)
                .map(|_| q.iter().map(|_| generator.below(3) as f32 - 1.0).collect()).collect();
            let mut group = vec![0u8; words(q.len()) * LANES * 8];
            for (lane, row) in rows.iter().enumerate() {
                let mut code = vec![0; words(q.len())];
                signs(row, &mut code);
                interleave(&code, lane, LANES, &mut group);
                let mut back = vec![0; code.len()];
                deinterleave(&group, lane, LANES, &mut back);
                prop_assert_eq!(&code, &back);
                let bytes: Vec<u8> = code.iter().flat_map(|w| w.to_le_bytes()).collect();
                let sizes: f32 = q.iter().map(|x| x.abs()).sum();
                let exact: f32 = q.iter().zip(row).map(|(q, x)| if *x >= 0.0 { *q } else { -q }).sum();
                let got = planes.dot(planes.score_one(&bytes));
                let allowed = planes.error() * (q.len() as f32).sqrt() + 1e-5 * sizes;
                prop_assert!((got - exact).abs() <= allowed, "{} against {}", got, exact);
            }
            let mut out = [0; LANES];
            planes.score_group(&group, &mut out);
            let mut code = vec![0; words(q.len())];
            for (lane, a) in out.iter().enumerate() {
                deinterleave(&group, lane, LANES, &mut code);
                let bytes: Vec<u8> = code.iter().flat_map(|w| w.to_le_bytes()).collect();
                prop_assert_eq!(*a, planes.score_one(&bytes));
            }
        }
    }
}
