//! What a backend remembers between inserts.

use crate::store::BlockNumber;

/// What a backend remembers between inserts into one index.
#[derive(Clone, Copy, Debug, Default)]
pub struct InsertState {
    /// The refine page with room that this backend fills.
    pub(super) refine_block: Option<BlockNumber>,
    /// Which of a flat index's lists this backend fills.
    pub(super) stripe: usize,
    /// See [`InsertState::takes_lesson`].
    pub(super) lesson_due: bool,
}

impl InsertState {
    /// State of the backend with this number: backends with different numbers avoid each other's pages.
    pub fn new(backend: usize) -> Self {
        Self {
            refine_block: None,
            stripe: backend,
            lesson_due: false,
        }
    }

    /// Whether inserts have split so many lists that [`crate::grow::learn_early`] should be called; says so once.
    pub fn takes_lesson(&mut self) -> bool {
        std::mem::take(&mut self.lesson_due)
    }
}
