//! Inserting a row: find its lists, make sure there is room, then write all entries and the refine record at once.
//!
//! Room is made by transactions of their own, harmless when nothing follows: a new page at the end of a bucket, a new
//! refine page, a raised maximum radius. The insert proper touches two list pages and one refine page, locked in
//! ascending order, and starts over when the room is gone by then.

mod codeless;
mod dimension;
mod room;
mod state;

use crate::error::{Error, Result};
use crate::geometry::{distance, second_home};
use crate::index::{Index, Searchable};
use crate::layout::group::{EntryPointer, Factors, SECOND_HOME};
use crate::layout::meta::Effort;
use crate::layout::node::{self, Node};
use crate::layout::{Pointer, Tid, refine, tids};
use crate::opening::Opening;
use crate::pages;
use crate::query::Query;
use crate::scan::{Centroids, Next};
use crate::space::{Encoded, Space, Value};
use crate::store::{BlockNumber, NO_BLOCK, Transaction, WriteStore};
use quantize::row_code::round_up;
pub use state::InsertState;

/// Nearest lists among which the second home is chosen.
const CANDIDATES: usize = 16;
/// Node records read at most to find them.
const READS: usize = 64;
/// The recall target that says how many inner nodes are opened on the way.
const ASSIGNMENT_TARGET: f32 = 0.95;
/// Times an insert starts over before it gives up: others must fill every page it finds first.
const ATTEMPTS: usize = 1000;

/// An entry to be written.
struct Home {
    at: Pointer,
    node: Node,
    /// ‖x − c‖.
    distance: f64,
    code: Vec<u64>,
    factors: Factors,
    flags: u16,
}

/// Inserts a row; `None` is NULL. The index's dimension may have become known: then it is opened again.
pub fn insert<S: WriteStore>(
    index: &mut Index<&S>,
    state: &mut InsertState,
    tid: Tid,
    value: Option<&Value<'_>>,
) -> Result<()> {
    let first = index.meta().tids;
    let Some(value) = value else {
        return codeless::insert(*index.store(), first, tid, tids::NULL);
    };
    if let Index::Blank(blank) = index {
        dimension::learn(*blank.store(), blank.meta(), value.dim())?;
        *index = Index::open(*blank.store())?;
    }
    let Index::Searchable(index) = index else {
        return Err(Error::corrupt(0, "dimension is missing"));
    };
    let space = index.space();
    let mut record = vec![0; space.refine.size];
    if space.encode(value, &mut record)? == Encoded::ZeroNorm {
        return codeless::insert(*index.store(), first, tid, tids::ZERO);
    }
    refine::set_tid(&mut record, tid);
    let homes = homes(index, state, &record)?;
    for home in &homes {
        raise_radius(*index.store(), space, home, &record)?;
    }
    write(*index.store(), space, state, &homes, &record)
}

/// The lists a record belongs to, with its entries.
fn homes<S: WriteStore>(
    index: &Searchable<&S>,
    state: &InsertState,
    record: &[u8],
) -> Result<Vec<Home>> {
    let space = index.space();
    let mut x = vec![0.0; space.dim];
    space.decode(record, &mut x);
    let query = Query::for_assignment(&x);
    if index.meta().flat {
        let mut leaves: Vec<Pointer> = index.leaves()?.iter().map(|l| l.leaf).collect();
        leaves.sort_unstable();
        if leaves.is_empty() {
            return Err(Error::corrupt(index.meta().root.block, "index has no list"));
        }
        let at = leaves[state.stripe % leaves.len()];
        return Ok(vec![home(index, &x, at, 0)?]);
    }
    let effort = Effort {
        opening: Opening::radii(0.0),
        ..index.meta().tuning.effort(CANDIDATES, ASSIGNMENT_TARGET)
    };
    let root = index.meta().root;
    let root = (root, index.root_cache());
    let mut centroids = Centroids::new(index.store(), space, &query, root, effort)?;
    let mut nearest: Vec<(f64, Pointer, Vec<f32>)> = Vec::new();
    let mut reads = 0;
    while reads < READS && centroids.peek().is_some() {
        let Some(Next { key, at, .. }) = centroids.advance(index.store(), space, &query)? else {
            continue;
        };
        reads += 1;
        if nearest.len() >= CANDIDATES && f64::from(key.max(0.0)).sqrt() > nearest[CANDIDATES - 1].0
        {
            break;
        }
        let mut centroid = vec![0.0; space.dim];
        pages::read_node_and_centroid(index.store(), space, at, &mut centroid)?;
        let d = distance(&x, &centroid);
        let place = nearest.partition_point(|(other, ..)| *other <= d);
        nearest.insert(place, (d, at, centroid));
    }
    nearest.truncate(CANDIDATES);
    let residuals: Vec<Vec<f32>> = nearest
        .iter()
        .map(|(.., c)| x.iter().zip(c).map(|(x, c)| x - c).collect())
        .collect();
    let Some((first, others)) = residuals.split_first() else {
        return Err(Error::corrupt(index.meta().root.block, "index has no list"));
    };
    let mut homes = vec![home(index, &x, nearest[0].1, 0)?];
    if let Some(second) = second_home(first, others.iter().map(Vec::as_slice)) {
        homes.push(home(index, &x, nearest[second + 1].1, SECOND_HOME)?);
    }
    Ok(homes)
}

