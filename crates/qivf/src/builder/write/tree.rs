//! The nodes of a new index: leaves, inner nodes where there are many leaves, and the root.
//!
//! Records stand in this order, then the list of the root, then those of the inner nodes, several to a page.

use super::bucket::{Bucket, pack};
use crate::builder::assign::Homes;
use crate::error::Result;
use crate::geometry::distance;
use crate::layout::group::EntryPointer;
use crate::layout::node::Node;
use crate::layout::{self, PageKind, Pointer};
use crate::space::{Space, residual_entry};
use crate::store::{BlockNumber, BulkStore};
use crate::workers::{BuildHost, Workers};
use ndarray::{Array1, Array2, ArrayViewMut1, s};
use quantize::row_code::round_up;
use quantize::{kmeans, room};
use std::ops::Range;
use std::sync::atomic::AtomicBool;

/// The node records in the making.
pub(super) struct Tree<'a> {
    space: &'a Space,
    /// One after the other: the leaves, the inner nodes, the root.
    records: Vec<u8>,
    leaves: usize,
    /// The leaves of each inner node.
    groups: Vec<Vec<usize>>,
    first: BlockNumber,
}

/// Parts of a coarse cluster, each of which becomes an inner node.
///
/// With √lists coarse clusters that is 4√lists inner nodes, so that scoring the root's list costs about as much as opening
/// the nodes it tells to. Seen on 62,666 × 384 embeddings, 3,131 lists: to see 98.75 % of the lists needed at recall 0.95,
/// 12 of 56 inner nodes are opened (1,015 lists scored), 18 of 128 (734), 19 of 256 (530), 19 of 512 (300).
const PARTS: usize = 4;
/// Lloyd steps to find them.
const ITERATIONS: usize = 8;

/// Leaves per job.
const JOB: usize = 1024;

/// The leaves of a coarse cluster in parts that lie close.
fn divide(
    centroids: &Array2<f32>,
    group: Range<usize>,
    stop: &AtomicBool,
) -> Result<Vec<Vec<usize>>> {
    let points = centroids.slice(s![group.clone(), ..]);
    let means = kmeans::lloyd(points, PARTS.min(group.len()), ITERATIONS, 0, stop)?;
    let mut parts = vec![Vec::new(); means.nrows()];
    for (leaf, part) in group.zip(kmeans::nearest(points, means.view(), stop)?) {
        room::push(&mut parts[part as usize], leaf)?;
    }
    parts.retain(|part| !part.is_empty());
    Ok(parts)
}

/// The parts of all coarse clusters, in their order.
fn divide_all(homes: &Homes, workers: &Workers<'_>) -> Result<Vec<Vec<usize>>> {
    let stop = workers.stop();
    let mut divided = room::filled(Vec::new(), homes.groups.len())?;
    let mut groups = homes.groups.iter().cloned().enumerate();
    workers.run(
        || Ok(groups.next()),
        |(i, group)| Ok((i, divide(&homes.centroids, group, stop)?)),
        |parts: Result<_>| {
            let (i, parts) = parts?;
            divided[i] = parts;
            Ok(())
        },
    )?;
    let mut all = Vec::new();
    for part in divided.into_iter().flatten() {
        room::push(&mut all, part)?;
    }
    Ok(all)
}

/// Moves every leaf to the nearest of the parts, twice.
fn gather(
    centroids: &Array2<f32>,
    mut parts: Vec<Vec<usize>>,
    workers: &Workers<'_>,
) -> Result<Vec<Vec<usize>>> {
    let (leaves, stop) = (centroids.nrows(), workers.stop());
    for _ in 0..2 {
        let mut means = room::matrix(parts.len(), centroids.ncols())?;
        for (mean, part) in means.rows_mut().into_iter().zip(&parts) {
            set_to_mean(mean, centroids, part.iter().copied());
        }
        parts.iter_mut().for_each(Vec::clear);
        let mut nearest = room::filled(0u32, leaves)?;
        let mut jobs = (0..leaves).step_by(JOB);
        workers.run(
            || Ok(jobs.next()),
            |from| {
                let points = centroids.slice(s![from..leaves.min(from + JOB), ..]);
                Ok((from, kmeans::nearest(points, means.view(), stop)?))
            },
            |found: Result<_>| {
                let (from, found): (usize, Vec<u32>) = found?;
                nearest[from..from + found.len()].copy_from_slice(&found);
                Ok(())
            },
        )?;
        for (leaf, part) in nearest.into_iter().enumerate() {
            room::push(&mut parts[part as usize], leaf)?;
        }
        parts.retain(|part| !part.is_empty());
    }
    Ok(parts)
}

