//! Plans that a session keeps.

use std::cell::RefCell;
use std::ffi::CString;

use pgrx::pg_sys;

thread_local! {
    /// Plans that nobody needs any more. They are freed when the next one is made, at a moment when no error is under way
    /// and none of them runs.
    static DISCARDED: RefCell<Vec<pg_sys::SPIPlanPtr>> = const { RefCell::new(Vec::new()) };
}

/// A plan that has just been made. SPI frees it with the call unless it is kept.
#[derive(Clone, Copy)]
pub struct NewPlan(pub(super) pg_sys::SPIPlanPtr);

/// A plan that is kept until this is dropped.
pub struct Plan(pg_sys::SPIPlanPtr);

impl Plan {
    /// Keeps a plan, once.
    pub fn keep(NewPlan(plan): NewPlan) -> Self {
        let discarded = DISCARDED.with_borrow_mut(std::mem::take);
        // SAFETY: each was kept, discarded once, and runs no more: a run holds its plan. The new one has just been made.
        unsafe {
            for plan in discarded {
                pg_sys::SPI_freeplan(plan);
            }
            pg_sys::SPI_keepplan(plan);
        }
        Self(plan)
    }

    /// For SPI.
    pub(super) fn pointer(&self) -> pg_sys::SPIPlanPtr {
        self.0
    }
}

impl Drop for Plan {
    fn drop(&mut self) {
        // A thread that ends has no sessions any more.
        let _ = DISCARDED.try_with(|discarded| discarded.borrow_mut().push(self.0));
    }
}

/// A statement to prepare, with the types of its parameters.
pub struct PlanText {
    pub(super) text: CString,
    pub(super) types: Vec<pg_sys::Oid>,
    pub(super) options: u32,
}

impl PlanText {
    /// `is_generic`: whether one plan serves every value; otherwise one is made for each call.
    pub fn new(text: CString, types: Vec<pg_sys::Oid>, is_generic: Option<bool>) -> Self {
        let choice = match is_generic {
            Some(true) => pg_sys::CURSOR_OPT_GENERIC_PLAN,
            Some(false) => pg_sys::CURSOR_OPT_CUSTOM_PLAN,
            None => 0,
        };
        Self {
            text,
            types,
            options: choice | pg_sys::CURSOR_OPT_PARALLEL_OK,
        }
    }
}
