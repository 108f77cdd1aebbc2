//! A plain vector of rows, and an executor on top of a scan: what an index is compared with.

#![allow(dead_code)]

use qivf::memory::{MemorySpill, MemoryStore};
use qivf::{BuildOptions, Builder, Element, Index, Metric, Scan, ScanOptions, Tid, Value};
use quantize::rotation::SplitMix64;

/// An owned value.
#[derive(Clone, Debug, PartialEq)]
pub enum Owned {
    Float(Vec<f32>),
    Int8(Vec<i8>),
    UInt8(Vec<u8>),
    Binary(Vec<u8>, usize),
}

impl Owned {
    pub fn value(&self) -> Value<'_> {
        match self {
            Self::Float(v) => Value::Float(v),
            Self::Int8(v) => Value::Int8(v),
            Self::UInt8(v) => Value::UInt8(v),
            Self::Binary(v, d) => Value::Binary(v, *d),
        }
    }

    fn wide(&self) -> Vec<f64> {
        match self {
            Self::Float(v) => v.iter().map(|&x| f64::from(x)).collect(),
            Self::Int8(v) => v.iter().map(|&x| f64::from(x)).collect(),
            Self::UInt8(v) => v.iter().map(|&x| f64::from(x)).collect(),
            Self::Binary(v, d) => (0..*d)
                .map(|i| {
                    if v[i / 8] << (i % 8) & 0x80 != 0 {
                        1.0
                    } else {
                        -1.0
                    }
                })
                .collect(),
        }
    }
}

/// The distance by its definition.
pub fn distance(a: &Owned, b: &Owned, metric: Metric) -> f64 {
    let (a, b) = (a.wide(), b.wide());
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let distance = match metric {
        Metric::InnerProduct => -dot(&a, &b),
        Metric::Cosine => 1.0 - dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt(),
        Metric::L2 => a
            .iter()
            .zip(&b)
            .map(|(x, y)| (x - y) * (x - y))
            .sum::<f64>()
            .sqrt(),
        Metric::Hamming => a.iter().zip(&b).filter(|(x, y)| x != y).count() as f64,
    };
    // 0/0 may be −NaN, which would sort first.
    if distance.is_nan() {
        f64::NAN
    } else {
        distance
    }
}

/// All pairs of element and metric an index can have.
pub const KINDS: [(Element, Metric); 10] = [
    (Element::Float, Metric::L2),
    (Element::Float, Metric::InnerProduct),
    (Element::Float, Metric::Cosine),
    (Element::Int8, Metric::L2),
    (Element::Int8, Metric::InnerProduct),
    (Element::Int8, Metric::Cosine),
    (Element::UInt8, Metric::L2),
    (Element::UInt8, Metric::InnerProduct),
    (Element::UInt8, Metric::Cosine),
    (Element::Binary, Metric::Hamming),
];

/// A random value near one of a few centres; sometimes all zeros.
pub fn random(element: Element, dim: usize, generator: &mut SplitMix64) -> Owned {
    let centre = generator.below(8) as u64;
    let zero = generator.below(40) == 0;
    let mut around = SplitMix64::new(centre);
    let mut draw = |spread: usize| {
        let base = around.below(200) as i64 - 100;
        if zero {
            0
        } else {
            base + generator.below(spread) as i64 - spread as i64 / 2
        }
    };
    match element {
        Element::Float => Owned::Float((0..dim).map(|_| draw(60) as f32 / 37.0).collect()),
        Element::Int8 => Owned::Int8((0..dim).map(|_| draw(50).clamp(-128, 127) as i8).collect()),
        Element::UInt8 => Owned::UInt8(
            (0..dim)
                .map(|_| (draw(50) + if zero { 0 } else { 128 }).clamp(0, 255) as u8)
                .collect(),
        ),
        Element::Binary => {
            let mut bits = vec![0u8; dim.div_ceil(8)];
            for i in 0..dim {
                bits[i / 8] |= u8::from(draw(150) > 0) << (7 - i % 8);
            }
            Owned::Binary(bits, dim)
        }
    }
}