/// Sets `mean`, which is zero, to the mean of some centroids.
fn set_to_mean(
    mut mean: ArrayViewMut1<'_, f32>,
    centroids: &Array2<f32>,
    of: impl ExactSizeIterator<Item = usize>,
) {
    let count = of.len();
    for leaf in of {
        mean += &centroids.row(leaf);
    }
    if count > 0 {
        mean /= count as f32;
    }
}

impl<'a> Tree<'a> {
    /// Nodes around the centroids of `homes`, to be written from block `first` on.
    pub(super) fn new(
        space: &'a Space,
        workers: &Workers<'_>,
        homes: &Homes,
        root_leaves: usize,
        first: BlockNumber,
    ) -> Result<Self> {
        let leaves = homes.centroids.nrows();
        let mut groups = Vec::new();
        if leaves > root_leaves {
            groups = gather(&homes.centroids, divide_all(homes, workers)?, workers)?;
        }
        let nodes = leaves + groups.len() + 1;
        let mut tree = Self {
            space,
            records: room::filled(0, nodes * space.node.slots.size)?,
            leaves,
            groups,
            first,
        };
        let mut mean = Array1::zeros(space.dim);
        for node in 0..nodes {
            mean.fill(0.0);
            if node < leaves {
                mean.assign(&homes.centroids.row(node));
            } else if let Some(group) = tree.groups.get(node - leaves) {
                set_to_mean(mean.view_mut(), &homes.centroids, group.iter().copied());
            } else {
                set_to_mean(mean.view_mut(), &homes.centroids, 0..leaves);
            }
            let centroid = mean.as_slice().unwrap_or_default();
            space.node.encode(centroid, tree.record_mut(node));
            if node.is_multiple_of(64) {
                workers.host.check_interrupts()?;
            }
        }
        Ok(tree)
    }

    /// How many leaves there are, the first nodes.
    pub(super) fn leaves(&self) -> usize {
        self.leaves
    }

    fn nodes(&self) -> usize {
        self.records.len() / self.space.node.slots.size
    }

    /// The record of a node.
    pub(super) fn record(&self, node: usize) -> &[u8] {
        let size = self.space.node.slots.size;
        &self.records[node * size..(node + 1) * size]
    }

    /// The record of a node, for change.
    pub(super) fn record_mut(&mut self, node: usize) -> &mut [u8] {
        let size = self.space.node.slots.size;
        &mut self.records[node * size..(node + 1) * size]
    }

    /// The block after the last.
    pub(super) fn end(&self) -> Result<BlockNumber> {
        let buckets = self.buckets()?;
        let groups = self
            .children_of_root()
            .len()
            .div_ceil(self.space.root.lanes);
        let pages = groups.div_ceil(self.space.root.groups).max(1);
        let end_of = |b: &Bucket| b.first_block + b.pages as BlockNumber;
        Ok(buckets
            .last()
            .map_or(self.list_block() + pages as BlockNumber, end_of))
    }

    fn list_block(&self) -> BlockNumber {
        let pages = self.nodes().div_ceil(self.space.node.slots.per_page);
        self.first + pages as BlockNumber
    }

    fn pointer(&self, node: usize) -> Pointer {
        let per_page = self.space.node.slots.per_page;
        Pointer {
            block: self.first + (node / per_page) as BlockNumber,
            slot: (node % per_page) as u16,
        }
    }

    /// The centroid of a node.
    pub(super) fn centroid(&self, node: usize) -> Vec<f32> {
        let mut centroid = vec![0.0; self.space.dim];
        self.space.node.decode(self.record(node), &mut centroid);
        centroid
    }

    fn children_of_root(&self) -> Vec<usize> {
        if self.groups.is_empty() {
            (0..self.leaves).collect()
        } else {
            (self.leaves..self.nodes() - 1).collect()
        }
    }

