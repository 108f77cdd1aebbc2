//! The query in the forms that a statement compares with, and the values of its parameters.

use std::borrow::Cow;

use pgrx::{PgSqlErrorCode, pg_sys};
use quantize::center::center_query;
use quantize::ranged::{self, Comparison};
use quantize::{Ranges, binary, int8, matryoshka, text};

use super::arguments::{Metric, Shape};
use super::choice::Stages;
use super::column::{Column, INTEGER_CODES, Kind};
use super::statement::{Argument, Stage, dimensions, is_centered};
use crate::errors::{OrRaise, raise};
use crate::spi::scalar_datum;
use crate::types::{AnyFloats, Binary, Int8, NewArray, NewVector, Uint8, as_signed};

/// The ranges that a caller passes, checked against the columns that they are for.
pub struct GivenRanges {
    pub rows: Vec<f32>,
    prepared: Ranges,
}

impl GivenRanges {
    /// None when no stage needs them.
    pub fn check(ranges: &AnyFloats<'_>, stages: &Stages<'_>, shape: &Shape) -> Option<Self> {
        let column = [stages.quantized, stages.refine]
            .into_iter()
            .flatten()
            .find(|column| INTEGER_CODES.contains(&column.kind))?;
        if ranges.lengths().is_empty() {
            raise(
                PgSqlErrorCode::ERRCODE_DATA_EXCEPTION,
                "ranges must not be empty",
            );
        }
        let expected = shape.dimensions.map(|query| column.dimensions_of(query));
        let fits = match *ranges.lengths() {
            [2, columns] => expected.is_none_or(|expected| columns as usize == expected),
            _ => false,
        };
        if !fits {
            let expected = expected
                .or(column.dimensions)
                .map_or("d".to_owned(), |n| n.to_string());
            raise(
                PgSqlErrorCode::ERRCODE_DATA_EXCEPTION,
                format!(
                    "ranges of column \"{}\" must be an array of 2 rows and {expected} columns, not of {}",
                    column.name,
                    ranges.bounds()
                ),
            );
        }
        let rows = ranges.values("ranges").to_vec();
        let prepared = Ranges::from_rows(&rows).or_raise();
        Some(Self { rows, prepared })
    }
}

/// What the values of parameters come from.
pub struct Inputs<'a> {
    pub stages: Stages<'a>,
    pub shape: &'a Shape,
    pub ranges: Option<&'a GivenRanges>,
    pub query: &'a [f32],
    pub number: i32,
    pub min_score: f32,
}

/// The query cut as the codes of a column were made.
pub fn cut<'q>(column: &Column, query: &'q [f32]) -> Cow<'q, [f32]> {
    match column.truncate_dim {
        None => Cow::Borrowed(query),
        Some(length) => Cow::Owned(matryoshka::truncate(query, length as i64, true).or_raise()),
    }
}

/// The query as a column's codes are compared with it.
fn query_for<'q>(column: &Column, metric: Metric, query: &'q [f32]) -> Cow<'q, [f32]> {
    let query = cut(column, query);
    match &column.thresholds {
        Some(thresholds) if is_centered(column, metric) => {
            Cow::Owned(center_query(&query, thresholds, metric == Metric::L2).or_raise())
        }
        _ => query,
    }
}

/// What decides which of two embeddings is nearer.
fn comparison(metric: Metric) -> Comparison {
    match metric {
        Metric::L2 => Comparison::Position,
        _ => Comparison::Direction,
    }
}

/// The sign bits of the query, as a column's codes were made.
fn bits(column: &Column, query: &[f32]) -> NewVector<Binary> {
    NewVector::fill(query.len(), |packed| match &column.thresholds {
        Some(thresholds) => binary::quantize_binary_above(query, thresholds, packed),
        None => binary::quantize_binary(query, packed),
    })
}

/// The code of an embedding of zeros.
pub struct ZeroCode {
    kind: Kind,
    dimensions: usize,
    payload: Vec<u8>,
}

