//! What to build.

use crate::plan::{GRAPH_LISTS, ROOT_LEAVES, ROWS_PER_LIST};
use crate::space::{Element, Metric};
use crate::tune::Taught;

/// What to build.
#[derive(Clone, Copy, Debug)]
pub struct BuildOptions {
    /// Element type of the column.
    pub element: Element,
    /// Distance of the operator class.
    pub metric: Metric,
    /// Operator class number, stored for the face.
    pub class: u32,
    /// Random, stored to tell builds apart.
    pub build_id: u64,
    /// Lists; 0 = chosen from the rows, 1 = flat.
    pub lists: usize,
    /// Entries planned for a list, two for each row: what lists that are split later go by.
    pub entries_per_list: usize,
    /// Lists above which inner nodes come between them and the root.
    pub root_leaves: usize,
    /// Lists from which a graph finds those of a row.
    pub graph_lists: usize,
    /// Worker threads; 0 and 1 = none besides the caller's.
    pub threads: usize,
    /// Bytes of memory for rows before they spill.
    pub memory: usize,
    /// Rows used as queries to learn `b`, more when there are few rows to compare them with; 0 = do not learn.
    pub tuning_queries: usize,
    /// What real queries taught the index that this one replaces.
    pub taught: Option<Taught>,
}

impl BuildOptions {
    /// Options with everything chosen.
    pub fn new(element: Element, metric: Metric) -> Self {
        Self {
            element,
            metric,
            class: 0,
            build_id: 0,
            lists: 0,
            entries_per_list: 2 * ROWS_PER_LIST,
            root_leaves: ROOT_LEAVES,
            graph_lists: GRAPH_LISTS,
            threads: 2,
            memory: 64 << 20,
            tuning_queries: 300,
            taught: None,
        }
    }
}
