//! The true neighbours of sampled queries, by comparing every row: pages are copied by the calling thread, compared by
//! workers.

use super::sample::Sampled;
use crate::error::Result;
use crate::index::Searchable;
use crate::layout::{self, PageKind, Pointer, Tid, refine};
use crate::pages;
use crate::space::Space;
use crate::store::{BlockNumber, PageStore};
use crate::workers::{Phase, Workers};
use std::cell::RefCell;

/// Pages per job.
const PAGES: usize = 64;
/// Pages compared with one query before the next: as many as stay in a fast cache.
const TOGETHER: usize = 4;

/// A true neighbour.
#[derive(Clone, Copy, Debug)]
pub(super) struct Neighbour {
    pub distance: f64,
    pub at: Pointer,
    pub tid: Tid,
}

/// The neighbours of one query, nearest first.
pub(super) type Truth = Vec<Neighbour>;

/// The `k` nearest rows of every query. For float rows, as the index knows them: by the middle of their bounds.
pub(super) fn neighbours<S: PageStore>(
    index: &Searchable<S>,
    workers: &Workers<'_>,
    sample: &[Sampled],
    k: usize,
) -> Result<Vec<Truth>> {
    let all = RefCell::new(vec![Truth::new(); sample.len()]);
    let space = index.space();
    let blocks = index.store().block_count()?;
    let mut next: BlockNumber = 0;
    let mut done = 0;
    workers.run(
        || {
            let mut pages: Vec<(BlockNumber, Vec<u8>)> = Vec::new();
            while next < blocks && pages.len() < PAGES {
                let page = index.store().read(next, |page| {
                    let rows = layout::kind(next, page)? == Some(PageKind::Refine);
                    Ok(rows.then(|| page.to_vec()))
                })?;
                pages.extend(page.map(|page| (next, page)));
                next += 1;
            }
            if pages.is_empty() {
                return Ok(None);
            }
            // The bars that rows must get under, so that few come back.
            let bars: Vec<f64> = all.borrow().iter().map(|t| bar(t, k)).collect();
            Ok(Some((pages, bars)))
        },
        |(pages, mut bars)| {
            let mut found: Vec<Truth> = vec![Truth::new(); sample.len()];
            for pages in pages.chunks(TOGETHER) {
                for ((sampled, bar), found) in sample.iter().zip(&mut bars).zip(&mut found) {
                    for (block, page) in pages {
                        compare(space, sampled, (*block, page), (k, bar), found);
                    }
                }
            }
            (pages.len(), found)
        },
        |(pages, found)| {
            for (truth, found) in all.borrow_mut().iter_mut().zip(found) {
                if !found.is_empty() {
                    truth.extend(found);
                    shorten(truth, k);
                }
            }
            done += pages as u64;
            workers
                .host
                .progress(Phase::Tuning, done, u64::from(blocks));
            Ok(())
        },
    )?;
    let mut all = all.into_inner();
    all.iter_mut().for_each(|truth| shorten(truth, k));
    Ok(all)
}

/// Adds to `found` the rows of a page that are nearer than `bar`, which falls as `k` are found.
fn compare(
    space: &Space,
    sampled: &Sampled,
    (block, page): (BlockNumber, &[u8]),
    (k, bar): (usize, &mut f64),
    found: &mut Truth,
) {
    for (slot, record) in pages::live_rows(space, page) {
        let at = Pointer { block, slot };
        if sampled.itself == Some(at) {
            continue;
        }
        let refined = sampled.query.refine(space, record);
        let distance = (refined.bound + refined.upper) / 2.0;
        if distance < *bar {
            found.push(Neighbour {
                distance,
                at,
                tid: refine::tid(record),
            });
            if found.len() >= 2 * k {
                shorten(found, k);
                *bar = bar.min(found[k - 1].distance);
            }
        }
    }
}

fn bar(truth: &Truth, k: usize) -> f64 {
    truth.get(k - 1).map_or(f64::INFINITY, |n| n.distance)
}

fn shorten(truth: &mut Truth, k: usize) {
    truth.sort_by(|a, b| a.distance.total_cmp(&b.distance));
    truth.truncate(k);
}
