//! SQL functions over embeddings: each one a thin face of the `quantize` crate.

mod center_query;
mod dequantize;
mod distance;
mod lengths;
mod matryoshka;
mod quantize_embeddings;
mod ranged;
mod rescore;
