//! No bound lies beyond a distance computed in single precision, in whatever order, with or without fused operations.

mod model;

use model::*;
use proptest::prelude::*;
use qivf::{Index, Metric, ScanOptions, Value};

/// Σ f(a, b) in `f32`: forwards, backwards, in eight lanes, by halves.
fn sums(a: &[f32], b: &[f32], f: impl Fn(f32, f32, f32) -> f32) -> Vec<f32> {
    let forwards = a.iter().zip(b).fold(0.0, |s, (x, y)| f(s, *x, *y));
    let backwards = a.iter().zip(b).rev().fold(0.0, |s, (x, y)| f(s, *x, *y));
    let mut lanes = [0.0f32; 8];
    for (i, (x, y)) in a.iter().zip(b).enumerate() {
        lanes[i % 8] = f(lanes[i % 8], *x, *y);
    }
    let terms: Vec<f32> = a.iter().zip(b).map(|(x, y)| f(0.0, *x, *y)).collect();
    fn halves(terms: &[f32]) -> f32 {
        match terms {
            [] => 0.0,
            [one] => *one,
            _ => {
                let (low, high) = terms.split_at(terms.len() / 2);
                halves(low) + halves(high)
            }
        }
    }
    vec![forwards, backwards, lanes.iter().sum(), halves(&terms)]
}

fn products(a: &[f32], b: &[f32]) -> Vec<f32> {
    let mut all = sums(a, b, |s, x, y| s + x * y);
    all.extend(sums(a, b, |s, x, y| x.mul_add(y, s)));
    all
}

/// Every distance that pgvector, or another implementation in `f32`, might compute.
fn computed(q: &[f32], x: &[f32], metric: Metric) -> Vec<f64> {
    match metric {
        Metric::InnerProduct => products(q, x).into_iter().map(|p| -f64::from(p)).collect(),
        Metric::Cosine => {
            let (own, other) = (products(q, q), products(x, x));
            let cosine = |(p, (a, b)): (f32, (&f32, &f32))| {
                1.0 - (f64::from(p) / (f64::from(*a) * f64::from(*b)).sqrt()).clamp(-1.0, 1.0)
            };
            products(q, x)
                .into_iter()
                .zip(own.iter().zip(&other))
                .map(cosine)
                .collect()
        }
        _ => {
            let mut all = sums(q, x, |s, a, b| s + (a - b) * (a - b));
            all.extend(sums(q, x, |s, a, b| (a - b).mul_add(a - b, s)));
            all.into_iter().map(|s| f64::from(s).sqrt()).collect()
        }
    }
}

