//! Scanning: rows in the order of their distance, until the executor has enough.

use pgrx::pg_sys;
use pgrx::prelude::*;
use qivf::{Error, Query, Scan, ScanOptions, ScanStats};

use super::last;
use super::open::{Opened, OrRaise, open, pointer_of};
use super::value::Format;
use crate::errors::raise;
use crate::place::{self, Work};
use crate::storage::IndexRelation;
use crate::{gucs, versions};

/// What hangs on a scan. Lives in the scan's memory context and is dropped with it, also after an error.
#[derive(Default)]
struct State {
    /// Begun with the first row after a (re)scan.
    scan: Option<Scan<IndexRelation>>,
    /// Whether the query is of another dimension than the index. Every row is then handed out, for the executor to compare: the
    /// operator raises its error with the first row that the query can see, and there may be none.
    unfit: bool,
    /// How it is done.
    options: ScanOptions,
    /// Whether no row was left.
    exhausted: bool,
    /// What the scans before the last rescan did.
    before: ScanStats,
    /// Whether there were any.
    begun: bool,
}

/// Allocates a scan.
#[pgrx::pg_guard]
pub unsafe extern "C-unwind" fn ambeginscan(
    index: pg_sys::Relation,
    nkeys: i32,
    norderbys: i32,
) -> pg_sys::IndexScanDesc {
    // SAFETY: arrays of `norderbys` distances, as the executor reads them.
    unsafe {
        let scan = pg_sys::RelationGetIndexScan(index, nkeys, norderbys);
        let state = State::default();
        let state = pgrx::PgMemoryContexts::CurrentMemoryContext.leak_and_drop_on_delete(state);
        (*scan).opaque = state.cast();
        if norderbys > 0 {
            let count = norderbys as usize;
            (*scan).xs_orderbyvals = pg_sys::palloc0(size_of::<pg_sys::Datum>() * count).cast();
            (*scan).xs_orderbynulls = pg_sys::palloc0(size_of::<bool>() * count).cast();
        }
        scan
    }
}

/// Takes new keys: the next row is the nearest again.
#[pgrx::pg_guard]
pub unsafe extern "C-unwind" fn amrescan(
    scan: pg_sys::IndexScanDesc,
    keys: pg_sys::ScanKey,
    nkeys: i32,
    orderbys: pg_sys::ScanKey,
    norderbys: i32,
) {
    // SAFETY: the arrays were allocated for as many keys by RelationGetIndexScan.
    unsafe {
        if !keys.is_null() && nkeys > 0 {
            std::ptr::copy(keys, (*scan).keyData, nkeys as usize);
        }
        if !orderbys.is_null() && norderbys > 0 {
            std::ptr::copy(orderbys, (*scan).orderByData, norderbys as usize);
        }
        (*(*scan).opaque.cast::<State>()).end((*scan).indexRelation);
    }
}

/// Hands out the next row.
#[pgrx::pg_guard]
pub unsafe extern "C-unwind" fn amgettuple(
    scan: pg_sys::IndexScanDesc,
    direction: pg_sys::ScanDirection::Type,
) -> bool {
    if direction != pg_sys::ScanDirection::ForwardScanDirection {
        raise(
            PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            "qivf index cannot be scanned backward",
        );
    }
    // SAFETY: the executor passes a scan of `ambeginscan`; the arrays hold `numberOfOrderBys` values.
    unsafe {
        let state = &mut *(*scan).opaque.cast::<State>();
        let _place = place::enter((*(*scan).indexRelation).rd_id, Work::Search);
        if state.scan.is_none() {
            start(scan, state);
        }
        let Some(candidate) = state.scan.as_mut().and_then(|scan| scan.next().or_raise()) else {
            state.exhausted = true;
            return false;
        };
        (*scan).xs_heaptid = pointer_of(candidate.tid);
        (*scan).xs_recheck = false;
        *(*scan).xs_orderbyvals = pg_sys::Datum::from(candidate.distance.to_bits());
        *(*scan).xs_orderbynulls = candidate.null;
        (*scan).xs_recheckorderby = !candidate.exact;
        // Of a second term on the same column nothing is known, nor of a query that does not fit: anything may be nearer, so
        // the executor looks itself.
        for i in usize::from(!state.unfit)..(*scan).numberOfOrderBys as usize {
            *(*scan).xs_orderbyvals.add(i) = pg_sys::Datum::from(f64::NEG_INFINITY.to_bits());
            *(*scan).xs_orderbynulls.add(i) = false;
            (*scan).xs_recheckorderby = true;
        }
        true
    }
}

