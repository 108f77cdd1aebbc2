//! Reading one list: its chain of pages, one lock at a time, and the keys of its sign entries.

use super::centroids::Leaf;
use crate::error::{Error, Result};
use crate::layout::group;
use crate::layout::{self, Pointer, node, refine};
use crate::query::Query;
use crate::space::{Element, Space};
use crate::store::{BlockNumber, NO_BLOCK, PageStore};
use quantize::sign_code::{Estimate, GroupScores, LANES, Sifted};

/// How many standard deviations of its estimate the key of a sign entry lies before the estimate.
///
/// Seen on 62,666 × 384 embeddings (`examples/evidence.rs`): 26 to 35 rows refined for ten at recall 0.90 to 0.99. With 1.5
/// they are 32 to 43; with 0.7 they are 21 to 26, but twice as many lists are opened at 0.99.
pub(crate) const MARGIN: f32 = 1.2;

/// A chain of more pages is checked for being a cycle.
const LONG_CHAIN: BlockNumber = 64;

/// Calls `visit` with every page of the bucket that starts at `head`.
fn for_each_page<S: PageStore>(
    store: &S,
    layout: &group::Layout,
    head: BlockNumber,
    mut visit: impl FnMut(&[u8]) -> Result<()>,
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
            visit(page)?;
            Ok(layout::next(page))
        })?;
        store.check_interrupts()?;
    }
    Ok(())
}

/// Calls `visit` with every group of list `tag` in the bucket that starts at `head`.
pub(crate) fn for_each_group<S: PageStore>(
    store: &S,
    layout: &group::Layout,
    head: BlockNumber,
    tag: u8,
    mut visit: impl FnMut(group::Group<&[u8]>) -> Result<()>,
) -> Result<()> {
    for_each_page(store, layout, head, |page| {
        layout.groups_of(page, tag).try_for_each(&mut visit)
    })
}

/// The scores of the codes of two groups.
#[inline]
pub(crate) fn score(
    layout: &group::Layout,
    query: &Query,
    groups: [&group::Group<&[u8]>; 2],
) -> GroupScores {
    let mut scores = [[0; LANES]; 2];
    let codes = groups.map(|group| group.codes());
    if layout.lanes == LANES {
        query.tables.score_groups(codes, &mut scores);
    } else {
        for (scores, code) in scores.iter_mut().zip(codes) {
            scores[0] = query.tables.score_one(code);
        }
    }
    scores
}

/// What the keys of the entries of a leaf's list depend on besides the entries.
pub(crate) fn terms(space: &Space, query: &Query, leaf: &Leaf) -> Estimate {
    let (q, dot) = (query.norm * query.norm, leaf.dot);
    let distance_squared = (q + leaf.node.norm_squared - 2.0 * dot).max(0.0);
    Estimate {
        base: match space.element {
            Element::Binary => q,
            _ if query.by_ip => -2.0 * dot,
            _ => distance_squared,
        },
        spread: MARGIN * distance_squared.sqrt(),
        rounding: MARGIN * query.tables.error(),
    }
}

/// What scoring a list has left.
pub(crate) struct Scored {
    /// The least key beyond the limit, ∞ if there is none.
    pub beyond: f32,
    /// Entries scored.
    pub codes: usize,
}

/// Scores the entries of a leaf list and calls `visit` with the key and place of those with keys up to `limit`. The key of
/// an entry is never ∞, and −∞ where the distance is unknown.
pub(crate) fn score_leaf<S: PageStore>(
    store: &S,
    space: &Space,
    query: &Query,
    (node, terms): (&node::Node, Estimate),
    limit: f32,
    mut visit: impl FnMut(f32, Pointer),
) -> Result<Scored> {
    let layout = &space.leaf;
    // So that ∞ means that there is no entry.
    let limit = limit.min(f32::MAX);
    let (mut beyond, mut codes) = (f32::INFINITY, 0);
    for_each_page(store, layout, node.head, |page| {
        let mut groups = layout.groups_of(page, node.tag);
        while let Some(first) = groups.next() {
            let second = groups.next();
            let scores = score(layout, query, [&first, second.as_ref().unwrap_or(&first)]);
            for (group, scores) in [Some(first), second].into_iter().flatten().zip(&scores) {
                let sifted = sift(layout, query, terms, &group, scores, limit);
                beyond = beyond.min(sifted.beyond);
                codes += sifted
                    .lows
                    .iter()
                    .filter(|low| **low != f32::INFINITY)
                    .count();
                let mut within = sifted.within;
                while within != 0 {
                    let lane = within.trailing_zeros() as usize;
                    within &= within - 1;
                    let (key, at) = (sifted.lows[lane], group.pointer(lane).pointer);
                    if !at.is_none() {
                        visit(if key.is_nan() { f32::NEG_INFINITY } else { key }, at);
                    }
                }
            }
        }
        Ok(())
    })?;
    Ok(Scored { beyond, codes })
}

/// The keys of a group's entries. Those of no entry are beyond the limit or point nowhere.
#[inline(always)]
fn sift(
    layout: &group::Layout,
    query: &Query,
    terms: Estimate,
    group: &group::Group<&[u8]>,
    scores: &[u32; LANES],
    limit: f32,
) -> Sifted {
    let Some(factors) = group.leaf_factors().filter(|_| layout.lanes == LANES) else {
        return sift_one(query, terms, group, scores[0], limit);
    };
    let mut sifted = terms.sift(&query.tables, scores, factors, limit);
    if sifted.lows.contains(&f32::INFINITY) {
        for lane in 0..LANES {
            // A distance beyond `f32`, or no entry.
            if sifted.lows[lane] == f32::INFINITY && !group.pointer(lane).pointer.is_none() {
                sifted.lows[lane] = f32::MAX;
                match f32::MAX > limit {
                    true => sifted.beyond = sifted.beyond.min(f32::MAX),
                    false => sifted.within |= 1 << lane,
                }
            }
        }
    }
    sifted
}

/// [`sift`] for groups of one entry.
fn sift_one(
    query: &Query,
    terms: Estimate,
    group: &group::Group<&[u8]>,
    score: u32,
    limit: f32,
) -> Sifted {
    let (add, scale, error) = (group.floats(0)[0], group.floats(1)[0], group.floats(2)[0]);
    let low = terms.low(add, scale, error, query.tables.dot(score));
    let low = match group.pointer(0).pointer.is_none() {
        true => f32::INFINITY,
        false if low > f32::MAX => f32::MAX,
        false => low,
    };
    let mut lows = [f32::INFINITY; LANES];
    lows[0] = low;
    let far = low > limit;
    Sifted {
        lows,
        within: u8::from(!far),
        beyond: if far { low } else { f32::INFINITY },
    }
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
