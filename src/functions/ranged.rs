//! Distances of a float query to what integer codes stand for, by a query that is prepared once: for the scans of
//! `semantic_search` where embeddings are of any length.

use pgrx::PgSqlErrorCode;
use pgrx::prelude::*;
use quantize::ranged::{Comparison, dimensions, distance_i8, distance_u8, prepare};

use super::distance::check;
use crate::errors::{OrRaise, raise};
use crate::types::{Call, FloatArray, Int8, NewArray, QueryVector, RangesArg, Uint8, Vector};

#[pg_extern(sql = false)]
fn ranged_query(
    query: QueryVector<'_>,
    ranges: RangesArg<'_>,
    metric: &str,
    signed: bool,
    call: Call<'_>,
) -> NewArray<f32> {
    let comparison = match metric {
        "l2" => Comparison::Position,
        _ => Comparison::Direction,
    };
    NewArray::vector(&prepare(&query, ranges.prepared(call, 1), comparison, signed).or_raise())
}

#[pg_extern(sql = false)]
fn int8vec_ranged_distance(codes: Vector<'_, Int8>, query: FloatArray<'_>) -> f64 {
    check(codes.dimensions(), dimensions_of(&query));
    distance_i8(&query, codes.codes())
}

#[pg_extern(sql = false)]
fn uint8vec_ranged_distance(codes: Vector<'_, Uint8>, query: FloatArray<'_>) -> f64 {
    check(codes.dimensions(), dimensions_of(&query));
    distance_u8(&query, codes.payload())
}

fn dimensions_of(query: &[f32]) -> usize {
    dimensions(query).unwrap_or_else(|| {
        raise(
            PgSqlErrorCode::ERRCODE_DATA_EXCEPTION,
            "query is not one that was prepared for ranges",
        )
    })
}
