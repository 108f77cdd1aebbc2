//! Casts: between vectors and `bit`, `bytea`, integer arrays, and from `quantized`.

use pgrx::prelude::*;
use quantize::{Error, Precision, binary, check_dimensions};

use super::detoast::{AnyVarlena, NewVarlena};
use super::float_array::{Element, IntegerArray, NewArray};
use super::quantized::Quantized;
use super::typmod;
use super::vector::{Binary, Int8, Kind, NewVector, Uint8, Vector, as_signed};
use crate::errors::{OrRaise, raise, raise_with_hint};

/// Bytes of `bit` and `varbit` before the bits: their number, in the machine's byte order.
const BIT_HEADER: usize = 4;

/// The number of bits and the packed bits of a `bit` or `varbit`.
pub fn bit_string<'a>(bits: &'a AnyVarlena<'_>) -> (usize, &'a [u8]) {
    let (header, packed) = bits.bytes().split_at(BIT_HEADER);
    let length = i32::from_ne_bytes([header[0], header[1], header[2], header[3]]);
    (length as usize, packed)
}

#[pg_extern(sql = false)]
fn bit_to_binvec(bits: AnyVarlena<'_>, typmod: i32, _explicit: bool) -> NewVector<Binary> {
    let (dimensions, packed) = bit_string(&bits);
    check_dimensions(dimensions).or_raise();
    typmod::check(typmod, dimensions);
    NewVector::from_payload(dimensions, packed)
}

#[pg_extern(sql = false)]
fn binvec_to_bit(vector: Vector<'_, Binary>) -> NewVarlena {
    let header = (vector.dimensions() as i32).to_ne_bytes();
    NewVarlena::from_parts(&[&header, vector.payload()])
}

/// Packed bits; the dimension is the target's modifier, or all bits.
#[pg_extern(sql = false)]
fn bytea_to_binvec(packed: &[u8], typmod: i32, _explicit: bool) -> NewVector<Binary> {
    let dimensions = (typmod != typmod::NONE).then_some(typmod as usize);
    NewVector::from_payload(packed_dimensions(packed, dimensions), packed)
}

/// The dimensions of packed bits: as stated, or all bits. An error when the bytes don't fit.
fn packed_dimensions(packed: &[u8], stated: Option<usize>) -> usize {
    let dimensions = stated.unwrap_or(packed.len() * 8);
    check_dimensions(dimensions).or_raise();
    check_length(packed, binary::packed_len(dimensions), dimensions);
    if packed[packed.len() - 1] & !binary::last_byte_mask(dimensions) != 0 {
        raise_with_hint(
            PgSqlErrorCode::ERRCODE_DATA_EXCEPTION,
            format!("bits set beyond dimension {dimensions}"),
            "Bits are packed most significant first; unused bits of the last byte must be 0. Signed bytes, of precision \
             \"binary\", are read by quantized_from_bytes.",
        );
    }
    dimensions
}

fn check_length(bytes: &[u8], expected: usize, dimensions: usize) {
    if bytes.len() != expected {
        raise(
            PgSqlErrorCode::ERRCODE_DATA_EXCEPTION,
            format!(
                "expected {expected} bytes for {dimensions} dimensions, not {}",
                bytes.len()
            ),
        );
    }
}

/// Reads the bytes of a row of sentence-transformers' array of this precision.
#[pg_extern(sql = false)]
fn quantized_from_bytes(
    bytes: Option<&[u8]>,
    precision: Option<&str>,
    dimensions: Option<i32>,
) -> Option<NewVarlena> {
    let bytes = bytes?;
    let precision = Precision::from_name(precision?).or_raise();
    let stated = dimensions.map(|n| usize::try_from(n).unwrap_or(0));
    if let Some(n) = stated {
        check_dimensions(n).or_raise();
    }
    let unsigned = (precision == Precision::Binary).then(|| binary::from_signed_bytes(bytes));
    let payload = unsigned.as_deref().unwrap_or(bytes);
    let dimensions = match precision {
        Precision::Binary | Precision::Ubinary => packed_dimensions(payload, stated),
        Precision::Int8 | Precision::Uint8 => stated.unwrap_or(payload.len()),
        Precision::Float32 => stated.unwrap_or(payload.len().div_ceil(4)),
    };
    check_dimensions(dimensions).or_raise();
    check_length(payload, precision.payload_len(dimensions), dimensions);
    Some(Quantized::fill(precision, dimensions, |stored| {
        stored.copy_from_slice(payload);
        if precision == Precision::Float32 {
            let floats = payload.as_chunks().0.iter();
            let floats: Vec<f32> = floats.map(|bytes| f32::from_le_bytes(*bytes)).collect();
            quantize::check_finite(&floats)?;
        }
        Ok(())
    }))
}

#[pg_extern(sql = false)]
fn bytea_to_int8vec(codes: &[u8], typmod: i32, _explicit: bool) -> NewVector<Int8> {
    typmod::check(typmod, codes.len());
    NewVector::from_payload(codes.len(), codes)
}

#[pg_extern(sql = false)]
fn bytea_to_uint8vec(codes: &[u8], typmod: i32, _explicit: bool) -> NewVector<Uint8> {
    typmod::check(typmod, codes.len());
    NewVector::from_payload(codes.len(), codes)
}

