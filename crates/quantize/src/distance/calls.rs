//! The tables of this processor, and each kernel of the best one as a function.

use super::scalar;
use super::table::{Kernels, for_each_kernel};
use crate::cpu::{InstructionSet, Level};

impl Kernels {
    /// The kernels for an instruction set.
    #[inline]
    pub fn of(set: InstructionSet) -> &'static Self {
        match set.level() {
            Level::Scalar => &scalar::KERNELS,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => &super::x86_64::avx2::KERNELS,
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => &super::x86_64::avx512::KERNELS,
            #[cfg(target_arch = "aarch64")]
            Level::Neon => &super::aarch64::KERNELS,
        }
    }

    /// Every implementation that this processor can run: the portable one first, the best last.
    pub fn available() -> Vec<&'static Self> {
        InstructionSet::available()
            .into_iter()
            .map(Self::of)
            .collect()
    }
}

/// The kernels of the instruction set chosen.
#[inline]
pub fn kernels() -> &'static Kernels {
    Kernels::of(InstructionSet::chosen())
}

/// Declares a function for each kernel.
macro_rules! declare_calls {
    ($($(#[$doc:meta])* $name:ident(&[$a:ty], &[$b:ty]) -> $result:ty;)*) => {
        $(
            $(#[$doc])*
            #[inline]
            pub fn $name(a: &[$a], b: &[$b]) -> $result {
                kernels().$name(a, b)
            }
        )*
    };
}

for_each_kernel!(declare_calls);

/// Squared Euclidean norm of a float vector: `dot_f32(a, a)`.
#[inline]
pub fn norm_squared_f32(a: &[f32]) -> f64 {
    dot_f32(a, a)
}
