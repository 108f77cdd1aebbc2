//! Room for a row's record: which page to try, and taking a slot on it once it is locked.

use super::state::InsertState;
use crate::error::Result;
use crate::layout::{self, PageKind, refine};
use crate::space::Space;
use crate::store::{BlockNumber, Transaction, WriteStore};

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
