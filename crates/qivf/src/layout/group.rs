//! List pages: sign entries in word-interleaved groups.
//!
//! Behind the header come `T` tag bytes (one per group that fits the page; padded to a multiple of 8), then the
//! groups in use. A tag names the list of the bucket that owns the group (0…253) or is 255: free. A group holds
//! `L` entries (8; 1 where 8 do not fit a page), field by field:
//!
//! | width | field |
//! |---|---|
//! | 8·words·L | sign codes: word 0 of every entry, word 1 of every entry, … |
//! | 8·L | per entry: block (4) and slot (2) of its record, block 2³²−1 = no entry; flags (2): 1 = second home |
//! | 4·L | `f32` add: the distance key is `g + add + scale·⟨s, q⟩`, `g` from query and centroid; ∞ where there is no entry |
//! | 4·L | `f32` scale |
//! | 4·L | `f32` error: standard deviation of the estimate for a query at distance 1 from the centroid |
//! | 4·L | nodes only: `f32` ‖centroid‖² of the entry's node |
//! | 4·L | nodes only: `f32` radius of the entry's node when built |

use super::*;
use quantize::sign_code;

/// The tag of a group that belongs to no list.
pub const FREE_TAG: u8 = 255;
/// The highest tag of a list.
pub const MAX_TAG: u8 = 253;
/// The flag of an entry in the row's second list.
pub const SECOND_HOME: u16 = 1;

/// The layout of list pages for one dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Words of a sign code.
    pub words: usize,
    /// Entries of a group.
    pub lanes: usize,
    /// Floats per entry.
    pub factors: usize,
    /// Groups on a page.
    pub groups: usize,
}

/// Floats of a leaf entry.
pub const LEAF_FACTORS: usize = 3;
/// Floats of an entry of a node.
pub const ROOT_FACTORS: usize = 5;

/// The numbers of a sign entry.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Factors {
    /// Added to the key.
    pub add: f32,
    /// Multiplies ⟨s, q⟩.
    pub scale: f32,
    /// Standard deviation of the estimate at distance 1.
    pub error: f32,
    /// ‖centroid‖² (nodes).
    pub norm_squared: f32,
    /// Radius (nodes).
    pub radius: f32,
}

/// What a sign entry points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryPointer {
    /// The record.
    pub pointer: Pointer,
    /// [`SECOND_HOME`] or 0.
    pub flags: u16,
}

impl Layout {
    /// Sign entries of `dim` dimensions with `factors` floats each.
    pub fn new(dim: usize, factors: usize) -> Self {
        let words = sign_code::words(dim);
        let entry = words * 8 + 8 + factors * 4;
        let fits = |lanes: usize| {
            // Tags are padded to 8 bytes, so solve for the groups by trying.
            let mut groups = BODY / (entry * lanes);
            while groups > 0 && groups.next_multiple_of(8) + groups * entry * lanes > BODY {
                groups -= 1;
            }
            groups
        };
        let lanes = if fits(sign_code::LANES) > 0 {
            sign_code::LANES
        } else {
            1
        };
        Self {
            words,
            lanes,
            factors,
            groups: fits(lanes),
        }
    }

    /// Bytes of a group.
    #[inline]
    pub fn group_size(&self) -> usize {
        self.lanes * (self.words * 8 + 8 + self.factors * 4)
    }

    /// The level of pages of this layout: 1 for entries of nodes.
    pub fn level(&self) -> u8 {
        u8::from(self.factors == ROOT_FACTORS)
    }

    #[inline]
    fn start(&self) -> usize {
        HEADER + self.groups.next_multiple_of(8)
    }

    /// A page without groups.
    pub fn empty(&self) -> Vec<u8> {
        let mut page = vec![FREE_TAG; self.start()];
        page[..HEADER].copy_from_slice(&header(PageKind::List));
        page[2] = self.level();
        page
    }

