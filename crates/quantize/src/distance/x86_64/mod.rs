//! Kernels for x86-64, one file per level of the instruction set.

pub(super) mod avx2;
pub(super) mod avx512;
mod bytes;
