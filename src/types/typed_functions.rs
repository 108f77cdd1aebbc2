//! The SQL functions that every vector type has: input and output, dimension cast, comparison.
//!
//! Written once; a type lists the names of its symbols. Equality and hash look at stored bytes only, so the SQL takes
//! Postgres's own functions of `bytea` for them.

use std::ffi::{CStr, CString};

use pgrx::prelude::*;
use quantize::encoding;

use super::vector::{Binary, Int8, Kind, NewVector, Uint8, Vector};
use super::wire::Message;
use super::{AnyVarlena, typmod};
use crate::errors::{OrRaise, raise};

macro_rules! typed_functions {
    ($kind:ident: $input:ident $output:ident $receive:ident $send:ident $cast:ident
     $compare:ident $lt:ident $le:ident $gt:ident $ge:ident) => {
        #[pg_extern(sql = false)]
        fn $input(text: &CStr, _type: pg_sys::Oid, typmod: i32) -> NewVector<$kind> {
            input(text, typmod)
        }
        #[pg_extern(sql = false)]
        fn $output(vector: Vector<'_, $kind>) -> CString {
            output(&vector)
        }
        #[pg_extern(sql = false)]
        fn $receive(message: Message<'_>, _type: pg_sys::Oid, typmod: i32) -> NewVector<$kind> {
            receive(message, typmod)
        }
        #[pg_extern(sql = false)]
        fn $send(vector: Vector<'_, $kind>) -> Vec<u8> {
            vector.bytes().to_vec()
        }
        #[pg_extern(sql = false)]
        fn $cast(vector: Vector<'_, $kind>, typmod: i32, _explicit: bool) -> NewVector<$kind> {
            typmod::check(typmod, vector.dimensions());
            NewVector::from_payload(vector.dimensions(), vector.payload())
        }
        #[pg_extern(sql = false)]
        fn $compare(left: Vector<'_, $kind>, right: Vector<'_, $kind>) -> i32 {
            left.compare(&right) as i32
        }
        #[pg_extern(sql = false)]
        fn $lt(left: Vector<'_, $kind>, right: Vector<'_, $kind>) -> bool {
            left.compare(&right).is_lt()
        }
        #[pg_extern(sql = false)]
        fn $le(left: Vector<'_, $kind>, right: Vector<'_, $kind>) -> bool {
            left.compare(&right).is_le()
        }
        #[pg_extern(sql = false)]
        fn $gt(left: Vector<'_, $kind>, right: Vector<'_, $kind>) -> bool {
            left.compare(&right).is_gt()
        }
        #[pg_extern(sql = false)]
        fn $ge(left: Vector<'_, $kind>, right: Vector<'_, $kind>) -> bool {
            left.compare(&right).is_ge()
        }
    };
}

typed_functions!(Binary: binvec_in binvec_out binvec_recv binvec_send binvec_dimensions
    binvec_cmp binvec_lt binvec_le binvec_gt binvec_ge);
typed_functions!(Int8: int8vec_in int8vec_out int8vec_recv int8vec_send int8vec_dimensions
    int8vec_cmp int8vec_lt int8vec_le int8vec_gt int8vec_ge);
typed_functions!(Uint8: uint8vec_in uint8vec_out uint8vec_recv uint8vec_send uint8vec_dimensions
    uint8vec_cmp uint8vec_lt uint8vec_le uint8vec_gt uint8vec_ge);

fn input<K: Kind>(text: &CStr, typmod: i32) -> NewVector<K> {
    let Ok(text) = text.to_str() else {
        raise(
            PgSqlErrorCode::ERRCODE_INVALID_TEXT_REPRESENTATION,
            format!("invalid input syntax for type {}", K::NAME),
        );
    };
    let (dimensions, payload) = K::parse(text).or_raise();
    typmod::check(typmod, dimensions);
    NewVector::from_payload(dimensions, &payload)
}

fn output<K: Kind>(vector: &Vector<'_, K>) -> CString {
    CString::new(K::format(vector.payload(), vector.dimensions())).unwrap_or_default()
}

fn receive<K: Kind>(message: Message<'_>, typmod: i32) -> NewVector<K> {
    let bytes = message.read_all();
    encoding::check(bytes, K::PRECISION).or_raise();
    let (dimensions, payload) = encoding::split(bytes);
    typmod::check(typmod, dimensions);
    NewVector::from_payload(dimensions, payload)
}

#[pg_extern(sql = false)]
fn vector_dims(vector: AnyVarlena<'_>) -> i32 {
    encoding::split(vector.bytes()).0 as i32
}
