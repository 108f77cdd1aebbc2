//! Walking everything an index has: the nodes, and the buckets their lists share.

use crate::error::{Error, Result};
use crate::index::Index;
use crate::layout::node::{self, Node};
use crate::layout::{self, Pointer};
use crate::scan::lists;
use crate::store::{BlockNumber, NO_BLOCK, PageStore};
use std::collections::BTreeSet;

/// A leaf node and the node whose list it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub leaf: Pointer,
    pub parent: Pointer,
}

/// All leaf nodes, in the order of the lists they are in.
pub(crate) fn leaves<S: PageStore>(index: &Index<S>) -> Result<Vec<Place>> {
    let mut leaves = Vec::new();
    if index.space().is_none() {
        return Ok(leaves);
    }
    for parent in parents(index)? {
        let children = children(index, parent)?.1;
        leaves.extend(children.into_iter().map(|leaf| Place { leaf, parent }));
    }
    Ok(leaves)
}

/// The nodes whose lists hold leaves: the root, or the inner nodes in its list.
pub(crate) fn parents<S: PageStore>(index: &Index<S>) -> Result<Vec<Pointer>> {
    let root = index.meta().root;
    let (node, inner) = children(index, root)?;
    Ok(if node.level > 1 { inner } else { vec![root] })
}

/// A node and what the entries of its list point to.
pub(crate) fn children<S: PageStore>(
    index: &Index<S>,
    at: Pointer,
) -> Result<(Node, Vec<Pointer>)> {
    let mut children = Vec::new();
    let Some(space) = index.space() else {
        return Err(Error::corrupt(at.block, "nodes without a dimension"));
    };
    let node = lists::with_node(index.store(), space, at, |record| Ok(Node::read(record)))?;
    if node.level == 0 || node.level > node::MAX_LEVEL {
        return Err(Error::corrupt(at.block, "node is of another level"));
    }
    lists::for_each_group(index.store(), &space.root, node.head, node.tag, |group| {
        let all = (0..space.root.lanes).map(|lane| group.pointer(lane).pointer);
        children.extend(all.filter(|p| !p.is_none()));
        Ok(())
    })?;
    Ok((node, children))
}

/// The first blocks of all buckets, each once.
pub(crate) fn buckets<S: PageStore>(index: &Index<S>) -> Result<BTreeSet<BlockNumber>> {
    let mut heads = BTreeSet::new();
    let Some(space) = index.space() else {
        return Ok(heads);
    };
    for at in leaves(index)? {
        let node = lists::with_node(index.store(), space, at.leaf, |record| {
            Ok(Node::read(record))
        })?;
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
