//! `WITH (lists = …)`.

use std::ffi::c_int;
use std::sync::OnceLock;

use pgrx::pg_sys;

use crate::versions;

/// The most lists that can be asked for.
const MAX_LISTS: i32 = 1_000_000;

static KIND: OnceLock<pg_sys::relopt_kind::Type> = OnceLock::new();

/// The options of an index as Postgres stores them in the relation cache.
#[repr(C)]
struct Options {
    varlena_header: i32,
    lists: c_int,
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
    let lists = std::mem::offset_of!(Options, lists);
    let table = [versions::integer_option(c"lists", lists)];
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
