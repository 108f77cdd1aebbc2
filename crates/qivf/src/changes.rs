//! Changing the meta page and the records of nodes.

use crate::error::Result;
use crate::layout::Pointer;
use crate::layout::meta::Meta;
use crate::pages;
use crate::space::Space;
use crate::store::{Transaction, WriteStore};

/// Changes the meta page in a transaction of its own.
pub(crate) fn change_meta<S: WriteStore>(store: &S, change: impl FnOnce(&mut Meta)) -> Result<()> {
    let mut transaction = store.begin()?;
    let place = transaction.open(0)?;
    change_meta_in(&mut transaction, place, change)?;
    transaction.commit()
}

/// Changes the meta page, which a transaction has opened.
pub(crate) fn change_meta_in<T: Transaction>(
    transaction: &mut T,
    place: usize,
    change: impl FnOnce(&mut Meta),
) -> Result<()> {
    let mut meta = Meta::decode(transaction.page(place))?;
    change(&mut meta);
    transaction.page_mut(place).replace(&meta.encode())
}

/// Changes a node's record in a transaction of its own.
pub(crate) fn change_node<S: WriteStore>(
    store: &S,
    space: &Space,
    at: Pointer,
    change: impl FnOnce(&mut [u8]),
) -> Result<()> {
    let mut transaction = store.begin()?;
    let place = transaction.open(at.block)?;
    change_node_in(&mut transaction, place, space, at, change)?;
    transaction.commit()
}

/// Changes a node's record on a page that a transaction has opened.
pub(crate) fn change_node_in<T: Transaction>(
    transaction: &mut T,
    place: usize,
    space: &Space,
    at: Pointer,
    change: impl FnOnce(&mut [u8]),
) -> Result<()> {
    let mut page = transaction.page_mut(place);
    change(pages::node_on_mut(space, page.bytes(), at)?);
    Ok(())
}
