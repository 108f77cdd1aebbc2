//! The portable kernels: what every instruction set must reproduce.

use super::interleaved::{BLOCK, LANES};
use super::kernels::{ENTRIES, GroupScores, Kernels, PairTables};

pub(super) static KERNELS: Kernels = Kernels {
    block: score_block,
    groups: score_groups,
};

#[inline(always)]
pub(super) fn look_up([low, high]: &PairTables, which: usize, byte: u8) -> u32 {
    let from = which * ENTRIES;
    u32::from(low[from + usize::from(byte & 15)]) + u32::from(high[from + usize::from(byte >> 4)])
}

pub(super) fn score_block(tables: &[PairTables], block: &[u8], out: &mut [u32; BLOCK]) {
    assert_eq!(block.len(), tables.len() * 2 * BLOCK);
    out.fill(0);
    for (row, bytes) in block.as_chunks::<BLOCK>().0.iter().enumerate() {
        for (sum, byte) in out.iter_mut().zip(bytes) {
            *sum += look_up(&tables[row / 2], row % 2, *byte);
        }
    }
}

pub(super) fn score_groups(tables: &[PairTables], groups: [&[u8]; 2], out: &mut GroupScores) {
    for (group, out) in groups.into_iter().zip(out) {
        assert_eq!(group.len(), tables.len() * 2 * LANES);
        out.fill(0);
        let words = group.as_chunks::<{ LANES * 8 }>().0.iter();
        for (word, tables) in words.zip(tables.chunks_exact(4)) {
            for (i, byte) in word.iter().enumerate() {
                out[i / 8] += look_up(&tables[i % 8 / 2], i % 2, *byte);
            }
        }
    }
}