    /// Checks the length of a page.
    pub fn check(&self, block: BlockNumber, page: &[u8]) -> Result<()> {
        expect(block, page, PageKind::List)?;
        if page[2] != self.level() {
            return Err(Error::corrupt(block, "list page is of another level"));
        }
        if page.len() < self.start()
            || !(page.len() - self.start()).is_multiple_of(self.group_size())
            || self.used(page) > self.groups
        {
            return Err(Error::corrupt(block, "list page has an impossible length"));
        }
        Ok(())
    }

    /// Groups in use on a checked page.
    #[inline]
    pub fn used(&self, page: &[u8]) -> usize {
        (page.len() - self.start()) / self.group_size()
    }

    /// Length of a page with `used` groups.
    #[inline]
    pub fn page_len(&self, used: usize) -> usize {
        self.start() + used * self.group_size()
    }

    /// The tag of group `group`.
    #[inline]
    pub fn tag(&self, page: &[u8], group: usize) -> u8 {
        page[HEADER + group]
    }

    /// Sets the tag of group `group`.
    pub fn set_tag(&self, page: &mut [u8], group: usize, tag: u8) {
        page[HEADER + group] = tag;
    }

    /// Hints that the list of `node` will be read soon.
    pub fn prefetch<S: crate::store::PageStore>(&self, store: &S, node: &node::Node) {
        if node.head != NO_BLOCK {
            let (from, built) = (usize::from(node.first_group), node.built as usize);
            let to = from + built.div_ceil(self.lanes);
            let groups = self.page_len(from)..self.page_len(to.min(self.groups));
            store.prefetch(node.head, 0..self.start());
            store.prefetch(node.head, groups);
        }
    }

    /// The bytes of group `group` of a checked page.
    #[inline]
    pub fn group<'a>(&self, page: &'a [u8], group: usize) -> Group<&'a [u8]> {
        let at = self.page_len(group);
        Group {
            layout: *self,
            bytes: &page[at..at + self.group_size()],
        }
    }

    /// The groups of list `tag` on a checked page.
    #[inline]
    pub fn groups_of<'a>(
        &self,
        page: &'a [u8],
        tag: u8,
    ) -> impl Iterator<Item = Group<&'a [u8]>> + use<'a> {
        let layout = *self;
        let tags = page[HEADER..].iter().take(self.used(page)).enumerate();
        let own = tags.filter(move |(_, other)| **other == tag);
        own.map(move |(group, _)| layout.group(page, group))
    }

    /// Adds an empty group of list `tag` to a page that has room for it; returns its number.
    pub fn push_group(&self, page: &mut Vec<u8>, tag: u8) -> usize {
        let group = self.used(page);
        page.resize(self.page_len(group + 1), 0);
        self.set_tag(page, group, tag);
        self.group_mut(page, group).clear();
        group
    }

    /// The bytes of group `group` of a checked page, for change.
    pub fn group_mut<'a>(&self, page: &'a mut [u8], group: usize) -> Group<&'a mut [u8]> {
        let at = self.page_len(group);
        Group {
            layout: *self,
            bytes: &mut page[at..at + self.group_size()],
        }
    }
}

/// A group of entries.
#[derive(Clone, Copy, Debug)]
pub struct Group<B> {
    layout: Layout,
    bytes: B,
}

