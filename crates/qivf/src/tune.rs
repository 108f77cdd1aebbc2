//! Learning `b`: how far before its centroid a list's nearest rows may be, for a target and a rank.
//!
//! For sampled queries and each of their true neighbours up to rank K, the `b` is noted that would have opened one of the
//! neighbour's lists before the K-th distance was reached; `b(target, K)` is that sample's target-quantile. Sign codes
//! lose a little too: scans with some of these `b` measure how much, and targets are raised by that before the look-up.

mod truth;

use crate::build::{BuildHost, Crew, Phase};
use crate::error::Result;
use crate::index::Index;
use crate::layout::meta::{Meta, RANKS, TARGETS, Table, Tuning, interpolate};
use crate::layout::{self, PageKind, Pointer, refine};
use crate::query::Query;
use crate::scan::{Candidate, Scan, ScanOptions, lists};
use crate::space::{Metric, Value};
use crate::store::{PageStore, Transaction, WriteStore};
use crate::walk;
use quantize::rotation::SplitMix64;
use std::collections::HashMap;
use std::time::Instant;
use truth::Truth;

/// A query of the sample; a row used as query does not count as its own neighbour.
struct Sampled {
    query: Query,
    itself: Option<Pointer>,
}

/// Learns from `count` rows of the index used as queries.
pub(crate) fn from_rows<S: PageStore>(
    index: &Index<S>,
    crew: &Crew<'_>,
    count: usize,
) -> Result<Tuning> {
    let sample = sample_rows(index, count)?;
    learn(index, crew, sample)
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
    learn(index, &Crew::new(host, threads), sampled)
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

fn learn<S: PageStore>(index: &Index<S>, crew: &Crew<'_>, sample: Vec<Sampled>) -> Result<Tuning> {
    let mut tuning = index.meta().tuning;
    if index.meta().flat || sample.is_empty() || index.space().is_none() {
        return Ok(tuning);
    }
    let truth = truth::neighbours(index, crew, &sample, RANKS[RANKS.len() - 1])?;
    let needed = needed_b(index, &sample, &truth)?;
    crew.host.progress(Phase::Tuning, 1, 3);
    let measured = measure(index, crew, &sample, &truth, &needed)?;
    for (rank, sorted) in needed.iter().enumerate() {
        if sorted.is_empty() {
            continue;
        }
        for (t, target) in TARGETS.iter().enumerate() {
            let share = measured.share_for(rank, *target);
            tuning.b[rank][t] = quantile(sorted, share);
            tuning.lists[rank][t] = measured.at(rank, *target, |m| m.lists);
            tuning.refined[rank][t] = measured.at(rank, *target, |m| m.rows);
        }
    }
    make_monotone(&mut tuning.b);
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

/// The value below which `share` of `sorted` lies, interpolated; a little beyond the last for a share above all.
fn quantile(sorted: &[f32], share: f32) -> f32 {
    let at = share.clamp(0.0, 1.0) * (sorted.len() - 1) as f32;
    let (low, high) = (at.floor() as usize, at.ceil() as usize);
    sorted[low] + (sorted[high] - sorted[low]) * (at - low as f32)
}

/// Per rank, sorted: the `b` each pair of query and neighbour needs.
fn needed_b<S: PageStore>(
    index: &Index<S>,
    sample: &[Sampled],
    truth: &[Truth],
) -> Result<Vec<Vec<f32>>> {
    let homes = homes_of(index, truth)?;
    let Some(space) = index.space() else {
        return Ok(Vec::new());
    };
    let mut needed = vec![Vec::new(); RANKS.len()];
    for (sampled, truth) in sample.iter().zip(truth) {
        let query = &sampled.query;
        // (nearness, radius) of every list any neighbour is in, read once.
        let mut known: HashMap<Pointer, (f32, f32)> = HashMap::new();
        for (rank, k) in RANKS.iter().enumerate() {
            let Some(last) = truth.get(k - 1) else { break };
            let reach = query.key_of(last.distance);
            for neighbour in truth.iter().take(*k) {
                let mut smallest = f32::INFINITY;
                for at in homes.get(&neighbour.at).into_iter().flatten() {
                    let (nearness, radius) = match known.get(at) {
                        Some(known) => *known,
                        None => {
                            let leaf = crate::scan::read_leaf(index.store(), space, query, *at)?;
                            known.insert(*at, (leaf.nearness, leaf.node.radius));
                            (leaf.nearness, leaf.node.radius)
                        }
                    };
                    smallest = smallest.min(b_to_open(query, nearness, radius, reach));
                }
                if smallest.is_finite() {
                    needed[rank].push(smallest);
                }
            }
        }
    }
    needed.iter_mut().for_each(|b| b.sort_by(f32::total_cmp));
    Ok(needed)
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
) -> Result<HashMap<Pointer, Vec<Pointer>>> {
    let mut homes: HashMap<Pointer, Vec<Pointer>> = HashMap::new();
    for neighbour in truth.iter().flatten() {
        homes.entry(neighbour.at).or_default();
    }
    let Some(space) = index.space() else {
        return Ok(homes);
    };
    for at in walk::leaves(index)? {
        let node = lists::with_node(index.store(), space, at, |record| {
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

/// What scans with the `b` of a given share really found.
#[derive(Clone, Copy, Debug, Default)]
struct Measured {
    share: f32,
    recall: f32,
    lists: f32,
    rows: f32,
}

/// Per rank, by ascending share.
struct Measurements(Vec<Vec<Measured>>);

/// Shares at which scans are measured.
const SHARES: [f32; 6] = [0.4, 0.7, 0.85, 0.93, 0.97, 0.99];
/// Ranks (numbers of [`RANKS`]) at which scans are measured; the others take the measurement of the next lower one.
const MEASURED_RANKS: [usize; 2] = [0, 3];

impl Measurements {
    /// `of` where recall is `target`, interpolated between the points measured.
    fn at(&self, rank: usize, target: f32, of: impl Fn(&Measured) -> f32) -> f32 {
        let recalls: Vec<f32> = self.0[rank].iter().map(|m| m.recall).collect();
        let values: Vec<f32> = self.0[rank].iter().map(of).collect();
        if recalls.is_empty() {
            0.0
        } else {
            interpolate(&recalls, &values, target)
        }
    }

    /// The share whose `b` gives recall `target`: interpolated between misses, on a logarithmic scale.
    fn share_for(&self, rank: usize, target: f32) -> f32 {
        let miss = |v: f32| -(1.0 - v).max(1e-4).ln();
        let points = &self.0[rank];
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

fn measure<S: PageStore>(
    index: &Index<S>,
    crew: &Crew<'_>,
    sample: &[Sampled],
    truth: &[Truth],
    needed: &[Vec<f32>],
) -> Result<Measurements> {
    let mut all: Vec<Vec<Measured>> = Vec::new();
    for (rank, k) in RANKS.into_iter().enumerate() {
        let enough = needed.get(rank).is_some_and(|sorted| !sorted.is_empty());
        if !MEASURED_RANKS.contains(&rank) || !enough {
            all.push(all.last().cloned().unwrap_or_default());
            continue;
        }
        let mut points = Vec::new();
        for share in SHARES {
            let b = quantile(&needed[rank], share);
            let mut point = measure_point(index, crew, sample, truth, k, b)?;
            point.share = share;
            points.push(point);
        }
        // Sampling noise must not make the curve fall.
        for i in 1..points.len() {
            points[i].recall = points[i].recall.max(points[i - 1].recall + 1e-6);
        }
        all.push(points);
    }
    Ok(Measurements(all))
}

fn measure_point<S: PageStore>(
    index: &Index<S>,
    crew: &Crew<'_>,
    sample: &[Sampled],
    truth: &[Truth],
    k: usize,
    b: f32,
) -> Result<Measured> {
    let mut sum = Measured::default();
    let mut queries = 0.0f32;
    for (sampled, truth) in sample
        .iter()
        .zip(truth)
        .filter(|(_, truth)| truth.len() >= k)
    {
        crew.host.check_interrupts()?;
        let found = scan_one(index, sampled, b, k)?;
        sum.recall += found.hits(truth, k) as f32 / k as f32;
        sum.lists += found.lists;
        sum.rows += found.rows;
        queries += 1.0;
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

fn scan_one<S: PageStore>(index: &Index<S>, sampled: &Sampled, b: f32, k: usize) -> Result<Found> {
    let borrowed = Index::with_meta(index.store(), index.meta().clone())?;
    let mut scan = Scan::new(borrowed, sampled.query.clone(), ScanOptions::default())?;
    if let Some(itself) = sampled.itself {
        scan.exclude(itself);
    }
    scan.set_b(b, k);
    let tids = scan.settled()?;
    let stats = scan.stats();
    Ok(Found {
        tids,
        lists: stats.lists as f32,
        rows: stats.rows as f32,
    })
}

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
/// A query that is a row of the index does not count itself.
pub fn report<S: PageStore>(
    index: &Index<S>,
    host: &dyn BuildHost,
    threads: usize,
    queries: Option<(&[Value<'_>], Metric)>,
    count: usize,
    k: usize,
    targets: &[f32],
) -> Result<Vec<Report>> {
    let sample = match queries {
        Some((values, metric)) => values
            .iter()
            .map(|v| {
                Ok(Sampled {
                    query: index.query(v, metric)?,
                    itself: None,
                })
            })
            .collect::<Result<Vec<_>>>()?,
        None => sample_rows(index, count)?,
    };
    let crew = Crew::new(host, threads);
    let truth = truth::neighbours(index, &crew, &sample, k)?;
    targets
        .iter()
        .map(|target| report_one(index, &crew, &sample, &truth, k, *target))
        .collect()
}

fn report_one<S: PageStore>(
    index: &Index<S>,
    crew: &Crew<'_>,
    sample: &[Sampled],
    truth: &[Truth],
    k: usize,
    target: f32,
) -> Result<Report> {
    let mut report = Report {
        target,
        ..Report::default()
    };
    let mut squares = 0.0;
    let mut times = Vec::with_capacity(sample.len());
    for (sampled, truth) in sample.iter().zip(truth) {
        let wanted = k.min(truth.len());
        if wanted == 0 || sampled.query.degenerate.is_some() {
            continue;
        }
        crew.host.check_interrupts()?;
        let borrowed = Index::with_meta(index.store(), index.meta().clone())?;
        let options = ScanOptions {
            target,
            ..ScanOptions::default()
        };
        let begun = Instant::now();
        let mut scan = Scan::new(borrowed, sampled.query.clone(), options)?;
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

/// Draws candidates as the executor would for a LIMIT: until a bound lies beyond the `wanted`-th distance drawn.
fn draw<S: PageStore>(scan: &mut Scan<S>, truth: &Truth, wanted: usize) -> Result<Vec<Candidate>> {
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
