//! What a scan costs, for the planner. Never an error: a damaged index is for execution to report.

use pgrx::pg_sys;
use qivf::cost::{self, Cost};
use qivf::layout::meta::Meta;
use qivf::{Element, Index};

use crate::gucs;
use crate::storage::IndexRelation;
use crate::versions;

/// Sign codes are scored in blocks, many to an instruction: this many for the cost of one operator call.
const CODES_PER_OPERATOR: f64 = 64.0;

/// The rank that a scan settles before it hands out its first row.
const FIRST_ROWS: f64 = 10.0;

/// What the planner asks for.
struct Estimate {
    startup: f64,
    total: f64,
    pages: f64,
}

/// Estimates a scan: getting started costs the lists that the target needs, reading to the end all of them.
#[pgrx::pg_guard]
#[allow(clippy::too_many_arguments)] // Postgres's signature.
pub unsafe extern "C-unwind" fn amcostestimate(
    _root: *mut pg_sys::PlannerInfo,
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
        *selectivity = 1.0;
        *correlation = 0.0;
        let meta = meta((*info).indexoid);
        // The rows cannot be had without an order.
        if (*path).indexorderbys.is_null() || loses_row_identity(&*path, meta.as_ref()) {
            versions::disable(path);
            *startup_cost = f64::INFINITY;
            *total_cost = f64::INFINITY;
            *index_pages = f64::from((*info).pages);
            return;
        }
        let estimate = estimate(&*info, meta.as_ref());
        *startup_cost = estimate.startup;
        *total_cost = estimate.total;
        *index_pages = estimate.pages;
    }
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

unsafe fn estimate(info: &pg_sys::IndexOptInfo, meta: Option<&Meta>) -> Estimate {
    let rows = info.tuples.max(1.0);
    let all_pages = f64::from(info.pages).max(1.0);
    let (mut page_cost, mut sequential_cost) = (0.0, 0.0);
    // SAFETY: settings and a catalog look-up.
    let operator_cost = unsafe {
        pg_sys::get_tablespace_page_costs(info.reltablespace, &mut page_cost, &mut sequential_cost);
        pg_sys::cpu_operator_cost
    };
    let effort = |limit, target| {
        let cost = meta.map_or_else(Cost::default, |meta| {
            cost::estimate(meta, rows, limit, target)
        });
        // Lists and nodes lie side by side in the order of their centroids, and are few; refine records are where their row's
        // first list was.
        let sequential = (cost.root_pages + cost.list_pages).clamp(1.0, all_pages);
        let random = cost.refine_pages.min(all_pages);
        sequential * sequential_cost
            + random * page_cost
            + (cost.codes / CODES_PER_OPERATOR + cost.records) * operator_cost
    };
    let startup = effort(FIRST_ROWS, gucs::target_recall());
    Estimate {
        startup,
        total: effort(rows, 1.0).max(startup),
        pages: all_pages,
    }
}
