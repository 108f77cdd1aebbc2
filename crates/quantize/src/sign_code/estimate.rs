//! From inner products with sign codes to optimistic squared distances: RaBitQ's estimator (arXiv 2405.12497) less its
//! error.
//!
//! ```text
//! low = base + add + scale·⟨s, q⟩ − spread·error − rounding·|scale|
//! ```

use super::interleaved::LANES;
use super::tables::QueryTables;
use crate::wide::wide;

/// What the estimates of a query for the entries of one list have in common.
#[derive(Clone, Copy, Debug)]
pub struct Estimate {
    /// Added to every estimate.
    pub base: f32,
    /// Multiplies an entry's error.
    pub spread: f32,
    /// Multiplies an entry's absolute scale.
    pub rounding: f32,
}

/// The estimates of a group, parted by a limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sifted {
    /// The estimates.
    pub lows: [f32; LANES],
    /// Lanes not beyond the limit, lane 0 in the lowest bit; NaN is not beyond.
    pub within: u8,
    /// The least beyond the limit, ∞ if none is.
    pub beyond: f32,
}

impl Estimate {
    /// The estimate of one entry.
    #[inline(always)]
    pub fn low(&self, add: f32, scale: f32, error: f32, dot: f32) -> f32 {
        self.base + add + scale * dot - self.spread * error - self.rounding * scale.abs()
    }

    /// The estimates of many entries, given their ⟨s, q⟩, which they take the place of.
    #[inline]
    pub fn lower(&self, add: &[f32], scale: &[f32], error: &[f32], dots: &mut [f32]) {
        lower(*self, [add, scale, error], dots);
    }

    /// The estimates of a group with `scores`. `factors` are the add, scale and error of every entry, field by field, in
    /// little-endian bytes.
    #[inline]
    pub fn sift(
        &self,
        tables: &QueryTables,
        scores: &[u32; LANES],
        factors: &[u8; 12 * LANES],
        limit: f32,
    ) -> Sifted {
        sift(*self, tables, scores, factors, limit)
    }
}

wide! {
    fn lower(terms: Estimate, factors: [&[f32]; 3], dots: &mut [f32]) = lower_all
}

#[inline(always)]
fn lower_all(terms: Estimate, [add, scale, error]: [&[f32]; 3], dots: &mut [f32]) {
    for (((dot, add), scale), error) in dots.iter_mut().zip(add).zip(scale).zip(error) {
        *dot = terms.low(*add, *scale, *error, *dot);
    }
}

wide! {
    fn sift(
        terms: Estimate,
        tables: &QueryTables,
        scores: &[u32; LANES],
        factors: &[u8; 12 * LANES],
        limit: f32
    ) -> Sifted = sift_group
}

#[inline(always)]
fn sift_group(
    terms: Estimate,
    tables: &QueryTables,
    scores: &[u32; LANES],
    factors: &[u8; 12 * LANES],
    limit: f32,
) -> Sifted {
    let (numbers, _) = factors.as_chunks::<4>();
    let mut lows = [0.0; LANES];
    for (lane, low) in lows.iter_mut().enumerate() {
        let [add, scale, error] =
            [0, 1, 2].map(|field| f32::from_le_bytes(numbers[field * LANES + lane]));
        *low = terms.low(add, scale, error, tables.dot(scores[lane]));
    }
    let (mut within, mut beyond) = (0, f32::INFINITY);
    for (lane, low) in lows.into_iter().enumerate() {
        let far = low > limit;
        within |= u8::from(!far) << lane;
        let far = if far { low } else { f32::INFINITY };
        beyond = if far < beyond { far } else { beyond };
    }
    Sifted {
        lows,
        within,
        beyond,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The sign of a NaN is nobody's business.
    fn bits(number: f32) -> u32 {
        if number.is_nan() { f32::NAN } else { number }.to_bits()
    }

    fn number() -> impl Strategy<Value = f32> {
        prop_oneof![8 => -9f32..9.0, 1 => Just(f32::INFINITY), 1 => Just(f32::NAN)]
    }

    proptest! {
        #[test]
        fn both_compilations_agree(
            entries in prop::array::uniform8(prop::array::uniform3(number())),
            scores in prop::array::uniform8(0u32..9000),
            terms in prop::array::uniform3(-3f32..3.0),
            limit in number(),
        ) {
            let tables = QueryTables::new(&[0.3, -0.1, 1.0]);
            let mut factors = [0; 12 * LANES];
            for (i, bytes) in factors.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                *bytes = entries[i % LANES][i / LANES].to_le_bytes();
            }
            let estimate = Estimate { base: terms[0], spread: terms[1], rounding: terms[2] };
            let got = estimate.sift(&tables, &scores, &factors, limit);
            let other = sift_group(estimate, &tables, &scores, &factors, limit);
            prop_assert_eq!(got.lows.map(bits), other.lows.map(bits));
            prop_assert_eq!((got.within, got.beyond), (other.within, other.beyond));
            let mut beyond = f32::INFINITY;
            for lane in 0..LANES {
                let [add, scale, error] = entries[lane];
                let low = estimate.low(add, scale, error, tables.dot(scores[lane]));
                prop_assert_eq!(bits(low), bits(got.lows[lane]));
                prop_assert_eq!(got.within >> lane & 1 == 0, low > limit);
                beyond = if low > limit { beyond.min(low) } else { beyond };
                let mut lowered = [tables.dot(scores[lane])];
                estimate.lower(&[add], &[scale], &[error], &mut lowered);
                prop_assert_eq!(bits(lowered[0]), bits(low));
            }
            prop_assert_eq!(beyond, got.beyond);
        }
    }
}
