//! Distance kernels: bits, 8-bit codes and floats, on the best instruction set this CPU has.
//!
//! # The same answer everywhere
//! Distances become SQL values, and SQL functions are immutable, so every path returns the same
//! bits as the portable one (`scalar.rs`). Integer kernels are exact. Float kernels widen to f64 and
//! sum in sixteen lanes that are added as a fixed tree; the product of an f32 with an f32 or an 8-bit
//! code is exact in f64 (at most 48 bits of 53, exponent far inside the range), so a fused
//! multiply-add rounds as the separate operations do. A difference is not exact, so L2 never fuses.
//! Infinities and NaN give the same class of value on every path; the payload of a NaN is not fixed.
//!
//! # No integer overflows
//! A vector has at most 65,535 dimensions ([`crate::MAX_DIMENSIONS`]).
//! - `dot_i8`: 65,535 · 128² = 1,073,725,440 < 2³¹.
//! - `dot_u8`, `l2_squared_*`: 65,535 · 255² = 4,261,413,375 < 2³².
//! - `l1_*`: 65,535 · 255 = 16,711,425; bit counts: 65,535.
//!
//! A lane of partial sums may wrap on the way; the total is right modulo 2³² and fits.
//!
//! # Contract
//! The two slices of a call have the same length, at most 65,535 elements (bits: bytes for at most
//! that many bits); callers check it once, and debug builds assert it. Were it broken, a release
//! build would return a meaningless number or panic, never read out of bounds.
//! Packed bits have dimension 0 in the most significant bit of byte 0, and zeros behind the last.
//!
//! # Whose kernels
//! Our own, not numkong's (7.8): it has no L1, no float × code and no `(a · b, b · b)`, does not promise
//! the same float on every CPU, and takes minutes to compile. Time over numkong's on Zen 3 (AVX2), at
//! 384 and 1024 dimensions, best of 400 interleaved runs (below 1: ours is faster; its angular
//! distance stands beside `dot_and_norm`, its Jaccard beside `intersection_union`):
//!
//! | kernel | 384 | 1024 | | kernel | 384 | 1024 |
//! |---|---|---|---|---|---|---|
//! | `hamming` | 0.94 | 0.64 | | `l2_squared_i8` | 0.84 | 0.90 |
//! | `intersection_union` | 0.89 | 0.65 | | `l2_squared_u8` | 0.84 | 0.96 |
//! | `dot_i8` | 0.95 | 1.02 | | `dot_f32` | 0.46 | 0.31 |
//! | `dot_u8` | 0.78 | 0.79 | | `dot_and_norm_f32` | 0.35 | 0.29 |
//! | `dot_and_norm_i8` | 0.49 | 0.47 | | `l2_squared_f32` | 0.73 | 0.57 |
//! | `dot_and_norm_u8` | 0.49 | 0.61 | | | | |
//!
//! `dot_f32_i8` takes about 1.5 times `dot_f32`, L1 of codes 0.6 times their inner product.
//!
//! # Dispatch
//! [`kernels`] is the table of the instruction set chosen ([`crate::cpu`]); a scan holds the `&'static Kernels` and pays one
//! indirect call per distance. The free functions look the table up each time.
mod binary_query;
mod calls;
mod scalar;
mod table;

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

pub use binary_query::BinaryQuery;
pub use calls::*;
pub use table::Kernels;
