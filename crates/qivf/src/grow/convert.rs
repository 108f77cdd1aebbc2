//! From flat to lists: all rows are clustered at once, and another root takes the place of the flat one.

use super::drain::settled;
use super::nodes;
use super::pages::Packer;
use super::rows::{Rows, entries, note_stuck};
use crate::changes::{change_meta_in, change_node_in};
use crate::error::{Error, Result};
use crate::geometry::{distance, second_home};
use crate::index::Searchable;
use crate::lanes;
use crate::layout::group::{EntryPointer, SECOND_HOME};
use crate::layout::meta::Leftover;
use crate::layout::node::{self, Node};
use crate::layout::{self, Pointer};
use crate::pages as read;
use crate::space::{Space, residual_entry};
use crate::store::{BlockNumber, NO_BLOCK, Transaction, WriteStore};
use ndarray::Array2;
use quantize::kmeans;
use quantize::room;
use quantize::row_code::round_up;
use std::sync::atomic::AtomicBool;

/// Lloyd steps.
const ITERATIONS: usize = 6;
/// Components of rows clustered at once; what is beyond is only assigned.
const SAMPLE: usize = 8 << 20;
/// Rows assigned at once.
const CHUNK: usize = 512;
/// Nearest lists among which the second home is chosen.
const CANDIDATES: usize = 16;

/// Gives a flat index lists. The caller has the claim, and nothing is left over.
pub(super) fn to_lists<S: WriteStore>(index: &Searchable<&S>) -> Result<()> {
    let (store, space, meta) = (*index.store(), index.space(), index.meta());
    let mut stripes: Vec<Pointer> = index.leaves()?.iter().map(|place| place.leaf).collect();
    stripes.sort_unstable();
    let mut all = Vec::new();
    for stripe in &stripes {
        let node = read::read_node(store, space, *stripe)?;
        all.extend(entries(store, space, &node)?);
    }
    let lists = 2 * all.len() / (meta.plan as usize).max(1);
    let centroids = cluster(store, space, &all, lists.max(2))?;
    let Some(centroids) = centroids else {
        for stripe in &stripes {
            note_stuck(store, space, *stripe, all.len())?;
        }
        return Ok(());
    };
    let homes = assign(store, space, &all, &centroids)?;
    let epoch = meta.version.wrapping_add(1);
    let mut packer = Packer::new(store, space, epoch);
    for (list, centroid) in homes.iter().zip(centroids.rows()) {
        let rows = Rows::read(store, space, list)?;
        let some: Vec<usize> = (0..rows.entries.len()).collect();
        packer.add(&room::collect(centroid.iter().copied())?, &rows, &some)?;
    }
    let records = packer.finish()?;
    let leaves = nodes::put(store, space, &records)?;
    let root = put_root(store, space, &leaves, &records)?;
    switch(index, &stripes, root, leaves.len() as u32)?;
    settled(store).map(|_| ())
}

/// Centroids of about `lists` lists; `None` if the rows do not differ.
fn cluster<S: WriteStore>(
    store: &S,
    space: &Space,
    all: &[EntryPointer],
    lists: usize,
) -> Result<Option<Array2<f32>>> {
    let most = (SAMPLE / space.dim).max(lists);
    let step = all.len().div_ceil(most).max(1);
    let sample: Vec<EntryPointer> = all.iter().step_by(step).copied().collect();
    let points = Rows::read(store, space, &sample)?.points;
    let never = AtomicBool::new(false);
    let centroids = kmeans::lloyd(
        points.view(),
        lists.min(points.nrows()),
        ITERATIONS,
        1,
        &never,
    )?;
    // Centroids that stand for no row would be lists that stay empty.
    let nearest = kmeans::nearest(points.view(), centroids.view(), &never)?;
    let mut used: Vec<usize> = nearest.iter().map(|list| *list as usize).collect();
    used.sort_unstable();
    used.dedup();
    let centroids = centroids.select(ndarray::Axis(0), &used);
    Ok((centroids.nrows() > 1).then_some(centroids))
}

/// The entries of every list.
fn assign<S: WriteStore>(
    store: &S,
    space: &Space,
    all: &[EntryPointer],
    centroids: &Array2<f32>,
) -> Result<Vec<Vec<EntryPointer>>> {
    let mut lists = room::filled(Vec::new(), centroids.nrows())?;
    let norms = kmeans::norms_squared(centroids.view());
    for chunk in all.chunks(CHUNK) {
        store.check_interrupts()?;
        let rows = Rows::read(store, space, chunk)?;
        let dots = rows.points.dot(&centroids.t());
        for ((x, dots), to) in rows
            .points
            .rows()
            .into_iter()
            .zip(dots.rows())
            .zip(&rows.entries)
        {
            let keys = dots.iter().zip(&norms).map(|(dot, norm)| norm - 2.0 * dot);
            let mut near: Vec<(f32, usize)> = keys.zip(0..).collect();
            let some = CANDIDATES.min(near.len() - 1);
            near.select_nth_unstable_by(some, |a, b| a.0.total_cmp(&b.0));
            near.truncate(CANDIDATES);
            near.sort_by(|a, b| a.0.total_cmp(&b.0));
            let residual = |list: usize| -> Vec<f32> {
                x.iter()
                    .zip(centroids.row(list))
                    .map(|(x, c)| x - c)
                    .collect()
            };
            let residuals: Vec<Vec<f32>> = near.iter().map(|(_, list)| residual(*list)).collect();
            let pointer = to.pointer;
            room::push(&mut lists[near[0].1], EntryPointer { pointer, flags: 0 })?;
            let others = residuals[1..].iter().map(Vec::as_slice);
            if let Some(second) = second_home(&residuals[0], others) {
                lists[near[second + 1].1].push(EntryPointer {
                    pointer,
                    flags: SECOND_HOME,
                });
            }
        }
    }
    Ok(lists)
}

