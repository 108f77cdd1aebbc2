//! Up to four pages changed as one WAL record.

use pgrx::pg_sys;
use qivf::store::{BlockNumber, MAX_PAGES, PageMut, Transaction};
use qivf::{Error, Result};

use super::page;

/// A generic WAL record in the making. Committed, or without effect.
pub struct XlogTransaction {
    relation: pg_sys::Relation,
    /// Begun with the first page that is to change.
    state: *mut pg_sys::GenericXLogState,
    pages: Vec<LockedPage>,
}

struct LockedPage {
    block: BlockNumber,
    buffer: pg_sys::Buffer,
    /// The image that generic WAL takes the changes from, once the page is to change.
    image: Option<pg_sys::Page>,
    is_new: bool,
}

impl XlogTransaction {
    pub(super) fn new(relation: pg_sys::Relation) -> Self {
        Self {
            relation,
            state: std::ptr::null_mut(),
            pages: Vec::with_capacity(MAX_PAGES),
        }
    }

    fn add(&mut self, buffer: pg_sys::Buffer, is_new: bool) -> (BlockNumber, usize) {
        // SAFETY: the buffer is pinned.
        let block = unsafe { pg_sys::BufferGetBlockNumber(buffer) };
        self.pages.push(LockedPage {
            block,
            buffer,
            image: None,
            is_new,
        });
        (block, self.pages.len() - 1)
    }

    /// Lets go of the pages, last first.
    fn release(&mut self) {
        for page in self.pages.drain(..).rev() {
            // SAFETY: pinned and locked by us, once.
            unsafe { pg_sys::UnlockReleaseBuffer(page.buffer) }
        }
    }
}

impl Transaction for XlogTransaction {
    fn open(&mut self, block: BlockNumber) -> Result<usize> {
        if let Some(last) = self.pages.last() {
            if last.block == block {
                return Ok(self.pages.len() - 1);
            }
            debug_assert!(last.block < block, "pages are locked in ascending order");
        }
        if self.pages.len() == MAX_PAGES {
            return Err(Error::corrupt(block, "a change spans too many pages"));
        }
        // SAFETY: the relation is open; the lock is held until commit or drop.
        let buffer = unsafe {
            let buffer = pg_sys::ReadBuffer(self.relation, block);
            pg_sys::LockBuffer(buffer, pg_sys::BUFFER_LOCK_EXCLUSIVE as i32);
            buffer
        };
        Ok(self.add(buffer, false).1)
    }

    fn extend(&mut self) -> Result<(BlockNumber, usize)> {
        // The lock on extension is held for the extension only; nobody else can know the new block yet.
        // SAFETY: the relation is open; P_NEW (InvalidBlockNumber) asks for a new block at the end.
        let buffer = unsafe {
            let lock = pg_sys::ExclusiveLock as i32;
            pg_sys::LockRelationForExtension(self.relation, lock);
            let buffer = pg_sys::ReadBuffer(self.relation, pg_sys::InvalidBlockNumber);
            pg_sys::LockBuffer(buffer, pg_sys::BUFFER_LOCK_EXCLUSIVE as i32);
            pg_sys::UnlockRelationForExtension(self.relation, lock);
            buffer
        };
        Ok(self.add(buffer, true))
    }

    fn page(&self, place: usize) -> &[u8] {
        let page = &self.pages[place];
        // SAFETY: exclusively locked by us; a changed page is read from its image.
        unsafe {
            page::payload(
                page.image
                    .unwrap_or_else(|| pg_sys::BufferGetPage(page.buffer)),
            )
        }
    }

    fn page_mut(&mut self, place: usize) -> PageMut<'_> {
        // SAFETY: the buffers are locked by us; the image lives until the record is finished or aborted, and `&mut self`
        // keeps it from being seen twice.
        unsafe {
            if self.state.is_null() {
                self.state = pg_sys::GenericXLogStart(self.relation);
            }
            let page = &mut self.pages[place];
            let image = *page.image.get_or_insert_with(|| {
                // A page of zeros, left by a transaction that did not end well, is new too: replay does not take a change to
                // what has no header.
                let is_zero = page::is_zero(pg_sys::BufferGetPage(page.buffer));
                let flags = if page.is_new || is_zero {
                    pg_sys::GENERIC_XLOG_FULL_IMAGE as i32
                } else {
                    0
                };
                pg_sys::GenericXLogRegisterBuffer(self.state, page.buffer, flags)
            });
            page::payload_mut(image)
        }
    }

    fn commit(mut self) -> Result<()> {
        let state = std::mem::replace(&mut self.state, std::ptr::null_mut());
        if !state.is_null() {
            // SAFETY: begun by us, with our locked buffers.
            unsafe { pg_sys::GenericXLogFinish(state) };
        }
        self.release();
        Ok(())
    }
}

impl Drop for XlogTransaction {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        if !self.state.is_null() {
            // SAFETY: begun by us and not finished.
            unsafe { pg_sys::GenericXLogAbort(self.state) };
        }
        self.release();
    }
}