/// What numpy's `tobytes()` gives; for `binvec` the packed bits.
#[pg_extern(sql = false)]
fn vector_to_bytea(vector: AnyVarlena<'_>) -> Vec<u8> {
    quantize::encoding::split(vector.bytes()).1.to_vec()
}

macro_rules! integer_casts {
    ($($from:ident $into:ident: $integer:ty, $kind:ident, $code:ty, $codes:ident;)*) => { $(
        #[pg_extern(sql = false)]
        fn $from(array: IntegerArray<'_, $integer>, typmod: i32, _explicit: bool) -> NewVector<$kind> {
            from_integers(array.values(), typmod, |x| <$code>::try_from(x).ok().map(|code| code as u8))
        }
        #[pg_extern(sql = false)]
        fn $into(vector: Vector<'_, $kind>) -> NewArray<$integer> {
            let codes: Vec<$integer> = $codes(vector.payload()).iter().map(|&code| code.into()).collect();
            NewArray::vector(&codes)
        }
    )* };
}

integer_casts! {
    int2_array_to_int8vec int8vec_to_int2_array: i16, Int8, i8, as_signed;
    int4_array_to_int8vec int8vec_to_int4_array: i32, Int8, i8, as_signed;
    int2_array_to_uint8vec uint8vec_to_int2_array: i16, Uint8, u8, as_is;
    int4_array_to_uint8vec uint8vec_to_int4_array: i32, Uint8, u8, as_is;
}

fn as_is(codes: &[u8]) -> &[u8] {
    codes
}

fn from_integers<T: Element + std::fmt::Display, K: Kind>(
    values: &[T],
    typmod: i32,
    code: impl Fn(T) -> Option<u8>,
) -> NewVector<K> {
    typmod::check(typmod, values.len());
    NewVector::fill(values.len(), |payload| {
        for (i, (out, &value)) in payload.iter_mut().zip(values).enumerate() {
            *out = code(value).unwrap_or_else(|| {
                raise(
                    PgSqlErrorCode::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
                    format!(
                        "value {value} in dimension {} is out of range for type {}",
                        i + 1,
                        K::NAME
                    ),
                )
            });
        }
        Ok(())
    })
}

#[pg_extern(sql = false)]
fn quantized_to_binvec(stored: AnyVarlena<'_>, typmod: i32, _explicit: bool) -> NewVector<Binary> {
    typed(&stored, typmod, &[Precision::Binary, Precision::Ubinary])
}

#[pg_extern(sql = false)]
fn quantized_to_int8vec(stored: AnyVarlena<'_>, typmod: i32, _explicit: bool) -> NewVector<Int8> {
    typed(&stored, typmod, &[Precision::Int8])
}

#[pg_extern(sql = false)]
fn quantized_to_uint8vec(stored: AnyVarlena<'_>, typmod: i32, _explicit: bool) -> NewVector<Uint8> {
    typed(&stored, typmod, &[Precision::Uint8])
}

fn typed<K: Kind>(stored: &AnyVarlena<'_>, typmod: i32, from: &[Precision]) -> NewVector<K> {
    let value = Quantized::of(stored);
    if !from.contains(&value.precision) {
        raise_with_hint(
            PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
            format!(
                "cannot cast a quantized value of precision \"{}\" to {}",
                value.precision.name(),
                K::NAME
            ),
            format!("Quantize with precision \"{}\" instead.", from[0].name()),
        );
    }
    typmod::check(typmod, value.dimensions);
    NewVector::from_payload(value.dimensions, value.payload)
}

/// The floats of `float32`, codes as they are, bits as ±1. Ranges are not known here:
/// `dequantize_embeddings` takes them.
#[pg_extern(sql = false)]
fn quantized_to_float4_array(stored: AnyVarlena<'_>) -> NewArray<f32> {
    let value = Quantized::of(&stored);
    let floats: Vec<f32> = match value.precision {
        Precision::Float32 => value.floats().collect(),
        Precision::Int8 => as_signed(value.payload).iter().map(|&c| c.into()).collect(),
        Precision::Uint8 => value.payload.iter().map(|&c| c.into()).collect(),
        Precision::Binary | Precision::Ubinary => {
            binary::dequantize_binary(value.payload, value.dimensions)
        }
    };
    NewArray::vector(&floats)
}

/// The bytes that sentence-transformers' array of this precision holds.
#[pg_extern(sql = false)]
fn quantized_to_bytea(stored: AnyVarlena<'_>) -> Vec<u8> {
    let value = Quantized::of(&stored);
    match value.precision {
        Precision::Binary => binary::to_signed_bytes(value.payload),
        _ => value.payload.to_vec(),
    }
}

macro_rules! to_quantized {
    ($($name:ident: $kind:ident, $precision:ident;)*) => { $(
        #[pg_extern(sql = false)]
        fn $name(vector: Vector<'_, $kind>) -> NewVarlena {
            Quantized::fill(Precision::$precision, vector.dimensions(), |payload| -> Result<(), Error> {
                payload.copy_from_slice(vector.payload());
                Ok(())
            })
        }
    )* };
}

to_quantized! {
    binvec_to_quantized: Binary, Ubinary;
    int8vec_to_quantized: Int8, Int8;
    uint8vec_to_quantized: Uint8, Uint8;
}
