//! Which instructions this processor has, and which of them we use: asked once per process.
//!
//! Every room with kernels has a table of them per instruction set (`InstructionSet::level` picks it), or leaves the
//! second compilation to `wide!`. The scalar path is always there, and is the reference: tests compare
//! every set in [`InstructionSet::available`] with it, bit for bit, used or not.
//!
//! Only sets on which those tests have passed are chosen, see `Level::tested_on`.

use std::sync::OnceLock;

/// The levels that kernels are written for, by ascending preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// What every processor of the target has.
    Scalar,
    /// AVX2, FMA and POPCNT: x86-64-v3, every server since Haswell and Zen.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// The same and AVX-512 F, BW, VNNI, VPOPCNTDQ: Ice Lake, Zen 4 and later.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// NEON: every 64-bit Arm processor.
    #[cfg(target_arch = "aarch64")]
    Neon,
}

impl Level {
    const ALL: &[Self] = &[
        Self::Scalar,
        #[cfg(target_arch = "x86_64")]
        Self::Avx2,
        #[cfg(target_arch = "x86_64")]
        Self::Avx512,
        #[cfg(target_arch = "aarch64")]
        Self::Neon,
    ];

    /// Whether the processor has every instruction that kernels of this level use.
    fn is_present(self) -> bool {
        match self {
            Self::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => {
                is_x86_feature_detected!("avx2")
                    && is_x86_feature_detected!("fma")
                    && is_x86_feature_detected!("popcnt")
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                Self::Avx2.is_present()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vnni")
                    && is_x86_feature_detected!("avx512vpopcntdq")
            }
            #[cfg(target_arch = "aarch64")]
            Self::Neon => true,
        }
    }

    /// Where the tests have passed that compare its kernels with the scalar ones; `None` keeps a new level off until then.
    fn tested_on(self) -> Option<&'static str> {
        match self {
            Self::Scalar => Some("every processor"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => Some("Zen 3, Zen 4"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => Some("Zen 4"),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => Some("QEMU"),
        }
    }
}

/// An instruction set that this processor has: there is no value of any other, so a value is the proof that its kernels may
/// be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstructionSet(Level);

impl InstructionSet {
    /// All that this processor has: the scalar one first, the best last.
    pub fn available() -> Vec<Self> {
        let present = Level::ALL
            .iter()
            .copied()
            .filter(|level| level.is_present());
        present.map(Self).collect()
    }

    /// The one whose kernels are used: the best that was tested.
    #[inline]
    pub fn chosen() -> Self {
        static CHOSEN: OnceLock<InstructionSet> = OnceLock::new();
        *CHOSEN.get_or_init(|| {
            let mut available = Self::available().into_iter();
            let tested = available.rfind(|set| set.0.tested_on().is_some());
            tested.unwrap_or(Self(Level::Scalar))
        })
    }

    /// The level of kernels for it.
    #[inline]
    pub(crate) fn level(self) -> Level {
        self.0
    }

    /// Its name: `scalar`, `avx2`, `avx512` or `neon`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Level::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => "avx512",
            #[cfg(target_arch = "aarch64")]
            Level::Neon => "neon",
        }
    }
}