/// Writes a root over some leaves, with its list.
fn put_root<S: WriteStore>(
    store: &S,
    space: &Space,
    leaves: &[Pointer],
    records: &[Vec<u8>],
) -> Result<Pointer> {
    let mut points = room::matrix(leaves.len(), space.dim)?;
    for (record, mut point) in records.iter().zip(points.rows_mut()) {
        if let Some(point) = point.as_slice_mut() {
            space.node.decode(record, point);
        }
    }
    let mean = points
        .mean_axis(ndarray::Axis(0))
        .map_or(vec![0.0; space.dim], |m| m.to_vec());
    let mut root = vec![0; space.node.slots.size];
    space.node.encode(&mean, &mut root);
    let mut centroid = vec![0.0; space.dim];
    space.node.decode(&root, &mut centroid);

    let layout = &space.root;
    let (mut squares, mut largest) = (0.0, 0.0f64);
    let mut pages = vec![layout.empty()];
    let mut code = vec![0; layout.words];
    for (i, (at, record)) in leaves.iter().zip(records).enumerate() {
        let lane = i % layout.lanes;
        if lane == 0
            && pages
                .last()
                .is_none_or(|page| layout.used(page) == layout.groups)
        {
            pages.push(layout.empty());
        }
        let Some(page) = pages.last_mut() else {
            continue;
        };
        let group = match lane {
            0 => layout.push_group(page, 0),
            _ => layout.used(page) - 1,
        };
        let x: Vec<f32> = points.row(i).iter().copied().collect();
        let d = distance(&x, &centroid);
        (squares, largest) = (squares + d * d, largest.max(d));
        let leaf = Node::read(record);
        let mut factors = residual_entry(&x, &centroid, false, &mut code);
        (factors.norm_squared, factors.radius) = (leaf.norm_squared, leaf.radius);
        let to = EntryPointer {
            pointer: *at,
            flags: 0,
        };
        layout.group_mut(page, group).set(lane, &code, to, &factors);
    }
    let node = Node {
        head: put_chain(store, pages)?,
        level: 1,
        radius: (squares / leaves.len().max(1) as f64).sqrt() as f32,
        max_radius: round_up(largest * (1.0 + 1e-6)),
        built: leaves.len() as u32,
        ..Node::default()
    };
    node.write(&mut root);
    Ok(nodes::put(store, space, &[root])?[0])
}

/// Writes a chain of pages behind each other, from the last to the first.
fn put_chain<S: WriteStore>(store: &S, pages: Vec<Vec<u8>>) -> Result<BlockNumber> {
    let mut next = NO_BLOCK;
    for mut page in pages.into_iter().rev() {
        layout::set_next(&mut page, next);
        let mut transaction = store.begin()?;
        let (block, place) = transaction.extend()?;
        transaction.page_mut(place).replace(&page)?;
        transaction.commit()?;
        next = block;
    }
    Ok(next)
}

/// Makes `root` the root and sends away those who are about to insert into a stripe.
fn switch<S: WriteStore>(
    index: &Searchable<&S>,
    stripes: &[Pointer],
    root: Pointer,
    lists: u32,
) -> Result<()> {
    let (store, space) = (*index.store(), index.space());
    let former = index.meta().root;
    let epoch = index.meta().version.wrapping_add(1);
    let mut transaction = store.begin()?;
    let meta = transaction.open(0)?;
    let blocks: Vec<BlockNumber> = stripes.iter().map(|stripe| stripe.block).collect();
    let places = lanes::open_all(&mut transaction, &blocks)?;
    if places.len() != stripes.len() {
        return Err(Error::corrupt(
            former.block,
            "a change spans too many pages",
        ));
    }
    for (stripe, place) in stripes.iter().zip(places) {
        change_node_in(&mut transaction, place, space, *stripe, |record| {
            node::set_epoch(record, epoch);
        })?;
    }
    change_meta_in(&mut transaction, meta, |meta| {
        meta.version = epoch;
        meta.flat = false;
        meta.root = root;
        meta.lists = lists;
        meta.leftover = Leftover::Flat { root: former };
    })?;
    transaction.commit()
}
