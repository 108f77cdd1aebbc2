//! Recall and effort where a condition of the caller's own drops rows, and for large LIMITs.
//!
//! `cargo run --release -p qivf --example filters -- base.npy queries.npy [skip [count]]`
//! `cargo run --release -p qivf --example filters -- clusters [topics [rows [dimensions]]]`
//!
//! Conditions keep a share of all rows: at random; those of some topics, that of the query among them ("near"); or of some
//! topics but that ("far"). Topics are the regions around random rows, or the clusters. Neighbours are computed here.

#[path = "npy/mod.rs"]
mod npy;

use ndarray::{Array2, Axis};
use qivf::memory::{MemorySpill, MemoryStore};
use qivf::{BuildOptions, Builder, Element, Index, Metric, ScanOptions, Tid, Value};
use quantize::rotation::SplitMix64;
use std::time::Instant;

fn tid(row: usize) -> Tid {
    let mut tid = [0; 6];
    tid[..4].copy_from_slice(&(row as u32).to_le_bytes());
    tid
}

fn row(tid: Tid) -> usize {
    u32::from_le_bytes([tid[0], tid[1], tid[2], tid[3]]) as usize
}

/// Nanoseconds of processor time that this thread has had, or of the clock where the system does not say.
fn processor() -> f64 {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let first = text.split_whitespace().next().and_then(|n| n.parse().ok());
    first.unwrap_or_else(|| START.elapsed().as_nanos() as f64)
}

/// Rows of `topics` clusters, each component off its centre by up to 0.25, and queries like them.
fn clusters(topics: usize, rows: usize, dim: usize, queries: usize) -> [Array2<f32>; 2] {
    let mut generator = SplitMix64::new(1);
    let mut uniform = || generator.below(1 << 24) as f32 / (1 << 24) as f32;
    let mut centre = || uniform() + uniform() + uniform() - 1.5;
    let centres = Array2::from_shape_simple_fn((topics, dim), &mut centre);
    let mut draw = |count| {
        Array2::from_shape_fn((count, dim), |(i, j)| {
            centres[(i % topics, j)] + (uniform() - 0.5) * 0.5
        })
    };
    [draw(rows), draw(queries)]
}

/// Of every row and query, the nearest of `seeds`.
fn topics(rows: &Array2<f32>, seeds: &Array2<f32>) -> Vec<usize> {
    let mut all = Vec::new();
    for chunk in rows.axis_chunks_iter(Axis(0), 1024) {
        for dots in chunk.dot(&seeds.t()).rows() {
            let nearest = (0..dots.len()).max_by(|a, b| dots[*a].total_cmp(&dots[*b]));
            all.push(nearest.unwrap());
        }
    }
    all
}

