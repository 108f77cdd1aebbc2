//! `center_query`: what bits above thresholds are compared with.

use pgrx::PgSqlErrorCode;
use pgrx::prelude::*;
use quantize::center;

use crate::errors::{OrRaise, raise_with_hint};
use crate::types::{NewArray, QueryVector, Thresholds};

#[pg_extern(sql = false)]
fn center_query(query: QueryVector<'_>, thresholds: Thresholds<'_>, metric: &str) -> NewArray<f32> {
    let by_position = match metric {
        "cosine" => false,
        "l2" => true,
        // The thresholds' own share of an inner product is the same for every row.
        "ip" => return NewArray::vector(&query),
        _ => raise_with_hint(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("unknown metric \"{metric}\""),
            "The metrics are cosine, ip and l2.",
        ),
    };
    NewArray::vector(&center::center_query(&query, &thresholds, by_position).or_raise())
}
