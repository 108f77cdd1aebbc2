//! Types as Postgres stores and passes them: the vector types, and arrays seen as embeddings.
//!
//! All of the `unsafe` that reads or makes datums is in here. A value borrowed from an argument lives
//! as long as the call; what it had to copy out of a toasted datum is freed when it is dropped.

/// Implements how pgrx names a type in SQL. The SQL is written by hand, so only the name matters.
macro_rules! sql_type {
    ([$($generics:tt)*] $type:ty, $name:literal) => {
        // SAFETY: only names the type for pgrx's schema metadata.
        unsafe impl<$($generics)*> pgrx::pgrx_sql_entity_graph::metadata::SqlTranslatable
            for $type
        {
            const TYPE_IDENT: &'static str = concat!("pg_quantize::", $name);
            const TYPE_ORIGIN: pgrx::pgrx_sql_entity_graph::metadata::TypeOrigin =
                pgrx::pgrx_sql_entity_graph::metadata::TypeOrigin::External;
            const ARGUMENT_SQL: Result<
                pgrx::pgrx_sql_entity_graph::metadata::SqlMappingRef,
                pgrx::pgrx_sql_entity_graph::metadata::ArgumentError,
            > = Ok(pgrx::pgrx_sql_entity_graph::metadata::SqlMappingRef::literal($name));
            const RETURN_SQL: Result<
                pgrx::pgrx_sql_entity_graph::metadata::ReturnsRef,
                pgrx::pgrx_sql_entity_graph::metadata::ReturnsError,
            > = Ok(pgrx::pgrx_sql_entity_graph::metadata::ReturnsRef::One(
                pgrx::pgrx_sql_entity_graph::metadata::SqlMappingRef::literal($name),
            ));
        }
    };
}

mod call;
mod casts;
mod detoast;
mod float_array;
mod named;
mod pgvector;
mod quantized;
mod ranges;
mod typed_functions;
mod typmod;
mod vector;
mod wire;

pub use call::Call;
pub use casts::bit_string;
pub use detoast::{AnyVarlena, Detoasted, NewVarlena};
pub use float_array::{AnyFloats, FloatArray, FloatMatrix, NewArray, State};
pub use named::{CalibrationRows, Queries, QueryVector, Thresholds};
pub use pgvector::{HalfVector, PgVector};
pub use quantized::Quantized;
pub use ranges::{RangesArg, ranges_of};
pub use vector::{Binary, Int8, Kind, NewVector, Uint8, Vector, as_signed};
