//! What an insert does about a list that it made far too long.

use super::claim::Claim;
use super::convert;
use super::drain::settled;
use super::learn;
use super::rows::is_long;
use super::split;
use crate::error::Result;
use crate::index::Searchable;
use crate::layout::Pointer;
use crate::store::WriteStore;

/// A list is split by the insert that makes it this many times as long as planned.
const EMERGENCY: usize = 4;
/// A flat index gets lists when one of its own holds so many times what is planned for a list.
const FLAT: usize = 25;

/// After an insert into the list of `leaf`: splits it if it is far too long and nobody else is changing lists. Whether
/// there are so many lists by now that the effort of searches should be learned anew.
pub(crate) fn after_insert<S: WriteStore>(index: &Searchable<&S>, leaf: Pointer) -> Result<bool> {
    let (store, meta) = (*index.store(), index.meta());
    let times = if meta.flat { FLAT } else { EMERGENCY };
    let limit = times * meta.plan as usize;
    if limit == 0 || !is_long(store, index.space(), leaf, limit)? {
        return Ok(false);
    }
    let Some(_claim) = Claim::try_take(store)? else {
        return Ok(false);
    };
    let Some(index) = settled(store)? else {
        return Ok(false);
    };
    if index.meta().flat {
        convert::to_lists(&index)?;
    } else if is_long(
        store,
        index.space(),
        leaf,
        EMERGENCY * index.meta().plan as usize,
    )? {
        split::split(&index, leaf)?;
    }
    learn::is_due(store)
}
