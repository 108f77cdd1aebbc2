//! What a call site prepares once and keeps: checked ranges, a query's tables.
//!
//! The value hangs on `fn_extra`, keyed by the bytes of the argument it was made from, so that a changed
//! argument (a join, PL/pgSQL) is noticed; where the argument is a constant of the plan the comparison is
//! left out too.

use pgrx::{PgMemoryContexts, pg_sys};
use quantize::room;

use crate::errors::OrRaise;

struct Entry<T> {
    argument: usize,
    is_constant: bool,
    key: Vec<u8>,
    value: T,
}

/// The value prepared from argument `argument` (counted from 0), whose bytes are `key`: kept from the last call at
/// this place, or made now.
///
/// Each SQL function may keep one type of value only, made from one argument at a time.
pub fn cached<'a, T: 'static>(
    fcinfo: pg_sys::FunctionCallInfo,
    argument: usize,
    key: &[u8],
    prepare: impl FnOnce() -> T,
) -> &'a T {
    // SAFETY: Postgres passes a valid call; `flinfo` is null only for direct calls from C, which our
    // functions do not get.
    let flinfo = unsafe { &mut *(*fcinfo).flinfo };
    let entry: *mut Entry<T> = flinfo.fn_extra.cast();
    if entry.is_null() {
        let new = Entry {
            argument,
            is_constant: is_constant(fcinfo, argument),
            // Checked first, which refuses most arguments that are too long to be kept.
            value: prepare(),
            key: room::copy(key).or_raise(),
        };
        // The entry is dropped with the context that holds the call site.
        let entry = PgMemoryContexts::For(flinfo.fn_mcxt).leak_and_drop_on_delete(new);
        flinfo.fn_extra = entry.cast();
        // SAFETY: just made; lives as long as the call site, which outlives this call.
        return unsafe { &(*entry).value };
    }
    // SAFETY: only this function writes `fn_extra`, always with the one type of this SQL function.
    let entry = unsafe { &mut *entry };
    let same = entry.argument == argument && (entry.is_constant || entry.key == key);
    if !same {
        entry.value = prepare();
        entry.argument = argument;
        entry.is_constant = is_constant(fcinfo, argument);
        entry.key.clear();
        room::reserve(&mut entry.key, key.len()).or_raise();
        entry.key.extend_from_slice(key);
    }
    &entry.value
}

/// Whether an argument is a constant of the plan.
///
/// Not `get_fn_expr_arg_stable`: that also says yes to parameters, which change between evaluations of one simple
/// expression in PL/pgSQL.
pub fn is_constant(fcinfo: pg_sys::FunctionCallInfo, argument: usize) -> bool {
    // SAFETY: `fn_expr` is null or the expression node of this call; nodes begin with their tag, and operators share
    // the layout of `OpExpr`.
    unsafe {
        let expression = (*(*fcinfo).flinfo).fn_expr;
        if expression.is_null() {
            return false;
        }
        let arguments = match (*expression).type_ {
            pg_sys::NodeTag::T_OpExpr => (*expression.cast::<pg_sys::OpExpr>()).args,
            pg_sys::NodeTag::T_FuncExpr => (*expression.cast::<pg_sys::FuncExpr>()).args,
            _ => return false,
        };
        if arguments.is_null() || (*arguments).length as usize <= argument {
            return false;
        }
        let node: *mut pg_sys::Node = pg_sys::list_nth(arguments, argument as i32).cast();
        (*node).type_ == pg_sys::NodeTag::T_Const
    }
}
