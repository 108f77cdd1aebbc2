//! The root's list kept in memory by those who scan an index again and again: its codes in blocks for look-up by table, its
//! numbers side by side. Never stale: nothing changes the root's list or the nodes' centroids once an index is built.

use super::leaves::Block;
use super::lists;
use crate::error::{Error, Result};
use crate::index::Index;
use crate::layout::{Pointer, group::Factors, meta::Meta, node::Node};
use crate::query::Query;
use crate::space::Space;
use crate::store::PageStore;
use quantize::sign_code::deinterleave;
use quantize::sign_code::table::{self, BLOCK, QueryTables};

/// How many standard deviations of its estimate a node's nearness lies before the estimate. Less than for rows: a node
/// that is read too late costs less than reading many for nothing.
///
/// Seen on 62,666 × 384 embeddings (`examples/evidence.rs`), nodes read at recall 0.95 and 0.99 of ten: 1.5: 40 and 169;
/// 0.7: 26 and 134, with the same lists opened.
pub(crate) const NODE_MARGIN: f32 = 0.7;

/// What a backend keeps of an index.
#[derive(Debug)]
pub struct Cells {
    build_id: u64,
    root: Pointer,
    block_size: usize,
    codes: Vec<u8>,
    entries: Vec<Entries>,
    count: usize,
}

/// The entries of a block, besides their codes.
#[derive(Clone, Debug)]
struct Entries {
    at: [Pointer; BLOCK],
    add: [f32; BLOCK],
    scale: [f32; BLOCK],
    error: [f32; BLOCK],
    norm_squared: [f32; BLOCK],
    radius: [f32; BLOCK],
}

impl Cells {
    /// Whether the lists of an index have an order, and groups to take apart.
    pub(crate) fn are_useful(meta: &Meta, space: &Space) -> bool {
        !meta.flat && space.root.lanes > 1
    }

    /// Whether these are the cells of the index that `meta` describes.
    pub fn are_of(&self, meta: &Meta) -> bool {
        self.build_id == meta.build_id && self.root == meta.root
    }

    /// Reads the cells of an index; `None` if they are of no use.
    pub(crate) fn read<S: PageStore>(index: &Index<S>) -> Result<Option<Self>> {
        let Some(space) = index.space() else {
            return Ok(None);
        };
        let (meta, layout) = (index.meta(), &space.root);
        if !Self::are_useful(meta, space) {
            return Ok(None);
        }
        let node = lists::with_node(index.store(), space, meta.root, |r| Ok(Node::read(r)))?;
        let mut cells = Self {
            build_id: meta.build_id,
            root: meta.root,
            block_size: table::block_size(space.dim),
            codes: Vec::new(),
            entries: Vec::new(),
            count: 0,
        };
        let mut code = vec![0; layout.words];
        lists::for_each_group(index.store(), layout, node.head, node.tag, |group| {
            for lane in 0..layout.lanes {
                let at = group.pointer(lane).pointer;
                if !at.is_none() {
                    deinterleave(group.codes(), lane, layout.lanes, &mut code);
                    cells.push(at, &code, &group.factors(lane))?;
                }
            }
            Ok(())
        })?;
        Ok(Some(cells))
    }

    fn push(&mut self, at: Pointer, code: &[u64], factors: &Factors) -> Result<()> {
        let lane = self.count % BLOCK;
        if lane == 0 {
            let bytes = self.block_size + size_of::<Entries>();
            let room = self.codes.try_reserve(self.block_size);
            let room = room.and_then(|()| self.entries.try_reserve(1));
            room.map_err(|_| Error::OutOfMemory { bytes })?;
            self.codes.resize(self.codes.len() + self.block_size, 0);
            self.entries.push(Entries {
                at: [Pointer::NONE; BLOCK],
                add: [0.0; BLOCK],
                scale: [0.0; BLOCK],
                error: [0.0; BLOCK],
                norm_squared: [0.0; BLOCK],
                radius: [0.0; BLOCK],
            });
        }
        let (block, last) = (self.codes.len() - self.block_size, self.entries.len() - 1);
        table::set_in_block(code, lane, &mut self.codes[block..]);
        let entries = &mut self.entries[last];
        entries.at[lane] = at;
        entries.add[lane] = factors.add;
        entries.scale[lane] = factors.scale;
        entries.error[lane] = factors.error;
        entries.norm_squared[lane] = factors.norm_squared;
        entries.radius[lane] = factors.radius;
        self.count += 1;
        Ok(())
    }

    /// Shows every entry to a query, block by block, the root having inner product `dot` with it.
    pub(super) fn sight(
        &self,
        query: &Query,
        (root, dot): (Node, f32),
        take: &mut dyn FnMut(&Block) -> Result<()>,
    ) -> Result<()> {
        let tables = QueryTables::new(&query.vector);
        let terms = NodeTerms::new(query, root.norm_squared, dot, tables.error());
        let mut scores = [0; BLOCK];
        let codes = self.codes.chunks_exact(self.block_size);
        for (codes, entries) in codes.zip(&self.entries) {
            tables.score_block(codes, &mut scores);
            let mut block = Block {
                near: [0.0; BLOCK],
                radius: entries.radius,
                at: entries.at,
            };
            for (lane, near) in block.near.iter_mut().enumerate() {
                *near = terms.nearness(
                    entries.add[lane],
                    entries.scale[lane],
                    entries.error[lane],
                    entries.norm_squared[lane],
                    tables.dot(scores[lane]),
                );
            }
            take(&block)?;
        }
        Ok(())
    }
}

/// What the nearness of a node's children depends on besides their entries.
pub(crate) struct NodeTerms {
    by_ip: bool,
    /// ‖q‖².
    q: f32,
    distance_squared: f32,
    spread: f32,
    rounding: f32,
}

impl NodeTerms {
    /// For a node with inner product `dot` and `norm_squared`, and a query that lost `rounding` when it was cut.
    pub(crate) fn new(query: &Query, norm_squared: f32, dot: f32, rounding: f32) -> Self {
        let q = query.norm * query.norm;
        let distance_squared = (q + norm_squared - 2.0 * dot).max(0.0);
        Self {
            by_ip: query.by_ip,
            q,
            distance_squared,
            spread: NODE_MARGIN * distance_squared.sqrt(),
            rounding: NODE_MARGIN * rounding,
        }
    }

    /// Optimistic: ‖q − c‖ of a child, or ⟨q, c⟩ under inner product.
    #[inline(always)]
    pub(crate) fn nearness(
        &self,
        add: f32,
        scale: f32,
        error: f32,
        norm_squared: f32,
        dot: f32,
    ) -> f32 {
        let squared = self.distance_squared + add + scale * dot;
        let low = (squared - self.spread * error - self.rounding * scale.abs()).max(0.0);
        if self.by_ip {
            (self.q + norm_squared - low) / 2.0
        } else {
            low.sqrt()
        }
    }
}
