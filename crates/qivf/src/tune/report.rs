//! How well an index answers: recall and effort, changing nothing.

use super::limits::check_size;
use super::sample::{Sampled, sample_queries, sample_rows};
use super::truth::{self, Truth};
use crate::error::Result;
use crate::index::{Index, Searchable};
use crate::layout;
use crate::scan::{Candidate, ScanOptions, Search};
use crate::space::{Metric, Value};
use crate::store::PageStore;
use crate::workers::{BuildHost, Workers};
use quantize::rotation::SplitMix64;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The time that the queries of one target take at most: those that are left then are not run.
const TIME: Duration = Duration::from_secs(2);
/// Rows compared with queries at most, to know the true neighbours: beyond, fewer queries must do, but some.
const COMPARED: u64 = 30_000_000;
const SOME: usize = 10;

/// Recall and effort at one target, for `recall_report`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Report {
    /// The target asked for.
    pub target: f32,
    /// Share of the true neighbours found.
    pub recall: f32,
    /// Half the width of its 95 % confidence interval (normal approximation over queries).
    pub interval: f32,
    /// Mean time of a query inside the index, in microseconds.
    pub mean_us: f32,
    /// The time that 95 % of the queries stay under, in microseconds.
    pub p95_us: f32,
    /// Mean lists scored per query.
    pub lists: f32,
    /// Mean sign entries scored per query.
    pub codes: f32,
    /// Mean rows refined per query.
    pub rows: f32,
    /// Mean candidates handed out until `k` rows were certain.
    pub candidates: f32,
    /// Queries that counted.
    pub queries: u32,
}

/// Scans for rows or given queries at `target` and compares with the true neighbours. Changes nothing.
///
/// A query that is a row of the index does not count itself. Scans are those of a session that has used the index before:
/// what it keeps of the index is there.
pub fn report<S: PageStore>(
    index: &Index<S>,
    host: &dyn BuildHost,
    threads: usize,
    queries: Option<(&[Value<'_>], Metric)>,
    count: usize,
    k: usize,
    targets: &[f32],
) -> Result<Vec<Report>> {
    check_size(queries.map_or(count, |(values, _)| values.len()), k.max(1))?;
    let Index::Searchable(index) = index else {
        let none = |target: &f32| Report {
            target: *target,
            ..Report::default()
        };
        return Ok(targets.iter().map(none).collect());
    };
    let index = &index.by_ref().with_root_cache()?;
    let mut sample = match queries {
        Some((values, metric)) => sample_queries(index, values, metric)?,
        None => sample_rows(index, count)?,
    };
    shuffle(&mut sample);
    let rows = u64::from(index.store().block_count()?) * index.space().refine.per_page as u64;
    sample.truncate(SOME.max((COMPARED / rows.max(1)) as usize));
    let workers = Workers::new(host, threads);
    let truth = truth::neighbours(index, &workers, &sample, k)?;
    targets
        .iter()
        .map(|target| report_one(index, &workers, &sample, &truth, k, *target))
        .collect()
}

pub(super) fn report_one<S: PageStore>(
    index: &Searchable<S>,
    workers: &Workers<'_>,
    sample: &[Sampled],
    truth: &[Truth],
    k: usize,
    target: f32,
) -> Result<Report> {
    let mut report = Report {
        target,
        ..Report::default()
    };
    let started = Instant::now();
    let mut squares = 0.0;
    let mut times = Vec::with_capacity(sample.len());
    for (sampled, truth) in sample.iter().zip(truth) {
        let wanted = k.min(truth.len());
        if wanted == 0 || sampled.query.degenerate.is_some() {
            continue;
        }
        workers.host.check_interrupts()?;
        if report.queries > 0 && started.elapsed() > TIME {
            break;
        }
        let options = ScanOptions {
            target,
            ..ScanOptions::default()
        };
        let begun = Instant::now();
        let mut scan = Search::new(index.by_ref(), sampled.query.clone(), options)?;
        if let Some(itself) = sampled.itself {
            scan.exclude(itself);
        }
        let found = draw(&mut scan, truth, wanted)?;
        times.push(begun.elapsed().as_secs_f32() * 1e6);
        let stats = scan.stats();
        let hits = truth
            .iter()
            .take(wanted)
            .filter(|n| found.iter().any(|c| c.tid == n.tid))
            .count();
        let recall = hits as f32 / wanted as f32;
        report.recall += recall;
        squares += recall * recall;
        report.lists += stats.lists as f32;
        report.codes += stats.codes as f32;
        report.rows += stats.rows as f32;
        report.candidates += stats.candidates as f32;
        report.queries += 1;
    }
    let n = report.queries.max(1) as f32;
    report.mean_us = times.iter().sum::<f32>() / n;
    times.sort_by(f32::total_cmp);
    report.p95_us = times.get(times.len() * 95 / 100).copied().unwrap_or(0.0);
    for mean in [
        &mut report.recall,
        &mut report.lists,
        &mut report.codes,
        &mut report.rows,
        &mut report.candidates,
    ] {
        *mean /= n;
    }
    let variance = (squares / n - report.recall * report.recall).max(0.0);
    report.interval = 1.96 * (variance / n).sqrt();
    Ok(report)
}

/// Puts queries in a random order, the same each time: whichever come first stand for all.
fn shuffle(sample: &mut [Sampled]) {
    let mut generator = SplitMix64::new(5);
    for i in (1..sample.len()).rev() {
        sample.swap(i, generator.below(i + 1));
    }
}

/// Draws candidates as the executor would for a LIMIT: until a bound lies beyond the `wanted`-th distance drawn.
fn draw<S: PageStore>(
    scan: &mut Search<S>,
    truth: &Truth,
    wanted: usize,
) -> Result<Vec<Candidate>> {
    let known: HashMap<layout::Tid, f64> = truth.iter().map(|n| (n.tid, n.distance)).collect();
    let mut drawn = Vec::new();
    let mut distances: Vec<f64> = Vec::new();
    while let Some(candidate) = scan.next()? {
        if distances.len() >= wanted && candidate.distance > distances[wanted - 1] {
            break;
        }
        // Rows that are no true neighbour lie beyond all of them; where exactly does not matter.
        let beyond = truth.last().map_or(f64::INFINITY, |n| n.distance);
        let distance = known
            .get(&candidate.tid)
            .copied()
            .unwrap_or(candidate.distance.max(beyond));
        let at = distances.partition_point(|d| *d <= distance);
        distances.insert(at, distance);
        drawn.push(candidate);
    }
    Ok(drawn)
}
