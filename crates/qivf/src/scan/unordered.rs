//! Rows outside the order: those without a code, last of every scan; and all rows, for a query without a nearest one.

use super::options::Candidate;
use crate::error::Result;
use crate::layout::{self, PageKind, refine, tids};
use crate::pages::{self, Chain};
use crate::query::Degenerate;
use crate::space::Space;
use crate::store::{BlockNumber, PageStore};

/// Walks pages, keeping the rows of one at a time.
pub(crate) struct Unordered {
    next_block: BlockNumber,
    refine_done: bool,
    tids: BlockNumber,
    codeless: Chain,
    /// NULLs sort after every distance, so they leave in a second walk.
    nulls: bool,
    waiting: Vec<Candidate>,
}

impl Unordered {
    /// Starts at the first page; `tids` is the head of the tids chain.
    pub(crate) fn new(tids: BlockNumber) -> Self {
        Self {
            next_block: 0,
            refine_done: false,
            tids,
            codeless: Chain::new(tids),
            nulls: false,
            waiting: Vec::new(),
        }
    }

    /// The next row; rows with a code, which there are only in a `space`, when `all` says why the query has no order.
    pub(crate) fn next<S: PageStore>(
        &mut self,
        store: &S,
        space: Option<&Space>,
        all: Option<Degenerate>,
    ) -> Result<Option<Candidate>> {
        loop {
            if let Some(candidate) = self.waiting.pop() {
                return Ok(Some(candidate));
            }
            store.check_interrupts()?;
            if let (Some(space), Some(why), false) = (space, all, self.refine_done) {
                self.read_rows(store, space, why)?;
            } else if !self.codeless.is_at_end() {
                self.read_tids(store, all)?;
            } else if !self.nulls {
                (self.nulls, self.codeless) = (true, Chain::new(self.tids));
            } else {
                return Ok(None);
            }
        }
    }

    fn read_rows<S: PageStore>(&mut self, store: &S, space: &Space, why: Degenerate) -> Result<()> {
        let block = self.next_block;
        if block >= store.block_count()? {
            self.refine_done = true;
            return Ok(());
        }
        self.next_block += 1;
        let waiting = &mut self.waiting;
        store.read(block, |page| {
            if layout::kind(block, page)? != Some(PageKind::Refine) {
                return Ok(());
            }
            waiting.extend(pages::live_rows(space, page).map(|(_, record)| Candidate {
                tid: refine::tid(record),
                distance: f64::INFINITY,
                exact: true,
                null: why == Degenerate::Null,
            }));
            Ok(())
        })
    }

    fn read_tids<S: PageStore>(&mut self, store: &S, all: Option<Degenerate>) -> Result<()> {
        let wanted = if self.nulls { tids::NULL } else { tids::ZERO };
        let waiting = &mut self.waiting;
        self.codeless.read(store, |block, page| {
            layout::expect(block, page, PageKind::Tids)?;
            for (_, entry) in tids::slots().records(page) {
                let state = tids::state(entry);
                if state == wanted {
                    waiting.push(Candidate {
                        tid: tids::tid(entry),
                        distance: f64::INFINITY,
                        exact: true,
                        null: state == tids::NULL || all == Some(Degenerate::Null),
                    });
                }
            }
            Ok(())
        })?;
        Ok(())
    }
}
