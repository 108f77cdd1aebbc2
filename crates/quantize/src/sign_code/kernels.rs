//! The kernels that score sign codes: one table of them for each instruction set.
#![allow(unsafe_code)]

use super::interleaved::{BLOCK, LANES};

/// Entries of a nibble's table.
pub(super) const ENTRIES: usize = 16;

/// The scores of two groups.
pub type GroupScores = [[u32; LANES]; 2];

/// Tables of two neighbouring code bytes: of the low nibble of each, then of the high nibble of each.
pub(super) type PairTables = [[u8; 2 * ENTRIES]; 2];

/// The kernels of one instruction set. Both panic unless the codes have exactly as many bytes as there are tables for.
///
/// Whoever hands out a table has made sure that the processor has its instruction set.
pub(super) struct Kernels {
    pub(super) block: unsafe fn(&[PairTables], &[u8], &mut [u32; BLOCK]),
    pub(super) groups: unsafe fn(&[PairTables], [&[u8]; 2], &mut GroupScores),
}

impl Kernels {
    /// Scores a block of codes.
    #[inline]
    pub(super) fn block(&self, tables: &[PairTables], block: &[u8], out: &mut [u32; BLOCK]) {
        // SAFETY: a kernel is unsafe to call only where the processor lacks its instruction set. Tables come from `of` alone,
        // which takes an `InstructionSet`: proof that the processor has it.
        unsafe { (self.block)(tables, block, out) }
    }

    /// Scores two interleaved groups of codes.
    #[inline]
    pub(super) fn groups(&self, tables: &[PairTables], groups: [&[u8]; 2], out: &mut GroupScores) {
        // SAFETY: as in `block`.
        unsafe { (self.groups)(tables, groups, out) }
    }
}
