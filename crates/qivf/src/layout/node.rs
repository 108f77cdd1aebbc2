//! Node records: a centroid and the place of its list. They never move and are never removed; a split gives a leaf another
//! centroid and list, and a *successor* that holds the rest of what it held.
//!
//! | offset | width | field |
//! |---|---|---|
//! | 0 | 4 | first block of the bucket that holds the list, 2³²−1 = no entry yet |
//! | 4 | 1 | tag of the list's groups in that bucket |
//! | 5 | 1 | level: 0 (leaf) = entries point to refine records, 1 = to leaves, 2 (root of a large index) = to nodes of level 1 |
//! | 6 | 2 | group of the bucket's first page with which the list began when built: a hint where to look first |
//! | 8 | 4 | epoch: the version of the lists ([`meta`]) that gave the node its centroid and list, 0 when built |
//! | 12 | 4 + 2 | successor: the node that the last split made beside this one, none when built |
//! | 18 | 2 | eighths of the entries at which the list could not be split, 0 = was not tried |
//! | 20 | 4 | `f32` root-mean-square distance of the entries to the centroid when built |
//! | 24 | 4 | `f32` upper bound on that distance; only grows |
//! | 28 | 4 | `f32` scale of the codes |
//! | 32 | 4 | `u32` sum of the squared codes |
//! | 36 | 4 | `u32` entries when built |
//! | 40 | d or 8⌈d/64⌉ | the centroid: `i8` codes, or signs in words (first in the lowest bit) where codes do not fit |
//!
//! The decoded record *is* the centroid: residuals are taken to it, so it has no error of its own.

use super::*;
use quantize::row_code;

/// The highest level.
pub const MAX_LEVEL: u8 = 2;

/// Bytes before the codes.
pub const FIXED: usize = 40;

/// How a centroid's components are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// One byte a component.
    Int8,
    /// One bit a component (more than about 8,000 dimensions).
    Sign,
}

/// The layout of node records for one dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Dimension.
    pub dim: usize,
    /// How components are kept.
    pub coding: Coding,
    /// The slots.
    pub slots: Slots,
}

impl Layout {
    /// The layout for `dim` dimensions.
    pub fn new(dim: usize) -> Self {
        let (coding, payload) = if FIXED + dim <= BODY {
            (Coding::Int8, dim)
        } else {
            (Coding::Sign, dim.div_ceil(64) * 8)
        };
        Self {
            dim,
            coding,
            slots: Slots::new((FIXED + payload).next_multiple_of(4)),
        }
    }

    /// Encodes `centroid` into a fresh record.
    pub fn encode(&self, centroid: &[f32], record: &mut [u8]) {
        record.fill(0);
        put_u32(record, 0, NO_BLOCK);
        put_u32(record, 12, NO_BLOCK);
        put_u16(record, 16, u16::MAX);
        let (scale, sum_squares) = match self.coding {
            Coding::Int8 => {
                let wide: Vec<f64> = centroid.iter().map(|&x| f64::from(x)).collect();
                let mut codes = vec![0i8; self.dim];
                let row = row_code::encode(&wide, &mut codes);
                for (byte, code) in record[FIXED..].iter_mut().zip(codes) {
                    *byte = code as u8;
                }
                (row.scale, row.sum_squares)
            }
            Coding::Sign => {
                let sum: f64 = centroid.iter().map(|&x| f64::from(x.abs())).sum();
                for (i, x) in centroid.iter().enumerate() {
                    record[FIXED + i / 8] |= u8::from(*x >= 0.0) << (i % 8);
                }
                ((sum / self.dim as f64) as f32, self.dim as u32)
            }
        };
        put_f32(record, 28, scale);
        put_u32(record, 32, sum_squares);
    }

    /// The centroid.
    pub fn decode(&self, record: &[u8], out: &mut [f32]) {
        let scale = get_f32(record, 28);
        match self.coding {
            Coding::Int8 => {
                for (x, &byte) in out.iter_mut().zip(&record[FIXED..]) {
                    *x = scale * f32::from(byte as i8);
                }
            }
            Coding::Sign => {
                for (i, x) in out.iter_mut().enumerate() {
                    let set = record[FIXED + i / 8] >> (i % 8) & 1 == 1;
                    *x = if set { scale } else { -scale };
                }
            }
        }
    }

