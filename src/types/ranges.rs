//! Ranges as an argument: prepared once, and looked at again only when other ranges come.
//!
//! Ranges of more than some 250 dimensions are stored compressed or out of line, and a subquery or a join hands them on
//! as they are stored. To read them for every row would cost more than all the rest, so the call cache compares what is
//! stored: a plain or compressed value by its bytes, one out of line by its pointer, which names the value as long as a
//! query can see it.

use std::marker::PhantomData;

use pgrx::callconv::{Arg, ArgAbi};
use pgrx::{PgSqlErrorCode, pg_sys, varlena};
use quantize::Ranges;

use super::call::Call;
use super::float_array::FloatMatrix;
use crate::errors::{OrRaise, raise};

/// Ranges that have not been read yet.
pub struct RangesArg<'a> {
    datum: pg_sys::Datum,
    _lives: PhantomData<&'a [u8]>,
}

impl RangesArg<'_> {
    /// The checked ranges, kept for the next call at this place; `argument` is where they stand, counted from 0.
    pub fn prepared<'b>(&self, call: Call<'b>, argument: usize) -> &'b Ranges {
        match self.stored() {
            Some(stored) => call.cached(argument, stored, || ranges_of(&self.read())),
            None => {
                let matrix = self.read();
                call.cached(argument, matrix.bytes(), || ranges_of(&matrix))
            }
        }
    }

    fn read(&self) -> FloatMatrix<'_> {
        // SAFETY: SQL declares such arguments as real[]; not null, since there is a value.
        unsafe { FloatMatrix::ranges_from_datum(self.datum) }
    }

    /// The bytes as they are stored, header included, which tell one value from another; none for an array in memory,
    /// whose pointer would not. The first word is never that of an array without its header, its number of dimensions.
    fn stored(&self) -> Option<&[u8]> {
        let stored: *const pg_sys::varlena = self.datum.cast_mut_ptr();
        // SAFETY: an argument that is a varlena has a header, which says what follows and how long it is.
        unsafe {
            let in_memory = varlena::varatt_is_1b_e(stored)
                && u32::from(varlena::vartag_external(stored))
                    != pg_sys::vartag_external::VARTAG_ONDISK;
            (!in_memory)
                .then(|| std::slice::from_raw_parts(stored.cast(), varlena::varsize_any(stored)))
        }
    }
}

// SAFETY: SQL declares such arguments as real[].
unsafe impl<'fcx> ArgAbi<'fcx> for RangesArg<'fcx> {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: as above; not null by the caller's word.
        let datum = unsafe { arg.unbox_arg_using_from_datum() }.expect("not null");
        Self {
            datum,
            _lives: PhantomData,
        }
    }
}

/// Checks that ranges are a 2×d matrix, and prepares them.
pub fn ranges_of(matrix: &FloatMatrix<'_>) -> Ranges {
    let (rows, _) = matrix.shape();
    if rows != 2 {
        raise(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("ranges must have 2 rows, not {rows}: minima and maxima"),
        );
    }
    Ranges::from_rows(matrix.values()).or_raise()
}

sql_type!([] RangesArg<'_>, "real[]");
