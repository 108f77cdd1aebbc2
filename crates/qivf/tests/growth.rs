//! Indexes that grow: lists split under inserts, searches, vacuums and crashes, against a plain vector of rows.

mod model;

use model::*;
use proptest::prelude::*;
use qivf::check::{CheckReport, check};
use qivf::grow::maintain;
use qivf::insert::{InsertState, insert};
use qivf::memory::MemoryStore;
use qivf::vacuum::vacuum;
use qivf::{BuildOptions, Element, Index, Metric, ScanOptions};
use quantize::rotation::SplitMix64;
use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;

const DIM: usize = 20;

type Rows = Vec<(u32, Option<Owned>)>;

/// Short lists, so that few rows split them.
fn options(element: Element, metric: Metric) -> BuildOptions {
    BuildOptions {
        entries_per_list: 6,
        tuning_queries: 0,
        ..BuildOptions::new(element, metric)
    }
}

fn random_row(element: Element, generator: &mut SplitMix64) -> Option<Owned> {
    (generator.below(30) > 0).then(|| random(element, DIM, generator))
}

fn add(
    store: &MemoryStore,
    state: &mut InsertState,
    id: u32,
    value: &Option<Owned>,
) -> qivf::Result<()> {
    let mut index = Index::open(store)?;
    insert(
        &mut index,
        state,
        tid(id),
        value.as_ref().map(|v| v.value()).as_ref(),
    )
}

/// No invariant broken, and exactly `rows` in the index.
fn assert_holds(store: &MemoryStore, rows: &Rows) -> CheckReport {
    let index = Index::open(store).unwrap();
    let mut ids: Vec<u32> = Vec::new();
    let report = check(&index, |tid, _| ids.push(row(tid))).unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    ids.sort_unstable();
    let mut expected: Vec<u32> = rows.iter().map(|r| r.0).collect();
    expected.sort_unstable();
    assert_eq!(ids, expected);
    report
}

/// A query that has a nearest row.
fn query(element: Element, metric: Metric, generator: &mut SplitMix64) -> Owned {
    loop {
        let query = random(element, DIM, generator);
        if metric != Metric::Cosine || !distance(&query, &query, metric).is_nan() {
            return query;
        }
    }
}

/// The nearest exactly at target 1, and every row once at a lower one.
fn assert_finds(
    index: &Index<&MemoryStore>,
    rows: &Rows,
    kind: (Element, Metric),
    generator: &mut SplitMix64,
) {
    assert_eq!(finds(index, rows, kind, generator), rows.len());
}

/// The same, where there may be a row more, that of an insert on its way. How many rows were found.
fn finds(
    index: &Index<&MemoryStore>,
    rows: &Rows,
    (element, metric): (Element, Metric),
    generator: &mut SplitMix64,
) -> usize {
    let query = query(element, metric, generator);
    let exact = ScanOptions {
        target: 1.0,
        ..ScanOptions::default()
    };
    let found = execute(index, rows, &query, metric, exact, 10);
    assert_same_distances(&found, &expected(rows, &query, metric, 10), "nearest");
    let found = execute(
        index,
        rows,
        &query,
        metric,
        ScanOptions::default(),
        usize::MAX,
    );
    let ids: HashSet<u32> = found.iter().map(|(_, id)| *id).collect();
    assert_eq!(found.len(), ids.len(), "a row came twice");
    assert!(rows.iter().all(|(id, _)| ids.contains(id)));
    found.len()
}

fn lists(store: &MemoryStore) -> usize {
    let meta = Index::open(store).unwrap().meta().clone();
    if meta.flat { 0 } else { meta.lists as usize }
}

