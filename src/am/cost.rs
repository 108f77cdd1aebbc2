//! What a scan costs, for the planner. Never an error: a damaged index is for execution to report.
//!
//! The planner takes a path's cost to grow evenly from its first row to its last. A search does not: to start costs what the
//! target needs, and drawing many rows costs more and more. So where the query's LIMIT is known, the line is laid through the
//! cost of what this query will draw: its LIMIT, divided by the share of rows that its other conditions keep.

use pgrx::pg_sys;
use qivf::cost::{self, Cost};
use qivf::layout::meta::Meta;
use qivf::{Element, Index};

use crate::gucs;
use crate::storage::IndexRelation;
use crate::versions;

// In units of `cpu_operator_cost`, measured beside a sequential scan of the same rows from memory.
/// Scoring a sign code: a fixed part, and for each dimension.
const CODE: (f64, f64) = (0.5, 1.0 / 150.0);
/// Reading and comparing a record, likewise.
const RECORD: (f64, f64) = (100.0, 0.75);

/// The rank that a scan settles before it hands out its first row.
const FIRST_ROWS: f64 = 10.0;

/// What a LIMIT is taken for that is known only when the query runs.
const UNKNOWN_LIMIT: f64 = 100.0;
/// The share of a query's rows that the planner takes for such a LIMIT (planner.c).
const UNKNOWN_SHARE: f64 = 0.1;

/// What the planner asks for.
struct Estimate {
    startup: f64,
    total: f64,
    pages: f64,
    /// Of all rows, those fetched from the table by the end that `total` is the cost of.
    fetched: f64,
}

/// The rows that a query draws from the index until it has enough.
#[derive(Clone, Copy)]
struct Drawn {
    rows: f64,
    /// The share of all rows that the planner will take these for.
    share: f64,
}

/// Estimates a scan: getting started costs the lists that the target needs, reading to the end all of them.
#[pgrx::pg_guard]
#[allow(clippy::too_many_arguments)] // Postgres's signature.
pub unsafe extern "C-unwind" fn amcostestimate(
    root: *mut pg_sys::PlannerInfo,
    path: *mut pg_sys::IndexPath,
    _loop_count: f64,
    startup_cost: *mut pg_sys::Cost,
    total_cost: *mut pg_sys::Cost,
    selectivity: *mut pg_sys::Selectivity,
    correlation: *mut f64,
    index_pages: *mut f64,
) {
    // SAFETY: the planner passes a path of this index and places for the results.
    unsafe {
        let info = (*path).indexinfo;
        *correlation = 0.0;
        let meta = meta((*info).indexoid);
        // The rows cannot be had without an order.
        if (*path).indexorderbys.is_null() || loses_row_identity(&*path, meta.as_ref()) {
            versions::disable(path);
            *startup_cost = f64::INFINITY;
            *total_cost = f64::INFINITY;
            *selectivity = 1.0;
            *index_pages = f64::from((*info).pages);
            return;
        }
        let recheck = recheck_cost(root, &*path);
        let estimate = estimate(&*info, meta.as_ref(), drawn(&*root, &*path), recheck);
        *startup_cost = estimate.startup;
        *total_cost = estimate.total;
        *selectivity = estimate.fetched;
        *index_pages = estimate.pages;
    }
}

/// How many rows the query will draw from the index until its LIMIT is satisfied; `None` when it has none.
unsafe fn drawn(root: &pg_sys::PlannerInfo, path: &pg_sys::IndexPath) -> Option<Drawn> {
    // SAFETY: the planner's own nodes.
    let (held, kept, limited) = unsafe {
        let parameters = path.path.param_info.as_ref();
        let kept = parameters.map_or((*path.path.parent).rows, |p| p.ppi_rows);
        let limited = !(*root.parse).limitCount.is_null();
        ((*path.indexinfo).tuples.max(1.0), kept, limited)
    };
    let kept = (kept / held).clamp(f64::MIN_POSITIVE, 1.0);
    let rows = |limit: f64| (limit / kept).min(held);
    if root.limit_tuples > 0.0 {
        let rows = rows(root.limit_tuples);
        let share = rows / held;
        return Some(Drawn { rows, share });
    }
    limited.then(|| Drawn {
        rows: rows(UNKNOWN_LIMIT),
        share: UNKNOWN_SHARE,
    })
}

