//! Evidence for the constants of the index, on embeddings in `.npy` files (float16 or float32, two dimensions).
//!
//! `cargo run --release -p qivf --example evidence -- base.npy queries.npy [lists …]`
//!
//! The queries are held out; neighbours are computed here by comparing everything. For each number of lists (0 = the
//! default): build time and phases, pages, and per target what scans for the ten (and hundred) nearest do and find.

#[path = "npy/mod.rs"]
mod npy;

use ndarray::{Array2, Axis};
use qivf::memory::{MemorySpill, MemoryStore};
use qivf::store::PageStore;
use qivf::{BuildHost, BuildOptions, Builder, Element, Index, Metric, ScanOptions, Tid, Value};
use std::cell::RefCell;
use std::time::Instant;

struct Clock(RefCell<Vec<(String, Instant)>>);

impl BuildHost for Clock {
    fn progress(&self, phase: qivf::build::Phase, _: u64, _: u64) {
        let name = format!("{phase:?}");
        let mut phases = self.0.borrow_mut();
        match phases.last_mut() {
            Some((last, at)) if *last == name => *at = Instant::now(),
            _ => phases.push((name, Instant::now())),
        }
    }
}

fn tid(row: usize) -> Tid {
    let mut tid = [0; 6];
    tid[..4].copy_from_slice(&(row as u32).to_le_bytes());
    tid
}

fn row(tid: Tid) -> usize {
    u32::from_le_bytes([tid[0], tid[1], tid[2], tid[3]]) as usize
}

/// Cosine distances of the 100 nearest of every query.
fn truth(base: &Array2<f32>, queries: &Array2<f32>) -> Vec<Vec<f32>> {
    let mut all = Vec::new();
    for chunk in queries.axis_chunks_iter(Axis(0), 64) {
        for dots in chunk.dot(&base.t()).rows() {
            let mut distances: Vec<f32> = dots.iter().map(|d| 1.0 - d).collect();
            distances.select_nth_unstable_by(100, f32::total_cmp);
            distances.truncate(100);
            distances.sort_by(f32::total_cmp);
            all.push(distances);
        }
    }
    all
}

/// What the executor does for `LIMIT k`: recheck every candidate, stop when a bound lies beyond the k-th distance.
fn search(
    index: &Index<&MemoryStore>,
    base: &Array2<f32>,
    q: &[f32],
    k: usize,
    target: f32,
) -> (Vec<f32>, qivf::ScanStats, usize) {
    let query = index.query(&Value::Float(q), Metric::Cosine).unwrap();
    let options = ScanOptions {
        target,
        ..ScanOptions::default()
    };
    let mut scan = index.clone().scan(query, options).unwrap();
    let mut nearest: Vec<f32> = Vec::new();
    let mut rechecked = 0;
    while let Some(candidate) = scan.next().unwrap() {
        if nearest.len() >= k && candidate.distance > f64::from(nearest[k - 1]) {
            break;
        }
        rechecked += 1;
        let x = base.row(row(candidate.tid));
        let distance = 1.0 - x.iter().zip(q).map(|(a, b)| a * b).sum::<f32>();
        assert!(
            candidate.distance <= f64::from(distance),
            "a bound lies beyond the distance"
        );
        let at = nearest.partition_point(|d| *d <= distance);
        nearest.insert(at, distance);
    }
    nearest.truncate(k);
    (nearest, scan.stats(), rechecked)
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let base = npy::read(&arguments[0]).unwrap();
    let queries = npy::read(&arguments[1]).unwrap();
    let normalised = |mut m: Array2<f32>| {
        for mut row in m.rows_mut() {
            let norm = row.dot(&row).sqrt();
            row /= norm;
        }
        m
    };
    let (base, queries) = (normalised(base), normalised(queries));
    let truth = truth(&base, &queries);
    let half = queries.nrows() / 2;
    let mut counts: Vec<usize> = arguments[2..].iter().map(|a| a.parse().unwrap()).collect();
    if counts.is_empty() {
        counts.push(0);
    }
    for lists in counts {
        let start = Instant::now();
        let mut spill = MemorySpill::default();
        let mut options = BuildOptions::new(Element::Float, Metric::Cosine);
        options.lists = lists;
        let mut builder = Builder::new(options, Some(base.ncols()), &mut spill).unwrap();
        for (i, row) in base.rows().into_iter().enumerate() {
            builder
                .push(tid(i), Some(&Value::Float(row.as_slice().unwrap())))
                .unwrap();
        }
        let encoded = start.elapsed();
        let mut store = MemoryStore::new();
        let clock = Clock(RefCell::new(Vec::new()));
        let meta = builder.finish(&mut store, &clock).unwrap();
        println!(
            "lists {}: {:.2?} in all, encoded {encoded:.2?}; {} pages",
            meta.lists,
            start.elapsed(),
            store.block_count().unwrap()
        );
        for (phase, at) in clock.0.borrow().iter() {
            println!("  {phase} until {:.2?}", *at - start);
        }
        println!(
            "  b at 0.9 0.95 0.99, K = 10: {:?}; inner nodes: {:?}",
            [5, 7, 10].map(|t| meta.tuning.b[0][t]),
            [5, 7, 10].map(|t| meta.tuning.inner[0][t])
        );
        let index = Index::open_with(&store, &mut None).unwrap();
        for (name, from, to) in [("held out", half, queries.nrows()), ("short", 0, half)] {
            for (k, target) in [
                (10, 0.9),
                (10, 0.95),
                (10, 0.98),
                (10, 0.99),
                (100, 0.95),
                (100, 0.99),
                (10, 1.0),
            ] {
                if target == 1.0 && name == "short" {
                    continue;
                }
                let to = if target == 1.0 { from + 50 } else { to };
                let (mut hits, mut sum, mut rechecked) = (0, [0u64; 5], 0);
                let mut least = 0.0;
                for (q, truth) in truth.iter().enumerate().take(to).skip(from) {
                    // The least of three times: other processes disturb one run, seldom all.
                    let mut times = [0.0; 3];
                    let runs = times.each_mut().map(|time| {
                        let start = Instant::now();
                        let run =
                            search(&index, &base, queries.row(q).as_slice().unwrap(), k, target);
                        *time = start.elapsed().as_secs_f64() * 1e6;
                        run
                    });
                    least += times.into_iter().fold(f64::INFINITY, f64::min);
                    let [.., (found, stats, n)] = runs;
                    hits += found.iter().filter(|d| **d <= truth[k - 1] + 1e-6).count();
                    rechecked += n;
                    for (sum, v) in sum.iter_mut().zip([
                        stats.inner,
                        stats.centroids,
                        stats.lists,
                        stats.codes,
                        stats.rows,
                    ]) {
                        *sum += v;
                    }
                }
                let n = (to - from) as f64;
                let [inner, centroids, lists, codes, rows] = sum.map(|s| s as f64 / n);
                println!(
                    "  {name:8} k {k:3} target {target:.2}: recall {:.4}; {inner:.1} inner, {centroids:.0} centroids, {lists:.1} lists, {codes:.0} codes, {rows:.0} rows, {:.1} rechecked; {:.0} µs",
                    hits as f64 / (n * k as f64),
                    rechecked as f64 / n,
                    least / n,
                );
            }
        }
    }
}
