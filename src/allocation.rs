//! What becomes of an allocation that fails.
//!
//! Postgres raises an error; Rust aborts the process, and the postmaster then ends every session of the cluster. So what a
//! caller, a page or a table sizes is asked for by [`quantize::room`], and a refusal is an error like any other. This is
//! the last resort for all else: the session ends, and it alone.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ffi::{c_char, c_int};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pgrx::PgSqlErrorCode;

// Without the guards that pgrx puts around what may raise an ERROR: FATAL does not come back.
unsafe extern "C" {
    fn errstart(level: c_int, domain: *const c_char) -> bool;
    fn errcode(code: c_int) -> c_int;
    fn errmsg_internal(format: *const c_char, ...) -> c_int;
    fn errfinish(file: *const c_char, line: c_int, function: *const c_char);
}

/// The system's allocator, with an end of the session where memory fails.
struct Allocator;

// A test program has no server behind it.
#[cfg_attr(not(test), global_allocator)]
#[cfg_attr(test, allow(dead_code))]
static ALLOCATOR: Allocator = Allocator;

thread_local! {
    /// Whether this is the thread of Postgres. Set up without an allocation.
    static IS_POSTGRES: Cell<bool> = const { Cell::new(false) };
}

/// Worker threads that got no memory, and wait for the process to end.
static STRANDED: AtomicUsize = AtomicUsize::new(0);

/// Called when the library is loaded, in the thread of Postgres.
pub fn register() {
    IS_POSTGRES.set(true);
}

/// How many worker threads got no memory; they do nothing any more, nor do they end.
pub fn stranded() -> usize {
    STRANDED.load(Ordering::Acquire)
}

/// Ends the session.
pub fn end_session() {
    // SAFETY: called in the thread of Postgres. FATAL does not return: it ends the process in the proper way, without
    // unwinding what lies below, and needs no memory but what Postgres keeps for errors.
    unsafe {
        if errstart(pgrx::pg_sys::FATAL as c_int, std::ptr::null()) {
            errcode(PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY as c_int);
            errmsg_internal(c"out of memory".as_ptr());
            errfinish(c"allocation.rs".as_ptr(), 0, c"end_session".as_ptr());
        }
    }
}

/// Called when the system has no memory. Returns if someone asked who takes no for an answer.
#[cold]
fn out_of_memory() {
    if quantize::room::is_asking() {
        return;
    }
    if IS_POSTGRES.get() {
        end_session();
        return;
    }
    // Only the thread of Postgres can end the session; it looks at this while it waits for us.
    STRANDED.fetch_add(1, Ordering::Release);
    loop {
        std::thread::sleep(Duration::from_secs(1));
    }
}

#[inline]
fn checked(memory: *mut u8) -> *mut u8 {
    if memory.is_null() {
        out_of_memory();
    }
    memory
}

// SAFETY: the system's allocator does the work; nothing unwinds, since FATAL and waiting do not return.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller says.
        checked(unsafe { System.alloc(layout) })
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller says.
        checked(unsafe { System.alloc_zeroed(layout) })
    }
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as the caller says.
        unsafe { System.dealloc(memory, layout) }
    }
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as the caller says.
        checked(unsafe { System.realloc(memory, layout, size) })
    }
}
