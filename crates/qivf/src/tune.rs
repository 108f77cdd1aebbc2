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

mod measure;
mod report;
mod truth;

use crate::build::{BuildHost, Crew, Phase};
use crate::error::Result;
use crate::index::Index;
use crate::layout::meta::{Effort, Meta, RANKS, TARGETS, Table, Tuning};
use crate::layout::{self, PageKind, Pointer, refine};
use crate::query::Query;
use crate::scan::{Centroids, lists, read_leaf};
use crate::space::{Metric, Value};
use crate::store::{PageStore, Transaction, WriteStore};
use crate::walk;
use measure::measure;
use quantize::rotation::SplitMix64;
pub use report::{Report, report};
use std::collections::HashMap;
use truth::Truth;

/// A query of the sample; a row used as query does not count as its own neighbour.
struct Sampled {
    query: Query,
    itself: Option<Pointer>,
}

/// Of the misses a target allows, the share granted when rows of the index were the queries.
///
/// They took part in making the centroids and miss less than strangers do: on 62,666 × 384 embeddings, asked for 0.95 they
/// found 0.950, held-out rows 0.940 and short phrases, another distribution, 0.89. Below 0.95 that gap widens.
fn granted(miss: f32) -> f32 {
    0.88 * miss.min(0.05) + 0.6 * (miss - 0.05).max(0.0)
}

/// Learns from `count` rows of the index used as queries.
pub(crate) fn from_rows<S: PageStore>(
    index: &Index<S>,
    crew: &Crew<'_>,
    count: usize,
) -> Result<Tuning> {
    let sample = sample_rows(index, count)?;
    learn(index, crew, sample, granted)
}