/// What the executor does for `WHERE … ORDER BY … LIMIT k`.
fn search(
    index: &Index<&MemoryStore>,
    distances: &[f32],
    (q, keep): (&[f32], &[bool]),
    k: usize,
    target: f32,
) -> (Vec<f32>, qivf::ScanStats) {
    let query = index.query(&Value::Float(q), Metric::Cosine).unwrap();
    let options = ScanOptions {
        target,
        ..ScanOptions::default()
    };
    let mut scan = index.clone().scan(query, options).unwrap();
    let mut nearest: Vec<f32> = Vec::new();
    while let Some(candidate) = scan.next().unwrap() {
        if nearest.len() >= k && candidate.distance > f64::from(nearest[k - 1]) {
            break;
        }
        let row = row(candidate.tid);
        if keep[row] {
            let distance = distances[row];
            let at = nearest.partition_point(|d| *d <= distance);
            nearest.insert(at, distance);
        }
    }
    nearest.truncate(k);
    (nearest, scan.stats())
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize, or: usize| arguments.get(i).map_or(or, |a| a.parse().unwrap());
    let clustered = arguments[0] == "clusters";
    let [mut base, mut queries] = if clustered {
        clusters(number(1, 40), number(2, 12_000), number(3, 64), 80)
    } else {
        let (skip, count) = (number(2, 0), number(3, 60));
        let queries = npy::read(&arguments[1]).unwrap();
        let queries = queries.slice(ndarray::s![skip..skip + count, ..]);
        [npy::read(&arguments[0]).unwrap(), queries.to_owned()]
    };
    for mut row in base.rows_mut().into_iter().chain(queries.rows_mut()) {
        let norm = row.dot(&row).sqrt();
        row /= norm;
    }
    let mut spill = MemorySpill::default();
    let options = BuildOptions::new(Element::Float, Metric::Cosine);
    let mut builder = Builder::new(options, Some(base.ncols()), &mut spill).unwrap();
    for (i, row) in base.rows().into_iter().enumerate() {
        let value = Value::Float(row.as_slice().unwrap());
        builder.push(tid(i), Some(&value)).unwrap();
    }
    let mut store = MemoryStore::new();
    let start = Instant::now();
    let meta = builder.finish(&mut store, &()).unwrap();
    println!(
        "{} rows, {} lists, built in {:.2?}; {:?}",
        base.nrows(),
        meta.lists,
        start.elapsed(),
        meta.tuning.rule
    );
    for (rank, (thresholds, lists)) in meta
        .tuning
        .threshold
        .iter()
        .zip(&meta.tuning.lists)
        .enumerate()
    {
        let at = [5, 7, 10].map(|t| (thresholds[t], lists[t]));
        println!("  rank {}: {at:?}", 10 << rank);
    }
    let index = Index::open_with(&store, &mut None).unwrap();
    let distances = 1.0 - queries.dot(&base.t());
    let mut generator = SplitMix64::new(7);
    let all = base.nrows();
    let mut conditions: Vec<(String, Vec<Vec<bool>>)> =
        vec![("none".into(), vec![vec![true; all]; queries.nrows()])];
    for share in [0.5f64, 0.1, 0.01, 0.001] {
        if all as f64 * share >= 40.0 {
            let mut random = || {
                (0..all)
                    .map(|_| (generator.next_u64() as f64) < share * 1.8446744e19)
                    .collect()
            };
            let keep = (0..queries.nrows()).map(|_| random()).collect();
            conditions.push((format!("{share}"), keep));
        }
    }
    for (share, count) in [(0.5f64, 40), (0.1, 40), (0.01, 200), (0.001, 1000)] {
        let count = if clustered { number(1, 40) } else { count };
        if share * (count as f64) < 0.9 || all < 30 * count {
            continue;
        }
        let seeds = match clustered {
            true => base.slice(ndarray::s![..count, ..]).to_owned(),
            false => {
                let rows: Vec<usize> = (0..count).map(|_| generator.below(all)).collect();
                base.select(Axis(0), &rows)
            }
        };
        let (of_rows, of_queries) = (topics(&base, &seeds), topics(&queries, &seeds));
        for near in [true, false] {
            let mut keep = Vec::new();
            for own in &of_queries {
                let mut others: Vec<usize> = (0..count).filter(|t| t != own).collect();
                for i in 0..others.len() {
                    let other = i + generator.below(others.len() - i);
                    others.swap(i, other);
                }
                if near {
                    others.insert(0, *own);
                }
                others.truncate(((share * count as f64).round() as usize).max(1));
                keep.push(of_rows.iter().map(|t| others.contains(t)).collect());
            }
            let name = if near { "near" } else { "far" };
            conditions.push((format!("{share} {name}"), keep));
        }
    }
    for (name, keep) in &conditions {
        for k in [10, 100, 1000] {
            print!("{name:10} {k:5}");
            for target in [0.9, 0.95, 0.99] {
                let (mut hits, mut codes, mut rows, mut time, mut n) = (0, 0, 0, 0.0, 0.0f64);
                for (q, keep) in keep.iter().enumerate() {
                    let distances = distances.row(q);
                    let distances = distances.as_slice().unwrap();
                    let kept = distances.iter().zip(keep).filter(|(_, keep)| **keep);
                    let mut truth: Vec<f32> = kept.map(|(d, _)| *d).collect();
                    if truth.len() < k {
                        continue;
                    }
                    truth.select_nth_unstable_by(k - 1, f32::total_cmp);
                    let query = queries.row(q);
                    let query = (query.as_slice().unwrap(), keep.as_slice());
                    let start = processor();
                    let (found, stats) = search(&index, distances, query, k, target);
                    time += (processor() - start) / 1e3;
                    hits += found.iter().filter(|d| **d <= truth[k - 1] + 1e-6).count();
                    codes += stats.codes;
                    rows += stats.rows;
                    n += 1.0;
                }
                if n == 0.0 {
                    continue;
                }
                print!(
                    " | {:.3} {:7.0} codes {:6.0} rows {:6.0} µs",
                    hits as f64 / (n * k as f64),
                    codes as f64 / n,
                    rows as f64 / n,
                    time / n
                );
            }
            println!();
        }
    }
}
