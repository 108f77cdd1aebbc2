//! `dequantize_embeddings`: codes back to floats.

use pgrx::prelude::*;
use quantize::{Precision, binary, int8};

use crate::errors::OrRaise;
use crate::types::{
    AnyVarlena, Binary, Call, Int8, NewArray, Quantized, RangesArg, Uint8, Vector, as_signed,
};

#[pg_extern(sql = false)]
fn dequantize_int8vec(
    vector: Vector<'_, Int8>,
    ranges: RangesArg<'_>,
    call: Call<'_>,
) -> NewArray<f32> {
    let ranges = ranges.prepared(call, 1);
    NewArray::vector(&int8::dequantize_int8(vector.codes(), ranges).or_raise())
}

#[pg_extern(sql = false)]
fn dequantize_uint8vec(
    vector: Vector<'_, Uint8>,
    ranges: RangesArg<'_>,
    call: Call<'_>,
) -> NewArray<f32> {
    let ranges = ranges.prepared(call, 1);
    NewArray::vector(&int8::dequantize_uint8(vector.payload(), ranges).or_raise())
}

/// Of whatever precision; only `int8` and `uint8` look at the ranges.
#[pg_extern(sql = false)]
fn dequantize_quantized(
    stored: AnyVarlena<'_>,
    ranges: RangesArg<'_>,
    call: Call<'_>,
) -> NewArray<f32> {
    let value = Quantized::of(&stored);
    let floats = match value.precision {
        Precision::Float32 => value.floats().collect(),
        Precision::Int8 => {
            let ranges = ranges.prepared(call, 1);
            int8::dequantize_int8(as_signed(value.payload), ranges).or_raise()
        }
        Precision::Uint8 => {
            int8::dequantize_uint8(value.payload, ranges.prepared(call, 1)).or_raise()
        }
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
