//! Refine records: one per row, the heap row identifier and everything needed for a certain bound on its distance.
//!
//! A refine page is a header and equal slots:
//!
//! | offset | width | field |
//! |---|---|---|
//! | 0 | 6 | heap row identifier |
//! | 6 | 1 | state: 0 free, 1 live, 2 dead (row is gone, entries may still point here) |
//! | 7 | 1 | flags: 1 = the norm is so large or small that no bound is certain |
//! | 8 | 4 | `f32` scale: what a code step is worth |
//! | 12 | 4 | `f32` upper bound on the norm of the coding error |
//! | 16 | 4 | `u32` sum of the squared codes |
//! | 20 | d or ⌈d/8⌉, padded to a multiple of 4 | codes (`i8`, `u8`) or bits (first in the highest bit) |

use super::*;

/// Bytes before the codes.
pub const FIXED: usize = 20;

/// No record here.
pub const FREE: u8 = 0;
/// A row.
pub const LIVE: u8 = 1;
/// A vacuumed row whose list entries are not yet known to be gone.
pub const DEAD: u8 = 2;

/// The flag of rows without a certain bound.
const UNBOUNDED: u8 = 1;

/// The slots for `payload` bytes of code.
pub fn slots(payload: usize) -> Slots {
    Slots::new((FIXED + payload).next_multiple_of(4))
}

/// The heap row identifier.
pub fn tid(record: &[u8]) -> Tid {
    let mut tid = [0; 6];
    tid.copy_from_slice(&record[..6]);
    tid
}

/// Sets the heap row identifier.
pub fn set_tid(record: &mut [u8], tid: Tid) {
    record[..6].copy_from_slice(&tid);
}

/// The codes or bits.
#[inline]
pub fn codes(record: &[u8]) -> &[u8] {
    &record[FIXED..]
}

/// The codes or bits, for change.
pub fn codes_mut(record: &mut [u8]) -> &mut [u8] {
    &mut record[FIXED..]
}

/// What a code step is worth.
#[inline]
pub fn scale(record: &[u8]) -> f32 {
    get_f32(record, 8)
}

/// Sets what a code step is worth.
pub fn set_scale(record: &mut [u8], scale: f32) {
    put_f32(record, 8, scale);
}

/// The upper bound on the norm of the coding error.
#[inline]
pub fn error(record: &[u8]) -> f32 {
    get_f32(record, 12)
}

/// Sets the upper bound on the norm of the coding error.
pub fn set_error(record: &mut [u8], error: f32) {
    put_f32(record, 12, error);
}

/// The sum of the squared codes.
#[inline]
pub fn sum_squares(record: &[u8]) -> u32 {
    get_u32(record, 16)
}

/// Sets the sum of the squared codes.
pub fn set_sum_squares(record: &mut [u8], sum: u32) {
    put_u32(record, 16, sum);
}

/// Whether no bound on the row's distance is certain.
#[inline]
pub fn is_unbounded(record: &[u8]) -> bool {
    record[7] & UNBOUNDED != 0
}

/// Notes that no bound is certain.
pub fn set_unbounded(record: &mut [u8]) {
    record[7] |= UNBOUNDED;
}

/// The state byte.
pub fn state(record: &[u8]) -> u8 {
    record[6]
}

/// Sets the state byte.
pub fn set_state(record: &mut [u8], state: u8) {
    record[6] = state;
}
