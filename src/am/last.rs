//! `qivf_last_scan()`: what the session's last index scan did, and why it ended.

use std::cell::Cell;

use pgrx::prelude::*;
use pgrx::{JsonB, pg_sys};
use qivf::{Order, ScanOptions, ScanStats};
use serde_json::json;

use crate::place;

#[derive(Clone, Copy)]
struct LastScan {
    index: pg_sys::Oid,
    options: ScanOptions,
    stats: ScanStats,
    exhausted: bool,
}

thread_local! {
    static LAST: Cell<Option<LastScan>> = const { Cell::new(None) };
}

/// Keeps what a scan did that has ended.
pub fn note(index: pg_sys::Oid, options: ScanOptions, stats: ScanStats, exhausted: bool) {
    LAST.set(Some(LastScan {
        index,
        options,
        stats,
        exhausted,
    }));
}

/// What the last scan did that ended in this session; NULL before the first.
#[pg_extern(sql = false)]
fn qivf_last_scan() -> Option<JsonB> {
    let LastScan {
        index,
        options,
        stats,
        exhausted,
    } = LAST.get()?;
    let ended = match (exhausted, options.max_rows) {
        (true, 1..) if stats.rows >= options.max_rows => "qivf.max_scan_tuples",
        (true, _) => "no row was left",
        (false, _) => "the query had enough",
    };
    Some(JsonB(json!({
        "index": place::relation_name(index),
        "target_recall": (f64::from(options.target) * 1e4).round() / 1e4,
        "scan_order": match options.order {
            Order::Relaxed => "relaxed",
            Order::Strict => "strict",
        },
        "inner_nodes_opened": stats.inner,
        "centroids_read": stats.centroids,
        "lists_opened": stats.lists,
        "codes_scored": stats.codes,
        "rows_compared": stats.rows,
        "rows_returned": stats.candidates,
        "rows_late": stats.late,
        "ended": ended,
    })))
}
