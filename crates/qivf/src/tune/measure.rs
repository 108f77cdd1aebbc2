//! What scans find with the effort of some shares, and from that the share a target needs.

use super::needed::Needed;
use super::pairs::WHOLE;
use super::sample::Sampled;
use super::truth::Truth;
use crate::error::Result;
use crate::index::Searchable;
use crate::layout;
use crate::layout::meta::{Effort, RANKS, interpolate};
use crate::scan::{ScanOptions, Search};
use crate::store::PageStore;
use crate::workers::Workers;

/// What scans with the effort of a given share really found.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Measured {
    share: f32,
    recall: f32,
    pub lists: f32,
    pub rows: f32,
}

/// By ascending share, for the lowest rank and for a higher one.
pub(super) struct Measurements([Vec<Measured>; 2]);

/// Shares at which scans are measured.
const SHARES: [f32; 6] = [0.4, 0.7, 0.85, 0.93, 0.97, 0.99];
/// Neighbours looked for in one measurement: fewer queries do for higher ranks.
const PAIRS: usize = 8000;
/// Rows refined in one measurement, about ten times what it takes where rows differ. Among thousands of equal rows every scan
/// compares them all, and a few queries must do.
const ENOUGH_ROWS: f32 = 200_000.0;
/// Ranks (numbers of [`RANKS`]) at which scans are measured.
const MEASURED_RANKS: [usize; 2] = [0, 3];

impl Measurements {
    /// `of` where recall is `target`, interpolated between the points measured.
    fn at(points: &[Measured], target: f32, of: impl Fn(&Measured) -> f32) -> Option<f32> {
        let recalls: Vec<f32> = points.iter().map(|m| m.recall).collect();
        let values: Vec<f32> = points.iter().map(of).collect();
        (!points.is_empty()).then(|| interpolate(&recalls, &values, target))
    }

    /// Lists opened, for ranks at which that was measured.
    pub(super) fn lists_for(&self, rank: usize, target: f32) -> Option<f32> {
        let points = self.0.first().filter(|_| rank < WHOLE)?;
        Self::at(points, target, |m| m.lists)
    }

    /// Rows refined: beyond the highest rank measured in proportion.
    pub(super) fn rows_for(&self, rank: usize, target: f32) -> f32 {
        let higher = usize::from(rank >= WHOLE && !self.0[1].is_empty());
        let rows = Self::at(&self.0[higher], target, |m| m.rows);
        let ratio = RANKS[rank] as f32 / RANKS[MEASURED_RANKS[higher]] as f32;
        rows.unwrap_or(0.0) * ratio.max(1.0)
    }

    /// The share whose effort gives recall `target`: interpolated between misses, on a logarithmic scale.
    pub(super) fn share_for(&self, target: f32) -> f32 {
        let miss = |v: f32| -(1.0 - v).max(1e-4).ln();
        let points = &self.0[0];
        let Some(last) = points.last() else {
            return target;
        };
        if target >= last.recall {
            // Beyond the last point: keep its proportion of misses.
            return 1.0
                - (1.0 - last.share) * ((1.0 - target) / (1.0 - last.recall).max(1e-4)).min(1.0);
        }
        let recalls: Vec<f32> = points.iter().map(|m| miss(m.recall)).collect();
        let shares: Vec<f32> = points.iter().map(|m| miss(m.share)).collect();
        1.0 - (-interpolate(&recalls, &shares, miss(target))).exp()
    }
}

pub(super) fn measure<S: PageStore>(
    index: &Searchable<S>,
    workers: &Workers<'_>,
    sample: &[Sampled],
    truth: &[Truth],
    needed: &Needed,
) -> Result<Measurements> {
    let mut all = [Vec::new(), Vec::new()];
    for (all, rank) in all.iter_mut().zip(MEASURED_RANKS) {
        let k = RANKS[rank];
        if !needed.knows(rank) {
            continue;
        }
        let mut points = Vec::new();
        for share in SHARES {
            let effort = needed.quantile(rank, share, 0.0);
            let mut point = measure_point(index, workers, sample, truth, k, effort)?;
            point.share = share;
            points.push(point);
        }
        // Sampling noise must not make the curve fall.
        for i in 1..points.len() {
            points[i].recall = points[i].recall.max(points[i - 1].recall + 1e-6);
        }
        *all = points;
    }
    Ok(Measurements(all))
}

fn measure_point<S: PageStore>(
    index: &Searchable<S>,
    workers: &Workers<'_>,
    sample: &[Sampled],
    truth: &[Truth],
    k: usize,
    effort: Effort,
) -> Result<Measured> {
    let mut sum = Measured::default();
    let mut queries = 0.0f32;
    let enough = sample
        .iter()
        .zip(truth)
        .filter(|(_, truth)| truth.len() >= k);
    for (sampled, truth) in enough.take(PAIRS / k) {
        workers.host.check_interrupts()?;
        let found = scan_one(index, sampled, effort, k)?;
        sum.recall += found.hits(truth, k) as f32 / k as f32;
        sum.lists += found.lists;
        sum.rows += found.rows;
        queries += 1.0;
        if sum.rows > ENOUGH_ROWS {
            break;
        }
    }
    let queries = queries.max(1.0);
    Ok(Measured {
        share: 0.0,
        recall: sum.recall / queries,
        lists: sum.lists / queries,
        rows: sum.rows / queries,
    })
}

/// What one scan returned for a rank.
struct Found {
    tids: Vec<layout::Tid>,
    lists: f32,
    rows: f32,
}

impl Found {
    fn hits(&self, truth: &Truth, k: usize) -> usize {
        truth
            .iter()
            .take(k)
            .filter(|n| self.tids.contains(&n.tid))
            .count()
    }
}

fn scan_one<S: PageStore>(
    index: &Searchable<S>,
    sampled: &Sampled,
    effort: Effort,
    k: usize,
) -> Result<Found> {
    let mut scan = Search::new(
        index.by_ref(),
        sampled.query.clone(),
        ScanOptions::default(),
    )?;
    if let Some(itself) = sampled.itself {
        scan.exclude(itself);
    }
    scan.set_effort(effort, k);
    let tids = scan.settled()?;
    let stats = scan.stats();
    Ok(Found {
        tids,
        lists: stats.lists as f32,
        rows: stats.rows as f32,
    })
}
