//! Draining former lists: late comers are moved on, everything else is in the new lists and goes.

use super::pages::{leave_bucket, make_spare};
use super::rows::entries;
use crate::changes::change_meta;
use crate::error::{Error, Result};
use crate::geometry::distance;
use crate::homes::{Home, homes, raise_radius};
use crate::index::{Index, Searchable};
use crate::lanes;
use crate::layout::group::{EntryPointer, FREE_TAG};
use crate::layout::meta::Leftover;
use crate::layout::{self, Pointer};
use crate::pages as read;
use crate::space::Space;
use crate::store::{BlockNumber, NO_BLOCK, Transaction, WriteStore};
use crate::walk;
use quantize::room;
use std::collections::HashSet;

/// Opens an index, whose claim the caller has, after finishing what an earlier change left to do.
pub(crate) fn settled<S: WriteStore>(store: &S) -> Result<Option<Searchable<&S>>> {
    loop {
        let Index::Searchable(index) = Index::open(store)? else {
            return Ok(None);
        };
        if index.meta().leftover == Leftover::None {
            return Ok(Some(index));
        }
        drain(&index)?;
    }
}

/// Does a step of what is left over. The caller has the claim.
fn drain<S: WriteStore>(index: &Searchable<&S>) -> Result<()> {
    let (store, space) = (*index.store(), index.space());
    match index.meta().leftover {
        Leftover::None => Ok(()),
        Leftover::Pages { head } => make_spare(store, space, head),
        Leftover::List {
            leaf,
            head,
            tag,
            divided,
        } => {
            let node = read::read_node(store, space, leaf)?;
            let mut targets = vec![leaf];
            targets.extend(divided.then_some(node.successor));
            let mut known: HashSet<(Pointer, u16)> = HashSet::default();
            for target in &targets {
                let node = read::read_node(store, space, *target)?;
                let all = entries(store, space, &node)?;
                known.extend(all.iter().map(|to| (to.pointer, to.flags)));
            }
            drain_list(
                index,
                (head, tag),
                |to| known.contains(&(to.pointer, to.flags)),
                |to, record| nearest_of(index, &targets, record, to.flags).map(|home| vec![home]),
            )?;
            leave_bucket(store, space, head)
        }
        Leftover::Flat { root } => drain_flat(index, root),
    }
}

/// The lists of a flat index, in none of which anybody is any more.
fn drain_flat<S: WriteStore>(index: &Searchable<&S>, root: Pointer) -> Result<()> {
    let (store, space) = (*index.store(), index.space());
    let mut known: HashSet<Pointer> = HashSet::default();
    for place in index.leaves()? {
        let node = read::read_node(store, space, place.leaf)?;
        let all = entries(store, space, &node)?;
        for to in all {
            room::insert(&mut known, to.pointer)?;
        }
    }
    for leaf in walk::children(store, space, root)?.1 {
        let node = read::read_node(store, space, leaf)?;
        let list = (node.head, node.tag);
        drain_list(
            index,
            list,
            |to| known.contains(&to.pointer),
            |_, record| homes(index, 0, record),
        )?;
    }
    change_meta(store, |meta| meta.leftover = Leftover::None)
}

/// The nearer of some leaves as the home of a row.
fn nearest_of<S: WriteStore>(
    index: &Searchable<&S>,
    leaves: &[Pointer],
    record: &[u8],
    flags: u16,
) -> Result<Home> {
    let (store, space) = (*index.store(), index.space());
    let mut x = vec![0.0; space.dim];
    space.decode(record, &mut x);
    let mut centroid = vec![0.0; space.dim];
    let mut best = (f64::INFINITY, leaves[0]);
    for leaf in leaves {
        read::read_node_and_centroid(store, space, *leaf, &mut centroid)?;
        let d = distance(&x, &centroid);
        if d < best.0 {
            best = (d, *leaf);
        }
    }
    Home::new(store, space, &x, best.1, flags)
}

