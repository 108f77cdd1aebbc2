//! Opening what the frontier has reached: lists, sign entries, records.

use super::leaves::Next;
use super::reach::Reach;
use super::scoring;
use super::search::{OpenList, Row, Search};
use super::uppers::Ordered;
use crate::error::{Error, Result};
use crate::layout::group::SECOND_HOME;
use crate::layout::{Pointer, refine};
use crate::pages;
use crate::query::keys::{self, Leaf, list_key};
use crate::store::PageStore;
use std::cmp::Reverse;

/// Leaves read at once: while one is looked at, the others are fetched from memory.
const AHEAD: usize = 4;

/// Entries from which a list is long. Each time one is opened it queues so many entries that it is opened a few times only,
/// however far the search goes; of a shorter one no more is queued than is in reach.
const LONG: usize = 1024;

/// While fewer are queued, a list that is opened again queues all it has, so that it need not be opened a third time.
const MANY: usize = 1 << 18;

/// How many entries a list that holds `entries`, of which `taken` are queued, queues at least when it is opened.
fn batch(k: usize, entries: usize, taken: usize) -> usize {
    match entries {
        0..LONG => k,
        _ => k.max(3 * taken).max(entries / 16),
    }
}

impl<S: PageStore> Search<S> {
    /// Takes the nearest thing that waits, which is at `frontier`.
    pub(super) fn step(&mut self, frontier: f64) -> Result<()> {
        self.index.store().check_interrupts()?;
        if let Some(Reverse((key, at))) = self.code_queue.peek()
            && self.query.distance_of(key.0 as f32) <= frontier
        {
            let at = *at;
            self.code_queue.pop();
            return self.refine(at);
        }
        if let Some(Reverse((key, i))) = self.list_queue.peek()
            && key.0 <= frontier
        {
            let i = *i as usize;
            self.list_queue.pop();
            return if self.exact() {
                self.refine_list(i)
            } else {
                self.score_list(i)
            };
        }
        self.read_leaves()
    }

    /// Reads the nodes of the next few leaves and queues their lists.
    fn read_leaves(&mut self) -> Result<()> {
        let Some(centroids) = &mut self.centroids else {
            return Ok(());
        };
        let (store, space) = (self.index.store(), self.index.space());
        let (query, cache) = (&self.query, self.index.root_cache());
        // Records in memory may be those of leaves that were split since.
        let cache = cache.filter(|_| self.changes.sighted == self.index.meta().version);
        let kept = |next: Next| cache?.record(next.entry?);
        let mut ahead = [None; AHEAD];
        for slot in &mut ahead {
            let Some(next) = centroids.advance(store, space, query)? else {
                break;
            };
            quantize::prefetch(kept(next).unwrap_or_default());
            *slot = Some(next);
        }
        for next in ahead.into_iter().flatten() {
            if self.changes.knows(next.at) {
                continue;
            }
            let leaf = |record: &[u8]| Leaf::of(space, query, record);
            let leaf = match kept(next) {
                Some(record) => leaf(record),
                None => pages::with_node(store, space, next.at, leaf)?,
            };
            space.leaf.prefetch(store, &leaf.node);
            let key = list_key(query, leaf.nearness, leaf.node.radius, &self.effort.opening);
            let key = query.distance_of(key);
            self.stats.centroids += 1;
            self.lists.push(OpenList::new(next.at, leaf));
            let list = self.lists.len() as u32 - 1;
            self.list_queue.push(Reverse((Ordered(key), list)));
        }
        self.follow_new()
    }

    /// Scores a list and queues the entries in reach.
    pub(super) fn score_list(&mut self, i: usize) -> Result<()> {
        let wanted = self.query.key_of(self.kth_upper());
        let guess = self.reach.as_mut().map_or(f32::INFINITY, Reach::guess);
        self.stats.lists += 1;
        let list = &mut self.lists[i];
        if list.queued.is_none() {
            list.margin = keys::margin(self.k);
        } else if list.entries < LONG && self.code_queue.len() < MANY {
            return self.queue_within(i, f32::MAX);
        }
        let upto = wanted.min(guess);
        let known = upto < f32::INFINITY || self.reach.is_some();
        let known = known && self.lists[i].entries < LONG;
        if known && f64::from(upto) >= self.lists[i].rest {
            self.queue_within(i, upto.min(f32::MAX))
        } else {
            self.queue_some(i)
        }
    }

    /// Queues the entries of a list with keys up to `upto`, those that are not yet.
    fn queue_within(&mut self, i: usize, upto: f32) -> Result<()> {
        let list = self.lists[i];
        let (store, space) = (self.index.store(), self.index.space());
        let (query, node) = (&self.query, &list.leaf.node);
        let (seen, queue, reach) = (&self.seen, &mut self.code_queue, &mut self.reach);
        let terms = list.leaf.terms(space, query, list.margin);
        let queued = list.queued.map(|queued| queued as f32);
        let mut taken = 0;
        let scored = scoring::score_leaf(store, space, query, (node, terms), upto, |key, at| {
            if queued.is_none_or(|queued| key > queued) && !seen.contains(at) {
                taken += 1;
                queue.push(Reverse((Ordered(f64::from(key)), at)));
                if let Some(reach) = reach {
                    reach.add(key);
                }
            }
        })?;
        self.stats.codes += scored.codes as u64;
        self.lists[i].taken += taken;
        self.lists[i].entries = scored.codes;
        self.requeue(i, f64::from(upto), f64::from(scored.beyond));
        Ok(())
    }

