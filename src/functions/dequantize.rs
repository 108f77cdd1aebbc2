//! `dequantize_embeddings`: codes back to floats.

use pgrx::prelude::*;
use quantize::{Ranges, binary, int8};

use crate::errors::OrRaise;
use crate::types::{Binary, FloatMatrix, Int8, NewArray, Uint8, Vector, cached, ranges_of};

#[pg_extern(sql = false)]
fn dequantize_int8vec(
    vector: Vector<'_, Int8>,
    ranges: FloatMatrix<'_>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> NewArray<f32> {
    let ranges: &Ranges = cached(fcinfo, 1, ranges.bytes(), || ranges_of(&ranges));
    NewArray::vector(&int8::dequantize_int8(vector.codes(), ranges).or_raise())
}

#[pg_extern(sql = false)]
fn dequantize_uint8vec(
    vector: Vector<'_, Uint8>,
    ranges: FloatMatrix<'_>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> NewArray<f32> {
    let ranges: &Ranges = cached(fcinfo, 1, ranges.bytes(), || ranges_of(&ranges));
    NewArray::vector(&int8::dequantize_uint8(vector.payload(), ranges).or_raise())
}

/// +1 where the bit is set, −1 where it is not.
#[pg_extern(sql = false)]
fn dequantize_binvec(vector: Vector<'_, Binary>) -> NewArray<f32> {
    NewArray::vector(&binary::dequantize_binary(
        vector.payload(),
        vector.dimensions(),
    ))
}
