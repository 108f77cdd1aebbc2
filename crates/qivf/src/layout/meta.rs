//! The meta page, block 0: written when the index is built, by a change of dimension 0, by tuning and when lists change;
//! never by an insert that only adds entries.
//!
//! | offset | width | field |
//! |---|---|---|
//! | 16 | 4 | magic, `qIVF` |
//! | 20 | 2 | format version |
//! | 22 | 1 | element: 0 float, 1 int8, 2 uint8, 3 binary |
//! | 23 | 1 | metric: 0 L2, 1 inner product, 2 cosine, 3 Hamming |
//! | 24 | 4 | dimension; 0 = built on an empty table, learnt from the first row |
//! | 28 | 4 | operator class number, for the face to check |
//! | 32 | 8 | seed of the rotation |
//! | 40 | 8 | random build identifier |
//! | 48 | 4 | leaf nodes |
//! | 52 | 4 | flags: 1 = flat (every leaf has the same centroid), 2 = built on an empty table, 4 = entries are being moved between lists |
//! | 56 | 4 + 2 | root node |
//! | 62 | 2 | reserved, 0 |
//! | 64 | 4 | first tids page |
//! | 68 | 4 | `f32` root-mean-square norm of the rows when built |
//! | 72 | 8 | rows when built |
//! | 80 | 4 | size of a refine slot |
//! | 84 | 4 | tuning version, raised by every change of the table below |
//! | 88 | 4 | queries the tuning rests on, 0 = not tuned |
//! | 92 | 4 | version of the lists, raised by every change of nodes and whenever entries begin or cease to be moved |
//! | 96 | 4 | entries planned a list; 0 = lists are never split |
//! | 100 | 4 | first spare list page; they are chained |
//! | 104 | 4 | node page with room, 2³²−1 = not known |
//! | 108 | 1 + 1 + 2 + 4 + 4 | what a change of lists has left to do ([`Leftover`]): kind, tag, slot and block of a node, first block |
//! | 120 | 4 | version of the root's list as far as it is not leaves, raised when inner nodes change |
//! | 124 | 4 | leaf nodes when the table below was learned |
//! | 128 | 8 | rows when the table below was learned |
//! | 136 | 8 | reserved, 0 |
//! | 144 | 4 + 4·7 | `f32` unit and terms of the rule by which lists are opened ([`Rule`]); unit 0 = radii before the centroid |
//! | 176 | 4·4·K·T | `f32` tables for K = 10, 20, 40, … ([`RANKS`]) × targets ([`TARGETS`]): threshold of that rule; inner nodes opened at once; lists opened; rows refined |

use super::*;
use crate::opening::{Opening, Rule, TERMS};

/// `qIVF`.
pub const MAGIC: u32 = u32::from_le_bytes(*b"qIVF");
/// The version of everything in [`super`].
pub const FORMAT: u16 = 3;
/// The seed of the rotation: its output is on disk, never change it.
pub const SEED: u64 = 0x7169_7666_2d73_6565;

/// Ranks for which effort is learned, as far as there are rows; that of the highest serves beyond it.
pub const RANKS: [usize; 18] = {
    let mut ranks = [10; 18];
    let mut i = 1;
    while i < ranks.len() {
        ranks[i] = 2 * ranks[i - 1];
        i += 1;
    }
    ranks
};
/// Recall targets for which effort is learned.
pub const TARGETS: [f32; 14] = [
    0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999,
];

const RULE: usize = 144;
const TABLE: usize = RULE + 4 + 4 * TERMS;
const LEN: usize = TABLE + 4 * 4 * RANKS.len() * TARGETS.len();
/// Inner nodes opened at once before anything is measured.
const UNTUNED_INNER: f32 = 16.0;
const FLAT: u32 = 1;
const BUILT_EMPTY: u32 = 2;
const MOVING: u32 = 4;

/// One learned number per rank and target.
pub type Table = [[f32; TARGETS.len()]; RANKS.len()];

/// How much a search looks at to find what it should.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Effort {
    /// Which lists are opened.
    pub opening: Opening,
    /// Inner nodes opened at once, the nearest of all.
    pub inner: usize,
}

