//! Opening what the frontier has reached: lists, sign entries, records.

use super::lists::{self, ListTerms};
use super::{Ordered, Row, STEPS, Scan, UPPERS};
use crate::error::{Error, Result};
use crate::layout::group::SECOND_HOME;
use crate::layout::{Pointer, refine};
use crate::store::PageStore;
use std::cmp::Reverse;

impl<S: PageStore> Scan<S> {
    /// Scores a list and queues the entries in reach.
    pub(super) fn score_list(&mut self, i: usize) -> Result<()> {
        let list = self.lists[i];
        let Some(space) = self.index.space() else {
            return Ok(());
        };
        let terms = ListTerms::new(
            space,
            &self.query,
            list.leaf.dot,
            list.leaf.node.norm_squared,
        );
        let mut scored = std::mem::take(&mut self.scratch);
        lists::score_leaf(
            self.index.store(),
            space,
            &self.query,
            &list.leaf.node,
            terms,
            &mut scored,
        )?;
        self.stats.lists += 1;
        self.stats.codes += scored.len() as u64;
        let wanted = f64::from(self.query.key_of(self.kth_upper()));
        let upto = reach(wanted, list.rest, STEPS[self.step], || {
            scored.iter().map(|s| f64::from(s.key))
        });
        let queued = list.queued.unwrap_or(f64::NEG_INFINITY);
        let mut rest = f64::INFINITY;
        for entry in &scored {
            let key = f64::from(entry.key);
            if key > upto {
                rest = rest.min(key);
            } else if (key > queued || list.queued.is_none())
                && !self.seen.contains(entry.to.pointer)
            {
                self.code_queue
                    .push(Reverse((Ordered(key), entry.to.pointer)));
            }
        }
        self.scratch = scored;
        self.requeue(i, upto, rest, self.query.distance_of(rest as f32));
        Ok(())
    }

    /// Remembers how far list `i` is queued, and queues it again for the rest at `distance`.
    fn requeue(&mut self, i: usize, upto: f64, rest: f64, distance: f64) {
        let list = &mut self.lists[i];
        list.queued = Some(list.queued.map_or(upto, |queued| queued.max(upto)));
        list.rest = rest;
        if rest < f64::INFINITY {
            self.list_queue.push(Reverse((Ordered(distance), i as u32)));
        }
    }

    /// Refines every first-home entry of a list: what makes target 1 certain.
    pub(super) fn refine_list(&mut self, i: usize) -> Result<()> {
        let list = self.lists[i];
        let Some(space) = self.index.space() else {
            return Ok(());
        };
        let mut pointers = Vec::new();
        let node = list.leaf.node;
        lists::for_each_group(
            self.index.store(),
            &space.leaf,
            node.head,
            node.tag,
            |group| {
                for lane in 0..space.leaf.lanes {
                    let to = group.pointer(lane);
                    if !to.pointer.is_none() && to.flags & SECOND_HOME == 0 {
                        pointers.push(to.pointer);
                    }
                }
                Ok(())
            },
        )?;
        self.stats.lists += 1;
        let mut refined = Vec::with_capacity(pointers.len());
        for at in pointers {
            let row = lists::with_row(self.index.store(), space, at, |record| {
                (refine::tid(record), self.query.refine(space, record))
            })?;
            refined.extend(row);
            self.stats.rows += 1;
            if self.stats.rows.is_multiple_of(64) {
                self.index.store().check_interrupts()?;
            }
        }
        if list.queued.is_none() {
            refined
                .iter()
                .for_each(|(_, row)| self.add_upper(row.upper));
        }
        let bounds = || refined.iter().map(|(_, row)| row.bound);
        let upto = reach(self.kth_upper(), list.rest, STEPS[self.step], bounds);
        let mut rest = f64::INFINITY;
        for (tid, row) in refined {
            if row.bound > upto {
                rest = rest.min(row.bound);
            } else if list.queued.is_none_or(|queued| row.bound > queued) {
                self.rows.push(Reverse(Row {
                    bound: Ordered(row.bound),
                    tid,
                }));
            }
        }
        self.requeue(i, upto, rest, rest);
        Ok(())
    }

    /// Reads the record of a sign entry and queues the row, unless its other entry came first.
    pub(super) fn refine(&mut self, at: Pointer) -> Result<()> {
        let Some(space) = self.index.space() else {
            return Ok(());
        };
        if self.seen.is_beyond(at) {
            self.seen.grow(self.index.store().block_count()?)?;
            if self.seen.is_beyond(at) {
                return Err(Error::corrupt(at.block, "block does not exist"));
            }
        }
        if !self.seen.insert(at) {
            return Ok(());
        }
        let row = lists::with_row(self.index.store(), space, at, |record| {
            (refine::tid(record), self.query.refine(space, record))
        })?;
        self.stats.rows += 1;
        if let Some((tid, refined)) = row {
            self.add_upper(refined.upper);
            self.rows.push(Reverse(Row {
                bound: Ordered(refined.bound),
                tid,
            }));
        }
        Ok(())
    }

    fn add_upper(&mut self, upper: f64) {
        let at = self.uppers.partition_point(|u| *u <= upper);
        if at < UPPERS {
            self.uppers.truncate(UPPERS - 1);
            self.uppers.insert(at, upper);
        }
    }
}

/// How far to queue the entries of a list whose rest begins at `rest`: to `wanted`, if that is a reach at all, else
/// to the `some` nearest of the rest. At least one entry of the rest is in reach.
fn reach<I: Iterator<Item = f64>>(
    wanted: f64,
    rest: f64,
    some: usize,
    entries: impl Fn() -> I,
) -> f64 {
    if wanted < f64::INFINITY && wanted >= rest {
        return wanted;
    }
    let mut waiting: Vec<f64> = entries().filter(|entry| *entry >= rest).collect();
    match some.min(waiting.len()) {
        0 => rest,
        some => *waiting.select_nth_unstable_by(some - 1, f64::total_cmp).1,
    }
}
