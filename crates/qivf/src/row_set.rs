//! A set of rows: a bitmap over refine slots, allocated by the kilobit.

use crate::error::Result;
use crate::layout::Pointer;
use quantize::room;

const WORDS: usize = 16;

/// A set of refine records.
pub(crate) struct RowSet {
    per_page: usize,
    chunks: Vec<Option<Box<[u64; WORDS]>>>,
}

impl RowSet {
    /// An empty set over `blocks` blocks with `per_page` slots each.
    pub(crate) fn new(blocks: u32, per_page: usize) -> Result<Self> {
        let mut set = Self {
            per_page,
            chunks: Vec::new(),
        };
        set.grow(blocks)?;
        Ok(set)
    }

    /// Makes room for `blocks` blocks.
    pub(crate) fn grow(&mut self, blocks: u32) -> Result<()> {
        let chunks = (blocks as usize * self.per_page).div_ceil(WORDS * 64);
        if chunks > self.chunks.len() {
            let more = chunks - self.chunks.len();
            room::reserve(&mut self.chunks, more)?;
            self.chunks.resize_with(chunks, || None);
        }
        Ok(())
    }

    /// Whether the block of `pointer` is beyond the room made.
    pub(crate) fn is_beyond(&self, pointer: Pointer) -> bool {
        let id = pointer.block as usize * self.per_page + usize::from(pointer.slot);
        id / (WORDS * 64) >= self.chunks.len()
    }

    /// Adds `pointer`; `false` if it was there.
    pub(crate) fn insert(&mut self, pointer: Pointer) -> bool {
        let id = pointer.block as usize * self.per_page + usize::from(pointer.slot);
        let chunk = self.chunks[id / (WORDS * 64)].get_or_insert_with(|| Box::new([0; WORDS]));
        let word = &mut chunk[id / 64 % WORDS];
        let bit = 1 << (id % 64);
        let fresh = *word & bit == 0;
        *word |= bit;
        fresh
    }

    /// Whether `pointer` is in the set.
    pub(crate) fn contains(&self, pointer: Pointer) -> bool {
        let id = pointer.block as usize * self.per_page + usize::from(pointer.slot);
        matches!(self.chunks.get(id / (WORDS * 64)), Some(Some(chunk)) if chunk[id / 64 % WORDS] >> (id % 64) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers() {
        let mut seen = RowSet::new(10, 7).unwrap();
        let at = |block, slot| Pointer { block, slot };
        assert!(seen.insert(at(9, 6)) && !seen.insert(at(9, 6)));
        assert!(
            seen.contains(at(9, 6)) && !seen.contains(at(9, 5)) && !seen.contains(at(200_000, 0))
        );
        assert!(seen.is_beyond(at(200_000, 0)));
        seen.grow(200_001).unwrap();
        assert!(
            !seen.is_beyond(at(200_000, 0))
                && seen.insert(at(200_000, 0))
                && seen.contains(at(9, 6))
        );
    }
}
