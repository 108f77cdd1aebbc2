//! Learning anew what a search must open, while an index grows under inserts.

use super::claim::Claim;
use crate::changes::change_meta;
use crate::error::Result;
use crate::index::Index;
use crate::layout::meta::Meta;
use crate::space::Metric;
use crate::store::WriteStore;
use crate::survey::survey;
use crate::tune;
use crate::workers::{BuildHost, Workers};

/// Rows used as queries: enough to be about right until maintenance learns from more.
const QUERIES: usize = 64;
/// Above so many lists an insert would take too long to learn: that is left to maintenance.
const MOST_LISTS: u32 = 4096;

/// Whether there are twice as many lists as when searches' effort was learned, and not too many.
pub(super) fn is_due<S: WriteStore>(store: &S) -> Result<bool> {
    let meta = store.read(0, Meta::decode)?;
    let due = meta.lists >= meta.learned_lists.saturating_mul(2).max(2);
    Ok(!meta.flat && due && meta.lists <= MOST_LISTS)
}

/// Learns how much a search must open from some rows of an index that has grown, if nobody is changing lists or learning.
pub fn learn_early<S: WriteStore>(store: &S, host: &dyn BuildHost) -> Result<()> {
    let Some(_claim) = Claim::try_take(store)? else {
        return Ok(());
    };
    if is_due(store)? {
        learn(store, host, 1, QUERIES)?;
    }
    Ok(())
}

/// Learns from some rows and keeps it. The caller has the claim.
pub(super) fn learn<S: WriteStore>(
    store: &S,
    host: &dyn BuildHost,
    threads: usize,
    queries: usize,
) -> Result<()> {
    measure_norm(store)?;
    let Index::Searchable(index) = Index::open_with(store, &mut None)? else {
        return Ok(());
    };
    let mut tuning = tune::from_rows(&index, &Workers::new(host, threads), queries)?;
    let rows = u64::from(index.meta().lists) * u64::from(index.meta().plan) / 2;
    change_meta(store, |meta| {
        tuning.version = meta.tuning.version.wrapping_add(1);
        meta.tuning = tuning;
        (meta.learned_lists, meta.learned_rows) = (meta.lists, rows);
    })
}

/// Notes how long rows are by now, where searches go by that.
fn measure_norm<S: WriteStore>(store: &S) -> Result<()> {
    let index = Index::open(store)?;
    if Metric::from_number(index.meta().metric) != Some(Metric::InnerProduct) {
        return Ok(());
    }
    let norm = survey(&index)?.norm as f32;
    if norm > 0.0 && norm != index.meta().norm {
        change_meta(store, |meta| meta.norm = norm)?;
    }
    Ok(())
}