#[test]
fn an_index_made_before_its_rows_gets_lists() {
    for kind @ (element, metric) in KINDS {
        let mut generator = SplitMix64::new(5);
        let store = build_with(options(element, metric), &[]);
        let mut state = InsertState::new(0);
        let mut rows = Rows::new();
        for id in 0..1500 {
            let value = random_row(element, &mut generator);
            add(&store, &mut state, id, &value).unwrap();
            rows.push((id, value));
        }
        let report = assert_holds(&store, &rows);
        assert!(lists(&store) > 100, "{kind:?}: {} lists", lists(&store));
        assert_eq!((report.leftover, report.single_homed), (0, 0), "{kind:?}");
        let index = Index::open_with(&store, &mut None).unwrap();
        assert_finds(&index, &rows, kind, &mut generator);
    }
}

#[test]
fn rows_that_are_the_same_can_not_be_parted() {
    let store = build_with(options(Element::Float, Metric::L2), &[]);
    let mut state = InsertState::new(0);
    let same = Some(Owned::Float(vec![1.5; DIM]));
    let rows: Rows = (0..1200).map(|id| (id, same.clone())).collect();
    for (id, value) in &rows {
        add(&store, &mut state, *id, value).unwrap();
    }
    assert_eq!(lists(&store), 0);
    assert_holds(&store, &rows);
    // Others come, and the same go on coming.
    let mut generator = SplitMix64::new(1);
    let mut rows = rows;
    for id in 2000..3500 {
        let value = if id % 3 > 0 {
            random_row(Element::Float, &mut generator)
        } else {
            same.clone()
        };
        add(&store, &mut state, id, &value).unwrap();
        rows.push((id, value));
    }
    assert!(lists(&store) > 30);
    assert_holds(&store, &rows);
    let index = Index::open(&store).unwrap();
    assert_finds(&index, &rows, (Element::Float, Metric::L2), &mut generator);
}

