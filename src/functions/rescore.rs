//! `rescore`: the exact scores of candidates that a statement of the user's own has collected.

use std::cmp::Ordering;

use pgrx::PgSqlErrorCode;
use pgrx::prelude::*;
use quantize::distance::{dot_and_norm_f32, dot_f32, l2_squared_f32, norm_squared_f32};

use super::distance::{check, cosine_distance};
use crate::errors::{OrRaise, raise_with_hint};
use crate::types::{AnyFloats, QueryVector};

/// Candidates and their scores, the best first. A candidate without a score is like nothing: it is left out.
#[pg_extern(sql = false)]
fn rescore(
    query: QueryVector<'_>,
    candidates: AnyFloats<'_>,
    metric: &str,
) -> TableIterator<'static, (name!(candidate, i32), name!(score, f64))> {
    let norm = norm_squared_f32(&query);
    let score: &dyn Fn(&[f32]) -> f64 = match metric {
        "cosine" => &|candidate| {
            let (dot, candidate_norm) = dot_and_norm_f32(&query, candidate);
            1.0 - cosine_distance(dot, candidate_norm, norm)
        },
        "ip" => &|candidate| dot_f32(candidate, &query),
        "l2" => &|candidate| 0.0 - l2_squared_f32(candidate, &query).sqrt(),
        _ => raise_with_hint(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("unknown metric \"{metric}\""),
            "The metrics are cosine, ip and l2.",
        ),
    };
    let dimensions = match *candidates.lengths() {
        [] => return TableIterator::new(std::iter::empty()),
        [_, dimensions] => dimensions as usize,
        ref lengths => raise_with_hint(
            PgSqlErrorCode::ERRCODE_ARRAY_ELEMENT_ERROR,
            format!(
                "candidates must be an array of vectors, not an array of {} dimensions",
                lengths.len()
            ),
            "Collect them with array_agg(embedding).",
        ),
    };
    quantize::check_embedding(&query).or_raise();
    let candidates = candidates.values("embedding");
    check(dimensions, query.len());
    let scores = candidates.chunks_exact(dimensions).map(score);
    let mut scored: Vec<(i32, f64)> = (1..)
        .zip(scores)
        .filter(|(_, score)| score.is_finite())
        .collect();
    // The sort is stable: equal scores stay in the order of the array.
    scored.sort_by(|a, b| b.1.partial_cmp(&a.1).unwrap_or(Ordering::Equal));
    TableIterator::new(scored)
}
