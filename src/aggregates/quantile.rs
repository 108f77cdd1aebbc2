//! `calibrate_ranges(real[], quantile)`: ranges without the tails. The state is an `integer[]` of unsigned words: the
//! quantile (two words of its bits), then the sketch.

use pgrx::prelude::*;
use quantize::calibration::quantile as sketch;

use crate::errors::{OrRaise, raise};
use crate::types::{Call, FloatArray, HalfVector, NewArray, PgVector, State};

/// Words of the state before the sketch.
const HEADER: usize = 2;

fn words(quantile: f64) -> [u32; HEADER] {
    let bits = quantile.to_bits();
    [bits as u32, (bits >> 32) as u32]
}

fn quantile_of(state: &[u32]) -> f64 {
    f64::from_bits(u64::from(state[0]) | u64::from(state[1]) << 32)
}

fn fits(lengths: &[i32]) -> bool {
    matches!(lengths, [len] if *len as usize > HEADER && sketch::is_state_len(*len as usize - HEADER))
}

transitions!(add, State<u32>, (quantile: f64),
    calibrate_quantile_transition calibrate_quantile_vector_transition calibrate_quantile_halfvec_transition);

fn add(
    state: Option<State<'_, u32>>,
    embedding: Option<&[f32]>,
    quantile: Option<f64>,
    call: Call<'_>,
) -> Option<NewArray<u32>> {
    let state = state.map(|state| state.within(&call, fits).into_mutable());
    let Some(embedding) = embedding else {
        return state;
    };
    let Some(quantile) = quantile else {
        raise(
            PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            "quantile must not be null",
        );
    };
    let mut state = state.unwrap_or_else(|| start(embedding.len(), quantile));
    let words = state.values_mut();
    if quantile_of(words) != quantile {
        raise(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!(
                "quantile must be the same for all rows, not {} and {quantile}",
                quantile_of(words)
            ),
        );
    }
    sketch::add(&mut words[HEADER..], embedding).or_raise();
    Some(state)
}

fn start(dimensions: usize, quantile: f64) -> NewArray<u32> {
    quantize::check_dimensions(dimensions).or_raise();
    sketch::check_quantile(quantile).or_raise();
    let mut state = NewArray::zeros(HEADER + sketch::state_len(dimensions));
    let (header, rest) = state.values_mut().split_at_mut(HEADER);
    header.copy_from_slice(&words(quantile));
    sketch::start(rest);
    state
}

#[pg_extern(sql = false)]
fn calibrate_quantile_combine(
    state: Option<State<'_, u32>>,
    other: Option<State<'_, u32>>,
    call: Call<'_>,
) -> Option<NewArray<u32>> {
    let Some(state) = state else {
        return other.map(|other| NewArray::vector(other.within(&call, fits).values()));
    };
    let mut state = state.within(&call, fits).into_mutable();
    if let Some(other) = other {
        let other = other.within(&call, fits);
        sketch::merge(&mut state.values_mut()[HEADER..], &other.values()[HEADER..]).or_raise();
    }
    Some(state)
}

#[pg_extern(sql = false)]
fn calibrate_quantile_final(
    state: Option<State<'_, u32>>,
    call: Call<'_>,
) -> Option<NewArray<f32>> {
    let state = state?.within(&call, fits);
    let words = state.values();
    let ranges = sketch::finish(&words[HEADER..], quantile_of(words)).or_raise();
    Some(NewArray::ranges(&ranges))
}
