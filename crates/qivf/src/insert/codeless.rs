//! Inserting a row without a code.

use crate::error::{Error, Result};
use crate::layout::{self, PageKind, Tid, tids};
use crate::store::{BlockNumber, NO_BLOCK, Transaction, WriteStore};

/// Adds a row to the tids list that begins at `head`.
pub(super) fn insert<S: WriteStore>(
    store: &S,
    head: BlockNumber,
    tid: Tid,
    state: u8,
) -> Result<()> {
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
        let page = transaction.page(place);
        let count = slots.count(page);
        let free = slots
            .records(page)
            .position(|(_, entry)| tids::state(entry) == tids::FREE);
        let next = layout::next(page);
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
