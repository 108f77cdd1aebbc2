//! The int8 code of one float vector: one scale per row, and a certain bound on what the code lost.
//!
//! A vector `x` becomes codes `c` in −127…127 and a scale `s` so that `x = s·c + e`. `s` is the least-squares
//! scale of the rounded codes, hence `e` is orthogonal to `c` but for rounding, and for any query `q`
//!
//! ```text
//! ⟨q, x⟩ = s⟨q, c⟩ ± ( ‖q⊥‖·‖e‖ + u‖q‖·s‖c‖ ),   ‖q⊥‖² = ‖q‖² − ⟨q, c⟩²/‖c‖²,   u = 2⁻²⁴
//! ```
//!
//! by Cauchy–Schwarz; the last term covers the rounding of `s` to `f32`, which leaves |⟨e, s·c⟩| ≤ u·s²‖c‖².
//! `‖e‖` is computed in `f64`, includes the error of the rotation before it, and is rounded up.

use crate::rotation;
use crate::wide::wide;

/// Scale and error of a row's codes; the codes themselves go where the caller keeps them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RowCode {
    /// `s`: what one step is worth. 0 for the zero vector.
    pub scale: f32,
    /// An upper bound on ‖x − s·c‖, at most one part in 10⁶ above it.
    pub error: f32,
    /// Σ c², exact: at most 127²·65535 < 2³².
    pub sum_squares: u32,
}

/// Rounds `v` to the next `f32` that is not below it.
pub fn round_up(v: f64) -> f32 {
    let nearest = v as f32;
    if f64::from(nearest) < v {
        nearest.next_up()
    } else {
        nearest
    }
}

/// Codes the (rotated) vector `x` into `codes`, which has the same length. All of `x` is finite.
pub fn encode(x: &[f64], codes: &mut [i8]) -> RowCode {
    debug_assert_eq!(x.len(), codes.len());
    let largest = x.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    if largest == 0.0 {
        codes.fill(0);
        return RowCode::default();
    }
    let inverse = 127.0 / largest;
    let (mut dot, mut sum_squares, mut norm_sq) = (0.0f64, 0u32, 0.0f64);
    for (v, code) in x.iter().zip(codes.iter_mut()) {
        // A subnormal `largest` overflows the inverse: the cast saturates and the clamp keeps the range.
        // Rounds half away from zero; `f64::round` would be a library call.
        let scaled = v * inverse;
        *code = (scaled + 0.5f64.copysign(scaled)).clamp(-127.0, 127.0) as i8;
        let c = i32::from(*code);
        dot += v * f64::from(c);
        sum_squares += (c * c) as u32;
        norm_sq += v * v;
    }
    let scale = if sum_squares == 0 {
        0.0
    } else {
        (dot / f64::from(sum_squares)) as f32
    };
    let scale = if scale.is_finite() { scale } else { 0.0 };
    let error_sq: f64 = x
        .iter()
        .zip(codes.iter())
        .map(|(v, &c)| {
            let e = v - f64::from(scale) * f64::from(c);
            e * e
        })
        .sum();
    let error = error_sq.sqrt() * (1.0 + 1e-9) + norm_sq.sqrt() * rotation::RELATIVE_ERROR;
    RowCode {
        scale,
        error: round_up(error),
        sum_squares,
    }
}

wide! {
    /// ⟨q, codes⟩ in `f32`, the codes being `i8` as they lie in a page: at most `len + 8` roundings lie on any path,
    /// whatever the processor.
    pub fn dot(q: &[f32], codes: &[u8]) -> f32 = dot_lanes
}

/// Thirty-two independent sums, so that the compiler can keep them in vector registers.
#[inline(always)]
fn dot_lanes(q: &[f32], codes: &[u8]) -> f32 {
    debug_assert_eq!(q.len(), codes.len());
    let (q_chunks, q_tail) = q.as_chunks::<32>();
    let (c_chunks, c_tail) = codes.as_chunks::<32>();
    let mut sums = [0.0f32; 32];
    for (qs, cs) in q_chunks.iter().zip(c_chunks) {
        for i in 0..32 {
            sums[i] += qs[i] * f32::from(cs[i] as i8);
        }
    }
    for (i, (q, c)) in q_tail.iter().zip(c_tail).enumerate() {
        sums[i] += q * f32::from(*c as i8);
    }
    for width in [16, 8, 4, 2, 1] {
        for i in 0..width {
            sums[i] += sums[i + width];
        }
    }
    sums[0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bound_holds(rows in prop::collection::vec((-1e3f32..1e3, -10f32..10.0), 1..200)) {
            let x: Vec<f64> = rows.iter().map(|r| f64::from(r.0)).collect();
            let q: Vec<f64> = rows.iter().map(|r| f64::from(r.1)).collect();
            let mut codes = vec![0i8; x.len()];
            let row = encode(&x, &mut codes);
            let (s, ss) = (f64::from(row.scale), f64::from(row.sum_squares));
            let qc: f64 = q.iter().zip(&codes).map(|(q, &c)| q * f64::from(c)).sum();
            let qx: f64 = q.iter().zip(&x).map(|(q, x)| q * x).sum();
            let qq: f64 = q.iter().map(|q| q * q).sum();
            let across = (qq - if ss > 0.0 { qc * qc / ss } else { 0.0 }).max(0.0).sqrt();
            let bound = across * f64::from(row.error) + 2f64.powi(-24) * qq.sqrt() * s * ss.sqrt();
            prop_assert!((qx - s * qc).abs() <= bound + 1e-9 * qq.sqrt() * 1e3);
        }

        #[test]
        fn dot_matches_f64(q in prop::collection::vec(-8f32..8.0, 0..300), seed in any::<u64>()) {
            let mut generator = rotation::SplitMix64::new(seed);
            let codes: Vec<u8> = q.iter().map(|_| generator.next_u64() as u8).collect();
            let exact: f64 = q.iter().zip(&codes).map(|(q, &c)| f64::from(*q) * f64::from(c as i8)).sum();
            let sizes: f64 = q.iter().zip(&codes).map(|(q, &c)| (f64::from(*q) * f64::from(c as i8)).abs()).sum();
            prop_assert!((f64::from(dot(&q, &codes)) - exact).abs() <= sizes * (q.len() + 8) as f64 * 2f64.powi(-24));
            prop_assert_eq!(dot(&q, &codes), dot_lanes(&q, &codes));
        }
    }

    #[test]
    fn zero_and_tiny_vectors() {
        let mut codes = [1i8; 3];
        assert_eq!(encode(&[0.0; 3], &mut codes), RowCode::default());
        assert_eq!(codes, [0; 3]);
        let tiny = [1e-320, 0.0, -1e-322];
        let row = encode(&tiny, &mut codes);
        assert!(f64::from(row.error) >= 0.0 && row.scale.is_finite());
    }
}
