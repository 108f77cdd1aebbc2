//! What a search knows about changes of lists, see `follow`.

use crate::layout::Pointer;
use std::collections::HashSet;

/// What a search knows about changes of lists.
pub(super) struct Changes {
    /// The version of the lists when leaves were sighted, or an earlier one.
    pub(super) sighted: u32,
    /// The version at which the first so many lists were looked after.
    pub(super) checked: (u32, usize),
    /// Lists scored by then, and leaves read.
    pub(super) work: u64,
    /// Leaves that were opened because of a split.
    pub(super) followed: HashSet<Pointer>,
    /// The first of the leaves that have not been looked at for being newer than sighted.
    pub(super) fresh: usize,
    /// Whether all rows were compared.
    pub(super) swept: bool,
}

impl Changes {
    pub(super) fn new(sighted: u32) -> Self {
        Self {
            sighted,
            checked: (sighted, 0),
            work: 0,
            followed: HashSet::new(),
            fresh: 0,
            swept: false,
        }
    }

    /// Whether a leaf was opened because of a split.
    pub(super) fn knows(&self, at: Pointer) -> bool {
        !self.followed.is_empty() && self.followed.contains(&at)
    }
}
