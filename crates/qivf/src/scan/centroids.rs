//! The leaf nodes of an index in the order in which a query would open them, found lazily.
//!
//! The root's list is scored; if its entries are inner nodes, the lists of the nearest few are scored too, as many as was
//! learned, and of others as the search goes on. Leaves wait by an optimistic key from the sign code. When the effort
//! changes, keys are computed anew from what was kept.

use super::leaves::{Leaves, Next, Shown};
use super::scoring;
use crate::error::Result;
use crate::layout::meta::Effort;
use crate::layout::{Pointer, node::Node};
use crate::opening::Opening;
use crate::pages;
use crate::query::Query;
use crate::query::keys::{NodeTerms, list_key, nearness, node_slack};
use crate::root_cache::RootCache;
use crate::space::Space;
use crate::store::PageStore;
use quantize::sign_code::BLOCK;
use std::collections::HashMap;
use std::sync::Arc;

/// For inner nodes beyond those opened at once: their turn comes when the search is well past their centroid.
const LATE: Opening = Opening::radii(-0.5);

/// How many times as many inner nodes are read as are opened at once: sign codes rank them too roughly.
const MEASURED: usize = 3;

/// An inner node.
#[derive(Clone, Copy)]
struct Inner {
    /// For when it is not among those opened at once.
    key: f32,
    at: Pointer,
    /// Its record and ⟨q, c⟩, once read.
    read: Option<(Node, f32)>,
}

/// Leaves in order.
pub(crate) struct Centroids {
    /// Sorted before `sorted`, larger behind it.
    inner: Vec<Inner>,
    sorted: usize,
    /// Inner nodes opened.
    pub opened: usize,
    leaves: Leaves,
    effort: Effort,
}

impl Centroids {
    /// Scores the root's list, from memory or from its pages.
    pub(crate) fn new<S: PageStore>(
        store: &S,
        space: &Space,
        query: &Query,
        (root, cache): (Pointer, Option<&Arc<RootCache>>),
        effort: Effort,
    ) -> Result<Self> {
        let root = read_node(store, space, query, root)?;
        let inner = root.0.level > 1;
        let mut centroids = Self {
            inner: Vec::new(),
            sorted: 0,
            opened: 0,
            leaves: Leaves::new(cache.filter(|_| !inner).cloned())?,
            effort,
        };
        let mut take = |shown: &Shown<'_>| {
            if inner {
                centroids.take_inner(query, shown)
            } else {
                centroids.leaves.push(query, &effort.opening, shown)
            }
        };
        match cache {
            Some(cache) => score_cache(cache, query, root, &mut take)?,
            None => score_list(store, space, query, root, &mut take)?,
        }
        centroids.measure(store, space, query)?;
        Ok(centroids)
    }

    /// Notes inner nodes.
    fn take_inner(&mut self, query: &Query, shown: &Shown<'_>) -> Result<()> {
        let new = shown.near.iter().zip(shown.radius).zip(shown.at);
        let new = new.take(shown.count);
        self.inner.extend(new.map(|((near, radius), at)| Inner {
            key: list_key(query, *near, *radius, &LATE),
            at: *at,
            read: None,
        }));
        Ok(())
    }

    /// The place of every inner node in the order in which they are opened.
    pub(crate) fn ranked<S: PageStore>(
        store: &S,
        space: &Space,
        query: &Query,
        root: Pointer,
    ) -> Result<HashMap<Pointer, usize>> {
        let mut centroids = Self::new(store, space, query, (root, None), Effort::default())?;
        centroids.effort.inner = centroids.inner.len();
        centroids.measure(store, space, query)?;
        centroids.sort_to(centroids.inner.len());
        let places = centroids.inner.iter().enumerate();
        Ok(places.map(|(place, inner)| (inner.at, place)).collect())
    }

    /// Reads the records of the inner nodes that seem to be the nearest, and puts those that are first.
    fn measure<S: PageStore>(&mut self, store: &S, space: &Space, query: &Query) -> Result<()> {
        let rest = &mut self.inner[self.opened..];
        let some = (self.effort.inner * MEASURED).min(rest.len());
        if some < rest.len() {
            rest.select_nth_unstable_by(some, |a, b| a.key.total_cmp(&b.key));
        }
        let measured = &mut rest[..some];
        // By page, so that each is read once.
        measured.sort_unstable_by_key(|inner| inner.at);
        for page in measured.chunk_by_mut(|a, b| a.at.block == b.at.block) {
            store.read(page[0].at.block, |bytes| {
                for inner in page {
                    let record = pages::node_on(space, bytes, inner.at)?;
                    let (node, dot) = (Node::read(record), space.node.dot(&query.vector, record));
                    let near = nearness(query, dot, node.norm_squared);
                    inner.key = list_key(query, near, node.radius, &LATE);
                    inner.read = Some((node, dot));
                }
                Ok(())
            })?;
        }
        self.sorted = self.opened;
        Ok(())
    }

    /// Keys everything that was not taken yet anew, for settling `k` rows.
    pub(crate) fn rekey(&mut self, query: &Query, effort: Effort, k: usize) {
        self.effort = effort;
        let slack = node_slack(query.vector.len(), k);
        self.leaves.rekey(query, &effort.opening, slack);
    }

    /// The key of what comes next: no leaf that is still to come is expected before it.
    pub(crate) fn peek(&mut self) -> Option<f32> {
        let (leaf, inner) = (self.leaves.peek(), self.peek_inner());
        leaf.into_iter().chain(inner).reduce(f32::min)
    }

    /// The key of the next inner node: before everything while more of them are to be opened at once.
    fn peek_inner(&mut self) -> Option<f32> {
        if self.opened < self.effort.inner.min(self.inner.len()) {
            return Some(f32::NEG_INFINITY);
        }
        self.sort_to(self.opened + 1);
        self.inner.get(self.opened).map(|inner| inner.key)
    }

    /// Sorts so much that the first `count` are in their places; more, when it is not much more work.
    fn sort_to(&mut self, count: usize) {
        if count <= self.sorted || self.sorted == self.inner.len() {
            return;
        }
        let rest = &mut self.inner[self.sorted..];
        let piece = (count - self.sorted).max(self.sorted).min(rest.len());
        if piece < rest.len() {
            rest.select_nth_unstable_by(piece, |a, b| a.key.total_cmp(&b.key));
        }
        rest[..piece].sort_unstable_by(|a, b| a.key.total_cmp(&b.key));
        self.sorted += piece;
    }

    /// Takes what comes next: a leaf, or `None` after inner nodes were opened, or at the end.
    pub(crate) fn advance<S: PageStore>(
        &mut self,
        store: &S,
        space: &Space,
        query: &Query,
    ) -> Result<Option<Next>> {
        let (leaf, inner) = (self.leaves.peek(), self.peek_inner());
        if inner.is_none_or(|inner| leaf.is_some_and(|leaf| leaf <= inner)) {
            return Ok(self.leaves.pop());
        }
        let upto = self.effort.inner.max(self.opened + 1).min(self.inner.len());
        self.sort_to(upto);
        let opening = self.effort.opening;
        while self.opened < upto {
            let Inner { at, read, .. } = self.inner[self.opened];
            let node = match read {
                Some(node) => node,
                None => read_node(store, space, query, at)?,
            };
            score_list(store, space, query, node, &mut |shown| {
                self.leaves.push(query, &opening, shown)
            })?;
            self.opened += 1;
        }
        Ok(None)
    }
}

