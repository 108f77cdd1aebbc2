//! The bytes of every page. Little-endian; offsets count from the start of the payload.
//!
//! Every page but a new one (empty payload) opens with a 16-byte header:
//!
//! | offset | width | field |
//! |---|---|---|
//! | 0 | 1 | kind: 1 meta, 2 list, 3 refine, 4 node, 5 tids; never changes once set |
//! | 1 | 1 | layout version of the kind, 0 |
//! | 2 | 1 | list: 0 = entries of rows, 1 = entries of nodes; else 0 |
//! | 3 | 1 | reserved, 0 |
//! | 4 | 4 | next block of the chain, 2³²−1 = none (list, tids) |
//! | 8 | 4 | on the first page of a chain: block where room is likely (a hint), 2³²−1 = here |
//! | 12 | 4 | on the first page of a leaf bucket: lists that have their entries here; else 0 |
//!
//! The kinds are described in [`meta`], [`group`] (list pages), [`refine`], [`node`] and [`tids`].
//!
//! How they hang together: the meta page (block 0) names the root *node* and the first tids page. A node is a
//! centroid with the place of its list. The list of the root, and of *inner nodes* between root and leaves, holds one
//! sign entry per child, pointing to node records, in a chain of list pages of its own; a leaf's list holds the sign
//! entries of its rows, pointing to refine records. Leaves' lists that lie close share a *bucket*, a chain of list pages
//! whose groups carry the list's tag. Refine pages hang in no chain;
//! vacuum finds them by kind.
//!
//! Spare list pages are chained from the meta page; they have no groups. How lists change is told in [`crate::grow`].
//!
//! Room for later: further key columns (the refine slot size is a field of the meta page).

pub mod group;
pub mod meta;
pub mod node;
pub mod refine;
pub mod tids;

use crate::error::{Error, Result};
use crate::store::{BlockNumber, CAPACITY, NO_BLOCK};

/// Bytes of the header that opens every page.
pub const HEADER: usize = 16;

/// Bytes of payload behind the header.
pub const BODY: usize = CAPACITY - HEADER;

/// What a page holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum PageKind {
    /// The meta page, block 0.
    Meta = 1,
    /// Sign entries.
    List = 2,
    /// Refine records.
    Refine = 3,
    /// Node records.
    Node = 4,
    /// Heap row identifiers without a code.
    Tids = 5,
}

/// The kind of a page; `None` for a page never written.
pub fn kind(block: BlockNumber, page: &[u8]) -> Result<Option<PageKind>> {
    let Some(&byte) = page.first() else {
        return Ok(None);
    };
    if page.len() < HEADER {
        return Err(Error::corrupt(block, "page is too short"));
    }
    Ok(Some(match byte {
        1 => PageKind::Meta,
        2 => PageKind::List,
        3 => PageKind::Refine,
        4 => PageKind::Node,
        5 => PageKind::Tids,
        _ => return Err(Error::corrupt(block, "unknown page kind")),
    }))
}

/// Checks that `page` is of the kind `expected`.
pub fn expect(block: BlockNumber, page: &[u8], expected: PageKind) -> Result<()> {
    match kind(block, page)? {
        Some(found) if found == expected => Ok(()),
        _ => Err(Error::corrupt(
            block,
            "page is of another kind than its pointer says",
        )),
    }
}

/// A fresh header.
pub fn header(kind: PageKind) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[0] = kind as u8;
    header[4..8].copy_from_slice(&NO_BLOCK.to_le_bytes());
    header[8..12].copy_from_slice(&NO_BLOCK.to_le_bytes());
    header
}

/// The next block of the chain.
pub fn next(page: &[u8]) -> BlockNumber {
    get_u32(page, 4)
}

/// Links `page` to `block`.
pub fn set_next(page: &mut [u8], block: BlockNumber) {
    put_u32(page, 4, block);
}

/// Where in the chain room is likely, on its first page.
pub fn room_hint(page: &[u8]) -> BlockNumber {
    get_u32(page, 8)
}

/// Sets the hint of the first page of a chain.
pub fn set_room_hint(page: &mut [u8], block: BlockNumber) {
    put_u32(page, 8, block);
}

/// How many lists have their entries in the bucket that this page opens.
pub fn owners(page: &[u8]) -> u32 {
    get_u32(page, 12)
}

/// Sets the number of lists of the bucket that this page opens.
pub fn set_owners(page: &mut [u8], owners: u32) {
    put_u32(page, 12, owners);
}

/// The place of a record: block and slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pointer {
    /// The block.
    pub block: BlockNumber,
    /// The slot on it, from 0.
    pub slot: u16,
}

impl Pointer {
    /// No record.
    pub const NONE: Self = Self {
        block: NO_BLOCK,
        slot: u16::MAX,
    };

    /// Whether this is [`Pointer::NONE`].
    pub fn is_none(self) -> bool {
        self.block == NO_BLOCK
    }
}

/// A heap row identifier, in Postgres's own six bytes (block high, block low, offset).
pub type Tid = [u8; 6];

#[inline(always)]
fn get<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

#[inline(always)]
fn get_u16(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(get(bytes, at))
}

#[inline(always)]
fn get_u32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(get(bytes, at))
}

#[inline(always)]
fn get_u64(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(get(bytes, at))
}

#[inline(always)]
fn get_f32(bytes: &[u8], at: usize) -> f32 {
    f32::from_bits(get_u32(bytes, at))
}

fn put_u16(bytes: &mut [u8], at: usize, v: u16) {
    bytes[at..at + 2].copy_from_slice(&v.to_le_bytes());
}

fn put_u32(bytes: &mut [u8], at: usize, v: u32) {
    bytes[at..at + 4].copy_from_slice(&v.to_le_bytes());
}

fn put_u64(bytes: &mut [u8], at: usize, v: u64) {
    bytes[at..at + 8].copy_from_slice(&v.to_le_bytes());
}

fn put_f32(bytes: &mut [u8], at: usize, v: f32) {
    put_u32(bytes, at, v.to_bits());
}

/// Fixed-size records behind the header of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slots {
    /// Bytes of a slot.
    pub size: usize,
    /// Slots on a page.
    pub per_page: usize,
}

impl Slots {
    /// Slots of `size` bytes.
    pub fn new(size: usize) -> Self {
        Self {
            size,
            per_page: BODY / size,
        }
    }

    /// How many slots `page` holds.
    pub fn count(self, page: &[u8]) -> usize {
        page.len().saturating_sub(HEADER) / self.size
    }

    /// Where the bytes of `slot` lie in a page's payload.
    pub fn place(self, slot: usize) -> std::ops::Range<usize> {
        HEADER + slot * self.size..HEADER + (slot + 1) * self.size
    }

    /// The bytes of `slot`, if the page has it.
    pub fn get(self, page: &[u8], slot: usize) -> Option<&[u8]> {
        page.get(self.place(slot))
    }

    /// All records on a page, with their slots.
    pub fn records<'a>(self, page: &'a [u8]) -> impl Iterator<Item = (u16, &'a [u8])> + use<'a> {
        let body = page.get(HEADER..).unwrap_or_default();
        (0..).zip(body.chunks_exact(self.size))
    }

    /// The bytes of `slot`, if the page has it.
    pub fn get_mut(self, page: &mut [u8], slot: usize) -> Option<&mut [u8]> {
        page.get_mut(self.place(slot))
    }
}
