//! `dequantize_embeddings`: codes back to floats.

use pgrx::prelude::*;
use quantize::{Precision, Ranges, binary, int8};

use crate::errors::OrRaise;
use crate::types::{
    AnyVarlena, Binary, FloatMatrix, Int8, NewArray, Quantized, Uint8, Vector, as_signed, cached,
    ranges_of,
};

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

/// Of whatever precision; only `int8` and `uint8` look at the ranges.
#[pg_extern(sql = false)]
fn dequantize_quantized(
    stored: AnyVarlena<'_>,
    ranges: FloatMatrix<'_>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> NewArray<f32> {
    let value = Quantized::of(&stored);
    let ranges = || -> &Ranges { cached(fcinfo, 1, ranges.bytes(), || ranges_of(&ranges)) };
    let floats = match value.precision {
        Precision::Float32 => value.floats().collect(),
        Precision::Int8 => int8::dequantize_int8(as_signed(value.payload), ranges()).or_raise(),
        Precision::Uint8 => int8::dequantize_uint8(value.payload, ranges()).or_raise(),
        Precision::Binary | Precision::Ubinary => {
            binary::dequantize_binary(value.payload, value.dimensions)
        }
    };
    NewArray::vector(&floats)
}

/// +1 where the bit is set, −1 where it is not.
#[pg_extern(sql = false)]
fn dequantize_binvec(vector: Vector<'_, Binary>) -> NewArray<f32> {
    NewArray::vector(&binary::dequantize_binary(
        vector.payload(),
        vector.dimensions(),
    ))
}
