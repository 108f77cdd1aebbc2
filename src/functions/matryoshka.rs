//! `truncate_embeddings` and `normalize_embeddings`: Matryoshka embeddings, of floats and of codes.

use pgrx::prelude::*;
use quantize::{Precision, binary, matryoshka};

use crate::errors::OrRaise;
use crate::types::{
    AnyVarlena, Binary, FloatArray, Int8, Kind, NewArray, NewVarlena, NewVector, Quantized, Uint8,
    Vector,
};

#[pg_extern(sql = false)]
fn truncate_embeddings(
    embedding: FloatArray<'_>,
    truncate_dim: i32,
    normalize: bool,
) -> NewArray<f32> {
    let truncated = matryoshka::truncate(&embedding, truncate_dim.into(), normalize);
    NewArray::vector(&truncated.or_raise())
}

#[pg_extern(sql = false)]
fn normalize_embeddings(embedding: FloatArray<'_>) -> NewArray<f32> {
    NewArray::vector(&matryoshka::normalize(&embedding).or_raise())
}

#[pg_extern(sql = false)]
fn truncate_binvec(vector: Vector<'_, Binary>, truncate_dim: i32) -> NewVector<Binary> {
    let dimensions = checked(&vector, truncate_dim);
    NewVector::fill(dimensions, |packed| {
        let len = packed.len();
        packed.copy_from_slice(&vector.payload()[..len]);
        packed[len - 1] &= binary::last_byte_mask(dimensions);
        Ok(())
    })
}

#[pg_extern(sql = false)]
fn truncate_int8vec(vector: Vector<'_, Int8>, truncate_dim: i32) -> NewVector<Int8> {
    let dimensions = checked(&vector, truncate_dim);
    NewVector::from_payload(dimensions, &vector.payload()[..dimensions])
}

#[pg_extern(sql = false)]
fn truncate_uint8vec(vector: Vector<'_, Uint8>, truncate_dim: i32) -> NewVector<Uint8> {
    let dimensions = checked(&vector, truncate_dim);
    NewVector::from_payload(dimensions, &vector.payload()[..dimensions])
}

#[pg_extern(sql = false)]
fn truncate_quantized(stored: AnyVarlena<'_>, truncate_dim: i32) -> NewVarlena {
    let value = Quantized::of(&stored);
    let dimensions =
        matryoshka::check_truncate_dim(truncate_dim.into(), value.dimensions).or_raise();
    Quantized::fill(value.precision, dimensions, |payload| {
        let len = payload.len();
        payload.copy_from_slice(&value.payload[..len]);
        if matches!(value.precision, Precision::Binary | Precision::Ubinary) {
            payload[len - 1] &= binary::last_byte_mask(dimensions);
        }
        Ok(())
    })
}

fn checked<K: Kind>(vector: &Vector<'_, K>, truncate_dim: i32) -> usize {
    matryoshka::check_truncate_dim(truncate_dim.into(), vector.dimensions()).or_raise()
}
