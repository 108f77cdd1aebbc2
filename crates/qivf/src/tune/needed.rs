//! What of an index must be opened to find a query's neighbours.

use super::sample::Sampled;
use super::truth::Truth;
use crate::error::Result;
use crate::index::Searchable;
use crate::layout::Pointer;
use crate::layout::meta::{Effort, RANKS};
use crate::pages;
use crate::query::Query;
use crate::query::keys::Leaf;
use crate::scan::Centroids;
use crate::store::PageStore;
use crate::walk::Place;
use std::collections::HashMap;

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
pub(super) struct Needed(Vec<Vec<[Way; 2]>>);

impl Needed {
    pub(super) fn knows(&self, rank: usize) -> bool {
        self.0.get(rank).is_some_and(|pairs| !pairs.is_empty())
    }

    /// The effort that finds a share of the neighbours.
    pub(super) fn quantile(&self, rank: usize, share: f32) -> Effort {
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

    pub(super) fn of<S: PageStore>(
        index: &Searchable<S>,
        sample: &[Sampled],
        truth: &[Truth],
    ) -> Result<Self> {
        let homes = homes_of(index, truth)?;
        let mut needed = Self(vec![Vec::new(); RANKS.len()]);
        for (sampled, truth) in sample.iter().zip(truth) {
            index.store().check_interrupts()?;
            let ways = Ways::new(index, &sampled.query)?;
            needed.note(&homes, truth, ways)?;
        }
        Ok(needed)
    }

    fn note<S: PageStore>(
        &mut self,
        homes: &HashMap<Pointer, Vec<Place>>,
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
    index: &'a Searchable<S>,
    query: &'a Query,
    /// The place of every inner node.
    inner: HashMap<Pointer, usize>,
    /// (nearness, radius) of the lists asked for, read once.
    known: HashMap<Pointer, (f32, f32)>,
}

impl<'a, S: PageStore> Ways<'a, S> {
    fn new(index: &'a Searchable<S>, query: &'a Query) -> Result<Self> {
        let (store, space) = (index.store(), index.space());
        let inner = Centroids::ranked(store, space, query, index.meta().root)?;
        Ok(Self {
            index,
            query,
            inner,
            known: HashMap::new(),
        })
    }

    /// The way to the list at `place` for somebody who looks as far as `reach`.
    fn to(&mut self, place: &Place, reach: f32) -> Result<Way> {
        let (nearness, radius) = match self.known.get(&place.leaf) {
            Some(known) => *known,
            None => {
                let (store, space) = (self.index.store(), self.index.space());
                let leaf = |record: &[u8]| Leaf::of(space, self.query, record);
                let leaf = pages::with_node(store, space, place.leaf, leaf)?;
                let known = (leaf.nearness, leaf.node.radius);
                self.known.insert(place.leaf, known);
                known
            }
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
    index: &Searchable<S>,
    truth: &[Truth],
) -> Result<HashMap<Pointer, Vec<Place>>> {
    let mut homes: HashMap<Pointer, Vec<Place>> = HashMap::new();
    for neighbour in truth.iter().flatten() {
        homes.entry(neighbour.at).or_default();
    }
    let (store, space) = (index.store(), index.space());
    for at in index.leaves()? {
        let node = pages::read_node(store, space, at.leaf)?;
        pages::for_each_group(store, &space.leaf, &node, |group| {
            for (_, to) in group.entries() {
                if let Some(lists) = homes.get_mut(&to.pointer) {
                    lists.push(at);
                }
            }
            Ok(())
        })?;
    }
    Ok(homes)
}
