//! Pages in memory: the store of the tests, which can also fail like a machine that loses power.
//!
//! [`MemoryStore::crash_after`] lets a number of commits through and then fails every further write, as a server
//! does that stops between two WAL records; the pages then are what recovery would leave. Lock rules are checked:
//! ascending order, at most [`MAX_PAGES`], no read inside a read, nothing beyond a payload kept.

use crate::error::{Error, Result};
use crate::store::*;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::ops::Range;

#[derive(Clone)]
struct Page {
    lower: u16,
    body: Box<[u8]>,
}

impl Page {
    fn new() -> Self {
        Self {
            lower: PAGE_HEADER as u16,
            body: vec![0; CAPACITY].into_boxed_slice(),
        }
    }

    fn payload(&self) -> &[u8] {
        &self.body[..usize::from(self.lower) - PAGE_HEADER]
    }
}

/// Pages in memory.
#[derive(Default)]
pub struct MemoryStore {
    pages: RefCell<Vec<Page>>,
    free: RefCell<BTreeSet<BlockNumber>>,
    reading: Cell<bool>,
    commits_left: Cell<Option<u64>>,
    commits: Cell<u64>,
    cancelled: Cell<bool>,
    claimed: Cell<bool>,
    meanwhile: RefCell<Option<Meanwhile>>,
}

/// What another session does.
type Meanwhile = Box<dyn FnMut(&MemoryStore)>;

#[derive(Debug)]
struct Simulated(&'static str);

impl std::fmt::Display for Simulated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Simulated {}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore")
            .field("pages", &self.pages.borrow().len())
            .finish_non_exhaustive()
    }
}

fn simulated(what: &'static str) -> Error {
    Error::Store(Box::new(Simulated(what)))
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets `commits` more transactions commit, then fails every commit.
    pub fn crash_after(&self, commits: u64) {
        self.commits_left.set(Some(commits));
    }

    /// Lets everything work again, as after recovery. Free-space notes are lost in a crash.
    pub fn recover(&self) {
        self.commits_left.set(None);
        self.claimed.set(false);
        self.free.borrow_mut().clear();
    }

    /// Lets another session do something before every transaction and wherever interrupts are looked for; `None` lets it
    /// rest. It is not called while it is at work itself.
    pub fn meanwhile(&self, other: Option<Meanwhile>) {
        *self.meanwhile.borrow_mut() = other;
    }

    fn let_others(&self) {
        let other = self.meanwhile.borrow_mut().take();
        if let Some(mut other) = other {
            other(self);
            *self.meanwhile.borrow_mut() = Some(other);
        }
    }

    /// How many transactions have committed.
    pub fn commits(&self) -> u64 {
        self.commits.get()
    }

    /// Makes [`PageStore::check_interrupts`] fail, or work again.
    pub fn cancel(&self, cancelled: bool) {
        self.cancelled.set(cancelled);
    }

    /// Changes the payload of `block` behind the index's back.
    pub fn tamper(&self, block: BlockNumber, f: impl FnOnce(&mut Vec<u8>)) {
        let page = &mut self.pages.borrow_mut()[block as usize];
        let mut payload = page.payload().to_vec();
        f(&mut payload);
        payload.truncate(CAPACITY);
        page.body.fill(0);
        page.body[..payload.len()].copy_from_slice(&payload);
        page.lower = (payload.len() + PAGE_HEADER) as u16;
    }
}

impl PageStore for MemoryStore {
    fn read<R>(&self, block: BlockNumber, f: impl FnOnce(&[u8]) -> Result<R>) -> Result<R> {
        assert!(
            !self.reading.get(),
            "a page is read while another is locked"
        );
        let pages = self.pages.borrow();
        let page = pages
            .get(block as usize)
            .ok_or(Error::corrupt(block, "block does not exist"))?;
        self.reading.set(true);
        let result = f(page.payload());
        self.reading.set(false);
        result
    }

    fn prefetch(&self, block: BlockNumber, bytes: Range<usize>) {
        if let Some(page) = self.pages.borrow().get(block as usize) {
            quantize::prefetch(page.body.get(bytes).unwrap_or_default());
        }
    }

    fn block_count(&self) -> Result<BlockNumber> {
        Ok(self.pages.borrow().len() as BlockNumber)
    }

