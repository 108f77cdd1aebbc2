//! What of an index must be opened to find a query's neighbours.

use super::others::Others;
use super::pairs::{Pair, Pairs, WHOLE};
use super::sample::Sampled;
use super::truth::Truth;
use crate::error::Result;
use crate::index::Searchable;
use crate::layout::Pointer;
use crate::layout::meta::Effort;
use crate::opening::{Opening, Rule};
use crate::pages;
use crate::query::Query;
use crate::query::keys::{self, Leaf};
use crate::scan::Centroids;
use crate::store::PageStore;
use crate::walk::Place;
use std::collections::HashMap;

/// Misses granted to inner nodes, as a share of those granted to lists: missing one loses all its lists.
const INNER_MISSES: f32 = 0.1;

/// Whoever keeps the rows of some regions asks for recall of these. The regions he chooses are none of those learned from: of
/// their thresholds, the one that so many of them do with is taken.
const CHOICES: f32 = 0.9;
/// Leading rows of one choice of regions below which its threshold is chance.
const FEW_OF_ONE: usize = 30;

/// With fewer leading rows nothing is known about them.
const FEW: usize = 100;

/// The value below which `share` of `values` lies, interpolated; reorders them.
pub(super) fn quantile(values: &mut [f32], share: f32) -> f32 {
    let Some(last) = values.len().checked_sub(1) else {
        return 0.0;
    };
    let at = share.clamp(0.0, 1.0) * last as f32;
    let low = at.floor() as usize;
    let (_, value, above) = values.select_nth_unstable_by(low, f32::total_cmp);
    let value = *value;
    match above.iter().copied().reduce(f32::min) {
        Some(next) => value + (next - value) * (at - low as f32),
        None => value,
    }
}

/// A list that a neighbour is in: how far it is and how wide, and how many inner nodes must be opened to see it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    pub d: f32,
    pub r: f32,
    pub inner: f32,
}

/// The ways to a neighbour, one or two, and how far the search looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ways {
    pub ways: [Way; 2],
    pub reach: f32,
    choice: u16,
}

impl Ways {
    /// The need of the list that is opened first, the other's, and their inner nodes.
    fn by_need(&self, rule: &Rule) -> [(f32, f32); 2] {
        let [a, b] = self.ways;
        let [a, b] = [a, b].map(|way| (rule.need(way.d, way.r, self.reach), way.inner));
        if b.0 < a.0 { [b, a] } else { [a, b] }
    }
}

/// Per rank, the ways to the rows that must be found.
#[derive(Debug)]
pub(super) struct Needed {
    pub rule: Rule,
    plain: Vec<Vec<Ways>>,
    leading: Vec<Vec<Ways>>,
}

impl Needed {
    pub(super) fn knows(&self, rank: usize) -> bool {
        !self.plain[rank].is_empty() || self.leading[rank].len() >= FEW
    }

    /// Whether leading rows say something about a rank.
    pub(super) fn knows_leading(&self, rank: usize) -> bool {
        self.leading[rank].len() >= FEW
    }

    /// The effort that finds a share of the neighbours, and of leading rows at least `wanted`: where searches for the nearest
    /// rows find some in lists that they open for others, leading rows have no such luck.
    pub(super) fn quantile(&self, rank: usize, share: f32, wanted: f32) -> Effort {
        let plain = self.quantile_of(&self.plain[rank], share);
        if rank < WHOLE || !self.knows_leading(rank) {
            return plain;
        }
        let leading = self.quantile_of_choices(&self.leading[rank], share.max(wanted));
        if self.plain[rank].is_empty() {
            return leading;
        }
        Effort {
            opening: Opening {
                rule: self.rule,
                threshold: plain.opening.threshold.max(leading.opening.threshold),
            },
            inner: plain.inner.max(leading.inner),
        }
    }

    /// The effort that finds a share of the leading rows of nearly every choice of regions.
    fn quantile_of_choices(&self, all: &[Ways], share: f32) -> Effort {
        let choices = all.chunk_by(|a, b| a.choice == b.choice);
        let choices = choices.filter(|choice| choice.len() >= FEW_OF_ONE);
        let efforts: Vec<Effort> = choices.map(|c| self.quantile_of(c, share)).collect();
        if efforts.is_empty() {
            return self.quantile_of(all, share);
        }
        let most = |of: &dyn Fn(&Effort) -> f32| {
            quantile(&mut efforts.iter().map(of).collect::<Vec<_>>(), CHOICES)
        };
        Effort {
            opening: Opening {
                rule: self.rule,
                threshold: most(&|effort| effort.opening.threshold),
            },
            inner: most(&|effort| effort.inner as f32).ceil() as usize,
        }
    }

    fn quantile_of(&self, all: &[Ways], share: f32) -> Effort {
        let needs: Vec<_> = all.iter().map(|ways| ways.by_need(&self.rule)).collect();
        let mut first: Vec<f32> = needs.iter().map(|[first, _]| first.0).collect();
        let threshold = quantile(&mut first, share);
        let open = needs.iter().filter(|[first, _]| first.0 <= threshold);
        let nearest = |[first, second]: &[(f32, f32); 2]| match second.0 <= threshold {
            true => first.1.min(second.1),
            false => first.1,
        };
        let mut inner: Vec<f32> = open.map(nearest).collect();
        let inner = quantile(&mut inner, 1.0 - (1.0 - share) * INNER_MISSES);
        Effort {
            opening: Opening {
                rule: self.rule,
                threshold,
            },
            inner: inner.ceil() as usize,
        }
    }

