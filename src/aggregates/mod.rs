//! Aggregates over embeddings. Transition types are plain arrays, never `internal`: they are parallel, and Citus can
//! push them down. States are updated in place; `quantize::calibration` says what is in them.

mod clipping;
mod quantile;
mod ranges;
mod thresholds;