/// What it costs to compute the distance of a row that was drawn, which the planner does not count.
unsafe fn recheck_cost(root: *mut pg_sys::PlannerInfo, path: &pg_sys::IndexPath) -> f64 {
    let mut cost = pg_sys::QualCost::default();
    // SAFETY: expressions of the planner's.
    unsafe { pg_sys::cost_qual_eval(&mut cost, path.indexorderbys, root) };
    cost.per_tuple
}

/// Whether a scan would need the rows' `ctid` and not get it.
///
/// The executor forgets the `ctid` of rows that it reorders by rechecked distances (nodeIndexscan.c puts them back by
/// `ExecForceStoreHeapTuple`, up to 18 at least). FOR UPDATE would then lock a row that does not exist, and extend the table by a
/// broken page. So where the query needs the `ctid`, for itself or for a row lock, only indexes with exact distances serve.
unsafe fn loses_row_identity(path: &pg_sys::IndexPath, meta: Option<&Meta>) -> bool {
    // SAFETY: the planner's own lists and nodes.
    unsafe {
        let rechecked = meta.is_none_or(|meta| meta.element == Element::Float as u8)
            || (*path.indexorderbys).length > 1;
        let relation = path.path.parent;
        let mut needed: *mut pg_sys::Bitmapset = std::ptr::null_mut();
        let target: *mut pg_sys::Node = (*(*relation).reltarget).exprs.cast();
        pg_sys::pull_varattnos(target, (*relation).relid, &mut needed);
        let ctid =
            pg_sys::SelfItemPointerAttributeNumber - pg_sys::FirstLowInvalidHeapAttributeNumber;
        rechecked && pg_sys::bms_is_member(ctid, needed)
    }
}

/// The meta page, if it can be read.
unsafe fn meta(index: pg_sys::Oid) -> Option<Meta> {
    // SAFETY: the planner holds a lock on the index already.
    unsafe {
        let relation = pg_sys::index_open(index, pg_sys::NoLock as i32);
        let meta = Index::open(IndexRelation::new(relation))
            .ok()
            .map(|index| Meta::clone(index.meta()));
        pg_sys::index_close(relation, pg_sys::NoLock as i32);
        meta
    }
}

unsafe fn estimate(
    info: &pg_sys::IndexOptInfo,
    meta: Option<&Meta>,
    drawn: Option<Drawn>,
    recheck: f64,
) -> Estimate {
    let rows = info.tuples.max(1.0);
    let all_pages = f64::from(info.pages).max(1.0);
    let (mut page_cost, mut sequential_cost) = (0.0, 0.0);
    // SAFETY: settings and a catalog look-up.
    let operator_cost = unsafe {
        pg_sys::get_tablespace_page_costs(info.reltablespace, &mut page_cost, &mut sequential_cost);
        pg_sys::cpu_operator_cost
    };
    let dimensions = meta.map_or(0.0, |meta| f64::from(meta.dim));
    let [code, record] = [CODE, RECORD].map(|(fixed, each)| fixed + each * dimensions);
    let effort = |drawn, target| {
        let cost = meta.map_or_else(Cost::default, |meta| {
            cost::estimate(meta, rows, drawn, target)
        });
        // Lists and nodes lie side by side in the order of their centroids, and are few; refine records are where their row's
        // first list was.
        let sequential = (cost.root_pages + cost.list_pages).clamp(1.0, all_pages);
        let random = cost.refine_pages.min(all_pages);
        sequential * sequential_cost
            + random * page_cost
            + (code * cost.codes + record * cost.records) * operator_cost
            + drawn * recheck
    };
    let target = gucs::target_recall();
    let whole = effort(rows, 1.0);
    let first = drawn.map_or(FIRST_ROWS, |drawn| drawn.rows.min(FIRST_ROWS));
    let startup = effort(first, target).min(whole);
    let (total, fetched) = match drawn {
        // Extended beyond what is drawn: of that the planner takes its share.
        Some(drawn) if drawn.rows < rows => {
            let reached = effort(drawn.rows, target).clamp(startup, whole);
            let total = startup + (reached - startup) / drawn.share;
            (total, drawn.rows / rows / drawn.share)
        }
        _ => (whole, 1.0),
    };
    Estimate {
        startup,
        total,
        pages: all_pages,
        fetched: fetched.min(1.0),
    }
}
