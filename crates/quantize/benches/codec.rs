//! What quantizing and calibrating cost for one embedding, at 384 and 1024 dimensions.
#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use quantize::{Ranges, binary, calibration, check_finite, int8};

const DIMENSIONS: [usize; 2] = [384, 1024];

fn embedding(dimensions: usize) -> Vec<f32> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32 - 0.5
    };
    (0..dimensions).map(|_| next()).collect()
}

fn codec(criterion: &mut Criterion) {
    for dimensions in DIMENSIONS {
        let x = embedding(dimensions);
        let ranges = Ranges::new(&vec![-0.4; dimensions], &vec![0.4; dimensions]).expect("fits");
        let mut codes = vec![0; dimensions];
        let mut state = [x.as_slice(), x.as_slice()].concat();
        let mut bench = |name: &str, work: &mut dyn FnMut()| {
            let mut group = criterion.benchmark_group(name);
            group.throughput(Throughput::Elements(dimensions as u64));
            group.bench_function(BenchmarkId::from_parameter(dimensions), |b| {
                b.iter(&mut *work);
            });
        };
        bench("check_finite", &mut || {
            check_finite(black_box(&x)).expect("finite");
        });
        bench("quantize_int8", &mut || {
            int8::quantize_int8(black_box(&x), &ranges, &mut codes).expect("fits");
        });
        bench("quantize_binary", &mut || {
            binary::quantize_binary(black_box(&x), &mut codes).expect("finite");
        });
        bench("widen", &mut || {
            calibration::widen(&mut state, black_box(&x)).expect("fits");
        });
    }
}

criterion_group!(benches, codec);
criterion_main!(benches);
