//! Vacuum, in three passes that a crash may separate anywhere.
//!
//! 1. Refine pages: the record of a dead row becomes *dead*; dead ones from an earlier, unfinished vacuum count too.
//! 2. List pages: entries that point to dead records are removed; groups left empty belong to no list.
//! 3. Dead records become *free*, to be reused by inserts.
//!
//! No record is freed before every entry pointing to it is gone, so an entry never points to a row it was not made for,
//! except for a moment in a scan that read the entry before pass 2: the row it finds is newer than its snapshot.

use crate::error::{Error, Result};
use crate::grow::{self, Claim};
use crate::index::{Index, Searchable};
use crate::lanes;
use crate::layout::group::{FREE_TAG, Group};
use crate::layout::{self, PageKind, Pointer, Tid, refine, tids};
use crate::pages;
use crate::row_set::RowSet;
use crate::space::Space;
use crate::store::{BlockNumber, NO_BLOCK, Transaction, WriteStore};
use crate::walk;
use quantize::room;

/// What a vacuum did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VacuumStats {
    /// Rows removed, with and without a code.
    pub removed: u64,
    /// Rows left.
    pub left: u64,
    /// Sign entries removed.
    pub entries: u64,
    /// Blocks of the index.
    pub blocks: u32,
}

/// Removes the rows for which `is_dead` holds.
pub fn vacuum<S: WriteStore>(
    index: &Index<&S>,
    is_dead: &mut dyn FnMut(Tid) -> bool,
) -> Result<VacuumStats> {
    let store = *index.store();
    let blocks = store.block_count()?;
    let mut stats = VacuumStats {
        blocks,
        ..VacuumStats::default()
    };
    remove_codeless(store, index.meta().tids, is_dead, &mut stats)?;
    if let Index::Searchable(index) = index {
        remove_rows(index, is_dead, &mut stats)?;
    }
    Ok(stats)
}

/// The three passes over rows with a code.
fn remove_rows<S: WriteStore>(
    index: &Searchable<&S>,
    is_dead: &mut dyn FnMut(Tid) -> bool,
    stats: &mut VacuumStats,
) -> Result<()> {
    let (store, space, blocks) = (*index.store(), index.space(), stats.blocks);
    let mut dead = RowSet::new(blocks, space.refine.per_page)?;
    let mut dead_blocks = Vec::new();
    for block in 1..blocks {
        store.check_interrupts()?;
        match store.read(block, |page| layout::kind(block, page))? {
            // Added by a transaction that never committed.
            None => store.note_free(block, true)?,
            Some(PageKind::Refine) => {
                if mark_dead(store, space, block, is_dead, &mut dead, stats)? {
                    room::push(&mut dead_blocks, block)?;
                }
            }
            Some(_) => {}
        }
    }
    if !dead_blocks.is_empty() {
        // No list is split meanwhile: an entry copied behind our back would outlive its row.
        let _claim = Claim::take(store)?;
        let Some(index) = grow::settled(store)? else {
            return Ok(());
        };
        for head in walk::buckets(store, space, index.meta().root)? {
            clean_bucket(store, space, head, &dead, stats)?;
        }
        for block in dead_blocks {
            free_dead(store, space, block, &dead)?;
        }
    }
    Ok(())
}

/// Pass 1 on one page; whether it has dead records now.
fn mark_dead<S: WriteStore>(
    store: &S,
    space: &Space,
    block: BlockNumber,
    is_dead: &mut dyn FnMut(Tid) -> bool,
    dead: &mut RowSet,
    stats: &mut VacuumStats,
) -> Result<bool> {
    let mut newly = Vec::new();
    let mut any = false;
    store.read(block, |page| {
        for (slot, record) in space.refine.records(page) {
            match refine::state(record) {
                refine::DEAD => {
                    any = true;
                    dead.insert(Pointer { block, slot });
                }
                refine::LIVE if is_dead(refine::tid(record)) => {
                    newly.push((slot, refine::tid(record)))
                }
                refine::LIVE => stats.left += 1,
                _ => {}
            }
        }
        Ok(())
    })?;
    if newly.is_empty() {
        return Ok(any);
    }
    let mut transaction = store.begin()?;
    let place = transaction.open(block)?;
    layout::expect(block, transaction.page(place), PageKind::Refine)?;
    let mut page = transaction.page_mut(place);
    for (slot, tid) in newly {
        // Only vacuum changes the state of a used slot, so it is still the same row; look anyway.
        let record = space.refine.get_mut(page.bytes(), usize::from(slot));
        let same = record.filter(|r| refine::state(r) == refine::LIVE && refine::tid(r) == tid);
        if let Some(record) = same {
            refine::set_state(record, refine::DEAD);
            dead.insert(Pointer { block, slot });
            stats.removed += 1;
        }
    }
    transaction.commit()?;
    Ok(true)
}