fn vectors() -> impl Strategy<Value = Vec<Vec<f32>>> {
    // Ordinary, tiny and huge components, and rows that nearly equal the query.
    (1usize..70, -24i32..22, any::<bool>()).prop_flat_map(|(dim, exponent, close)| {
        let scale = 10f32.powi(exponent);
        let spread = if close { 1e-5 } else { 1.0 };
        let one = prop::collection::vec(-1f32..1.0, dim);
        (one.clone(), prop::collection::vec(one, 2..12)).prop_map(move |(centre, rows)| {
            rows.iter()
                .map(|row| {
                    row.iter()
                        .zip(&centre)
                        .map(|(r, c)| (c + spread * r) * scale)
                        .collect()
                })
                .collect()
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn single_precision_never_falls_below(vectors in vectors(), metric in 0..3usize, target in prop::sample::select(vec![0.9f32, 1.0])) {
        let metric = [Metric::L2, Metric::InnerProduct, Metric::Cosine][metric];
        let (query, rows) = vectors.split_first().unwrap();
        let rows: Vec<(u32, Option<Owned>)> = rows.iter().cloned().enumerate().map(|(i, v)| (i as u32, Some(Owned::Float(v)))).collect();
        let store = build(qivf::Element::Float, metric, 1, &rows);
        let index = Index::open(&store).unwrap();
        let prepared = index.query(&Value::Float(query), metric).unwrap();
        let mut scan = index.scan(prepared, ScanOptions { target, ..ScanOptions::default() }).unwrap();
        let mut count = 0;
        while let Some(candidate) = scan.next().unwrap() {
            count += 1;
            let Some(Owned::Float(x)) = &rows[row(candidate.tid) as usize].1 else { unreachable!() };
            for distance in computed(query, x, metric) {
                prop_assert!(
                    distance.is_nan() || candidate.distance <= distance,
                    "{:?}: bound {} beyond {}", metric, candidate.distance, distance
                );
            }
        }
        prop_assert_eq!(count, rows.len());
    }
}

/// Finite numbers of any magnitude, the smallest and the largest among them.
fn any_magnitude() -> impl Strategy<Value = f32> + Clone {
    let any = (-1f32..1.0, -45i32..39).prop_map(|(x, exponent)| {
        let wide = f64::from(x) * 10f64.powi(exponent);
        (wide as f32).clamp(f32::MIN, f32::MAX)
    });
    prop_oneof![
        8 => any,
        1 => prop::sample::select(vec![0.0, f32::MAX, f32::MIN, f32::MIN_POSITIVE, 1e-45, -1e-45, 1.0])
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever the magnitudes, the executor finds no distance below a bound, and at target 1 the order of a sequential scan.
    #[test]
    fn any_finite_magnitude(
        (query, rows) in (1usize..6).prop_flat_map(|dim| {
            let one = prop::collection::vec(any_magnitude(), dim);
            (one.clone(), prop::collection::vec(one, 2..40))
        }),
        metric in prop::sample::select(vec![Metric::L2, Metric::InnerProduct, Metric::Cosine]),
        target in prop::sample::select(vec![0.9f32, 1.0]),
        lists in prop::sample::select(vec![1usize, 3]),
    ) {
        let rows: Vec<(u32, Option<Owned>)> = rows.into_iter().enumerate().map(|(i, v)| (i as u32, Some(Owned::Float(v)))).collect();
        let store = build(qivf::Element::Float, metric, lists, &rows);
        let index = Index::open(&store).unwrap();
        let query = Owned::Float(query);
        let options = ScanOptions { target, ..ScanOptions::default() };
        let mut scan = index.clone().scan(index.query(&query.value(), metric).unwrap(), options).unwrap();
        let Owned::Float(q) = &query else { unreachable!() };
        let mut count = 0;
        while let Some(candidate) = scan.next().unwrap() {
            count += 1;
            let Some(Owned::Float(x)) = &rows[row(candidate.tid) as usize].1 else { unreachable!() };
            let own = distance(&query, &rows[row(candidate.tid) as usize].1.clone().unwrap(), metric);
            for distance in computed(q, x, metric).into_iter().chain([own]) {
                prop_assert!(
                    distance.is_nan() || candidate.distance.is_nan() || candidate.distance <= distance,
                    "{:?}: bound {} beyond {}", metric, candidate.distance, distance
                );
            }
        }
        prop_assert_eq!(count, rows.len());
        if target == 1.0 && distance(&query, &query, Metric::Cosine).is_finite() {
            let found = execute(&index, &rows, &query, metric, options, rows.len());
            assert_same_distances(&found, &expected(&rows, &query, metric, rows.len()), "any magnitude");
        }
    }
}

/// A row whose products with the query are within `f32`, beside one so large that products with its norm are not.
#[test]
fn a_huge_row_beside_others() {
    for metric in [Metric::L2, Metric::InnerProduct, Metric::Cosine] {
        let rows = [vec![-400.0f32, 0.0], vec![0.0, 4.7e36]].map(Owned::Float);
        let rows: Vec<_> = (0..).zip(rows.map(Some)).collect();
        let store = build(qivf::Element::Float, metric, 0, &rows);
        let index = Index::open(&store).unwrap();
        for query in [vec![3e9f32, 0.0], vec![1.0, 1.0], vec![0.0, 0.0]] {
            let query = Owned::Float(query);
            if metric == Metric::Cosine && distance(&query, &query, metric).is_nan() {
                continue;
            }
            let found = execute(&index, &rows, &query, metric, ScanOptions::default(), 2);
            assert_same_distances(&found, &expected(&rows, &query, metric, 2), "huge");
        }
    }
}
