//! Evidence for the constants of the index, on embeddings in `.npy` files (float16 or float32, two dimensions).
//!
//! `cargo run --release -p qivf --example evidence -- base.npy queries.npy [lists …]`
//!
//! The queries are held out; neighbours are computed here by comparing everything. For each number of lists (0 = the
//! default; with a `g` behind it, assigned by a graph): build time and phases, pages, and per target what scans for the
//! ten (and hundred) nearest do and find. Before that, what an HNSW graph in the same process does (`usearch`, with the
//! defaults of pgvector; `--features numkong` gives it the SIMD kernels that it has elsewhere).

#[path = "npy/mod.rs"]
mod npy;

use ndarray::{Array2, Axis};
use qivf::memory::{MemorySpill, MemoryStore};
use qivf::store::PageStore;
use qivf::{BuildHost, BuildOptions, Builder, Element, Index, Metric, ScanOptions, Tid, Value};
use std::cell::RefCell;
use std::time::Instant;
use usearch::{IndexOptions, MetricKind, ScalarKind};

struct Clock(RefCell<Vec<(String, Instant)>>);

impl BuildHost for Clock {
    fn progress(&self, phase: qivf::Phase, _: u64, _: u64) {
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

/// The least of three times in µs, and the last result: other processes disturb one run, seldom all.
fn timed<T>(run: impl Fn() -> T) -> (f64, T) {
    let once = || {
        let start = Instant::now();
        let result = run();
        (start.elapsed().as_secs_f64() * 1e6, result)
    };
    let (a, b, (c, result)) = (once().0, once().0, once());
    (a.min(b).min(c), result)
}

/// HNSW over the same floats.
fn baseline(base: &Array2<f32>, queries: &Array2<f32>, truth: &[Vec<f32>], from: usize) {
    let options = IndexOptions {
        dimensions: base.ncols(),
        metric: MetricKind::IP,
        quantization: ScalarKind::F32,
        connectivity: 16,
        expansion_add: 64,
        expansion_search: 40,
        multi: false,
    };
    let graph = usearch::Index::new(&options).unwrap();
    graph.reserve_capacity_and_threads(base.nrows(), 1).unwrap();
    let start = Instant::now();
    for (i, row) in base.rows().into_iter().enumerate() {
        graph.add(i as u64, row.as_slice().unwrap()).unwrap();
    }
    println!(
        "HNSW ({} kernels): {:.2?} in all, one thread",
        graph.hardware_acceleration(),
        start.elapsed()
    );
    for expansion in [20, 40, 80, 160, 320] {
        graph.change_expansion_search(expansion);
        let (mut hits, mut time) = (0, 0.0);
        for (q, truth) in queries.rows().into_iter().zip(truth).skip(from) {
            let (least, found) = timed(|| graph.search(q.as_slice().unwrap(), 10).unwrap());
            let near = |key: &u64| 1.0 - base.row(*key as usize).dot(&q);
            hits += found
                .keys
                .iter()
                .filter(|k| near(k) <= truth[9] + 1e-6)
                .count();
            time += least;
        }
        let n = (queries.nrows() - from) as f64;
        println!(
            "  held out k  10 expansion {expansion}: recall {:.4}; {:.0} µs",
            hits as f64 / (10.0 * n),
            time / n
        );
    }
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
    baseline(&base, &queries, &truth, half);
    let mut counts = arguments[2..].to_vec();
    if counts.is_empty() {
        counts.push("0".into());
    }
    for count in counts {
        let lists = count.trim_end_matches('g').parse().unwrap();
        let start = Instant::now();
        let mut spill = MemorySpill::default();
        let mut options = BuildOptions::new(Element::Float, Metric::Cosine);
        options.lists = lists;
        if count.ends_with('g') {
            options.graph_lists = 0;
        }
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
            "  thresholds at 0.9 0.95 0.99, K = 10: {:?}; inner nodes: {:?}",
            [5, 7, 10].map(|t| meta.tuning.threshold[0][t]),
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
                    let row = queries.row(q);
                    let (time, (found, stats, n)) =
                        timed(|| search(&index, &base, row.as_slice().unwrap(), k, target));
                    least += time;
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