    /// The lists of the inner nodes, those of a coarse cluster together, behind the list of the root.
    fn buckets(&self) -> Result<Vec<Bucket>> {
        let groups = self
            .children_of_root()
            .len()
            .div_ceil(self.space.root.lanes);
        let pages = groups.div_ceil(self.space.root.groups).max(1);
        let sizes = self.groups.iter().map(Vec::len);
        let first = self.list_block() + pages as BlockNumber;
        pack(&self.space.root, sizes, first)
    }

    /// Writes everything, the leaves being complete, and returns where the root is.
    pub(super) fn write<S: BulkStore>(
        mut self,
        store: &mut S,
        host: &dyn BuildHost,
    ) -> Result<Pointer> {
        for bucket in self.buckets()? {
            let lists = bucket.lists.iter();
            let lists = lists.map(|list| (self.leaves + list, self.groups[*list].clone()));
            self.write_bucket(store, lists.collect(), bucket.first_block)?;
            host.check_interrupts()?;
        }
        // After the inner nodes, whose radii it repeats.
        let root = self.nodes() - 1;
        self.write_bucket(
            store,
            vec![(root, self.children_of_root())],
            self.list_block(),
        )?;
        let slots = self.space.node.slots;
        for (i, records) in self.records.chunks(slots.per_page * slots.size).enumerate() {
            let mut page = layout::header(PageKind::Node).to_vec();
            page.extend(records);
            store.put(self.first + i as BlockNumber, &page)?;
            host.check_interrupts()?;
        }
        Ok(self.pointer(root))
    }

    /// Writes the lists of nodes that share pages from block `first` on, each node with its children.
    fn write_bucket<S: BulkStore>(
        &mut self,
        store: &mut S,
        lists: Vec<(usize, Vec<usize>)>,
        first: BlockNumber,
    ) -> Result<()> {
        let layout = &self.space.root;
        let mut pages = vec![layout.empty()];
        for (tag, (node, children)) in lists.into_iter().enumerate() {
            for group in children.chunks(layout.lanes) {
                let mut last = pages.len() - 1;
                if layout.used(&pages[last]) == layout.groups {
                    layout::set_next(&mut pages[last], first + last as BlockNumber + 1);
                    pages.push(layout.empty());
                    last += 1;
                }
                layout.push_group(&mut pages[last], tag as u8);
                self.write_group(&mut pages[last], node, group);
            }
            self.complete(node, &children, first, tag as u8);
        }
        for (i, page) in pages.iter().enumerate() {
            store.put(first + i as BlockNumber, page)?;
        }
        Ok(())
    }

    /// Writes sign entries of `children`, relative to the centroid of `node`, into the last group of `page`.
    fn write_group(&self, page: &mut [u8], node: usize, children: &[usize]) {
        let layout = &self.space.root;
        let centroid = self.centroid(node);
        let mut code = vec![0; layout.words];
        let group = layout.used(page) - 1;
        for (lane, &child) in children.iter().enumerate() {
            let record = Node::read(self.record(child));
            let x = self.centroid(child);
            let mut factors = residual_entry(&x, &centroid, false, &mut code);
            factors.norm_squared = record.norm_squared;
            factors.radius = record.radius;
            let to = EntryPointer {
                pointer: self.pointer(child),
                flags: 0,
            };
            layout.group_mut(page, group).set(lane, &code, to, &factors);
        }
    }

    /// Notes in the record of `node` where its list is and how far its children lie from it.
    fn complete(&mut self, node: usize, children: &[usize], head: BlockNumber, tag: u8) {
        let centroid = self.centroid(node);
        let (mut squares, mut largest, mut level) = (0.0, 0.0f64, 0);
        for &child in children {
            let d = distance(&self.centroid(child), &centroid);
            (squares, largest) = (squares + d * d, largest.max(d));
            level = Node::read(self.record(child)).level;
        }
        Node {
            head,
            tag,
            first_group: 0,
            level: level + 1,
            radius: (squares / children.len().max(1) as f64).sqrt() as f32,
            max_radius: round_up(largest * (1.0 + 1e-6)),
            norm_squared: 0.0,
            built: children.len() as u32,
            ..Node::default()
        }
        .write(self.record_mut(node));
    }
}
