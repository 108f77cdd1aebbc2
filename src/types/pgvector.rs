//! pgvector's `vector` and `halfvec`, read in place.
//!
//! Both are a varlena with the dimension as `int16`, two unused bytes, then the elements (pgvector 0.5 and later).

use half::f16;
use pgrx::pg_sys;

use super::detoast::Detoasted;

/// Bytes between the varlena's header and the elements.
const HEADER: usize = 4;

/// A `vector`.
pub struct PgVector<'a>(Detoasted<'a>);

impl PgVector<'_> {
    /// # Safety
    /// `datum` is a `vector`, not null, that outlives the result.
    pub unsafe fn from_datum(datum: pg_sys::Datum) -> Self {
        // SAFETY: the caller says so.
        Self(unsafe { Detoasted::aligned(datum) })
    }

    /// The elements.
    pub fn values(&self) -> &[f32] {
        let elements = &self.0.bytes()[HEADER..];
        // SAFETY: eight bytes behind an aligned varlena floats are aligned; every bit pattern is a float.
        let (before, floats, _) = unsafe { elements.align_to::<f32>() };
        debug_assert!(before.is_empty());
        floats
    }
}

/// A `halfvec`.
pub struct HalfVector<'a>(Detoasted<'a>);

impl HalfVector<'_> {
    /// # Safety
    /// `datum` is a `halfvec`, not null, that outlives the result.
    pub unsafe fn from_datum(datum: pg_sys::Datum) -> Self {
        // SAFETY: the caller says so.
        Self(unsafe { Detoasted::packed(datum) })
    }

    /// The elements, widened.
    pub fn to_floats(&self) -> Vec<f32> {
        let (halves, _) = self.0.bytes()[HEADER..].as_chunks();
        halves
            .iter()
            .map(|h| f16::from_ne_bytes(*h).to_f32())
            .collect()
    }
}
