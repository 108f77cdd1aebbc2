//! Bit strings that stand on both sides as untyped literals: `'01' <~> '11'`. Results and messages are pgvector's.

use pgrx::PgSqlErrorCode;
use pgrx::prelude::*;
use quantize::distance;

use super::jaccard_distance;
use crate::errors::raise;
use crate::types::{AnyVarlena, bit_string};

/// The packed bits of both, which are equally many.
fn packed<'a>(left: &'a AnyVarlena<'_>, right: &'a AnyVarlena<'_>) -> (&'a [u8], &'a [u8]) {
    let (left_bits, left) = bit_string(left);
    let (right_bits, right) = bit_string(right);
    if left_bits != right_bits {
        raise(
            PgSqlErrorCode::ERRCODE_DATA_EXCEPTION,
            format!("different bit lengths {left_bits} and {right_bits}"),
        );
    }
    (left, right)
}

#[pg_extern(sql = false)]
fn bit_literal_hamming(left: AnyVarlena<'_>, right: AnyVarlena<'_>) -> f64 {
    let (left, right) = packed(&left, &right);
    distance::hamming(left, right).into()
}

#[pg_extern(sql = false)]
fn bit_literal_jaccard(left: AnyVarlena<'_>, right: AnyVarlena<'_>) -> f64 {
    let (left, right) = packed(&left, &right);
    let (intersection, union) = distance::intersection_union(left, right);
    jaccard_distance(intersection, union)
}
