//! Operator classes: what is indexed and how near is measured.
//!
//! Support function 1 of every class takes nothing and returns its number: `element | metric << 8 | format << 16`. The number is
//! stored in the meta page: frozen.

use pgrx::pg_sys;
use pgrx::prelude::*;
use qivf::{Element, Metric};

use super::value::Format;
use crate::errors::raise;

/// How many support functions a class has.
pub const SUPPORT_FUNCTIONS: u16 = 1;
/// The one that returns the class's number.
pub const NUMBER_PROC: u16 = 1;

/// An operator class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class {
    /// What kind of values are indexed.
    pub element: Element,
    /// How near is measured.
    pub metric: Metric,
    /// How the column's type is read.
    pub format: Format,
}

impl Class {
    const fn number(self) -> i32 {
        self.element as i32 | (self.metric as i32) << 8 | (self.format as i32) << 16
    }

    fn from_number(number: i32) -> Option<Self> {
        let byte = |shift: i32| u8::try_from(number >> shift & 0xff).ok();
        Some(Self {
            element: Element::from_number(byte(0)?)?,
            metric: Metric::from_number(byte(8)?)?,
            format: Format::from_number(byte(16)?)?,
        })
    }

    /// The class of an index's first column.
    ///
    /// # Safety
    /// `index` is an open qivf index.
    pub unsafe fn of(index: pg_sys::Relation) -> Self {
        // SAFETY: the function takes no arguments and returns an integer; see sql/qivf.sql.
        let number = unsafe {
            let function = pg_sys::index_getprocinfo(index, 1, NUMBER_PROC);
            pg_sys::FunctionCall0Coll(function, pg_sys::InvalidOid).value() as i32
        };
        Self::from_number(number).unwrap_or_else(|| {
            raise(
                PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("operator class has an unknown number {number}"),
            )
        })
    }

    /// The number, as the meta page keeps it.
    pub fn stored(self) -> u32 {
        self.number() as u32
    }

    /// The metric of an ordering operator of this class: strategy 1 is the class's own; the float queries of `binvec` have
    /// two more.
    pub fn metric_of_strategy(self, strategy: u16) -> Option<Metric> {
        match (strategy, self.element) {
            (1, _) => Some(self.metric),
            (2, Element::Binary) => Some(Metric::InnerProduct),
            (3, Element::Binary) => Some(Metric::Cosine),
            _ => None,
        }
    }
}

macro_rules! classes {
    ($($name:ident: $element:ident, $metric:ident, $format:ident;)*) => { $(
        #[pg_extern(sql = false)]
        fn $name() -> i32 {
            const CLASS: Class = Class {
                element: Element::$element,
                metric: Metric::$metric,
                format: Format::$format,
            };
            CLASS.number()
        }
    )* };
}

classes! {
    qivf_binvec_hamming: Binary, Hamming, Binvec;
    qivf_int8vec_ip: Int8, InnerProduct, Int8vec;
    qivf_int8vec_cosine: Int8, Cosine, Int8vec;
    qivf_int8vec_l2: Int8, L2, Int8vec;
    qivf_uint8vec_ip: UInt8, InnerProduct, Uint8vec;
    qivf_uint8vec_cosine: UInt8, Cosine, Uint8vec;
    qivf_uint8vec_l2: UInt8, L2, Uint8vec;
    qivf_real_ip: Float, InnerProduct, Float4Array;
    qivf_real_cosine: Float, Cosine, Float4Array;
    qivf_real_l2: Float, L2, Float4Array;
    qivf_vector_ip: Float, InnerProduct, Vector;
    qivf_vector_cosine: Float, Cosine, Vector;
    qivf_vector_l2: Float, L2, Vector;
    qivf_halfvec_ip: Float, InnerProduct, Halfvec;
    qivf_halfvec_cosine: Float, Cosine, Halfvec;
    qivf_halfvec_l2: Float, L2, Halfvec;
}