    /// Queues the nearest few entries of a list, of those that are not yet: while nothing says how far one has to look.
    fn queue_some(&mut self, i: usize) -> Result<()> {
        let list = self.lists[i];
        let (store, space) = (self.index.store(), self.index.space());
        let (query, node) = (&self.query, &list.leaf.node);
        let terms = list.leaf.terms(space, query, list.margin);
        let scored = &mut self.scratch;
        scored.clear();
        scoring::score_leaf(store, space, query, (node, terms), f32::MAX, |key, at| {
            scored.push((key, at));
        })?;
        self.stats.codes += scored.len() as u64;
        self.lists[i].entries = scored.len();
        let keys = || scored.iter().map(|entry| f64::from(entry.0));
        let upto = nearest(list.rest, batch(self.k, scored.len(), list.taken), keys);
        let rest = keys().filter(|key| *key > upto);
        let rest = rest.fold(f64::INFINITY, f64::min);
        for (key, at) in scored.iter().copied() {
            let key = f64::from(key);
            let new = key <= upto && list.queued.is_none_or(|queued| key > queued);
            if new && !self.seen.contains(at) {
                self.lists[i].taken += 1;
                self.code_queue.push(Reverse((Ordered(key), at)));
            }
        }
        self.requeue(i, upto, rest);
        Ok(())
    }

    /// Remembers how far list `i` is queued, and queues it again for the rest. Both are keys, or at target 1 distances.
    fn requeue(&mut self, i: usize, upto: f64, rest: f64) {
        let distance = match self.exact() {
            true => rest,
            false => self.query.distance_of(rest as f32),
        };
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
        let (store, space) = (self.index.store(), self.index.space());
        let mut pointers = Vec::new();
        let seen = &self.seen;
        pages::for_each_group(store, &space.leaf, &list.leaf.node, |group| {
            let first_homes = group.entries().map(|(_, to)| to);
            let first_homes = first_homes.filter(|to| to.flags & SECOND_HOME == 0);
            let new = first_homes
                .map(|to| to.pointer)
                .filter(|at| !seen.contains(*at));
            pointers.extend(new);
            Ok(())
        })?;
        self.stats.lists += 1;
        let mut refined = Vec::with_capacity(pointers.len());
        for at in pointers {
            let row = pages::with_row(store, space, at, |record| {
                (at, refine::tid(record), self.query.refine(space, record))
            })?;
            refined.extend(row);
            self.stats.rows += 1;
            if self.stats.rows.is_multiple_of(64) {
                store.check_interrupts()?;
            }
        }
        if list.queued.is_none() {
            refined
                .iter()
                .for_each(|(.., row)| self.uppers.add(row.upper));
        }
        let wanted = self.kth_upper();
        let known = wanted < f64::INFINITY && refined.len() < LONG;
        let upto = if known && wanted >= list.rest {
            wanted
        } else {
            let bounds = || refined.iter().map(|(.., row)| row.bound);
            nearest(list.rest, batch(self.k, refined.len(), list.taken), bounds)
        };
        let mut rest = f64::INFINITY;
        for (at, tid, row) in refined {
            if row.bound > upto {
                rest = rest.min(row.bound);
            } else if self.is_new(at)? {
                self.lists[i].taken += 1;
                self.rows.push(Reverse(Row {
                    bound: Ordered(row.bound),
                    tid,
                }));
            }
        }
        self.requeue(i, upto, rest);
        Ok(())
    }

    /// Notes a row as seen; `false` if it was already.
    pub(super) fn is_new(&mut self, at: Pointer) -> Result<bool> {
        if self.seen.is_beyond(at) {
            self.seen.grow(self.index.store().block_count()?)?;
            if self.seen.is_beyond(at) {
                return Err(Error::corrupt(at.block, "block does not exist"));
            }
        }
        Ok(self.seen.insert(at))
    }

    /// Reads the record of a sign entry and queues the row, unless its other entry came first.
    pub(super) fn refine(&mut self, at: Pointer) -> Result<()> {
        if !self.is_new(at)? {
            return Ok(());
        }
        let (store, space) = (self.index.store(), self.index.space());
        if let Some(Reverse((_, next))) = self.code_queue.peek() {
            let record = space.refine.place(usize::from(next.slot));
            store.prefetch(next.block, record);
        }
        let row = pages::with_row(store, space, at, |record| {
            (refine::tid(record), self.query.refine(space, record))
        })?;
        self.stats.rows += 1;
        if let Some((tid, refined)) = row {
            self.uppers.add(refined.upper);
            self.rows.push(Reverse(Row {
                bound: Ordered(refined.bound),
                tid,
            }));
        }
        Ok(())
    }
}

/// How far the `some` nearest entries lie of those from `rest` on; at least one is in reach.
fn nearest<I: Iterator<Item = f64>>(rest: f64, some: usize, entries: impl Fn() -> I) -> f64 {
    let mut waiting: Vec<f64> = entries().filter(|entry| *entry >= rest).collect();
    match some.min(waiting.len()) {
        0 => rest,
        some => *waiting.select_nth_unstable_by(some - 1, f64::total_cmp).1,
    }
}
