//! Hearing of changes: of relations, schemas, operators and functions.

use std::cell::Cell;
use std::ffi::c_int;
use std::sync::Once;

use pgrx::pg_sys;

/// What changed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// This relation: its columns, its indexes, or what is recorded about it.
    Relation(pg_sys::Oid),
    /// Anything.
    All,
    /// A function.
    Functions,
}

thread_local! {
    static GENERATION: Cell<u64> = const { Cell::new(0) };
    static LISTENER: Cell<Option<fn(Change)>> = const { Cell::new(None) };
}

/// A number that grows with every change, whatever it is of.
pub fn generation() -> u64 {
    GENERATION.get()
}

/// Has changes told to `listener` from now on. It must not call Postgres or raise an error.
pub fn watch(listener: fn(Change)) {
    static ONCE: Once = Once::new();
    LISTENER.set(Some(listener));
    // SAFETY: the callbacks stay registered until the backend ends.
    ONCE.call_once(|| unsafe {
        let none = pg_sys::Datum::null();
        pg_sys::CacheRegisterRelcacheCallback(Some(relation_changed), none);
        use pg_sys::SysCacheIdentifier::{NAMESPACEOID, OPEROID, PROCOID};
        for cache in [NAMESPACEOID, OPEROID] {
            pg_sys::CacheRegisterSyscacheCallback(cache as c_int, Some(anything_changed), none);
        }
        pg_sys::CacheRegisterSyscacheCallback(PROCOID as c_int, Some(functions_changed), none);
    });
}

fn tell(change: Change) {
    GENERATION.set(GENERATION.get().wrapping_add(1));
    if let Some(listener) = LISTENER.get() {
        listener(change);
    }
}

unsafe extern "C-unwind" fn relation_changed(_: pg_sys::Datum, relation: pg_sys::Oid) {
    tell(match relation {
        pg_sys::InvalidOid => Change::All,
        relation => Change::Relation(relation),
    });
}

unsafe extern "C-unwind" fn anything_changed(_: pg_sys::Datum, _cache: c_int, _hash: u32) {
    tell(Change::All);
}

unsafe extern "C-unwind" fn functions_changed(_: pg_sys::Datum, _cache: c_int, _hash: u32) {
    tell(Change::Functions);
}

/// Tells every session that what is known about a relation is out of date, when the transaction commits.
pub fn announce(relation: pg_sys::Oid) {
    // SAFETY: a relation that is gone is left out, since it could not be told about.
    unsafe {
        if pg_sys::get_rel_relkind(relation) != 0 {
            pg_sys::CacheInvalidateRelcacheByRelid(relation);
        }
    }
}
