//! Which shared buffer held a block when this backend read it last: enough to fetch a page's memory ahead of time.
//!
//! Only ever a hint. The buffer may hold another page by now, so nothing is read through it: the memory is asked for,
//! and the page is then read by its block number as always.

use pgrx::pg_sys;
use std::cell::{Cell, OnceCell};
use std::ops::Range;

/// Blocks remembered, of all indexes together; a power of two.
const PLACES: usize = 1 << 14;

thread_local! {
    static BUFFERS: OnceCell<Box<[Cell<pg_sys::Buffer>]>> = const { OnceCell::new() };
}

/// Calls `f` with the place of a block.
fn with_place<R>(
    index: pg_sys::Oid,
    block: pg_sys::BlockNumber,
    f: impl FnOnce(&Cell<pg_sys::Buffer>) -> R,
) -> R {
    let place = block.wrapping_add(index.to_u32().wrapping_mul(0x9e37_79b1)) as usize;
    BUFFERS.with(|buffers| {
        let buffers = buffers.get_or_init(|| vec![Cell::new(0); PLACES].into_boxed_slice());
        f(&buffers[place % PLACES])
    })
}

/// Remembers that `buffer` holds `block`.
pub(super) fn note(index: pg_sys::Oid, block: pg_sys::BlockNumber, buffer: pg_sys::Buffer) {
    // Buffers of temporary tables have negative numbers, and are few.
    if buffer > 0 {
        with_place(index, block, |place| place.set(buffer));
    }
}

/// Asks for `bytes` of the page that the buffer of `block` holds.
pub(super) fn prefetch(index: pg_sys::Oid, block: pg_sys::BlockNumber, bytes: Range<usize>) {
    let buffer = with_place(index, block, Cell::get);
    if buffer > 0 && bytes.end <= pg_sys::BLCKSZ as usize {
        // SAFETY: the number of a buffer that existed, and buffers stay where they are for the life of the server; the
        // bytes are not read.
        let page = unsafe { pg_sys::BufferGetPage(buffer) }.cast::<u8>();
        quantize::prefetch_at(page.wrapping_add(bytes.start), bytes.len());
    }
}
