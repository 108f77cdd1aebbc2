//! Inserting one row.

use pgrx::pg_sys;
use qivf::grow::learn_early;
use qivf::insert::{InsertState, insert};

use super::open::{OrRaise, open, tid_of};
use super::upkeep::Upkeep;
use crate::place::{self, Work};

/// Inserts a row; its entries are written as one WAL record.
#[pgrx::pg_guard]
#[allow(clippy::too_many_arguments)] // Postgres's signature.
pub unsafe extern "C-unwind" fn aminsert(
    relation: pg_sys::Relation,
    values: *mut pg_sys::Datum,
    isnull: *mut bool,
    heap_tid: pg_sys::ItemPointer,
    _heap: pg_sys::Relation,
    _check_unique: pg_sys::IndexUniqueCheck::Type,
    _index_unchanged: bool,
    index_info: *mut pg_sys::IndexInfo,
) -> bool {
    // SAFETY: Postgres passes an open index, one column's value and null flag, and the row's identifier.
    unsafe {
        let _place = place::enter((*relation).rd_id, Work::Insert);
        let opened = open(relation);
        let (class, mut index) = (opened.class, opened.index.by_ref());
        let state = state(index_info);
        let tid = tid_of(*heap_tid);
        if *isnull {
            insert(&mut index, state, tid, None).or_raise();
        } else {
            class
                .format
                .read(*values, |value| insert(&mut index, state, tid, Some(value)))
                .or_raise();
        }
        if state.takes_lesson() {
            learn_early(opened.index.store(), &Upkeep).or_raise();
        }
    }
    // The result matters for unique indexes only.
    false
}

/// What this statement remembers between rows.
unsafe fn state<'a>(index_info: *mut pg_sys::IndexInfo) -> &'a mut InsertState {
    // SAFETY: `ii_AmCache` is ours, null at first, and lives in `ii_Context` as its documentation asks.
    unsafe {
        let cache: &mut *mut std::ffi::c_void = &mut (*index_info).ii_AmCache;
        if cache.is_null() {
            let new = InsertState::new(pg_sys::MyProcPid as usize);
            let mut context = pgrx::PgMemoryContexts::For((*index_info).ii_Context);
            *cache = context.leak_and_drop_on_delete(new).cast();
        }
        &mut *cache.cast()
    }
}
