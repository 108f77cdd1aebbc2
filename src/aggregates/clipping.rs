//! `clipping_report(real[], ranges)`: how far data lie outside ranges. The state is a `bigint[]`.

use pgrx::JsonB;
use pgrx::prelude::*;
use quantize::calibration::clipping;

use crate::errors::{OrRaise, raise};
use crate::types::{
    Call, FloatArray, FloatMatrix, HalfVector, NewArray, PgVector, State, ranges_of,
};

fn fits(lengths: &[i32]) -> bool {
    matches!(lengths, [len] if clipping::is_state_len(*len as usize))
}

transitions!(add, State<u64>, (ranges: FloatMatrix<'_>),
    clipping_report_transition clipping_report_vector_transition clipping_report_halfvec_transition);

fn add(
    state: Option<State<'_, u64>>,
    embedding: Option<&[f32]>,
    ranges: Option<FloatMatrix<'_>>,
    call: Call<'_>,
) -> Option<NewArray<u64>> {
    let state = state.map(|state| state.within(&call, fits).into_mutable());
    let Some(embedding) = embedding else {
        return state;
    };
    let Some(ranges) = ranges else {
        raise(
            PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            "ranges must not be null",
        );
    };
    let mut state = state.unwrap_or_else(|| {
        let dimensions = ranges_of(&ranges).dimensions();
        let mut state = NewArray::zeros(clipping::state_len(dimensions));
        clipping::start(state.values_mut(), ranges.values());
        state
    });
    clipping::add(state.values_mut(), embedding, ranges.values()).or_raise();
    Some(state)
}

#[pg_extern(sql = false)]
fn clipping_report_combine(
    state: Option<State<'_, u64>>,
    other: Option<State<'_, u64>>,
    call: Call<'_>,
) -> Option<NewArray<u64>> {
    let Some(state) = state else {
        return other.map(|other| NewArray::vector(other.within(&call, fits).values()));
    };
    let mut state = state.within(&call, fits).into_mutable();
    if let Some(other) = other {
        clipping::merge(state.values_mut(), other.within(&call, fits).values()).or_raise();
    }
    Some(state)
}

#[pg_extern(sql = false)]
fn clipping_report_final(state: Option<State<'_, u64>>, call: Call<'_>) -> Option<JsonB> {
    let state = state?.within(&call, fits);
    let report = clipping::finish(state.values());
    match serde_json::to_value(report) {
        Ok(json) => Some(JsonB(json)),
        Err(error) => raise(PgSqlErrorCode::ERRCODE_INTERNAL_ERROR, error.to_string()),
    }
}