    /// ⟨q, centroid⟩.
    pub fn dot(&self, q: &[f32], record: &[u8]) -> f32 {
        let scale = get_f32(record, 28);
        match self.coding {
            Coding::Int8 => scale * row_code::dot(q, &record[FIXED..FIXED + self.dim]),
            Coding::Sign => {
                let signed = q.iter().enumerate().map(|(i, x)| {
                    let set = record[FIXED + i / 8] >> (i % 8) & 1 == 1;
                    if set { *x } else { -x }
                });
                scale * signed.sum::<f32>()
            }
        }
    }
}

/// The fixed fields of a node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Node {
    /// First block of the bucket, or [`NO_BLOCK`].
    pub head: BlockNumber,
    /// Tag of the list's groups.
    pub tag: u8,
    /// Where on the bucket's first page the list began when built: a hint.
    pub first_group: u16,
    /// 0 for a leaf, one more than that of its children otherwise.
    pub level: u8,
    /// Root-mean-square distance of the entries when built.
    pub radius: f32,
    /// Upper bound on the distance of any entry.
    pub max_radius: f32,
    /// ‖centroid‖².
    pub norm_squared: f32,
    /// Entries when built.
    pub built: u32,
    /// The version of the lists that gave the node its centroid and list.
    pub epoch: u32,
    /// What the last split made beside this node, or [`Pointer::NONE`].
    pub successor: Pointer,
    /// Eighths of the entries at which the list could not be split.
    pub stuck: u16,
}

impl Default for Node {
    /// A leaf without a list.
    fn default() -> Self {
        Self {
            head: NO_BLOCK,
            tag: 0,
            first_group: 0,
            level: 0,
            radius: 0.0,
            max_radius: 0.0,
            norm_squared: 0.0,
            built: 0,
            epoch: 0,
            successor: Pointer::NONE,
            stuck: 0,
        }
    }
}

impl Node {
    /// Reads the fixed fields.
    pub fn read(record: &[u8]) -> Self {
        let scale = f64::from(get_f32(record, 28));
        Self {
            head: get_u32(record, 0),
            tag: record[4],
            level: record[5],
            first_group: get_u16(record, 6),
            radius: get_f32(record, 20),
            max_radius: get_f32(record, 24),
            norm_squared: (scale * scale * f64::from(get_u32(record, 32))) as f32,
            built: get_u32(record, 36),
            epoch: get_u32(record, 8),
            successor: Pointer {
                block: get_u32(record, 12),
                slot: get_u16(record, 16),
            },
            stuck: get_u16(record, 18),
        }
    }

    /// Whether a node got its list after the lists had this version. Versions may have wrapped around.
    pub fn is_newer_than(&self, version: u32) -> bool {
        (self.epoch.wrapping_sub(version) as i32) > 0
    }

    /// Writes the place of the list and the statistics; the centroid is written by [`Layout::encode`].
    pub fn write(&self, record: &mut [u8]) {
        put_u32(record, 0, self.head);
        record[4] = self.tag;
        record[5] = self.level;
        put_u16(record, 6, self.first_group);
        put_f32(record, 20, self.radius);
        put_f32(record, 24, self.max_radius);
        put_u32(record, 36, self.built);
        put_u32(record, 8, self.epoch);
        put_u32(record, 12, self.successor.block);
        put_u16(record, 16, self.successor.slot);
        put_u16(record, 18, self.stuck);
    }
}

/// Sets the first block and tag of the list.
pub fn set_head(record: &mut [u8], head: BlockNumber, tag: u8) {
    put_u32(record, 0, head);
    record[4] = tag;
}

/// Raises the upper bound on the distance of an entry.
pub fn raise_max_radius(record: &mut [u8], radius: f32) {
    if radius > get_f32(record, 24) {
        put_f32(record, 24, radius);
    }
}

/// Raises the epoch: whoever read the record before must read it again.
pub fn set_epoch(record: &mut [u8], epoch: u32) {
    put_u32(record, 8, epoch);
}

/// Notes that a list of so many entries could not be split.
pub fn set_stuck(record: &mut [u8], entries: usize) {
    put_u16(record, 18, (entries / 8).min(usize::from(u16::MAX)) as u16);
}
