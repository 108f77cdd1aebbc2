//! Finding and making room: which page to try, and taking a slot or lane on it once it is locked.

use super::state::InsertState;
use crate::error::{Error, Result};
use crate::layout::group::{self, EntryPointer, FREE_TAG, Factors};
use crate::layout::node::{self, Node};
use crate::layout::{self, PageKind, Pointer, refine};
use crate::pages;
use crate::space::Space;
use crate::store::{BlockNumber, NO_BLOCK, Transaction, WriteStore};

/// A refine page that had room a moment ago.
pub(super) fn refine_page<S: WriteStore>(
    store: &S,
    space: &Space,
    state: &mut InsertState,
) -> Result<BlockNumber> {
    if let Some(block) = state.refine_block {
        return Ok(block);
    }
    while let Some(block) = store.find_free()? {
        let usable = block < store.block_count()?
            && store.read(block, |page| {
                Ok(match layout::kind(block, page)? {
                    None => true,
                    Some(PageKind::Refine) => free_slot(space, page).is_some(),
                    Some(_) => false,
                })
            })?;
        if usable {
            return Ok(block);
        }
        store.note_free(block, false)?;
    }
    let mut transaction = store.begin()?;
    let (block, place) = transaction.extend()?;
    transaction.page_mut(place).replace(&empty_refine(space))?;
    transaction.commit()?;
    Ok(block)
}

fn empty_refine(space: &Space) -> Vec<u8> {
    let mut page = layout::header(PageKind::Refine).to_vec();
    page.resize(
        layout::HEADER + space.refine.per_page * space.refine.size,
        0,
    );
    page
}

fn free_slot(space: &Space, page: &[u8]) -> Option<usize> {
    // A page from the build may be shorter than its slots.
    let slots = 0..space.refine.per_page;
    slots.into_iter().find(|slot| {
        space
            .refine
            .get(page, *slot)
            .is_none_or(|r| refine::state(r) == refine::FREE)
    })
}

/// Writes `record` to a free slot of a locked page: the slot, and whether it was the last.
pub(super) fn take_slot<T: Transaction>(
    transaction: &mut T,
    place: usize,
    block: BlockNumber,
    space: &Space,
    record: &[u8],
) -> Result<Option<(u16, bool)>> {
    match layout::kind(block, transaction.page(place))? {
        None => transaction.page_mut(place).replace(&empty_refine(space))?,
        Some(PageKind::Refine) => {}
        Some(_) => return Ok(None),
    }
    let Some(slot) = free_slot(space, transaction.page(place)) else {
        return Ok(None);
    };
    let mut page = transaction.page_mut(place);
    let needed = layout::HEADER + (slot + 1) * space.refine.size;
    if page.len() < needed {
        page.set_len(needed)?;
    }
    if let Some(bytes) = space.refine.get_mut(page.bytes(), slot) {
        bytes.copy_from_slice(record);
    }
    let full = free_slot(space, transaction.page(place)).is_none();
    Ok(Some((slot as u16, full)))
}

/// Whether a list page has room for an entry of list `tag`.
fn has_lane(layout: &group::Layout, page: &[u8], tag: u8) -> bool {
    lane_of(layout, page, tag).is_some()
}

/// Group and lane for an entry of list `tag`: in one of its groups, or in one that no list owns.
fn lane_of(layout: &group::Layout, page: &[u8], tag: u8) -> Option<(usize, usize)> {
    let used = layout.used(page);
    let own = (0..used).filter(|g| layout.tag(page, *g) == tag);
    let in_own = own
        .into_iter()
        .find_map(|g| layout.group(page, g).free_lane().map(|lane| (g, lane)));
    in_own
        .or_else(|| {
            (0..used)
                .find(|g| layout.tag(page, *g) == FREE_TAG)
                .map(|g| (g, 0))
        })
        .or_else(|| (used < layout.groups).then_some((used, 0)))
}

