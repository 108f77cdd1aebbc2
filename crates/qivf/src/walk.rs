//! Walking everything an index has: the leaves, and the buckets their lists share.

use crate::error::{Error, Result};
use crate::index::Index;
use crate::layout::node::Node;
use crate::layout::{self, Pointer};
use crate::scan::lists;
use crate::store::{BlockNumber, NO_BLOCK, PageStore};
use std::collections::BTreeSet;

/// All leaf nodes, in the order of the root's list.
pub(crate) fn leaves<S: PageStore>(index: &Index<S>) -> Result<Vec<Pointer>> {
    let Some(space) = index.space() else {
        return Ok(Vec::new());
    };
    let root = lists::with_node(index.store(), space, index.meta().root, |record| {
        Ok(Node::read(record))
    })?;
    let mut leaves = Vec::new();
    lists::for_each_group(index.store(), &space.root, root.head, root.tag, |group| {
        let all = (0..space.root.lanes).map(|lane| group.pointer(lane).pointer);
        leaves.extend(all.filter(|p| !p.is_none()));
        Ok(())
    })?;
    Ok(leaves)
}

/// The first blocks of all buckets, each once.
pub(crate) fn buckets<S: PageStore>(index: &Index<S>) -> Result<BTreeSet<BlockNumber>> {
    let mut heads = BTreeSet::new();
    let Some(space) = index.space() else {
        return Ok(heads);
    };
    for at in leaves(index)? {
        let node = lists::with_node(index.store(), space, at, |record| Ok(Node::read(record)))?;
        if node.head != NO_BLOCK {
            heads.insert(node.head);
        }
    }
    Ok(heads)
}

/// Calls `visit` with every block of the chain from `head`; `visit` checks the page.
pub(crate) fn chain<S: PageStore>(
    store: &S,
    head: BlockNumber,
    mut visit: impl FnMut(BlockNumber, &[u8]) -> Result<()>,
) -> Result<()> {
    let (mut block, mut left) = (head, store.block_count()?);
    while block != NO_BLOCK {
        if left == 0 {
            return Err(Error::corrupt(block, "chain of pages is a cycle"));
        }
        left -= 1;
        store.check_interrupts()?;
        block = store.read(block, |page| {
            visit(block, page)?;
            Ok(layout::next(page))
        })?;
    }
    Ok(())
}
