//! Whether an embedding is of unit length: then every metric ranks as the inner product does.

use pgrx::prelude::*;

use crate::types::FloatArray;

/// How far the square of a length may be from 1: more than the rounding of float16 and of decimals, less than what
/// would change a ranking by codes.
const TOLERANCE: f64 = 1e-3;

/// Whether an embedding is of unit length, but for rounding.
#[pg_extern(sql = false)]
fn is_unit(embedding: FloatArray<'_>) -> bool {
    (quantize::distance::norm_squared_f32(&embedding) - 1.0).abs() <= TOLERANCE
}