/// Removes every entry of a former list, those that are not `known` after an entry was written for each of their new homes.
fn drain_list<S: WriteStore>(
    index: &Searchable<&S>,
    (head, tag): (BlockNumber, u8),
    known: impl Fn(EntryPointer) -> bool,
    new_homes: impl Fn(EntryPointer, &[u8]) -> Result<Vec<Home>>,
) -> Result<()> {
    let (store, space) = (*index.store(), index.space());
    let mut block = head;
    while block != NO_BLOCK {
        store.check_interrupts()?;
        let late = store.read(block, |page| {
            space.leaf.check(block, page)?;
            let groups = space.leaf.groups_of(page, tag);
            let all = groups.flat_map(|group| group.entries().map(|(_, to)| to));
            Ok(all.filter(|to| !known(*to)).collect::<Vec<_>>())
        })?;
        for to in late {
            let record = read::with_row(store, space, to.pointer, <[u8]>::to_vec)?;
            let homes = match &record {
                Some(record) => new_homes(to, record)?,
                None => Vec::new(),
            };
            for home in &homes {
                raise_radius(store, space, home, record.as_deref().unwrap_or_default())?;
            }
            move_entry(store, space, (block, tag), to, &homes)?;
        }
        if let Some(next) = clear(store, space, (block, tag), &known)? {
            block = next;
        }
    }
    Ok(())
}

/// Frees the groups of a list on a page, if every entry is known; returns the next page.
fn clear<S: WriteStore>(
    store: &S,
    space: &Space,
    (block, tag): (BlockNumber, u8),
    known: &impl Fn(EntryPointer) -> bool,
) -> Result<Option<BlockNumber>> {
    let mut transaction = store.begin()?;
    let place = transaction.open(block)?;
    let layout = &space.leaf;
    layout.check(block, transaction.page(place))?;
    let page = transaction.page(place);
    let next = layout::next(page);
    let own: Vec<usize> = (0..layout.used(page))
        .filter(|group| layout.tag(page, *group) == tag)
        .collect();
    let all = own
        .iter()
        .flat_map(|group| layout.group(page, *group).entries());
    if all.map(|(_, to)| to).any(|to| !known(to)) {
        return Ok(None);
    }
    if own.is_empty() {
        return Ok(Some(next));
    }
    let mut page = transaction.page_mut(place);
    for group in own {
        layout.set_tag(page.bytes(), group, FREE_TAG);
    }
    transaction.commit()?;
    Ok(Some(next))
}

/// Writes entries for the homes of a row and removes the one it had, at once.
pub(super) fn move_entry<S: WriteStore>(
    store: &S,
    space: &Space,
    (block, tag): (BlockNumber, u8),
    from: EntryPointer,
    homes: &[Home],
) -> Result<()> {
    let layout = &space.leaf;
    let mut avoid = [NO_BLOCK; 2];
    loop {
        store.check_interrupts()?;
        let mut blocks = vec![block];
        let mut tags = Vec::new();
        for (home, avoid) in homes.iter().zip(&avoid) {
            let Some((block, tag)) = lanes::list_page(store, space, home, *avoid)? else {
                return Err(Error::corrupt(
                    home.at.block,
                    "list was changed by another session",
                ));
            };
            blocks.push(block);
            tags.push(tag);
        }
        let mut transaction = store.begin()?;
        let places = lanes::open_all(&mut transaction, &blocks)?;
        layout.check(block, transaction.page(places[0]))?;
        let page = transaction.page(places[0]);
        let found = (0..layout.used(page))
            .filter(|group| layout.tag(page, *group) == tag)
            .find_map(|group| {
                let mut entries = layout.group(page, group).entries();
                entries
                    .find(|(_, to)| *to == from)
                    .map(|(lane, _)| (group, lane))
            });
        // Vacuum may have removed it.
        let Some((group, lane)) = found else {
            return Ok(());
        };
        let mut full = None;
        for (i, home) in homes.iter().enumerate() {
            let to = EntryPointer {
                pointer: from.pointer,
                flags: home.flags,
            };
            if lanes::take_lane(
                &mut transaction,
                places[i + 1],
                layout,
                (blocks[i + 1], tags[i]),
                home,
                to,
            )?
            .is_none()
            {
                full = Some(i);
                break;
            }
        }
        if let Some(i) = full {
            avoid[i] = blocks[i + 1];
            continue;
        }
        let mut page = transaction.page_mut(places[0]);
        layout.group_mut(page.bytes(), group).remove(lane);
        return transaction.commit();
    }
}
