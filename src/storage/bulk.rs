//! The pages of an index that is being built: written through shared buffers, logged once at the end.

use pgrx::pg_sys;
use qivf::Result;
use qivf::store::{BlockNumber, BulkStore, PageStore};

use super::page;
use super::relation::IndexRelation;
use crate::versions;

/// Pages logged in one record, all pinned and locked at once: as many as Postgres takes, and few of a small buffer pool.
const LOGGED_TOGETHER: BlockNumber = 32;

/// One fork of an index that nobody else can see yet.
pub struct BulkRelation {
    relation: pg_sys::Relation,
    fork: pg_sys::ForkNumber::Type,
    blocks: BlockNumber,
}

impl BulkRelation {
    /// The main fork, or for `ambuildempty` the init fork, whose pages start an unlogged index anew after a crash.
    ///
    /// # Safety
    /// `relation` is an open index under an exclusive lock that outlives this value.
    pub unsafe fn new(relation: pg_sys::Relation, fork: pg_sys::ForkNumber::Type) -> Self {
        // SAFETY: the relation is open.
        let blocks = unsafe { pg_sys::RelationGetNumberOfBlocksInFork(relation, fork) };
        Self {
            relation,
            fork,
            blocks,
        }
    }

    /// Logs all pages by full images, if changes of this relation are logged (those of the init fork always are).
    ///
    /// With `wal_level = minimal` a file that is new in this transaction is not logged: it is written out at commit. A
    /// logged page would be worse than none: later changes of the same transaction aren't logged, and replay would put the
    /// page back to what it was before them.
    pub fn log(self) {
        // SAFETY: the relation is open.
        unsafe {
            if self.fork != pg_sys::ForkNumber::INIT_FORKNUM && !versions::needs_wal(self.relation)
            {
                return;
            }
            let step = LOGGED_TOGETHER
                .min(pg_sys::NBuffers as BlockNumber / 8)
                .max(1);
            for first in (0..self.blocks).step_by(step as usize) {
                let end = self.blocks.min(first.saturating_add(step));
                pg_sys::log_newpage_range(self.relation, self.fork, first, end, true);
            }
        }
    }

    /// Adds blocks up to and including `block`.
    fn extend_to(&mut self, block: BlockNumber) {
        while self.blocks <= block {
            // SAFETY: only we extend this relation, which is locked.
            unsafe {
                let buffer = self.buffer(pg_sys::InvalidBlockNumber);
                pg_sys::ReleaseBuffer(buffer);
            }
            self.blocks += 1;
        }
    }

    unsafe fn buffer(&self, block: BlockNumber) -> pg_sys::Buffer {
        let mode = pg_sys::ReadBufferMode::RBM_NORMAL;
        // SAFETY: the relation is open.
        unsafe {
            pg_sys::ReadBufferExtended(self.relation, self.fork, block, mode, std::ptr::null_mut())
        }
    }
}

impl PageStore for BulkRelation {
    fn read<R>(&self, block: BlockNumber, f: impl FnOnce(&[u8]) -> Result<R>) -> Result<R> {
        // SAFETY: the relation outlives this value.
        unsafe { IndexRelation::new(self.relation) }.read(block, f)
    }

    fn block_count(&self) -> Result<BlockNumber> {
        Ok(self.blocks)
    }

    fn check_interrupts(&self) -> Result<()> {
        pgrx::check_for_interrupts!();
        Ok(())
    }
}

impl BulkStore for BulkRelation {
    fn put(&mut self, block: BlockNumber, payload: &[u8]) -> Result<()> {
        self.extend_to(block);
        // SAFETY: pinned and exclusively locked while it changes. No critical section is needed: nothing is logged yet.
        unsafe {
            let buffer = self.buffer(block);
            pg_sys::LockBuffer(buffer, pg_sys::BUFFER_LOCK_EXCLUSIVE as i32);
            let result = page::payload_mut(pg_sys::BufferGetPage(buffer)).replace(payload);
            pg_sys::MarkBufferDirty(buffer);
            pg_sys::UnlockReleaseBuffer(buffer);
            result
        }
    }
}