/// What the index has learned about itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tuning {
    /// Raised by every change.
    pub version: u32,
    /// Queries it rests on.
    pub queries: u32,
    /// How the need of a list is computed.
    pub rule: Rule,
    /// Lists with at most this need are opened.
    pub threshold: Table,
    /// Inner nodes opened at once.
    pub inner: Table,
    /// Lists opened.
    pub lists: Table,
    /// Rows refined.
    pub refined: Table,
}

impl Default for Tuning {
    /// Before anything is measured: one radius, two from 0.95 on.
    fn default() -> Self {
        let mut threshold = [[0.0; TARGETS.len()]; RANKS.len()];
        for row in &mut threshold {
            for (radii, target) in row.iter_mut().zip(TARGETS) {
                *radii = if target < 0.95 { 1.0 } else { 2.0 };
            }
        }
        Self {
            version: 0,
            queries: 0,
            rule: Rule::RADII,
            threshold,
            inner: [[UNTUNED_INNER; TARGETS.len()]; RANKS.len()],
            lists: [[1.0; TARGETS.len()]; RANKS.len()],
            refined: [[50.0; TARGETS.len()]; RANKS.len()],
        }
    }
}

impl Tuning {
    /// The effort for rank `k` and `target` (between 0.5 and 0.999), interpolated.
    pub fn effort(&self, k: usize, target: f32) -> Effort {
        Effort {
            opening: Opening {
                rule: self.rule,
                threshold: Self::at(&self.threshold, k, target),
            },
            inner: Self::at(&self.inner, k, target).max(1.0).ceil() as usize,
        }
    }

    /// All tables.
    pub(crate) fn tables(&mut self) -> [&mut Table; 4] {
        let Self {
            threshold,
            inner,
            lists,
            refined,
            ..
        } = self;
        [threshold, inner, lists, refined]
    }

    /// Interpolates `table`: linear in the target, logarithmic in the rank.
    pub fn at(table: &Table, k: usize, target: f32) -> f32 {
        let along_targets = |rank: usize| interpolate(&TARGETS, &table[rank], target);
        let above = RANKS.partition_point(|rank| *rank < k);
        if above == 0 || above == RANKS.len() {
            return along_targets(above.min(RANKS.len() - 1));
        }
        let ranks = [RANKS[above - 1], RANKS[above]].map(|rank| (rank as f32).log2());
        let values = [along_targets(above - 1), along_targets(above)];
        interpolate(&ranks, &values, (k as f32).log2())
    }
}

/// The value at `x` of the line through points with ascending `xs`; constant outside.
pub(crate) fn interpolate(xs: &[f32], ys: &[f32], x: f32) -> f32 {
    let i = xs.partition_point(|v| *v < x);
    if i == 0 || i == xs.len() {
        return ys[i.min(xs.len() - 1)];
    }
    let share = (x - xs[i - 1]) / (xs[i] - xs[i - 1]);
    ys[i - 1] + share * (ys[i] - ys[i - 1])
}

/// What a change of lists has left to do. There is at most one of these, and it is done before the next change begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Leftover {
    /// Nothing.
    #[default]
    None,
    /// The former list of a leaf, all of whose entries but those of late comers are in its new list, or in that and its
    /// successor's.
    List {
        /// The leaf.
        leaf: Pointer,
        /// First block of the bucket of the former list.
        head: BlockNumber,
        /// Its tag there.
        tag: u8,
        /// Whether the successor took a part.
        divided: bool,
    },
    /// The lists of a flat index, under its former root.
    Flat {
        /// The former root.
        root: Pointer,
    },
    /// Pages without an owner, to become spare.
    Pages {
        /// The first.
        head: BlockNumber,
    },
}

/// What of the meta page tells a reader that lists have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// See [`Meta::version`].
    pub version: u32,
    /// Whether entries may be on the way from one list to another.
    pub unsettled: bool,
}

