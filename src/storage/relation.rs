//! An index relation as a page store.

use pgrx::pg_sys;
use qivf::Result;
use qivf::store::{BlockNumber, CAPACITY, PAGE_HEADER, PageStore, WriteStore};
use std::ops::Range;

use super::page;
use super::recent_buffers;
use super::transaction::XlogTransaction;
use crate::versions;

/// An open index relation. The caller keeps it open, and locked, for as long as copies of this exist.
#[derive(Clone, Copy)]
pub struct IndexRelation {
    relation: pg_sys::Relation,
    yielding: bool,
}

impl IndexRelation {
    /// # Safety
    /// `relation` is an open index that stays open while this value or a copy of it is used.
    pub unsafe fn new(relation: pg_sys::Relation) -> Self {
        Self {
            relation,
            yielding: false,
        }
    }

    /// The same for VACUUM, which sleeps now and then as its cost settings ask.
    pub fn yielding(self) -> Self {
        Self {
            yielding: true,
            ..self
        }
    }

    /// Makes free space noted by [`WriteStore::note_free`] known to searches.
    pub fn vacuum_free_space(&self) {
        // SAFETY: the relation is open.
        unsafe { pg_sys::FreeSpaceMapVacuum(self.relation) }
    }
}

impl PageStore for IndexRelation {
    fn read<R>(&self, block: BlockNumber, f: impl FnOnce(&[u8]) -> Result<R>) -> Result<R> {
        // SAFETY: pinned and share-locked until after `f`, so the page does not change meanwhile. A panic of `f` leaves
        // both to the abort.
        unsafe {
            let buffer = pg_sys::ReadBuffer(self.relation, block);
            recent_buffers::note((*self.relation).rd_id, block, buffer);
            pg_sys::LockBuffer(buffer, pg_sys::BUFFER_LOCK_SHARE as i32);
            let result = f(page::payload(pg_sys::BufferGetPage(buffer)));
            pg_sys::UnlockReleaseBuffer(buffer);
            result
        }
    }

    fn prefetch(&self, block: BlockNumber, bytes: Range<usize>) {
        let bytes = bytes.start + PAGE_HEADER..bytes.end + PAGE_HEADER;
        // SAFETY: the relation is open.
        recent_buffers::prefetch(unsafe { (*self.relation).rd_id }, block, bytes);
    }

    fn block_count(&self) -> Result<BlockNumber> {
        // SAFETY: the relation is open.
        Ok(unsafe {
            pg_sys::RelationGetNumberOfBlocksInFork(self.relation, pg_sys::ForkNumber::MAIN_FORKNUM)
        })
    }

    fn check_interrupts(&self) -> Result<()> {
        if !self.yielding {
            pgrx::check_for_interrupts!();
            return Ok(());
        }
        versions::vacuum_delay();
        Ok(())
    }
}

impl WriteStore for IndexRelation {
    type Transaction<'a> = XlogTransaction;

    fn begin(&self) -> Result<XlogTransaction> {
        Ok(XlogTransaction::new(self.relation))
    }

    fn find_free(&self) -> Result<Option<BlockNumber>> {
        // SAFETY: the relation is open.
        let block = unsafe { pg_sys::GetPageWithFreeSpace(self.relation, CAPACITY / 2) };
        Ok((block != pg_sys::InvalidBlockNumber).then_some(block))
    }

    fn note_free(&self, block: BlockNumber, has_room: bool) -> Result<()> {
        let room = if has_room { CAPACITY } else { 0 };
        // SAFETY: the relation is open.
        unsafe { pg_sys::RecordPageWithFreeSpace(self.relation, block, room) }
        Ok(())
    }

    fn claim(&self, wait: bool) -> Result<bool> {
        let mode = pg_sys::ExclusiveLock as i32;
        // A heavyweight lock: it lasts until it is released, or until the transaction fails. Whoever has it waits for no
        // other heavyweight lock but that on the extension of the file, which is always the last.
        // SAFETY: the relation is open.
        unsafe {
            if wait {
                pg_sys::LockPage(self.relation, 0, mode);
                return Ok(true);
            }
            Ok(pg_sys::ConditionalLockPage(self.relation, 0, mode))
        }
    }

    fn release(&self) {
        // An abort releases it.
        if !std::thread::panicking() {
            // SAFETY: the relation is open, and the lock is ours.
            unsafe { pg_sys::UnlockPage(self.relation, 0, pg_sys::ExclusiveLock as i32) }
        }
    }
}
