//! The seam between the index and whatever holds its pages.
//!
//! The algorithms see numbered blocks of 8 KB, each with a *payload*: the bytes between the page header and
//! `pd_lower`, at most [`CAPACITY`]. In Postgres a read is a pinned buffer under a shared content lock for the
//! duration of a closure, a [`Transaction`] is one `GenericXLog` record, and `len` of a page is its `pd_lower`.
//!
//! Rules every implementation keeps and every caller relies on:
//! - Closures given to [`PageStore::read`] never call the store: a reader holds one lock at most.
//! - A transaction registers at most [`MAX_PAGES`] existing or new pages, existing ones in ascending block order
//!   (that is the lock order), and becomes durable as a whole by [`Transaction::commit`]; dropped, it leaves no trace
//!   except that a new block may stay behind, all zeros.
//! - Bytes beyond the payload's length are not kept.

use crate::error::{Error, Result};
use std::ops::Range;

/// The number of a page, from 0.
pub type BlockNumber = u32;

/// "No block": the end of a chain.
pub const NO_BLOCK: BlockNumber = u32::MAX;

/// Bytes of a Postgres page header, where the payload begins.
pub const PAGE_HEADER: usize = 24;

/// Bytes of special space at the end of a page, left to the store (a page identifier for pg_filedump).
pub const PAGE_SPECIAL: usize = 8;

/// The longest payload of a page.
pub const CAPACITY: usize = 8192 - PAGE_HEADER - PAGE_SPECIAL;

/// Pages a transaction may touch: what one generic WAL record takes.
pub const MAX_PAGES: usize = 4;

/// Reads pages.
pub trait PageStore {
    /// Calls `f` with the payload of `block`, under a shared lock.
    fn read<R>(&self, block: BlockNumber, f: impl FnOnce(&[u8]) -> Result<R>) -> Result<R>;

    /// Hints that bytes of the payload of `block` will be read soon.
    fn prefetch(&self, block: BlockNumber, bytes: Range<usize>) {
        let _ = (block, bytes);
    }

    /// How many blocks there are.
    fn block_count(&self) -> Result<BlockNumber>;

    /// Called often, and never with a lock held: the place to notice a cancel.
    fn check_interrupts(&self) -> Result<()> {
        Ok(())
    }
}

/// Changes pages, several at a time.
pub trait WriteStore: PageStore {
    /// A set of pages under exclusive locks.
    type Transaction<'a>: Transaction
    where
        Self: 'a;

    /// Begins a transaction.
    fn begin(&self) -> Result<Self::Transaction<'_>>;

    /// A block that was noted to have room, if one is known. Only a hint: the caller checks under lock.
    fn find_free(&self) -> Result<Option<BlockNumber>>;

    /// Notes that `block` has room (`true`) or none.
    fn note_free(&self, block: BlockNumber, has_room: bool) -> Result<()>;

    /// Takes the right to change lists and nodes, which one session has at a time; `false` if another has it, unless the
    /// caller wants to `wait`. A session that fails loses it.
    fn claim(&self, wait: bool) -> Result<bool>;

    /// Gives the right back.
    fn release(&self);
}

/// Pages under exclusive locks, changed together or not at all.
pub trait Transaction: Sized {
    /// Locks `block` and returns its place in this transaction. Blocks come in ascending order; the block opened
    /// last may be asked for again.
    fn open(&mut self, block: BlockNumber) -> Result<usize>;

    /// Adds an empty page at the end of the file. It counts as the highest block and is registered like the others.
    fn extend(&mut self) -> Result<(BlockNumber, usize)>;

    /// The payload of an opened page.
    fn page(&self, place: usize) -> &[u8];

    /// The payload of an opened page, for change. Only pages asked for in this way are logged.
    fn page_mut(&mut self, place: usize) -> PageMut<'_>;

    /// Makes all changes durable at once and releases the locks.
    fn commit(self) -> Result<()>;
}

/// Writes the pages of an index that nobody else sees yet, each once, in any order; logged as a whole at the end.
pub trait BulkStore: PageStore {
    /// Sets the payload of `block`.
    fn put(&mut self, block: BlockNumber, payload: &[u8]) -> Result<()>;
}

/// A growable payload inside a page.
#[derive(Debug)]
pub struct PageMut<'a> {
    lower: &'a mut u16,
    body: &'a mut [u8],
}

impl<'a> PageMut<'a> {
    /// `lower` is the page's `pd_lower`, `body` the [`CAPACITY`] bytes after its header.
    pub fn new(lower: &'a mut u16, body: &'a mut [u8]) -> Self {
        debug_assert_eq!(body.len(), CAPACITY);
        Self { lower, body }
    }

    /// Bytes of payload.
    pub fn len(&self) -> usize {
        usize::from(*self.lower)
            .saturating_sub(PAGE_HEADER)
            .min(self.body.len())
    }

    /// Whether there is no payload.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The payload.
    pub fn bytes(&mut self) -> &mut [u8] {
        let len = self.len();
        &mut self.body[..len]
    }

    /// Grows or shrinks the payload; new bytes are zero.
    pub fn set_len(&mut self, len: usize) -> Result<()> {
        let old = self.len();
        if len > self.body.len() {
            return Err(Error::Full);
        }
        if len > old {
            self.body[old..len].fill(0);
        }
        *self.lower = (len + PAGE_HEADER) as u16;
        Ok(())
    }

    /// Replaces the payload.
    pub fn replace(&mut self, payload: &[u8]) -> Result<()> {
        self.set_len(payload.len())?;
        self.bytes().copy_from_slice(payload);
        Ok(())
    }
}

/// A file that holds what does not fit memory during a build.
pub trait SpillFile {
    /// Appends `bytes`.
    fn append(&mut self, bytes: &[u8]) -> Result<()>;

    /// Fills `bytes` from `offset`.
    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> Result<()>;
}

impl<S: PageStore> PageStore for &S {
    fn read<R>(&self, block: BlockNumber, f: impl FnOnce(&[u8]) -> Result<R>) -> Result<R> {
        (**self).read(block, f)
    }

    fn prefetch(&self, block: BlockNumber, bytes: Range<usize>) {
        (**self).prefetch(block, bytes)
    }

    fn block_count(&self) -> Result<BlockNumber> {
        (**self).block_count()
    }

    fn check_interrupts(&self) -> Result<()> {
        (**self).check_interrupts()
    }
}
