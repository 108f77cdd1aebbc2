//! Leaves that wait for their turn: many come in, few are taken, the nearest first.
//!
//! Keys stand side by side in blocks, with the smallest of each block; taking one costs a look at the blocks and one block
//! looked through. That beats a heap or sorting, whose work is in what is never taken.

use super::centroids::list_key;
use crate::error::{Error, Result};
use crate::layout::Pointer;
use crate::query::Query;
use quantize::sign_code::table::BLOCK;

/// What a sign entry shows of some leaves.
#[derive(Clone, Copy)]
pub(super) struct Block {
    /// Optimistic: ‖q − c‖, or ⟨q, c⟩ under inner product.
    pub near: [f32; BLOCK],
    pub radius: [f32; BLOCK],
    /// None where there is no leaf, or where it was taken.
    pub at: [Pointer; BLOCK],
}

/// A block without leaves.
pub(super) const EMPTY: Block = Block {
    near: [0.0; BLOCK],
    radius: [0.0; BLOCK],
    at: [Pointer::NONE; BLOCK],
};

/// Leaves and their keys.
#[derive(Default)]
pub(super) struct Leaves {
    blocks: Vec<Block>,
    /// ∞ where there is no leaf.
    keys: Vec<[f32; BLOCK]>,
    /// The smallest key of each block, and of all.
    smallest: Vec<f32>,
    least: f32,
}

impl Leaves {
    /// Adds leaves, keyed by `b`.
    pub(super) fn push(&mut self, query: &Query, b: f32, block: &Block) -> Result<()> {
        let room = self.blocks.try_reserve(1);
        let room = room.and_then(|()| self.keys.try_reserve(1));
        let room = room.and_then(|()| self.smallest.try_reserve(1));
        room.map_err(|_| Error::OutOfMemory {
            bytes: size_of::<Block>(),
        })?;
        let keys = keys_of(query, b, block);
        self.blocks.push(*block);
        let smallest = least_of(&keys);
        self.least = match self.smallest.is_empty() {
            true => smallest,
            false => self.least.min(smallest),
        };
        self.smallest.push(smallest);
        self.keys.push(keys);
        Ok(())
    }

    /// Keys all by `b`.
    pub(super) fn rekey(&mut self, query: &Query, b: f32) {
        for (i, block) in self.blocks.iter().enumerate() {
            self.keys[i] = keys_of(query, b, block);
            self.smallest[i] = least_of(&self.keys[i]);
        }
        self.least = least_of(&self.smallest);
    }

    /// The smallest key.
    pub(super) fn peek(&self) -> Option<f32> {
        let any = !self.smallest.is_empty()
            && (self.least < f32::INFINITY || self.find(self.least).is_some());
        any.then_some(self.least)
    }

    /// Takes a leaf with the smallest key.
    pub(super) fn pop(&mut self) -> Option<(f32, Pointer)> {
        let key = self.least;
        let (block, lane) = self.find(key)?;
        let at = std::mem::replace(&mut self.blocks[block].at[lane], Pointer::NONE);
        self.keys[block][lane] = f32::INFINITY;
        self.smallest[block] = least_of(&self.keys[block]);
        self.least = least_of(&self.smallest);
        Some((key, at))
    }

    /// Where a leaf with the smallest key is. A distance beyond `f32` is ∞ like the key of none.
    fn find(&self, key: f32) -> Option<(usize, usize)> {
        let blocks = self.smallest.iter().enumerate();
        blocks
            .filter(|(_, smallest)| **smallest == key)
            .find_map(|(i, _)| {
                let leaf = |lane: &usize| self.keys[i][*lane] == key && self.is_leaf(i, *lane);
                Some((i, (0..BLOCK).find(leaf)?))
            })
    }

    fn is_leaf(&self, block: usize, lane: usize) -> bool {
        !self.blocks[block].at[lane].is_none()
    }
}

fn keys_of(query: &Query, b: f32, block: &Block) -> [f32; BLOCK] {
    let mut keys = [0.0; BLOCK];
    let leaves = block.near.iter().zip(&block.radius).zip(&block.at);
    for (key, ((near, radius), at)) in keys.iter_mut().zip(leaves) {
        *key = match at.is_none() {
            true => f32::INFINITY,
            false => list_key(query, *near, *radius, b),
        };
    }
    keys
}

/// The smallest of numbers that are no NaN, in eight independent minima, which the compiler keeps in vector registers.
fn least_of(keys: &[f32]) -> f32 {
    let mut least = [f32::INFINITY; 8];
    let (eights, rest) = keys.as_chunks::<8>();
    for eight in eights {
        for (least, key) in least.iter_mut().zip(eight) {
            *least = if key < least { *key } else { *least };
        }
    }
    least
        .iter()
        .chain(rest)
        .copied()
        .fold(f32::INFINITY, f32::min)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn leaves_come_in_order(near in prop::collection::vec(prop_oneof![0f32..4.0, Just(f32::INFINITY), Just(f32::NAN)], 0..200)) {
            let query = Query::for_assignment(&[1.0]);
            let mut leaves = Leaves::default();
            for (i, part) in near.chunks(BLOCK).enumerate() {
                let mut block = EMPTY;
                for (lane, near) in part.iter().enumerate() {
                    block.near[lane] = *near;
                    block.at[lane] = Pointer { block: (i * BLOCK + lane) as u32, slot: 0 };
                }
                leaves.push(&query, 0.0, &block).unwrap();
            }
            leaves.rekey(&query, 0.5);
            let mut taken = Vec::new();
            while let Some(key) = leaves.peek() {
                let (popped, at) = leaves.pop().unwrap();
                prop_assert_eq!(key, popped);
                prop_assert_eq!(key, list_key(&query, near[at.block as usize], 0.0, 0.5));
                taken.push((key, at.block));
            }
            prop_assert!(leaves.pop().is_none() && taken.is_sorted_by(|a, b| a.0 <= b.0));
            let mut places: Vec<u32> = taken.iter().map(|t| t.1).collect();
            places.sort_unstable();
            prop_assert_eq!(places, (0..near.len() as u32).collect::<Vec<_>>());
        }
    }
}
