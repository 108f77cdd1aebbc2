//! Finding the rule by which lists are opened, and how many it opens.

use super::fit::{self, Example};
use super::needed::{Needed, Seen, quantile};
use super::others::Others;
use super::pairs::COMPARED;
use super::truth::Truth;
use crate::error::Result;
use crate::layout::Pointer;
use crate::layout::meta::{Effort, RANKS};
use crate::opening::Rule;
use crate::store::PageStore;
use crate::walk::Place;
use std::collections::{HashMap, HashSet};

/// Lists looked at by every query.
const LISTS: usize = 1024;
/// Queries that examples are taken from.
const QUERIES: usize = 64;
/// Examples of one query and rank: lists that hold a row, of the others the nearest, and any.
const EACH: usize = 40;
/// Ranks (numbers of [`RANKS`]) that examples are taken of.
const OF_RANKS: [usize; 7] = [0, 2, 4, 6, 8, 10, 13];
/// The rule is kept if it opens fewer lists at rank 10 for these shares, multiplied.
const SHARES: [f32; 2] = [0.95, 0.99];

/// What is known about some queries, besides their nearest rows.
pub(super) struct Lessons<'a> {
    pub truth: &'a [Truth],
    pub others: &'a Others,
    pub orders: &'a [Vec<u32>],
    pub homes: &'a HashMap<Pointer, Vec<Place>>,
}

impl Lessons<'_> {
    /// How many rows of the sample count for a rank.
    fn sampled(&self, rank: usize) -> usize {
        (RANKS[rank] as f32 / self.others.each()).round() as usize
    }

    /// The distance of the last row that counts for a rank.
    fn last(&self, rank: usize, query: usize) -> Option<f64> {
        if rank <= COMPARED {
            return Some(self.truth[query].get(RANKS[rank] - 1)?.distance);
        }
        let place = self.sampled(rank).checked_sub(1).filter(|p| *p >= 3)?;
        let row = *self.orders[query].get(place)? as usize;
        Some(f64::from(self.others.distances(row)[query]))
    }

    /// The rows up to that one.
    fn rows(&self, rank: usize, query: usize) -> Vec<Pointer> {
        if rank <= COMPARED {
            let rows = self.truth[query].iter().take(RANKS[rank]);
            return rows.map(|row| row.at).collect();
        }
        let rows = self.orders[query].iter().take(self.sampled(rank));
        rows.map(|row| self.others.at[*row as usize]).collect()
    }

    fn holders(&self, rows: &[Pointer]) -> Vec<Pointer> {
        let homes = rows.iter().filter_map(|row| self.homes.get(row)).flatten();
        let mut known = HashSet::new();
        let leaves = homes.map(|place| place.leaf);
        leaves.filter(|leaf| known.insert(*leaf)).collect()
    }
}

/// Distances and radii of some of all lists, for some queries.
pub(super) struct Lists {
    of: usize,
    at: Vec<Pointer>,
    /// Per query.
    shapes: Vec<Vec<(f32, f32)>>,
}

