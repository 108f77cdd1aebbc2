//! What a search looked at, in EXPLAIN ANALYZE: from Postgres 18 on, which lets access methods speak there.

use std::ffi::CStr;

use pgrx::pg_sys;

use super::scan;

/// Called once, when the library is loaded.
pub fn register() {
    // SAFETY: the library is being loaded, in the backend's only Postgres thread.
    unsafe {
        PREVIOUS.get_or_init(|| pg_sys::explain_per_node_hook);
        pg_sys::explain_per_node_hook = Some(per_node);
    }
}

static PREVIOUS: std::sync::OnceLock<pg_sys::explain_per_node_hook_type> =
    std::sync::OnceLock::new();

/// Adds to the lines of an index scan.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn per_node(
    node: *mut pg_sys::PlanState,
    ancestors: *mut pg_sys::List,
    relationship: *const std::ffi::c_char,
    plan_name: *const std::ffi::c_char,
    explain: *mut pg_sys::ExplainState,
) {
    // SAFETY: what Postgres passes is passed on; a node is of the type that its tag says.
    unsafe {
        if let Some(Some(previous)) = PREVIOUS.get() {
            pg_sys::ffi::pg_guard_ffi_boundary(|| {
                previous(node, ancestors, relationship, plan_name, explain)
            });
        }
        if (*explain).analyze && (*node).type_ == pg_sys::NodeTag::T_IndexScanState {
            tell(&*node.cast(), explain);
        }
    }
}

unsafe fn tell(node: &pg_sys::IndexScanState, explain: *mut pg_sys::ExplainState) {
    // SAFETY: the plan has run, so the scan of a qivf index is one of ours, or null where it never began.
    unsafe {
        if node.iss_ScanDesc.is_null() || !is_ours(node.iss_RelationDesc) {
            return;
        }
        let Some((options, stats)) = scan::done(node.iss_ScanDesc) else {
            return;
        };
        let target = f64::from(options.target);
        pg_sys::ExplainPropertyFloat(
            c"Target Recall".as_ptr(),
            std::ptr::null(),
            target,
            3,
            explain,
        );
        for (name, value) in [
            (c"Lists Opened", stats.lists),
            (c"Codes Scored", stats.codes),
            (c"Rows Compared", stats.rows),
            (c"Rows Returned", stats.candidates),
            (c"Rows Late", stats.late),
        ] {
            pg_sys::ExplainPropertyUInteger(name.as_ptr(), std::ptr::null(), value, explain);
        }
    }
}

unsafe fn is_ours(index: pg_sys::Relation) -> bool {
    // SAFETY: an open index; the name of its access method is null or a C string.
    unsafe {
        let method = pg_sys::get_am_name((*(*index).rd_rel).relam);
        !method.is_null() && CStr::from_ptr(method) == c"qivf"
    }
}
