//! Writing the pages: nodes and their lists ([`tree`]), list pages in the order of the centroids, refine pages in the order
//! of the first homes. Where everything goes is known before the first byte is written.

mod bucket;
mod tree;

use super::assign::{Homes, NO_LIST};
use super::rows::Gathered;
use super::source::Source;
use crate::error::{Error, Result};
use crate::geometry::distance;
use crate::layout::group::{EntryPointer, SECOND_HOME};
use crate::layout::node::Node;
use crate::layout::{self, PageKind, Pointer, Tid};
use crate::space::Space;
use crate::store::{BlockNumber, BulkStore, CAPACITY, NO_BLOCK};
use crate::workers::{BuildHost, Phase, Workers};
use bucket::{Bucket, pack};
use quantize::room;
use quantize::row_code::round_up;
use tree::Tree;

/// Writes the rows without a code from block 1 on; returns the next free block.
pub(super) fn tids<S: BulkStore>(
    store: &mut S,
    rows: &[(Tid, u8)],
    host: &dyn BuildHost,
) -> Result<BlockNumber> {
    let slots = layout::tids::slots();
    let pages = rows.len().div_ceil(slots.per_page).max(1);
    for i in 0..pages {
        let block = 1 + i as BlockNumber;
        let mut page = layout::tids::empty();
        for (tid, state) in rows.iter().skip(i * slots.per_page).take(slots.per_page) {
            page.extend(layout::tids::entry(*tid, *state));
        }
        if i + 1 < pages {
            layout::set_next(&mut page, block + 1);
        } else if i > 0 {
            layout::set_next(&mut page, NO_BLOCK);
        }
        if i == 0 {
            layout::set_room_hint(&mut page, pages as BlockNumber);
        }
        store.put(block, &page)?;
        if i.is_multiple_of(64) {
            host.check_interrupts()?;
        }
    }
    Ok(1 + pages as BlockNumber)
}

/// Rows ordered by one of their homes: `rows[starts[l]..starts[l + 1]]` are those of list `l`.
struct ByList {
    rows: Vec<u32>,
    starts: Vec<usize>,
}

impl ByList {
    fn new(homes: &Homes, home: usize) -> Result<Self> {
        let lists = homes.centroids.nrows();
        let mut starts = room::filled(0, lists + 1)?;
        let of = |row: &[u32; 2]| row[home];
        for list in homes.lists.iter().map(of).filter(|l| *l != NO_LIST) {
            starts[list as usize + 1] += 1;
        }
        for i in 0..lists {
            starts[i + 1] += starts[i];
        }
        let mut next = room::copy(&starts)?;
        let mut rows = room::filled(0, starts[lists])?;
        for (row, list) in homes
            .lists
            .iter()
            .map(of)
            .enumerate()
            .filter(|(_, l)| *l != NO_LIST)
        {
            rows[next[list as usize]] = row as u32;
            next[list as usize] += 1;
        }
        Ok(Self { rows, starts })
    }

    fn of(&self, list: usize) -> &[u32] {
        &self.rows[self.starts[list]..self.starts[list + 1]]
    }
}

/// Everything a worker needs to fill one page.
struct PageJob {
    bucket: usize,
    page: usize,
    /// Per list: its rows with their pointers.
    lists: Vec<(Gathered, Vec<EntryPointer>)>,
}

/// A filled page, and what it says about the radii of its lists.
struct FilledPage {
    bucket: usize,
    page: usize,
    payload: Vec<u8>,
    spreads: Vec<Spread>,
}

/// Distances of entries to their centroid.
#[derive(Clone, Copy, Default)]
struct Spread {
    count: u32,
    squares: f64,
    largest: f64,
}

impl Spread {
    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.squares += other.squares;
        self.largest = self.largest.max(other.largest);
    }
}

/// Writes everything from block `first` on and returns where the root is.
pub(super) fn index<S: BulkStore>(
    store: &mut S,
    source: &mut Source<'_>,
    workers: &Workers<'_>,
    homes: &Homes,
    root_leaves: usize,
    first: BlockNumber,
) -> Result<Pointer> {
    let space = source.space;
    let lists = homes.centroids.nrows();
    let (primary, secondary) = (ByList::new(homes, 0)?, ByList::new(homes, 1)?);
    let mut tree = Tree::new(space, workers, homes, root_leaves, first)?;
    let list_block = tree.end()?;
    let sizes = (0..lists).map(|l| primary.of(l).len() + secondary.of(l).len());
    let buckets = pack(&space.leaf, sizes, list_block)?;
    let refine_block = buckets
        .last()
        .map_or(list_block, |b| b.first_block + b.pages as BlockNumber);
    let places = places(space, &primary, refine_block)?;

    fill_buckets(
        store,
        source,
        workers,
        &buckets,
        (&primary, &secondary, &places),
        &mut tree,
    )?;
    write_refine(store, source, workers, &primary, refine_block)?;
    tree.write(store, workers.host)
}

/// Where the record of each row goes: in the order of the first homes.
fn places(space: &Space, primary: &ByList, first: BlockNumber) -> Result<Vec<Pointer>> {
    let pages = primary.rows.len().div_ceil(space.refine.per_page);
    if pages as u64 + u64::from(first) >= u64::from(NO_BLOCK) {
        return Err(Error::Full);
    }
    let mut places = room::filled(Pointer::NONE, primary.rows.len())?;
    for (i, row) in primary.rows.iter().enumerate() {
        places[*row as usize] = Pointer {
            block: first + (i / space.refine.per_page) as BlockNumber,
            slot: (i % space.refine.per_page) as u16,
        };
    }
    Ok(places)
}