    /// The ways of all pairs; and for the first `far` queries what they have seen of the lists.
    pub(super) fn of<'a, S: PageStore>(
        index: &'a Searchable<S>,
        sample: &'a [Sampled],
        far: usize,
        pairs: &Pairs,
        homes: &HashMap<Pointer, Vec<Place>>,
    ) -> Result<(Self, Vec<Seen<'a, S>>)> {
        let all = [&pairs.plain, &pairs.leading];
        let mut of_query: Vec<Vec<(usize, usize, usize)>> = vec![Vec::new(); sample.len()];
        let mut found: [Vec<Vec<Option<Ways>>>; 2] = [Vec::new(), Vec::new()];
        for (kind, ranks) in all.into_iter().enumerate() {
            for (rank, pairs) in ranks.iter().enumerate() {
                found[kind].push(vec![None; pairs.len()]);
                for (i, pair) in pairs.iter().enumerate() {
                    of_query[pair.query as usize].push((kind, rank, i));
                }
            }
        }
        // Query by query: what one has seen of all inner nodes is not kept.
        let mut kept = Vec::new();
        for (query, (sampled, places)) in sample.iter().zip(of_query).enumerate() {
            index.store().check_interrupts()?;
            let mut seen = Seen::new(index, sampled)?;
            for (kind, rank, i) in places {
                let pair = &all[kind][rank][i];
                found[kind][rank][i] = seen.ways(homes.get(&pair.at), pair)?;
            }
            if query < far {
                seen.inner = HashMap::new();
                kept.push(seen);
            }
        }
        let [plain, leading] = found.map(|ranks| {
            let flat = |ways: Vec<Option<Ways>>| ways.into_iter().flatten().collect();
            ranks.into_iter().map(flat).collect()
        });
        let needed = Self {
            rule: Rule::RADII,
            plain,
            leading,
        };
        Ok((needed, kept))
    }
}

/// The lists of an index as a query sees them, each read once.
pub(super) struct Seen<'a, S> {
    index: &'a Searchable<S>,
    query: &'a Query,
    /// The place of every inner node.
    inner: HashMap<Pointer, usize>,
    known: HashMap<Pointer, (f32, f32)>,
}

impl<'a, S: PageStore> Seen<'a, S> {
    pub(super) fn new(index: &'a Searchable<S>, sampled: &'a Sampled) -> Result<Self> {
        let (store, space, query) = (index.store(), index.space(), &sampled.query);
        let inner = Centroids::ranked(store, space, query, index.meta().root)?;
        Ok(Self {
            index,
            query,
            inner,
            known: HashMap::new(),
        })
    }

    /// Distance and radius of the list at `leaf`.
    pub(super) fn list(&mut self, leaf: Pointer) -> Result<(f32, f32)> {
        if let Some(known) = self.known.get(&leaf) {
            return Ok(*known);
        }
        let (store, space) = (self.index.store(), self.index.space());
        let of = |record: &[u8]| Leaf::of(space, self.query, record);
        let read = pages::with_node(store, space, leaf, of)?;
        let (d, _) = keys::lengths(self.query, read.nearness, 0.0);
        self.known.insert(leaf, (d, read.node.radius));
        Ok((d, read.node.radius))
    }

    /// How far whoever looks as far as a distance looks at lists.
    pub(super) fn reach(&self, distance: f64) -> f32 {
        keys::lengths(self.query, 0.0, self.query.key_of(distance)).1
    }

    fn ways(&mut self, homes: Option<&Vec<Place>>, pair: &Pair) -> Result<Option<Ways>> {
        let (distance, choice) = (pair.distance, pair.choice);
        let mut ways = Vec::new();
        for place in homes.into_iter().flatten() {
            let (d, r) = self.list(place.leaf)?;
            let inner = self.inner.get(&place.parent);
            let inner = inner.map_or(0.0, |i| *i as f32 + 1.0);
            ways.push(Way { d, r, inner });
        }
        let Some(first) = ways.first().copied() else {
            return Ok(None);
        };
        let reach = self.reach(distance);
        let second = ways.get(1).copied().unwrap_or(first);
        let finite = [first.d, first.r, second.d, second.r, reach];
        Ok(finite.iter().all(|v| v.is_finite()).then_some(Ways {
            ways: [first, second],
            reach,
            choice,
        }))
    }
}

/// The lists of every row that is somebody's neighbour or in the sample.
pub(super) fn homes_of<S: PageStore>(
    index: &Searchable<S>,
    leaves: &[Place],
    truth: &[Truth],
    others: &Others,
) -> Result<HashMap<Pointer, Vec<Place>>> {
    let mut homes: HashMap<Pointer, Vec<Place>> = HashMap::new();
    let rows = truth.iter().flatten().map(|neighbour| neighbour.at);
    for at in rows.chain(others.at.iter().copied()) {
        homes.entry(at).or_default();
    }
    let (store, space) = (index.store(), index.space());
    for at in leaves {
        let node = pages::read_node(store, space, at.leaf)?;
        pages::for_each_group(store, &space.leaf, &node, |group| {
            for (_, to) in group.entries() {
                if let Some(lists) = homes.get_mut(&to.pointer) {
                    lists.push(*at);
                }
            }
            Ok(())
        })?;
    }
    Ok(homes)
}
