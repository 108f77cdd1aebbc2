//! A condition in SQL as Postgres understands it: its parameters, whether it is one condition, whether it may write.

use std::cell::Cell;
use std::ffi::c_void;

use pgrx::{PgList, pg_sys};

use super::plan::NewPlan;
use crate::versions::setup_variable_parameters;

thread_local! {
    /// The analysis that is under way.
    static CURRENT: Cell<*mut Placeholders> = const { Cell::new(std::ptr::null_mut()) };
}

/// The parameters `$1`, `$2`, … that a statement uses.
pub struct Placeholders {
    /// Postgres's own list of types, in memory of the call; 0 is one that was not met.
    types: *mut pg_sys::Oid,
    count: i32,
    inner: pg_sys::ParseParamRefHook,
    /// Where each stands in the text, in bytes, and its number.
    found: Vec<(usize, usize)>,
}

/// What a statement of the form `SELECT FROM table WHERE (condition)` turned out to be.
pub enum Shape {
    /// That, and it calls functions that may write or differ from call to call, or it does not.
    Condition { volatile: bool },
    /// Something else: the condition closed the parenthesis.
    Other,
}

impl Placeholders {
    /// None met yet, of `expected`.
    pub fn new(expected: usize) -> Self {
        // SAFETY: at least one element, so that Postgres extends this array where it lies instead of making one that
        // would end with the analysis.
        let types = unsafe { pg_sys::palloc0(expected.max(1) * size_of::<pg_sys::Oid>()) };
        Self {
            types: types.cast(),
            count: expected as i32,
            inner: None,
            found: Vec::new(),
        }
    }

    /// The types of the first `count`; text where nothing tells.
    pub fn types(&self, count: usize) -> Vec<pg_sys::Oid> {
        (0..count.min(self.count as usize))
            // SAFETY: the array has `self.count` elements.
            .map(|i| match unsafe { *self.types.add(i) } {
                pg_sys::InvalidOid | pg_sys::UNKNOWNOID => pg_sys::TEXTOID,
                known => known,
            })
            .collect()
    }

    /// The highest number in use, 0 where there is none.
    pub fn highest(&self) -> usize {
        self.found
            .iter()
            .map(|&(_, number)| number)
            .max()
            .unwrap_or(0)
    }

    /// Where each stands in the text, in bytes, and its number; in order.
    pub fn found(&self) -> Vec<(usize, usize)> {
        let mut found = self.found.clone();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// What was analysed, a statement that begins as [`Shape`] says.
    pub fn shape_of(plan: NewPlan) -> Shape {
        // SAFETY: the plan has just been made; its sources hold the raw statement and the analysed query.
        unsafe {
            let sources = PgList::<pg_sys::CachedPlanSource>::from_pg(
                pg_sys::SPI_plan_get_plan_sources(plan.0),
            );
            let (1, Some(source)) = (sources.len(), sources.get_ptr(0)) else {
                return Shape::Other;
            };
            let raw = (*source).raw_parse_tree;
            let queries = PgList::<pg_sys::Query>::from_pg((*source).query_list);
            let (false, Some(query)) = (raw.is_null(), queries.get_ptr(0)) else {
                return Shape::Other;
            };
            let node = (*raw).stmt;
            if (*node).type_ != pg_sys::NodeTag::T_SelectStmt || !is_condition(&*node.cast()) {
                return Shape::Other;
            }
            // Functions in SQL that only read are seen through.
            let condition = pg_sys::copyObjectImpl((*(*query).jointree).quals.cast());
            let condition = pg_sys::eval_const_expressions(std::ptr::null_mut(), condition.cast());
            Shape::Condition {
                volatile: pg_sys::contain_volatile_functions(condition),
            }
        }
    }
}

/// Whether the statement has a condition and nothing behind it.
fn is_condition(select: &pg_sys::SelectStmt) -> bool {
    !select.whereClause.is_null()
        && select.groupClause.is_null()
        && select.havingClause.is_null()
        && select.windowClause.is_null()
        && select.sortClause.is_null()
        && select.limitOffset.is_null()
        && select.limitCount.is_null()
        && select.lockingClause.is_null()
        && select.op == pg_sys::SetOperation::SETOP_NONE
}

/// Tells the parser that parameters have the types that their places ask for.
///
/// # Safety
/// Called by the parser; `placeholders` is a [`Placeholders`] that outlives the analysis.
pub unsafe extern "C-unwind" fn declare(
    pstate: *mut pg_sys::ParseState,
    placeholders: *mut c_void,
) {
    // SAFETY: as above. Nothing here has anything to drop.
    unsafe {
        let placeholders: *mut Placeholders = placeholders.cast();
        setup_variable_parameters(
            pstate,
            &raw mut (*placeholders).types,
            &raw mut (*placeholders).count,
        );
        (*placeholders).inner = (*pstate).p_paramref_hook;
        (*pstate).p_paramref_hook = Some(note);
        CURRENT.set(placeholders);
    }
}

/// Notes a parameter and leaves the rest to Postgres.
unsafe extern "C-unwind" fn note(
    pstate: *mut pg_sys::ParseState,
    reference: *mut pg_sys::ParamRef,
) -> *mut pg_sys::Node {
    let placeholders = CURRENT.get();
    // SAFETY: `declare` set it for this analysis; the vector is touched in an inner scope, so that nothing is to be
    // dropped when Postgres raises an error.
    unsafe {
        let location = (*reference).location.max(0) as usize;
        (*placeholders)
            .found
            .push((location, (*reference).number.max(0) as usize));
        match (*placeholders).inner {
            Some(inner) => inner(pstate, reference),
            None => std::ptr::null_mut(),
        }
    }
}