/// Learns from real queries, each of the index's dimension, and returns the new table; nothing is written.
pub fn from_queries<S: PageStore>(
    index: &Index<S>,
    host: &dyn BuildHost,
    threads: usize,
    queries: &[Value<'_>],
    metric: Metric,
) -> Result<Tuning> {
    let sampled: Result<Vec<_>> = queries
        .iter()
        .map(|value| {
            Ok(Sampled {
                query: index.query(value, metric)?,
                itself: None,
            })
        })
        .collect();
    let mut sampled = sampled?;
    sampled.retain(|s| s.query.degenerate.is_none());
    learn(index, &Crew::new(host, threads), sampled, |miss| miss)
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

/// Rows spread evenly over the refine pages.
fn sample_rows<S: PageStore>(index: &Index<S>, count: usize) -> Result<Vec<Sampled>> {
    let Some(space) = index.space() else {
        return Ok(Vec::new());
    };
    let blocks = index.store().block_count()?;
    let mut pages = Vec::new();
    for block in 0..blocks {
        let kind = index
            .store()
            .read(block, |page| layout::kind(block, page))?;
        if kind == Some(PageKind::Refine) {
            pages.push(block);
        }
    }
    let mut generator = SplitMix64::new(3);
    let mut sampled = Vec::with_capacity(count);
    for i in 0..count.min(pages.len() * space.refine.per_page) {
        let block = pages[i * pages.len() / count.min(pages.len() * space.refine.per_page)];
        let start = generator.below(space.refine.per_page);
        let found = index.store().read(block, |page| {
            let slots = space.refine.count(page);
            let at = (0..slots).map(|i| (start + i) % slots.max(1)).find(|slot| {
                let taken = sampled.iter().any(|s: &Sampled| {
                    s.itself
                        == Some(Pointer {
                            block,
                            slot: *slot as u16,
                        })
                });
                !taken
                    && space
                        .refine
                        .get(page, *slot)
                        .is_some_and(|r| refine::state(r) == refine::LIVE)
            });
            let Some(slot) = at else { return Ok(None) };
            let Some(record) = space.refine.get(page, slot) else {
                return Ok(None);
            };
            let query = Query::from_record(space, record, index.meta().norm)?;
            Ok(Some(Sampled {
                query,
                itself: Some(Pointer {
                    block,
                    slot: slot as u16,
                }),
            }))
        })?;
        sampled.extend(found.filter(|s| s.query.degenerate.is_none()));
    }
    Ok(sampled)
}

fn learn<S: PageStore>(
    index: &Index<S>,
    crew: &Crew<'_>,
    sample: Vec<Sampled>,
    granted: impl Fn(f32) -> f32,
) -> Result<Tuning> {
    let mut tuning = index.meta().tuning;
    if index.meta().flat || sample.is_empty() || index.space().is_none() {
        return Ok(tuning);
    }
    let truth = truth::neighbours(index, crew, &sample, RANKS[RANKS.len() - 1])?;
    let needed = Needed::of(index, &sample, &truth)?;
    crew.host.progress(Phase::Tuning, 1, 3);
    let measured = measure(index, crew, &sample, &truth, &needed)?;
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

/// The value below which `share` of `values` lies, interpolated; sorts them.
fn quantile(values: &mut [f32], share: f32) -> f32 {
    let Some(last) = values.len().checked_sub(1) else {
        return 0.0;
    };
    values.sort_unstable_by(f32::total_cmp);
    let at = share.clamp(0.0, 1.0) * last as f32;
    let (low, high) = (at.floor() as usize, at.ceil() as usize);
    values[low] + (values[high] - values[low]) * (at - low as f32)
}

/// Misses granted to inner nodes, as a share of those granted to lists: missing one loses all its lists.
const INNER_MISSES: f32 = 0.1;

/// A list that a neighbour is in: the `b` that opens it, and how many inner nodes must be opened to see it.
#[derive(Clone, Copy)]
struct Way {
    b: f32,
    inner: f32,
}

/// Per rank: the ways to each neighbour of each query, the shortest by `b` first.
struct Needed(Vec<Vec<[Way; 2]>>);

impl Needed {
    fn knows(&self, rank: usize) -> bool {
        self.0.get(rank).is_some_and(|pairs| !pairs.is_empty())
    }

    /// The effort that finds a share of the neighbours.
    fn quantile(&self, rank: usize, share: f32) -> Effort {
        let pairs = &self.0[rank];
        let mut all: Vec<f32> = pairs.iter().map(|[first, _]| first.b).collect();
        let b = quantile(&mut all, share);
        let open = |pair: &&[Way; 2]| pair[0].b <= b;
        let nearest = |[first, second]: &[Way; 2]| match second.b <= b {
            true => first.inner.min(second.inner),
            false => first.inner,
        };
        let mut all: Vec<f32> = pairs.iter().filter(open).map(nearest).collect();
        let inner = quantile(&mut all, 1.0 - (1.0 - share) * INNER_MISSES);
        Effort {
            b,
            inner: inner.ceil() as usize,
        }
    }

    fn of<S: PageStore>(index: &Index<S>, sample: &[Sampled], truth: &[Truth]) -> Result<Self> {
        let homes = homes_of(index, truth)?;
        let mut needed = Self(vec![Vec::new(); RANKS.len()]);
        for (sampled, truth) in sample.iter().zip(truth) {
            let ways = Ways::new(index, &sampled.query)?;
            needed.note(&homes, truth, ways)?;
        }
        Ok(needed)
    }

    fn note<S: PageStore>(
        &mut self,
        homes: &HashMap<Pointer, Vec<walk::Place>>,
        truth: &Truth,
        mut ways: Ways<'_, S>,
    ) -> Result<()> {
        const NO_WAY: Way = Way {
            b: f32::INFINITY,
            inner: f32::INFINITY,
        };
        for (pairs, k) in self.0.iter_mut().zip(RANKS) {
            let Some(last) = truth.get(k - 1) else { break };
            let reach = ways.query.key_of(last.distance);
            for neighbour in truth.iter().take(k) {
                let mut best = [NO_WAY; 2];
                for place in homes.get(&neighbour.at).into_iter().flatten() {
                    let way = ways.to(place, reach)?;
                    if way.b < best[0].b {
                        best = [way, best[0]];
                    } else if way.b < best[1].b {
                        best[1] = way;
                    }
                }
                pairs.extend(best[0].b.is_finite().then_some(best));
            }
        }
        Ok(())
    }
}

/// The ways of one query.
struct Ways<'a, S> {
    index: &'a Index<S>,
    query: &'a Query,
    /// The place of every inner node.
    inner: HashMap<Pointer, usize>,
    /// (nearness, radius) of the lists asked for, read once.
    known: HashMap<Pointer, (f32, f32)>,
}

impl<'a, S: PageStore> Ways<'a, S> {
    fn new(index: &'a Index<S>, query: &'a Query) -> Result<Self> {
        let inner = match index.space() {
            Some(space) => Centroids::ranked(index.store(), space, query, index.meta().root)?,
            None => HashMap::new(),
        };
        Ok(Self {
            index,
            query,
            inner,
            known: HashMap::new(),
        })
    }

    /// The way to the list at `place` for somebody who looks as far as `reach`.
    fn to(&mut self, place: &walk::Place, reach: f32) -> Result<Way> {
        let (nearness, radius) = match (self.known.get(&place.leaf), self.index.space()) {
            (Some(known), _) => *known,
            (None, Some(space)) => {
                let leaf = read_leaf(self.index.store(), space, self.query, place.leaf)?;
                self.known
                    .insert(place.leaf, (leaf.nearness, leaf.node.radius));
                (leaf.nearness, leaf.node.radius)
            }
            (None, None) => (0.0, 0.0),
        };
        Ok(Way {
            b: b_to_open(self.query, nearness, radius, reach),
            inner: self
                .inner
                .get(&place.parent)
                .map_or(0.0, |i| *i as f32 + 1.0),
        })
    }
}

/// The smallest `b` with `list_key(query, nearness, radius, b) ≤ reach`. Radius 0 has a floor.
fn b_to_open(query: &Query, nearness: f32, radius: f32, reach: f32) -> f32 {
    let radius = radius.max(1e-6 * query.norm).max(f32::MIN_POSITIVE);
    let b = if query.by_ip {
        (-reach / 2.0 - nearness) / (radius * query.norm.max(f32::MIN_POSITIVE))
    } else {
        (nearness - reach.max(0.0).sqrt()) / radius
    };
    b.clamp(-100.0, 100.0)
}

/// The lists of every row that is somebody's neighbour.
fn homes_of<S: PageStore>(
    index: &Index<S>,
    truth: &[Truth],
) -> Result<HashMap<Pointer, Vec<walk::Place>>> {
    let mut homes: HashMap<Pointer, Vec<walk::Place>> = HashMap::new();
    for neighbour in truth.iter().flatten() {
        homes.entry(neighbour.at).or_default();
    }
    let Some(space) = index.space() else {
        return Ok(homes);
    };
    for at in walk::leaves(index)? {
        let node = lists::with_node(index.store(), space, at.leaf, |record| {
            Ok(layout::node::Node::read(record))
        })?;
        lists::for_each_group(index.store(), &space.leaf, node.head, node.tag, |group| {
            for lane in 0..space.leaf.lanes {
                if let Some(lists) = homes.get_mut(&group.pointer(lane).pointer) {
                    lists.push(at);
                }
            }
            Ok(())
        })?;
    }
    Ok(homes)
}
