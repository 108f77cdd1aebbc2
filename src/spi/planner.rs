//! What the planner asks about a function that returns a set.

use pgrx::pg_sys;

/// A call in a query that is being planned.
pub struct Expectation(*mut pg_sys::SupportRequestRows);

impl Expectation {
    /// The type of the argument at this place.
    pub fn type_of(&self, argument: usize) -> Option<pg_sys::Oid> {
        // SAFETY: an expression of the query.
        self.argument(argument)
            .map(|node| unsafe { pg_sys::exprType(node) })
    }

    /// The argument at this place as far as it is a constant, not null.
    pub fn constant(&self, argument: usize) -> Option<pg_sys::Datum> {
        let node = self.argument(argument)?;
        // SAFETY: the tag says what the node is.
        unsafe {
            if (*node).type_ != pg_sys::NodeTag::T_Const {
                return None;
            }
            let constant: *mut pg_sys::Const = node.cast();
            (!(*constant).constisnull).then_some((*constant).constvalue)
        }
    }

    fn argument(&self, argument: usize) -> Option<*mut pg_sys::Node> {
        // SAFETY: the request is about a function call of the query, or about an operator.
        unsafe {
            let node = (*self.0).node;
            if node.is_null() || (*node).type_ != pg_sys::NodeTag::T_FuncExpr {
                return None;
            }
            let arguments = (*node.cast::<pg_sys::FuncExpr>()).args;
            if arguments.is_null() || (*arguments).length as usize <= argument {
                return None;
            }
            Some(pg_sys::list_nth(arguments, argument as i32).cast())
        }
    }
}

/// Answers how many rows a call returns, when that is what is asked.
///
/// # Safety
/// `request` is what the planner passes to a support function.
pub unsafe fn answer(
    request: *mut pg_sys::Node,
    rows: impl FnOnce(&Expectation) -> Option<f64>,
) -> *mut pg_sys::Node {
    // SAFETY: the tag says what the request is.
    unsafe {
        if (*request).type_ != pg_sys::NodeTag::T_SupportRequestRows {
            return std::ptr::null_mut();
        }
        let request: *mut pg_sys::SupportRequestRows = request.cast();
        match rows(&Expectation(request)) {
            Some(rows) => {
                (*request).rows = rows;
                request.cast()
            }
            None => std::ptr::null_mut(),
        }
    }
}