impl ZeroCode {
    /// As the codes of this column are made, with the ranges that they were made with.
    pub fn new(column: &Column, dimensions: usize, given: Option<&GivenRanges>) -> Self {
        let zeros = vec![0.0; dimensions];
        let ranges = || match given {
            Some(given) => &given.prepared,
            None => column
                .prepared_ranges()
                .expect("checked when the column was chosen"),
        };
        let mut payload = vec![0; dimensions];
        match (column.kind, &column.thresholds) {
            (Kind::Int8, _) => int8::quantize_int8(&zeros, ranges(), &mut payload),
            (Kind::Uint8, _) => int8::quantize_uint8(&zeros, ranges(), &mut payload),
            (_, thresholds) => {
                payload.truncate(binary::packed_len(dimensions));
                match thresholds {
                    Some(thresholds) => {
                        binary::quantize_binary_above(&zeros, thresholds, &mut payload)
                    }
                    None => binary::quantize_binary(&zeros, &mut payload),
                }
            }
        }
        .or_raise();
        Self {
            kind: column.kind,
            dimensions,
            payload,
        }
    }

    fn into_datum(self) -> pg_sys::Datum {
        match self.kind {
            Kind::Int8 => {
                NewVector::<Int8>::from_payload(self.dimensions, &self.payload).into_datum()
            }
            Kind::Uint8 => {
                NewVector::<Uint8>::from_payload(self.dimensions, &self.payload).into_datum()
            }
            _ => NewVector::<Binary>::from_payload(self.dimensions, &self.payload).into_datum(),
        }
    }

    /// As the type's own text form has it.
    pub fn text(&self) -> String {
        match self.kind {
            Kind::Int8 => text::format_list(as_signed(&self.payload).iter()),
            Kind::Uint8 => text::format_list(self.payload.iter()),
            _ => text::format_bits(&self.payload, self.dimensions),
        }
    }
}

impl Inputs<'_> {
    /// The type of a parameter.
    pub fn type_of(stages: &Stages<'_>, argument: Argument) -> pg_sys::Oid {
        match argument {
            Argument::QueryBits | Argument::ZeroCode => stages.scanned().type_oid,
            Argument::QueryNumber => pg_sys::INT4OID,
            Argument::MinScore => pg_sys::FLOAT4OID,
            _ => pg_sys::FLOAT4ARRAYOID,
        }
    }

    /// Whether a value is the same for every query.
    pub fn is_constant(argument: Argument) -> bool {
        matches!(
            argument,
            Argument::Ranges(_) | Argument::ZeroCode | Argument::MinScore
        )
    }

    /// The value of a parameter.
    pub fn value(&self, argument: Argument) -> pg_sys::Datum {
        let (scanned, metric) = (self.stages.scanned(), self.shape.metric);
        match argument {
            Argument::Query => NewArray::vector(self.query).into_datum(),
            Argument::QueryFor(stage) => {
                NewArray::vector(&query_for(self.column(stage), metric, self.query)).into_datum()
            }
            Argument::ScaledQuery => {
                let query = cut(scanned, self.query);
                let ranges = match self.ranges {
                    Some(given) => &given.prepared,
                    None => scanned
                        .prepared_ranges()
                        .expect("checked when the column was chosen"),
                };
                NewArray::vector(&ranges.scale_query(&query).or_raise()).into_datum()
            }
            Argument::RangedQuery(stage) => {
                let column = self.column(stage);
                let ranges = match self.ranges {
                    Some(given) => &given.prepared,
                    None => column
                        .prepared_ranges()
                        .expect("checked when the column was chosen"),
                };
                let query = cut(column, self.query);
                let signed = column.kind == Kind::Int8;
                let prepared = ranged::prepare(&query, ranges, comparison(metric), signed);
                NewArray::vector(&prepared.or_raise()).into_datum()
            }
            Argument::QueryBits => bits(scanned, &cut(scanned, self.query)).into_datum(),
            Argument::Ranges(stage) => {
                let rows = match self.ranges {
                    Some(given) => &given.rows,
                    None => self
                        .column(stage)
                        .ranges
                        .as_ref()
                        .expect("checked when the column was chosen"),
                };
                NewArray::ranges(rows).into_datum()
            }
            Argument::ZeroCode => {
                let dimensions = dimensions(scanned, self.shape).unwrap_or(self.query.len());
                ZeroCode::new(scanned, dimensions, self.ranges).into_datum()
            }
            Argument::QueryNumber => scalar_datum(self.number),
            Argument::MinScore => scalar_datum(self.min_score),
        }
    }

    fn column(&self, stage: Stage) -> &Column {
        match stage {
            Stage::Scan => self.stages.scanned(),
            Stage::Refine => self
                .stages
                .refine
                .expect("a stage that refines has a column"),
        }
    }
}
