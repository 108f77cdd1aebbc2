//! `WITH (lists = …, taught = …)`.

use std::ffi::{CStr, CString, c_char, c_int};
use std::sync::OnceLock;

use pgrx::prelude::*;
use pgrx::{PgRelation, pg_sys};
use qivf::tune::Taught;

use crate::errors::raise_with_hint;
use crate::versions;

/// The most lists that can be asked for.
const MAX_LISTS: i32 = 1_000_000;

static KIND: OnceLock<pg_sys::relopt_kind::Type> = OnceLock::new();

/// The options of an index as Postgres stores them in the relation cache.
#[repr(C)]
struct Options {
    varlena_header: i32,
    lists: c_int,
    /// Where the text begins, 0 = there is none.
    taught: c_int,
}

/// Registers the options; called once, when the library is loaded.
pub fn register() {
    KIND.get_or_init(|| {
        // SAFETY: the strings are static; called while the library is loaded, as reloptions.c wants.
        unsafe {
            let kind = pg_sys::add_reloption_kind();
            pg_sys::add_int_reloption(
                kind,
                c"lists".as_ptr(),
                c"Number of inverted lists; 0 = chosen from the number of rows, 1 = flat".as_ptr(),
                0,
                0,
                MAX_LISTS,
                pg_sys::AccessExclusiveLock as i32,
            );
            pg_sys::add_string_reloption(
                kind,
                c"taught".as_ptr(),
                c"What qivf_tune has learned: recall targets, and the recall of rows that real queries need for them".as_ptr(),
                std::ptr::null(),
                Some(check_taught),
                pg_sys::ShareUpdateExclusiveLock as i32,
            );
            kind
        }
    });
}

/// Parses the options of an index.
#[pgrx::pg_guard]
pub unsafe extern "C-unwind" fn amoptions(
    reloptions: pg_sys::Datum,
    validate: bool,
) -> *mut pg_sys::bytea {
    use pg_sys::relopt_type::{RELOPT_TYPE_INT, RELOPT_TYPE_STRING};
    use std::mem::offset_of;
    let table = [
        versions::option(c"lists", RELOPT_TYPE_INT, offset_of!(Options, lists)),
        versions::option(c"taught", RELOPT_TYPE_STRING, offset_of!(Options, taught)),
    ];
    let kind = *KIND.get().expect("options are registered at load");
    // SAFETY: the table describes `Options`.
    unsafe {
        pg_sys::build_reloptions(
            reloptions,
            validate,
            kind,
            size_of::<Options>(),
            table.as_ptr(),
            table.len() as c_int,
        )
        .cast()
    }
}

/// `lists` of an index; 0 = to be chosen.
///
/// # Safety
/// `index` is an open qivf index.
pub unsafe fn lists(index: pg_sys::Relation) -> usize {
    // SAFETY: `rd_options` is null or what `amoptions` made.
    unsafe {
        let options: *const Options = (*index).rd_options.cast();
        options.as_ref().map_or(0, |options| options.lists as usize)
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn check_taught(value: *const c_char) {
    // SAFETY: null, as the default is, or a C string.
    let value = (!value.is_null()).then(|| unsafe { CStr::from_ptr(value) }.to_string_lossy());
    if value.is_some_and(|value| value.parse::<Taught>().is_err()) {
        raise_with_hint(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "invalid value for option \"taught\"",
            "qivf_tune sets it; ALTER INDEX … RESET (taught) and REINDEX forget what it learned.",
        );
    }
}

/// What real queries taught the index.
///
/// # Safety
/// `index` is an open qivf index.
pub unsafe fn taught(index: pg_sys::Relation) -> Option<Taught> {
    // SAFETY: `rd_options` is null or what `amoptions` made; the text lies behind it, at the offset that it says.
    unsafe {
        let options: *const Options = (*index).rd_options.cast();
        let offset = options.as_ref()?.taught;
        let text = options.cast::<c_char>().add(offset as usize);
        let text = (offset != 0).then(|| CStr::from_ptr(text))?;
        text.to_str().ok()?.parse().ok()
    }
}

/// Keeps what real queries taught in the catalog, as ALTER INDEX … SET would: it stays when the index is built again, and is in
/// dumps. ALTER INDEX itself would be refused while the calling query reads the table.
pub fn keep_taught(index: &PgRelation, taught: Taught) {
    let text = CString::new(taught.to_string()).unwrap_or_default();
    // SAFETY: the index is open under a lock that nobody else changes it under, and which is kept until the transaction ends; the
    // tuple and the lists are Postgres's own.
    unsafe {
        let lock = pg_sys::ShareUpdateExclusiveLock as pg_sys::LOCKMODE;
        pg_sys::LockRelationOid(index.oid(), lock);
        let write = pg_sys::RowExclusiveLock as pg_sys::LOCKMODE;
        let catalog = pg_sys::table_open(pg_sys::RelationRelationId, write);
        let cache = pg_sys::SysCacheIdentifier::RELOID as i32;
        let tuple = pg_sys::SearchSysCacheCopy(
            cache,
            index.oid().into(),
            pg_sys::Datum::null(),
            pg_sys::Datum::null(),
            pg_sys::Datum::null(),
        );
        if tuple.is_null() {
            error!("cache lookup failed for relation {}", index.oid().to_u32());
        }
        let column = pg_sys::Anum_pg_class_reloptions as usize;
        let mut absent = false;
        let before = pg_sys::SysCacheGetAttr(cache, tuple, column as i16, &mut absent);
        let value = pg_sys::makeString(pg_sys::pstrdup(text.as_ptr()));
        let name = pg_sys::pstrdup(c"taught".as_ptr());
        let element = pg_sys::makeDefElem(name, value.cast(), -1);
        let after = pg_sys::transformRelOptions(
            if absent {
                pg_sys::Datum::null()
            } else {
                before
            },
            pg_sys::lappend(std::ptr::null_mut(), element.cast()),
            std::ptr::null(),
            std::ptr::null_mut(),
            false,
            false,
        );
        const COLUMNS: usize = pg_sys::Natts_pg_class as usize;
        let mut values = [pg_sys::Datum::null(); COLUMNS];
        let mut nulls = [false; COLUMNS];
        let mut replaced = [false; COLUMNS];
        (values[column - 1], replaced[column - 1]) = (after, true);
        let changed = pg_sys::heap_modify_tuple(
            tuple,
            (*catalog).rd_att,
            values.as_mut_ptr(),
            nulls.as_mut_ptr(),
            replaced.as_mut_ptr(),
        );
        pg_sys::CatalogTupleUpdate(catalog, &raw mut (*tuple).t_self, changed);
        pg_sys::table_close(catalog, write);
    }
}
