//! The arguments of a search, checked one by one.

use pgrx::{PgSqlErrorCode, pg_sys};
use quantize::Precision;

use crate::errors::{OrRaise, raise, raise_with_hint};
use crate::spi::{Call, relation_of_type};
use crate::types::AnyFloats;

/// What ranks the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Metric {
    Cosine,
    InnerProduct,
    L2,
    Hamming,
}

/// All that the statement depends on, besides the relation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    pub top_k: i32,
    pub offset: i32,
    pub embedding: Option<String>,
    pub quantized: Option<String>,
    pub refine: Option<String>,
    pub rescore: bool,
    /// `top_k` plus `offset`, times the multiplier, rounded up.
    pub candidates: i64,
    pub exact: bool,
    pub metric: Metric,
    pub filter: Option<String>,
    /// How many values are passed for the filter; none passed is not the same as no filter.
    pub filter_params: Option<usize>,
    pub corpus_precision: Option<Precision>,
    /// Whether these are passed; the values don't change the statement.
    pub has_ranges: bool,
    pub has_min_score: bool,
    /// Dimensions of the query, when there is one.
    pub dimensions: Option<usize>,
}

/// The arguments of a search.
pub struct Arguments {
    pub relation: pg_sys::Oid,
    pub shape: Shape,
    pub query: Option<AnyFloats<'static>>,
    pub ranges: Option<AnyFloats<'static>>,
    pub filter_params: Vec<Option<String>>,
    pub min_score: Option<f32>,
}

const BAD: PgSqlErrorCode = PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE;

impl Arguments {
    /// Takes the arguments in the order of the SQL declaration.
    pub fn of(call: &Call) -> Self {
        let relation =
            relation_of_type(call.type_of(0)).unwrap_or_else(|| no_corpus(call.type_of(0)));
        let top_k = count("top_k", call.scalar(2));
        let multiplier = multiplier(call.scalar(7));
        let rescore = flag("rescore", call.scalar(6));
        let exact = flag("exact", call.scalar(8));
        let metric = metric(call.text(9));
        let query = call.floats(1);
        let offset = count("offset", call.scalar(14));
        let min_score: Option<f32> = call.scalar(13);
        if min_score.is_some_and(f32::is_nan) {
            raise(BAD, "min_score must be a number, not NaN");
        }
        let filter = call.text(10).filter(|filter| !filter.trim().is_empty());
        let filter_params = call.texts(12);
        let ranges = call.floats(11);
        let shape = Shape {
            top_k,
            offset,
            embedding: call.name(3),
            quantized: call.name(4),
            refine: call.name(5),
            rescore,
            candidates: candidates(top_k, offset, multiplier),
            exact,
            metric,
            filter,
            filter_params: filter_params.as_ref().map(Vec::len),
            corpus_precision: call
                .text(15)
                .map(|name| Precision::from_name(&name).or_raise()),
            has_ranges: ranges.is_some(),
            has_min_score: min_score.is_some(),
            dimensions: query.as_ref().map(dimensions),
        };
        Self {
            relation,
            shape,
            query,
            ranges,
            filter_params: filter_params.unwrap_or_default(),
            min_score,
        }
    }

    /// The queries, one or a batch: each of the same number of values.
    pub fn queries(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        let (values, len) = match (&self.query, self.shape.dimensions) {
            (Some(query), Some(dimensions)) => (query.values("embedding"), dimensions),
            _ => (&[][..], 1),
        };
        values.chunks_exact(len)
    }
}

/// Raises the error for a corpus that is no row of a relation.
pub fn no_corpus(type_: pg_sys::Oid) -> ! {
    raise_with_hint(
        PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE,
        format!(
            "corpus must be a row of a table or view, not a value of type {}",
            crate::spi::type_name(type_)
        ),
        "Name the table by a null of its row type, as in semantic_search(NULL::docs, $1).",
    )
}

fn count(what: &str, value: Option<i32>) -> i32 {
    match value {
        Some(value) if value >= 0 => value,
        value => raise(
            BAD,
            format!("{what} must be 0 or more, not {}", or_null(value)),
        ),
    }
}

fn or_null(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "null".to_owned(), |value| value.to_string())
}

fn multiplier(value: Option<f32>) -> f32 {
    match value {
        Some(value) if (1.0..=1e9).contains(&value) => value,
        value => raise(
            BAD,
            format!(
                "rescore_multiplier must be between 1 and 1e9, not {}",
                or_null(value)
            ),
        ),
    }
}

fn flag(what: &str, value: Option<bool>) -> bool {
    value.unwrap_or_else(|| {
        raise(
            PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            format!("{what} must be true or false, not null"),
        )
    })
}

fn metric(name: Option<String>) -> Metric {
    match name.as_deref() {
        Some("cosine") => Metric::Cosine,
        Some("ip") => Metric::InnerProduct,
        Some("l2") => Metric::L2,
        Some("hamming") => Metric::Hamming,
        other => raise_with_hint(
            BAD,
            match other {
                Some(name) => format!("unknown metric \"{name}\""),
                None => "metric must not be null".to_owned(),
            },
            "The metrics are cosine, ip, l2 and, for sign bits, hamming.",
        ),
    }
}

/// Rows that leave the scan. The multiplier counts with the digits that Postgres shows: 1.1, not 1.10000002384.
fn candidates(top_k: i32, offset: i32, multiplier: f32) -> i64 {
    let rows = i64::from(top_k) + i64::from(offset);
    let shown: f64 = multiplier
        .to_string()
        .parse()
        .unwrap_or(f64::from(multiplier));
    let product = (rows as f64 * shown * (1.0 - 1e-12)).ceil();
    (product as i64).clamp(rows, i64::from(i32::MAX).max(rows))
}

fn dimensions(query: &AnyFloats<'_>) -> usize {
    match *query.lengths() {
        [] => raise(
            PgSqlErrorCode::ERRCODE_DATA_EXCEPTION,
            "query must have at least 1 dimension",
        ),
        [dimensions] | [_, dimensions] => dimensions as usize,
        ref lengths => raise(
            PgSqlErrorCode::ERRCODE_ARRAY_ELEMENT_ERROR,
            format!(
                "query must be a vector or an array of vectors, not an array of {} dimensions",
                lengths.len()
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::candidates;

    #[test]
    fn candidates_round_up_what_is_shown() {
        assert_eq!(candidates(10, 0, 1.1), 11);
        assert_eq!(candidates(10, 0, 4.0), 40);
        assert_eq!(candidates(3, 0, 1.5), 5);
        assert_eq!(candidates(10, 5, 2.0), 30);
        assert_eq!(candidates(1000, 0, 1e9), i64::from(i32::MAX));
        assert_eq!(candidates(i32::MAX, i32::MAX, 1.0), 2 * i64::from(i32::MAX));
        assert_eq!(candidates(0, 0, 4.0), 0);
    }
}
