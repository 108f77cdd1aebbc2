//! Splitting a list in two.

use super::drain::settled;
use super::nodes::{self, replace};
use super::pages::Packer;
use super::rows::{Rows, entries, note_stuck};
use crate::error::Result;
use crate::index::Searchable;
use crate::layout::Pointer;
use crate::layout::node::Node;
use crate::pages as read;
use crate::store::WriteStore;
use ndarray::{Array2, ArrayView1, s};
use quantize::kmeans;
use std::sync::atomic::AtomicBool;

/// Lloyd steps to find two parts.
const ITERATIONS: usize = 6;
/// The smaller part gets at least one row of so many.
const LEAST: usize = 6;

/// Splits the list of `leaf`, which stays as one of the parts; the other gets a new node, the leaf's successor. The caller
/// has the claim, and nothing is left over.
pub(super) fn split<S: WriteStore>(index: &Searchable<&S>, leaf: Pointer) -> Result<()> {
    let (store, space) = (*index.store(), index.space());
    let node = read::read_node(store, space, leaf)?;
    let entries = entries(store, space, &node)?;
    let rows = Rows::read(store, space, &entries)?;
    let Some([first, second]) = halves(&rows.points)? else {
        return note_stuck(store, space, leaf, entries.len());
    };
    let mut packer = Packer::new(store, space, index.meta().version.wrapping_add(1));
    packer.add(&rows.mean(&first), &rows, &first)?;
    packer.add(&rows.mean(&second), &rows, &second)?;
    let mut records = packer.finish()?;
    let [own, sibling] = &mut records[..] else {
        return Ok(());
    };
    // The chain of successors: the leaf, what this split makes, what earlier ones made.
    link(sibling, node.successor);
    let at = nodes::put(store, space, std::slice::from_ref(sibling))?[0];
    link(own, at);
    replace(index, leaf, own, Some((at, sibling)))?;
    settled(store).map(|_| ())
}

fn link(record: &mut [u8], successor: Pointer) {
    let mut node = Node::read(record);
    node.successor = successor;
    node.write(record);
}

/// Two parts of points that lie close; `None` if all points are the same.
fn halves(points: &Array2<f32>) -> Result<Option<[Vec<usize>; 2]>> {
    let count = points.nrows();
    if count < 2 {
        return Ok(None);
    }
    let never = AtomicBool::new(false);
    // A point and the one farthest from it: better than two at random, and different if any are.
    let far = farthest(points, farthest(points, 0));
    let (a, b) = (farthest(points, far), far);
    let mut means = quantize::room::matrix(2, points.ncols())?;
    means.slice_mut(s![0, ..]).assign(&points.row(a));
    means.slice_mut(s![1, ..]).assign(&points.row(b));
    for _ in 0..ITERATIONS {
        let nearest = kmeans::nearest(points.view(), means.view(), &never)?;
        for side in 0..2 {
            let own = nearest.iter().filter(|n| **n == side).count();
            if own == 0 {
                continue;
            }
            let mut mean = means.slice_mut(s![side as usize, ..]);
            mean.fill(0.0);
            for (point, _) in points
                .rows()
                .into_iter()
                .zip(&nearest)
                .filter(|(_, n)| **n == side)
            {
                mean.scaled_add(1.0 / own as f32, &point);
            }
        }
    }
    // How much nearer each point is to the first mean: the order in which they would change sides.
    let axis = &means.row(0) - &means.row(1);
    let bias = (means.row(0).dot(&means.row(0)) - means.row(1).dot(&means.row(1))) / 2.0;
    let margin = |point: ArrayView1<'_, f32>| point.dot(&axis) - bias;
    let mut order: Vec<(f32, usize)> = points.rows().into_iter().map(margin).zip(0..).collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0));
    if order[0].0 <= order[count - 1].0 {
        return Ok(None);
    }
    let least = (count / LEAST).max(1);
    let cut = order.partition_point(|(margin, _)| *margin >= 0.0);
    let cut = cut.clamp(least, count - least);
    let rows = |part: &[(f32, usize)]| {
        let mut rows: Vec<usize> = part.iter().map(|(_, row)| *row).collect();
        rows.sort_unstable();
        rows
    };
    Ok(Some([rows(&order[..cut]), rows(&order[cut..])]))
}

/// The point farthest from another.
fn farthest(points: &Array2<f32>, from: usize) -> usize {
    let origin = points.row(from);
    let mut best = (f32::NEG_INFINITY, from);
    for (i, point) in points.rows().into_iter().enumerate() {
        let d: f32 = point
            .iter()
            .zip(origin)
            .map(|(a, b)| (a - b) * (a - b))
            .sum();
        if d > best.0 {
            best = (d, i);
        }
    }
    best.1
}
