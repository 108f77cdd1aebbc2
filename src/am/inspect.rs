//! Looking into an index from SQL: what it holds, and whether it is sound.

use std::collections::HashSet;

use pgrx::prelude::*;
use pgrx::{JsonB, pg_sys};
use qivf::Tid;
use qivf::check::check;
use qivf::layout::meta::{RANKS, TARGETS};
use qivf::survey::survey;
use serde_json::json;

use super::missing::{Rows, Snapshot, missing};
use super::open::{OrRaise, block_and_offset, pointer_of};
use super::options;
use super::rights::{Inspected, Right};

/// What an index is and holds: counted where that is quick, else estimated from some of its pages.
#[pg_extern(sql = false)]
fn qivf_info(index: pg_sys::Oid) -> JsonB {
    let inspected = Inspected::open(index, Right::Read);
    let (opened, meta) = (&inspected.opened, inspected.opened.index.meta());
    let held = survey(&opened.index).or_raise();
    let reason = held.reindex_reason(meta);
    // SAFETY: the index is open.
    let taught = unsafe { options::taught(inspected.relation.as_ptr()) };
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
        "estimated": held.estimated,
        "tuning": {
            "version": meta.tuning.version,
            "queries": meta.tuning.queries,
            "targets": TARGETS,
            "ranks": RANKS,
            "thresholds": meta.tuning.threshold,
        },
        "taught": taught.map(|taught| taught.to_string()),
        "reindex_due": reason.is_some(),
        "reindex_reason": reason,
    }))
}

/// Times that an index is looked at before a finding counts: what other sessions change meanwhile is found once.
const LOOKS: usize = 4;

/// Problems named at most.
const NAMED: usize = 100;

/// Every broken invariant of an index, in words; no rows when it is sound. Compares with the heap too.
#[pg_extern(sql = false)]
fn qivf_check(index: pg_sys::Oid) -> SetOfIterator<'static, String> {
    let inspected = Inspected::open(index, Right::Maintain);
    let mut problems = look(&inspected);
    for _ in 1..LOOKS {
        if problems.is_empty() {
            break;
        }
        let again: HashSet<String> = look(&inspected).into_iter().collect();
        problems.retain(|problem| again.contains(problem));
    }
    problems.truncate(NAMED);
    SetOfIterator::new(problems)
}

/// What is, or looks, wrong at one look.
fn look(inspected: &Inspected) -> Vec<String> {
    let snapshot = Snapshot::new();
    let mut rows = Rows::default();
    let report = check(&inspected.opened.index, |tid, _| rows.add(tid)).or_raise();
    let mut problems = report.problems;
    let twice = rows.sort();
    problems.extend(
        twice
            .into_iter()
            .map(|tid| format!("row {} stands twice", name(tid))),
    );
    let missing = missing(inspected, &snapshot, &rows);
    problems.extend(
        missing
            .into_iter()
            .map(|tid| format!("row {} is missing", name(tid))),
    );
    problems
}

/// A row's identifier as Postgres prints it.
fn name(tid: Tid) -> String {
    let (block, offset) = block_and_offset(pointer_of(tid));
    format!("({block},{offset})")
}
