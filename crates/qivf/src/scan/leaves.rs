//! Leaves that wait for their turn: many come in, few are taken, the nearest first.
//!
//! Keys stand side by side in blocks, with the smallest of each block; taking one costs a look at the blocks and one block
//! looked through. That beats a heap or sorting, whose work is in what is never taken.

use crate::error::Result;
use crate::layout::Pointer;
use crate::opening::Opening;
use crate::query::Query;
use crate::query::keys::list_key;
use crate::root_cache::RootCache;
use quantize::room;
use quantize::sign_code::BLOCK;
use std::sync::Arc;

/// What some nodes show of themselves in their sign entries; lanes from `count` on are meaningless.
pub(super) struct Shown<'a> {
    pub count: usize,
    /// Optimistic: ‖q − c‖, or ⟨q, c⟩ under inner product.
    pub near: &'a [f32; BLOCK],
    pub radius: &'a [f32; BLOCK],
    pub at: &'a [Pointer; BLOCK],
}

/// A leaf whose turn has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Next {
    pub key: f32,
    /// Its node record.
    pub at: Pointer,
    /// Which entry of the root cache it is, if it is one.
    pub entry: Option<usize>,
}

/// Radii and places of leaves that are not entries of the root cache.
struct Own {
    radius: [f32; BLOCK],
    at: [Pointer; BLOCK],
}

/// Leaves and their keys.
#[derive(Default)]
pub(super) struct Leaves {
    /// The cache whose entries are the leaves, in order.
    cache: Option<Arc<RootCache>>,
    own: Vec<Own>,
    near: Vec<[f32; BLOCK]>,
    /// ∞ where there is no leaf, or where it was taken.
    keys: Vec<[f32; BLOCK]>,
    /// The smallest key of each block, and of all.
    smallest: Vec<f32>,
    least: f32,
    /// By how much of themselves distances are taken to be less.
    slack: f32,
}

impl Leaves {
    /// None yet; if a `cache` is given, what is pushed are its blocks, one after the other.
    pub(super) fn new(cache: Option<Arc<RootCache>>) -> Result<Self> {
        let mut leaves = Self {
            least: f32::INFINITY,
            ..Self::default()
        };
        if let Some(cache) = cache {
            leaves.reserve(cache.block_count())?;
            leaves.cache = Some(cache);
        }
        Ok(leaves)
    }

    fn reserve(&mut self, blocks: usize) -> Result<()> {
        room::reserve(&mut self.near, blocks)?;
        room::reserve(&mut self.keys, blocks)?;
        room::reserve(&mut self.smallest, blocks)?;
        Ok(())
    }

    /// Adds leaves, keyed by `opening`.
    pub(super) fn push(
        &mut self,
        query: &Query,
        opening: &Opening,
        shown: &Shown<'_>,
    ) -> Result<()> {
        self.reserve(1)?;
        if self.cache.is_none() {
            let (radius, at) = (*shown.radius, *shown.at);
            room::push(&mut self.own, Own { radius, at })?;
        }
        let mut keys = keys_of(query, opening, self.slack, shown.near, shown.radius);
        keys[shown.count..].fill(f32::INFINITY);
        let smallest = least_of(&keys);
        self.near.push(*shown.near);
        self.keys.push(keys);
        self.smallest.push(smallest);
        self.least = self.least.min(smallest);
        Ok(())
    }

    /// Keys all by `opening`.
    pub(super) fn rekey(&mut self, query: &Query, opening: &Opening, slack: f32) {
        self.slack = slack;
        for block in 0..self.keys.len() {
            let new = keys_of(query, opening, slack, &self.near[block], self.radius(block));
            for (key, new) in self.keys[block].iter_mut().zip(new) {
                *key = if *key < f32::INFINITY { new } else { *key };
            }
            self.smallest[block] = least_of(&self.keys[block]);
        }
        self.least = least_of(&self.smallest);
    }

    /// The smallest key.
    pub(super) fn peek(&self) -> Option<f32> {
        (self.least < f32::INFINITY).then_some(self.least)
    }

    /// Takes a leaf with the smallest key.
    pub(super) fn pop(&mut self) -> Option<Next> {
        let key = self.peek()?;
        let block = place_of(key, &self.smallest)?;
        let lane = place_of(key, &self.keys[block])?;
        self.keys[block][lane] = f32::INFINITY;
        self.smallest[block] = least_of(&self.keys[block]);
        self.least = least_of(&self.smallest);
        let (at, entry) = match &self.cache {
            Some(cache) => (cache.places(block)[lane], Some(block * BLOCK + lane)),
            None => (self.own[block].at[lane], None),
        };
        Some(Next { key, at, entry })
    }

    fn radius(&self, block: usize) -> &[f32; BLOCK] {
        match &self.cache {
            Some(cache) => cache.radii(block),
            None => &self.own[block].radius,
        }
    }
}

/// Finite, or −∞ where the distance is unknown.
fn keys_of(
    query: &Query,
    opening: &Opening,
    slack: f32,
    near: &[f32; BLOCK],
    radius: &[f32; BLOCK],
) -> [f32; BLOCK] {
    let mut keys = [0.0; BLOCK];
    let (factor, more) = match query.by_ip {
        // Where distances have a share less, inner products have twice that share of squared norms more.
        true => (1.0, 2.0 * slack * query.norm * query.norm),
        false => (1.0 - slack, 0.0),
    };
    for (key, (near, radius)) in keys.iter_mut().zip(near.iter().zip(radius)) {
        *key = list_key(query, *near * factor + more, *radius, opening);
    }
    keys
}

/// Where `key` is, looked for by eights, which the compiler compares at once.
fn place_of(key: f32, keys: &[f32]) -> Option<usize> {
    let (eights, rest) = keys.as_chunks::<8>();
    let any = |eight: &[f32; 8]| eight.iter().fold(false, |any, other| any | (*other == key));
    let eight = eights.iter().position(any);
    let (from, eight) = match eight {
        Some(i) => (8 * i, &eights[i][..]),
        None => (8 * eights.len(), rest),
    };
    Some(from + eight.iter().position(|other| *other == key)?)
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
            let mut leaves = Leaves::new(None).unwrap();
            let radius = [0.0; BLOCK];
            for (i, part) in near.chunks(BLOCK).enumerate() {
                let (mut near, mut at) = ([0.0; BLOCK], [Pointer::NONE; BLOCK]);
                near[..part.len()].copy_from_slice(part);
                for (lane, at) in at.iter_mut().enumerate().take(part.len()) {
                    *at = Pointer { block: (i * BLOCK + lane) as u32, slot: 0 };
                }
                let shown = Shown { count: part.len(), near: &near, radius: &radius, at: &at };
                leaves.push(&query, &Opening::radii(0.0), &shown).unwrap();
            }
            leaves.rekey(&query, &Opening::radii(0.5), 0.0);
            let mut taken = Vec::new();
            while let Some(key) = leaves.peek() {
                let next = leaves.pop().unwrap();
                prop_assert_eq!(key, next.key);
                prop_assert_eq!(key, list_key(&query, near[next.at.block as usize], 0.0, &Opening::radii(0.5)));
                taken.push((key, next.at.block));
                // Those taken stay taken.
                leaves.rekey(&query, &Opening::radii(0.5), 0.0);
            }
            prop_assert!(leaves.pop().is_none() && taken.is_sorted_by(|a, b| a.0 <= b.0));
            let mut places: Vec<u32> = taken.iter().map(|t| t.1).collect();
            places.sort_unstable();
            prop_assert_eq!(places, (0..near.len() as u32).collect::<Vec<_>>());
        }
    }
}
