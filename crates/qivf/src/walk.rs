//! Walking everything an index has: the nodes, and the buckets their lists share.

use crate::error::{Error, Result};
use crate::layout::Pointer;
use crate::layout::node::{self, Node};
use crate::pages;
use crate::space::Space;
use crate::store::{BlockNumber, NO_BLOCK, PageStore};
use quantize::room;
use std::collections::BTreeSet;

/// A leaf node and the node whose list it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub leaf: Pointer,
    pub parent: Pointer,
}

/// All leaf nodes below `root`, in the order of the lists they are in.
pub(crate) fn leaves<S: PageStore>(store: &S, space: &Space, root: Pointer) -> Result<Vec<Place>> {
    let mut leaves = Vec::new();
    for parent in parents(store, space, root)? {
        let children = children(store, space, parent)?.1;
        room::reserve(&mut leaves, children.len())?;
        leaves.extend(children.into_iter().map(|leaf| Place { leaf, parent }));
    }
    Ok(leaves)
}

/// The nodes whose lists hold leaves: the root, or the inner nodes in its list.
pub(crate) fn parents<S: PageStore>(
    store: &S,
    space: &Space,
    root: Pointer,
) -> Result<Vec<Pointer>> {
    let (node, inner) = children(store, space, root)?;
    Ok(if node.level > 1 { inner } else { vec![root] })
}

/// A node and what the entries of its list point to.
pub(crate) fn children<S: PageStore>(
    store: &S,
    space: &Space,
    at: Pointer,
) -> Result<(Node, Vec<Pointer>)> {
    let mut children = Vec::new();
    let node = pages::read_node(store, space, at)?;
    if node.level == 0 || node.level > node::MAX_LEVEL {
        return Err(Error::corrupt(at.block, "node is of another level"));
    }
    pages::for_each_group(store, &space.root, &node, |group| {
        room::reserve(&mut children, space.root.lanes)?;
        children.extend(group.entries().map(|(_, to)| to.pointer));
        Ok(())
    })?;
    Ok((node, children))
}

/// The first blocks of all buckets, each once.
pub(crate) fn buckets<S: PageStore>(
    store: &S,
    space: &Space,
    root: Pointer,
) -> Result<BTreeSet<BlockNumber>> {
    let mut heads = BTreeSet::new();
    for at in leaves(store, space, root)? {
        let node = pages::read_node(store, space, at.leaf)?;
        if node.head != NO_BLOCK {
            heads.insert(node.head);
        }
    }
    Ok(heads)
}
