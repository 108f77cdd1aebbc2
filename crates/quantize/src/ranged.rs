//! The distance of a float query to what int8 or uint8 codes stand for, without making the floats.
//!
//! A code c of a dimension stands for m + s·c, with the step width s and, for uint8, the center m of its range's first
//! interval; for int8 that is 128 steps further. So the inner product with the query, the squared norm and the squared
//! distance are sums over c and c² with weights that do not depend on the row. The weights are prepared once for a query,
//! in one vector of floats, so that SQL can pass them.
//!
//! Sums are in float32, in eight lanes: good for ranking candidates, not for scores.

use crate::wide::wide;
use crate::{Error, Ranges, check_finite};

/// Floats before the weights: what is compared, and two constants.
const HEADER: usize = 3;
const LANES: usize = 8;

/// What the distance is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// 1 less the cosine.
    Direction,
    /// The Euclidean distance.
    Position,
}

/// Prepares a query for codes of these ranges.
///
/// # Errors
/// A query of other dimensions, or one whose products are not finite.
pub fn prepare(
    query: &[f32],
    ranges: &Ranges,
    comparison: Comparison,
    signed: bool,
) -> Result<Vec<f32>, Error> {
    ranges.check(query.len())?;
    check_finite(query)?;
    let shift = if signed { 128.0 } else { 0.0 };
    let norm = query
        .iter()
        .map(|&q| f64::from(q) * f64::from(q))
        .sum::<f64>()
        .sqrt();
    let (mut product, mut square) = (0.0, 0.0);
    let mut weights = [Vec::new(), Vec::new(), Vec::new()];
    for ((&q, &step), &center) in query.iter().zip(ranges.steps()).zip(ranges.centers()) {
        let (q, step) = (f64::from(q), f64::from(step));
        let middle = f64::from(center) + shift * step;
        let (along, from) = match comparison {
            Comparison::Direction => (q / norm, middle),
            Comparison::Position => (0.0, middle - q),
        };
        product += along * middle;
        square += from * from;
        weights[0].push((along * step) as f32);
        weights[1].push((2.0 * from * step) as f32);
        weights[2].push((step * step) as f32);
    }
    let kind = match comparison {
        Comparison::Direction => 0.0,
        Comparison::Position => 1.0,
    };
    let mut prepared = vec![kind, product as f32, square as f32];
    prepared.extend(weights.concat());
    // A query of zeros has no direction: its distances are NaN, as everywhere.
    if norm > 0.0 || comparison == Comparison::Position {
        check_finite(&prepared)?;
    }
    Ok(prepared)
}

/// The dimensions of the codes that a prepared query is for; none when it is not one.
pub fn dimensions(prepared: &[f32]) -> Option<usize> {
    let weights = prepared.len().checked_sub(HEADER)?;
    (weights > 0 && weights.is_multiple_of(3)).then_some(weights / 3)
}

/// The distance of a prepared query to signed codes, of as many dimensions as it is for.
pub fn distance_i8(prepared: &[f32], codes: &[i8]) -> f64 {
    distance(prepared, codes.len(), |weights| sums_i8(weights, codes))
}

/// The distance of a prepared query to unsigned codes, of as many dimensions as it is for.
pub fn distance_u8(prepared: &[f32], codes: &[u8]) -> f64 {
    distance(prepared, codes.len(), |weights| sums_u8(weights, codes))
}

#[inline(always)]
fn distance(prepared: &[f32], len: usize, sums: impl FnOnce(&[f32]) -> [f32; 2]) -> f64 {
    debug_assert_eq!(dimensions(prepared), Some(len));
    let (header, weights) = prepared.split_at(HEADER);
    let [product, square] = sums(weights);
    let square = f64::from(header[2]) + f64::from(square);
    if header[0] == 0.0 {
        1.0 - (f64::from(header[1]) + f64::from(product)) / square.max(0.0).sqrt()
    } else {
        square.max(0.0).sqrt()
    }
}

wide! {
    fn sums_i8(weights: &[f32], codes: &[i8]) -> [f32; 2] = sums
}
wide! {
    fn sums_u8(weights: &[f32], codes: &[u8]) -> [f32; 2] = sums
}

