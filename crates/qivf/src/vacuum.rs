//! Vacuum, in three passes that a crash may separate anywhere.
//!
//! 1. Refine pages: the record of a dead row becomes *dead*; dead ones from an earlier, unfinished vacuum count too.
//! 2. List pages: entries that point to dead records are removed; groups left empty belong to no list.
//! 3. Dead records become *free*, to be reused by inserts.
//!
//! No record is freed before every entry pointing to it is gone, so an entry never points to a row it was not made for,
//! except for a moment in a scan that read the entry before pass 2: the row it finds is newer than its snapshot.

use crate::error::{Error, Result};
use crate::index::Index;
use crate::layout::group::FREE_TAG;
use crate::layout::{self, PageKind, Pointer, Tid, refine, tids};
use crate::scan::seen::Seen;
use crate::space::Space;
use crate::store::{BlockNumber, Transaction, WriteStore};
use crate::walk;

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
    remove_codeless(index, is_dead, &mut stats)?;
    let Some(space) = index.space() else {
        return Ok(stats);
    };
    let mut dead = Seen::new(blocks, space.refine.per_page)?;
    let mut dead_blocks = Vec::new();
    for block in 1..blocks {
        store.check_interrupts()?;
        match store.read(block, |page| layout::kind(block, page))? {
            // Added by a transaction that never committed.
            None => store.note_free(block, true)?,
            Some(PageKind::Refine) => {
                if mark_dead(store, space, block, is_dead, &mut dead, &mut stats)? {
                    dead_blocks.push(block);
                }
            }
            Some(_) => {}
        }
    }
    if !dead_blocks.is_empty() {
        for head in walk::buckets(index)? {
            clean_bucket(store, space, head, &dead, &mut stats)?;
        }
        for block in dead_blocks {
            free_dead(store, space, block, &dead)?;
        }
    }
    Ok(stats)
}

/// Pass 1 on one page; whether it has dead records now.
fn mark_dead<S: WriteStore>(
    store: &S,
    space: &Space,
    block: BlockNumber,
    is_dead: &mut dyn FnMut(Tid) -> bool,
    dead: &mut Seen,
    stats: &mut VacuumStats,
) -> Result<bool> {
    let mut newly = Vec::new();
    let mut any = false;
    store.read(block, |page| {
        for (slot, record) in records(space, page) {
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

fn records<'a>(space: &'a Space, page: &'a [u8]) -> impl Iterator<Item = (u16, &'a [u8])> {
    (0..space.refine.count(page))
        .filter_map(|slot| Some((slot as u16, space.refine.get(page, slot)?)))
}

/// Pass 2 on one bucket; afterwards inserts look for room from its first page on.
fn clean_bucket<S: WriteStore>(
    store: &S,
    space: &Space,
    head: BlockNumber,
    dead: &Seen,
    stats: &mut VacuumStats,
) -> Result<()> {
    let layout = &space.leaf;
    let mut affected = Vec::new();
    walk::chain(store, head, |block, page| {
        layout.check(block, page)?;
        let hit = (0..layout.used(page)).any(|g| {
            let group = layout.group(page, g);
            (0..layout.lanes).any(|lane| points_to(dead, group.pointer(lane).pointer))
        });
        if hit {
            affected.push(block);
        }
        Ok(())
    })?;
    let Some(first) = affected.first().copied() else {
        return Ok(());
    };
    for block in affected {
        let mut transaction = store.begin()?;
        let head_place = transaction.open(head)?;
        if block < head {
            return Err(Error::corrupt(head, "chain of list pages runs backwards"));
        }
        let place = transaction.open(block)?;
        layout.check(block, transaction.page(place))?;
        let mut page = transaction.page_mut(place);
        let bytes = page.bytes();
        for g in 0..layout.used(bytes) {
            for lane in 0..layout.lanes {
                if points_to(dead, layout.group(bytes, g).pointer(lane).pointer) {
                    layout.group_mut(bytes, g).remove(lane);
                    stats.entries += 1;
                }
            }
            let group = layout.group(bytes, g);
            if (0..layout.lanes).all(|lane| group.pointer(lane).pointer.is_none()) {
                layout.set_tag(bytes, g, FREE_TAG);
            }
        }
        // The page that has room first.
        let hinted = layout::room_hint(transaction.page(head_place));
        if block == first && hinted != crate::store::NO_BLOCK && hinted > first {
            layout::set_room_hint(transaction.page_mut(head_place).bytes(), first);
        }
        transaction.commit()?;
    }
    Ok(())
}

fn points_to(dead: &Seen, at: Pointer) -> bool {
    !at.is_none() && dead.contains(at)
}

/// Pass 3 on one page.
fn free_dead<S: WriteStore>(
    store: &S,
    space: &Space,
    block: BlockNumber,
    dead: &Seen,
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

fn remove_codeless<S: WriteStore>(
    index: &Index<&S>,
    is_dead: &mut dyn FnMut(Tid) -> bool,
    stats: &mut VacuumStats,
) -> Result<()> {
    let store = *index.store();
    let slots = tids::slots();
    let head = index.meta().tids;
    let mut affected = Vec::new();
    walk::chain(&store, head, |block, page| {
        layout::expect(block, page, PageKind::Tids)?;
        let used = (0..slots.count(page))
            .filter_map(|s| slots.get(page, s))
            .filter(|e| e[6] != tids::FREE);
        let (mut gone, mut left) = (0, 0);
        used.for_each(|e| {
            if is_dead(refine::tid(e)) {
                gone += 1
            } else {
                left += 1
            }
        });
        stats.left += left;
        if gone > 0 {
            affected.push(block);
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
                && entry[6] != tids::FREE
                && is_dead(refine::tid(entry))
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
