//! The root's list kept in memory by those who scan an index again and again: its codes in blocks for look-up by table, its
//! numbers side by side, and the records of the leaves. It may be a little stale: leaves that were split since have
//! successors, by which others are found ([`crate::grow`]). When too many were split, it is read again.

use crate::error::Result;
use crate::layout::{Pointer, group::Factors, meta::Meta, node::Node};
use crate::pages;
use crate::space::Space;
use crate::store::{NO_BLOCK, PageStore};
use quantize::room;
use quantize::sign_code::{BLOCK, block_size, set_in_block};

/// Bytes of leaf records kept at most, those of the first leaves: all up to some 8,192 lists of 384 dimensions.
const MOST_RECORDS: usize = 4 << 20;

/// It is read again when one leaf in so many was split.
const FRESH: usize = 32;

/// What a backend keeps of an index.
#[derive(Debug)]
pub(crate) struct RootCache {
    build_id: u64,
    root: Pointer,
    version: u32,
    upper: u32,
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
pub(crate) struct Entries {
    pub at: [Pointer; BLOCK],
    pub add: [f32; BLOCK],
    pub scale: [f32; BLOCK],
    pub error: [f32; BLOCK],
    pub norm_squared: [f32; BLOCK],
    pub radius: [f32; BLOCK],
}

/// Some entries side by side.
pub(crate) struct Block<'a> {
    /// How many there are; what lies beyond is meaningless.
    pub count: usize,
    /// Their sign codes, for look-up by table.
    pub codes: &'a [u8],
    /// Everything else.
    pub entries: &'a Entries,
}

impl RootCache {
    /// Whether the lists of an index have an order, and groups to take apart.
    pub(crate) fn is_useful(meta: &Meta, space: &Space) -> bool {
        !meta.flat && space.root.lanes > 1
    }

    /// Whether this was read from the index that `meta` describes, and not too long ago.
    pub(crate) fn is_of(&self, meta: &Meta) -> bool {
        let changes = meta.version.wrapping_sub(self.version) as usize;
        self.build_id == meta.build_id
            && (self.root, self.upper) == (meta.root, meta.upper)
            && changes <= self.count / FRESH
    }

    /// The version of the lists it was read from, at least.
    pub(crate) fn version(&self) -> u32 {
        self.version
    }

    /// Reads the root's list of an index; `None` if that is of no use.
    pub(crate) fn read<S: PageStore>(
        store: &S,
        meta: &Meta,
        space: &Space,
    ) -> Result<Option<Self>> {
        let layout = &space.root;
        if !Self::is_useful(meta, space) {
            return Ok(None);
        }
        let node = pages::read_node(store, space, meta.root)?;
        let mut cache = Self {
            build_id: meta.build_id,
            root: meta.root,
            version: meta.version,
            upper: meta.upper,
            block_size: block_size(space.dim),
            codes: Vec::new(),
            entries: Vec::new(),
            count: 0,
            records: Vec::new(),
            record_size: space.node.slots.size,
        };
        let mut code = vec![0; layout.words];
        pages::for_each_group(store, layout, &node, |group| {
            for (lane, to) in group.entries() {
                group.copy_code(lane, &mut code);
                cache.push(to.pointer, &code, &group.factors(lane))?;
            }
            Ok(())
        })?;
        if node.level == 1 {
            cache.read_records(store, space)?;
        }
        Ok(Some(cache))
    }

    fn read_records<S: PageStore>(&mut self, store: &S, space: &Space) -> Result<()> {
        let some = self.count.min(MOST_RECORDS / self.record_size);
        let bytes = some * self.record_size;
        room::reserve(&mut self.records, bytes)?;
        for entry in 0..some {
            let at = self.entries[entry / BLOCK].at[entry % BLOCK];
            pages::with_node(store, space, at, |record| {
                self.records.extend_from_slice(record);
            })?;
        }
        Ok(())
    }

    /// The node record of an entry, if it is kept. Builds give every list a place; of one without, its page would know more.
    pub(crate) fn record(&self, entry: usize) -> Option<&[u8]> {
        let from = entry * self.record_size;
        let record = self.records.get(from..from + self.record_size)?;
        (Node::read(record).head != NO_BLOCK).then_some(record)
    }

    /// Memory taken, about.
    pub(crate) fn bytes(&self) -> usize {
        self.codes.len() + self.entries.len() * size_of::<Entries>() + self.records.len()
    }

    /// How many blocks of entries there are.
    pub(crate) fn block_count(&self) -> usize {
        self.entries.len()
    }

    /// All blocks of entries.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = Block<'_>> {
        let codes = self.codes.chunks_exact(self.block_size);
        let blocks = codes.zip(&self.entries).enumerate();
        blocks.map(|(i, (codes, entries))| Block {
            count: BLOCK.min(self.count - i * BLOCK),
            codes,
            entries,
        })
    }

    /// What the entries of a block point to.
    pub(crate) fn places(&self, block: usize) -> &[Pointer; BLOCK] {
        &self.entries[block].at
    }

    /// The radii of the nodes of a block.
    pub(crate) fn radii(&self, block: usize) -> &[f32; BLOCK] {
        &self.entries[block].radius
    }

    fn push(&mut self, at: Pointer, code: &[u64], factors: &Factors) -> Result<()> {
        let lane = self.count % BLOCK;
        if lane == 0 {
            room::reserve(&mut self.codes, self.block_size)?;
            room::reserve(&mut self.entries, 1)?;
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
}
