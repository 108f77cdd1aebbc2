//! The index access method `qivf`: Postgres's callbacks, each family in its own file. The algorithm is the crate `qivf`.

mod build;
mod class;
mod cost;
mod cursor;
#[cfg(feature = "pg18")]
mod explain;
mod insert;
mod inspect;
mod last;
mod lesson;
mod missing;
mod open;
mod options;
mod rights;
mod scan;
mod threads;
mod upkeep;
mod vacuum;
mod validate;
mod value;

use pgrx::pg_sys;
use pgrx::prelude::*;

/// Registers options and hooks; called once, when the library is loaded.
pub fn register() {
    options::register();
    cursor::register();
    #[cfg(feature = "pg18")]
    explain::register();
}

/// The callbacks of the access method.
#[pg_extern(sql = false)]
fn qivf_handler() -> pgrx::PgBox<pg_sys::IndexAmRoutine> {
    // SAFETY: palloc'ed zeros with the right node tag: every flag false, every callback absent.
    let mut routine = unsafe {
        pgrx::PgBox::<pg_sys::IndexAmRoutine>::alloc_node(pg_sys::NodeTag::T_IndexAmRoutine)
    };
    // Any number of order-by strategies; operator classes say which.
    routine.amstrategies = 0;
    routine.amsupport = class::SUPPORT_FUNCTIONS;
    routine.amcanorderbyop = true;
    routine.amoptionalkey = true;
    routine.amusemaintenanceworkmem = true;
    routine.amkeytype = pg_sys::InvalidOid;

    routine.ambuild = Some(build::ambuild);
    routine.ambuildempty = Some(build::ambuildempty);
    routine.ambuildphasename = Some(build::ambuildphasename);
    routine.aminsert = Some(insert::aminsert);
    routine.ambulkdelete = Some(vacuum::ambulkdelete);
    routine.amvacuumcleanup = Some(vacuum::amvacuumcleanup);
    routine.amcostestimate = Some(cost::amcostestimate);
    routine.amoptions = Some(options::amoptions);
    routine.amproperty = Some(amproperty);
    routine.amvalidate = Some(validate::amvalidate);
    routine.ambeginscan = Some(scan::ambeginscan);
    routine.amrescan = Some(scan::amrescan);
    routine.amgettuple = Some(scan::amgettuple);
    routine.amendscan = Some(scan::amendscan);
    routine.into_pg_boxed()
}

/// Answers `pg_index_column_has_property(…, 'distance_orderable')`, which Postgres leaves to the access method: every
/// operator class has a distance. All else Postgres knows itself.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn amproperty(
    _index: pg_sys::Oid,
    column: i32,
    property: pg_sys::IndexAMProperty::Type,
    _name: *const std::ffi::c_char,
    result: *mut bool,
    _is_null: *mut bool,
) -> bool {
    let answers = column > 0 && property == pg_sys::IndexAMProperty::AMPROP_DISTANCE_ORDERABLE;
    if answers {
        // SAFETY: Postgres passes where the answer goes.
        unsafe { *result = true };
    }
    answers
}
