//! pgvector's `vector` and `halfvec`, read in place.
//!
//! Both are a varlena with the dimension as `int16`, two unused bytes, then the elements (pgvector 0.5 and later).

use std::ops::Deref;

use half::f16;
use half::slice::HalfFloatSliceExt;
use pgrx::callconv::{Arg, ArgAbi};
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
}

impl Deref for PgVector<'_> {
    type Target = [f32];

    /// The elements.
    #[inline]
    fn deref(&self) -> &[f32] {
        let elements = &self.0.bytes()[HEADER..];
        // SAFETY: eight bytes behind an aligned varlena floats are aligned; every bit pattern is a float.
        let (before, floats, _) = unsafe { elements.align_to::<f32>() };
        debug_assert!(before.is_empty());
        floats
    }
}

/// A `halfvec`, widened: every half is a float.
pub struct HalfVector(Vec<f32>);

impl HalfVector {
    /// # Safety
    /// `datum` is a `halfvec`, not null.
    pub unsafe fn from_datum(datum: pg_sys::Datum) -> Self {
        // SAFETY: the caller says so; it is not used after this call.
        let stored = unsafe { Detoasted::aligned(datum) };
        // SAFETY: as for floats.
        let (before, halves, _) = unsafe { stored.bytes()[HEADER..].align_to::<f16>() };
        debug_assert!(before.is_empty());
        Self(halves.to_f32_vec())
    }
}

impl Deref for HalfVector {
    type Target = [f32];

    #[inline]
    fn deref(&self) -> &[f32] {
        &self.0
    }
}

// SAFETY: SQL declares such arguments as vector.
unsafe impl<'fcx> ArgAbi<'fcx> for PgVector<'fcx> {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: as above; not null by the caller's word.
        unsafe { Self::from_datum(arg.unbox_arg_using_from_datum().expect("not null")) }
    }
}

// SAFETY: SQL declares such arguments as halfvec.
unsafe impl<'fcx> ArgAbi<'fcx> for HalfVector {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: as above; not null by the caller's word.
        unsafe { Self::from_datum(arg.unbox_arg_using_from_datum().expect("not null")) }
    }
}

sql_type!([] PgVector<'_>, "vector");
sql_type!([] HalfVector, "halfvec");
