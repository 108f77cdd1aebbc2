//! `int8vec` and `uint8vec` with themselves, and with a float query. Codes count as they are; ranges come in by
//! scaling the query (`scale_query`).

use pgrx::prelude::*;
use quantize::distance::{self, norm_squared_f32};

use super::{check, cosine_distance};
use crate::types::{Call, FloatArray, Int8, Uint8, Vector};

/// The kernels of one code type, exact integers widened to f64.
trait Codes {
    fn len(&self) -> usize;
    fn dot(&self, other: &Self) -> f64;
    fn l2_squared(&self, other: &Self) -> f64;
    fn l1(&self, other: &Self) -> f64;
    fn dot_float(&self, query: &[f32]) -> f64;
}

macro_rules! codes {
    ($kind:ident, $codes:ident, $dot:ident, $l2_squared:ident, $l1:ident, $dot_float:ident) => {
        impl Codes for Vector<'_, $kind> {
            #[inline]
            fn len(&self) -> usize {
                self.dimensions()
            }
            #[inline]
            fn dot(&self, other: &Self) -> f64 {
                distance::$dot(self.$codes(), other.$codes()).into()
            }
            #[inline]
            fn l2_squared(&self, other: &Self) -> f64 {
                distance::$l2_squared(self.$codes(), other.$codes()).into()
            }
            #[inline]
            fn l1(&self, other: &Self) -> f64 {
                distance::$l1(self.$codes(), other.$codes()).into()
            }
            #[inline]
            fn dot_float(&self, query: &[f32]) -> f64 {
                distance::$dot_float(query, self.$codes())
            }
        }
    };
}
codes!(Int8, codes, dot_i8, l2_squared_i8, l1_i8, dot_f32_i8);
codes!(Uint8, payload, dot_u8, l2_squared_u8, l1_u8, dot_f32_u8);

#[inline]
fn inner_product<C: Codes>(left: &C, right: &C) -> f64 {
    check(left.len(), right.len());
    left.dot(right)
}

#[inline]
fn cosine<C: Codes>(left: &C, right: &C) -> f64 {
    check(left.len(), right.len());
    cosine_distance(left.dot(right), left.dot(left), right.dot(right))
}

#[inline]
fn l2<C: Codes>(left: &C, right: &C) -> f64 {
    check(left.len(), right.len());
    left.l2_squared(right).sqrt()
}

#[inline]
fn l1<C: Codes>(left: &C, right: &C) -> f64 {
    check(left.len(), right.len());
    left.l1(right)
}

#[inline]
fn inner_product_float<C: Codes>(codes: &C, query: &[f32]) -> f64 {
    check(codes.len(), query.len());
    codes.dot_float(query)
}

#[inline]
fn cosine_float<C: Codes>(
    codes: &C,
    query: &FloatArray<'_>,
    argument: usize,
    call: Call<'_>,
) -> f64 {
    check(codes.len(), query.len());
    let norm = if call.is_constant(argument) {
        *call.cached(argument, query.bytes(), || norm_squared_f32(query))
    } else {
        norm_squared_f32(query)
    };
    cosine_distance(codes.dot_float(query), norm, codes.dot(codes))
}

macro_rules! distances {
    ($kind:ident: $inner_product:ident $negative:ident $cosine:ident $l2:ident $l1:ident
     $float_right:ident $negative_float_right:ident $cosine_float_right:ident
     $float_left:ident $negative_float_left:ident $cosine_float_left:ident) => {
        #[pg_extern(sql = false)]
        fn $inner_product(left: Vector<'_, $kind>, right: Vector<'_, $kind>) -> f64 {
            inner_product(&left, &right)
        }
        #[pg_extern(sql = false)]
        fn $negative(left: Vector<'_, $kind>, right: Vector<'_, $kind>) -> f64 {
            -inner_product(&left, &right)
        }
        #[pg_extern(sql = false)]
        fn $cosine(left: Vector<'_, $kind>, right: Vector<'_, $kind>) -> f64 {
            cosine(&left, &right)
        }
        #[pg_extern(sql = false)]
        fn $l2(left: Vector<'_, $kind>, right: Vector<'_, $kind>) -> f64 {
            l2(&left, &right)
        }
        #[pg_extern(sql = false)]
        fn $l1(left: Vector<'_, $kind>, right: Vector<'_, $kind>) -> f64 {
            l1(&left, &right)
        }
        #[pg_extern(sql = false)]
        fn $float_right(codes: Vector<'_, $kind>, query: FloatArray<'_>) -> f64 {
            inner_product_float(&codes, &query)
        }
        #[pg_extern(sql = false)]
        fn $negative_float_right(codes: Vector<'_, $kind>, query: FloatArray<'_>) -> f64 {
            -inner_product_float(&codes, &query)
        }
        #[pg_extern(sql = false)]
        fn $cosine_float_right(
            codes: Vector<'_, $kind>,
            query: FloatArray<'_>,
            call: Call<'_>,
        ) -> f64 {
            cosine_float(&codes, &query, 1, call)
        }
        #[pg_extern(sql = false)]
        fn $float_left(query: FloatArray<'_>, codes: Vector<'_, $kind>) -> f64 {
            inner_product_float(&codes, &query)
        }
        #[pg_extern(sql = false)]
        fn $negative_float_left(query: FloatArray<'_>, codes: Vector<'_, $kind>) -> f64 {
            -inner_product_float(&codes, &query)
        }
        #[pg_extern(sql = false)]
        fn $cosine_float_left(
            query: FloatArray<'_>,
            codes: Vector<'_, $kind>,
            call: Call<'_>,
        ) -> f64 {
            cosine_float(&codes, &query, 0, call)
        }
    };
}

distances!(Int8: int8vec_inner_product int8vec_negative_inner_product int8vec_cosine int8vec_l2 int8vec_l1
    int8vec_float4_inner_product int8vec_float4_negative_inner_product int8vec_float4_cosine
    float4_int8vec_inner_product float4_int8vec_negative_inner_product float4_int8vec_cosine);
distances!(Uint8: uint8vec_inner_product uint8vec_negative_inner_product uint8vec_cosine uint8vec_l2 uint8vec_l1
    uint8vec_float4_inner_product uint8vec_float4_negative_inner_product uint8vec_float4_cosine
    float4_uint8vec_inner_product float4_uint8vec_negative_inner_product float4_uint8vec_cosine);
