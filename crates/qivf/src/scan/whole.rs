//! Rows outside the order: those without a code, last of every scan; and all rows, for a query without a nearest one.

use super::Candidate;
use crate::error::{Error, Result};
use crate::index::Index;
use crate::layout::{self, PageKind, refine, tids};
use crate::query::Degenerate;
use crate::store::{BlockNumber, NO_BLOCK, PageStore};

/// Walks pages, keeping the rows of one at a time.
pub(crate) struct Whole {
    next_block: BlockNumber,
    refine_done: bool,
    tids: BlockNumber,
    next_tids: BlockNumber,
    /// NULLs sort after NaN, so they leave in a second walk.
    nulls: bool,
    tids_read: BlockNumber,
    waiting: Vec<Candidate>,
}

impl Whole {
    /// Starts at the first page; `tids` is the head of the tids chain.
    pub(crate) fn new(tids: BlockNumber) -> Self {
        Self {
            next_block: 0,
            refine_done: false,
            tids,
            next_tids: tids,
            nulls: false,
            tids_read: 0,
            waiting: Vec::new(),
        }
    }

    /// The next row; rows with a code only when `all` says why the query has no order.
    pub(crate) fn next<S: PageStore>(
        &mut self,
        index: &Index<S>,
        all: Option<Degenerate>,
    ) -> Result<Option<Candidate>> {
        loop {
            if let Some(candidate) = self.waiting.pop() {
                return Ok(Some(candidate));
            }
            index.store().check_interrupts()?;
            if let (Some(why), false) = (all, self.refine_done) {
                self.read_rows(index, why)?;
            } else if self.next_tids != NO_BLOCK {
                self.read_tids(index, all)?;
            } else if !self.nulls {
                (self.nulls, self.next_tids, self.tids_read) = (true, self.tids, 0);
            } else {
                return Ok(None);
            }
        }
    }

    fn read_rows<S: PageStore>(&mut self, index: &Index<S>, why: Degenerate) -> Result<()> {
        let block = self.next_block;
        let Some(space) = index.space() else {
            self.refine_done = true;
            return Ok(());
        };
        if block >= index.store().block_count()? {
            self.refine_done = true;
            return Ok(());
        }
        self.next_block += 1;
        let waiting = &mut self.waiting;
        index.store().read(block, |page| {
            if layout::kind(block, page)? != Some(PageKind::Refine) {
                return Ok(());
            }
            let records =
                (0..space.refine.count(page)).filter_map(|slot| space.refine.get(page, slot));
            let live = records.filter(|record| refine::state(record) == refine::LIVE);
            waiting.extend(live.map(|record| Candidate {
                tid: refine::tid(record),
                distance: f64::NAN,
                exact: true,
                null: why == Degenerate::Null,
            }));
            Ok(())
        })
    }

    fn read_tids<S: PageStore>(&mut self, index: &Index<S>, all: Option<Degenerate>) -> Result<()> {
        let block = self.next_tids;
        self.tids_read += 1;
        if self.tids_read > index.store().block_count()? {
            return Err(Error::corrupt(block, "chain of tids pages is a cycle"));
        }
        let wanted = if self.nulls { tids::NULL } else { tids::ZERO };
        let waiting = &mut self.waiting;
        self.next_tids = index.store().read(block, |page| {
            layout::expect(block, page, PageKind::Tids)?;
            let slots = tids::slots();
            for entry in (0..slots.count(page)).filter_map(|slot| slots.get(page, slot)) {
                if entry[6] == wanted {
                    waiting.push(Candidate {
                        tid: refine::tid(entry),
                        distance: f64::NAN,
                        exact: true,
                        null: entry[6] == tids::NULL || all == Some(Degenerate::Null),
                    });
                }
            }
            Ok(layout::next(page))
        })?;
        Ok(())
    }
}
