//! Inserts, deletes, vacuums and crashes against a plain vector of rows.

mod model;

use model::*;
use proptest::prelude::*;
use qivf::check::check;
use qivf::insert::{InsertState, insert};
use qivf::memory::MemoryStore;
use qivf::store::{PageStore, WriteStore};
use qivf::vacuum::vacuum;
use qivf::{Element, Index, Metric, ScanOptions};
use quantize::rotation::SplitMix64;
use std::collections::HashSet;

const DIM: usize = 20;

type Rows = Vec<(u32, Option<Owned>)>;

fn random_row(element: Element, generator: &mut SplitMix64) -> Option<Owned> {
    (generator.below(15) > 0).then(|| random(element, DIM, generator))
}

/// No invariant broken, and exactly `rows` in the index.
fn assert_holds(store: &MemoryStore, rows: &Rows) {
    let index = Index::open(store).unwrap();
    let mut ids: Vec<u32> = Vec::new();
    let report = check(&index, |tid, _| ids.push(row(tid))).unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    ids.sort_unstable();
    let mut expected: Vec<u32> = rows.iter().map(|r| r.0).collect();
    expected.sort_unstable();
    assert_eq!(ids, expected);
}

fn assert_finds(
    store: &MemoryStore,
    rows: &Rows,
    element: Element,
    metric: Metric,
    generator: &mut SplitMix64,
) {
    let index = Index::open(store).unwrap();
    let query = loop {
        let query = random(element, DIM, generator);
        if metric != Metric::Cosine || !distance(&query, &query, metric).is_nan() {
            break query;
        }
    };
    let exact = ScanOptions {
        target: 1.0,
        ..ScanOptions::default()
    };
    let found = execute(&index, rows, &query, metric, exact, 10);
    assert_same_distances(&found, &expected(rows, &query, metric, 10), "after changes");
    let found = execute(
        &index,
        rows,
        &query,
        metric,
        ScanOptions::default(),
        usize::MAX,
    );
    assert_eq!(found.len(), rows.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn random_operations(seed in any::<u64>(), kind in 0..KINDS.len(), start in 0u32..300, lists in 0usize..12) {
        let (element, metric) = KINDS[kind];
        let mut generator = SplitMix64::new(seed);
        let mut rows: Rows = (0..start).map(|id| (id, random_row(element, &mut generator))).collect();
        let store = build(element, metric, lists, &rows);
        let mut index = Index::open(&store).unwrap();
        let mut states = [InsertState::new(0), InsertState::new(1), InsertState::new(2)];
        let mut next = start;
        for _ in 0..6 {
            for _ in 0..generator.below(120) {
                let value = random_row(element, &mut generator);
                let state = &mut states[generator.below(3)];
                insert(&mut index, state, tid(next), value.as_ref().map(|v| v.value()).as_ref()).unwrap();
                rows.push((next, value));
                next += 1;
            }
            if generator.below(2) == 0 {
                let dead: HashSet<u32> = rows.iter().map(|r| r.0).filter(|_| generator.below(3) == 0).collect();
                let stats = vacuum(&index, &mut |t| dead.contains(&row(t))).unwrap();
                prop_assert_eq!(stats.removed, dead.len() as u64);
                rows.retain(|r| !dead.contains(&r.0));
                prop_assert_eq!(stats.left, rows.len() as u64);
            }
            assert_holds(&store, &rows);
            if !rows.is_empty() {
                assert_finds(&store, &rows, element, metric, &mut generator);
            }
        }
    }

    #[test]
    fn crash_after_any_commit(seed in any::<u64>(), kind in 0..KINDS.len(), commits in 0u64..160, lists in 0usize..9) {
        let (element, metric) = KINDS[kind];
        let mut generator = SplitMix64::new(seed);
        let mut rows: Rows = (0..60).map(|id| (id, random_row(element, &mut generator))).collect();
        if generator.below(3) == 0 {
            rows.clear();
        }
        let store = build(element, metric, lists, &rows);
        let mut index = Index::open(&store).unwrap();
        let mut state = InsertState::new(0);
        let mut dead: HashSet<u32> = HashSet::new();
        store.crash_after(commits);
        for id in 100..200 {
            let value = random_row(element, &mut generator);
            if insert(&mut index, &mut state, tid(id), value.as_ref().map(|v| v.value()).as_ref()).is_err() {
                break;
            }
            rows.push((id, value));
            if id % 40 == 39 {
                dead = rows.iter().map(|r| r.0).filter(|_| generator.below(2) == 0).collect();
                if vacuum(&index, &mut |t| dead.contains(&row(t))).is_err() {
                    break;
                }
                rows.retain(|r| !dead.contains(&r.0));
                dead.clear();
            }
        }
        store.recover();
        let index = Index::open(&store).unwrap();
        prop_assert_eq!(check(&index, |_, _| {}).unwrap().problems, Vec::<String>::new());
        // The next vacuum finishes what the crash interrupted, and everything works on.
        vacuum(&index, &mut |t| dead.contains(&row(t))).unwrap();
        rows.retain(|r| !dead.contains(&r.0));
        assert_holds(&store, &rows);
        let mut index = index;
        for id in 300..330 {
            let value = random_row(element, &mut generator);
            insert(&mut index, &mut InsertState::new(1), tid(id), value.as_ref().map(|v| v.value()).as_ref()).unwrap();
            rows.push((id, value));
        }
        assert_holds(&store, &rows);
        assert_finds(&store, &rows, element, metric, &mut generator);
    }

    /// Whatever a page holds, everything ends with an answer or an error: no panic, no endless loop.
    #[test]
    fn damaged_pages_are_errors(seed in any::<u64>(), kind in 0..KINDS.len(), lists in 1usize..9) {
        let (element, metric) = KINDS[kind];
        let mut generator = SplitMix64::new(seed);
        let rows: Rows = (0..150).map(|id| (id, random_row(element, &mut generator))).collect();
        let store = build(element, metric, lists, &rows);
        for _ in 0..1 + generator.below(4) {
            let block = generator.below(store.block_count().unwrap() as usize) as u32;
            store.tamper(block, |payload| match generator.below(4) {
                0 => payload.truncate(generator.below(payload.len() + 1)),
                1 => payload.fill(generator.next_u64() as u8),
                _ if payload.is_empty() => {}
                _ => for _ in 0..8 {
                    // Headers matter most.
                    let span = if generator.below(2) == 0 { payload.len().min(64) } else { payload.len() };
                    payload[generator.below(span)] = generator.next_u64() as u8;
                },
            });
        }
        let Ok(mut index) = Index::open(&store) else { return Ok(()) };
        for target in [0.9, 1.0] {
            let query = random(element, DIM, &mut generator);
            if let Ok(prepared) = index.query(&query.value(), metric)
                && let Ok(mut scan) = index.clone().scan(prepared, ScanOptions { target, ..ScanOptions::default() }) {
                for _ in 0..500 {
                    if !matches!(scan.next(), Ok(Some(_))) { break }
                }
            }
        }
        let _ = check(&index, |_, _| {});
        for id in 200..220 {
            let value = random(element, DIM, &mut generator);
            let _ = insert(&mut index, &mut InsertState::new(0), tid(id), Some(&value.value()));
        }
        let _ = vacuum(&index, &mut |t| row(t).is_multiple_of(2));
        let _ = check(&index, |_, _| {});
    }
}

#[test]
fn an_aborted_insert_leaves_nothing_but_room() {
    let store = build(
        Element::Float,
        Metric::L2,
        4,
        &(0..50)
            .map(|id| (id, Some(Owned::Float(vec![id as f32; 4]))))
            .collect::<Vec<_>>(),
    );
    let mut index = Index::open(&store).unwrap();
    store.crash_after(0);
    assert!(
        insert(
            &mut index,
            &mut InsertState::new(0),
            tid(99),
            Some(&qivf::Value::Float(&[1e3; 4]))
        )
        .is_err()
    );
    store.recover();
    let report = check(&index, |tid, _| assert!(row(tid) < 50)).unwrap();
    assert!(report.problems.is_empty() && report.rows == 50);
}

#[test]
fn an_index_on_an_empty_table_learns_its_dimension() {
    let store = build(Element::Float, Metric::Cosine, 0, &[]);
    let mut index = Index::open(&store).unwrap();
    assert!(index.searchable().is_none());
    let mut rows: Rows = Vec::new();
    let mut generator = SplitMix64::new(2);
    for id in 0..400 {
        let value = random(Element::Float, DIM, &mut generator);
        insert(
            &mut index,
            &mut InsertState::new(id as usize % 5),
            tid(id),
            Some(&value.value()),
        )
        .unwrap();
        rows.push((id, Some(value)));
    }
    assert_holds(&store, &rows);
    assert_finds(
        &store,
        &rows,
        Element::Float,
        Metric::Cosine,
        &mut generator,
    );
    let other = insert(
        &mut index,
        &mut InsertState::default(),
        tid(999),
        Some(&qivf::Value::Float(&[1.0; 3])),
    );
    assert!(
        other
            .unwrap_err()
            .to_string()
            .contains("expected 20 dimensions, not 3")
    );
}

#[test]
fn vacuumed_slots_are_used_again() {
    let rows: Rows = (0..2000)
        .map(|id| {
            (
                id,
                Some(Owned::Float(
                    (0..DIM)
                        .map(|i| (id as f32 * 0.37 + i as f32).sin())
                        .collect(),
                )),
            )
        })
        .collect();
    let store = build(Element::Float, Metric::L2, 0, &rows);
    let mut index = Index::open(&store).unwrap();
    let blocks = store.block_count().unwrap();
    for round in 0..4 {
        vacuum(&index, &mut |t| row(t) < 1000).unwrap();
        let mut state = InsertState::new(round);
        for (id, value) in &rows[..1000] {
            insert(
                &mut index,
                &mut state,
                tid(*id),
                value.as_ref().map(|v| v.value()).as_ref(),
            )
            .unwrap();
        }
    }
    assert_holds(&store, &rows);
    let grown = store.block_count().unwrap();
    assert!(
        grown <= blocks + blocks / 5,
        "{blocks} blocks became {grown}"
    );
}

#[test]
fn a_cancel_stops_a_scan_and_a_transaction_can_be_dropped() {
    let rows: Rows = (0..500)
        .map(|id| (id, Some(Owned::Float(vec![id as f32, 1.0]))))
        .collect();
    let store = build(Element::Float, Metric::L2, 5, &rows);
    let index = Index::open(&store).unwrap();
    store.cancel(true);
    let query = index
        .query(&qivf::Value::Float(&[3.0, 1.0]), Metric::L2)
        .unwrap();
    let result = index
        .clone()
        .scan(query, ScanOptions::default())
        .and_then(|mut scan| scan.next().map(|_| ()));
    assert!(result.unwrap_err().to_string().contains("canceling"));
    store.cancel(false);
    let commits = store.commits();
    drop(store.begin().unwrap());
    assert_eq!(store.commits(), commits);
}
