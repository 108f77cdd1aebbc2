//! `calibrate_ranges(real[])` and `merge_ranges(real[])`: the state is the result, 2×d minima and maxima.

use pgrx::prelude::*;
use quantize::calibration;

use crate::errors::OrRaise;
use crate::types::{
    Call, FloatArray, FloatMatrix, HalfVector, NewArray, PgVector, State, ranges_of,
};

/// Two rows: minima and maxima.
fn fits(lengths: &[i32]) -> bool {
    matches!(lengths, [2, dimensions] if *dimensions > 0)
}

transitions!(widen, State<f32>, (),
    calibrate_ranges_transition calibrate_ranges_vector_transition calibrate_ranges_halfvec_transition);

fn widen(
    state: Option<State<'_, f32>>,
    embedding: Option<&[f32]>,
    call: Call<'_>,
) -> Option<NewArray<f32>> {
    let state = state.map(|state| state.within(&call, fits).into_mutable());
    let Some(embedding) = embedding else {
        return state;
    };
    let mut state = match state {
        Some(state) => state,
        None => {
            quantize::check_embedding(embedding).or_raise();
            starting_from(&[embedding, embedding].concat())
        }
    };
    calibration::widen(state.values_mut(), embedding).or_raise();
    Some(state)
}

/// Also the transition of `merge_ranges`, whose input is checked here.
#[pg_extern(sql = false)]
fn merge_ranges_transition(
    state: Option<State<'_, f32>>,
    ranges: Option<FloatMatrix<'_>>,
    call: Call<'_>,
) -> Option<NewArray<f32>> {
    let state = state.map(|state| state.within(&call, fits).into_mutable());
    let Some(ranges) = ranges else {
        return state;
    };
    // Checks shape, order and finiteness.
    ranges_of(&ranges);
    let mut state = state.unwrap_or_else(|| starting_from(ranges.values()));
    calibration::merge(state.values_mut(), ranges.values()).or_raise();
    Some(state)
}

/// A first state. −0 is turned into +0, as in every later one, so that the order of rows does not show.
fn starting_from(rows: &[f32]) -> NewArray<f32> {
    let rows: Vec<f32> = rows.iter().map(|x| x + 0.0).collect();
    NewArray::ranges(&rows)
}
