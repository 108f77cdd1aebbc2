//! Reading what pages hold, checked: chains of pages, the groups of a list, node records and rows.
//!
//! Every function takes one lock at a time and gives it back before it returns.

use crate::error::{Error, Result};
use crate::layout::group::{self, Group};
use crate::layout::node::Node;
use crate::layout::{self, PageKind, Pointer, refine};
use crate::space::Space;
use crate::store::{BlockNumber, NO_BLOCK, PageStore};

/// A chain of more pages is checked for being a cycle.
const LONG_CHAIN: BlockNumber = 64;

/// A place in a chain of pages: it leads to the end, and never around in a cycle.
#[derive(Debug)]
pub(crate) struct Chain {
    next: BlockNumber,
    pages: BlockNumber,
}

impl Chain {
    /// The chain that begins at `head`, which may be [`NO_BLOCK`].
    pub(crate) fn new(head: BlockNumber) -> Self {
        Self {
            next: head,
            pages: 0,
        }
    }

    /// Whether no page is left.
    pub(crate) fn is_at_end(&self) -> bool {
        self.next == NO_BLOCK
    }

    /// Calls `visit` with the next page, which it checks; `None` at the end.
    pub(crate) fn read<S: PageStore, R>(
        &mut self,
        store: &S,
        visit: impl FnOnce(BlockNumber, &[u8]) -> Result<R>,
    ) -> Result<Option<R>> {
        let block = self.next;
        if block == NO_BLOCK {
            return Ok(None);
        }
        self.pages += 1;
        // How long the file is costs a system call, and most chains are of one page.
        if self.pages > LONG_CHAIN && self.pages > store.block_count()? {
            return Err(Error::corrupt(block, "chain of pages is a cycle"));
        }
        let (result, next) = store.read(block, |page| {
            let result = visit(block, page)?;
            Ok((result, layout::next(page)))
        })?;
        self.next = next;
        store.check_interrupts()?;
        Ok(Some(result))
    }
}

/// Calls `visit` with every block of the chain from `head`; `visit` checks the page.
pub(crate) fn for_each_in_chain<S: PageStore>(
    store: &S,
    head: BlockNumber,
    mut visit: impl FnMut(BlockNumber, &[u8]) -> Result<()>,
) -> Result<()> {
    let mut chain = Chain::new(head);
    while chain.read(store, &mut visit)?.is_some() {}
    Ok(())
}

/// Calls `visit` with every page of the bucket that starts at `head`.
pub(crate) fn for_each_list_page<S: PageStore>(
    store: &S,
    layout: &group::Layout,
    head: BlockNumber,
    mut visit: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    for_each_in_chain(store, head, |block, page| {
        layout.check(block, page)?;
        visit(page)
    })
}

/// Calls `visit` with every group of the list of `node`, whose pages are of this layout.
pub(crate) fn for_each_group<S: PageStore>(
    store: &S,
    layout: &group::Layout,
    node: &Node,
    mut visit: impl FnMut(Group<&[u8]>) -> Result<()>,
) -> Result<()> {
    for_each_list_page(store, layout, node.head, |page| {
        layout.groups_of(page, node.tag).try_for_each(&mut visit)
    })
}

/// Reads the fixed fields of the node record at `at`.
pub(crate) fn read_node<S: PageStore>(store: &S, space: &Space, at: Pointer) -> Result<Node> {
    with_node(store, space, at, Node::read)
}

/// Reads the node record at `at` and writes its centroid to `centroid`.
pub(crate) fn read_node_and_centroid<S: PageStore>(
    store: &S,
    space: &Space,
    at: Pointer,
    centroid: &mut [f32],
) -> Result<Node> {
    with_node(store, space, at, |record| {
        space.node.decode(record, centroid);
        Node::read(record)
    })
}

/// Calls `f` with the node record at `at`.
pub(crate) fn with_node<S: PageStore, R>(
    store: &S,
    space: &Space,
    at: Pointer,
    f: impl FnOnce(&[u8]) -> R,
) -> Result<R> {
    store.read(at.block, |page| Ok(f(node_on(space, page, at)?)))
}

/// The node record at `at`, whose page this is.
pub(crate) fn node_on<'a>(space: &Space, page: &'a [u8], at: Pointer) -> Result<&'a [u8]> {
    layout::expect(at.block, page, PageKind::Node)?;
    let record = space.node.slots.get(page, usize::from(at.slot));
    record.ok_or_else(|| no_node(at.block))
}

/// The node record at `at`, whose page this is, for change.
pub(crate) fn node_on_mut<'a>(
    space: &Space,
    page: &'a mut [u8],
    at: Pointer,
) -> Result<&'a mut [u8]> {
    layout::expect(at.block, page, PageKind::Node)?;
    let record = space.node.slots.get_mut(page, usize::from(at.slot));
    record.ok_or_else(|| no_node(at.block))
}

fn no_node(block: BlockNumber) -> Error {
    Error::corrupt(block, "pointer to a node that is not there")
}

/// Calls `f` with the refine record at `at`, if it is a live row.
pub(crate) fn with_row<S: PageStore, R>(
    store: &S,
    space: &Space,
    at: Pointer,
    f: impl FnOnce(&[u8]) -> R,
) -> Result<Option<R>> {
    store.read(at.block, |page| {
        layout::expect(at.block, page, PageKind::Refine)?;
        let record = space.refine.get(page, usize::from(at.slot));
        let record = record.ok_or(Error::corrupt(
            at.block,
            "pointer to a row that is not there",
        ))?;
        Ok((refine::state(record) == refine::LIVE).then(|| f(record)))
    })
}

/// The live rows on a refine page, with their slots.
pub(crate) fn live_rows<'a>(
    space: &Space,
    page: &'a [u8],
) -> impl Iterator<Item = (u16, &'a [u8])> + use<'a> {
    let records = space.refine.records(page);
    records.filter(|(_, record)| refine::state(record) == refine::LIVE)
}
