//! The leaf nodes of an index in the order in which a query would open them, found lazily.
//!
//! The root's list is scored once. Its entries are sorted in growing pieces (an incremental quicksort) by an optimistic
//! key from the sign code, and those at the front are read from their node records and get their true key. When `b`
//! changes, keys are computed anew from what was kept.

use super::lists::{self, MARGIN};
use crate::error::{Error, Result};
use crate::layout::{Pointer, node::Node};
use crate::query::Query;
use crate::space::Space;
use crate::store::PageStore;
use quantize::sign_code::LANES;

/// A leaf as its sign entry shows it.
#[derive(Clone, Copy, Debug)]
struct Sighted {
    /// Optimistic: ‖q − c‖, or ⟨q, c⟩ under inner product.
    nearness: f32,
    radius: f32,
    at: Pointer,
}

/// A leaf as its record shows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaf {
    /// ‖q − c‖, or ⟨q, c⟩ under inner product.
    pub nearness: f32,
    /// ⟨q, c⟩.
    pub dot: f32,
    pub node: Node,
}

/// The key of a list: where its nearest row may be, `b` radii from the centroid towards the query.
pub(crate) fn list_key(query: &Query, nearness: f32, radius: f32, b: f32) -> f32 {
    let key = if query.by_ip {
        -2.0 * (nearness + b * radius * query.norm)
    } else {
        let d = (nearness - b * radius).max(0.0);
        d * d
    };
    if key.is_nan() { f32::NEG_INFINITY } else { key }
}

/// The nearness to a centroid, given its inner product with the query and its squared norm.
fn nearness(query: &Query, dot: f32, norm_squared: f32) -> f32 {
    if query.by_ip {
        dot
    } else {
        (query.norm * query.norm + norm_squared - 2.0 * dot)
            .max(0.0)
            .sqrt()
    }
}

/// Leaves in order.
pub(crate) struct Centroids {
    sighted: Vec<Sighted>,
    /// (key, index into `sighted`); sorted before `sorted`, larger behind it.
    order: Vec<(f32, u32)>,
    next: usize,
    sorted: usize,
}

impl Centroids {
    /// Scores the root's list.
    pub(crate) fn new<S: PageStore>(
        store: &S,
        space: &Space,
        query: &Query,
        root: Pointer,
    ) -> Result<Self> {
        let (node, dot) = lists::read_node(store, space, root, &query.vector)?;
        let q = query.norm * query.norm;
        let distance_squared = (q + node.norm_squared - 2.0 * dot).max(0.0);
        let spread = MARGIN * distance_squared.sqrt();
        let rounding = MARGIN * query.planes.error();
        let mut sighted = Vec::new();
        let mut scores = [0; LANES];
        lists::for_each_group(store, &space.root, node.head, node.tag, |group| {
            lists::score(&space.root, query, &group, &mut scores);
            sighted.try_reserve(LANES).map_err(|_| Error::OutOfMemory {
                bytes: LANES * size_of::<Sighted>(),
            })?;
            let (adds, scales, errors) = (group.floats(0), group.floats(1), group.floats(2));
            let (norms, radii) = (group.floats(3), group.floats(4));
            let mut near = [0.0f32; LANES];
            for lane in 0..LANES {
                let squared =
                    distance_squared + adds[lane] + scales[lane] * query.planes.dot(scores[lane]);
                let low =
                    (squared - spread * errors[lane] - rounding * scales[lane].abs()).max(0.0);
                near[lane] = if query.by_ip {
                    (q + norms[lane] - low) / 2.0
                } else {
                    low.sqrt()
                };
            }
            for lane in 0..space.root.lanes {
                let at = group.pointer(lane).pointer;
                if !at.is_none() {
                    sighted.push(Sighted {
                        nearness: near[lane],
                        radius: radii[lane],
                        at,
                    });
                }
            }
            Ok(())
        })?;
        Ok(Self {
            sighted,
            order: Vec::new(),
            next: 0,
            sorted: 0,
        })
    }

    /// Keys everything that was not taken yet by `b`.
    pub(crate) fn rekey(&mut self, query: &Query, b: f32) {
        let sighted = &self.sighted;
        let key = |i: u32| {
            let s = &sighted[i as usize];
            list_key(query, s.nearness, s.radius, b)
        };
        if self.order.is_empty() {
            self.order = (0..sighted.len() as u32).map(|i| (key(i), i)).collect();
        } else {
            self.order.drain(..self.next);
            self.order.iter_mut().for_each(|(k, i)| *k = key(*i));
        }
        (self.next, self.sorted) = (0, 0);
    }

    /// The key of the next leaf.
    pub(crate) fn peek(&mut self) -> Option<f32> {
        if self.next == self.sorted && self.sorted < self.order.len() {
            let piece = (self.sorted.max(64)).min(self.order.len() - self.sorted);
            let rest = &mut self.order[self.sorted..];
            if piece < rest.len() {
                rest.select_nth_unstable_by(piece, |a, b| a.0.total_cmp(&b.0));
            }
            rest[..piece].sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
            self.sorted += piece;
        }
        self.order.get(self.next).map(|o| o.0)
    }

    /// Takes the next leaf and reads its record.
    pub(crate) fn take<S: PageStore>(
        &mut self,
        store: &S,
        space: &Space,
        query: &Query,
    ) -> Result<Option<(Pointer, Leaf)>> {
        let Some((_, at)) = self.pop() else {
            return Ok(None);
        };
        Ok(Some((at, read_leaf(store, space, query, at)?)))
    }

    /// Takes the next leaf: its key and where its record is.
    pub(crate) fn pop(&mut self) -> Option<(f32, Pointer)> {
        let key = self.peek()?;
        let at = self.sighted[self.order[self.next].1 as usize].at;
        self.next += 1;
        Some((key, at))
    }

    /// Where all leaves are, in no order.
    pub(crate) fn pointers(&self) -> impl Iterator<Item = Pointer> {
        self.sighted.iter().map(|s| s.at)
    }
}

/// Reads the leaf at `at`.
pub(crate) fn read_leaf<S: PageStore>(
    store: &S,
    space: &Space,
    query: &Query,
    at: Pointer,
) -> Result<Leaf> {
    let (node, dot) = lists::read_node(store, space, at, &query.vector)?;
    Ok(Leaf {
        nearness: nearness(query, dot, node.norm_squared),
        dot,
        node,
    })
}