/// Σ w₀c, and Σ w₁c + w₂c².
#[inline(always)]
fn sums<C: Copy + Into<f32>>(weights: &[f32], codes: &[C]) -> [f32; 2] {
    let (first, rest) = weights.split_at(codes.len());
    let (second, third) = rest.split_at(codes.len());
    let mut lanes = [[0.0f32; LANES]; 2];
    let chunks = first.chunks_exact(LANES).zip(second.chunks_exact(LANES));
    let chunks = chunks
        .zip(third.chunks_exact(LANES))
        .zip(codes.chunks_exact(LANES));
    for (((w0, w1), w2), c) in chunks {
        for lane in 0..LANES {
            let c: f32 = c[lane].into();
            lanes[0][lane] += w0[lane] * c;
            lanes[1][lane] += (w1[lane] + w2[lane] * c) * c;
        }
    }
    for i in codes.len() / LANES * LANES..codes.len() {
        let c: f32 = codes[i].into();
        lanes[0][i % LANES] += first[i] * c;
        lanes[1][i % LANES] += (second[i] + third[i] * c) * c;
    }
    lanes.map(|lanes| lanes.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::int8::{dequantize_int8, dequantize_uint8};
    use crate::rotation::SplitMix64 as Random;

    /// Values in −1…1.
    fn values(random: &mut Random, len: usize) -> Vec<f32> {
        (0..len)
            .map(|_| random.below(2001) as f32 / 1000.0 - 1.0)
            .collect()
    }

    #[test]
    fn distances_are_those_of_the_dequantized_embeddings() {
        let mut random = Random::new(7);
        for dimensions in [1, 3, 8, 17, 48, 384] {
            let low: Vec<f32> = values(&mut random, dimensions)
                .iter()
                .map(|x| 3.0 * x - 2.0)
                .collect();
            let high: Vec<f32> = low.iter().map(|x| x + 2.5).collect();
            let ranges = Ranges::new(&low, &high).unwrap();
            for _ in 0..20 {
                let query = values(&mut random, dimensions);
                let codes: Vec<u8> = (0..dimensions).map(|_| random.below(256) as u8).collect();
                let signed: Vec<i8> = codes.iter().map(|&c| (c ^ 0x80) as i8).collect();
                let embedding = dequantize_uint8(&codes, &ranges).unwrap();
                assert_eq!(embedding, dequantize_int8(&signed, &ranges).unwrap());
                let dot = |a: &[f32], b: &[f32]| -> f64 {
                    a.iter()
                        .zip(b)
                        .map(|(&a, &b)| f64::from(a) * f64::from(b))
                        .sum()
                };
                let cosine = 1.0
                    - dot(&embedding, &query)
                        / (dot(&embedding, &embedding) * dot(&query, &query)).sqrt();
                let apart: Vec<f32> = embedding.iter().zip(&query).map(|(a, b)| a - b).collect();
                let l2 = dot(&apart, &apart).sqrt();
                for (comparison, expected) in
                    [(Comparison::Direction, cosine), (Comparison::Position, l2)]
                {
                    let unsigned = prepare(&query, &ranges, comparison, false).unwrap();
                    let of_signed = prepare(&query, &ranges, comparison, true).unwrap();
                    let found = [
                        distance_u8(&unsigned, &codes),
                        distance_i8(&of_signed, &signed),
                    ];
                    for found in found {
                        assert!(
                            (found - expected).abs() < 1e-3 * (1.0 + expected),
                            "{found} {expected}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn both_compilations_agree() {
        let mut random = Random::new(8);
        for len in [1, 8, 31, 384] {
            let weights = values(&mut random, 3 * len);
            let codes: Vec<u8> = (0..len).map(|_| random.below(256) as u8).collect();
            assert_eq!(sums_u8(&weights, &codes), sums(&weights, &codes));
        }
    }

    #[test]
    fn a_query_of_zeros_has_no_direction() {
        let ranges = Ranges::new(&[-1.0, -1.0], &[1.0, 1.0]).unwrap();
        let prepared = prepare(&[0.0, 0.0], &ranges, Comparison::Direction, true).unwrap();
        assert!(distance_i8(&prepared, &[3, -4]).is_nan());
    }
}
