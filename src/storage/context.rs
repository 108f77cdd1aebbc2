//! Where Postgres objects live that outlast the callback in which they are made, and where rubbish of one row goes.
//!
//! Postgres allocates in the memory context that is current, and ties files to the resource owner that is current. In a
//! callback both may be those of one row, so what is held longer is made in an [`OwnContext`].

use std::ffi::CStr;

use pgrx::pg_sys;

/// A memory context of its own, below the one current when it was made, and the resource owner of that moment.
///
/// It goes when this value is dropped; after an error, with the context above it.
pub struct OwnContext {
    context: pg_sys::MemoryContext,
    owner: pg_sys::ResourceOwner,
}

impl OwnContext {
    /// An empty context.
    pub fn new(name: &'static CStr) -> Self {
        // SAFETY: called in the backend's Postgres thread, where both variables are valid; the name is static, as Postgres
        // asks.
        unsafe {
            Self {
                context: pg_sys::AllocSetContextCreateExtended(
                    pg_sys::CurrentMemoryContext,
                    name.as_ptr(),
                    pg_sys::ALLOCSET_DEFAULT_MINSIZE as usize,
                    pg_sys::ALLOCSET_DEFAULT_INITSIZE as usize,
                    pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
                ),
                owner: pg_sys::CurrentResourceOwner,
            }
        }
    }

    /// Calls `f` with this context and its resource owner current. What was current before is so again afterwards, also
    /// after an error.
    pub fn within<R>(&self, f: impl FnOnce() -> R) -> R {
        // SAFETY: the context lives as long as this value, and the resource owner is one that was current when it was made,
        // in a frame that is still on the stack.
        let _before = unsafe { Before::switch_to(self.context, self.owner) };
        f()
    }

    /// Frees all that was allocated in it.
    pub fn reset(&mut self) {
        // SAFETY: nobody keeps anything allocated in it: that is what the caller asks for.
        unsafe { pg_sys::MemoryContextReset(self.context) }
    }
}

impl Drop for OwnContext {
    fn drop(&mut self) {
        // While a panic unwinds, the abort of the transaction frees the context above.
        if !std::thread::panicking() {
            // SAFETY: made by us, deleted once.
            unsafe { pg_sys::MemoryContextDelete(self.context) }
        }
    }
}

/// What was current before a switch; current again when this is dropped.
struct Before {
    context: pg_sys::MemoryContext,
    owner: pg_sys::ResourceOwner,
}

impl Before {
    /// # Safety
    /// Both outlive the result.
    unsafe fn switch_to(context: pg_sys::MemoryContext, owner: pg_sys::ResourceOwner) -> Self {
        // SAFETY: plain variables of Postgres, used by its one thread.
        unsafe {
            let before = Self {
                context: pg_sys::MemoryContextSwitchTo(context),
                owner: pg_sys::CurrentResourceOwner,
            };
            pg_sys::CurrentResourceOwner = owner;
            before
        }
    }
}

impl Drop for Before {
    fn drop(&mut self) {
        // SAFETY: as above; while a panic unwinds, both still exist, since the abort comes after.
        unsafe {
            pg_sys::MemoryContextSwitchTo(self.context);
            pg_sys::CurrentResourceOwner = self.owner;
        }
    }
}
