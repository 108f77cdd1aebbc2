//! Room in lists: which page to try, and taking a lane on it once it is locked.

use crate::error::{Error, Result};
use crate::homes::Home;
use crate::layout;
use crate::layout::group::{EntryPointer, FREE_TAG, Layout};
use crate::layout::node::{self, Node};
use crate::pages;
use crate::space::Space;
use crate::store::{BlockNumber, NO_BLOCK, Transaction, WriteStore};

/// Locks blocks in ascending order, equal ones once; their places in the order of `blocks`.
pub(crate) fn open_all<T: Transaction>(
    transaction: &mut T,
    blocks: &[BlockNumber],
) -> Result<Vec<usize>> {
    let mut order: Vec<usize> = (0..blocks.len()).collect();
    order.sort_by_key(|i| blocks[*i]);
    let mut places = quantize::room::filled(0, blocks.len())?;
    for i in order {
        places[i] = transaction.open(blocks[i])?;
    }
    Ok(places)
}

/// Whether a list page has room for an entry of list `tag`.
pub(crate) fn has_lane(layout: &Layout, page: &[u8], tag: u8) -> bool {
    lane_of(layout, page, tag).is_some()
}

/// Group and lane for an entry of list `tag`: in one of its groups, or in one that no list owns.
fn lane_of(layout: &Layout, page: &[u8], tag: u8) -> Option<(usize, usize)> {
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

/// A lane taken for an entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lane {
    pub group: usize,
    pub lane: usize,
    /// Whether the list had no room in the groups it owned on the page.
    pub new_group: bool,
}

/// Takes a lane for an entry of list `tag` on a locked page; `None` when there is no room.
pub(crate) fn open_lane<T: Transaction>(
    transaction: &mut T,
    place: usize,
    layout: &Layout,
    tag: u8,
) -> Result<Option<Lane>> {
    let Some((group, lane)) = lane_of(layout, transaction.page(place), tag) else {
        return Ok(None);
    };
    let mut page = transaction.page_mut(place);
    let fresh = page.len() < layout.page_len(group + 1);
    if fresh {
        page.set_len(layout.page_len(group + 1))?;
    }
    let bytes = page.bytes();
    let new_group = fresh || layout.tag(bytes, group) == FREE_TAG;
    if new_group {
        layout.set_tag(bytes, group, tag);
        layout.group_mut(bytes, group).clear();
    }
    Ok(Some(Lane {
        group,
        lane,
        new_group,
    }))
}

/// Writes the entry for a home to a locked page; `None` when there is no room.
pub(crate) fn take_lane<T: Transaction>(
    transaction: &mut T,
    place: usize,
    layout: &Layout,
    (block, tag): (BlockNumber, u8),
    home: &Home,
    to: EntryPointer,
) -> Result<Option<Lane>> {
    layout.check(block, transaction.page(place))?;
    let taken = open_lane(transaction, place, layout, tag)?;
    if let Some(Lane { group, lane, .. }) = taken {
        let mut page = transaction.page_mut(place);
        let mut group = layout.group_mut(page.bytes(), group);
        group.set(lane, &home.code, to, &home.factors);
    }
    Ok(taken)
}

/// A page of a home's list with room a moment ago, other than `avoid`, and the list's tag. Adds a page to the bucket when
/// there is none. `None` if the leaf has another list by now.
pub(crate) fn list_page<S: WriteStore>(
    store: &S,
    space: &Space,
    home: &Home,
    avoid: BlockNumber,
) -> Result<Option<(BlockNumber, u8)>> {
    let layout = &space.leaf;
    loop {
        let node = pages::read_node(store, space, home.at)?;
        if node.epoch != home.node.epoch {
            return Ok(None);
        }
        if node.head == NO_BLOCK {
            first_page(store, space, home)?;
            continue;
        }
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
                return Ok(Some((block, node.tag)));
            }
            tail = block;
            // From the first page the hint leads past full ones.
            block = if block == node.head && hint != NO_BLOCK && hint != block {
                hint
            } else {
                next
            };
        }
        // Somebody else may have added one first: look again from the hint.
        add_page(store, layout, node.head, tail, || {
            is_current(store, space, home)
        })?;
    }
}

/// Whether a leaf still has the list for which a home was chosen.
pub(crate) fn is_current<S: WriteStore>(store: &S, space: &Space, home: &Home) -> Result<bool> {
    Ok(pages::read_node(store, space, home.at)?.epoch == home.node.epoch)
}

/// Gives a node without entries its first page, unless somebody did or it has another list by now.
fn first_page<S: WriteStore>(store: &S, space: &Space, home: &Home) -> Result<()> {
    let mut transaction = store.begin()?;
    let node_place = transaction.open(home.at.block)?;
    let node = Node::read(pages::node_on(
        space,
        transaction.page(node_place),
        home.at,
    )?);
    if node.head != NO_BLOCK || node.epoch != home.node.epoch {
        return Ok(());
    }
    let (block, place) = transaction.extend()?;
    let mut empty = space.leaf.empty();
    layout::set_owners(&mut empty, 1);
    transaction.page_mut(place).replace(&empty)?;
    let mut page = transaction.page_mut(node_place);
    node::set_head(pages::node_on_mut(space, page.bytes(), home.at)?, block, 0);
    transaction.commit()
}

/// Adds an empty page behind `tail`, unless somebody did or the bucket is not in use any more, as `is_current` says when
/// both pages are locked.
pub(crate) fn add_page<S: WriteStore>(
    store: &S,
    layout: &Layout,
    head: BlockNumber,
    tail: BlockNumber,
    is_current: impl FnOnce() -> Result<bool>,
) -> Result<()> {
    let mut transaction = store.begin()?;
    let places = open_all(&mut transaction, &[head, tail])?;
    layout.check(head, transaction.page(places[0]))?;
    layout.check(tail, transaction.page(places[1]))?;
    if layout::next(transaction.page(places[1])) != NO_BLOCK || !is_current()? {
        return Ok(());
    }
    let (block, place) = transaction.extend()?;
    transaction.page_mut(place).replace(&layout.empty())?;
    layout::set_next(transaction.page_mut(places[1]).bytes(), block);
    layout::set_room_hint(transaction.page_mut(places[0]).bytes(), block);
    transaction.commit()
}
