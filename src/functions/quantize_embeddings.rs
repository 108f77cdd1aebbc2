//! `quantize_embeddings` and its typed forms. Ranges are checked and prepared once per call site.

use pgrx::prelude::*;
use quantize::{Precision, Ranges, binary, int8};

use crate::errors::{OrRaise, raise, raise_with_hint};
use crate::types::{
    AnyVarlena, Binary, CalibrationRows, Call, FloatArray, FloatMatrix, Int8, NewArray, NewVarlena,
    NewVector, Quantized, QueryVector, RangesArg, Thresholds, Uint8,
};

/// Bytes of a name that are looked at: more than any precision has, and what a message shows of others.
const LONGEST_NAME: usize = 200;

/// sentence-transformers' `quantize_embeddings` for one embedding.
#[pg_extern(sql = false)]
fn quantize_embeddings(
    embedding: Option<FloatArray<'_>>,
    precision: Option<AnyVarlena<'_>>,
    ranges: Option<RangesArg<'_>>,
    calibration_embeddings: Option<CalibrationRows<'_>>,
    call: Call<'_>,
) -> Option<NewVarlena> {
    let embedding = embedding?;
    let Some(precision) = precision else {
        raise(
            PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            format!(
                "precision must not be null: use one of {}",
                Precision::names()
            ),
        );
    };
    // Not as `&str`, which would be detoasted by a call into Postgres for every row.
    let name = precision.bytes();
    let name = String::from_utf8_lossy(&name[..name.len().min(LONGEST_NAME)]);
    let precision = Precision::from_name(&name).or_raise();
    let ranges = || -> &Ranges {
        match (&ranges, &calibration_embeddings) {
            (Some(ranges), _) => ranges.prepared(call, 2),
            (None, Some(rows)) => call.cached(3, rows.bytes(), || calibrate(rows)),
            (None, None) => raise_with_hint(
                PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                format!(
                    "precision \"{}\" needs ranges or calibration_embeddings",
                    precision.name()
                ),
                "Compute ranges once with SELECT calibrate_ranges(embedding) FROM …, and pass them.",
            ),
        }
    };
    let value = Quantized::fill(precision, embedding.len(), |payload| match precision {
        Precision::Float32 => {
            quantize::check_finite(&embedding)?;
            for (bytes, x) in payload.as_chunks_mut().0.iter_mut().zip(&*embedding) {
                *bytes = x.to_le_bytes();
            }
            Ok(())
        }
        Precision::Int8 => int8::quantize_int8(&embedding, ranges(), payload),
        Precision::Uint8 => int8::quantize_uint8(&embedding, ranges(), payload),
        Precision::Binary | Precision::Ubinary => binary::quantize_binary(&embedding, payload),
    });
    Some(value)
}

/// The ranges of an N×d matrix of embeddings.
fn calibrate(rows: &FloatMatrix<'_>) -> Ranges {
    let (_, dimensions) = rows.shape();
    let mut embeddings = rows.values().chunks_exact(dimensions);
    let first = embeddings.next().unwrap_or_default();
    quantize::check_embedding(first).or_raise();
    let mut ranges = [first, first].concat();
    for embedding in embeddings {
        quantize::calibration::widen(&mut ranges, embedding).or_raise();
    }
    Ranges::from_rows(&ranges).or_raise()
}

#[pg_extern(sql = false)]
fn quantize_binary(embedding: FloatArray<'_>) -> NewVector<Binary> {
    NewVector::fill(embedding.len(), |packed| {
        binary::quantize_binary(&embedding, packed)
    })
}

#[pg_extern(sql = false)]
fn quantize_binary_thresholds(
    embedding: FloatArray<'_>,
    thresholds: Thresholds<'_>,
) -> NewVector<Binary> {
    NewVector::fill(embedding.len(), |packed| {
        binary::quantize_binary_above(&embedding, &thresholds, packed)
    })
}

#[pg_extern(sql = false)]
fn quantize_int8(
    embedding: FloatArray<'_>,
    ranges: RangesArg<'_>,
    call: Call<'_>,
) -> NewVector<Int8> {
    let ranges = ranges.prepared(call, 1);
    NewVector::fill(embedding.len(), |codes| {
        int8::quantize_int8(&embedding, ranges, codes)
    })
}

#[pg_extern(sql = false)]
fn quantize_uint8(
    embedding: FloatArray<'_>,
    ranges: RangesArg<'_>,
    call: Call<'_>,
) -> NewVector<Uint8> {
    let ranges = ranges.prepared(call, 1);
    NewVector::fill(embedding.len(), |codes| {
        int8::quantize_uint8(&embedding, ranges, codes)
    })
}

/// The query times the step widths, for an asymmetric inner product with int8 codes.
#[pg_extern(sql = false)]
fn scale_query(query: QueryVector<'_>, ranges: RangesArg<'_>, call: Call<'_>) -> NewArray<f32> {
    quantize::check_finite(&query).or_raise();
    let ranges = ranges.prepared(call, 1);
    NewArray::vector(&ranges.scale_query(&query).or_raise())
}
