//! Pages for lists: spare ones, and whole lists written to pages that nothing points to yet.

use super::rows::Rows;
use crate::changes::change_meta_in;
use crate::error::Result;
use crate::geometry::distance;
use crate::layout;
use crate::layout::group::MAX_TAG;
use crate::layout::meta::{Leftover, Meta};
use crate::layout::node::Node;
use crate::space::Space;
use crate::store::{BlockNumber, NO_BLOCK, Transaction, WriteStore};
use quantize::row_code::round_up;

/// Share of a page that lists which share it may take, so that inserts find room.
const FILL: f64 = 0.9;

/// Writes `payload` to a spare list page, or to a new one.
fn put_page<S: WriteStore>(store: &S, space: &Space, payload: &[u8]) -> Result<BlockNumber> {
    let spare = store.read(0, |page| Ok(Meta::decode(page)?.spare))?;
    let mut transaction = store.begin()?;
    if spare == NO_BLOCK {
        let (block, place) = transaction.extend()?;
        transaction.page_mut(place).replace(payload)?;
        transaction.commit()?;
        return Ok(block);
    }
    let meta = transaction.open(0)?;
    let place = transaction.open(spare)?;
    space.leaf.check(spare, transaction.page(place))?;
    let next = layout::next(transaction.page(place));
    transaction.page_mut(place).replace(payload)?;
    change_meta_in(&mut transaction, meta, |meta| meta.spare = next)?;
    transaction.commit()?;
    Ok(spare)
}

/// Takes a list that is drained from its bucket. If no other is in it, its pages are left to become spare.
pub(super) fn leave_bucket<S: WriteStore>(
    store: &S,
    space: &Space,
    head: BlockNumber,
) -> Result<()> {
    let mut transaction = store.begin()?;
    let meta = transaction.open(0)?;
    let place = transaction.open(head)?;
    space.leaf.check(head, transaction.page(place))?;
    let owners = layout::owners(transaction.page(place)).saturating_sub(1);
    layout::set_owners(transaction.page_mut(place).bytes(), owners);
    change_meta_in(&mut transaction, meta, |meta| {
        meta.leftover = match owners {
            0 => Leftover::Pages { head },
            _ => Leftover::None,
        };
    })?;
    transaction.commit()
}

/// Makes the pages of a chain without an owner spare, one by one.
pub(super) fn make_spare<S: WriteStore>(
    store: &S,
    space: &Space,
    mut head: BlockNumber,
) -> Result<()> {
    while head != NO_BLOCK {
        store.check_interrupts()?;
        let mut transaction = store.begin()?;
        let meta = transaction.open(0)?;
        let place = transaction.open(head)?;
        space.leaf.check(head, transaction.page(place))?;
        let next = layout::next(transaction.page(place));
        let mut empty = space.leaf.empty();
        change_meta_in(&mut transaction, meta, |meta| {
            layout::set_next(&mut empty, meta.spare);
            meta.spare = head;
            meta.leftover = match next {
                NO_BLOCK => Leftover::None,
                head => Leftover::Pages { head },
            };
        })?;
        transaction.page_mut(place).replace(&empty)?;
        transaction.commit()?;
        head = next;
    }
    Ok(())
}

/// Writes lists one after the other, several to a page where they fit.
pub(super) struct Packer<'a, S: WriteStore> {
    store: &'a S,
    space: &'a Space,
    epoch: u32,
    page: Vec<u8>,
    /// Which of `records` have their lists on `page`.
    waiting: Vec<usize>,
    /// The nodes' records, complete but for the first blocks of those that wait.
    records: Vec<Vec<u8>>,
}

impl<'a, S: WriteStore> Packer<'a, S> {
    /// For nodes of this epoch.
    pub(super) fn new(store: &'a S, space: &'a Space, epoch: u32) -> Self {
        Self {
            store,
            space,
            epoch,
            page: space.leaf.empty(),
            waiting: Vec::new(),
            records: Vec::new(),
        }
    }

