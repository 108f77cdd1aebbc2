//! `calibrate_thresholds(real[])`: the mean of each dimension. The state is `float8[]`: rows, then sums.

use pgrx::prelude::*;
use quantize::calibration::mean;

use crate::errors::OrRaise;
use crate::types::{Call, FloatArray, HalfVector, NewArray, PgVector, State};

fn fits(lengths: &[i32]) -> bool {
    matches!(lengths, [len] if mean::is_state_len(*len as usize))
}

transitions!(add, State<f64>, (),
    calibrate_thresholds_transition calibrate_thresholds_vector_transition calibrate_thresholds_halfvec_transition);

fn add(
    state: Option<State<'_, f64>>,
    embedding: Option<&[f32]>,
    call: Call<'_>,
) -> Option<NewArray<f64>> {
    let state = state.map(|state| state.within(&call, fits).into_mutable());
    let Some(embedding) = embedding else {
        return state;
    };
    let mut state = state.unwrap_or_else(|| {
        quantize::check_embedding(embedding).or_raise();
        NewArray::zeros(mean::state_len(embedding.len()))
    });
    mean::add(state.values_mut(), embedding).or_raise();
    Some(state)
}

#[pg_extern(sql = false)]
fn calibrate_thresholds_combine(
    state: Option<State<'_, f64>>,
    other: Option<State<'_, f64>>,
    call: Call<'_>,
) -> Option<NewArray<f64>> {
    let Some(state) = state else {
        return other.map(|other| NewArray::vector(other.within(&call, fits).values()));
    };
    let mut state = state.within(&call, fits).into_mutable();
    if let Some(other) = other {
        mean::merge(state.values_mut(), other.within(&call, fits).values()).or_raise();
    }
    Some(state)
}

#[pg_extern(sql = false)]
fn calibrate_thresholds_final(
    state: Option<State<'_, f64>>,
    call: Call<'_>,
) -> Option<NewArray<f32>> {
    let state = state?.within(&call, fits);
    Some(NewArray::vector(&mean::finish(state.values())))
}
