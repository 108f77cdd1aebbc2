//! Sign codes scored against a query by table look-up: 1 bit a dimension, byte shuffles and additions only.
//!
//! A code holds `s ∈ {−1, +1}^d` as bits (1 is +1), 64 to a little-endian word, padding bits 0. The query is cut into
//! nibbles of four dimensions; for each the sixteen possible ⟨s, q⟩ are tabulated, rounded to a byte (the idea of
//! product quantization's "fast scan", arXiv 1704.07355, applied to sign codes): see [`QueryTables`]. What the scores
//! say about distances is [`Estimate`]'s business.
//!
//! Codes lie together so that one vector register holds the same bytes of many:
//! - *Groups* of eight, word-interleaved: word 0 of all eight, then word 1, and so on. Two groups are scored at once.
//!   This is how they lie on pages: small, and a code is added by writing its words.
//! - *Blocks* of thirty-two, byte-interleaved: byte 0 of all, then byte 1, and so on. Half the work again, for those
//!   who keep codes in memory in an order of their own.
//!
//! Seen on Zen 3 (AVX2), 384 dimensions: 9 GiB of codes a second in groups; a query cut into four bit planes and scored by
//! counting bits made 6, and lost more of the query.
//!
//! The path is that of the instruction set chosen ([`crate::cpu`]); the scalar one is the reference.

#[cfg(target_arch = "aarch64")]
mod aarch64;
mod calls;
mod estimate;
mod interleaved;
mod kernels;
mod scalar;
mod tables;
#[cfg(target_arch = "x86_64")]
mod x86_64;

pub use estimate::{Estimate, Sifted};
pub use interleaved::{
    BLOCK, LANES, block_size, deinterleave, interleave, set_in_block, signs, words,
};
pub use kernels::GroupScores;
pub use tables::QueryTables;
