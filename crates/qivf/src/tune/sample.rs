//! Queries to learn from.

use crate::error::Result;
use crate::index::Searchable;
use crate::layout::{self, PageKind, Pointer, refine};
use crate::query::Query;
use crate::space::{Metric, Value};
use crate::store::PageStore;
use quantize::room;
use quantize::rotation::SplitMix64;

/// A query of the sample; a row used as query does not count as its own neighbour.
pub(super) struct Sampled {
    pub query: Query,
    pub itself: Option<Pointer>,
}

/// Given queries.
pub(super) fn sample_queries<S: PageStore>(
    index: &Searchable<S>,
    queries: &[Value<'_>],
    metric: Metric,
) -> Result<Vec<Sampled>> {
    let queries = queries.iter().map(|value| {
        Ok(Sampled {
            query: index.query(value, metric)?,
            itself: None,
        })
    });
    queries.collect()
}

/// Rows spread evenly over the refine pages.
pub(super) fn sample_rows<S: PageStore>(
    index: &Searchable<S>,
    count: usize,
) -> Result<Vec<Sampled>> {
    let (store, space) = (index.store(), index.space());
    let mut pages = Vec::new();
    for block in 0..store.block_count()? {
        if block % 64 == 0 {
            store.check_interrupts()?;
        }
        let kind = store.read(block, |page| layout::kind(block, page))?;
        if kind == Some(PageKind::Refine) {
            room::push(&mut pages, block)?;
        }
    }
    let mut generator = SplitMix64::new(3);
    let mut sampled = Vec::with_capacity(count);
    for i in 0..count.min(pages.len() * space.refine.per_page) {
        let block = pages[i * pages.len() / count.min(pages.len() * space.refine.per_page)];
        let start = generator.below(space.refine.per_page);
        let found = store.read(block, |page| {
            let slots = space.refine.count(page);
            let at = (0..slots).map(|i| (start + i) % slots.max(1)).find(|slot| {
                let taken = sampled.iter().any(|s: &Sampled| {
                    s.itself
                        == Some(Pointer {
                            block,
                            slot: *slot as u16,
                        })
                });
                !taken
                    && space
                        .refine
                        .get(page, *slot)
                        .is_some_and(|r| refine::state(r) == refine::LIVE)
            });
            let Some(slot) = at else { return Ok(None) };
            let Some(record) = space.refine.get(page, slot) else {
                return Ok(None);
            };
            let query = Query::from_record(space, record, index.meta().norm)?;
            Ok(Some(Sampled {
                query,
                itself: Some(Pointer {
                    block,
                    slot: slot as u16,
                }),
            }))
        })?;
        sampled.extend(found.filter(|s| s.query.degenerate.is_none()));
    }
    Ok(sampled)
}