/// Scores the list of a node that has inner product `dot` with the query, block by block.
fn score_list<S: PageStore>(
    store: &S,
    space: &Space,
    query: &Query,
    (node, dot): (Node, f32),
    take: &mut dyn FnMut(&Shown<'_>) -> Result<()>,
) -> Result<()> {
    let terms = NodeTerms::new(query, node.norm_squared, dot);
    let (mut near, mut radius, mut at) = ([0.0; BLOCK], [0.0; BLOCK], [Pointer::NONE; BLOCK]);
    let mut count = 0;
    let mut take = |count, near: &_, radius: &_, at: &_| {
        take(&Shown {
            count,
            near,
            radius,
            at,
        })
    };
    pages::for_each_group(store, &space.root, &node, |group| {
        let scores = scoring::score(&space.root, query, [&group, &group])[0];
        let mut lows = scores.map(|score| query.tables.dot(score));
        let (adds, scales, errors) = (group.floats(0), group.floats(1), group.floats(2));
        terms.lower(&adds, &scales, &errors, &mut lows);
        let (norms, radii) = (group.floats(3), group.floats(4));
        for lane in 0..space.root.lanes {
            let to = group.pointer(lane).pointer;
            if to.is_none() {
                continue;
            }
            near[count] = terms.nearness(norms[lane], lows[lane]);
            radius[count] = radii[lane];
            at[count] = to;
            count += 1;
            if count == BLOCK {
                take(count, &near, &radius, &at)?;
                count = 0;
            }
        }
        Ok(())
    })?;
    if count > 0 {
        take(count, &near, &radius, &at)?;
    }
    Ok(())
}

/// Scores the root's list as it is kept in memory, the root having inner product `dot` with the query.
fn score_cache(
    cache: &RootCache,
    query: &Query,
    (root, dot): (Node, f32),
    take: &mut dyn FnMut(&Shown<'_>) -> Result<()>,
) -> Result<()> {
    let tables = &query.tables;
    let terms = NodeTerms::new(query, root.norm_squared, dot);
    let mut scores = [0; BLOCK];
    for block in cache.blocks() {
        let entries = block.entries;
        tables.score_block(block.codes, &mut scores);
        let mut near = tables.dots(&scores);
        terms.lower(&entries.add, &entries.scale, &entries.error, &mut near);
        for (near, norm_squared) in near.iter_mut().zip(&entries.norm_squared) {
            *near = terms.nearness(*norm_squared, *near);
        }
        take(&Shown {
            count: block.count,
            near: &near,
            radius: &entries.radius,
            at: &entries.at,
        })?;
    }
    Ok(())
}

/// Reads the node at `at` and its inner product with the query.
fn read_node<S: PageStore>(
    store: &S,
    space: &Space,
    query: &Query,
    at: Pointer,
) -> Result<(Node, f32)> {
    pages::with_node(store, space, at, |record| {
        (Node::read(record), space.node.dot(&query.vector, record))
    })
}