/// Writes an entry to a locked page; `false` when there is no room.
#[allow(clippy::too_many_arguments)]
pub(super) fn take_lane<T: Transaction>(
    transaction: &mut T,
    place: usize,
    block: BlockNumber,
    layout: &group::Layout,
    tag: u8,
    code: &[u64],
    to: EntryPointer,
    factors: &Factors,
) -> Result<bool> {
    layout.check(block, transaction.page(place))?;
    let Some((group, lane)) = lane_of(layout, transaction.page(place), tag) else {
        return Ok(false);
    };
    let mut page = transaction.page_mut(place);
    let fresh = page.len() < layout.page_len(group + 1);
    if fresh {
        page.set_len(layout.page_len(group + 1))?;
    }
    let bytes = page.bytes();
    if fresh || layout.tag(bytes, group) == FREE_TAG {
        layout.set_tag(bytes, group, tag);
        layout.group_mut(bytes, group).clear();
    }
    layout.group_mut(bytes, group).set(lane, code, to, factors);
    Ok(true)
}

/// A page of the node's list with room a moment ago, other than `avoid`, and the list's tag. Adds a page to the
/// bucket when there is none.
pub(super) fn list_page<S: WriteStore>(
    store: &S,
    space: &Space,
    at: Pointer,
    avoid: BlockNumber,
) -> Result<(BlockNumber, u8)> {
    let node = pages::read_node(store, space, at)?;
    if node.head == NO_BLOCK {
        return first_page(store, space, at);
    }
    let layout = &space.leaf;
    let (mut block, mut left) = (node.head, store.block_count()?);
    let mut tail = node.head;
    while block != NO_BLOCK {
        if left == 0 {
            return Err(Error::corrupt(block, "chain of list pages is a cycle"));
        }
        left -= 1;
        let (room, next, hint) = store.read(block, |page| {
            layout.check(block, page)?;
            Ok((
                has_lane(layout, page, node.tag),
                layout::next(page),
                layout::room_hint(page),
            ))
        })?;
        if room && block != avoid {
            return Ok((block, node.tag));
        }
        tail = block;
        // From the first page the hint leads past full ones.
        block = if block == node.head && hint != NO_BLOCK && hint != block {
            hint
        } else {
            next
        };
    }
    add_page(store, space, node.head, tail)?;
    // Somebody else may have added one first: look again from the hint.
    list_page(store, space, at, avoid)
}

/// Gives a node without entries its first page.
fn first_page<S: WriteStore>(store: &S, space: &Space, at: Pointer) -> Result<(BlockNumber, u8)> {
    let mut transaction = store.begin()?;
    let node_place = transaction.open(at.block)?;
    let node = Node::read(pages::node_on(space, transaction.page(node_place), at)?);
    if node.head != NO_BLOCK {
        return Ok((node.head, node.tag));
    }
    let (block, place) = transaction.extend()?;
    transaction.page_mut(place).replace(&space.leaf.empty())?;
    let mut page = transaction.page_mut(node_place);
    node::set_head(pages::node_on_mut(space, page.bytes(), at)?, block, 0);
    transaction.commit()?;
    Ok((block, 0))
}

/// Adds an empty page behind `tail`, unless somebody did.
fn add_page<S: WriteStore>(
    store: &S,
    space: &Space,
    head: BlockNumber,
    tail: BlockNumber,
) -> Result<()> {
    if tail < head {
        return Err(Error::corrupt(head, "chain of list pages runs backwards"));
    }
    let mut transaction = store.begin()?;
    let head_place = transaction.open(head)?;
    let tail_place = transaction.open(tail)?;
    space.leaf.check(head, transaction.page(head_place))?;
    space.leaf.check(tail, transaction.page(tail_place))?;
    if layout::next(transaction.page(tail_place)) != NO_BLOCK {
        return Ok(());
    }
    let (block, place) = transaction.extend()?;
    transaction.page_mut(place).replace(&space.leaf.empty())?;
    layout::set_next(transaction.page_mut(tail_place).bytes(), block);
    layout::set_room_hint(transaction.page_mut(head_place).bytes(), block);
    transaction.commit()
}
