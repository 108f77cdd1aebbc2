//! Distances by name, behind the operators `<~> <%> <#> <=> <-> <+>`; smaller is nearer.
//!
//! As in pgvector: `inner_product` is the product itself and `<#>` its negative; the Jaccard distance of vectors without a
//! common bit is 1. Other than in pgvector, where it is NaN, the cosine distance of a zero vector is infinite: its score
//! `1 − distance` then sorts last in descending order and is above no threshold.

mod binary;
mod bit_literal;
mod codes;
mod float;
mod quantized;
mod quantized_query;

use crate::errors::OrRaise;

/// Raises an error unless both vectors have the same dimensions.
#[inline]
pub fn check(left: usize, right: usize) {
    if left != right {
        quantize::check_same_dimensions(left, right).or_raise();
    }
}

/// Cosine distance from an inner product and the two squared norms: `1 − cos`, 0 to 2.
///
/// The cosine is brought back into −1…1, which rounding can leave. A vector without a direction, because its norm is zero or
/// a component is NaN, is infinitely far from every other.
#[inline]
pub fn cosine_distance(dot: f64, left_norm_squared: f64, right_norm_squared: f64) -> f64 {
    let cosine = dot / (left_norm_squared * right_norm_squared).sqrt();
    if cosine.is_nan() {
        return f64::INFINITY;
    }
    1.0 - cosine.clamp(-1.0, 1.0)
}

/// Jaccard distance from the counts of common bits and of bits in either vector.
#[inline]
fn jaccard_distance(intersection: u32, union: u32) -> f64 {
    if intersection == 0 {
        1.0
    } else {
        1.0 - f64::from(intersection) / f64::from(union)
    }
}
