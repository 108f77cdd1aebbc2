//! The tables of kernels of this processor.

use super::kernels::Kernels;
use super::scalar;
use crate::cpu::{InstructionSet, Level};

impl Kernels {
    /// The kernels for an instruction set.
    #[inline]
    pub(super) fn of(set: InstructionSet) -> &'static Self {
        match set.level() {
            Level::Scalar => &scalar::KERNELS,
            // A register of 64 bytes holds two blocks, which do not lie together: there are no kernels of its own.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 | Level::Avx512 => &super::x86_64::KERNELS,
            #[cfg(target_arch = "aarch64")]
            Level::Neon => &super::aarch64::KERNELS,
        }
    }
}
