//! What an index costs that grew with its rows, against one built over them: on embeddings in `.npy` files.
//!
//! `cargo run --release -p qivf --example growth -- base.npy queries.npy [text.tsv] [rows]`
//!
//! The second half of the queries is held out. Rows come in random order, and sorted: by the text of the third column of the
//! tab-separated file if one is given, else by the first component. Printed for each: inserts a second and the slowest of a
//! hundred, lists and pages, and what a search for ten finds and scores: after the load, after maintenance, and when built.

#[path = "npy/mod.rs"]
mod npy;

use ndarray::{Array2, Axis};
use qivf::insert::{InsertState, insert};
use qivf::memory::{MemorySpill, MemoryStore};
use qivf::store::PageStore;
use qivf::{BuildOptions, Builder, Element, Index, IndexCache, Metric, ScanOptions, Tid, Value};
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

fn normalised(mut m: Array2<f32>) -> Array2<f32> {
    for mut row in m.rows_mut() {
        let norm = row.dot(&row).sqrt();
        row /= norm;
    }
    m
}

/// The distance of the tenth nearest of every query.
fn truth(base: &Array2<f32>, queries: &Array2<f32>) -> Vec<f32> {
    let mut all = Vec::new();
    for chunk in queries.axis_chunks_iter(Axis(0), 64) {
        for dots in chunk.dot(&base.t()).rows() {
            let mut distances: Vec<f32> = dots.iter().map(|d| 1.0 - d).collect();
            distances.select_nth_unstable_by(9, f32::total_cmp);
            all.push(distances[9]);
        }
    }
    all
}

/// What the executor does for `LIMIT 10`: the distances found.
fn search(
    index: &Index<&MemoryStore>,
    base: &Array2<f32>,
    q: &[f32],
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
        if nearest.len() >= 10 && candidate.distance > f64::from(nearest[9]) {
            break;
        }
        let x = base.row(row(candidate.tid));
        let distance = 1.0 - x.iter().zip(q).map(|(a, b)| a * b).sum::<f32>();
        let at = nearest.partition_point(|d| *d <= distance);
        nearest.insert(at, distance);
    }
    nearest.truncate(10);
    (nearest, scan.stats())
}

fn report(
    name: &str,
    store: &MemoryStore,
    base: &Array2<f32>,
    queries: &Array2<f32>,
    truth: &[f32],
) {
    let index = Index::open_with(store, &mut None).unwrap();
    let meta = index.meta();
    print!(
        "{name:24} lists {:5} pages {:5}",
        if meta.flat { 0 } else { meta.lists },
        store.block_count().unwrap()
    );
    for target in [0.95, 0.99] {
        let (mut hits, mut codes, mut lists, mut time) = (0, 0, 0, 0.0);
        for (q, tenth) in queries.rows().into_iter().zip(truth) {
            let begun = Instant::now();
            let (found, stats) = search(&index, base, q.as_slice().unwrap(), target);
            time += begun.elapsed().as_secs_f64() * 1e6;
            hits += found.iter().filter(|d| **d <= tenth + 1e-6).count();
            codes += stats.codes;
            lists += stats.lists;
        }
        let n = queries.nrows() as f64;
        print!(
            " | {target}: recall {:.4} lists {:6.1} codes {:7.0} {:5.0} µs",
            hits as f64 / (10.0 * n),
            lists as f64 / n,
            codes as f64 / n,
            time / n
        );
    }
    println!();
}

fn build(base: &Array2<f32>) -> MemoryStore {
    let mut spill = MemorySpill::default();
    let options = BuildOptions::new(Element::Float, Metric::Cosine);
    let mut builder = Builder::new(options, Some(base.ncols()), &mut spill).unwrap();
    for (i, row) in base.rows().into_iter().enumerate() {
        let value = Value::Float(row.as_slice().unwrap());
        builder.push(tid(i), Some(&value)).unwrap();
    }
    let mut store = MemoryStore::new();
    builder.finish(&mut store, &()).unwrap();
    store
}

/// An index made before its rows, which come in this order.
fn grow(base: &Array2<f32>, order: &[usize]) -> MemoryStore {
    let mut spill = MemorySpill::default();
    let options = BuildOptions::new(Element::Float, Metric::Cosine);
    let builder = Builder::new(options, None, &mut spill).unwrap();
    let mut store = MemoryStore::new();
    builder.finish(&mut store, &()).unwrap();
    let mut state = InsertState::new(0);
    let mut cache = IndexCache::new(64 << 20);
    let mut times = Vec::with_capacity(order.len());
    let begun = Instant::now();
    for i in order {
        let begun = Instant::now();
        let mut index = cache.open(0, &store).unwrap();
        let value = Value::Float(base.row(*i).to_slice().unwrap());
        insert(&mut index, &mut state, tid(*i), Some(&value)).unwrap();
        if state.takes_lesson() {
            qivf::grow::learn_early(&store, &()).unwrap();
        }
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    let all = begun.elapsed().as_secs_f64();
    times.sort_by(f64::total_cmp);
    println!(
        "{:.0} inserts a second; ms: median {:.3}, p99 {:.2}, p99.9 {:.2}, most {:.1}",
        order.len() as f64 / all,
        times[times.len() / 2],
        times[times.len() * 99 / 100],
        times[times.len() * 999 / 1000],
        times[times.len() - 1]
    );
    store
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut base = normalised(npy::read(&arguments[0]).unwrap());
    let queries = normalised(npy::read(&arguments[1]).unwrap());
    let most = arguments.get(3).map_or(usize::MAX, |n| n.parse().unwrap());
    if most < base.nrows() {
        base = base.slice(ndarray::s![..most, ..]).to_owned();
    }
    let queries = queries
        .slice(ndarray::s![queries.nrows() / 2.., ..])
        .to_owned();
    let truth = truth(&base, &queries);
    let mut shuffled: Vec<usize> = (0..base.nrows()).collect();
    let mut generator = SplitMix64::new(7);
    for i in (1..shuffled.len()).rev() {
        shuffled.swap(i, generator.below(i + 1));
    }
    let mut sorted: Vec<usize> = (0..base.nrows()).collect();
    match arguments.get(2).filter(|path| !path.is_empty()) {
        Some(path) => {
            let text = std::fs::read_to_string(path).unwrap();
            let texts: Vec<&str> = text
                .lines()
                .map(|l| l.split('\t').nth(2).unwrap_or(""))
                .collect();
            sorted.sort_by_key(|i| texts[*i]);
        }
        None => sorted.sort_by(|a, b| base[[*a, 0]].total_cmp(&base[[*b, 0]])),
    }
    report("built", &build(&base), &base, &queries, &truth);
    for (name, order) in [("random", shuffled), ("sorted", sorted)] {
        let store = grow(&base, &order);
        report(&format!("{name}, loaded"), &store, &base, &queries, &truth);
        for round in 1..=2 {
            let begun = Instant::now();
            qivf::grow::maintain(&store, &(), 2).unwrap();
            println!("maintained in {:.1} s", begun.elapsed().as_secs_f64());
            report(
                &format!("{name}, tended {round}"),
                &store,
                &base,
                &queries,
                &truth,
            );
        }
    }
}