    fn check_interrupts(&self) -> Result<()> {
        assert!(
            !self.reading.get(),
            "interrupts are checked with a page locked"
        );
        if self.cancelled.get() {
            return Err(simulated("canceling statement due to user request"));
        }
        self.let_others();
        Ok(())
    }
}

impl BulkStore for MemoryStore {
    fn put(&mut self, block: BlockNumber, payload: &[u8]) -> Result<()> {
        let pages = self.pages.get_mut();
        while pages.len() <= block as usize {
            pages.push(Page::new());
        }
        let page = &mut pages[block as usize];
        PageMut::new(&mut page.lower, &mut page.body).replace(payload)
    }
}

impl WriteStore for MemoryStore {
    type Transaction<'a> = MemoryTransaction<'a>;

    fn begin(&self) -> Result<Self::Transaction<'_>> {
        self.let_others();
        Ok(MemoryTransaction {
            store: self,
            opened: Vec::new(),
        })
    }

    fn find_free(&self) -> Result<Option<BlockNumber>> {
        Ok(self.free.borrow().first().copied())
    }

    fn note_free(&self, block: BlockNumber, has_room: bool) -> Result<()> {
        if has_room {
            self.free.borrow_mut().insert(block);
        } else {
            self.free.borrow_mut().remove(&block);
        }
        Ok(())
    }

    fn claim(&self, wait: bool) -> Result<bool> {
        if self.claimed.get() {
            // Whoever has it can't go on meanwhile.
            return if wait {
                Err(simulated("would wait for ever"))
            } else {
                Ok(false)
            };
        }
        self.claimed.set(true);
        Ok(true)
    }

    fn release(&self) {
        self.claimed.set(false);
    }
}

/// A transaction on a [`MemoryStore`]: private copies until the commit.
pub struct MemoryTransaction<'a> {
    store: &'a MemoryStore,
    opened: Vec<(BlockNumber, Page, bool)>,
}

impl MemoryTransaction<'_> {
    fn push(&mut self, block: BlockNumber, page: Page) -> usize {
        assert!(
            self.opened.len() < MAX_PAGES,
            "too many pages in a transaction"
        );
        self.opened.push((block, page, false));
        self.opened.len() - 1
    }
}

impl Transaction for MemoryTransaction<'_> {
    fn open(&mut self, block: BlockNumber) -> Result<usize> {
        if let Some((last, ..)) = self.opened.last() {
            if *last == block {
                return Ok(self.opened.len() - 1);
            }
            assert!(*last < block, "pages are locked out of order");
        }
        let page = self.store.pages.borrow().get(block as usize).cloned();
        let page = page.ok_or(Error::corrupt(block, "block does not exist"))?;
        Ok(self.push(block, page))
    }

    fn extend(&mut self) -> Result<(BlockNumber, usize)> {
        let block = {
            // Extending a file is not part of the transaction: after an abort the empty page stays.
            let mut pages = self.store.pages.borrow_mut();
            pages.push(Page::new());
            (pages.len() - 1) as BlockNumber
        };
        Ok((block, self.push(block, Page::new())))
    }

    fn page(&self, place: usize) -> &[u8] {
        self.opened[place].1.payload()
    }

    fn page_mut(&mut self, place: usize) -> PageMut<'_> {
        let (_, page, changed) = &mut self.opened[place];
        *changed = true;
        PageMut::new(&mut page.lower, &mut page.body)
    }

    fn commit(self) -> Result<()> {
        if let Some(left) = self.store.commits_left.get() {
            if left == 0 {
                return Err(simulated("simulated crash"));
            }
            self.store.commits_left.set(Some(left - 1));
        }
        let mut pages = self.store.pages.borrow_mut();
        for (block, mut page, changed) in self.opened {
            if changed {
                // What the log does to the hole of a page.
                let len = usize::from(page.lower) - PAGE_HEADER;
                page.body[len..].fill(0);
                pages[block as usize] = page;
            }
        }
        self.store.commits.set(self.store.commits.get() + 1);
        Ok(())
    }
}

/// A spill file in memory.
#[derive(Default)]
pub struct MemorySpill(Vec<u8>);

impl SpillFile for MemorySpill {
    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> Result<()> {
        let start = offset as usize;
        bytes.copy_from_slice(&self.0[start..start + bytes.len()]);
        Ok(())
    }
}
