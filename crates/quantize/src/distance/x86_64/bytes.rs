//! Signed codes as bytes.
#![allow(unsafe_code)]

/// The bytes of signed codes.
#[inline]
pub(super) fn as_bytes(codes: &[i8]) -> &[u8] {
    // SAFETY: same size, alignment and lifetime, and every byte is a valid u8.
    unsafe { std::slice::from_raw_parts(codes.as_ptr().cast(), codes.len()) }
}
