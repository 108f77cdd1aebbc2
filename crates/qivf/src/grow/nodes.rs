//! Nodes: new records, and the transaction with which a leaf gets another centroid and list.

use crate::changes::{change_meta_in, change_node_in};
use crate::error::{Error, Result};
use crate::geometry::distance;
use crate::index::Searchable;
use crate::lanes::{self, Lane};
use crate::layout::group::EntryPointer;
use crate::layout::meta::{Leftover, Meta};
use crate::layout::node::Node;
use crate::layout::{self, PageKind, Pointer};
use crate::pages;
use crate::space::{Space, residual_entry};
use crate::store::{BlockNumber, NO_BLOCK, Transaction, WriteStore};
use crate::walk;

/// Writes records of nodes that nothing points to yet.
pub(super) fn put<S: WriteStore>(
    store: &S,
    space: &Space,
    records: &[Vec<u8>],
) -> Result<Vec<Pointer>> {
    let slots = space.node.slots;
    let mut pointers = quantize::room::vec(records.len())?;
    let mut block = store.read(0, |page| Ok(Meta::decode(page)?.node_block))?;
    while pointers.len() < records.len() {
        store.check_interrupts()?;
        let mut transaction = store.begin()?;
        let (place, meta) = if block == NO_BLOCK {
            let meta = transaction.open(0)?;
            let (new, place) = transaction.extend()?;
            block = new;
            let header = layout::header(PageKind::Node);
            transaction.page_mut(place).replace(&header)?;
            (place, Some(meta))
        } else {
            (transaction.open(block)?, None)
        };
        layout::expect(block, transaction.page(place), PageKind::Node)?;
        let mut count = slots.count(transaction.page(place));
        while count < slots.per_page && pointers.len() < records.len() {
            let mut page = transaction.page_mut(place);
            page.set_len(layout::HEADER + (count + 1) * slots.size)?;
            if let Some(bytes) = slots.get_mut(page.bytes(), count) {
                bytes.copy_from_slice(&records[pointers.len()]);
            }
            let slot = count as u16;
            pointers.push(Pointer { block, slot });
            count += 1;
        }
        if let Some(meta) = meta {
            change_meta_in(&mut transaction, meta, |meta| meta.node_block = block)?;
        }
        transaction.commit()?;
        block = NO_BLOCK;
    }
    Ok(pointers)
}

/// Where a leaf's entry stands in the list of its parent.
struct Seat {
    parent: Pointer,
    block: BlockNumber,
    group: usize,
    lane: usize,
}

/// Finds the entry of a leaf.
fn seat<S: WriteStore>(index: &Searchable<&S>, leaf: Pointer, centroid: &[f32]) -> Result<Seat> {
    let (store, space) = (*index.store(), index.space());
    let mut parents = Vec::new();
    let mut c = vec![0.0; space.dim];
    for parent in walk::parents(store, space, index.meta().root)? {
        let node = pages::read_node_and_centroid(store, space, parent, &mut c)?;
        parents.push((distance(&c, centroid), parent, node));
    }
    parents.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (_, parent, node) in parents {
        let mut found = None;
        pages::for_each_in_chain(store, node.head, |block, page| {
            space.root.check(block, page)?;
            for group in 0..space.root.used(page) {
                if found.is_some() || space.root.tag(page, group) != node.tag {
                    continue;
                }
                let mut entries = space.root.group(page, group).entries();
                if let Some((lane, _)) = entries.find(|(_, to)| to.pointer == leaf) {
                    found = Some(Seat {
                        parent,
                        block,
                        group,
                        lane,
                    });
                }
            }
            Ok(())
        })?;
        if let Some(seat) = found {
            return Ok(seat);
        }
    }
    Err(Error::corrupt(leaf.block, "node is in no list"))
}

/// A page of the parent's list with room for another entry; one is added when there is none.
fn room_beside<S: WriteStore>(store: &S, space: &Space, seat: &Seat) -> Result<BlockNumber> {
    let parent = pages::read_node(store, space, seat.parent)?;
    loop {
        let (mut free, mut tail) = (None, parent.head);
        pages::for_each_in_chain(store, parent.head, |block, page| {
            space.root.check(block, page)?;
            if lanes::has_lane(&space.root, page, parent.tag) && free != Some(seat.block) {
                free = Some(block);
            }
            tail = block;
            Ok(())
        })?;
        if let Some(block) = free {
            return Ok(block);
        }
        lanes::add_page(store, &space.root, parent.head, tail, || Ok(true))?;
    }
}

/// The sign entry of a node in the list of its parent.
fn write_entry<T: Transaction>(
    transaction: &mut T,
    space: &Space,
    (place, group, lane): (usize, usize, usize),
    parent: &[f32],
    (at, record): (Pointer, &[u8]),
) {
    let node = Node::read(record);
    let mut centroid = vec![0.0; space.dim];
    space.node.decode(record, &mut centroid);
    let mut code = vec![0; space.root.words];
    let mut factors = residual_entry(&centroid, parent, false, &mut code);
    (factors.norm_squared, factors.radius) = (node.norm_squared, node.radius);
    let to = EntryPointer {
        pointer: at,
        flags: 0,
    };
    let mut page = transaction.page_mut(place);
    let mut group = space.root.group_mut(page.bytes(), group);
    group.set(lane, &code, to, &factors);
}

/// Gives a leaf another record, and perhaps a sibling, whose record is [`put`] already: the moment at which the new lists
/// become the truth. The former list is left over.
pub(super) fn replace<S: WriteStore>(
    index: &Searchable<&S>,
    leaf: Pointer,
    record: &[u8],
    sibling: Option<(Pointer, &[u8])>,
) -> Result<()> {
    let (store, space) = (*index.store(), index.space());
    let mut centroid = vec![0.0; space.dim];
    let former = pages::read_node_and_centroid(store, space, leaf, &mut centroid)?;
    let seat = seat(index, leaf, &centroid)?;
    let beside = match sibling {
        Some(_) => room_beside(store, space, &seat)?,
        None => seat.block,
    };
    let mut parent = vec![0.0; space.dim];
    let tag = pages::read_node_and_centroid(store, space, seat.parent, &mut parent)?.tag;

    let mut transaction = store.begin()?;
    let meta = transaction.open(0)?;
    let places = lanes::open_all(&mut transaction, &[leaf.block, seat.block, beside])?;
    let [leaf_place, seat_place, beside_place] = places[..] else {
        return Err(Error::corrupt(leaf.block, "a change spans too many pages"));
    };
    space.root.check(seat.block, transaction.page(seat_place))?;
    write_entry(
        &mut transaction,
        space,
        (seat_place, seat.group, seat.lane),
        &parent,
        (leaf, record),
    );
    if let Some(sibling) = sibling {
        let Some(Lane { group, lane, .. }) =
            lanes::open_lane(&mut transaction, beside_place, &space.root, tag)?
        else {
            return Err(Error::corrupt(beside, "room in a list was taken"));
        };
        let place = (beside_place, group, lane);
        write_entry(&mut transaction, space, place, &parent, sibling);
    }
    change_node_in(&mut transaction, leaf_place, space, leaf, |bytes| {
        bytes.copy_from_slice(record);
    })?;
    change_meta_in(&mut transaction, meta, |meta| {
        meta.version = meta.version.wrapping_add(1);
        meta.lists += u32::from(sibling.is_some());
        if former.head != NO_BLOCK {
            meta.leftover = Leftover::List {
                leaf,
                head: former.head,
                tag: former.tag,
                divided: sibling.is_some(),
            };
        }
    })?;
    transaction.commit()
}
