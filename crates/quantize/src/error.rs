//! What can be wrong with an embedding, ranges or a parameter.
//!
//! Messages follow Postgres's style: lower case, no full stop, values included; what to do about it
//! is a separate hint.

use std::fmt;

use crate::{MAX_DIMENSIONS, Precision};

/// A rejected input.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// A vector without dimensions.
    NoDimensions,
    /// A vector of more than [`MAX_DIMENSIONS`] dimensions.
    TooManyDimensions {
        /// How many it has.
        dimensions: usize,
    },
    /// Two vectors that must have the same number of dimensions do not.
    DifferentDimensions {
        /// Dimensions of the first.
        left: usize,
        /// Dimensions of the second.
        right: usize,
    },
    /// Ranges for another number of dimensions than the embedding has.
    RangesDimensions {
        /// Dimensions of the embedding.
        embedding: usize,
        /// Dimensions of the ranges.
        ranges: usize,
    },
    /// Thresholds for another number of dimensions than the embedding has.
    ThresholdsDimensions {
        /// Dimensions of the embedding.
        embedding: usize,
        /// Dimensions of the thresholds.
        thresholds: usize,
    },
    /// Rows of one aggregate with different ranges.
    RangesDiffer,
    /// NaN or an infinity.
    NotFinite {
        /// The dimension, counted from 1.
        dimension: usize,
        /// The value found there.
        value: f32,
    },
    /// NaN or an infinity among ranges.
    RangeNotFinite {
        /// The dimension, counted from 1.
        dimension: usize,
    },
    /// A minimum above its maximum.
    RangeInverted {
        /// The dimension, counted from 1.
        dimension: usize,
        /// Its minimum.
        min: f32,
        /// Its maximum.
        max: f32,
    },
    /// A range so wide that its width overflows float32.
    RangeTooWide {
        /// The dimension, counted from 1.
        dimension: usize,
    },
    /// A precision that does not exist.
    UnknownPrecision(String),
    /// A quantile outside (0.5, 1].
    QuantileOutOfBounds(f64),
    /// A `truncate_dim` that is not between 1 and the vector's dimensions.
    TruncateDim {
        /// What was asked for.
        truncate_dim: i64,
        /// Dimensions of the vector.
        dimensions: usize,
    },
    /// Text that is not a vector.
    InvalidText {
        /// The SQL type it was meant for.
        type_name: &'static str,
        /// The text, cut off where it is long.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Bytes that are not a vector.
    InvalidBinary {
        /// What is wrong with them.
        reason: String,
    },
    /// An aggregate's state whose bytes make no sense.
    CorruptState(&'static str),
    /// More rows than a state can count.
    TooManyRows,
}

/// Prints a float as Postgres does: `Infinity`, not `inf`.
struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            f64::INFINITY => write!(f, "Infinity"),
            f64::NEG_INFINITY => write!(f, "-Infinity"),
            x => write!(f, "{x}"),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDimensions => write!(f, "a vector must have at least 1 dimension"),
            Self::TooManyDimensions { dimensions } => write!(
                f,
                "a vector cannot have more than {MAX_DIMENSIONS} dimensions, not {dimensions}"
            ),
            Self::DifferentDimensions { left, right } => {
                write!(f, "different vector dimensions {left} and {right}")
            }
            Self::RangesDimensions { embedding, ranges } => write!(
                f,
                "ranges have {ranges} dimensions but the embedding has {embedding}"
            ),
            Self::ThresholdsDimensions {
                embedding,
                thresholds,
            } => write!(
                f,
                "thresholds have {thresholds} dimensions but the embedding has {embedding}"
            ),
            Self::RangesDiffer => write!(f, "ranges must be the same for all rows"),
            Self::NotFinite { dimension, value } => {
                let value = Number((*value).into());
                write!(f, "value {value} in dimension {dimension} is not finite")
            }
            Self::RangeNotFinite { dimension } => {
                write!(f, "range of dimension {dimension} is not finite")
            }
            Self::RangeInverted {
                dimension,
                min,
                max,
            } => write!(
                f,
                "minimum {min} is above maximum {max} in the range of dimension {dimension}"
            ),
            Self::RangeTooWide { dimension } => {
                write!(f, "range of dimension {dimension} is too wide for float32")
            }
            Self::UnknownPrecision(name) => write!(f, "unknown precision \"{name}\""),
            Self::QuantileOutOfBounds(quantile) => {
                let quantile = Number(*quantile);
                write!(f, "quantile {quantile} is outside the range (0.5, 1]")
            }
            Self::TruncateDim {
                truncate_dim,
                dimensions,
            } => write!(
                f,
                "truncate_dim {truncate_dim} is outside the range 1 to {dimensions}"
            ),
            Self::InvalidText {
                type_name,
                text,
                reason,
            } => write!(
                f,
                "invalid input syntax for type {type_name}: \"{text}\": {reason}"
            ),
            Self::InvalidBinary { reason } => write!(f, "invalid binary vector: {reason}"),
            Self::CorruptState(what) => write!(f, "invalid aggregate state: {what}"),
            Self::TooManyRows => write!(f, "too many rows for one aggregate"),
        }
    }
}

impl std::error::Error for Error {}

impl Error {
    /// What the user can do about it, where that is not plain from the message.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::DifferentDimensions { .. } => {
                Some("Both vectors must come from the same model and truncation.".into())
            }
            Self::RangesDimensions { .. } => Some(
                "Compute ranges with calibrate_ranges over embeddings of the same model.".into(),
            ),
            Self::NotFinite { .. } => {
                Some("Embeddings must not hold NaN or infinite values.".into())
            }
            Self::RangeInverted { .. } => {
                Some("Row 1 of ranges holds the minima, row 2 the maxima.".into())
            }
            Self::UnknownPrecision(_) => Some(format!("Use one of {}.", Precision::names())),
            Self::QuantileOutOfBounds(_) => Some(
                "A quantile of 0.999 cuts one value in a thousand at each end; 1 cuts none.".into(),
            ),
            _ => None,
        }
    }
}

/// The beginning of a text, for a message: a megabyte of garbage is not repeated.
pub fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(40).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}