pub fn tid(row: u32) -> Tid {
    let b = row.to_le_bytes();
    [b[0], b[1], b[2], b[3], 1, 0]
}

pub fn row(tid: Tid) -> u32 {
    u32::from_le_bytes([tid[0], tid[1], tid[2], tid[3]])
}

/// Builds an index over `rows`; `None` is NULL.
pub fn build(
    element: Element,
    metric: Metric,
    lists: usize,
    rows: &[(u32, Option<Owned>)],
) -> MemoryStore {
    let mut options = BuildOptions::new(element, metric);
    options.lists = lists;
    options.tuning_queries = 20;
    // Small, so that rows spill.
    options.memory = 40_000;
    build_with(options, rows)
}

/// The same with other options.
pub fn build_with(options: BuildOptions, rows: &[(u32, Option<Owned>)]) -> MemoryStore {
    let mut spill = MemorySpill::default();
    let mut builder = Builder::new(options, None, &mut spill).unwrap();
    for (id, value) in rows {
        builder
            .push(tid(*id), value.as_ref().map(|v| v.value()).as_ref())
            .unwrap();
    }
    let mut store = MemoryStore::new();
    builder.finish(&mut store, &()).unwrap();
    store
}

/// What the executor does with a scan and no LIMIT: rechecks, reorders, and fails on a bound that is wrong.
pub fn execute(
    index: &Index<&MemoryStore>,
    rows: &[(u32, Option<Owned>)],
    query: &Owned,
    metric: Metric,
    options: ScanOptions,
    limit: usize,
) -> Vec<(f64, u32)> {
    let prepared = index.query(&query.value(), metric).unwrap();
    let mut scan: Scan<&MemoryStore> = index.clone().scan(prepared, options).unwrap();
    let mut out: Vec<(f64, u32)> = Vec::new();
    let mut waiting: Vec<(f64, u32)> = Vec::new();
    while let Some(candidate) = scan.next().unwrap() {
        let id = row(candidate.tid);
        let value = rows
            .iter()
            .find(|(i, _)| *i == id)
            .and_then(|(_, v)| v.as_ref());
        let exact = value.map_or(f64::NAN, |v| distance(query, v, metric));
        if candidate.distance.is_nan() {
            assert!(
                exact.is_nan() || value.is_none(),
                "no distance for row {id}"
            );
        } else {
            assert!(
                candidate.distance <= exact + 1e-9 * exact.abs().max(1.0) || exact.is_nan(),
                "row {id}: {} beyond {exact}",
                candidate.distance
            );
        }
        if candidate.exact && !exact.is_nan() {
            assert!((candidate.distance - exact).abs() <= 1e-9 * exact.abs().max(1.0));
        }
        waiting.sort_by(|a, b| a.0.total_cmp(&b.0));
        let ready = waiting
            .iter()
            .take_while(|w| w.0 <= candidate.distance || candidate.distance.is_nan())
            .count();
        out.extend(waiting.drain(..ready));
        if out.len() >= limit {
            out.truncate(limit);
            return out;
        }
        waiting.push((exact, id));
    }
    waiting.sort_by(|a, b| a.0.total_cmp(&b.0));
    out.extend(waiting);
    out.truncate(limit);
    out
}

/// Row numbers by distance, from the definition.
pub fn expected(
    rows: &[(u32, Option<Owned>)],
    query: &Owned,
    metric: Metric,
    limit: usize,
) -> Vec<f64> {
    let mut all: Vec<f64> = rows
        .iter()
        .map(|(_, v)| v.as_ref().map_or(f64::NAN, |v| distance(query, v, metric)))
        .collect();
    all.sort_by(f64::total_cmp);
    all.truncate(limit);
    all
}

pub fn assert_same_distances(found: &[(f64, u32)], expected: &[f64], context: &str) {
    assert_eq!(found.len(), expected.len(), "{context}");
    for (i, ((f, id), e)) in found.iter().zip(expected).enumerate() {
        let same = (f.is_nan() && e.is_nan()) || (f - e).abs() <= 1e-5 * e.abs().max(1.0);
        assert!(same, "{context}: place {i}: row {id} at {f}, expected {e}");
    }
}
