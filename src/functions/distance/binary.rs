//! `binvec` with itself, and with a float query: Σ ±qᵢ, a set bit standing for +1.

use pgrx::prelude::*;
use quantize::distance::{self, BinaryQuery};

use super::{check, jaccard_distance};
use crate::types::{Binary, Call, FloatArray, Vector};

#[pg_extern(sql = false)]
fn binvec_hamming(left: Vector<'_, Binary>, right: Vector<'_, Binary>) -> f64 {
    check(left.dimensions(), right.dimensions());
    distance::hamming(left.payload(), right.payload()).into()
}

#[pg_extern(sql = false)]
fn binvec_jaccard(left: Vector<'_, Binary>, right: Vector<'_, Binary>) -> f64 {
    check(left.dimensions(), right.dimensions());
    let (intersection, union) = distance::intersection_union(left.payload(), right.payload());
    jaccard_distance(intersection, union)
}

/// The argument that is the float query.
const LEFT: usize = 0;
const RIGHT: usize = 1;

fn dot<'a>(
    codes: &Vector<'_, Binary>,
    query: &FloatArray<'_>,
    call: Call<'a>,
    argument: usize,
) -> (f64, &'a BinaryQuery) {
    check(codes.dimensions(), query.len());
    let query: &BinaryQuery = call.cached(argument, query.bytes(), || BinaryQuery::new(query));
    (query.dot(codes.payload()), query)
}

fn cosine((dot, query): (f64, &BinaryQuery)) -> f64 {
    let norm = query.norm();
    let dimensions = query.dimensions() as f64;
    super::cosine_distance(dot, norm * norm, dimensions)
}

macro_rules! asymmetric {
    ($($inner_product:ident $negative:ident $cosine:ident: $first:ident $second:ident, $argument:ident;)*) => { $(
        asymmetric!(@ $inner_product, $first, $second, $argument, |d| d.0);
        asymmetric!(@ $negative, $first, $second, $argument, |d| -d.0);
        asymmetric!(@ $cosine, $first, $second, $argument, cosine);
    )* };
    (@ $name:ident, codes, query, $argument:ident, $result:expr) => {
        #[pg_extern(sql = false)]
        fn $name(codes: Vector<'_, Binary>, query: FloatArray<'_>, call: Call<'_>) -> f64 {
            asymmetric!(@@ codes, query, call, $argument, $result)
        }
    };
    (@ $name:ident, query, codes, $argument:ident, $result:expr) => {
        #[pg_extern(sql = false)]
        fn $name(query: FloatArray<'_>, codes: Vector<'_, Binary>, call: Call<'_>) -> f64 {
            asymmetric!(@@ codes, query, call, $argument, $result)
        }
    };
    (@@ $codes:ident, $query:ident, $call:ident, $argument:ident, $result:expr) => {{
        let result: fn((f64, &BinaryQuery)) -> f64 = $result;
        result(dot(&$codes, &$query, $call, $argument))
    }};
}

asymmetric! {
    binvec_float4_inner_product binvec_float4_negative_inner_product binvec_float4_cosine: codes query, RIGHT;
    float4_binvec_inner_product float4_binvec_negative_inner_product float4_binvec_cosine: query codes, LEFT;
}
