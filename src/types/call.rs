//! The call of an SQL function: where it stands, and what its call site keeps from one call to the next (checked ranges, a
//! query's tables).
//!
//! A kept value hangs on `fn_extra`, keyed by the bytes of the argument it was made from, so that a changed argument (a join,
//! PL/pgSQL) is noticed; where the argument is a constant of the plan the comparison is left out too.

use std::any::Any;
use std::marker::PhantomData;

use pgrx::callconv::{Arg, ArgAbi};
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::{PgMemoryContexts, pg_sys};
use quantize::room;

use crate::errors::OrRaise;

/// The call that a function was made with. A function that wants it declares one argument of this type, which SQL does not see.
///
/// There is one for each call, and it cannot be copied: whoever takes it may keep a value at the call site, once.
pub struct Call<'fcx> {
    info: pg_sys::FunctionCallInfo,
    lives: PhantomData<&'fcx mut pg_sys::FunctionCallInfoBaseData>,
}

// SAFETY: takes no argument; the pointer is that of the call, which lives as long as `'fcx`.
unsafe impl<'fcx> ArgAbi<'fcx> for Call<'fcx> {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        Self {
            // SAFETY: the call's own pointer can be had of every argument.
            info: unsafe { arg.unbox_unchecked() },
            lives: PhantomData,
        }
    }

    fn is_virtual_arg() -> bool {
        true
    }
}

// SAFETY: left out of the SQL signature.
unsafe impl SqlTranslatable for Call<'_> {
    const TYPE_IDENT: &'static str = "pg_quantize::Call";
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::Skip);
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> = Ok(ReturnsRef::One(SqlMappingRef::Skip));
}

/// What `fn_extra` of our functions points to.
struct Kept(Box<dyn Any>);

/// A value kept at a call site.
struct Entry<T> {
    argument: usize,
    is_constant: bool,
    key: Vec<u8>,
    value: T,
}

impl<T> Entry<T> {
    /// Whether the value is the one made from `argument`, whose bytes are `key` now.
    fn is_of(&self, argument: usize, key: &[u8]) -> bool {
        self.argument == argument && (self.is_constant || self.key == key)
    }
}

impl<'fcx> Call<'fcx> {
    fn call_site(&self) -> *mut pg_sys::FmgrInfo {
        // SAFETY: `info` points to the call, by the contract of `ArgAbi`.
        unsafe { (*self.info).flinfo }
    }

    /// The value prepared from argument `argument` (counted from 0), whose bytes are `key`: kept from the last call at
    /// this place, or made now. `prepare` must not call the function itself.
    pub fn cached<T: 'static>(
        self,
        argument: usize,
        key: &[u8],
        prepare: impl FnOnce() -> T,
    ) -> &'fcx T {
        let is_constant = |call: &Self| call.is_constant(argument);
        let kept = self.kept();
        let entry = kept.and_then(|kept| kept.0.downcast_mut::<Entry<T>>());
        if let Some(entry) = entry {
            if !entry.is_of(argument, key) {
                entry.value = prepare();
                entry.argument = argument;
                entry.is_constant = is_constant(&self);
                entry.key.clear();
                room::reserve(&mut entry.key, key.len()).or_raise();
                entry.key.extend_from_slice(key);
            }
            return &entry.value;
        }
        let entry = Entry {
            argument,
            is_constant: is_constant(&self),
            // Checked first, which refuses most arguments that are too long to be kept.
            value: prepare(),
            key: room::copy(key).or_raise(),
        };
        let kept = self.keep(Kept(Box::new(entry)));
        let entry = kept.0.downcast_ref::<Entry<T>>();
        &entry.expect("just kept").value
    }

    /// What an earlier call at this place has kept.
    fn kept(&self) -> Option<&'fcx mut Kept> {
        // SAFETY: `flinfo` is null only for direct calls from C, which our functions do not get; it outlives the call.
        // `fn_extra` belongs to the function called: it is null or what `keep` put there, which lives in `fn_mcxt`, the
        // context of the call site. Only `cached` asks, once a call since it takes the call, and nothing that it runs
        // meanwhile comes back to this call site; so there is no other reference.
        unsafe { (*self.call_site()).fn_extra.cast::<Kept>().as_mut() }
    }

    /// Keeps `kept` at this place, in the stead of what may be there.
    fn keep(&self, kept: Kept) -> &'fcx Kept {
        // SAFETY: as in `kept`. The context is valid, and drops the value when it goes, with the call site.
        unsafe {
            let call_site = self.call_site();
            let kept = PgMemoryContexts::For((*call_site).fn_mcxt).leak_and_drop_on_delete(kept);
            (*call_site).fn_extra = kept.cast();
            &*kept
        }
    }

    /// Whether an argument is a constant of the plan.
    ///
    /// Not `get_fn_expr_arg_stable`: that also says yes to parameters, which change between evaluations of one simple
    /// expression in PL/pgSQL.
    pub fn is_constant(&self, argument: usize) -> bool {
        // SAFETY: `flinfo` as in `kept`. `fn_expr` is null or the expression that the planner made of this call; nodes begin
        // with their tag, which says what they are, and all operators share the layout of `OpExpr`.
        unsafe {
            let expression = (*self.call_site()).fn_expr;
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

    /// The kind of node that the function is called by, if it is called by one.
    #[inline]
    pub(super) fn context(&self) -> Option<pg_sys::NodeTag> {
        // SAFETY: `info` points to the call, by the contract of `ArgAbi`; its context is null or a node, and nodes begin with
        // their tag.
        unsafe { (*self.info).context.as_ref() }.map(|context| context.type_)
    }
}
