//! Datums of the indexed types as values of the index.

use pgrx::pg_sys;
use qivf::Value;

use crate::types::{Binary, FloatArray, HalfVector, Int8, PgVector, Uint8, Vector};

/// How a type is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Format {
    /// `real[]`
    Float4Array = 0,
    /// `int8vec`
    Int8vec = 1,
    /// `uint8vec`
    Uint8vec = 2,
    /// `binvec`
    Binvec = 3,
    /// pgvector's `vector`
    Vector = 4,
    /// pgvector's `halfvec`
    Halfvec = 5,
}

impl Format {
    /// The format with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        [
            Self::Float4Array,
            Self::Int8vec,
            Self::Uint8vec,
            Self::Binvec,
            Self::Vector,
            Self::Halfvec,
        ]
        .into_iter()
        .find(|format| *format as u8 == number)
    }

    /// Calls `f` with the value in a datum, read in place where possible.
    ///
    /// # Safety
    /// `datum` is not null and of the type of this format.
    pub unsafe fn read<R>(self, datum: pg_sys::Datum, f: impl FnOnce(&Value<'_>) -> R) -> R {
        // SAFETY: the caller says what the datum is.
        unsafe {
            match self {
                Self::Float4Array => f(&Value::Float(&FloatArray::from_datum(datum))),
                Self::Int8vec => f(&Value::Int8(Vector::<Int8>::from_datum(datum).codes())),
                Self::Uint8vec => f(&Value::UInt8(Vector::<Uint8>::from_datum(datum).payload())),
                Self::Binvec => {
                    let vector = Vector::<Binary>::from_datum(datum);
                    f(&Value::Binary(vector.payload(), vector.dimensions()))
                }
                Self::Vector => f(&Value::Float(&PgVector::from_datum(datum))),
                Self::Halfvec => f(&Value::Float(&HalfVector::from_datum(datum))),
            }
        }
    }

    /// Whether `read` can take a datum; an array may have no element, nulls or more than one dimension.
    ///
    /// # Safety
    /// As for `read`.
    pub unsafe fn is_well_formed(self, datum: pg_sys::Datum) -> bool {
        // SAFETY: the caller says what the datum is.
        self != Self::Float4Array || unsafe { FloatArray::is_vector(datum) }
    }
}
