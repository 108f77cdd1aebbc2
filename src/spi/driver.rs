//! Running a function step by step, so that an error of the caller's own expressions arrives whole.
//!
//! pgrx turns an error that Postgres raises below a Rust frame into a panic and reports it anew; on the way the position
//! in a filter, the statement, the context and the names of constraints are lost. So the caller's statements are analysed
//! and run from frames that hold nothing to drop, by the bare functions of Postgres, whose errors pass by `longjmp` to
//! whoever called us. What a step decides, it decides in a guarded frame of its own.

use std::ffi::{CStr, c_char, c_int, c_void};

use pgrx::pg_sys::panic::pgrx_extern_c_guard as guarded;
use pgrx::{PgMemoryContexts, pg_sys};

use super::call::Call;
use super::placeholders::{Placeholders, declare};
use super::plan::{NewPlan, Plan, PlanText};

/// Postgres's functions without pgrx's guard.
mod bare {
    use super::{c_char, c_int, c_void, pg_sys};

    unsafe extern "C-unwind" {
        pub fn SPI_prepare_params(
            text: *const c_char,
            setup: pg_sys::ParserSetupHook,
            argument: *mut c_void,
            options: c_int,
        ) -> pg_sys::SPIPlanPtr;
        pub fn SPI_prepare_cursor(
            text: *const c_char,
            count: c_int,
            types: *mut pg_sys::Oid,
            options: c_int,
        ) -> pg_sys::SPIPlanPtr;
        pub fn SPI_execute_plan_extended(
            plan: pg_sys::SPIPlanPtr,
            options: *const pg_sys::SPIExecuteOptions,
        ) -> c_int;
    }
}

/// What is to be done next. Plain pointers, which the steps keep valid until the next step.
#[derive(Clone, Copy)]
pub enum Step {
    /// Analyse a statement whose parameters have the types that their places ask for.
    Analyse {
        text: *const c_char,
        placeholders: *mut Placeholders,
    },
    /// Prepare a statement with parameters of these types.
    Prepare {
        text: *const c_char,
        types: *mut pg_sys::Oid,
        count: c_int,
        options: c_int,
    },
    /// Run a prepared statement.
    Execute {
        plan: pg_sys::SPIPlanPtr,
        options: *const pg_sys::SPIExecuteOptions,
    },
    /// Nothing; the result is there.
    Done,
}

impl Step {
    /// Analysing a statement; both stay where they are until then.
    pub fn analyse(text: &CStr, placeholders: &mut Placeholders) -> Self {
        Self::Analyse {
            text: text.as_ptr(),
            placeholders,
        }
    }

    /// Preparing a statement, which stays where it is until then.
    pub fn prepare(text: &mut PlanText) -> Self {
        Self::Prepare {
            text: text.text.as_ptr(),
            types: text.types.as_mut_ptr(),
            count: text.types.len() as c_int,
            options: text.options as c_int,
        }
    }

    /// Running a plan, which is kept until then.
    pub fn execute(plan: &Plan, options: *const pg_sys::SPIExecuteOptions) -> Self {
        Self::Execute {
            plan: plan.pointer(),
            options,
        }
    }
}

/// A function that runs statements.
pub trait Steps: Sized {
    /// Looks at the arguments. SPI is connected; what is allocated lives until the function returns.
    fn begin(call: Call) -> Self;
    /// The next thing to be done.
    fn step(&mut self) -> Step;
    /// Takes the plan of the step before.
    fn prepared(&mut self, plan: NewPlan);
    /// The result, null where there is none; made in the memory of the caller.
    fn finish(&mut self) -> Option<pg_sys::Datum>;
}

/// Runs a function of this kind.
///
/// # Safety
/// Called by Postgres's function manager with this call, from a frame that has nothing to drop.
pub unsafe fn run<S: Steps>(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: neither this frame nor the caller's holds anything to drop. `steps` lives in SPI's memory of this call,
    // which lasts until SPI_finish or the abort that an error leads to.
    unsafe {
        let caller = pg_sys::CurrentMemoryContext;
        let steps: *mut S = guarded(|| {
            pg_sys::SPI_connect();
            let steps = S::begin(Call::new(fcinfo));
            PgMemoryContexts::CurrentMemoryContext.leak_and_drop_on_delete(steps)
        });
        loop {
            match guarded(|| (*steps).step()) {
                Step::Analyse { text, placeholders } => {
                    let plan =
                        bare::SPI_prepare_params(text, Some(declare), placeholders.cast(), 0);
                    guarded(|| (*steps).prepared(NewPlan(plan)));
                }
                Step::Prepare {
                    text,
                    types,
                    count,
                    options,
                } => {
                    let plan = bare::SPI_prepare_cursor(text, count, types, options);
                    guarded(|| (*steps).prepared(NewPlan(plan)));
                }
                Step::Execute { plan, options } => {
                    bare::SPI_execute_plan_extended(plan, options);
                }
                Step::Done => break,
            }
        }
        let result = guarded(|| {
            let own = pg_sys::MemoryContextSwitchTo(caller);
            let result = (*steps).finish();
            pg_sys::MemoryContextSwitchTo(own);
            pg_sys::SPI_finish();
            result
        });
        (*fcinfo).isnull = result.is_none();
        result.unwrap_or(pg_sys::Datum::null())
    }
}
