//! A seeded random rotation that costs O(d log d), for any dimension, without padding.
//!
//! Four rounds of: seeded sign flips, a fast Walsh–Hadamard transform over a block of the largest power of two
//! that fits (the first block in even rounds, the last in odd ones) and, when that block is shorter than the
//! vector, one 45° butterfly between the two halves so that all dimensions mix. Every step is orthogonal, so
//! the whole is; it is computed in `f64`, in a fixed order of additions and multiplications, hence the same on
//! every processor. The relative error is below [`RELATIVE_ERROR`].
//!
//! The signs come from [`SplitMix64`] and reach disk through the codes derived from rotated vectors: neither
//! the generator nor the order in which bits are drawn may ever change.

use crate::wide::wide;

/// Bound on `‖computed − exact‖ / ‖v‖`: fewer than 100 rounded steps of relative error 2⁻⁵³ each, with room to spare.
pub const RELATIVE_ERROR: f64 = 1e-13;

const ROUNDS: usize = 4;

/// Sebastiano Vigna's SplitMix64, frozen because its output reaches disk.
#[derive(Clone, Debug)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// A generator that starts from `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0..bound` (`bound` ≥ 1), by multiply-shift: the bias is below 2⁻³² for the bounds used here.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next_u64()) * bound as u128) >> 64) as usize
    }
}

/// The rotation for one dimension and seed.
#[derive(Clone, Debug)]
pub struct Rotation {
    dim: usize,
    block: usize,
    /// `ROUNDS × dim` factors, +1 or −1.
    signs: Vec<f64>,
}

impl Rotation {
    /// Prepares the rotation of `dim`-dimensional vectors that `seed` selects.
    pub fn new(dim: usize, seed: u64) -> Self {
        let mut generator = SplitMix64::new(seed);
        let mut signs = Vec::with_capacity(ROUNDS * dim);
        for _ in 0..ROUNDS {
            let mut bits = 0u64;
            for i in 0..dim {
                if i % 64 == 0 {
                    bits = generator.next_u64();
                }
                signs.push(if bits >> (i % 64) & 1 == 1 { -1.0 } else { 1.0 });
            }
        }
        let block = if dim == 0 { 0 } else { 1 << dim.ilog2() };
        Self { dim, block, signs }
    }

    /// The dimension this rotation was made for.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Memory taken by its factors.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.signs[..])
    }

    /// Rotates `v`, whose length is the dimension, in place.
    pub fn apply(&self, v: &mut [f64]) {
        apply(self, v);
    }

    #[inline(always)]
    fn apply_everywhere(&self, v: &mut [f64]) {
        debug_assert_eq!(v.len(), self.dim);
        if self.dim == 0 {
            return;
        }
        let scale = 1.0 / (self.block as f64).sqrt();
        for (round, signs) in self.signs.chunks_exact(self.dim).enumerate() {
            for (x, s) in v.iter_mut().zip(signs) {
                *x *= s;
            }
            let start = if round % 2 == 0 {
                0
            } else {
                self.dim - self.block
            };
            let block = &mut v[start..start + self.block];
            hadamard(block);
            for x in block.iter_mut() {
                *x *= scale;
            }
            if self.block < self.dim {
                mix_halves(v);
            }
        }
    }
}

wide! {
    fn apply(rotation: &Rotation, v: &mut [f64]) = Rotation::apply_everywhere
}

/// The unnormalised Walsh–Hadamard transform; the length is a power of two.
#[inline(always)]
fn hadamard(v: &mut [f64]) {
    let (eights, few) = v.as_chunks_mut::<8>();
    eights.iter_mut().for_each(|eight| butterflies(eight, 1));
    butterflies(few, 1);
    butterflies(v, 8);
}

/// The steps of the transform that combine elements at least `half` apart.
#[inline(always)]
fn butterflies(v: &mut [f64], mut half: usize) {
    while half < v.len() {
        for pair in v.chunks_exact_mut(2 * half) {
            let (low, high) = pair.split_at_mut(half);
            for (a, b) in low.iter_mut().zip(high) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        half *= 2;
    }
}

/// Turns each pair (i, i + ⌈d/2⌉) by 45°; the middle element of an odd length stays.
#[inline(always)]
fn mix_halves(v: &mut [f64]) {
    let half = v.len() / 2;
    let high_start = v.len() - half;
    let (low, high) = v.split_at_mut(high_start);
    for (a, b) in low.iter_mut().zip(high) {
        (*a, *b) = (
            (*a + *b) * std::f64::consts::FRAC_1_SQRT_2,
            (*a - *b) * std::f64::consts::FRAC_1_SQRT_2,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn norm(v: &[f64]) -> f64 {
        v.iter().map(|x| x * x).sum::<f64>().sqrt()
    }

    #[test]
    fn keeps_norms_and_spreads_a_unit_vector() {
        for dim in [1, 2, 3, 5, 31, 100, 384, 500, 768, 1152] {
            let rotation = Rotation::new(dim, 7);
            let mut v = vec![0.0; dim];
            v[dim / 3] = 1.0;
            rotation.apply(&mut v);
            assert!((norm(&v) - 1.0).abs() < RELATIVE_ERROR, "dim {dim}");
            if dim >= 100 {
                let largest = v.iter().fold(0.0f64, |m, x| m.max(x.abs()));
                assert!(
                    largest * (dim as f64).sqrt() < 6.0,
                    "dim {dim}: largest {largest}"
                );
            }
        }
    }

    #[test]
    fn keeps_inner_products() {
        let rotation = Rotation::new(100, 3);
        let mut generator = SplitMix64::new(1);
        let mut draw = || {
            (0..100)
                .map(|_| generator.below(2001) as f64 - 1000.0)
                .collect::<Vec<_>>()
        };
        let (mut a, mut b) = (draw(), draw());
        let before: f64 = a.iter().zip(&b).map(|(x, y)| x * y).sum();
        rotation.apply(&mut a);
        rotation.apply(&mut b);
        let after: f64 = a.iter().zip(&b).map(|(x, y)| x * y).sum();
        assert!((before - after).abs() < 1e-6);
    }

    /// Frozen: these values reach disk through sign codes.
    #[test]
    fn golden_values() {
        let mut generator = SplitMix64::new(0);
        assert_eq!(generator.next_u64(), 0xe220_a839_7b1d_cdaf);
        let mut v: Vec<f64> = (1..=6).map(f64::from).collect();
        Rotation::new(6, 42).apply(&mut v);
        let bits: Vec<u64> = v.iter().map(|x| x.to_bits()).collect();
        assert_eq!(bits, GOLDEN_ROTATION);
    }

    const GOLDEN_ROTATION: [u64; 6] = [
        13833228467933544448,
        4614289661961961473,
        4602678819172646915,
        13832384043003412482,
        4610419381032189954,
        13844381913885704192,
    ];
}
