//! The right to change lists and nodes, which one session has at a time.

use crate::error::Result;
use crate::store::WriteStore;

/// The right to change lists, given back when dropped.
pub(crate) struct Claim<'s, S: WriteStore>(&'s S);

impl<'s, S: WriteStore> Claim<'s, S> {
    /// Takes the claim, unless another session has it.
    pub(crate) fn try_take(store: &'s S) -> Result<Option<Self>> {
        Ok(store.claim(false)?.then(|| Self(store)))
    }

    /// Takes the claim once it is given back.
    pub(crate) fn take(store: &'s S) -> Result<Self> {
        while !store.claim(true)? {
            store.check_interrupts()?;
        }
        Ok(Self(store))
    }
}

impl<S: WriteStore> Drop for Claim<'_, S> {
    fn drop(&mut self) {
        self.0.release();
    }
}
