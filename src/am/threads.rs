//! Threads in a backend: they get no signal, and they are gone before the process is.

use std::sync::{Arc, Mutex, Once, PoisonError, Weak};

use pgrx::pg_sys;
use qivf::Stop;

use crate::allocation;

/// What stops the threads started last; none when they are joined.
static CURRENT: Mutex<Weak<Stop>> = Mutex::new(Weak::new());
static REGISTERED: Once = Once::new();

/// Calls `spawn` with all signals blocked. Threads inherit the mask: Postgres's signals go on arriving in the calling thread
/// only.
///
/// An ERROR unwinds, and the threads are joined on the way. FATAL does not: it calls `proc_exit`, which would take the
/// shared memory, and at last the code, away from under them. So they are stopped first.
pub fn start(stop: &Arc<Stop>, spawn: &mut dyn FnMut()) {
    // SAFETY: called once, in the backend's Postgres thread. It runs before all that was registered earlier.
    REGISTERED.call_once(|| unsafe {
        pg_sys::before_shmem_exit(Some(stop_and_wait), pg_sys::Datum::from(0));
    });
    *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(stop);
    let _blocked = BlockedSignals::new();
    spawn();
}

/// Ends the session if a thread could not get memory: it waits for that, and would be waited for.
pub fn check() {
    if allocation::stranded() > 0 {
        allocation::end_session();
    }
}

/// Nothing here may raise an error.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn stop_and_wait(_code: std::ffi::c_int, _argument: pg_sys::Datum) {
    let current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(stop) = current.upgrade() {
        stop.raise();
        stop.wait(allocation::stranded);
    }
}

/// All signals blocked in this thread, until it is dropped: also when starting threads fails.
struct BlockedSignals(libc::sigset_t);

impl BlockedSignals {
    fn new() -> Self {
        // SAFETY: plain system calls on local sets, which they initialise.
        unsafe {
            let mut all = std::mem::zeroed::<libc::sigset_t>();
            let mut before = std::mem::zeroed::<libc::sigset_t>();
            libc::sigfillset(&mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
            Self(before)
        }
    }
}

impl Drop for BlockedSignals {
    fn drop(&mut self) {
        // SAFETY: the mask that was in force before.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &self.0, std::ptr::null_mut());
        }
    }
}
