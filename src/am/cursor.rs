//! `UPDATE` and `DELETE … WHERE CURRENT OF` a cursor whose rows come from an index scan.
//!
//! The executor looks for the cursor's current row in the scan's slot. Where a scan puts rows in order again by distances that
//! it computed itself (nodeIndexscan.c, up to 18 at least), it stores a copy of the row in the slot and leaves the slot's own
//! `ctid` invalid; the copy has it. So after each FETCH the slot is told.

use pgrx::pg_sys;
use pgrx::pg_sys::NodeTag;

use crate::versions;

/// Called once, when the library is loaded.
pub fn register() {
    versions::after_partial_runs(name_current_row);
}

/// Completes the slots of the scans that a query's current row comes from.
unsafe fn name_current_row(query: *mut pg_sys::QueryDesc) {
    // SAFETY: the query has been run, so its plan's state is there.
    unsafe { descend((*query).planstate) }
}

/// Goes down where `search_plan_tree` (execCurrent.c) does: other plans have no current row.
unsafe fn descend(node: *mut pg_sys::PlanState) {
    // SAFETY: null or a node of the tag's type.
    unsafe {
        let Some(state) = node.as_ref() else { return };
        match state.type_ {
            NodeTag::T_IndexScanState => complete(node.cast()),
            NodeTag::T_LimitState | NodeTag::T_ResultState => descend(state.lefttree),
            NodeTag::T_SubqueryScanState => {
                descend((*node.cast::<pg_sys::SubqueryScanState>()).subplan)
            }
            NodeTag::T_AppendState => {
                let append = &*node.cast::<pg_sys::AppendState>();
                for i in 0..append.as_nplans as usize {
                    descend(*append.appendplans.add(i));
                }
            }
            _ => {}
        }
    }
}

unsafe fn complete(node: *mut pg_sys::IndexScanState) {
    // SAFETY: a scan's slot is null or valid, and of the type that its operations say.
    unsafe {
        let slot = (*node).ss.ss_ScanTupleSlot;
        if (*node).iss_ReorderQueue.is_null()
            || slot.is_null()
            || u32::from((*slot).tts_flags) & pg_sys::TTS_FLAG_EMPTY != 0
            || !std::ptr::eq((*slot).tts_ops, &raw const pg_sys::TTSOpsBufferHeapTuple)
        {
            return;
        }
        let tuple = (*slot.cast::<pg_sys::BufferHeapTupleTableSlot>())
            .base
            .tuple;
        if (*slot).tts_tid.ip_posid == pg_sys::InvalidOffsetNumber && !tuple.is_null() {
            (*slot).tts_tid = (*tuple).t_self;
            (*slot).tts_tableOid = (*tuple).t_tableOid;
        }
    }
}
