//! How many lists an index has, and what follows from their number.

use crate::space::Space;
use crate::store::MAX_PAGES;

/// Leaves of an index without centroids: several, so that inserting backends do not meet on one page.
pub(crate) const STRIPES: usize = 4;

/// Rows per list when the number of lists is not given.
///
/// Seen on 62,666 × 384 embeddings (`examples/evidence.rs`), sign codes scored for recall 0.95 and 0.98 of ten:
/// 27 rows a list 977 and 3,670; 20 rows 783 and 2,013; 12 rows 513 and 1,304. Ranking more centroids costs what fewer
/// codes save, and pages fill worse: the time is the same at 27, 20 and 12.
pub const ROWS_PER_LIST: usize = 20;

/// Lists that the root holds itself. Ranking so many at once takes some 50 µs and loses nothing; inner nodes, of which a
/// search opens some, lose what is in the others (62,666 × 384 embeddings, 3,131 lists: for the same recall twice as many
/// lists opened).
pub const ROOT_LEAVES: usize = 8192;

/// Lists from which a graph over the centroids finds those of a row, rather than matrix products.
///
/// Seen at 384 dimensions, one thread (`examples/assignment.rs`; above 12,500 lists on points between embeddings): µs a
/// row for its 16 nearest lists and the share of them found, by products and by the graph with the own coarse cluster:
/// 12,500 lists 31 (0.953) and 53 (0.976); 60,000 63 (0.977) and 75 (0.994); 250,000 131 (0.979) and 95 (0.991); 500,000
/// 179 (0.991) and 119 (0.998). Making the graph takes 6, 10, 18 and some 24 µs a row. The Lloyd step alone costs less by
/// products (72 µs at 250,000, 100 at 500,000), so both steps and the graph take as long at 250,000 lists either way,
/// and the graph finds more.
pub const GRAPH_LISTS: usize = 250_000;

/// Fewer rows than this make a flat index.
pub const FLAT_BELOW: usize = 1000;

/// The shape of a new index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// A few lists around one centroid; scans read all of them.
    Flat,
    /// About so many lists.
    Lists(usize),
}

impl Plan {
    /// The plan for `rows` rows where `lists` lists were asked for: 0 = chosen from the rows, 1 = flat.
    pub(crate) fn new(lists: usize, rows: usize) -> Self {
        match lists {
            1 => Self::Flat,
            0 if rows < FLAT_BELOW => Self::Flat,
            _ if rows == 0 => Self::Flat,
            0 => Self::Lists(rows / ROWS_PER_LIST),
            lists => Self::Lists(lists),
        }
    }
}

/// Entries planned for a list, so that lists that outgrow it are split: 0, never, where a flat index was asked for; more
/// than usual where few lists were.
pub(crate) fn planned_entries(lists: usize, entries_per_list: usize, rows: usize) -> u32 {
    let planned = match lists {
        1 => 0,
        0 => entries_per_list,
        lists => entries_per_list.max(2 * rows / lists),
    };
    u32::try_from(planned).unwrap_or(u32::MAX)
}

/// Leaves of a flat index: a change of all of them fits one transaction beside the meta page.
pub(crate) fn stripes(space: &Space) -> usize {
    STRIPES.min((MAX_PAGES - 1) * space.node.slots.per_page)
}
