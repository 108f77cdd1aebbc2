//! Searches that go far: large LIMITs, and callers who keep few of the rows that they are handed.

mod model;

use model::*;
use qivf::{BuildOptions, Element, Index, Metric, ScanOptions};
use quantize::rotation::SplitMix64;
use std::collections::HashMap;

/// Rows of some clusters, each component off its centre by up to a quarter; row `i` is of cluster `i % topics`.
fn clusters(topics: usize, rows: usize, dim: usize) -> (Vec<Vec<f32>>, Vec<Vec<f32>>) {
    let mut generator = SplitMix64::new(5);
    let mut uniform = || generator.below(1 << 20) as f32 / (1 << 20) as f32;
    let mut centre = || uniform() + uniform() + uniform() - 1.5;
    let centres: Vec<Vec<f32>> = (0..topics)
        .map(|_| (0..dim).map(|_| centre()).collect())
        .collect();
    let mut draw = |i: usize| -> Vec<f32> {
        let near = |x: &f32| x + (uniform() - 0.5) * 0.5;
        centres[i % topics].iter().map(near).collect()
    };
    let all = (0..rows).map(&mut draw).collect();
    (all, (0..2 * topics).map(&mut draw).collect())
}

/// Recall of the `k` nearest of the rows kept, as the executor would hand them out.
fn recall(
    index: &Index<&qivf::memory::MemoryStore>,
    rows: &[Vec<f32>],
    query: &[f32],
    kept: &dyn Fn(usize) -> bool,
    (k, target): (usize, f32),
) -> f64 {
    let query = Owned::Float(query.to_vec());
    let of = |x: &Vec<f32>| distance(&query, &Owned::Float(x.clone()), Metric::Cosine);
    let kept_rows = (0..rows.len()).filter(|i| kept(*i));
    let distances: HashMap<usize, f64> = kept_rows.map(|i| (i, of(&rows[i]))).collect();
    let mut truth: Vec<f64> = distances.values().copied().collect();
    truth.sort_by(f64::total_cmp);
    let prepared = index.query(&query.value(), Metric::Cosine).unwrap();
    let options = ScanOptions {
        target,
        ..ScanOptions::default()
    };
    let mut scan = index.clone().scan(prepared, options).unwrap();
    let mut found: Vec<f64> = Vec::new();
    while let Some(candidate) = scan.next().unwrap() {
        if found.len() >= k && candidate.distance > found[k - 1] {
            break;
        }
        if let Some(distance) = distances.get(&(row(candidate.tid) as usize)) {
            found.insert(found.partition_point(|d| d <= distance), *distance);
        }
    }
    let hits = found.iter().take(k).filter(|d| **d <= truth[k - 1]).count();
    hits as f64 / k as f64
}

/// The condition keeps rows of other clusters than the query's, or of few, or the LIMIT goes beyond the cluster.
#[test]
fn recall_asked_for_is_recall_got_under_conditions() {
    let topics = 20;
    let (rows, queries) = clusters(topics, 5000, 32);
    let built: Vec<_> = rows
        .iter()
        .enumerate()
        .map(|(i, x)| (i as u32, Some(Owned::Float(x.clone()))))
        .collect();
    let options = BuildOptions::new(Element::Float, Metric::Cosine);
    let store = build_with(options, &built);
    let index = Index::open_with(&store, &mut None).unwrap();
    for (name, k) in [
        ("none", 10),
        ("none", 400),
        ("half", 10),
        ("others", 10),
        ("one", 10),
    ] {
        let mut before = 0.0;
        for target in [0.9, 0.95, 0.99] {
            let mut sum = 0.0;
            for (i, query) in queries.iter().enumerate() {
                let own = i % topics;
                let kept = |row: usize| match name {
                    "half" => row % topics < topics / 2,
                    "others" => (row % topics + topics - own) % topics > topics / 2,
                    "one" => row % topics == (own + 7) % topics,
                    _ => true,
                };
                sum += recall(&index, &rows, query, &kept, (k, target));
            }
            let recall = sum / queries.len() as f64;
            let context = format!("{name}, LIMIT {k}, target {target}: {recall}");
            assert!(recall > f64::from(target) - 0.03, "{context}");
            assert!(
                recall > before - 0.01,
                "no better than a lower target: {context}"
            );
            before = recall;
        }
    }
}

/// A long list is scored a few times, however many rows are drawn: more often by a logarithm.
#[test]
fn draining_a_long_list_is_not_quadratic() {
    let (rows, queries) = clusters(1, 20_000, 8);
    let built: Vec<_> = rows
        .iter()
        .enumerate()
        .map(|(i, x)| (i as u32, Some(Owned::Float(x.clone()))))
        .collect();
    for lists in [1, 4] {
        let mut options = BuildOptions::new(Element::Float, Metric::L2);
        (options.lists, options.tuning_queries) = (lists, 20);
        let store = build_with(options, &built);
        let index = Index::open(&store).unwrap();
        for target in [0.95, 1.0] {
            for drawn in [10, 1000, 20_000] {
                let query = Owned::Float(queries[0].clone());
                let prepared = index.query(&query.value(), Metric::L2).unwrap();
                let options = ScanOptions {
                    target,
                    ..ScanOptions::default()
                };
                let mut scan = index.clone().scan(prepared, options).unwrap();
                for _ in 0..drawn {
                    scan.next().unwrap().unwrap();
                }
                let stats = scan.stats();
                // Each row has two homes where there are several lists.
                let all = (rows.len() * lists.min(2)) as f64;
                let times = (stats.codes as f64 / all).max(stats.rows as f64 / rows.len() as f64);
                let most = 4.0 + (drawn as f64 / 10.0).log2();
                let context =
                    format!("{lists} lists, target {target}, {drawn} rows: {times} times");
                assert!(times <= most, "{context}");
            }
        }
    }
}
