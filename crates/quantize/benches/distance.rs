//! Each kernel at 384 and 1024 dimensions: every instruction set of this CPU, and numkong.
//!
//! `cargo bench -p quantize --bench distance --features numkong`; without the feature the
//! comparison with numkong, whose C takes minutes to compile, is left out.
#![allow(missing_docs)]

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use quantize::distance::{BinaryQuery, Kernels};

const DIMENSIONS: [usize; 2] = [384, 1024];

/// A pair of vectors of each type.
struct Vectors {
    f32: [Vec<f32>; 2],
    i8: [Vec<i8>; 2],
    u8: [Vec<u8>; 2],
    bits: [Vec<u8>; 2],
}

impl Vectors {
    fn new(dimensions: usize) -> Self {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let mut codes = |n: usize| [0; 2].map(|_: i32| (0..n).map(|_| next()).collect::<Vec<u8>>());
        let (u8, bits) = (codes(dimensions), codes(dimensions / 8));
        let i8 = u8
            .clone()
            .map(|v| v.into_iter().map(u8::cast_signed).collect::<Vec<_>>());
        let f32 = i8
            .clone()
            .map(|v| v.into_iter().map(|x| f32::from(x) / 128.0).collect());
        Self { f32, i8, u8, bits }
    }
}

type Group<'a> = BenchmarkGroup<'a, WallTime>;

fn bench<R>(group: &mut Group, set: &str, dimensions: usize, kernel: impl Fn() -> R) {
    group.throughput(Throughput::Elements(dimensions as u64));
    group.bench_function(BenchmarkId::new(set, dimensions), |b| b.iter(&kernel));
}

/// Benchmarks one kernel on every instruction set, then numkong's counterpart where there is one.
macro_rules! kernel {
    ($criterion:ident, $name:ident, $a:ident, $b:ident $(, $numkong:expr)?) => {{
        let mut group = $criterion.benchmark_group(stringify!($name));
        for d in DIMENSIONS {
            let v = Vectors::new(d);
            let (a, b) = (v.$a[0].as_slice(), v.$b[1].as_slice());
            for k in Kernels::available() {
                bench(&mut group, k.name(), d, || k.$name(black_box(a), black_box(b)));
            }
            $(
                #[cfg(feature = "numkong")]
                bench(&mut group, "numkong", d, || $numkong(black_box(a), black_box(b)));
            )?
        }
        group.finish();
    }};
}

/// numkong's type for eight packed bits.
#[cfg(feature = "numkong")]
fn packed(bits: &[u8]) -> Vec<numkong::u1x8> {
    bits.iter().map(|&byte| numkong::u1x8(byte)).collect()
}

fn bits(c: &mut Criterion) {
    kernel!(c, hamming, bits, bits);
    kernel!(c, intersection_union, bits, bits);
    #[cfg(feature = "numkong")]
    for d in DIMENSIONS {
        let [a, b] = Vectors::new(d).bits.map(|bits| packed(&bits));
        let mut group = c.benchmark_group("hamming");
        bench(&mut group, "numkong", d, || {
            numkong::Hamming::hamming(black_box(a.as_slice()), black_box(b.as_slice()))
        });
        group.finish();
        let mut group = c.benchmark_group("intersection_union");
        bench(&mut group, "numkong", d, || {
            numkong::Jaccard::jaccard(black_box(a.as_slice()), black_box(b.as_slice()))
        });
        group.finish();
    }
}

fn codes(c: &mut Criterion) {
    kernel!(c, dot_i8, i8, i8, numkong::Dot::dot);
    kernel!(c, dot_u8, u8, u8, numkong::Dot::dot);
    kernel!(c, dot_and_norm_i8, i8, i8, numkong::Angular::angular);
    kernel!(c, dot_and_norm_u8, u8, u8, numkong::Angular::angular);
    kernel!(c, l2_squared_i8, i8, i8, numkong::Euclidean::sqeuclidean);
    kernel!(c, l2_squared_u8, u8, u8, numkong::Euclidean::sqeuclidean);
    kernel!(c, l1_i8, i8, i8);
    kernel!(c, l1_u8, u8, u8);
}

fn floats(c: &mut Criterion) {
    kernel!(c, dot_f32_i8, f32, i8);
    kernel!(c, dot_f32_u8, f32, u8);
    kernel!(c, dot_f32, f32, f32, numkong::Dot::dot);
    kernel!(c, dot_and_norm_f32, f32, f32, numkong::Angular::angular);
    kernel!(c, l2_squared_f32, f32, f32, numkong::Euclidean::sqeuclidean);
    kernel!(c, l1_f32, f32, f32);
}

fn binary_query(c: &mut Criterion) {
    let mut group = c.benchmark_group("binary_query");
    for d in DIMENSIONS {
        let v = Vectors::new(d);
        let (query, row) = (v.f32[0].as_slice(), v.bits[1].as_slice());
        let prepared = BinaryQuery::new(query);
        bench(&mut group, "new", d, || BinaryQuery::new(black_box(query)));
        bench(&mut group, "dot", d, || prepared.dot(black_box(row)));
    }
    group.finish();
}

fn short() -> Criterion {
    use std::time::Duration;
    Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
}

criterion_group! {
    name = benches;
    config = short();
    targets = bits, codes, floats, binary_query
}
criterion_main!(benches);
