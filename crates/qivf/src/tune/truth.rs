//! The true neighbours of sampled queries, by comparing every row: pages are copied by the calling thread, compared by
//! workers.

use super::others::Others;
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
    Ok(neighbours_and_others(index, workers, sample, k, 0)?.0)
}

/// The same, and for the first `far` queries the distances of a sample of all rows.
pub(super) fn neighbours_and_others<S: PageStore>(
    index: &Searchable<S>,
    workers: &Workers<'_>,
    sample: &[Sampled],
    k: usize,
    far: usize,
) -> Result<(Vec<Truth>, Others)> {
    let found = RefCell::new((vec![Truth::new(); sample.len()], Others::new(far)));
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
            let (all, others) = &*found.borrow();
            let bars: Vec<f64> = all.iter().map(|t| bar(t, k)).collect();
            Ok(Some((pages, bars, others.another())))
        },
        |(pages, mut bars, mut others)| {
            let mut found: Vec<Truth> = vec![Truth::new(); sample.len()];
            for pages in pages.chunks(TOGETHER) {
                for ((sampled, bar), found) in sample.iter().zip(&mut bars).zip(&mut found) {
                    for (block, page) in pages {
                        compare(space, sampled, (*block, page), (k, bar), found);
                    }
                }
            }
            for (block, page) in &pages {
                others.look(space, &sample[..far], (*block, page));
            }
            (pages.len(), found, others)
        },
        |(pages, found_there, others_there)| {
            let (all, others) = &mut *found.borrow_mut();
            for (truth, found) in all.iter_mut().zip(found_there) {
                if !found.is_empty() {
                    truth.extend(found);
                    shorten(truth, k);
                }
            }
            others.merge(&others_there);
            done += pages as u64;
            workers
                .host
                .progress(Phase::Tuning, done, u64::from(blocks));
            Ok(())
        },
    )?;
    let (mut all, others) = found.into_inner();
    all.iter_mut().for_each(|truth| shorten(truth, k));
    Ok((all, others))
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
