//! VACUUM: only here are slots freed, so a standby is as safe as its primary.

use std::ffi::c_void;

use pgrx::pg_sys;
use qivf::grow::maintain;
use qivf::store::PageStore;
use qivf::survey::survey;
use qivf::vacuum::vacuum;
use qivf::{Error, Index};

use super::build::workers;
use super::open::{OrRaise, open, pointer_of};
use super::upkeep::Upkeep;
use crate::place::{self, Work};
use crate::storage::IndexRelation;

/// Removes the entries of dead rows.
#[pgrx::pg_guard]
pub unsafe extern "C-unwind" fn ambulkdelete(
    info: *mut pg_sys::IndexVacuumInfo,
    stats: *mut pg_sys::IndexBulkDeleteResult,
    callback: pg_sys::IndexBulkDeleteCallback,
    callback_state: *mut c_void,
) -> *mut pg_sys::IndexBulkDeleteResult {
    // SAFETY: Postgres passes an open index and a callback that takes a row identifier and this state.
    unsafe {
        let _place = place::enter((*(*info).index).rd_id, Work::Other);
        let stats = result(stats);
        let callback = callback.expect("VACUUM passes a callback");
        let opened = open((*info).index);
        let store = IndexRelation::new((*info).index).yielding();
        let index = Index::with_meta(&store, opened.index.meta().clone()).or_raise();
        let mut is_dead = |tid| {
            let mut pointer = pointer_of(tid);
            let pointer = &raw mut pointer;
            // A function pointer is not guarded by itself.
            pg_sys::ffi::pg_guard_ffi_boundary(|| callback(pointer, callback_state))
        };
        let done = vacuum(&index, &mut is_dead).or_raise();
        (*stats).num_pages = done.blocks;
        (*stats).num_index_tuples = done.left as f64;
        (*stats).tuples_removed += done.removed as f64;
        (*stats).estimated_count = false;
        stats
    }
}

/// Ends a VACUUM or ANALYZE.
#[pgrx::pg_guard]
pub unsafe extern "C-unwind" fn amvacuumcleanup(
    info: *mut pg_sys::IndexVacuumInfo,
    stats: *mut pg_sys::IndexBulkDeleteResult,
) -> *mut pg_sys::IndexBulkDeleteResult {
    // SAFETY: as in `ambulkdelete`.
    unsafe {
        if (*info).analyze_only {
            return stats;
        }
        let _place = place::enter((*(*info).index).rd_id, Work::Other);
        let store = IndexRelation::new((*info).index);
        let removed_nothing = stats.is_null();
        let stats = result(stats);
        if removed_nothing {
            // A partial index holds only some of the table's rows.
            if pg_sys::RelationGetIndexPredicate((*info).index).is_null() {
                (*stats).num_index_tuples = (*info).num_heap_tuples;
                (*stats).estimated_count = (*info).estimated_count;
            } else {
                let held = survey(&open((*info).index).index).or_raise();
                (*stats).num_index_tuples = (held.rows + held.codeless) as f64;
                (*stats).estimated_count = false;
            }
        }
        match maintain(&store.yielding(), &Upkeep, workers()) {
            // An index of another version: VACUUM goes on without it.
            Err(Error::Format { .. }) => {}
            done => done.or_raise(),
        }
        (*stats).num_pages = store.block_count().or_raise();
        store.vacuum_free_space();
        stats
    }
}

unsafe fn result(stats: *mut pg_sys::IndexBulkDeleteResult) -> *mut pg_sys::IndexBulkDeleteResult {
    if !stats.is_null() {
        return stats;
    }
    // SAFETY: zeros are a valid result.
    unsafe { pg_sys::palloc0(size_of::<pg_sys::IndexBulkDeleteResult>()).cast() }
}