impl Lists {
    pub(super) fn look<S: PageStore>(leaves: &[Place], seen: &mut [Seen<'_, S>]) -> Result<Self> {
        let step = leaves.len().div_ceil(LISTS).max(1);
        let at: Vec<Pointer> = leaves.iter().step_by(step).map(|l| l.leaf).collect();
        let shapes = seen.iter_mut().map(|seen| {
            let shapes = at.iter().map(|leaf| seen.list(*leaf));
            shapes.collect::<Result<Vec<_>>>()
        });
        Ok(Self {
            of: leaves.len(),
            shapes: shapes.collect::<Result<_>>()?,
            at,
        })
    }

    /// How many lists each list looked at stands for.
    fn each(&self) -> f32 {
        self.of as f32 / self.at.len().max(1) as f32
    }

    /// How many lists an effort opens on average when a rank is settled.
    pub(super) fn opened<S: PageStore>(
        &self,
        lessons: &Lessons<'_>,
        seen: &[Seen<'_, S>],
        rank: usize,
        effort: &Effort,
    ) -> f32 {
        let (rule, threshold) = (effort.opening.rule, effort.opening.threshold);
        let (mut opened, mut queries) = (0, 0);
        for (query, shapes) in self.shapes.iter().enumerate() {
            let Some(last) = lessons.last(rank, query) else {
                continue;
            };
            let reach = seen[query].reach(last);
            let is_open = |(d, r): &&(f32, f32)| rule.need(*d, *r, reach) <= threshold;
            opened += shapes.iter().filter(is_open).count();
            queries += 1;
        }
        opened as f32 * self.each() / queries.max(1) as f32
    }

    fn unit(&self) -> f32 {
        let radii = self.shapes.iter().take(1).flatten().map(|shape| shape.1);
        quantile(&mut radii.collect::<Vec<_>>(), 0.5)
    }
}

/// Gives `needed` the rule that opens the fewest lists.
pub(super) fn choose<S: PageStore>(
    needed: &mut Needed,
    lessons: &Lessons<'_>,
    seen: &mut [Seen<'_, S>],
    lists: &Lists,
) -> Result<()> {
    let mut examples = Vec::new();
    for query in 0..lists.shapes.len().min(QUERIES) {
        for rank in OF_RANKS {
            if let Some(last) = lessons.last(rank, query) {
                let holders = lessons.holders(&lessons.rows(rank, query));
                let seen = &mut seen[query];
                let sampled = rank > COMPARED && lessons.others.each() > 1.5;
                let example = Example {
                    d: 0.0,
                    r: 0.0,
                    reach: seen.reach(last),
                    holds: false,
                    sampled,
                    weight: 0.0,
                };
                add(&mut examples, example, &holders, seen, (lists, query))?;
            }
        }
    }
    let Some(rule) = fit::rule(&examples, lists.unit()) else {
        return Ok(());
    };
    let cost = |needed: &Needed| -> f32 {
        let opened = SHARES.map(|share| {
            let effort = needed.quantile(0, share, 0.0);
            lists.opened(lessons, seen, 0, &effort).max(1.0)
        });
        opened.iter().product()
    };
    let before = cost(needed);
    needed.rule = rule;
    if cost(needed) > before {
        needed.rule = Rule::RADII;
    }
    Ok(())
}

/// Adds the examples of one query and rank: they weigh as much as those of any other.
fn add<S: PageStore>(
    examples: &mut Vec<Example>,
    example: Example,
    holders: &[Pointer],
    seen: &mut Seen<'_, S>,
    (lists, query): (&Lists, usize),
) -> Result<()> {
    if holders.is_empty() || !example.reach.is_finite() {
        return Ok(());
    }
    let step = holders.len().div_ceil(EACH);
    let weight = step as f32 / holders.len() as f32;
    for leaf in holders.iter().step_by(step) {
        let (d, r) = seen.list(*leaf)?;
        if !d.is_finite() || !r.is_finite() {
            return Ok(());
        }
        examples.push(Example {
            d,
            r,
            weight,
            holds: true,
            ..example
        });
    }
    let holders: HashSet<Pointer> = holders.iter().copied().collect();
    let each = lists.each() / holders.len() as f32;
    let shapes = lists.at.iter().zip(&lists.shapes[query]);
    let without =
        shapes.filter(|(at, (d, r))| !holders.contains(at) && d.is_finite() && r.is_finite());
    let mut without: Vec<(f32, f32)> = without.map(|(_, shape)| *shape).collect();
    without.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (nearest, others) = without.split_at(EACH.min(without.len()));
    let step = others.len().div_ceil(EACH).max(1);
    let others = others
        .iter()
        .step_by(step)
        .map(|shape| (shape, step as f32));
    for ((d, r), times) in nearest.iter().map(|shape| (shape, 1.0)).chain(others) {
        examples.push(Example {
            d: *d,
            r: *r,
            weight: each * times,
            ..example
        });
    }
    Ok(())
}
