//! Plans that a session keeps.

use std::cell::RefCell;
use std::ffi::CString;

use pgrx::pg_sys;

use super::driver::{NewPlan, Step};

thread_local! {
    /// Plans that nobody needs any more. They are freed when the next one is made, at a moment when no error is under way
    /// and none of them runs.
    static DISCARDED: RefCell<Vec<pg_sys::SPIPlanPtr>> = const { RefCell::new(Vec::new()) };
}

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

    /// Running it.
    pub fn execute(&self, options: *const pg_sys::SPIExecuteOptions) -> Step {
        Step::Execute {
            plan: self.0,
            options,
        }
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
    text: CString,
    types: Vec<pg_sys::Oid>,
    options: u32,
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

    /// Preparing it.
    pub fn prepare(&mut self) -> Step {
        Step::Prepare {
            text: self.text.as_ptr(),
            types: self.types.as_mut_ptr(),
            count: self.types.len() as i32,
            options: self.options as i32,
        }
    }
}
