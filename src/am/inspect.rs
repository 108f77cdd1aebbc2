//! Looking into an index from SQL: what it holds, whether it is sound, what recall it reaches, and learning anew.

use std::collections::HashSet;
use std::ffi::CStr;

use pgrx::prelude::*;
use pgrx::{JsonB, PgRelation, pg_sys};
use qivf::check::{CheckReport, check};
use qivf::layout::meta::{RANKS, TARGETS};
use qivf::{Tid, Value, tune};
use serde_json::json;

use super::build::{self, Host};
use super::open::{Opened, OrRaise, open, pointer_of};
use crate::errors::raise;
use crate::storage::IndexRelation;
use crate::types::FloatMatrix;
use crate::versions;

/// Opens a qivf index by its identifier, or raises an error.
fn open_by_oid(oid: pg_sys::Oid, lock: u32) -> (PgRelation, Opened) {
    // SAFETY: an identifier that is no relation is an error; what is opened stays so until the result is dropped.
    unsafe {
        let relation = PgRelation::with_lock(oid, lock as pg_sys::LOCKMODE);
        let method = pg_sys::get_am_name((*relation.rd_rel).relam);
        if method.is_null() || CStr::from_ptr(method) != c"qivf" {
            raise(
                PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE,
                format!("\"{}\" is not a qivf index", relation.name()),
            );
        }
        let opened = open(relation.as_ptr());
        (relation, opened)
    }
}

/// What an index is and holds.
#[pg_extern(sql = false)]
fn qivf_info(index: pg_sys::Oid) -> JsonB {
    let (_relation, opened) = open_by_oid(index, pg_sys::AccessShareLock);
    let meta = opened.index.meta();
    let held = check(&opened.index, |_, _| ()).or_raise();
    let reindex = (meta.built_empty && held.rows > 0) || held.reindex_due(meta.rows);
    JsonB(json!({
        "element": format!("{:?}", opened.class.element).to_lowercase(),
        "metric": format!("{:?}", opened.class.metric).to_lowercase(),
        "dimensions": meta.dim,
        "lists": meta.lists,
        "flat": meta.flat,
        "rows": held.rows,
        "rows_without_code": held.codeless,
        "rows_when_built": meta.rows,
        "dead_rows": held.dead,
        "free_slots": held.free,
        "entries": held.entries,
        "pages": held.blocks,
        "list_pages": held.list_pages,
        "refine_pages": held.refine_pages,
        "empty_pages": held.empty_blocks,
        "longest_list_pages": held.longest_bucket,
        "tuning": {
            "version": meta.tuning.version,
            "queries": meta.tuning.queries,
            "targets": TARGETS,
            "ranks": RANKS,
            "b": meta.tuning.b,
        },
        "reindex_due": reindex,
    }))
}

/// Every broken invariant of an index, in words; no rows when it is sound. Compares with the heap too.
#[pg_extern(sql = false)]
fn qivf_check(index: pg_sys::Oid) -> SetOfIterator<'static, String> {
    let (relation, opened) = open_by_oid(index, pg_sys::ShareLock);
    let mut rows: HashSet<Tid> = HashSet::new();
    let mut twice = Vec::new();
    let report: CheckReport = check(&opened.index, |tid, _| {
        if !rows.insert(tid) {
            twice.push(tid);
        }
    })
    .or_raise();
    let mut problems = report.problems;
    let name = |tid: Tid| {
        let pointer = pointer_of(tid);
        let block = u32::from(pointer.ip_blkid.bi_hi) << 16 | u32::from(pointer.ip_blkid.bi_lo);
        format!("({block},{})", pointer.ip_posid)
    };
    problems.extend(
        twice
            .into_iter()
            .map(|t| format!("row {} stands twice", name(t))),
    );
    let missing = build::heap_rows_missing_from(&relation, &rows);
    problems.extend(
        missing
            .into_iter()
            .map(|t| format!("row {} is missing", name(t))),
    );
    SetOfIterator::new(problems)
}

/// Learns from real queries how many lists a recall target takes, and keeps it in the index.
#[pg_extern(sql = false)]
fn qivf_tune(index: pg_sys::Oid, queries: FloatMatrix<'_>) -> JsonB {
    let (relation, opened) = open_by_oid(index, pg_sys::ShareUpdateExclusiveLock);
    check_owner(&relation);
    let values = rows_of(&queries);
    let metric = opened.class.metric;
    let tuning =
        tune::from_queries(&opened.index, &Host, build::workers(), &values, metric).or_raise();
    // SAFETY: the relation is open and locked.
    let store = unsafe { IndexRelation::new(relation.as_ptr()) };
    let meta = tune::store_tuning(&store, tuning).or_raise();
    JsonB(json!({
        "version": meta.tuning.version,
        "queries": meta.tuning.queries,
        "targets": TARGETS,
        "ranks": RANKS,
        "b": meta.tuning.b,
    }))
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
    queries: FloatMatrix<'_>,
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
    queries: Option<&FloatMatrix<'_>>,
    count: usize,
    k: i32,
) -> Vec<ReportRow> {
    const TARGETS: [f32; 5] = [0.8, 0.9, 0.95, 0.99, 1.0];
    check_positive("k", k);
    let (_relation, opened) = open_by_oid(index, pg_sys::AccessShareLock);
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

fn rows_of<'a>(matrix: &'a FloatMatrix<'_>) -> Vec<Value<'a>> {
    let (_, dimensions) = matrix.shape();
    let rows = matrix.values().chunks_exact(dimensions);
    rows.map(Value::Float).collect()
}

fn check_owner(relation: &PgRelation) {
    if !versions::owns_relation(relation.oid()) {
        raise(
            PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            format!("must be owner of index {}", relation.name()),
        );
    }
}