    /// Writes the list of some `rows` around `centroid`.
    pub(super) fn add(&mut self, centroid: &[f32], rows: &Rows, some: &[usize]) -> Result<()> {
        let layout = self.space.leaf;
        let mut record = vec![0; self.space.node.slots.size];
        self.space.node.encode(centroid, &mut record);
        let groups = some.len().div_ceil(layout.lanes);
        let limit = ((layout.groups as f64 * FILL) as usize).max(1);
        let mut node = Node {
            built: some.len() as u32,
            epoch: self.epoch,
            ..Node::default()
        };
        if some.is_empty() {
            node.write(&mut record);
            self.records.push(record);
            return Ok(());
        }
        if groups > limit {
            let mut pages = vec![layout.empty()];
            self.fill(&mut node, &record, rows, some, &mut pages);
            node.head = self.put_chain(pages)?;
        } else {
            let full = layout.used(&self.page) + groups > limit;
            if full || self.waiting.len() > usize::from(MAX_TAG) {
                self.flush()?;
            }
            node.tag = self.waiting.len() as u8;
            node.first_group = layout.used(&self.page) as u16;
            let mut pages = vec![std::mem::take(&mut self.page)];
            self.fill(&mut node, &record, rows, some, &mut pages);
            self.page = pages.pop().unwrap_or_else(|| layout.empty());
            self.waiting.push(self.records.len());
        }
        node.write(&mut record);
        self.records.push(record);
        Ok(())
    }

    /// Adds the entries of a list to the last of `pages` and others behind it, and notes how far they lie in `node`.
    fn fill(
        &self,
        node: &mut Node,
        record: &[u8],
        rows: &Rows,
        some: &[usize],
        pages: &mut Vec<Vec<u8>>,
    ) {
        let layout = self.space.leaf;
        let mut centroid = vec![0.0; self.space.dim];
        self.space.node.decode(record, &mut centroid);
        let mut code = vec![0; layout.words];
        let (mut squares, mut largest) = (0.0, 0.0f64);
        for (i, row) in some.iter().enumerate() {
            let x = rows.points.row(*row);
            let Some(x) = x.as_slice() else { continue };
            let d = distance(x, &centroid);
            squares += d * d;
            largest = largest.max(d + f64::from(rows.errors[*row]));
            let factors = self.space.sign_entry(x, &centroid, &mut code);
            let lane = i % layout.lanes;
            let full = |page: &Vec<u8>| layout.used(page) == layout.groups;
            if lane == 0 && pages.last().is_none_or(full) {
                pages.push(layout.empty());
            }
            let Some(page) = pages.last_mut() else {
                continue;
            };
            let group = match lane {
                0 => layout.push_group(page, node.tag),
                _ => layout.used(page) - 1,
            };
            let mut group = layout.group_mut(page, group);
            group.set(lane, &code, rows.entries[*row], &factors);
        }
        node.radius = (squares / some.len().max(1) as f64).sqrt() as f32;
        node.max_radius = round_up(largest * (1.0 + 1e-6));
    }

    /// Writes the pages of a list that has its bucket to itself.
    fn put_chain(&self, pages: Vec<Vec<u8>>) -> Result<BlockNumber> {
        let (mut next, mut last) = (NO_BLOCK, NO_BLOCK);
        for (i, mut page) in pages.into_iter().enumerate().rev() {
            layout::set_next(&mut page, next);
            if i == 0 {
                layout::set_owners(&mut page, 1);
                layout::set_room_hint(&mut page, last);
            }
            next = put_page(self.store, self.space, &page)?;
            if last == NO_BLOCK {
                last = next;
            }
        }
        Ok(next)
    }

    /// Writes the page that several lists share.
    fn flush(&mut self) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let mut page = std::mem::replace(&mut self.page, self.space.leaf.empty());
        layout::set_owners(&mut page, self.waiting.len() as u32);
        let head = put_page(self.store, self.space, &page)?;
        for list in self.waiting.drain(..) {
            let mut node = Node::read(&self.records[list]);
            node.head = head;
            node.write(&mut self.records[list]);
        }
        Ok(())
    }

    /// The nodes' records, in the order of the lists.
    pub(super) fn finish(mut self) -> Result<Vec<Vec<u8>>> {
        self.flush()?;
        Ok(self.records)
    }
}
