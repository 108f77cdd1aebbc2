//! Learning from real queries, and reporting what recall an index reaches.

use std::collections::HashSet;

use pgrx::prelude::*;
use pgrx::{JsonB, pg_sys};
use qivf::layout::meta::{RANKS, TARGETS};
use qivf::{Value, tune};
use serde_json::json;

use super::build::{self, Host};
use super::open::OrRaise as _;
use super::options;
use super::rights::{Inspected, Right};
use crate::errors::{OrRaise as _, raise, raise_with_hint};
use crate::storage::IndexRelation;
use crate::types::Queries;

/// Different queries that are needed to learn from: of 30, recall comes out within about 0.015 of what is asked.
const LESSON: usize = 30;

/// Learns from real queries how many lists a recall target takes, and keeps it in the index.
#[pg_extern(sql = false)]
fn qivf_tune(index: pg_sys::Oid, queries: Queries<'_>) -> JsonB {
    // SAFETY: raises an error on a standby.
    unsafe { pg_sys::PreventCommandDuringRecovery(c"qivf_tune()".as_ptr()) };
    let inspected = Inspected::open(index, Right::Change);
    let opened = &inspected.opened;
    let values = rows_of(&queries);
    check_lesson(&queries);
    let metric = opened.class.metric;
    let tuning =
        tune::from_queries(&opened.index, &Host, build::workers(), &values, metric).or_raise();
    // SAFETY: the relation is open and locked.
    let store = unsafe { IndexRelation::new(inspected.relation.as_ptr()) };
    let meta = tune::store_tuning(&store, tuning).or_raise();
    let taught = tune::taught(&opened.index, &Host, build::workers(), meta.tuning).or_raise();
    if let Some(taught) = taught {
        options::keep_taught(&inspected.relation, taught);
    } else {
        let name = inspected.relation.name();
        notice!("index \"{name}\" is searched as one list, so there is nothing to learn");
    }
    JsonB(json!({
        "version": meta.tuning.version,
        "queries": meta.tuning.queries,
        "targets": TARGETS,
        "ranks": RANKS,
        "thresholds": meta.tuning.threshold,
    }))
}

/// Few queries, or one many times, teach less than the rows of the index did when it was built.
fn check_lesson(queries: &Queries<'_>) {
    let (_, dimensions) = queries.shape();
    let mut different: HashSet<Vec<u32>> = HashSet::new();
    for row in queries.values().chunks_exact(dimensions) {
        if different.len() < LESSON && row.iter().any(|x| *x != 0.0) {
            different.insert(row.iter().map(|x| x.to_bits()).collect());
        }
    }
    if different.len() < LESSON {
        raise_with_hint(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!(
                "at least {LESSON} different queries are needed to learn from, not {}",
                different.len()
            ),
            "The index has learned from its own rows. A hundred queries as users ask them teach it well.",
        );
    }
}

/// Target, recall, half its confidence interval, mean and 95 % time, lists, codes, rows, candidates, queries.
type ReportRow = (f32, f32, f32, f32, f32, f32, f32, f32, f32, i32);

/// Recall and effort at several targets, with rows of the index as queries.
#[pg_extern(sql = false)]
#[allow(clippy::type_complexity)] // pgrx reads the columns off the signature.
fn recall_report(
    index: pg_sys::Oid,
    queries: i32,
    k: i32,
) -> TableIterator<
    'static,
    (
        name!(target_recall, f32),
        name!(recall, f32),
        name!(confidence, f32),
        name!(mean_us, f32),
        name!(p95_us, f32),
        name!(lists, f32),
        name!(codes, f32),
        name!(rows_scanned, f32),
        name!(rows_rechecked, f32),
        name!(queries_run, i32),
    ),
> {
    check_positive("queries", queries);
    TableIterator::new(report(index, None, queries as usize, k))
}

/// The same with real queries.
#[pg_extern(sql = false)]
#[allow(clippy::type_complexity)] // pgrx reads the columns off the signature.
fn recall_report_queries(
    index: pg_sys::Oid,
    queries: Queries<'_>,
    k: i32,
) -> TableIterator<
    'static,
    (
        name!(target_recall, f32),
        name!(recall, f32),
        name!(confidence, f32),
        name!(mean_us, f32),
        name!(p95_us, f32),
        name!(lists, f32),
        name!(codes, f32),
        name!(rows_scanned, f32),
        name!(rows_rechecked, f32),
        name!(queries_run, i32),
    ),
> {
    TableIterator::new(report(index, Some(&queries), 0, k))
}

fn report(
    index: pg_sys::Oid,
    queries: Option<&Queries<'_>>,
    count: usize,
    k: i32,
) -> Vec<ReportRow> {
    const TARGETS: [f32; 5] = [0.8, 0.9, 0.95, 0.99, 1.0];
    check_positive("k", k);
    let inspected = Inspected::open(index, Right::Maintain);
    let opened = &inspected.opened;
    let values = queries.map(rows_of);
    let given = values.as_deref().map(|v| (v, opened.class.metric));
    let workers = build::workers();
    let reports = tune::report(
        &opened.index,
        &Host,
        workers,
        given,
        count,
        k as usize,
        &TARGETS,
    );
    let rows = reports.or_raise().into_iter().map(|r| {
        (
            r.target,
            r.recall,
            r.interval,
            r.mean_us,
            r.p95_us,
            r.lists,
            r.codes,
            r.rows,
            r.candidates,
            r.queries as i32,
        )
    });
    rows.collect()
}

fn check_positive(name: &str, value: i32) {
    if value < 1 {
        raise(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("{name} must be at least 1, not {value}"),
        );
    }
}

fn rows_of<'a>(queries: &'a Queries<'_>) -> Vec<Value<'a>> {
    let (count, dimensions) = queries.shape();
    tune::check_size(count, 1).or_raise();
    quantize::check_dimensions(dimensions).or_raise();
    let rows = queries.values().chunks_exact(dimensions);
    rows.map(Value::Float).collect()
}
