//! Rows without a code (NULL, and under cosine the zero vector): one chain of pages, handed out last.
//!
//! Behind the header, 8 bytes an entry: heap row identifier (6), state (1: 0 free, 1 zero vector, 2 NULL), reserved (1).

use super::*;

/// No entry.
pub const FREE: u8 = 0;
/// A row whose vector has norm 0, under a metric where that has no distance.
pub const ZERO: u8 = 1;
/// A row whose value is NULL.
pub const NULL: u8 = 2;

/// The slots of a tids page.
pub fn slots() -> Slots {
    Slots::new(8)
}

/// An empty page.
pub fn empty() -> Vec<u8> {
    header(PageKind::Tids).to_vec()
}

/// The entry of `tid`.
pub fn entry(tid: Tid, state: u8) -> [u8; 8] {
    let mut entry = [0; 8];
    entry[..6].copy_from_slice(&tid);
    entry[6] = state;
    entry
}

/// The heap row identifier of an entry.
pub fn tid(entry: &[u8]) -> Tid {
    refine::tid(entry)
}

/// The state of an entry.
pub fn state(entry: &[u8]) -> u8 {
    entry[6]
}
