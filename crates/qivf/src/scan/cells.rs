//! The root's list kept in memory by those who scan an index again and again: its codes in blocks for look-up by table, its
//! numbers side by side, and the records of the leaves. Never stale: once an index is built nothing changes the root's list
//! or the nodes but the upper bounds on radii, which only exact scans use, and they read pages.

use super::leaves::Shown;
use super::lists;
use crate::error::{Error, Result};
use crate::index::Index;
use crate::layout::{Pointer, group::Factors, meta::Meta, node::Node};
use crate::query::Query;
use crate::space::Space;
use crate::store::{NO_BLOCK, PageStore};
use quantize::sign_code::{BLOCK, Estimate, block_size, deinterleave, set_in_block};

/// How many standard deviations of its estimate a node's nearness lies before the estimate. Less than for rows: a node
/// that is read too late costs less than reading many for nothing.
///
/// Seen on 62,666 × 384 embeddings (`examples/evidence.rs`), nodes read at recall 0.95 and 0.99 of ten: 1.5: 40 and 169;
/// 0.7: 26 and 134, with the same lists opened.
pub(crate) const NODE_MARGIN: f32 = 0.7;

/// Bytes of leaf records kept at most, those of the first leaves: all up to some 8,192 lists of 384 dimensions.
const MOST_RECORDS: usize = 4 << 20;

/// What a backend keeps of an index.
#[derive(Debug)]
pub struct Cells {
    build_id: u64,
    root: Pointer,
    block_size: usize,
    codes: Vec<u8>,
    entries: Vec<Entries>,
    count: usize,
    /// The node records of the first entries, if those are leaves.
    records: Vec<u8>,
    record_size: usize,
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
            block_size: block_size(space.dim),
            codes: Vec::new(),
            entries: Vec::new(),
            count: 0,
            records: Vec::new(),
            record_size: space.node.slots.size,
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
        if node.level == 1 {
            cells.read_records(index.store(), space)?;
        }
        Ok(Some(cells))
    }

    fn read_records<S: PageStore>(&mut self, store: &S, space: &Space) -> Result<()> {
        let some = self.count.min(MOST_RECORDS / self.record_size);
        let bytes = some * self.record_size;
        let room = self.records.try_reserve_exact(bytes);
        room.map_err(|_| Error::OutOfMemory { bytes })?;
        for entry in 0..some {
            let at = self.entries[entry / BLOCK].at[entry % BLOCK];
            lists::with_node(store, space, at, |record| {
                self.records.extend_from_slice(record);
                Ok(())
            })?;
        }
        Ok(())
    }

    /// The node record of an entry, if it is kept. Builds give every list a place; of one without, its page would know more.
    pub(super) fn record(&self, entry: usize) -> Option<&[u8]> {
        let from = entry * self.record_size;
        let record = self.records.get(from..from + self.record_size)?;
        (Node::read(record).head != NO_BLOCK).then_some(record)
    }

    /// Memory taken, about.
    pub(crate) fn bytes(&self) -> usize {
        self.codes.len() + self.entries.len() * size_of::<Entries>() + self.records.len()
    }

    /// How many blocks of entries there are.
    pub(super) fn blocks(&self) -> usize {
        self.entries.len()
    }

    /// What the entries of a block point to.
    pub(super) fn places(&self, block: usize) -> &[Pointer; BLOCK] {
        &self.entries[block].at
    }

    /// The radii of the nodes of a block.
    pub(super) fn radii(&self, block: usize) -> &[f32; BLOCK] {
        &self.entries[block].radius
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
        set_in_block(code, lane, &mut self.codes[block..]);
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
        take: &mut dyn FnMut(&Shown<'_>) -> Result<()>,
    ) -> Result<()> {
        let tables = &query.tables;
        let terms = NodeTerms::new(query, root.norm_squared, dot);
        let mut scores = [0; BLOCK];
        let codes = self.codes.chunks_exact(self.block_size);
        for (i, (codes, entries)) in codes.zip(&self.entries).enumerate() {
            tables.score_block(codes, &mut scores);
            let mut near = tables.dots(&scores);
            terms.lower(&entries.add, &entries.scale, &entries.error, &mut near);
            for (near, norm_squared) in near.iter_mut().zip(&entries.norm_squared) {
                *near = terms.nearness(*norm_squared, *near);
            }
            take(&Shown {
                count: BLOCK.min(self.count - i * BLOCK),
                near: &near,
                radius: &entries.radius,
                at: &entries.at,
            })?;
        }
        Ok(())
    }
}

/// What the nearness of a node's children depends on besides their entries.
pub(crate) struct NodeTerms {
    by_ip: bool,
    /// ‖q‖².
    q: f32,
    estimate: Estimate,
}

impl NodeTerms {
    /// For a node with inner product `dot` and `norm_squared`.
    pub(crate) fn new(query: &Query, norm_squared: f32, dot: f32) -> Self {
        let q = query.norm * query.norm;
        let distance_squared = (q + norm_squared - 2.0 * dot).max(0.0);
        Self {
            by_ip: query.by_ip,
            q,
            estimate: Estimate {
                base: distance_squared,
                spread: NODE_MARGIN * distance_squared.sqrt(),
                rounding: NODE_MARGIN * query.tables.error(),
            },
        }
    }

    /// Turns ⟨s, q⟩ of children into how low ‖q − c‖² may be.
    #[inline]
    pub(crate) fn lower(&self, add: &[f32], scale: &[f32], error: &[f32], dots: &mut [f32]) {
        self.estimate.lower(add, scale, error, dots);
    }

    /// Optimistic: ‖q − c‖ of a child, or ⟨q, c⟩ under inner product, from how low ‖q − c‖² may be.
    #[inline(always)]
    pub(crate) fn nearness(&self, norm_squared: f32, low: f32) -> f32 {
        let low = low.max(0.0);
        if self.by_ip {
            (self.q + norm_squared - low) / 2.0
        } else {
            low.sqrt()
        }
    }
}
