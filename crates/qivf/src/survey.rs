//! A bounded look at an index: what it holds, counted page by page while that is quick, estimated from pages spread
//! evenly over the file beyond.

use crate::error::Result;
use crate::index::{Index, Searchable};
use crate::layout::meta::Meta;
use crate::layout::{self, PageKind, Slots, refine, tids};
use crate::space::{Metric, Space};
use crate::store::{BlockNumber, PageStore};

/// Pages read at most.
const PAGES: BlockNumber = 512;

/// An index is due for a rebuild whose rows' root-mean-square norm has grown by this factor, where the metric is the inner product.
const NORM_GROWTH: f64 = 1.15;

/// What an index holds. Counts are estimates where [`Survey::estimated`] says so.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Survey {
    /// Blocks.
    pub blocks: u32,
    /// Whether the numbers below rest on some of the pages only.
    pub estimated: bool,
    /// Blocks never written: added by a transaction that did not commit.
    pub empty_blocks: u64,
    /// List pages, of the root and of inner nodes too.
    pub list_pages: u64,
    /// Refine pages.
    pub refine_pages: u64,
    /// Live rows with a code.
    pub rows: u64,
    /// Rows without.
    pub codeless: u64,
    /// Dead records that a vacuum has yet to free.
    pub dead: u64,
    /// Free refine slots.
    pub free: u64,
    /// Sign entries of rows.
    pub entries: u64,
    /// Root-mean-square norm of the rows with a code; 0 without rows, and where all codes have the same norm.
    pub norm: f64,
}

/// Counts of the pages looked at.
#[derive(Default)]
struct Counts {
    empty_blocks: u64,
    list_pages: u64,
    refine_pages: u64,
    rows: u64,
    codeless: u64,
    dead: u64,
    free: u64,
    entries: u64,
    squares: f64,
}

/// Looks at an index.
pub fn survey<S: PageStore>(index: &Index<S>) -> Result<Survey> {
    let blocks = index.store().block_count()?;
    let looked_at = blocks.min(PAGES);
    let space = index.searchable().map(Searchable::space);
    let mut counts = Counts::default();
    for i in 0..looked_at {
        index.store().check_interrupts()?;
        // Spread evenly; every block where there are few.
        let block = (u64::from(i) * u64::from(blocks) / u64::from(looked_at)) as BlockNumber;
        index
            .store()
            .read(block, |page| counts.add(space, block, page))?;
    }
    let all = |count: u64| match looked_at {
        0 => 0,
        _ => (count * u64::from(blocks) + u64::from(looked_at) / 2) / u64::from(looked_at),
    };
    Ok(Survey {
        blocks,
        estimated: looked_at < blocks,
        empty_blocks: all(counts.empty_blocks),
        list_pages: all(counts.list_pages),
        refine_pages: all(counts.refine_pages),
        rows: all(counts.rows),
        codeless: all(counts.codeless),
        dead: all(counts.dead),
        free: all(counts.free),
        entries: all(counts.entries),
        norm: (counts.squares / counts.rows.max(1) as f64).sqrt(),
    })
}

impl Survey {
    /// Why the index should be built again, in words; none while it serves well.
    pub fn reindex_reason(&self, meta: &Meta) -> Option<String> {
        let by_norm = Metric::from_number(meta.metric) == Some(Metric::InnerProduct);
        let grown = self.norm / f64::from(meta.norm);
        (by_norm && meta.norm > 0.0 && grown > NORM_GROWTH).then(|| {
            format!("its rows are {grown:.2} times as long as those that it was built from")
        })
    }
}

impl Counts {
    fn add(&mut self, space: Option<&Space>, block: BlockNumber, page: &[u8]) -> Result<()> {
        match (layout::kind(block, page)?, space) {
            (None, _) => self.empty_blocks += 1,
            (Some(PageKind::Tids), _) => self.add_codeless(page),
            (Some(PageKind::List), Some(space)) => {
                self.list_pages += 1;
                if page.get(2) == Some(&space.leaf.level()) {
                    space.leaf.check(block, page)?;
                    self.add_entries(space, page);
                }
            }
            (Some(PageKind::Refine), Some(space)) => {
                self.refine_pages += 1;
                self.add_records(space.refine, page);
            }
            _ => {}
        }
        Ok(())
    }

    fn add_codeless(&mut self, page: &[u8]) {
        let slots = tids::slots();
        let used = (0..slots.count(page))
            .filter_map(|slot| slots.get(page, slot))
            .filter(|entry| tids::state(entry) != tids::FREE);
        self.codeless += used.count() as u64;
    }

    fn add_entries(&mut self, space: &Space, page: &[u8]) {
        for group in 0..space.leaf.used(page) {
            let group = space.leaf.group(page, group);
            let used = (0..space.leaf.lanes).filter(|lane| !group.pointer(*lane).pointer.is_none());
            self.entries += used.count() as u64;
        }
    }

    fn add_records(&mut self, slots: Slots, page: &[u8]) {
        for record in (0..slots.count(page)).filter_map(|slot| slots.get(page, slot)) {
            match refine::state(record) {
                refine::LIVE => {
                    self.rows += 1;
                    let scale = f64::from(refine::scale(record));
                    self.squares += scale * scale * f64::from(refine::sum_squares(record));
                }
                refine::DEAD => self.dead += 1,
                _ => self.free += 1,
            }
        }
    }
}
