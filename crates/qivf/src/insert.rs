//! Inserting a row: find its lists, make sure there is room, then write all entries and the refine record at once.
//!
//! Room is made by transactions of their own, harmless when nothing follows: a new page at the end of a bucket, a new
//! refine page, a raised maximum radius. The insert proper touches two list pages and one refine page, locked in
//! ascending order, and starts over when the room is gone by then.

mod dimension;
mod room;

use crate::build::{distance, second_home};
use crate::error::{Error, Result};
use crate::index::Index;
use crate::layout::group::{EntryPointer, Factors, SECOND_HOME};
use crate::layout::meta::Effort;
use crate::layout::node::{self, Node};
use crate::layout::{self, PageKind, Pointer, Tid, get_f32, refine, tids};
use crate::query::Query;
use crate::scan::{Centroids, Next, lists};
use crate::space::{Encoded, Space, Value};
use crate::store::{BlockNumber, NO_BLOCK, Transaction, WriteStore};
use crate::walk;
use quantize::row_code::round_up;

/// Nearest lists among which the second home is chosen.
const CANDIDATES: usize = 16;
/// Node records read at most to find them.
const READS: usize = 64;
/// The recall target that says how many inner nodes are opened on the way.
const ASSIGNMENT_TARGET: f32 = 0.95;
/// Times an insert starts over before it gives up: others must fill every page it finds first.
const ATTEMPTS: usize = 1000;

/// What a backend remembers between inserts into one index.
#[derive(Clone, Copy, Debug, Default)]
pub struct InsertState {
    /// The refine page with room that this backend fills.
    refine_block: Option<BlockNumber>,
    /// Which of a flat index's lists this backend fills.
    stripe: usize,
}

impl InsertState {
    /// State of the backend with this number: backends with different numbers avoid each other's pages.
    pub fn new(backend: usize) -> Self {
        Self {
            refine_block: None,
            stripe: backend,
        }
    }
}

/// An entry to be written.
struct Home {
    at: Pointer,
    node: Node,
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
    let Some(value) = value else {
        return insert_codeless(index, tid, tids::NULL);
    };
    if index.space().is_none() {
        dimension::learn(*index.store(), index.meta(), value.dim())?;
        *index = Index::open(*index.store())?;
    }
    let Some(space) = index.space() else {
        return Err(Error::corrupt(0, "dimension is missing"));
    };
    let mut record = vec![0; space.refine.size];
    if space.encode(value, &mut record)? == Encoded::ZeroNorm {
        return insert_codeless(index, tid, tids::ZERO);
    }
    refine::set_tid(&mut record, tid);
    let homes = homes(index, space, state, &record)?;
    for home in &homes {
        raise_radius(*index.store(), space, home, &record)?;
    }
    write(*index.store(), space, state, &homes, &record)
}

/// The lists a record belongs to, with its entries.
fn homes<S: WriteStore>(
    index: &Index<&S>,
    space: &Space,
    state: &InsertState,
    record: &[u8],
) -> Result<Vec<Home>> {
    let mut x = vec![0.0; space.dim];
    space.decode(record, &mut x);
    let query = Query::for_assignment(&x);
    if index.meta().flat {
        let mut leaves: Vec<Pointer> = walk::leaves(index)?.iter().map(|l| l.leaf).collect();
        leaves.sort_unstable();
        if leaves.is_empty() {
            return Err(Error::corrupt(index.meta().root.block, "index has no list"));
        }
        let at = leaves[state.stripe % leaves.len()];
        return Ok(vec![home(index, space, &x, at, 0)?]);
    }
    let effort = Effort {
        b: 0.0,
        ..index.meta().tuning.effort(CANDIDATES, ASSIGNMENT_TARGET)
    };
    let root = index.meta().root;
    let mut centroids =
        Centroids::new(index.store(), space, &query, (root, index.cells()), effort)?;
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
        lists::with_node(index.store(), space, at, |record| {
            space.node.decode(record, &mut centroid);
            Ok(())
        })?;
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
    let mut homes = vec![home(index, space, &x, nearest[0].1, 0)?];
    if let Some(second) = second_home(first, others.iter().map(Vec::as_slice)) {
        homes.push(home(index, space, &x, nearest[second + 1].1, SECOND_HOME)?);
    }
    Ok(homes)
}

