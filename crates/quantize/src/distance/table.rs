//! The table of kernels: one for each instruction set.
#![allow(unsafe_code)]

/// Calls a macro with the declarations of all kernels.
macro_rules! for_each_kernel {
    ($declare:ident) => {
        $declare! {
            /// Number of bits that differ between two packed bit vectors.
            hamming(&[u8], &[u8]) -> u32;

            /// Number of bits set in both and in either of two packed bit vectors: `(|A ∩ B|, |A ∪ B|)`.
            /// Jaccard distance is `1 − intersection / union`.
            intersection_union(&[u8], &[u8]) -> (u32, u32);

            /// Inner product of signed codes.
            dot_i8(&[i8], &[i8]) -> i32;

            /// Inner product of unsigned codes.
            dot_u8(&[u8], &[u8]) -> u32;

            /// `(a · b, b · b)` of signed codes, in one pass: what cosine needs per row.
            dot_and_norm_i8(&[i8], &[i8]) -> (i32, u32);

            /// `(a · b, b · b)` of unsigned codes, in one pass: what cosine needs per row.
            dot_and_norm_u8(&[u8], &[u8]) -> (u32, u32);

            /// Squared Euclidean distance of signed codes.
            l2_squared_i8(&[i8], &[i8]) -> u32;

            /// Squared Euclidean distance of unsigned codes.
            l2_squared_u8(&[u8], &[u8]) -> u32;

            /// Taxicab distance of signed codes.
            l1_i8(&[i8], &[i8]) -> u32;

            /// Taxicab distance of unsigned codes.
            l1_u8(&[u8], &[u8]) -> u32;

            /// Inner product of a float vector with signed codes.
            dot_f32_i8(&[f32], &[i8]) -> f64;

            /// Inner product of a float vector with unsigned codes.
            dot_f32_u8(&[f32], &[u8]) -> f64;

            /// Inner product of float vectors.
            dot_f32(&[f32], &[f32]) -> f64;

            /// `(a · b, b · b)` of float vectors, in one pass: what cosine needs per row.
            dot_and_norm_f32(&[f32], &[f32]) -> (f64, f64);

            /// Squared Euclidean distance of float vectors.
            l2_squared_f32(&[f32], &[f32]) -> f64;

            /// Taxicab distance of float vectors.
            l1_f32(&[f32], &[f32]) -> f64;
        }
    };
}
pub(super) use for_each_kernel;

/// Declares the table of kernels and its methods.
macro_rules! declare_table {
    ($($(#[$doc:meta])* $name:ident(&[$a:ty], &[$b:ty]) -> $result:ty;)*) => {
        /// One implementation of every kernel, for one instruction set.
        ///
        /// Whoever hands out a table has made sure that the processor has its instruction set.
        pub struct Kernels {
            pub(super) name: &'static str,
            $(pub(super) $name: unsafe fn(&[$a], &[$b]) -> $result,)*
        }

        impl Kernels {
            $(
                $(#[$doc])*
                #[inline]
                pub fn $name(&self, a: &[$a], b: &[$b]) -> $result {
                    debug_assert_eq!(a.len(), b.len(), "vectors of different length");
                    // SAFETY: a kernel is unsafe to call only where the processor lacks its instruction set. Outside this
                    // room tables come from `of` alone, which takes an `InstructionSet`: proof that the processor has it.
                    unsafe { (self.$name)(a, b) }
                }
            )*
        }
    };
}

for_each_kernel!(declare_table);

impl Kernels {
    /// The instruction set: `scalar`, `avx2`, `avx512` or `neon`.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

impl std::fmt::Debug for Kernels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Kernels").field(&self.name).finish()
    }
}