/// Frees a scan.
#[pgrx::pg_guard]
pub unsafe extern "C-unwind" fn amendscan(scan: pg_sys::IndexScanDesc) {
    // SAFETY: as in `amgettuple`. The rest goes with the memory context.
    unsafe { (*(*scan).opaque.cast::<State>()).end((*scan).indexRelation) }
}

impl State {
    /// Ends the scan, if one was begun, and keeps what it did for `qivf_last_scan`.
    unsafe fn end(&mut self, index: pg_sys::Relation) {
        let Some(scan) = self.scan.take() else {
            return;
        };
        // SAFETY: the executor keeps the index open until after the scan's end.
        let id = unsafe { (*index).rd_id };
        last::note(id, self.options, scan.stats(), self.exhausted);
        *self = Self {
            before: self.before + scan.stats(),
            begun: true,
            options: self.options,
            ..Self::default()
        };
    }
}

/// How a scan, and what its rescans, have done so far; `None` before the first row was asked for.
///
/// # Safety
/// `scan` is null or a scan of `ambeginscan`.
#[cfg_attr(not(feature = "pg18"), allow(dead_code))] // EXPLAIN asks, which it does from 18 on.
pub unsafe fn done(scan: pg_sys::IndexScanDesc) -> Option<(ScanOptions, ScanStats)> {
    // SAFETY: the caller says so.
    let state = unsafe { &*(*scan).opaque.cast::<State>() };
    let now = state.scan.as_ref().map(Scan::stats).unwrap_or_default();
    (state.begun || state.scan.is_some()).then(|| (state.options, state.before + now))
}

/// Begins a scan.
unsafe fn start(scan: pg_sys::IndexScanDesc, state: &mut State) {
    // SAFETY: the executor's scan, its relation open and its keys valid.
    unsafe {
        check_snapshot((*scan).xs_snapshot);
        let relation = (*scan).indexRelation;
        if (*scan).numberOfOrderBys == 0 {
            raise(
                PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
                "qivf index can only be scanned in the order of a distance",
            );
        }
        versions::count_index_scan(scan);
        let opened = open(relation);
        state.options = ScanOptions {
            target: gucs::target_recall(),
            order: gucs::order(),
            max_rows: gucs::max_scan_tuples(),
        };
        let query = query(&opened, &*(*scan).orderByData);
        state.unfit = matches!(query, Err(Error::Dimension { .. }));
        let query = if state.unfit {
            Query::null()
        } else {
            query.or_raise()
        };
        state.scan = Some(opened.index.scan(query, state.options).or_raise());
    }
}

/// The query of an order-by key.
unsafe fn query(opened: &Opened, key: &pg_sys::ScanKeyData) -> qivf::Result<Query> {
    if key.sk_flags & pg_sys::SK_ISNULL as i32 != 0 {
        return Ok(Query::null());
    }
    let Some(metric) = opened.class.metric_of_strategy(key.sk_strategy) else {
        raise(
            PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            format!("unknown strategy number {}", key.sk_strategy),
        );
    };
    // The query is of the column's type, or floats against codes.
    let format = if key.sk_subtype == pg_sys::FLOAT4ARRAYOID {
        Format::Float4Array
    } else {
        opened.class.format
    };
    // SAFETY: the operator's right side has this type.
    unsafe { format.read(key.sk_argument, |value| opened.index.query(value, metric)) }
}

/// A slot that vacuum freed may be filled again while we look at it. The new row is then newer than an MVCC snapshot, hence
/// invisible; under any other snapshot it might not be.
unsafe fn check_snapshot(snapshot: pg_sys::Snapshot) {
    use pg_sys::SnapshotType::{SNAPSHOT_HISTORIC_MVCC, SNAPSHOT_MVCC};
    // SAFETY: null or a valid snapshot.
    let mvcc = unsafe { snapshot.as_ref() }
        .is_some_and(|s| [SNAPSHOT_MVCC, SNAPSHOT_HISTORIC_MVCC].contains(&s.snapshot_type));
    if !mvcc {
        raise(
            PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            "qivf index can only be scanned with an MVCC snapshot",
        );
    }
}
