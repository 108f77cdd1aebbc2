//! `quantized` with itself: both values must have the same precision.
//!
//! Bits have Hamming and Jaccard distance; codes and floats the other four.

use pgrx::prelude::*;
use quantize::{Precision, distance};

use super::{check, cosine_distance, jaccard_distance};
use crate::errors::{raise, raise_with_hint};
use crate::types::{AnyVarlena, Quantized, as_signed};

/// Two values that can be compared.
enum Pair<'a> {
    Bits(&'a [u8], &'a [u8]),
    Signed(&'a [i8], &'a [i8]),
    Unsigned(&'a [u8], &'a [u8]),
    Floats(Vec<f32>, Vec<f32>),
}

fn pair<'a>(left: &'a AnyVarlena<'_>, right: &'a AnyVarlena<'_>) -> Pair<'a> {
    let (left, right) = (Quantized::of(left), Quantized::of(right));
    if left.precision != right.precision {
        raise_with_hint(
            PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
            format!(
                "different precisions \"{}\" and \"{}\"",
                left.precision.name(),
                right.precision.name()
            ),
            "Quantize both with the same precision.",
        );
    }
    check(left.dimensions, right.dimensions);
    match left.precision {
        Precision::Binary | Precision::Ubinary => Pair::Bits(left.payload, right.payload),
        Precision::Int8 => Pair::Signed(as_signed(left.payload), as_signed(right.payload)),
        Precision::Uint8 => Pair::Unsigned(left.payload, right.payload),
        Precision::Float32 => Pair::Floats(left.floats().collect(), right.floats().collect()),
    }
}

fn unsupported(distance: &str, precisions: &str) -> ! {
    raise(
        PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
        format!("{distance} distance of quantized values needs precision {precisions}"),
    )
}

const BINARY: &str = "binary or ubinary";
const NUMERIC: &str = "float32, int8 or uint8";

#[pg_extern(sql = false)]
fn quantized_hamming(left: AnyVarlena<'_>, right: AnyVarlena<'_>) -> f64 {
    match pair(&left, &right) {
        Pair::Bits(a, b) => distance::hamming(a, b).into(),
        _ => unsupported("hamming", BINARY),
    }
}

#[pg_extern(sql = false)]
fn quantized_jaccard(left: AnyVarlena<'_>, right: AnyVarlena<'_>) -> f64 {
    match pair(&left, &right) {
        Pair::Bits(a, b) => {
            let (intersection, union) = distance::intersection_union(a, b);
            jaccard_distance(intersection, union)
        }
        _ => unsupported("jaccard", BINARY),
    }
}

#[pg_extern(sql = false)]
fn quantized_negative_inner_product(left: AnyVarlena<'_>, right: AnyVarlena<'_>) -> f64 {
    -quantized_inner_product(left, right)
}

#[pg_extern(sql = false)]
fn quantized_inner_product(left: AnyVarlena<'_>, right: AnyVarlena<'_>) -> f64 {
    match pair(&left, &right) {
        Pair::Signed(a, b) => distance::dot_i8(a, b).into(),
        Pair::Unsigned(a, b) => distance::dot_u8(a, b).into(),
        Pair::Floats(a, b) => distance::dot_f32(&a, &b),
        Pair::Bits(..) => unsupported("inner product", NUMERIC),
    }
}

#[pg_extern(sql = false)]
fn quantized_cosine(left: AnyVarlena<'_>, right: AnyVarlena<'_>) -> f64 {
    let (dot, a, b) = match pair(&left, &right) {
        Pair::Signed(a, b) => (
            distance::dot_i8(a, b).into(),
            distance::dot_i8(a, a).into(),
            distance::dot_i8(b, b).into(),
        ),
        Pair::Unsigned(a, b) => (
            distance::dot_u8(a, b).into(),
            distance::dot_u8(a, a).into(),
            distance::dot_u8(b, b).into(),
        ),
        Pair::Floats(a, b) => (
            distance::dot_f32(&a, &b),
            distance::dot_f32(&a, &a),
            distance::dot_f32(&b, &b),
        ),
        Pair::Bits(..) => unsupported("cosine", NUMERIC),
    };
    cosine_distance(dot, a, b)
}

#[pg_extern(sql = false)]
fn quantized_l2(left: AnyVarlena<'_>, right: AnyVarlena<'_>) -> f64 {
    let squared: f64 = match pair(&left, &right) {
        Pair::Signed(a, b) => distance::l2_squared_i8(a, b).into(),
        Pair::Unsigned(a, b) => distance::l2_squared_u8(a, b).into(),
        Pair::Floats(a, b) => distance::l2_squared_f32(&a, &b),
        Pair::Bits(..) => unsupported("l2", NUMERIC),
    };
    squared.sqrt()
}

#[pg_extern(sql = false)]
fn quantized_l1(left: AnyVarlena<'_>, right: AnyVarlena<'_>) -> f64 {
    match pair(&left, &right) {
        Pair::Signed(a, b) => distance::l1_i8(a, b).into(),
        Pair::Unsigned(a, b) => distance::l1_u8(a, b).into(),
        Pair::Floats(a, b) => distance::l1_f32(&a, &b),
        Pair::Bits(..) => unsupported("l1", NUMERIC),
    }
}
