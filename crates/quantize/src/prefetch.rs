//! Asking for memory before it is needed.
#![allow(unsafe_code)]

/// Bytes that come from memory at once.
#[cfg(target_arch = "x86_64")]
const LINE: usize = 64;

/// Starts fetching `bytes` into the nearest cache. A hint: nothing waits for it, and where there is no such instruction
/// nothing happens.
#[inline]
pub fn prefetch(bytes: &[u8]) {
    prefetch_at(bytes.as_ptr(), bytes.len());
}

/// [`prefetch`] for memory that may not be looked at yet. Any address will do: nothing is read.
#[inline]
pub fn prefetch_at(start: *const u8, len: usize) {
    #[cfg(target_arch = "x86_64")]
    for at in (0..len).step_by(LINE) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: prefetching has no effect that a program could see, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(at).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (start, len);
}