fn home<S: WriteStore>(index: &Searchable<&S>, x: &[f32], at: Pointer, flags: u16) -> Result<Home> {
    let space = index.space();
    let mut centroid = vec![0.0; space.dim];
    let node = pages::read_node_and_centroid(index.store(), space, at, &mut centroid)?;
    let mut code = vec![0; space.leaf.words];
    let factors = space.sign_entry(x, &centroid, &mut code);
    Ok(Home {
        at,
        node,
        distance: distance(x, &centroid),
        code,
        factors,
        flags,
    })
}

/// Makes the list's maximum radius cover the row.
fn raise_radius<S: WriteStore>(store: &S, space: &Space, home: &Home, record: &[u8]) -> Result<()> {
    let reach = home.distance + f64::from(refine::error(record));
    let radius = round_up(reach * (1.0 + 1e-6));
    if radius <= home.node.max_radius {
        return Ok(());
    }
    change_node(store, space, home.at, |record| {
        node::raise_max_radius(record, radius)
    })
}

fn change_node<S: WriteStore>(
    store: &S,
    space: &Space,
    at: Pointer,
    f: impl FnOnce(&mut [u8]),
) -> Result<()> {
    let mut transaction = store.begin()?;
    let place = transaction.open(at.block)?;
    let mut page = transaction.page_mut(place);
    f(pages::node_on_mut(space, page.bytes(), at)?);
    transaction.commit()
}

/// Writes the record and its entries in one transaction.
fn write<S: WriteStore>(
    store: &S,
    space: &Space,
    state: &mut InsertState,
    homes: &[Home],
    record: &[u8],
) -> Result<()> {
    let mut avoid = vec![NO_BLOCK; homes.len()];
    for _ in 0..ATTEMPTS {
        store.check_interrupts()?;
        let refine_block = room::refine_page(store, space, state)?;
        let mut list_blocks = Vec::with_capacity(homes.len());
        for (home, avoid) in homes.iter().zip(&avoid) {
            list_blocks.push(room::list_page(store, space, home.at, *avoid)?);
        }
        let mut blocks: Vec<BlockNumber> = list_blocks.iter().map(|(block, _)| *block).collect();
        blocks.push(refine_block);
        blocks.sort_unstable();
        blocks.dedup();
        let mut transaction = store.begin()?;
        let mut places = Vec::with_capacity(blocks.len());
        for block in &blocks {
            places.push((*block, transaction.open(*block)?));
        }
        let place_of = |block| {
            places
                .iter()
                .find(|(b, _)| *b == block)
                .map_or(0, |(_, place)| *place)
        };
        let Some((slot, full)) = room::take_slot(
            &mut transaction,
            place_of(refine_block),
            refine_block,
            space,
            record,
        )?
        else {
            drop(transaction);
            state.refine_block = None;
            store.note_free(refine_block, false)?;
            continue;
        };
        let pointer = Pointer {
            block: refine_block,
            slot,
        };
        let mut missing = false;
        for ((home, (block, tag)), avoid) in homes.iter().zip(&list_blocks).zip(&mut avoid) {
            let to = EntryPointer {
                pointer,
                flags: home.flags,
            };
            let place = place_of(*block);
            if !room::take_lane(
                &mut transaction,
                place,
                *block,
                &space.leaf,
                *tag,
                &home.code,
                to,
                &home.factors,
            )? {
                *avoid = *block;
                missing = true;
                break;
            }
        }
        if missing {
            drop(transaction);
            continue;
        }
        transaction.commit()?;
        state.refine_block = (!full).then_some(refine_block);
        if full {
            store.note_free(refine_block, false)?;
        }
        return Ok(());
    }
    Err(Error::Full)
}
