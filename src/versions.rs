//! What differs between the supported versions of Postgres, all of it.

use std::ffi::CStr;

use pgrx::pg_sys;

/// Counts a scan of an index: for `pg_stat_user_indexes` and, from 18 on, for EXPLAIN.
///
/// # Safety
/// `scan` is a scan of an open index.
pub unsafe fn count_index_scan(scan: pg_sys::IndexScanDesc) {
    // SAFETY: the statistics entry is null or valid while the relation is open.
    unsafe {
        let entry = (*(*scan).indexRelation).pgstat_info;
        if !entry.is_null() {
            #[cfg(any(feature = "pg14", feature = "pg15"))]
            {
                (*entry).t_counts.t_numscans += 1;
            }
            #[cfg(not(any(feature = "pg14", feature = "pg15")))]
            {
                (*entry).counts.numscans += 1;
            }
        }
        #[cfg(feature = "pg18")]
        if let Some(instrument) = (*scan).instrument.as_mut() {
            instrument.nsearches += 1;
        }
    }
}

/// Marks a path as one to be taken only where there is no other, as 18 counts that; before, an infinite cost must do.
///
/// # Safety
/// `path` is a path that the planner is costing.
pub unsafe fn disable(path: *mut pg_sys::IndexPath) {
    #[cfg(feature = "pg18")]
    // SAFETY: the caller passes the planner's path.
    unsafe {
        // One more than any setting of enable_… can put on another path of the table.
        (*path).path.disabled_nodes = 2;
    }
    #[cfg(not(feature = "pg18"))]
    let _ = path;
}

/// Whether the current role owns a relation.
pub fn owns_relation(relation: pg_sys::Oid) -> bool {
    // SAFETY: a catalog look-up.
    unsafe {
        #[cfg(any(feature = "pg14", feature = "pg15"))]
        {
            pg_sys::pg_class_ownercheck(relation, pg_sys::GetUserId())
        }
        #[cfg(not(any(feature = "pg14", feature = "pg15")))]
        {
            pg_sys::object_ownercheck(pg_sys::RelationRelationId, relation, pg_sys::GetUserId())
        }
    }
}

/// Sleeps as VACUUM's cost settings ask, and looks for interrupts. Called without a lock on a page.
pub fn vacuum_delay() {
    // SAFETY: has no arguments that could be wrong; raises an error on a cancel.
    unsafe {
        #[cfg(not(feature = "pg18"))]
        pg_sys::vacuum_delay_point();
        #[cfg(feature = "pg18")]
        pg_sys::vacuum_delay_point(false);
    }
}

/// The description of an integer option of an index.
#[allow(clippy::needless_update)] // 18 has one field more.
pub fn integer_option(name: &'static CStr, offset: usize) -> pg_sys::relopt_parse_elt {
    pg_sys::relopt_parse_elt {
        optname: name.as_ptr(),
        opttype: pg_sys::relopt_type::RELOPT_TYPE_INT,
        offset: offset as i32,
        ..Default::default()
    }
}
