//! Rows that a search must find: pairs of a query and one of its neighbours, with how far the search looks by then.
//!
//! Two kinds for each rank K:
//! - *plain*: what a caller wants who keeps every row. Up to `WHOLE` all neighbours up to the K-th, as they are for a LIMIT;
//!   beyond, those ranked in the upper half, as they are for whoever keeps few rows of many.
//! - *leading*: what a caller wants who keeps the rows of some regions, that of the query not among them: the nearest few
//!   rows of those regions. Where rows lie in clusters these stand out from their lists and are far harder to find than
//!   the others at the same distance.

use super::others::Others;
use super::truth::Truth;
use crate::layout::Pointer;
use crate::layout::meta::RANKS;
use crate::walk::Place;
use quantize::rotation::SplitMix64;
use std::collections::{HashMap, HashSet};

/// Ranks (numbers of [`RANKS`]) from which rows are those of the upper half, and leading rows count.
pub(super) const WHOLE: usize = 2;
/// The number of the highest of [`RANKS`] for which every row is compared.
pub(super) const COMPARED: usize = 4;

/// Neighbours of one query that count for one rank, where not all do.
const EACH: usize = 12;
/// Choices of regions that rows are kept of, and lists of the smallest region.
const CHOICES: u16 = 48;
const SMALLEST: f32 = 4.0;
/// Rows that lead a region.
const LEADING: f32 = 10.0;

/// A query and a neighbour.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    pub query: u32,
    pub at: Pointer,
    /// How far the search looks.
    pub distance: f64,
    /// The choice of regions that the row leads.
    pub choice: u16,
}

/// The pairs of every rank.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    pub plain: Vec<Vec<Pair>>,
    pub leading: Vec<Vec<Pair>>,
}

/// Of every row of the sample, the number of a list that it is in.
fn lists_of(others: &Others, homes: &HashMap<Pointer, Vec<Place>>) -> Vec<u32> {
    let mut numbers = HashMap::new();
    let mut number = |leaf: Pointer| {
        let next = numbers.len() as u32;
        *numbers.entry(leaf).or_insert(next)
    };
    let rows = others
        .at
        .iter()
        .map(|at| homes.get(at).and_then(|h| h.first()));
    rows.map(|home| number(home.map_or(Pointer::NONE, |home| home.leaf)))
        .collect()
}

impl Pairs {
    /// Pairs of the queries whose nearest rows are known, and of those for which a sample of all rows is.
    pub(super) fn of(
        truth: &[Truth],
        others: &Others,
        orders: &[Vec<u32>],
        homes: &HashMap<Pointer, Vec<Place>>,
    ) -> Self {
        let none = || vec![Vec::new(); RANKS.len()];
        let mut pairs = Self {
            plain: none(),
            leading: none(),
        };
        for (rank, k) in RANKS.into_iter().enumerate() {
            for (query, truth) in truth.iter().enumerate() {
                if rank <= COMPARED {
                    pairs.note_compared(rank, k, query, truth);
                }
            }
            for (query, order) in orders.iter().enumerate() {
                if rank > COMPARED {
                    pairs.note_sampled(rank, k, query, (others, order));
                }
            }
        }
        pairs.note_leading(others, orders, &lists_of(others, homes));
        pairs
    }

    fn note_compared(&mut self, rank: usize, k: usize, query: usize, truth: &Truth) {
        let Some(last) = truth.get(k - 1) else { return };
        let (from, step) = match rank < WHOLE {
            true => (0, 1),
            false => (k / 2, (k / 2).div_ceil(EACH)),
        };
        let rows = truth[from..k].iter().step_by(step);
        self.plain[rank].extend(rows.map(|row| Pair {
            query: query as u32,
            at: row.at,
            distance: last.distance,
            choice: 0,
        }));
    }

    fn note_sampled(
        &mut self,
        rank: usize,
        k: usize,
        query: usize,
        (others, order): (&Others, &[u32]),
    ) {
        let place = (k as f32 / others.each()).round() as usize;
        if place < 4 || place > order.len() {
            return;
        }
        let last = others.distances(order[place - 1] as usize)[query];
        let rows = order[place / 2..place].iter();
        let rows = rows.step_by((place - place / 2).div_ceil(EACH));
        self.plain[rank].extend(rows.map(|row| Pair {
            query: query as u32,
            at: others.at[*row as usize],
            distance: f64::from(last),
            choice: 0,
        }));
    }

    fn note_leading(&mut self, others: &Others, orders: &[Vec<u32>], lists: &[u32]) {
        if orders.is_empty() {
            return;
        }
        let mut generator = SplitMix64::new(11);
        let leading = (LEADING / others.each()).ceil() as usize;
        let count = lists.iter().max().map_or(0, |most| *most as usize + 1);
        for choice in 0..CHOICES {
            let mut within = vec![false; count];
            // Up to eight regions, all of about the same size.
            let share = generator.below(1 << 16) as f32 / 65536.0;
            let size = SMALLEST * (count as f32 / 4.0 / SMALLEST).max(1.0).powf(share);
            for _ in 0..1 << (choice % 4) {
                let seed = generator.below(orders.len());
                region(&orders[seed], lists, size as usize, &mut within);
            }
            for (query, order) in orders.iter().enumerate() {
                let kept = |row: u32| within[lists[row as usize] as usize];
                if order.first().is_some_and(|own| !kept(*own)) {
                    self.note_leading_of(query, (others, order), (choice, leading), kept);
                }
            }
        }
    }

    fn note_leading_of(
        &mut self,
        query: usize,
        (others, order): (&Others, &[u32]),
        (choice, leading): (u16, usize),
        kept: impl Fn(u32) -> bool,
    ) {
        let rows = order.iter().enumerate().filter(|(_, row)| kept(**row));
        let rows: Vec<(usize, u32)> = rows
            .take(leading)
            .map(|(place, row)| (place, *row))
            .collect();
        let Some((place, last)) = rows.last().copied().filter(|_| rows.len() == leading) else {
            return;
        };
        let place = (place + 1) as f32 * others.each();
        let last = others.distances(last as usize)[query];
        for (rank, k) in RANKS.into_iter().enumerate().skip(WHOLE) {
            if place >= k as f32 / 2.0 && place < 2.0 * k as f32 {
                self.leading[rank].extend(rows.iter().map(|(_, row)| Pair {
                    query: query as u32,
                    at: others.at[*row as usize],
                    distance: f64::from(last),
                    choice,
                }));
            }
        }
    }
}

/// Adds the `size` lists that come first when rows are taken in the order of their distance to a seed. Lists are all of one
/// cluster more often than rows near each other are.
fn region(order: &[u32], lists: &[u32], size: usize, within: &mut [bool]) {
    let mut added = HashSet::new();
    for row in order {
        let list = lists[*row as usize];
        added.insert(list);
        within[list as usize] = true;
        if added.len() >= size {
            break;
        }
    }
}
