//! What differs between the supported versions of Postgres, all of it.

use std::ffi::{CStr, c_char};
use std::sync::OnceLock;

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

/// Whether changes of a relation are logged: `RelationNeedsWAL`. With `wal_level = minimal` those of a file made in this
/// transaction are not, since it is written out at commit.
///
/// # Safety
/// `relation` is open.
pub unsafe fn needs_wal(relation: pg_sys::Relation) -> bool {
    // SAFETY: the caller keeps the relation open, hence its catalog row.
    unsafe {
        let relation = &*relation;
        #[cfg(any(feature = "pg14", feature = "pg15"))]
        let first_file = relation.rd_firstRelfilenodeSubid;
        #[cfg(not(any(feature = "pg14", feature = "pg15")))]
        let first_file = relation.rd_firstRelfilelocatorSubid;
        // InvalidSubTransactionId
        const NO_SUBTRANSACTION: pg_sys::SubTransactionId = 0;
        let is_permanent =
            (*relation.rd_rel).relpersistence as u8 == pg_sys::RELPERSISTENCE_PERMANENT;
        let is_old =
            relation.rd_createSubid == NO_SUBTRANSACTION && first_file == NO_SUBTRANSACTION;
        let all_is_logged = pg_sys::wal_level >= pg_sys::WalLevel::WAL_LEVEL_REPLICA as i32;
        is_permanent && (all_is_logged || is_old)
    }
}

