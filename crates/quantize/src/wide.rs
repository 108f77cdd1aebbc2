//! Loops compiled twice: for every CPU of the target, and for AVX2, which is chosen at run time ([`crate::cpu`]).
//!
//! Invariants
//! - Both are the same source, and Rust neither fuses nor reorders operations on floats, so both return the same bits
//!   (but for those of a NaN); tests compare them.
//! - The portable one is always there. On aarch64 it is vectorised already: NEON is part of the target.

/// Declares a function whose body, an `#[inline(always)]` function of the same arguments, is compiled twice.
macro_rules! wide {
    ($(#[$doc:meta])* $visibility:vis fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)? = $body:path) => {
        $(#[$doc])*
        #[allow(unsafe_code)]
        #[inline]
        $visibility fn $name($($argument: $type),*) $(-> $result)? {
            #[cfg(target_arch = "x86_64")]
            {
                use $crate::cpu::{InstructionSet, Level};
                #[target_feature(enable = "avx2")]
                fn avx2($($argument: $type),*) $(-> $result)? {
                    $body($($argument),*)
                }
                if InstructionSet::chosen().level() != Level::Scalar {
                    // SAFETY: `avx2` needs AVX2. The processor has the instruction set chosen, and every set of this
                    // target but the scalar one has AVX2.
                    return unsafe { avx2($($argument),*) };
                }
            }
            $body($($argument),*)
        }
    };
}
pub(crate) use wide;