fn fill_buckets<S: BulkStore>(
    store: &mut S,
    source: &mut Source<'_>,
    workers: &Workers<'_>,
    buckets: &[Bucket],
    (primary, secondary, places): (&ByList, &ByList, &[Pointer]),
    tree: &mut Tree<'_>,
) -> Result<()> {
    let space = source.space;
    let mut spreads = room::filled(Spread::default(), tree.leaves())?;
    let centroid_of = |list| tree.centroid(list);
    let (mut next, mut page, mut done) = (0, 0, 0);
    let entries_per_page = space.leaf.groups * space.leaf.lanes;
    workers.run(
        || {
            let Some(bucket) = buckets.get(next) else {
                return Ok(None);
            };
            let mut lists = Vec::with_capacity(bucket.lists.len());
            for &list in &bucket.lists {
                let (first, second) = (primary.of(list), secondary.of(list));
                let all = first
                    .iter()
                    .map(|row| (*row, 0))
                    .chain(second.iter().map(|row| (*row, SECOND_HOME)));
                // A bucket of several pages has one list.
                let (rows, to): (Vec<u32>, Vec<EntryPointer>) = all
                    .skip(page * entries_per_page)
                    .take(entries_per_page)
                    .map(|(row, flags)| {
                        (
                            row,
                            EntryPointer {
                                pointer: places[row as usize],
                                flags,
                            },
                        )
                    })
                    .unzip();
                lists.push((source.gather(&rows)?, to));
            }
            let job = PageJob {
                bucket: next,
                page,
                lists,
            };
            (next, page) = if page + 1 < bucket.pages {
                (next, page + 1)
            } else {
                (next + 1, 0)
            };
            Ok(Some(job))
        },
        |job| fill(space, &buckets[job.bucket], job, &centroid_of),
        |filled: Result<FilledPage>| {
            let filled = filled?;
            let bucket = &buckets[filled.bucket];
            store.put(
                bucket.first_block + filled.page as BlockNumber,
                &filled.payload,
            )?;
            for (list, spread) in bucket.lists.iter().zip(filled.spreads) {
                spreads[*list].add(spread);
            }
            done += 1;
            workers
                .host
                .progress(Phase::Writing, done, buckets.len() as u64);
            Ok(())
        },
    )?;
    for bucket in buckets {
        let mut first_group = 0;
        for (tag, list) in bucket.lists.iter().enumerate() {
            let spread = spreads[*list];
            let node = Node {
                head: bucket.first_block,
                tag: tag as u8,
                first_group: first_group as u16,
                level: 0,
                radius: (spread.squares / f64::from(spread.count.max(1))).sqrt() as f32,
                max_radius: round_up(spread.largest * (1.0 + 1e-6)),
                norm_squared: 0.0,
                built: spread.count,
                ..Node::default()
            };
            node.write(tree.record_mut(*list));
            first_group += spread.count.div_ceil(space.leaf.lanes as u32);
        }
    }
    Ok(())
}

/// Encodes the entries of one page of a bucket.
fn fill(
    space: &Space,
    bucket: &Bucket,
    job: PageJob,
    centroid_of: &impl Fn(usize) -> Vec<f32>,
) -> Result<FilledPage> {
    let layout = &space.leaf;
    let mut payload = layout.empty();
    if job.page + 1 < bucket.pages {
        layout::set_next(
            &mut payload,
            bucket.first_block + job.page as BlockNumber + 1,
        );
    }
    if job.page == 0 {
        layout::set_owners(&mut payload, bucket.lists.len() as u32);
    }
    if job.page == 0 && bucket.pages > 1 {
        layout::set_room_hint(
            &mut payload,
            bucket.first_block + bucket.pages as BlockNumber - 1,
        );
    }
    let mut spreads = Vec::with_capacity(job.lists.len());
    let mut code = vec![0; layout.words];
    for (i, (rows, pointers)) in job.lists.iter().enumerate() {
        let centroid = &centroid_of(bucket.lists[i]);
        let points = rows.decode(space)?;
        let mut spread = Spread::default();
        for (e, ((point, error), to)) in points
            .rows()
            .into_iter()
            .zip(rows.errors())
            .zip(pointers)
            .enumerate()
        {
            let Some(x) = point.as_slice() else { continue };
            let distance = distance(x, centroid);
            spread.add(Spread {
                count: 1,
                squares: distance * distance,
                largest: distance + f64::from(error),
            });
            let factors = space.sign_entry(x, centroid, &mut code);
            if e % layout.lanes == 0 {
                layout.push_group(&mut payload, i as u8);
            }
            let group = layout.used(&payload) - 1;
            layout
                .group_mut(&mut payload, group)
                .set(e % layout.lanes, &code, *to, &factors);
        }
        spreads.push(spread);
    }
    Ok(FilledPage {
        bucket: job.bucket,
        page: job.page,
        payload,
        spreads,
    })
}

fn write_refine<S: BulkStore>(
    store: &mut S,
    source: &mut Source<'_>,
    workers: &Workers<'_>,
    primary: &ByList,
    first: BlockNumber,
) -> Result<()> {
    let slots = source.space.refine;
    let mut page = Vec::with_capacity(CAPACITY);
    for (i, rows) in primary.rows.chunks(slots.per_page).enumerate() {
        page.clear();
        page.extend(layout::header(PageKind::Refine));
        for row in rows {
            let at = page.len();
            page.resize(at + slots.size, 0);
            source
                .rows
                .get(*row as usize, source.spill, &mut page[at..])?;
        }
        store.put(first + i as BlockNumber, &page)?;
        if i.is_multiple_of(64) {
            workers.host.check_interrupts()?;
        }
    }
    Ok(())
}
