//! Scoring one list: the keys of its sign entries.

use crate::error::Result;
use crate::layout::{Pointer, group, node};
use crate::pages;
use crate::query::Query;
use crate::space::Space;
use crate::store::PageStore;
use quantize::sign_code::{Estimate, GroupScores, LANES, Sifted};

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
    pages::for_each_list_page(store, layout, node.head, |page| {
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
