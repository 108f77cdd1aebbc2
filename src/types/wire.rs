//! The message buffer that a receive function reads.

use pgrx::callconv::{Arg, ArgAbi};
use pgrx::pg_sys;

/// What a client sent for one value.
pub struct Message<'a> {
    buffer: &'a mut pg_sys::StringInfoData,
}

impl<'a> Message<'a> {
    /// All bytes that are left, which then count as read.
    pub fn read_all(self) -> &'a [u8] {
        let buffer = self.buffer;
        let (start, end) = (buffer.cursor as usize, buffer.len as usize);
        buffer.cursor = buffer.len;
        // SAFETY: a StringInfo holds `len` bytes, and its cursor is never beyond them.
        unsafe { std::slice::from_raw_parts(buffer.data.cast::<u8>().add(start), end - start) }
    }
}

// SAFETY: SQL declares the argument of a receive function as `internal`, which is a StringInfo.
unsafe impl<'fcx> ArgAbi<'fcx> for Message<'fcx> {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: as above; only Postgres can pass an `internal`, and it is not null here.
        unsafe {
            let datum: pg_sys::Datum = arg.unbox_arg_using_from_datum().expect("not null");
            Self {
                buffer: &mut *datum.cast_mut_ptr(),
            }
        }
    }
}

sql_type!([] Message<'_>, "internal");
