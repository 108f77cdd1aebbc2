//! The reference kernel, and the only one where no vector unit is known.

use super::{LANES, PlaneWord};

#[inline(always)]
fn weighted(word: u64, planes: &PlaneWord) -> i32 {
    let count = |plane: u64| (word & plane).count_ones() as i32;
    count(planes[0]) + 2 * count(planes[1]) + 4 * count(planes[2]) - 8 * count(planes[3])
}

/// `A` of the eight codes of a group.
#[inline(always)]
pub(super) fn score_group(planes: &[PlaneWord], group: &[u8], out: &mut [i32; LANES]) {
    assert_eq!(group.len(), planes.len() * LANES * 8);
    *out = [0; LANES];
    for (row, planes) in group.as_chunks::<{ LANES * 8 }>().0.iter().zip(planes) {
        for (sum, bytes) in out.iter_mut().zip(row.as_chunks::<8>().0) {
            *sum += weighted(u64::from_le_bytes(*bytes), planes);
        }
    }
}

/// `A` of one code.
pub(super) fn score_one(planes: &[PlaneWord], code: &[u8]) -> i32 {
    assert_eq!(code.len(), planes.len() * 8);
    let words = code.as_chunks::<8>().0.iter();
    words
        .zip(planes)
        .map(|(bytes, planes)| weighted(u64::from_le_bytes(*bytes), planes))
        .sum()
}
