//! Reading one list: its chain of pages, one lock at a time, and the keys of its sign entries.

use crate::error::{Error, Result};
use crate::layout::group::{self, EntryPointer};
use crate::layout::{self, Pointer, node, refine};
use crate::query::Query;
use crate::space::Space;
use crate::store::{BlockNumber, NO_BLOCK, PageStore};
use quantize::sign_code::LANES;

/// How many standard deviations of its estimate the key of a sign entry lies before the estimate.
///
/// Seen on 62,666 × 384 embeddings (`examples/evidence.rs`): 26 to 35 rows refined for ten at recall 0.90 to 0.99. With 1.5
/// they are 32 to 43; with 0.7 they are 21 to 26, but twice as many lists are opened at 0.99.
pub(crate) const MARGIN: f32 = 1.2;

/// A chain of more pages is checked for being a cycle.
const LONG_CHAIN: BlockNumber = 64;

/// Calls `visit` with every group of list `tag` in the bucket that starts at `head`.
pub(crate) fn for_each_group<S: PageStore>(
    store: &S,
    layout: &group::Layout,
    head: BlockNumber,
    tag: u8,
    mut visit: impl FnMut(group::Group<&[u8]>) -> Result<()>,
) -> Result<()> {
    let mut block = head;
    let mut pages = 0;
    while block != NO_BLOCK {
        pages += 1;
        // How long the file is costs a system call, and most chains are of one page.
        if pages > LONG_CHAIN && pages > store.block_count()? {
            return Err(Error::corrupt(block, "chain of list pages is a cycle"));
        }
        block = store.read(block, |page| {
            layout.check(block, page)?;
            for group in 0..layout.used(page) {
                if layout.tag(page, group) == tag {
                    visit(layout.group(page, group))?;
                }
            }
            Ok(layout::next(page))
        })?;
        store.check_interrupts()?;
    }
    Ok(())
}

/// The integer scores of a group's codes.
#[inline]
pub(crate) fn score(
    layout: &group::Layout,
    query: &Query,
    group: &group::Group<&[u8]>,
    scores: &mut [i32; LANES],
) {
    if layout.lanes == LANES {
        query.planes.score_group(group.codes(), scores);
    } else {
        scores[0] = query.planes.score_one(group.codes());
    }
}

/// What the keys of a list's entries depend on besides the entries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListTerms {
    /// Added to every key.
    pub add: f32,
    /// Multiplies the entry's error: margin × distance of the query to the centroid.
    pub spread: f32,
    /// Multiplies the entry's scale: margin × what the query lost in its planes.
    pub rounding: f32,
}

impl ListTerms {
    /// For a list whose centroid has inner product `dot` with the query and squared norm `norm_squared`.
    pub(crate) fn new(space: &Space, query: &Query, dot: f32, norm_squared: f32) -> Self {
        let q = query.norm * query.norm;
        let distance_squared = (q + norm_squared - 2.0 * dot).max(0.0);
        Self {
            add: match space.element {
                crate::space::Element::Binary => q,
                _ if query.by_ip => -2.0 * dot,
                _ => distance_squared,
            },
            spread: MARGIN * distance_squared.sqrt(),
            rounding: MARGIN * query.planes.error(),
        }
    }
}

/// A row's sign entry in reach: its key and where its record is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scored {
    pub key: f32,
    pub to: EntryPointer,
}

/// Scores the entries of a leaf list into `out`.
pub(crate) fn score_leaf<S: PageStore>(
    store: &S,
    space: &Space,
    query: &Query,
    node: &node::Node,
    terms: ListTerms,
    out: &mut Vec<Scored>,
) -> Result<()> {
    out.clear();
    let mut scores = [0; LANES];
    for_each_group(store, &space.leaf, node.head, node.tag, |group| {
        score(&space.leaf, query, &group, &mut scores);
        let (adds, scales, errors) = (group.floats(0), group.floats(1), group.floats(2));
        let mut keys = [0.0f32; LANES];
        for lane in 0..LANES {
            keys[lane] = terms.add + adds[lane] + scales[lane] * query.planes.dot(scores[lane])
                - terms.spread * errors[lane]
                - terms.rounding * scales[lane].abs();
        }
        for (lane, key) in keys.into_iter().enumerate().take(space.leaf.lanes) {
            let to = group.pointer(lane);
            if !to.pointer.is_none() {
                let key = if key.is_nan() { f32::NEG_INFINITY } else { key };
                out.push(Scored { key, to });
            }
        }
        Ok(())
    })
}

/// Reads the node record at `at`: fixed fields and ⟨q, centroid⟩.
pub(crate) fn read_node<S: PageStore>(
    store: &S,
    space: &Space,
    at: Pointer,
    q: &[f32],
) -> Result<(node::Node, f32)> {
    with_node(store, space, at, |record| {
        Ok((node::Node::read(record), space.node.dot(q, record)))
    })
}

/// Calls `f` with the node record at `at`.
pub(crate) fn with_node<S: PageStore, R>(
    store: &S,
    space: &Space,
    at: Pointer,
    f: impl FnOnce(&[u8]) -> Result<R>,
) -> Result<R> {
    store.read(at.block, |page| f(node_on(space, page, at)?))
}

/// The node record at `at`, whose page this is.
pub(crate) fn node_on<'a>(space: &Space, page: &'a [u8], at: Pointer) -> Result<&'a [u8]> {
    layout::expect(at.block, page, layout::PageKind::Node)?;
    let record = space.node.slots.get(page, usize::from(at.slot));
    record.ok_or(Error::corrupt(
        at.block,
        "pointer to a node that is not there",
    ))
}

/// Calls `f` with the refine record at `at`, if it is a live row.
pub(crate) fn with_row<S: PageStore, R>(
    store: &S,
    space: &Space,
    at: Pointer,
    f: impl FnOnce(&[u8]) -> R,
) -> Result<Option<R>> {
    store.read(at.block, |page| {
        layout::expect(at.block, page, layout::PageKind::Refine)?;
        let record = space.refine.get(page, usize::from(at.slot));
        let record = record.ok_or(Error::corrupt(
            at.block,
            "pointer to a row that is not there",
        ))?;
        Ok((refine::state(record) == refine::LIVE).then(|| f(record)))
    })
}