/// Pass 2 on one bucket; afterwards inserts look for room from its first page on.
fn clean_bucket<S: WriteStore>(
    store: &S,
    space: &Space,
    head: BlockNumber,
    dead: &RowSet,
    stats: &mut VacuumStats,
) -> Result<()> {
    let layout = &space.leaf;
    let mut affected = Vec::new();
    // Where inserts look for room behind the first page, and whether that is behind all room there is now.
    let (mut hint, mut is_behind) = (NO_BLOCK, false);
    pages::for_each_in_chain(store, head, |block, page| {
        layout.check(block, page)?;
        if block == head {
            hint = layout::room_hint(page);
        }
        is_behind |= block == hint && !affected.is_empty();
        if (0..layout.used(page)).any(|g| dead_lane(layout.group(page, g), dead).is_some()) {
            room::push(&mut affected, block)?;
        }
        Ok(())
    })?;
    let Some(first) = affected.first().copied() else {
        return Ok(());
    };
    for block in affected {
        let mut transaction = store.begin()?;
        let places = lanes::open_all(&mut transaction, &[head, block])?;
        let (head_place, place) = (places[0], places[1]);
        layout.check(block, transaction.page(place))?;
        let mut page = transaction.page_mut(place);
        let bytes = page.bytes();
        for g in 0..layout.used(bytes) {
            while let Some(lane) = dead_lane(layout.group(bytes, g), dead) {
                layout.group_mut(bytes, g).remove(lane);
                stats.entries += 1;
            }
            if layout.group(bytes, g).entries().next().is_none() {
                layout.set_tag(bytes, g, FREE_TAG);
            }
        }
        if block == first && is_behind {
            layout::set_room_hint(transaction.page_mut(head_place).bytes(), first);
        }
        transaction.commit()?;
    }
    Ok(())
}

/// The first lane whose entry points to a dead row.
fn dead_lane(group: Group<&[u8]>, dead: &RowSet) -> Option<usize> {
    let mut lanes = group.entries();
    lanes.find_map(|(lane, to)| dead.contains(to.pointer).then_some(lane))
}

/// Pass 3 on one page.
fn free_dead<S: WriteStore>(
    store: &S,
    space: &Space,
    block: BlockNumber,
    dead: &RowSet,
) -> Result<()> {
    let mut transaction = store.begin()?;
    let place = transaction.open(block)?;
    layout::expect(block, transaction.page(place), PageKind::Refine)?;
    let mut page = transaction.page_mut(place);
    for slot in 0..space.refine.count(page.bytes()) {
        if !dead.contains(Pointer {
            block,
            slot: slot as u16,
        }) {
            continue;
        }
        if let Some(record) = space.refine.get_mut(page.bytes(), slot)
            && refine::state(record) == refine::DEAD
        {
            record.fill(0);
        }
    }
    transaction.commit()?;
    store.note_free(block, true)
}

/// Removes dead rows from the tids list that begins at `head`.
fn remove_codeless<S: WriteStore>(
    store: &S,
    head: BlockNumber,
    is_dead: &mut dyn FnMut(Tid) -> bool,
    stats: &mut VacuumStats,
) -> Result<()> {
    let slots = tids::slots();
    let mut affected = Vec::new();
    pages::for_each_in_chain(store, head, |block, page| {
        layout::expect(block, page, PageKind::Tids)?;
        let (mut gone, mut left) = (0, 0);
        for (_, entry) in slots.records(page) {
            match tids::state(entry) {
                tids::FREE => {}
                _ if is_dead(tids::tid(entry)) => gone += 1,
                _ => left += 1,
            }
        }
        stats.left += left;
        if gone > 0 {
            room::push(&mut affected, block)?;
        }
        Ok(())
    })?;
    for (i, block) in affected.iter().enumerate() {
        let mut transaction = store.begin()?;
        let head_place = transaction.open(head)?;
        if *block < head {
            return Err(Error::corrupt(head, "chain of tids pages runs backwards"));
        }
        let place = transaction.open(*block)?;
        layout::expect(*block, transaction.page(place), PageKind::Tids)?;
        let mut page = transaction.page_mut(place);
        for slot in 0..slots.count(page.bytes()) {
            if let Some(entry) = slots.get_mut(page.bytes(), slot)
                && tids::state(entry) != tids::FREE
                && is_dead(tids::tid(entry))
            {
                entry.fill(0);
                stats.removed += 1;
            }
        }
        if i == 0 {
            layout::set_room_hint(transaction.page_mut(head_place).bytes(), *block);
        }
        transaction.commit()?;
    }
    Ok(())
}
