//! What SQL calls.

use pgrx::Internal;
use pgrx::prelude::*;

use super::arguments::no_corpus;
use super::run::{Explanation, Search};
use crate::spi::{self, Expectation};

/// Functions that run statements are made known to Postgres by hand: pgrx's wrapper would stand between a statement's
/// error and its caller.
macro_rules! runs {
    ($steps:ty: $wrapper:ident $info:ident) => {
        #[doc(hidden)]
        #[unsafe(no_mangle)]
        pub extern "C-unwind" fn $info() -> &'static pg_sys::Pg_finfo_record {
            const V1: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
            &V1
        }
        #[doc(hidden)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C-unwind" fn $wrapper(
            fcinfo: pg_sys::FunctionCallInfo,
        ) -> pg_sys::Datum {
            // SAFETY: called by Postgres; this frame has nothing to drop.
            unsafe { spi::run::<$steps>(fcinfo) }
        }
    };
}
runs!(Search: semantic_search_wrapper pg_finfo_semantic_search_wrapper);
runs!(Explanation: semantic_search_sql_wrapper pg_finfo_semantic_search_sql_wrapper);

/// A table named by a string has no row type that the result could have.
#[pg_extern(sql = false)]
fn semantic_search_text(_fcinfo: pg_sys::FunctionCallInfo) -> Option<i32> {
    no_corpus(pg_sys::TEXTOID)
}

/// What the planner asks about a search: how many rows. It asks before the query's snapshot is taken, so the relation is
/// locked here already, as the relations of the query are.
#[pg_extern(sql = false)]
fn semantic_search_support(request: Internal) -> Internal {
    const CORPUS: usize = 0;
    const TOP_K: usize = 2;
    let answer = |call: &Expectation| {
        if let Some(relation) = call.type_of(CORPUS).and_then(spi::relation_of_type)
            && spi::may_read(relation)
        {
            spi::lock_for_reading(relation);
        }
        let top_k = call.constant(TOP_K)?.value() as i32;
        Some(f64::from(top_k.max(1)))
    };
    // What is no answer is a null pointer, not an SQL null.
    let nothing = Internal::from(Some(pg_sys::Datum::null()));
    // SAFETY: the planner passes a request.
    unsafe {
        match request.unwrap() {
            Some(request) => {
                let answered = spi::answer(request.cast_mut_ptr(), answer);
                Internal::from(Some(pg_sys::Datum::from(answered)))
            }
            None => nothing,
        }
    }
}

/// Tells every session when a record of a quantized column has come, changed or gone.
#[pg_trigger(sql = false)]
fn search_record_changed<'a>(
    trigger: &'a pgrx::PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, impl WhoAllocated>>, pgrx::heap_tuple::PgHeapTupleError> {
    for row in [trigger.old(), trigger.new()].into_iter().flatten() {
        if let Ok(Some(relation)) = row.get_by_name::<pg_sys::Oid>("table_oid") {
            spi::announce(relation);
        }
    }
    Ok(trigger.new().or_else(|| trigger.old()))
}
