//! `real[]` with itself. Sums are in f64, in a fixed order, so every CPU returns the same bits.

use pgrx::prelude::*;
use quantize::distance::{self, norm_squared_f32};

use super::{check, cosine_distance};
use crate::types::{Call, FloatArray};

fn dot(left: &[f32], right: &[f32]) -> f64 {
    check(left.len(), right.len());
    distance::dot_f32(left, right)
}

#[pg_extern(sql = false)]
fn float4_inner_product(left: FloatArray<'_>, right: FloatArray<'_>) -> f64 {
    dot(&left, &right)
}

#[pg_extern(sql = false)]
fn float4_negative_inner_product(left: FloatArray<'_>, right: FloatArray<'_>) -> f64 {
    -dot(&left, &right)
}

#[pg_extern(sql = false)]
fn float4_cosine(left: FloatArray<'_>, right: FloatArray<'_>, call: Call<'_>) -> f64 {
    check(left.len(), right.len());
    // In ORDER BY the query is mostly on the right; its norm is then computed once.
    let right_norm = if call.is_constant(1) {
        *call.cached(1, right.bytes(), || norm_squared_f32(&right))
    } else {
        norm_squared_f32(&right)
    };
    let (dot, left_norm) = distance::dot_and_norm_f32(&right, &left);
    cosine_distance(dot, left_norm, right_norm)
}

#[pg_extern(sql = false)]
fn float4_l2(left: FloatArray<'_>, right: FloatArray<'_>) -> f64 {
    check(left.len(), right.len());
    distance::l2_squared_f32(&left, &right).sqrt()
}

#[pg_extern(sql = false)]
fn float4_l1(left: FloatArray<'_>, right: FloatArray<'_>) -> f64 {
    check(left.len(), right.len());
    distance::l1_f32(&left, &right)
}
