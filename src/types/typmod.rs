//! Type modifiers: `binvec(n)` holds vectors of exactly `n` dimensions.

use std::ffi::{CStr, CString};

use pgrx::prelude::*;
use quantize::MAX_DIMENSIONS;

use crate::errors::{raise, raise_with_hint};

/// What Postgres passes where a column has no modifier.
pub const NONE: i32 = -1;

/// `typmod_in` of the vector types: one number, 1 to 65535.
#[pg_extern(sql = false)]
fn vector_typmod_in(modifiers: Array<&CStr>) -> i32 {
    let mut modifiers = modifiers.iter();
    let (Some(Some(text)), None) = (modifiers.next(), modifiers.next()) else {
        raise(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "a vector type takes one modifier: its dimensions",
        );
    };
    match text.to_str().ok().and_then(|t| t.parse::<i32>().ok()) {
        Some(n) if (1..=MAX_DIMENSIONS as i32).contains(&n) => n,
        _ => raise(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!(
                "dimensions of a vector type must be between 1 and {MAX_DIMENSIONS}, not {}",
                quantize::text::shown(text.to_str().unwrap_or("?"))
            ),
        ),
    }
}

/// `typmod_out` of the vector types.
#[pg_extern(sql = false)]
fn vector_typmod_out(typmod: i32) -> CString {
    let text = if typmod == NONE {
        String::new()
    } else {
        format!("({typmod})")
    };
    CString::new(text).unwrap_or_default()
}

/// Raises an error unless a vector has the dimensions that its column asks for.
pub fn check(typmod: i32, dimensions: usize) {
    if typmod != NONE && typmod as usize != dimensions {
        raise_with_hint(
            PgSqlErrorCode::ERRCODE_DATA_EXCEPTION,
            format!("expected {typmod} dimensions, not {dimensions}"),
            "The column holds vectors of one dimension only.",
        );
    }
}