#[test]
fn a_flat_index_that_was_asked_for_stays_flat() {
    let options = BuildOptions {
        lists: 1,
        ..options(Element::Float, Metric::L2)
    };
    let store = build_with(options, &[]);
    let mut generator = SplitMix64::new(1);
    let mut state = InsertState::new(0);
    for id in 0..600 {
        add(
            &store,
            &mut state,
            id,
            &random_row(Element::Float, &mut generator),
        )
        .unwrap();
    }
    assert_eq!(lists(&store), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn crash_after_any_commit(seed in any::<u64>(), kind in 0..KINDS.len(), start in 0u32..600, commits in 0u64..400) {
        let kind @ (element, metric) = KINDS[kind];
        let mut generator = SplitMix64::new(seed);
        let mut rows: Rows = (0..start).map(|id| (id, random_row(element, &mut generator))).collect();
        let store = build_with(options(element, metric), &[]);
        let mut state = InsertState::new(0);
        for (id, value) in &rows {
            add(&store, &mut state, *id, value).unwrap();
        }
        let mut dead: HashSet<u32> = HashSet::new();
        store.crash_after(commits);
        for id in 1000..1300 {
            let value = random_row(element, &mut generator);
            let added = add(&store, &mut state, id, &value);
            if added.is_err() {
                // The crash may have come after the row was written.
                let index = Index::open(&store).unwrap();
                let mut there = false;
                check(&index, |t, _| there |= row(t) == id).unwrap();
                rows.extend(there.then_some((id, value)));
                break;
            }
            rows.push((id, value));
            if id % 100 == 99 {
                dead = rows.iter().map(|r| r.0).filter(|_| generator.below(3) == 0).collect();
                let index = Index::open(&store).unwrap();
                if vacuum(&index, &mut |t| dead.contains(&row(t))).is_err() {
                    break;
                }
                if maintain(&store, &(), 1).is_err() {
                    rows.retain(|r| !dead.contains(&r.0));
                    dead.clear();
                    break;
                }
                rows.retain(|r| !dead.contains(&r.0));
                dead.clear();
            }
        }
        store.recover();
        // Searches miss nothing before anything is tidied; rows that a vacuum was about to remove may be there or not.
        let index = Index::open_with(&store, &mut None).unwrap();
        prop_assert_eq!(check(&index, |_, _| {}).unwrap().problems, Vec::<String>::new());
        if dead.is_empty() {
            assert_finds(&index, &rows, kind, &mut generator);
        }
        vacuum(&index, &mut |t| dead.contains(&row(t))).unwrap();
        rows.retain(|r| !dead.contains(&r.0));
        for id in 2000..2100 {
            let value = random_row(element, &mut generator);
            add(&store, &mut InsertState::new(1), id, &value).unwrap();
            rows.push((id, value));
        }
        let report = assert_holds(&store, &rows);
        prop_assert!(report.leftover == 0 || lists(&store) > 0);
        let index = Index::open(&store).unwrap();
        assert_finds(&index, &rows, kind, &mut generator);
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Before every transaction and between the pages that a search reads, another session inserts, searches or vacuums.
    #[test]
    fn sessions_interleave(seed in any::<u64>(), kind in 0..KINDS.len(), start in 0u32..400) {
        let kind @ (element, metric) = KINDS[kind];
        let mut generator = SplitMix64::new(seed);
        let store = build_with(options(element, metric), &[]);
        let rows: Rc<RefCell<Rows>> = Rc::default();
        let mut state = InsertState::new(0);
        for id in 0..start {
            let value = random_row(element, &mut generator);
            add(&store, &mut state, id, &value).unwrap();
            rows.borrow_mut().push((id, value));
        }
        let others = rows.clone();
        let mut other = SplitMix64::new(seed ^ 1);
        let mut other_state = InsertState::new(0);
        let mut next = 10_000;
        store.meanwhile(Some(Box::new(move |store| {
            match other.below(if next < 11_500 { 300 } else { 100_000 }) {
                0..30 => {
                    for _ in 0..1 + other.below(3) {
                        let value = random_row(element, &mut other);
                        add(store, &mut other_state, next, &value).unwrap();
                        others.borrow_mut().push((next, value));
                        next += 1;
                    }
                }
                30 => {
                    let index = Index::open(store).unwrap();
                    let rows = others.borrow().clone();
                    assert!(finds(&index, &rows, kind, &mut other) <= rows.len() + 1);
                }
                31 => {
                    let index = Index::open(store).unwrap();
                    // It gives up where it would wait for the other session.
                    let _ = vacuum(&index, &mut |_| false);
                    if other.below(12) == 0 {
                        let _ = maintain(store, &(), 1);
                    }
                }
                _ => {}
            }
        })));
        let mut kept = None;
        for round in 0..40 {
            for id in 0..4 {
                let id = 1000 + round * 4 + id;
                let value = random_row(element, &mut generator);
                add(&store, &mut state, id, &value).unwrap();
                rows.borrow_mut().push((id, value));
            }
            // A search of what is there when it begins; what comes meanwhile may be found or not.
            let index = Index::open_with(&store, &mut kept).unwrap();
            let before = rows.borrow().clone();
            let target = if generator.below(2) == 0 { 1.0 } else { 0.9 };
            let query = query(element, metric, &mut generator);
            let prepared = index.query(&query.value(), metric).unwrap();
            let mut scan = index.scan(prepared, ScanOptions { target, ..ScanOptions::default() }).unwrap();
            let mut found = Vec::new();
            while let Some(candidate) = scan.next().unwrap() {
                found.push(row(candidate.tid));
            }
            if round % 20 == 19 {
                maintain(&store, &(), 1).unwrap();
            }
            let ids: HashSet<u32> = found.iter().copied().collect();
            prop_assert_eq!(ids.len(), found.len(), "a row came twice");
            for (id, _) in &before {
                prop_assert!(ids.contains(id), "row {} is missing", id);
            }
        }
        store.meanwhile(None);
        let rows = rows.borrow().clone();
        assert_holds(&store, &rows);
        let index = Index::open(&store).unwrap();
        vacuum(&index, &mut |_| false).unwrap();
        maintain(&store, &(), 1).unwrap();
        let report = assert_holds(&store, &rows);
        prop_assert_eq!((report.single_homed, report.leftover), (0, 0));
        assert_finds(&index, &rows, kind, &mut generator);
    }
}
