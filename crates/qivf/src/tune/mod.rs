//! Learning what a search must open, for a target and a rank: by what rule lists are ranked ([`crate::opening`]), up to which
//! threshold they are opened, and how many inner nodes.
//!
//! For sampled queries and neighbours of theirs (`pairs`), ranked from 10 up to the number of rows, the threshold is noted
//! that would have opened one of the neighbour's lists before the distance was reached up to which the search looks; the
//! threshold of a target is that sample's target-quantile. Likewise the place of that list's inner node among all, by
//! distance: how many must be opened. Sign codes lose a little too: scans with some of these numbers measure what is missed
//! in all, and targets are raised by that before the look-up.
//!
//! Every row is compared with the queries for ranks up to 160. For those beyond, a sample of some ten thousand rows stands
//! for all, so that time and memory have a bound.
//!
//! Why inner nodes are counted and lists are not: distances to the few large cells differ too little to tell where a
//! threshold would end. On 62,666 × 384 embeddings, 128 inner nodes over 3,131 lists: for the same misses as the 18 nearest, a
//! number of radii opens 92.

mod fit;
mod limits;
mod measure;
mod needed;
mod others;
mod pairs;
mod report;
mod rule;
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
use pairs::Pairs;
pub use report::{Report, report};
use rule::{Lessons, Lists};
use sample::{Sampled, sample_queries, sample_rows};
pub use taught::{Taught, taught};

/// Queries for which a sample of all rows is compared.
const FAR: usize = 96;

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
    let most = RANKS[pairs::COMPARED];
    let far = sample.len().min(FAR);
    let (truth, others) = truth::neighbours_and_others(index, workers, &sample, most, far)?;
    let leaves = index.leaves()?;
    let homes = needed::homes_of(index, &leaves, &truth, &others)?;
    workers.host.progress(Phase::Tuning, 1, 3);
    let orders: Vec<Vec<u32>> = (0..far).map(|query| others.nearest_first(query)).collect();
    let pairs = Pairs::of(&truth, &others, &orders, &homes);
    let (mut needed, mut seen) = Needed::of(index, &sample, far, &pairs, &homes)?;
    let lists = Lists::look(&leaves, &mut seen)?;
    let lessons = Lessons {
        truth: &truth,
        others: &others,
        orders: &orders,
        homes: &homes,
    };
    rule::choose(&mut needed, &lessons, &mut seen, &lists)?;
    workers.host.progress(Phase::Tuning, 2, 3);
    let measured = measure(index, workers, &sample, &truth, &needed)?;
    tuning.rule = needed.rule;
    for rank in 0..RANKS.len() {
        for (t, target) in TARGETS.iter().enumerate() {
            let wanted = 1.0 - granted(1.0 - *target);
            let effort = needed.quantile(rank, measured.share_for(wanted), wanted);
            let opened = || lists.opened(&lessons, &seen, rank, &effort);
            let rows = measured.rows_for(rank, *target);
            let lists = measured.lists_for(rank, *target).unwrap_or_else(opened);
            tuning.threshold[rank][t] = effort.opening.threshold;
            tuning.inner[rank][t] = effort.inner as f32;
            (tuning.lists[rank][t], tuning.refined[rank][t]) = (lists, rows);
        }
    }
    fill(&mut tuning, &needed);
    tuning.queries = sample.len() as u32;
    Ok(tuning)
}

/// Fills in the ranks of which nothing is known, and makes higher targets cost no less.
fn fill(tuning: &mut Tuning, needed: &Needed) {
    let known: Vec<usize> = (0..RANKS.len()).filter(|r| needed.knows(*r)).collect();
    // Where leading rows are unknown, those of a lower rank must do.
    for pair in known.windows(2) {
        let [before, rank] = [pair[0], pair[1]];
        if before >= pairs::WHOLE && !needed.knows_leading(rank) {
            for table in [&mut tuning.threshold, &mut tuning.inner] {
                let lower = table[before];
                for (value, lower) in table[rank].iter_mut().zip(lower) {
                    *value = value.max(lower);
                }
            }
        }
    }
    for rank in (0..RANKS.len()).filter(|rank| !needed.knows(*rank)) {
        let above = known.iter().find(|other| **other > rank);
        if let Some(like) = above.or(known.last()) {
            for table in tuning.tables() {
                table[rank] = table[*like];
            }
        }
    }
    make_monotone(&mut tuning.threshold);
    make_monotone(&mut tuning.inner);
}

fn make_monotone(table: &mut Table) {
    for row in table.iter_mut() {
        for t in 1..row.len() {
            row[t] = row[t].max(row[t - 1]);
        }
    }
}
