//! Checks an operator class, for `amvalidate()` and the regression tests of whoever makes one.

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::class;

/// Whether an operator class can be used: it has the support function that returns an integer, and all of its operators order
/// by a `float8` distance with Postgres's own order of floats. Says what is wrong in an INFO message.
#[pgrx::pg_guard]
pub unsafe extern "C-unwind" fn amvalidate(opclass: pg_sys::Oid) -> bool {
    // SAFETY: catalog look-ups by the class's own identifiers; lists are released below.
    unsafe {
        let tuple = pg_sys::SearchSysCache1(
            pg_sys::SysCacheIdentifier::CLAOID as i32,
            pg_sys::Datum::from(opclass),
        );
        if tuple.is_null() {
            error!(
                "cache lookup failed for operator class {}",
                opclass.to_u32()
            );
        }
        let form: pg_sys::Form_pg_opclass = pg_sys::GETSTRUCT(tuple).cast();
        let (family, input) = ((*form).opcfamily, (*form).opcintype);
        pg_sys::ReleaseSysCache(tuple);
        let has_number = has_number_function(family, input);
        let operators_fit = operators_fit(family);
        has_number && operators_fit
    }
}

unsafe fn has_number_function(family: pg_sys::Oid, input: pg_sys::Oid) -> bool {
    // SAFETY: catalog look-ups.
    let (function, result) = unsafe {
        let number = class::NUMBER_PROC as i16;
        let function = pg_sys::get_opfamily_proc(family, input, input, number);
        if function == pg_sys::InvalidOid {
            (function, function)
        } else {
            (function, pg_sys::get_func_rettype(function))
        }
    };
    if function == pg_sys::InvalidOid {
        info!(
            "operator class lacks support function {}",
            class::NUMBER_PROC
        );
        return false;
    }
    if result != pg_sys::INT4OID {
        info!(
            "support function {} does not return integer",
            class::NUMBER_PROC
        );
        return false;
    }
    true
}

unsafe fn operators_fit(family: pg_sys::Oid) -> bool {
    // SAFETY: the list's members are valid until it is released.
    unsafe {
        let list = pg_sys::SearchSysCacheList(
            pg_sys::SysCacheIdentifier::AMOPSTRATEGY as i32,
            1,
            pg_sys::Datum::from(family),
            pg_sys::Datum::from(0usize),
            pg_sys::Datum::from(0usize),
        );
        let members = (*list).members.as_slice((*list).n_members as usize);
        let mut fit = true;
        for &member in members {
            let form: pg_sys::Form_pg_amop = pg_sys::GETSTRUCT(&raw mut (*member).tuple).cast();
            let operator = (*form).amopopr;
            let ordering = (*form).amoppurpose as u8 == pg_sys::AMOP_ORDER
                && pg_sys::get_op_rettype(operator) == pg_sys::FLOAT8OID;
            if !ordering {
                info!(
                    "operator {} does not order by a float8 distance",
                    operator.to_u32()
                );
                fit = false;
            }
        }
        pg_sys::ReleaseCatCacheList(list);
        fit
    }
}
