//! Scans against comparing every row.

mod model;

use model::*;
use qivf::check::check;
use qivf::insert::{InsertState, insert};
use qivf::memory::{MemorySpill, MemoryStore};
use qivf::{BuildOptions, Builder, Element, Index, Metric, Order, ScanOptions};
use quantize::rotation::SplitMix64;

fn options(target: f32) -> ScanOptions {
    ScanOptions {
        target,
        ..ScanOptions::default()
    }
}

fn rows(
    element: Element,
    dim: usize,
    count: u32,
    generator: &mut SplitMix64,
) -> Vec<(u32, Option<Owned>)> {
    let mut rows: Vec<(u32, Option<Owned>)> = Vec::new();
    for id in 0..count {
        let value = match generator.below(30) {
            0 => None,
            // A duplicate.
            1 if id > 0 => rows[generator.below(id as usize)].1.clone(),
            _ => Some(random(element, dim, generator)),
        };
        rows.push((id, value));
    }
    rows
}

fn is_degenerate(query: &Owned, metric: Metric) -> bool {
    metric == Metric::Cosine && distance(query, query, Metric::Cosine).is_nan()
}

#[test]
fn target_one_is_exact() {
    for (k, (element, metric)) in KINDS.into_iter().enumerate() {
        for (dim, count, lists) in [
            (1, 50, 3),
            (7, 300, 0),
            (40, 700, 30),
            (65, 400, 1),
            (64, 200, 500),
            (130, 90, 2),
        ] {
            let mut generator = SplitMix64::new(1000 * k as u64 + dim as u64);
            let rows = rows(element, dim, count, &mut generator);
            let store = build(element, metric, lists, &rows);
            let index = Index::open(&store).unwrap();
            let report = check(&index, |_, _| {}).unwrap();
            assert_eq!(
                report.problems,
                Vec::<String>::new(),
                "{element:?} {metric:?} dim {dim}"
            );
            for _ in 0..6 {
                let query = random(element, dim, &mut generator);
                if is_degenerate(&query, metric) {
                    continue;
                }
                for limit in [10, count as usize] {
                    let found = execute(&index, &rows, &query, metric, options(1.0), limit);
                    let context =
                        format!("{element:?} {metric:?} dim {dim} lists {lists} limit {limit}");
                    assert_same_distances(
                        &found,
                        &expected(&rows, &query, metric, limit),
                        &context,
                    );
                }
            }
        }
    }
}

#[test]
fn every_row_comes_once() {
    for (k, (element, metric)) in KINDS.into_iter().enumerate() {
        let mut generator = SplitMix64::new(7 + k as u64);
        let rows = rows(element, 48, 1500, &mut generator);
        let store = build(element, metric, 0, &rows);
        let index = Index::open(&store).unwrap();
        for target in [0.5, 0.95, 1.0] {
            let query = random(element, 48, &mut generator);
            let mut ids: Vec<u32> =
                execute(&index, &rows, &query, metric, options(target), usize::MAX)
                    .into_iter()
                    .map(|(_, id)| id)
                    .collect();
            ids.sort_unstable();
            assert_eq!(
                ids,
                (0..1500).collect::<Vec<_>>(),
                "{element:?} {metric:?} target {target}"
            );
        }
    }
}

#[test]
fn float_queries_on_codes_and_bits() {
    for (element, build_metric, metric) in [
        (Element::Int8, Metric::Cosine, Metric::Cosine),
        (Element::Int8, Metric::InnerProduct, Metric::InnerProduct),
        (Element::UInt8, Metric::InnerProduct, Metric::InnerProduct),
        (Element::UInt8, Metric::Cosine, Metric::Cosine),
        (Element::Binary, Metric::Hamming, Metric::InnerProduct),
        (Element::Binary, Metric::Hamming, Metric::Cosine),
    ] {
        let mut generator = SplitMix64::new(11);
        let rows = rows(element, 72, 600, &mut generator);
        let store = build(element, build_metric, 20, &rows);
        let index = Index::open(&store).unwrap();
        for _ in 0..8 {
            let query = random(Element::Float, 72, &mut generator);
            if is_degenerate(&query, metric) {
                continue;
            }
            for limit in [10, 600] {
                let found = execute(&index, &rows, &query, metric, options(1.0), limit);
                assert_same_distances(
                    &found,
                    &expected(&rows, &query, metric, limit),
                    &format!("{element:?} {metric:?}"),
                );
            }
            let mut ids: Vec<u32> = execute(&index, &rows, &query, metric, options(0.9), 600)
                .into_iter()
                .map(|r| r.1)
                .collect();
            ids.sort_unstable();
            ids.dedup();
            assert_eq!(ids.len(), 600);
        }
    }
}

