//! What a scan will cost, from the meta page alone: never an error, whatever the page says.

use crate::layout::meta::{Meta, RANKS, Tuning};
use crate::plan::ROOT_LEAVES;
use crate::space::{Element, Layouts, Metric, Space};

/// Expected effort of a scan for some rows. All counts are at least 0 and finite.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Pages of the root's list and of node records: read before the first row.
    pub root_pages: f64,
    /// List pages read before the first row.
    pub list_pages: f64,
    /// Refine pages read.
    pub refine_pages: f64,
    /// Sign entries scored, those of the root included.
    pub codes: f64,
    /// Records compared.
    pub records: f64,
}

/// The cost of drawing `limit` rows of `rows` at `target`.
pub fn estimate(meta: &Meta, rows: f64, limit: f64, target: f32) -> Cost {
    let element = Element::from_number(meta.element);
    let metric = Metric::from_number(meta.metric);
    let space = element
        .zip(metric)
        .filter(|(e, m)| Space::check_kind(*e, *m, meta.dim as usize).is_ok())
        .map(|(element, _)| Layouts::new(element, meta.dim as usize));
    let Some(space) = space else {
        return Cost {
            list_pages: 1.0,
            ..Cost::default()
        };
    };
    let lists = f64::from(meta.lists.max(1));
    let homes = if meta.flat { 1.0 } else { 2.0 };
    let entries_per_page = (space.leaf.groups * space.leaf.lanes).max(1) as f64;
    let entries_per_list = (rows * homes / lists).max(1.0);
    let exact = target >= 1.0;
    let learned = |table| {
        let v = f64::from(Tuning::at(table, limit.clamp(1.0, 1e6) as usize, target));
        if v.is_finite() { v.max(1.0) } else { 1.0 }
    };
    // Beyond the ranks learned, effort grows with the rows drawn.
    let beyond = (limit / RANKS[RANKS.len() - 1] as f64).max(1.0);
    let opened = if exact || meta.flat {
        lists
    } else {
        (learned(&meta.tuning.lists) * beyond).min(lists)
    };
    let refined = if exact {
        rows
    } else {
        (learned(&meta.tuning.refined) * beyond)
            .max(limit)
            .min(rows.max(1.0))
    };
    let centroids = centroids_scored(meta, lists, learned(&meta.tuning.inner));
    let root_groups = centroids / space.root.lanes as f64;
    let nodes_read = (2.0 * opened).min(lists);
    Cost {
        root_pages: (root_groups / space.root.groups.max(1) as f64).ceil() + nodes_read,
        list_pages: opened * (entries_per_list / entries_per_page).max(1.0),
        refine_pages: refined.min(rows / space.refine.per_page.max(1) as f64 + 1.0),
        codes: centroids + opened * entries_per_list,
        records: refined + nodes_read,
    }
}

/// Centroids of lists and of inner nodes that are scored before the first row.
fn centroids_scored(meta: &Meta, lists: f64, opened: f64) -> f64 {
    if meta.flat || lists <= ROOT_LEAVES as f64 {
        return lists;
    }
    let inner = 4.0 * lists.sqrt();
    inner + opened.min(inner) * lists / inner
}
