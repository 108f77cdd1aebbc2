//! What a quantized embedding is: codecs, ranges, calibration, distances. No Postgres here.
//!
//! The reference for every encoding is `sentence_transformers.quantization` (5.7 and later);
//! arithmetic is in float32 exactly where theirs is, so codes agree byte for byte. Everything is
//! deterministic: same input, same bytes, on every CPU.

#![warn(missing_docs)]
#![deny(unsafe_code)]

pub mod binary;
pub mod calibration;
pub mod center;
mod checks;
pub mod cpu;
pub mod distance;
pub mod encoding;
mod error;
pub mod int8;
pub mod kmeans;
mod limits;
pub mod matryoshka;
mod precision;
mod prefetch;
pub mod ranged;
mod ranges;
pub mod room;
pub mod rotation;
pub mod row_code;
pub mod sign_code;
pub mod text;
mod wide;

pub use checks::{check_dimensions, check_embedding, check_finite, check_same_dimensions};
pub use error::Error;
pub use limits::MAX_DIMENSIONS;
pub use precision::Precision;
pub use prefetch::{prefetch, prefetch_at};
pub use ranges::Ranges;
