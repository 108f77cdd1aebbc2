//! Array arguments that messages call by their own names.

use pgrx::callconv::{Arg, ArgAbi};

use super::float_array::{ArrayArg, FloatArray, FloatMatrix};

macro_rules! named {
    ($($(#[$doc:meta])* $name:ident: $inner:ident, $ndim:literal, $called:literal, $shape:literal;)*) => { $(
        $(#[$doc])*
        pub struct $name<'a>($inner<'a>);

        impl<'a> std::ops::Deref for $name<'a> {
            type Target = $inner<'a>;

            fn deref(&self) -> &$inner<'a> {
                &self.0
            }
        }

        // SAFETY: SQL declares such arguments as real[].
        unsafe impl<'fcx> ArgAbi<'fcx> for $name<'fcx> {
            unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
                // SAFETY: as above; not null by the caller's word.
                Self($inner(unsafe { ArrayArg::unbox(arg, $ndim, $called, $shape) }))
            }
        }

        sql_type!([] $name<'_>, "real[]");
    )* };
}

named! {
    /// Embeddings to calibrate on.
    CalibrationRows: FloatMatrix, 2, "calibration_embeddings", "two-dimensional";
    /// Queries, one a row.
    Queries: FloatMatrix, 2, "queries", "two-dimensional";
    /// A query.
    QueryVector: FloatArray, 1, "query", "one-dimensional";
    /// A threshold for each dimension.
    Thresholds: FloatArray, 1, "thresholds", "one-dimensional";
}