/// Reserves the names of settings that begin with `prefix` and a dot: one that is none of ours is an error (a warning
/// before 15), and not a variable of its own.
pub fn reserve_settings(prefix: &'static CStr) {
    // SAFETY: the name is a C string.
    unsafe {
        #[cfg(feature = "pg14")]
        pg_sys::EmitWarningsOnPlaceholders(prefix.as_ptr());
        #[cfg(not(feature = "pg14"))]
        pg_sys::MarkGUCPrefixReserved(prefix.as_ptr());
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

/// Whether the current role may do with a table what VACUUM needs: its owner, and from 17 on who has the MAINTAIN privilege.
pub fn may_maintain(table: pg_sys::Oid) -> bool {
    #[cfg(any(feature = "pg17", feature = "pg18"))]
    {
        // SAFETY: a catalog look-up.
        let answer = unsafe {
            let user = pg_sys::GetUserId();
            pg_sys::pg_class_aclcheck(table, user, pg_sys::ACL_MAINTAIN.into())
        };
        if answer == pg_sys::AclResult::ACLCHECK_OK {
            return true;
        }
    }
    owns_relation(table)
}

/// Sets a search_path on which nobody but a superuser can put anything, until the current level of settings ends.
pub fn restrict_search_path() {
    // SAFETY: the caller has opened a level of settings; the strings are static.
    unsafe {
        #[cfg(any(feature = "pg17", feature = "pg18"))]
        pg_sys::RestrictSearchPath();
        #[cfg(not(any(feature = "pg17", feature = "pg18")))]
        pg_sys::set_config_option(
            c"search_path".as_ptr(),
            c"pg_catalog, pg_temp".as_ptr(),
            pg_sys::GucContext::PGC_USERSET,
            pg_sys::GucSource::PGC_S_SESSION,
            pg_sys::GucAction::GUC_ACTION_SAVE,
            true,
            0,
            false,
        );
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

/// The description of an option of an index.
#[allow(clippy::needless_update)] // 18 has one field more.
pub fn option(
    name: &'static CStr,
    kind: pg_sys::relopt_type::Type,
    offset: usize,
) -> pg_sys::relopt_parse_elt {
    pg_sys::relopt_parse_elt {
        optname: name.as_ptr(),
        opttype: kind,
        offset: offset as i32,
        ..Default::default()
    }
}

/// What is called when a query has been run in part, as FETCH does.
type AfterPart = unsafe fn(*mut pg_sys::QueryDesc);

static AFTER_PART: OnceLock<(pg_sys::ExecutorRun_hook_type, AfterPart)> = OnceLock::new();

/// Has `f` called whenever a query was run for a number of rows rather than to its end. Called once, at load.
pub fn after_partial_runs(f: AfterPart) {
    // SAFETY: the library is being loaded, in the backend's only Postgres thread.
    unsafe {
        AFTER_PART.get_or_init(|| (pg_sys::ExecutorRun_hook, f));
        pg_sys::ExecutorRun_hook = Some(executor_run);
    }
}

unsafe extern "C-unwind" {
    // Not pgrx's: errors of the query must pass as they are, with all their fields.
    #[cfg(not(feature = "pg18"))]
    fn standard_ExecutorRun(
        query: *mut pg_sys::QueryDesc,
        direction: pg_sys::ScanDirection::Type,
        count: u64,
        once: bool,
    );
    #[cfg(feature = "pg18")]
    fn standard_ExecutorRun(
        query: *mut pg_sys::QueryDesc,
        direction: pg_sys::ScanDirection::Type,
        count: u64,
    );
}

// Not guarded, and nothing with a destructor is in the frame: an error of the query jumps over it.
#[cfg(not(feature = "pg18"))]
unsafe extern "C-unwind" fn executor_run(
    query: *mut pg_sys::QueryDesc,
    direction: pg_sys::ScanDirection::Type,
    count: u64,
    once: bool,
) {
    // SAFETY: what Postgres passes is passed on.
    unsafe {
        match AFTER_PART.get() {
            Some((Some(previous), _)) => previous(query, direction, count, once),
            _ => standard_ExecutorRun(query, direction, count, once),
        }
        after_part(query, count);
    }
}

// As above.
#[cfg(feature = "pg18")]
unsafe extern "C-unwind" fn executor_run(
    query: *mut pg_sys::QueryDesc,
    direction: pg_sys::ScanDirection::Type,
    count: u64,
) {
    // SAFETY: what Postgres passes is passed on.
    unsafe {
        match AFTER_PART.get() {
            Some((Some(previous), _)) => previous(query, direction, count),
            _ => standard_ExecutorRun(query, direction, count),
        }
        after_part(query, count);
    }
}

unsafe fn after_part(query: *mut pg_sys::QueryDesc, count: u64) {
    if let (Some((_, f)), 1..) = (AFTER_PART.get(), count) {
        // SAFETY: the query that was run.
        unsafe { f(query) }
    }
}

/// Has parameters of a statement take the types that their places ask for.
///
/// # Safety
/// Called while a parser is being set up, by a frame that has nothing to drop; the list of types, in memory of Postgres, and
/// its length stay where they are as long as the parser works.
pub unsafe fn setup_variable_parameters(
    pstate: *mut pg_sys::ParseState,
    types: *mut *mut pg_sys::Oid,
    count: *mut i32,
) {
    unsafe extern "C-unwind" {
        #[cfg_attr(feature = "pg14", link_name = "parse_variable_parameters")]
        fn setup_parse_variable_parameters(
            pstate: *mut pg_sys::ParseState,
            types: *mut *mut pg_sys::Oid,
            count: *mut i32,
        );
    }
    // SAFETY: as the caller says.
    unsafe { setup_parse_variable_parameters(pstate, types, count) }
}

/// Has a receiver for a tuplestore put its rows into this one, which lives in this memory context.
///
/// # Safety
/// `receiver` was made by `CreateDestReceiver` for a tuplestore.
pub unsafe fn into_tuplestore(
    receiver: *mut pg_sys::DestReceiver,
    store: *mut pg_sys::Tuplestorestate,
    context: pg_sys::MemoryContext,
) {
    unsafe extern "C-unwind" {
        fn SetTuplestoreDestReceiverParams(
            receiver: *mut pg_sys::DestReceiver,
            store: *mut pg_sys::Tuplestorestate,
            context: pg_sys::MemoryContext,
            detoast: bool,
            target: pg_sys::TupleDesc,
            failure: *const c_char,
        );
    }
    // SAFETY: as the caller says. It only stores its arguments.
    unsafe {
        let (none, nothing) = (std::ptr::null_mut(), std::ptr::null());
        SetTuplestoreDestReceiverParams(receiver, store, context, false, none, nothing);
    }
}
