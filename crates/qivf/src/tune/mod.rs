//! Learning `b`: how far before its centroid a list's nearest rows may be, for a target and a rank.
//!
//! For sampled queries and each of their true neighbours up to rank K, the `b` is noted that would have opened one of the
//! neighbour's lists before the K-th distance was reached; `b(target, K)` is that sample's target-quantile. Likewise the
//! place of that list's inner node among all, by distance: how many must be opened. Sign codes lose a little too: scans
//! with some of these numbers measure what is missed in all, and targets are raised by that before the look-up.
//!
//! Why inner nodes are counted and lists are not: distances to the few large cells differ too little to tell where a `b`
//! would end. On 62,666 × 384 embeddings, 128 inner nodes over 3,131 lists: for the same misses as the 18 nearest, a `b`
//! opens 92.

mod limits;
mod measure;
mod needed;
mod report;
mod sample;
mod taught;
mod truth;

use crate::error::Result;
use crate::index::{Index, Searchable};
use crate::layout::meta::{Meta, RANKS, TARGETS, Table, Tuning};
use crate::space::{Metric, Value};
use crate::store::{PageStore, Transaction, WriteStore};
use crate::workers::{BuildHost, Phase, Workers};
pub use limits::{MOST_NEIGHBOURS, MOST_PAIRS, MOST_QUERIES, check_size};
use measure::measure;
use needed::Needed;
pub use report::{Report, report};
use sample::{Sampled, sample_queries, sample_rows};
pub use taught::{Taught, taught};

/// Of the misses a target allows, the share granted when rows of the index were the queries.
///
/// They took part in making the centroids and miss less than strangers do: on 62,666 × 384 embeddings, asked for 0.95 they
/// found 0.950, held-out rows 0.940 and short phrases, another distribution, 0.89. Below 0.95 that gap widens.
fn granted(miss: f32) -> f32 {
    0.88 * miss.min(0.05) + 0.6 * (miss - 0.05).max(0.0)
}

/// Learns from `count` rows of the index used as queries.
pub(crate) fn from_rows<S: PageStore>(
    index: &Searchable<S>,
    workers: &Workers<'_>,
    count: usize,
) -> Result<Tuning> {
    let sample = sample_rows(index, count)?;
    learn(index, workers, sample, granted)
}

/// The same, where real queries once taught what recall rows must reach.
pub(crate) fn from_rows_as_taught<S: PageStore>(
    index: &Searchable<S>,
    workers: &Workers<'_>,
    count: usize,
    taught: Option<Taught>,
) -> Result<Tuning> {
    let Some(taught) = taught else {
        return from_rows(index, workers, count);
    };
    let sample = sample_rows(index, count)?;
    learn(index, workers, sample, |miss| {
        1.0 - taught.wanted(1.0 - miss)
    })
}

/// Learns from real queries, each of the index's dimension, and returns the new table; nothing is written.
pub fn from_queries<S: PageStore>(
    index: &Index<S>,
    host: &dyn BuildHost,
    threads: usize,
    queries: &[Value<'_>],
    metric: Metric,
) -> Result<Tuning> {
    check_size(queries.len(), 1)?;
    let Index::Searchable(index) = index else {
        return Ok(index.meta().tuning);
    };
    let mut sampled = sample_queries(index, queries, metric)?;
    sampled.retain(|s| s.query.degenerate.is_none());
    learn(index, &Workers::new(host, threads), sampled, |miss| miss)
}

/// Writes a new table to the meta page.
pub fn store_tuning<S: WriteStore>(store: &S, tuning: Tuning) -> Result<Meta> {
    let mut transaction = store.begin()?;
    let place = transaction.open(0)?;
    let mut meta = Meta::decode(transaction.page(place))?;
    let version = meta.tuning.version.wrapping_add(1);
    meta.tuning = Tuning { version, ..tuning };
    transaction.page_mut(place).replace(&meta.encode())?;
    transaction.commit()?;
    Ok(meta)
}

fn learn<S: PageStore>(
    index: &Searchable<S>,
    workers: &Workers<'_>,
    sample: Vec<Sampled>,
    granted: impl Fn(f32) -> f32,
) -> Result<Tuning> {
    let mut tuning = index.meta().tuning;
    if index.meta().flat || sample.is_empty() {
        return Ok(tuning);
    }
    let truth = truth::neighbours(index, workers, &sample, RANKS[RANKS.len() - 1])?;
    let needed = Needed::of(index, &sample, &truth)?;
    workers.host.progress(Phase::Tuning, 1, 3);
    let measured = measure(index, workers, &sample, &truth, &needed)?;
    for rank in 0..RANKS.len() {
        if !needed.knows(rank) {
            continue;
        }
        for (t, target) in TARGETS.iter().enumerate() {
            let share = measured.share_for(rank, 1.0 - granted(1.0 - *target));
            let b = needed.quantile(rank, share);
            (tuning.b[rank][t], tuning.inner[rank][t]) = (b.b, b.inner as f32);
            tuning.lists[rank][t] = measured.at(rank, *target, |m| m.lists);
            tuning.refined[rank][t] = measured.at(rank, *target, |m| m.rows);
        }
    }
    make_monotone(&mut tuning.b);
    make_monotone(&mut tuning.inner);
    tuning.queries = sample.len() as u32;
    Ok(tuning)
}

fn make_monotone(table: &mut Table) {
    for row in table.iter_mut() {
        for t in 1..row.len() {
            row[t] = row[t].max(row[t - 1]);
        }
    }
}