fn home<S: WriteStore>(
    index: &Index<&S>,
    space: &Space,
    x: &[f32],
    at: Pointer,
    flags: u16,
) -> Result<Home> {
    let mut centroid = vec![0.0; space.dim];
    let node = lists::with_node(index.store(), space, at, |record| {
        space.node.decode(record, &mut centroid);
        Ok(Node::read(record))
    })?;
    let mut code = vec![0; space.leaf.words];
    let factors = space.sign_entry(x, &centroid, &mut code);
    Ok(Home {
        at,
        node,
        code,
        factors,
        flags,
    })
}

/// Makes the list's maximum radius cover the row.
fn raise_radius<S: WriteStore>(store: &S, space: &Space, home: &Home, record: &[u8]) -> Result<()> {
    let mut x = vec![0.0; space.dim];
    let mut centroid = vec![0.0; space.dim];
    space.decode(record, &mut x);
    lists::with_node(store, space, home.at, |node| {
        space.node.decode(node, &mut centroid);
        Ok(())
    })?;
    let reach = distance(&x, &centroid) + f64::from(get_f32(record, 12));
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
    layout::expect(at.block, transaction.page(place), PageKind::Node)?;
    let mut page = transaction.page_mut(place);
    let record = space.node.slots.get_mut(page.bytes(), usize::from(at.slot));
    f(record.ok_or(Error::corrupt(
        at.block,
        "pointer to a node that is not there",
    ))?);
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

/// Adds a row to the tids list.
fn insert_codeless<S: WriteStore>(index: &Index<&S>, tid: Tid, state: u8) -> Result<()> {
    let store = *index.store();
    let head = index.meta().tids;
    let slots = tids::slots();
    let mut block = match store.read(head, |page| {
        layout::expect(head, page, PageKind::Tids)?;
        Ok(layout::room_hint(page))
    })? {
        NO_BLOCK => head,
        hint => hint,
    };
    let entry = tids::entry(tid, state);
    for _ in 0..store.block_count()? {
        store.check_interrupts()?;
        let mut transaction = store.begin()?;
        let head_place = transaction.open(head)?;
        if block < head {
            return Err(Error::corrupt(head, "chain of tids pages runs backwards"));
        }
        let place = transaction.open(block)?;
        layout::expect(block, transaction.page(place), PageKind::Tids)?;
        let count = slots.count(transaction.page(place));
        let free = (0..count).find(|s| {
            slots
                .get(transaction.page(place), *s)
                .is_some_and(|e| e[6] == tids::FREE)
        });
        let next = layout::next(transaction.page(place));
        if free.is_some() || count < slots.per_page {
            let slot = free.unwrap_or(count);
            let mut page = transaction.page_mut(place);
            if slot == count {
                page.set_len(layout::HEADER + (count + 1) * slots.size)?;
            }
            if let Some(bytes) = slots.get_mut(page.bytes(), slot) {
                bytes.copy_from_slice(&entry);
            }
            return transaction.commit();
        }
        if next != NO_BLOCK {
            block = next;
            continue;
        }
        let (new, new_place) = transaction.extend()?;
        let mut payload = tids::empty();
        payload.extend(entry);
        transaction.page_mut(new_place).replace(&payload)?;
        layout::set_next(transaction.page_mut(place).bytes(), new);
        layout::set_room_hint(transaction.page_mut(head_place).bytes(), new);
        return transaction.commit();
    }
    Err(Error::corrupt(head, "chain of tids pages is a cycle"))
}
