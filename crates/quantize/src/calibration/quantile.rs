//! A mergeable sketch of every dimension's quantiles, in fixed memory.
//!
//! A histogram over floating-point numbers: the bucket of a value is its sign, its exponent and the
//! top `MANTISSA_BITS` bits of its mantissa, for the `OCTAVES` octaves below the largest magnitude
//! seen in that dimension; smaller values share one bucket around zero. Hence
//!
//! - a reported quantile lies in the same bucket as the exact order statistic `v`: it is off by at most
//!   `|v|·2⁻⁶`, or by `2⁻²²` of the dimension's largest magnitude where `v` is nearer to zero than that, and
//!   usually by far less, since it is interpolated; it never leaves the exact minimum and maximum, which are
//!   kept apart;
//! - the state is a function of the multiset of rows: order and merging cannot change it.
//!
//! The idea of buckets with bounded relative error is DDSketch's (arXiv 1908.10693).
//!
//! State, in 32-bit words: the number of rows; then for each dimension the minimum and the maximum (float32
//! bits), the biased exponent of the top octave, and the counts: negative buckets, outermost first, then the
//! one around zero, then positive ones, outermost last. So counts stand in the order of their values.

use crate::{Error, check_finite, check_same_dimensions};

/// Bits of the mantissa that tell buckets apart.
const MANTISSA_BITS: u32 = 6;
/// Octaves kept below the largest magnitude.
const OCTAVES: usize = 24;
const PER_OCTAVE: usize = 1 << MANTISSA_BITS;
/// Buckets on each side of zero.
const SIDE: usize = OCTAVES * PER_OCTAVE;
const BUCKETS: usize = 2 * SIDE + 1;
const HEADER: usize = 3;
const STRIDE: usize = HEADER + BUCKETS;

/// Words of state for `dimensions`: 12 kB a dimension.
pub const fn state_len(dimensions: usize) -> usize {
    1 + dimensions * STRIDE
}

/// Whether a state can have this length.
pub const fn is_state_len(len: usize) -> bool {
    len > 1 && (len - 1).is_multiple_of(STRIDE)
}

/// Prepares a state of zeros for its first row.
pub fn start(state: &mut [u32]) {
    for sketch in state[1..].chunks_exact_mut(STRIDE) {
        sketch[0] = f32::INFINITY.to_bits();
        sketch[1] = f32::NEG_INFINITY.to_bits();
    }
}

/// Checks that words from outside can be a state.
///
/// # Errors
/// [`Error::CorruptState`].
pub fn check(state: &[u32]) -> Result<(), Error> {
    if !is_state_len(state.len()) {
        return Err(Error::CorruptState("length of a quantile sketch"));
    }
    let sane = state[1..].chunks_exact(STRIDE).all(|sketch| {
        let counted: u64 = sketch[HEADER..].iter().map(|&count| u64::from(count)).sum();
        sketch[2] < 255 && counted == u64::from(state[0])
    });
    if sane {
        Ok(())
    } else {
        Err(Error::CorruptState("counts of a quantile sketch"))
    }
}

/// Counts one embedding.
///
/// # Errors
/// Different dimensions, a value that is not finite, or more than 2³² − 1 rows.
pub fn add(state: &mut [u32], embedding: &[f32]) -> Result<(), Error> {
    check_same_dimensions((state.len() - 1) / STRIDE, embedding.len())?;
    check_finite(embedding)?;
    state[0] = state[0].checked_add(1).ok_or(Error::TooManyRows)?;
    for (sketch, &x) in state[1..].chunks_exact_mut(STRIDE).zip(embedding) {
        let x = x + 0.0;
        sketch[0] = f32::from_bits(sketch[0]).min(x).to_bits();
        sketch[1] = f32::from_bits(sketch[1]).max(x).to_bits();
        raise_top(sketch, exponent(x));
        let bucket = bucket(x, sketch[2]);
        sketch[HEADER + bucket] += 1;
    }
    Ok(())
}

/// Adds another state.
///
/// # Errors
/// Different dimensions, or more than 2³² − 1 rows in all.
pub fn merge(state: &mut [u32], other: &[u32]) -> Result<(), Error> {
    check_same_dimensions((state.len() - 1) / STRIDE, (other.len() - 1) / STRIDE)?;
    state[0] = state[0].checked_add(other[0]).ok_or(Error::TooManyRows)?;
    let pairs = state[1..]
        .chunks_exact_mut(STRIDE)
        .zip(other[1..].chunks_exact(STRIDE));
    for (sketch, other) in pairs {
        sketch[0] = f32::from_bits(sketch[0])
            .min(f32::from_bits(other[0]))
            .to_bits();
        sketch[1] = f32::from_bits(sketch[1])
            .max(f32::from_bits(other[1]))
            .to_bits();
        raise_top(sketch, other[2]);
        let lowered = (sketch[2] - other[2]) as usize * PER_OCTAVE;
        for (bucket, &count) in other[HEADER..].iter().enumerate() {
            sketch[HEADER + lower(bucket, lowered)] += count;
        }
    }
    Ok(())
}