#[test]
fn degenerate_queries_return_everything() {
    let mut generator = SplitMix64::new(3);
    let rows = rows(Element::Float, 8, 200, &mut generator);
    let store = build(Element::Float, Metric::Cosine, 10, &rows);
    let index = Index::open(&store).unwrap();
    let zero = index
        .query(&qivf::Value::Float(&[0.0; 8]), Metric::Cosine)
        .unwrap();
    for (query, null) in [(zero, false), (qivf::Query::null(), true)] {
        let mut scan = index.clone().scan(query, options(0.95)).unwrap();
        let mut ids = Vec::new();
        while let Some(candidate) = scan.next().unwrap() {
            assert!(candidate.distance == f64::INFINITY && candidate.exact);
            let is_null = rows[row(candidate.tid) as usize].1.is_none();
            assert_eq!(candidate.null, null || is_null);
            ids.push(row(candidate.tid));
        }
        ids.sort_unstable();
        assert_eq!(ids, (0..200).collect::<Vec<_>>());
    }
}

#[test]
fn tiny_and_odd_tables() {
    let one = vec![(0, Some(Owned::Float(vec![1.0, 2.0])))];
    let same: Vec<_> = (0..3000)
        .map(|i| (i, Some(Owned::Float(vec![0.5, -2.0, 3.0]))))
        .collect();
    let zeros: Vec<_> = (0..2000)
        .map(|i| (i, Some(Owned::Float(vec![0.0; 5]))))
        .collect();
    let nulls: Vec<_> = (0..3000).map(|i| (i, None)).collect();
    for metric in [Metric::L2, Metric::InnerProduct, Metric::Cosine] {
        for (rows, dim) in [(&one, 2), (&same, 3), (&zeros, 5), (&nulls, 4)] {
            for lists in [0, 1, 2, 50] {
                let store = build(Element::Float, metric, lists, rows);
                let index = Index::open(&store).unwrap();
                assert!(check(&index, |_, _| {}).unwrap().problems.is_empty());
                let query = Owned::Float((0..dim).map(|i| i as f32 - 0.7).collect());
                for target in [0.9, 1.0] {
                    let found = execute(&index, rows, &query, metric, options(target), usize::MAX);
                    assert_eq!(
                        found.len(),
                        rows.len(),
                        "{metric:?} lists {lists} target {target}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_largest_dimensions() {
    let mut generator = SplitMix64::new(5);
    for (element, metric, dim) in [
        (Element::Float, Metric::L2, 8000),
        (Element::Int8, Metric::Cosine, 8000),
        (Element::Binary, Metric::Hamming, 60_000),
    ] {
        let rows: Vec<_> = (0..24)
            .map(|id| (id, Some(random(element, dim, &mut generator))))
            .collect();
        for lists in [1, 4] {
            let store = build(element, metric, lists, &rows);
            let index = Index::open(&store).unwrap();
            assert_eq!(
                check(&index, |_, _| {}).unwrap().problems,
                Vec::<String>::new()
            );
            let query = random(element, dim, &mut generator);
            for target in [0.9, 1.0] {
                let found = execute(&index, &rows, &query, metric, options(target), 24);
                assert_eq!(found.len(), 24);
                if target == 1.0 {
                    assert_same_distances(&found, &expected(&rows, &query, metric, 24), "largest");
                }
            }
        }
        let mut spill = qivf::memory::MemorySpill::default();
        let options = qivf::BuildOptions::new(element, metric);
        assert!(qivf::Builder::new(options, Some(dim + 1000), &mut spill).is_err());
    }
}

#[test]
fn strict_order_never_goes_back() {
    let mut generator = SplitMix64::new(17);
    let rows = rows(Element::Float, 32, 2000, &mut generator);
    let store = build(Element::Float, Metric::L2, 0, &rows);
    let index = Index::open(&store).unwrap();
    for _ in 0..5 {
        let query = random(Element::Float, 32, &mut generator);
        let prepared = index.query(&query.value(), Metric::L2).unwrap();
        let strict = ScanOptions {
            target: 0.5,
            order: Order::Strict,
            ..ScanOptions::default()
        };
        let mut scan = index.clone().scan(prepared, strict).unwrap();
        let mut last = f64::NEG_INFINITY;
        while let Some(candidate) = scan.next().unwrap() {
            if !candidate.distance.is_nan() {
                assert!(candidate.distance >= last);
                last = candidate.distance;
            }
        }
    }
}

#[test]
fn recall_asked_for_is_recall_got() {
    let mut generator = SplitMix64::new(23);
    let rows: Vec<_> = (0..6000)
        .map(|id| (id, Some(random(Element::Float, 24, &mut generator))))
        .collect();
    for root_leaves in [8192, 16] {
        let mut built = BuildOptions::new(Element::Float, Metric::L2);
        built.root_leaves = root_leaves;
        let store = build_with(built, &rows);
        // As a backend opens it, and as one that comes for the first time.
        for index in [
            Index::open(&store).unwrap(),
            Index::open_with(&store, &mut None).unwrap(),
        ] {
            for target in [0.8, 0.9, 0.95] {
                let mut hits = 0;
                for _ in 0..200 {
                    let query = random(Element::Float, 24, &mut generator);
                    let truth = expected(&rows, &query, Metric::L2, 10);
                    let found = execute(&index, &rows, &query, Metric::L2, options(target), 10);
                    hits += found.iter().filter(|(d, _)| *d <= truth[9] + 1e-9).count();
                }
                let recall = hits as f32 / 2000.0;
                let context = format!("target {target}, inner nodes above {root_leaves}");
                assert!(recall > target - 0.04, "{context}: {recall}");
            }
        }
    }
}

/// What lists a graph finds for the rows is as good as what matrix products find: as few codes are scored for a recall.
#[test]
fn a_graph_finds_the_lists_as_well() {
    for (element, metric) in [
        (Element::Float, Metric::L2),
        (Element::Float, Metric::Cosine),
        (Element::Binary, Metric::Hamming),
    ] {
        let mut generator = SplitMix64::new(31);
        let rows: Vec<_> = (0..6000)
            .map(|id| (id, Some(random(element, 24, &mut generator))))
            .collect();
        let queries: Vec<_> = (0..200)
            .map(|_| random(element, 24, &mut generator))
            .collect();
        let [products, graph] = [usize::MAX, 1].map(|graph_lists| {
            let mut built = BuildOptions::new(element, metric);
            (built.lists, built.graph_lists) = (300, graph_lists);
            let store = build_with(built, &rows);
            let index = Index::open(&store).unwrap();
            let report = check(&index, |_, _| {}).unwrap();
            assert_eq!(report.problems, Vec::<String>::new());
            let mut effort = (0, 0);
            for query in &queries {
                let truth = expected(&rows, query, metric, 10);
                let found = execute(&index, &rows, query, metric, options(0.95), 10);
                effort.0 += found.iter().filter(|(d, _)| *d <= truth[9] + 1e-9).count();
                let prepared = index.query(&query.value(), metric).unwrap();
                let mut scan = index.clone().scan(prepared, options(0.95)).unwrap();
                for _ in 0..10 {
                    scan.next().unwrap();
                }
                effort.1 += scan.stats().codes;
            }
            effort
        });
        let context = format!("{element:?} {metric:?}: {products:?}, {graph:?}");
        assert!(graph.0 + 40 >= products.0, "{context}");
        assert!(graph.1 as f64 <= 1.1 * products.1 as f64, "{context}");
    }
}

/// A build that was cancelled while threads add to the graph, or look rows up in it, ends with that error.
#[test]
fn a_build_with_a_graph_can_be_cancelled() {
    struct Cancelled(std::cell::Cell<usize>);
    impl qivf::BuildHost for Cancelled {
        fn check_interrupts(&self) -> qivf::Result<()> {
            let left = self.0.get();
            self.0.set(left.saturating_sub(1));
            match left {
                0 => Err(qivf::Error::Store("cancelled".into())),
                _ => Ok(()),
            }
        }
    }
    let mut generator = SplitMix64::new(37);
    let rows: Vec<_> = (0..3000)
        .map(|_| random(Element::Float, 24, &mut generator))
        .collect();
    for threads in [1, 3] {
        for checks in (0..60).step_by(3) {
            let mut options = BuildOptions::new(Element::Float, Metric::L2);
            (options.graph_lists, options.threads) = (1, threads);
            let mut spill = MemorySpill::default();
            let mut builder = Builder::new(options, None, &mut spill).unwrap();
            for (id, row) in rows.iter().enumerate() {
                builder.push(tid(id as u32), Some(&row.value())).unwrap();
            }
            let host = Cancelled(checks.into());
            let built = builder.finish(&mut MemoryStore::new(), &host);
            assert!(matches!(built, Err(qivf::Error::Store(_))) || host.0.get() > 0);
        }
    }
}

#[test]
fn inner_nodes_lose_nothing() {
    for (k, (element, metric)) in KINDS.into_iter().enumerate() {
        let mut generator = SplitMix64::new(70 + k as u64);
        let all = rows(element, 48, 1700, &mut generator);
        let mut built = BuildOptions::new(element, metric);
        (built.lists, built.root_leaves, built.tuning_queries) = (90, 8, 20);
        let store = build_with(built, &all[..1500]);
        let mut kept = None;
        let mut index = Index::open_with(&store, &mut kept).unwrap();
        for (id, value) in &all[1500..] {
            let value = value.as_ref().map(Owned::value);
            let mut state = InsertState::new(0);
            insert(&mut index, &mut state, tid(*id), value.as_ref()).unwrap();
        }
        let report = check(&index, |_, _| {}).unwrap();
        assert!(report.inner_nodes > 8, "{report:?}");
        assert_eq!(report.problems, Vec::<String>::new());
        let query = random(element, 48, &mut generator);
        let again = Index::open_with(&store, &mut kept).unwrap();
        for (index, target) in [(&index, 0.5), (&again, 0.95), (&index, 1.0)] {
            let found = execute(index, &all, &query, metric, options(target), usize::MAX);
            let mut ids: Vec<u32> = found.iter().map(|(_, id)| *id).collect();
            ids.sort_unstable();
            assert_eq!(ids, (0..1700).collect::<Vec<_>>(), "{element:?} {metric:?}");
            if target == 1.0 {
                let truth = expected(&all, &query, metric, usize::MAX);
                assert_same_distances(&found, &truth, "with inner nodes");
            }
        }
    }
}

/// What was kept of one index is no use for another, nor after it was built anew.
#[test]
fn what_is_kept_is_checked() {
    let mut generator = SplitMix64::new(29);
    let mut kept = None;
    for (build_id, dim) in [(1, 20), (2, 20), (3, 33)] {
        let rows = rows(Element::Float, dim, 1200, &mut generator);
        let mut built = BuildOptions::new(Element::Float, Metric::L2);
        (built.build_id, built.tuning_queries) = (build_id, 20);
        let store = build_with(built, &rows);
        let index = Index::open_with(&store, &mut kept).unwrap();
        let query = random(Element::Float, dim, &mut generator);
        let found = execute(&index, &rows, &query, Metric::L2, options(0.99), 10);
        let truth = expected(&rows, &query, Metric::L2, 10);
        let hits = found.iter().filter(|(d, _)| *d <= truth[9] + 1e-9).count();
        assert!(hits >= 8, "{hits} of 10 for build {build_id}");
    }
}