/// Reads [`State`] off block 0.
pub(crate) fn state(page: &[u8]) -> Result<State> {
    if page.len() < LEN || get_u32(page, 16) != MAGIC {
        return Err(Error::Format {
            found: "no magic number".into(),
        });
    }
    Ok(State {
        version: get_u32(page, 92),
        unsettled: page[108] != 0 || get_u32(page, 52) & MOVING != 0,
    })
}

/// The contents of the meta page.
#[derive(Clone, Debug, PartialEq)]
pub struct Meta {
    /// Element number, see [`crate::space::Element`].
    pub element: u8,
    /// Metric number, see [`crate::space::Metric`].
    pub metric: u8,
    /// Dimension, 0 = not known yet.
    pub dim: u32,
    /// Operator class number of the face.
    pub class: u32,
    /// Seed of the rotation.
    pub seed: u64,
    /// Tells this build from any other.
    pub build_id: u64,
    /// Leaf nodes.
    pub lists: u32,
    /// Whether every leaf has the same centroid.
    pub flat: bool,
    /// Whether it was built on an empty table.
    pub built_empty: bool,
    /// The root node.
    pub root: Pointer,
    /// First tids page.
    pub tids: BlockNumber,
    /// Root-mean-square norm of the rows.
    pub norm: f32,
    /// Rows when built.
    pub rows: u64,
    /// Bytes of a refine slot.
    pub slot_size: u32,
    /// What was learned.
    pub tuning: Tuning,
    /// Version of the lists.
    pub version: u32,
    /// Entries planned a list; 0 = lists are never split.
    pub plan: u32,
    /// First spare list page.
    pub spare: BlockNumber,
    /// Node page with room.
    pub node_block: BlockNumber,
    /// What is left to do.
    pub leftover: Leftover,
    /// Whether entries are being moved between lists.
    pub moving: bool,
    /// Version of inner nodes.
    pub upper: u32,
    /// Leaf nodes when `tuning` was learned.
    pub learned_lists: u32,
    /// Rows when `tuning` was learned, about.
    pub learned_rows: u64,
}

impl Meta {
    /// The payload.
    pub fn encode(&self) -> Vec<u8> {
        let mut page = vec![0; LEN];
        page[..HEADER].copy_from_slice(&header(PageKind::Meta));
        put_u32(&mut page, 16, MAGIC);
        put_u16(&mut page, 20, FORMAT);
        page[22] = self.element;
        page[23] = self.metric;
        put_u32(&mut page, 24, self.dim);
        put_u32(&mut page, 28, self.class);
        put_u64(&mut page, 32, self.seed);
        put_u64(&mut page, 40, self.build_id);
        put_u32(&mut page, 48, self.lists);
        let flag = |set, flag| if set { flag } else { 0 };
        let flags =
            flag(self.flat, FLAT) | flag(self.built_empty, BUILT_EMPTY) | flag(self.moving, MOVING);
        put_u32(&mut page, 52, flags);
        put_u32(&mut page, 56, self.root.block);
        put_u16(&mut page, 60, self.root.slot);
        put_u32(&mut page, 64, self.tids);
        put_f32(&mut page, 68, self.norm);
        put_u64(&mut page, 72, self.rows);
        put_u32(&mut page, 80, self.slot_size);
        put_u32(&mut page, 84, self.tuning.version);
        put_u32(&mut page, 88, self.tuning.queries);
        put_u32(&mut page, 92, self.version);
        put_u32(&mut page, 96, self.plan);
        put_u32(&mut page, 100, self.spare);
        put_u32(&mut page, 104, self.node_block);
        self.leftover.write(&mut page[108..120]);
        put_u32(&mut page, 120, self.upper);
        put_u32(&mut page, 124, self.learned_lists);
        put_u64(&mut page, 128, self.learned_rows);
        let tuning = &self.tuning;
        put_f32(&mut page, RULE, tuning.rule.unit);
        for (i, term) in tuning.rule.terms.iter().enumerate() {
            put_f32(&mut page, RULE + 4 + 4 * i, *term);
        }
        let tables = [
            &tuning.threshold,
            &tuning.inner,
            &tuning.lists,
            &tuning.refined,
        ];
        for (i, v) in tables.into_iter().flatten().flatten().enumerate() {
            put_f32(&mut page, TABLE + 4 * i, *v);
        }
        page
    }