/// The 2×d ranges that cut `1 − quantile` of the values at each end of every dimension.
///
/// # Errors
/// [`Error::QuantileOutOfBounds`] unless `0.5 < quantile ≤ 1`. With 1 the ranges are the exact minima and maxima.
pub fn finish(state: &[u32], quantile: f64) -> Result<Vec<f32>, Error> {
    check_quantile(quantile)?;
    let rank = (1.0 - quantile) * f64::from(state[0].max(1) - 1);
    let sketches = state[1..].chunks_exact(STRIDE);
    let minima = sketches
        .clone()
        .map(|sketch| at_rank(sketch, rank, rank.floor()));
    // Mirrored: both ends take the outer of the two values that a rank lies between.
    let upper = f64::from(state[0].max(1) - 1) - rank;
    let maxima = sketches
        .clone()
        .map(|sketch| at_rank(sketch, upper, upper.ceil()));
    Ok(minima.chain(maxima).collect())
}

/// Checks a quantile.
///
/// # Errors
/// [`Error::QuantileOutOfBounds`].
pub fn check_quantile(quantile: f64) -> Result<(), Error> {
    if quantile > 0.5 && quantile <= 1.0 {
        Ok(())
    } else {
        Err(Error::QuantileOutOfBounds(quantile))
    }
}

/// The biased exponent, 0 for zero and subnormals.
fn exponent(x: f32) -> u32 {
    (x.to_bits() >> 23) & 0xff
}

/// Moves the window up to octave `top`, if it is higher: what falls off goes to the bucket around zero.
fn raise_top(sketch: &mut [u32], top: u32) {
    if top <= sketch[2] {
        return;
    }
    let lowered = (top - sketch[2]) as usize * PER_OCTAVE;
    sketch[2] = top;
    let counts = &mut sketch[HEADER..];
    // Inner buckets first on each side, so that a count moves once.
    for bucket in (0..SIDE).rev().chain(SIDE + 1..BUCKETS) {
        let count = std::mem::take(&mut counts[bucket]);
        counts[lower(bucket, lowered)] += count;
    }
}

/// Where a bucket's count goes when the window rises by `lowered` buckets: towards zero.
fn lower(bucket: usize, lowered: usize) -> usize {
    if bucket < SIDE {
        bucket.saturating_add(lowered).min(SIDE)
    } else {
        bucket.saturating_sub(lowered).max(SIDE)
    }
}

fn bucket(x: f32, top: u32) -> usize {
    // Magnitudes order as their bits, so the distance from the window's top is a difference of bits.
    let shift = 23 - MANTISSA_BITS;
    let magnitude = (x.to_bits() & 0x7fff_ffff) >> shift;
    let end = (top + 1) << MANTISSA_BITS;
    let from_outside = (end - 1 - magnitude) as usize;
    if from_outside >= SIDE || x == 0.0 {
        SIDE
    } else if x < 0.0 {
        from_outside
    } else {
        BUCKETS - 1 - from_outside
    }
}

/// The least and greatest value of a bucket.
fn edges(bucket: usize, top: u32) -> (f32, f32) {
    let shift = 23 - MANTISSA_BITS;
    let end = (top + 1) << MANTISSA_BITS;
    let magnitude = |from_outside: usize| {
        let inner = end.saturating_sub(1 + from_outside as u32);
        let outer = ((inner + 1) << shift) - 1;
        (
            f32::from_bits(inner << shift),
            f32::from_bits(outer.min(f32::MAX.to_bits())),
        )
    };
    match bucket.cmp(&SIDE) {
        std::cmp::Ordering::Less => {
            let (inner, outer) = magnitude(bucket);
            (-outer, -inner)
        }
        std::cmp::Ordering::Equal => {
            let (_, outer) = magnitude(SIDE);
            (-outer, outer)
        }
        std::cmp::Ordering::Greater => magnitude(BUCKETS - 1 - bucket),
    }
}

