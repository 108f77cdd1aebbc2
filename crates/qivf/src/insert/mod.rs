//! Inserting a row: find its lists, make sure there is room, then write all entries and the refine record at once.
//!
//! Room is made by transactions of their own, harmless when nothing follows: a new page at the end of a bucket, a new
//! refine page, a raised maximum radius. The insert proper touches two list pages and one refine page, locked in
//! ascending order, and starts over when the room is gone by then, or when a list was split meanwhile. An insert that makes
//! a list far too long splits it ([`crate::grow`]).

mod codeless;
mod dimension;
mod room;
mod state;

use crate::error::{Error, Result};
use crate::grow;
use crate::homes::{Home, homes, raise_radius};
use crate::index::Index;
use crate::lanes;
use crate::layout::group::EntryPointer;
use crate::layout::{Pointer, Tid, refine, tids};
use crate::space::{Encoded, Space, Value};
use crate::store::{NO_BLOCK, Transaction, WriteStore};
pub use state::InsertState;

/// Times an insert starts over before it gives up: others must fill every page it finds first.
const ATTEMPTS: usize = 1000;

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
    let Index::Searchable(searchable) = index else {
        return Err(Error::corrupt(0, "dimension is missing"));
    };
    let space = searchable.space();
    let mut record = vec![0; space.refine.size];
    if space.encode(value, &mut record)? == Encoded::ZeroNorm {
        return codeless::insert(*searchable.store(), first, tid, tids::ZERO);
    }
    refine::set_tid(&mut record, tid);
    for _ in 0..ATTEMPTS {
        let Index::Searchable(searchable) = index else {
            break;
        };
        let (store, space) = (*searchable.store(), searchable.space());
        let homes = homes(searchable, state.stripe, &record)?;
        if homes.is_empty() {
            *index = Index::open(store)?;
            continue;
        }
        for home in &homes {
            raise_radius(store, space, home, &record)?;
        }
        if let Some(longer) = write(store, space, state, &homes, &record)? {
            for leaf in longer {
                state.lesson_due |= grow::after_insert(searchable, leaf)?;
            }
            return Ok(());
        }
        // A list was split meanwhile.
        *index = Index::open(store)?;
    }
    Err(Error::Full)
}

/// Writes the record and its entries in one transaction. The leaves whose lists took a new group; `None` if a leaf has
/// another list by now.
fn write<S: WriteStore>(
    store: &S,
    space: &Space,
    state: &mut InsertState,
    homes: &[Home],
    record: &[u8],
) -> Result<Option<Vec<Pointer>>> {
    let mut avoid = vec![NO_BLOCK; homes.len()];
    for _ in 0..ATTEMPTS {
        store.check_interrupts()?;
        let refine_block = room::refine_page(store, space, state)?;
        let (mut blocks, mut tags) = (vec![refine_block], Vec::new());
        for (home, avoid) in homes.iter().zip(&avoid) {
            let Some((block, tag)) = lanes::list_page(store, space, home, *avoid)? else {
                return Ok(None);
            };
            blocks.push(block);
            tags.push(tag);
        }
        let mut transaction = store.begin()?;
        let places = lanes::open_all(&mut transaction, &blocks)?;
        let taken = room::take_slot(&mut transaction, places[0], refine_block, space, record)?;
        let Some((slot, full)) = taken else {
            drop(transaction);
            state.refine_block = None;
            store.note_free(refine_block, false)?;
            continue;
        };
        let (mut longer, mut missing) = (Vec::new(), false);
        for (i, home) in homes.iter().enumerate() {
            let (place, list) = (places[i + 1], (blocks[i + 1], tags[i]));
            let to = EntryPointer {
                pointer: Pointer {
                    block: refine_block,
                    slot,
                },
                flags: home.flags,
            };
            if !lanes::is_current(store, space, home)? {
                return Ok(None);
            }
            match lanes::take_lane(&mut transaction, place, &space.leaf, list, home, to)? {
                Some(lane) if lane.new_group => longer.push(home.at),
                Some(_) => {}
                None => {
                    avoid[i] = list.0;
                    missing = true;
                    break;
                }
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
        return Ok(Some(longer));
    }
    Err(Error::Full)
}