    /// Reads block 0.
    pub fn decode(page: &[u8]) -> Result<Self> {
        if page.len() < TABLE || get_u32(page, 16) != MAGIC {
            return Err(Error::Format {
                found: "no magic number".into(),
            });
        }
        if get_u16(page, 20) != FORMAT {
            return Err(Error::Format {
                found: format!("format version {}", get_u16(page, 20)),
            });
        }
        expect(0, page, PageKind::Meta)?;
        if page.len() < LEN {
            return Err(Error::corrupt(0, "meta page is too short"));
        }
        let mut values = (TABLE..LEN).step_by(4).map(|at| get_f32(page, at));
        let mut table = || {
            let mut table: Table = [[0.0; TARGETS.len()]; RANKS.len()];
            for cell in table.iter_mut().flatten() {
                *cell = values.next().unwrap_or(0.0);
            }
            table
        };
        let tuning = Tuning {
            version: get_u32(page, 84),
            queries: get_u32(page, 88),
            rule: Rule {
                unit: get_f32(page, RULE),
                terms: std::array::from_fn(|i| get_f32(page, RULE + 4 + 4 * i)),
            },
            threshold: table(),
            inner: table(),
            lists: table(),
            refined: table(),
        };
        let learned = tuning.threshold.iter().chain(&tuning.inner);
        if !tuning.rule.is_sound() || learned.flatten().any(|v| !v.is_finite()) {
            return Err(Error::corrupt(0, "tuning table is not finite"));
        }
        Ok(Self {
            element: page[22],
            metric: page[23],
            dim: get_u32(page, 24),
            class: get_u32(page, 28),
            seed: get_u64(page, 32),
            build_id: get_u64(page, 40),
            lists: get_u32(page, 48),
            flat: get_u32(page, 52) & FLAT != 0,
            built_empty: get_u32(page, 52) & BUILT_EMPTY != 0,
            root: Pointer {
                block: get_u32(page, 56),
                slot: get_u16(page, 60),
            },
            tids: get_u32(page, 64),
            norm: get_f32(page, 68),
            rows: get_u64(page, 72),
            slot_size: get_u32(page, 80),
            tuning,
            version: get_u32(page, 92),
            plan: get_u32(page, 96),
            spare: get_u32(page, 100),
            node_block: get_u32(page, 104),
            leftover: Leftover::read(&page[108..120])?,
            moving: get_u32(page, 52) & MOVING != 0,
            upper: get_u32(page, 120),
            learned_lists: get_u32(page, 124),
            learned_rows: get_u64(page, 128),
        })
    }
}

impl Leftover {
    fn write(self, bytes: &mut [u8]) {
        let (kind, tag, node, head) = match self {
            Self::None => (0, 0, Pointer::NONE, NO_BLOCK),
            Self::List {
                leaf,
                head,
                tag,
                divided,
            } => (if divided { 2 } else { 1 }, tag, leaf, head),
            Self::Flat { root } => (3, 0, root, NO_BLOCK),
            Self::Pages { head } => (4, 0, Pointer::NONE, head),
        };
        (bytes[0], bytes[1]) = (kind, tag);
        put_u16(bytes, 2, node.slot);
        put_u32(bytes, 4, node.block);
        put_u32(bytes, 8, head);
    }

    fn read(bytes: &[u8]) -> Result<Self> {
        let (tag, head) = (bytes[1], get_u32(bytes, 8));
        let node = Pointer {
            block: get_u32(bytes, 4),
            slot: get_u16(bytes, 2),
        };
        Ok(match bytes[0] {
            0 => Self::None,
            kind @ (1 | 2) => Self::List {
                leaf: node,
                head,
                tag,
                divided: kind == 2,
            },
            3 => Self::Flat { root: node },
            4 => Self::Pages { head },
            _ => return Err(Error::corrupt(0, "unknown kind of work left to do")),
        })
    }
}