impl<'a> Group<&'a [u8]> {
    /// The interleaved sign codes.
    #[inline]
    pub fn codes(&self) -> &'a [u8] {
        &self.bytes[..self.layout.words * 8 * self.layout.lanes]
    }

    /// What entry `lane` points to.
    #[inline(always)]
    pub fn pointer(&self, lane: usize) -> EntryPointer {
        let at = self.layout.words * 8 * self.layout.lanes + lane * 8;
        let v = get_u64(self.bytes, at);
        EntryPointer {
            pointer: Pointer {
                block: v as u32,
                slot: (v >> 32) as u16,
            },
            flags: (v >> 48) as u16,
        }
    }

    /// The lanes with an entry, and what it points to.
    #[inline]
    pub fn entries(&self) -> impl Iterator<Item = (usize, EntryPointer)> + use<'a> {
        let group = *self;
        let all = (0..self.layout.lanes).map(move |lane| (lane, group.pointer(lane)));
        all.filter(|(_, to)| !to.pointer.is_none())
    }

    /// Copies the sign code of entry `lane`.
    pub fn copy_code(&self, lane: usize, code: &mut [u64]) {
        sign_code::deinterleave(self.codes(), lane, self.layout.lanes, code);
    }

    /// Float number `factor` of every entry: 0 add, 1 scale, 2 error, 3 ‖centroid‖², 4 radius. Lanes the layout does not
    /// have are 0.
    #[inline(always)]
    pub fn floats(&self, factor: usize) -> [f32; sign_code::LANES] {
        let layout = &self.layout;
        let at = (layout.words * 8 + 8 + factor * 4) * layout.lanes;
        let bytes = &self.bytes[at..at + 4 * layout.lanes];
        let mut floats = [0.0; sign_code::LANES];
        for (float, bytes) in floats.iter_mut().zip(bytes.as_chunks::<4>().0) {
            *float = f32::from_le_bytes(*bytes);
        }
        floats
    }

    /// Add, scale and error of every entry as they lie on the page, where there are [`sign_code::LANES`].
    #[inline(always)]
    pub fn leaf_factors(&self) -> Option<&'a [u8; 12 * sign_code::LANES]> {
        let at = (self.layout.words * 8 + 8) * self.layout.lanes;
        self.bytes[at..].first_chunk()
    }

    /// All floats of entry `lane`.
    pub fn factors(&self, lane: usize) -> Factors {
        let root = self.layout.factors == ROOT_FACTORS;
        Factors {
            add: self.floats(0)[lane],
            scale: self.floats(1)[lane],
            error: self.floats(2)[lane],
            norm_squared: if root { self.floats(3)[lane] } else { 0.0 },
            radius: if root { self.floats(4)[lane] } else { 0.0 },
        }
    }

    /// The first lane without an entry.
    pub fn free_lane(&self) -> Option<usize> {
        (0..self.layout.lanes).find(|&lane| self.pointer(lane).pointer.is_none())
    }
}

impl Group<&mut [u8]> {
    /// Makes every lane empty.
    pub fn clear(&mut self) {
        self.bytes.fill(0);
        for lane in 0..self.layout.lanes {
            self.remove(lane);
        }
    }

    /// Empties `lane`; its code stays as it is.
    pub fn remove(&mut self, lane: usize) {
        let at = self.layout.words * 8 * self.layout.lanes + lane * 8;
        put_u32(self.bytes, at, NO_BLOCK);
        let add = (self.layout.words * 8 + 8) * self.layout.lanes + lane * 4;
        put_f32(self.bytes, add, f32::INFINITY);
    }

    /// Writes an entry.
    pub fn set(&mut self, lane: usize, code: &[u64], to: EntryPointer, factors: &Factors) {
        let layout = self.layout;
        let codes = layout.words * 8 * layout.lanes;
        sign_code::interleave(code, lane, layout.lanes, &mut self.bytes[..codes]);
        let at = codes + lane * 8;
        put_u32(self.bytes, at, to.pointer.block);
        put_u16(self.bytes, at + 4, to.pointer.slot);
        put_u16(self.bytes, at + 6, to.flags);
        let all = [
            factors.add,
            factors.scale,
            factors.error,
            factors.norm_squared,
            factors.radius,
        ];
        for (i, factor) in all.iter().take(layout.factors).enumerate() {
            let at = (layout.words * 8 + 8) * layout.lanes + (i * layout.lanes + lane) * 4;
            put_f32(self.bytes, at, *factor);
        }
    }
}
