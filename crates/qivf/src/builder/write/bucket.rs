//! Which lists share a chain of pages.

use crate::error::{Error, Result};
use crate::layout::group::{self, MAX_TAG};
use crate::store::{BlockNumber, NO_BLOCK};
use std::collections::VecDeque;

/// Share of a bucket's first page that bulk loading fills, so that inserts find room.
const FILL: f64 = 0.9;

/// Lists that share a chain of pages.
pub(super) struct Bucket {
    /// Tagged by their place here.
    pub lists: Vec<usize>,
    pub first_block: BlockNumber,
    pub pages: usize,
}

/// Buckets begun last that may take a further list: more would part neighbours.
const OPEN_BUCKETS: usize = 16;

/// Packs lists into buckets, first fit: as many as fit the fill of one page, or one list with as many pages as it needs.
pub(super) fn pack(
    layout: &group::Layout,
    sizes: impl Iterator<Item = usize>,
    mut block: BlockNumber,
) -> Result<Vec<Bucket>> {
    let limit = ((layout.groups as f64 * FILL) as usize).max(1);
    let mut buckets: Vec<Bucket> = Vec::new();
    // (bucket, groups it holds)
    let mut open: VecDeque<(usize, usize)> = VecDeque::new();
    for (list, entries) in sizes.enumerate() {
        let groups = entries.div_ceil(layout.lanes);
        let fits = |(bucket, held): &&mut (usize, usize)| {
            *held + groups <= limit && buckets[*bucket].lists.len() <= usize::from(MAX_TAG)
        };
        if let Some((bucket, held)) = open.iter_mut().find(fits) {
            buckets[*bucket].lists.push(list);
            *held += groups;
            continue;
        }
        if block >= NO_BLOCK - 1 {
            return Err(Error::Full);
        }
        let pages = groups.div_ceil(layout.groups).max(1);
        if groups < limit {
            open.push_back((buckets.len(), groups));
            if open.len() > OPEN_BUCKETS {
                open.pop_front();
            }
        }
        buckets.push(Bucket {
            lists: vec![list],
            first_block: block,
            pages,
        });
        block += pages as BlockNumber;
    }
    Ok(buckets)
}
