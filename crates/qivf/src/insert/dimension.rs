//! The first row of an index that was built on an empty table without knowing its dimension.

use crate::error::{Error, Result};
use crate::layout::group::EntryPointer;
use crate::layout::meta::Meta;
use crate::layout::node::Node;
use crate::layout::{self, PageKind, Pointer};
use crate::plan::STRIPES;
use crate::space::{Element, Metric, Space, residual_entry};
use crate::store::{BlockNumber, NO_BLOCK, Transaction, WriteStore};

/// Makes the index a flat one of `dim` dimensions, unless somebody was faster. One transaction: meta, nodes, root list.
pub(super) fn learn<S: WriteStore>(store: &S, meta: &Meta, dim: usize) -> Result<()> {
    let unknown = || Error::Format {
        found: "unknown element or metric number".into(),
    };
    let element = Element::from_number(meta.element).ok_or_else(unknown)?;
    let metric = Metric::from_number(meta.metric).ok_or_else(unknown)?;
    let space = Space::new(element, metric, dim, meta.seed)?;
    let mut transaction = store.begin()?;
    let meta_place = transaction.open(0)?;
    let mut meta = Meta::decode(transaction.page(meta_place))?;
    if meta.dim != 0 {
        return Ok(());
    }
    let leaves = leaves(&space);
    let per_page = space.node.slots.per_page;
    let mut places = Vec::new();
    for _ in 0..(leaves + 1).div_ceil(per_page) {
        places.push(transaction.extend()?);
    }
    let (list_block, list_place) = transaction.extend()?;
    let pointer = |node: usize| Pointer {
        block: places[node / per_page].0,
        slot: (node % per_page) as u16,
    };
    let records = records(&space, leaves, list_block);
    for ((_, place), records) in places.iter().zip(records.chunks(per_page)) {
        let mut page = layout::header(PageKind::Node).to_vec();
        records.iter().for_each(|record| page.extend(record));
        transaction.page_mut(*place).replace(&page)?;
    }
    let list = root_list(&space, (0..leaves).map(pointer));
    transaction.page_mut(list_place).replace(&list)?;
    meta.dim = dim as u32;
    meta.slot_size = space.refine.size as u32;
    meta.flat = true;
    meta.lists = leaves as u32;
    meta.root = pointer(leaves);
    transaction.page_mut(meta_place).replace(&meta.encode())?;
    transaction.commit()
}

/// As many leaves as fit one page together with the root, but at least one: the transaction has four pages.
fn leaves(space: &Space) -> usize {
    STRIPES
        .min(space.node.slots.per_page.saturating_sub(1))
        .max(1)
}

/// The records of the leaves and, last, of the root, all around the origin.
fn records(space: &Space, leaves: usize, list_block: BlockNumber) -> Vec<Vec<u8>> {
    (0..=leaves)
        .map(|i| {
            let root = i == leaves;
            let mut record = vec![0; space.node.slots.size];
            space.node.encode(&vec![0.0; space.dim], &mut record);
            Node {
                head: if root { list_block } else { NO_BLOCK },
                tag: 0,
                first_group: 0,
                level: u8::from(root),
                radius: 0.0,
                max_radius: 0.0,
                norm_squared: 0.0,
                built: if root { leaves as u32 } else { 0 },
                ..Node::default()
            }
            .write(&mut record);
            record
        })
        .collect()
}

/// The root's list page.
fn root_list(space: &Space, leaves: impl Iterator<Item = Pointer>) -> Vec<u8> {
    let layout = &space.root;
    let mut list = layout.empty();
    let zero = vec![0.0; space.dim];
    let mut code = vec![0; layout.words];
    for (i, pointer) in leaves.enumerate() {
        let group = i / layout.lanes;
        if i % layout.lanes == 0 {
            layout.push_group(&mut list, 0);
        }
        let factors = residual_entry(&zero, &zero, false, &mut code);
        layout.group_mut(&mut list, group).set(
            i % layout.lanes,
            &code,
            EntryPointer { pointer, flags: 0 },
            &factors,
        );
    }
    list
}
