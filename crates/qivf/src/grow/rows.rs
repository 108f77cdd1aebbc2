//! The rows of lists.

use crate::changes::change_node;
use crate::error::{Error, Result};
use crate::layout::Pointer;
use crate::layout::group::{EntryPointer, SECOND_HOME};
use crate::layout::node::{self, Node};
use crate::layout::refine;
use crate::pages as read;
use crate::space::Space;
use crate::store::{PageStore, WriteStore};
use ndarray::Array2;
use quantize::room;

/// Rows of one or more lists, read.
pub(crate) struct Rows {
    pub entries: Vec<EntryPointer>,
    /// Working vectors, one a row.
    pub points: Array2<f32>,
    /// Upper bounds on the coding errors.
    pub errors: Vec<f32>,
}

impl Rows {
    /// Reads the rows that entries point to, without those that are dead.
    pub(crate) fn read<S: PageStore>(
        store: &S,
        space: &Space,
        entries: &[EntryPointer],
    ) -> Result<Self> {
        let mut components = room::vec(entries.len() * space.dim)?;
        let (mut alive, mut errors) = (Vec::new(), Vec::new());
        let mut x = vec![0.0; space.dim];
        for (i, entry) in entries.iter().enumerate() {
            if i % 256 == 255 {
                store.check_interrupts()?;
            }
            let error = read::with_row(store, space, entry.pointer, |record| {
                space.decode(record, &mut x);
                refine::error(record)
            })?;
            if let Some(error) = error {
                components.extend_from_slice(&x);
                alive.push(*entry);
                errors.push(error);
            }
        }
        let points = Array2::from_shape_vec((alive.len(), space.dim), components);
        Ok(Self {
            points: points.map_err(|_| Error::corrupt(0, "rows have another dimension"))?,
            entries: alive,
            errors,
        })
    }

    /// The mean of some rows: of those for which this is the first home if there are any, else of all.
    pub(crate) fn mean(&self, some: &[usize]) -> Vec<f32> {
        let is_first = |row: &usize| self.entries[*row].flags & SECOND_HOME == 0;
        let first: Vec<usize> = some.iter().copied().filter(is_first).collect();
        let of = if first.is_empty() { some } else { &first };
        let mut mean: Vec<f32> = std::iter::repeat_n(0.0, self.points.ncols()).collect();
        for row in of {
            for (sum, x) in mean.iter_mut().zip(self.points.row(*row)) {
                *sum += x / of.len() as f32;
            }
        }
        mean
    }
}

/// The entries of a leaf's list.
pub(crate) fn entries<S: PageStore>(
    store: &S,
    space: &Space,
    node: &Node,
) -> Result<Vec<EntryPointer>> {
    let mut entries = Vec::new();
    read::for_each_group(store, &space.leaf, node, |group| {
        entries.extend(group.entries().map(|(_, to)| to));
        Ok(())
    })?;
    Ok(entries)
}

/// Whether the list of a leaf holds `limit` entries, and twice as many as when it could not be split.
pub(super) fn is_long<S: PageStore>(
    store: &S,
    space: &Space,
    leaf: Pointer,
    limit: usize,
) -> Result<bool> {
    let node = read::read_node(store, space, leaf)?;
    let mut count = 0;
    read::for_each_group(store, &space.leaf, &node, |group| {
        count += group.entries().count();
        Ok(())
    })?;
    Ok(count >= limit.max(16 * usize::from(node.stuck)))
}

/// Notes in a leaf's record that its list could not be split.
pub(super) fn note_stuck<S: WriteStore>(
    store: &S,
    space: &Space,
    leaf: Pointer,
    count: usize,
) -> Result<()> {
    change_node(store, space, leaf, |record| node::set_stuck(record, count))
}