/// The value at a rank (0 is the least value), interpolated within the bucket of rank `whole`.
fn at_rank(sketch: &[u32], rank: f64, whole: f64) -> f32 {
    let (min, max) = (f32::from_bits(sketch[0]), f32::from_bits(sketch[1]));
    let whole = whole as u64;
    let last: u64 = sketch[HEADER..].iter().map(|&c| u64::from(c)).sum::<u64>() - 1;
    if whole == 0 {
        return min;
    }
    if whole >= last {
        return max;
    }
    let mut before = 0u64;
    for (bucket, &count) in sketch[HEADER..].iter().enumerate() {
        let count = u64::from(count);
        if whole < before + count {
            let (low, high) = edges(bucket, sketch[2]);
            let (low, high) = (f64::from(low.max(min)), f64::from(high.min(max)));
            let share = (rank - before as f64 + 0.5) / count as f64;
            return (low + (high - low) * share.clamp(0.0, 1.0)) as f32;
        }
        before += count;
    }
    max
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sketch(rows: &[f32]) -> Vec<u32> {
        let mut state = vec![0; state_len(1)];
        start(&mut state);
        for &x in rows {
            add(&mut state, &[x]).unwrap();
        }
        state
    }

    fn values() -> impl Strategy<Value = Vec<f32>> {
        let value = prop_oneof![
            -1.0f32..1.0,
            -1e-3f32..1e-3,
            Just(0.0),
            100.0f32..101.0,
            proptest::num::f32::NORMAL | proptest::num::f32::SUBNORMAL,
        ];
        prop::collection::vec(value, 2..200)
    }

    proptest! {
        #[test]
        fn a_quantile_is_within_the_stated_error(rows in values(), quantile in 0.51f64..=1.0) {
            let ranges = finish(&sketch(&rows), quantile).unwrap();
            let mut sorted = rows.clone();
            sorted.sort_by(f32::total_cmp);
            let rank = (1.0 - quantile) * (rows.len() - 1) as f64;
            let last = (rows.len() - 1) as f64;
            let largest = rows.iter().fold(0f64, |m, x| m.max(f64::from(x.abs())));
            for (got, rank) in [(ranges[0], rank.floor()), (ranges[1], (last - rank).ceil())] {
                let exact = f64::from(sorted[rank as usize]);
                let bound = (exact.abs() / 64.0).max(largest / f64::from(1 << 22)) * 1.000_001;
                prop_assert!((f64::from(got) - exact).abs() <= bound, "{got} for {exact}, bound {bound}");
            }
        }

        #[test]
        fn both_ends_are_cut_alike(rows in values(), quantile in 0.51f64..=1.0) {
            let negated: Vec<f32> = rows.iter().map(|x| -x).collect();
            let (ranges, mirrored) = (
                finish(&sketch(&rows), quantile).unwrap(),
                finish(&sketch(&negated), quantile).unwrap(),
            );
            let largest = rows.iter().fold(0f64, |m, x| m.max(f64::from(x.abs())));
            for (got, other) in [(ranges[0], -mirrored[1]), (ranges[1], -mirrored[0])] {
                let (got, other) = (f64::from(got), f64::from(other));
                let bound = (got.abs() / 32.0).max(largest / f64::from(1 << 21)) * 1.000_001;
                prop_assert!((got - other).abs() <= bound, "{got} and {other}");
            }
        }

        #[test]
        fn order_and_merging_do_not_show(rows in values(), cut in 0usize..200) {
            let cut = cut % rows.len();
            let whole = sketch(&rows);
            let reversed: Vec<f32> = rows.iter().rev().copied().collect();
            prop_assert_eq!(&sketch(&reversed), &whole);
            let mut left = sketch(&rows[..cut]);
            merge(&mut left, &sketch(&rows[cut..])).unwrap();
            prop_assert_eq!(&left, &whole);
            prop_assert!(check(&whole).is_ok());
        }

        #[test]
        fn a_value_lies_between_its_buckets_edges(x in any::<f32>().prop_filter("finite", |x| x.is_finite()), above in 0u32..12) {
            let top = (exponent(x) + above).min(254);
            let (low, high) = edges(bucket(x, top), top);
            prop_assert!(low <= x && x <= high, "{x} not in [{low}, {high}]");
        }
    }

    #[test]
    fn quantile_one_is_exact() {
        let state = sketch(&[0.1, -0.7, 0.3, 12.5]);
        assert_eq!(finish(&state, 1.0).unwrap(), [-0.7, 12.5]);
        for bad in [0.5, 0.0, 1.1, f64::NAN] {
            assert!(finish(&state, bad).is_err());
        }
    }

    #[test]
    fn outliers_are_cut_and_leave_the_rest_sharp() {
        let mut rows: Vec<f32> = (0..1000).map(|i| i as f32 / 1000.0).collect();
        rows.push(1000.0);
        let ranges = finish(&sketch(&rows), 0.99).unwrap();
        assert!((ranges[1] - 0.99).abs() < 0.99 / 64.0, "{ranges:?}");
    }

    #[test]
    fn nonsense_states_are_refused() {
        assert!(check(&[]).is_err());
        assert!(check(&[0; 7]).is_err());
        let mut state = sketch(&[1.0]);
        state[0] = 2;
        assert!(check(&state).is_err());
    }
}
