//! Lists that change while a search is on its way, see [`crate::grow`].
//!
//! Leaves are sighted once, at the beginning, perhaps from memory of some time ago. A leaf that was split since is noticed
//! by its epoch: its own new list and those of its successors are opened besides. What must not miss a row (a search at
//! target 1, one that has come to the end, one of an index that was flat) does not rely on that, but compares all rows
//! that it has not seen.

use super::search::{Row, Search};
use super::uppers::Ordered;
use crate::error::Result;
use crate::layout::{self, Pointer, meta, refine};
use crate::pages;
use crate::query::keys::{Leaf, list_key};
use crate::store::PageStore;
use quantize::room;
use std::cmp::Reverse;

impl<S: PageStore> Search<S> {
    /// Looks whether lists have changed under the search; `true` if there is more to open now. `finished` when nothing is
    /// left to open.
    pub(super) fn catch_up(&mut self, finished: bool) -> Result<bool> {
        let work = self.stats.lists + self.stats.centroids;
        if self.changes.swept || (work == self.changes.work && !finished) {
            return Ok(false);
        }
        self.changes.work = work;
        let state = self.index.store().read(0, meta::state)?;
        if state.version == self.changes.sighted && !state.unsettled {
            return Ok(false);
        }
        let to_the_end = finished && !self.has_enough();
        if self.exact() || self.index.meta().flat || to_the_end {
            self.sweep()?;
            return Ok(true);
        }
        let checked = (state.version, self.lists.len());
        if self.changes.checked == checked {
            return Ok(false);
        }
        let from = match self.changes.checked {
            (version, upto) if version == state.version => upto,
            _ => 0,
        };
        for i in from..checked.1 {
            self.look_again(i)?;
        }
        self.changes.checked = (state.version, self.lists.len());
        Ok(self.lists.len() > checked.1)
    }

    /// Opens the leaf of list `i` again if it has another list by now, and its successors.
    fn look_again(&mut self, i: usize) -> Result<()> {
        let (at, known) = (self.lists[i].at, self.lists[i].leaf.node.epoch);
        let (store, space) = (self.index.store(), self.index.space());
        let leaf = |record: &[u8]| Leaf::of(space, &self.query, record);
        let leaf = pages::with_node(store, space, at, leaf)?;
        if leaf.node.epoch == known {
            return Ok(());
        }
        // Once: the list stays among those opened.
        self.lists[i].leaf.node.epoch = leaf.node.epoch;
        self.open_leaf(at, leaf);
        self.follow(leaf.node.successor)
    }

    /// Opens the successors of leaves that were read last and are newer than sighted.
    pub(super) fn follow_new(&mut self) -> Result<()> {
        let upto = self.lists.len();
        for i in self.changes.fresh..upto {
            let node = self.lists[i].leaf.node;
            if node.is_newer_than(self.changes.sighted) {
                self.follow(node.successor)?;
            }
        }
        self.changes.fresh = self.lists.len();
        Ok(())
    }

    /// Opens a leaf and its successors, as far as they are newer than sighted.
    fn follow(&mut self, mut at: Pointer) -> Result<()> {
        while !at.is_none() {
            let (store, space) = (self.index.store(), self.index.space());
            let leaf = |record: &[u8]| Leaf::of(space, &self.query, record);
            let leaf = pages::with_node(store, space, at, leaf)?;
            if !leaf.node.is_newer_than(self.changes.sighted)
                || !room::insert(&mut self.changes.followed, at)?
            {
                break;
            }
            self.stats.centroids += 1;
            self.open_leaf(at, leaf);
            at = leaf.node.successor;
        }
        Ok(())
    }

    fn open_leaf(&mut self, at: Pointer, leaf: Leaf) {
        let key = list_key(
            &self.query,
            leaf.nearness,
            leaf.node.radius,
            &self.effort.opening,
        );
        self.push_list(at, leaf, self.query.distance_of(key));
    }

    /// Compares all rows that were not seen.
    fn sweep(&mut self) -> Result<()> {
        self.changes.swept = true;
        self.centroids = None;
        self.lists.clear();
        self.list_queue.clear();
        self.code_queue.clear();
        let mut block = 1;
        while block < self.index.store().block_count()? {
            self.index.store().check_interrupts()?;
            let (store, space, query) = (self.index.store(), self.index.space(), &self.query);
            let seen = &self.seen;
            let mut found = Vec::new();
            store.read(block, |page| {
                if layout::kind(block, page)? == Some(layout::PageKind::Refine) {
                    for (slot, record) in pages::live_rows(space, page) {
                        let at = Pointer { block, slot };
                        if !seen.contains(at) {
                            found.push((at, refine::tid(record), query.refine(space, record)));
                        }
                    }
                }
                Ok(())
            })?;
            self.stats.rows += found.len() as u64;
            for (at, tid, row) in found {
                if self.is_new(at)? {
                    self.uppers.add(row.upper);
                    let row = Row {
                        bound: Ordered(row.bound),
                        tid,
                    };
                    room::push_heap(&mut self.rows, Reverse(row))?;
                }
            }
            block += 1;
        }
        Ok(())
    }
}
