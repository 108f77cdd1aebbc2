//! Every kernel of every instruction set this CPU has equals the portable one, bit for bit; the
//! portable one equals the formula, written out naively.

use proptest::prelude::*;
use quantize::cpu::InstructionSet;
use quantize::distance::{self, BinaryQuery, Kernels};

/// What a vector is filled with.
#[derive(Clone, Copy, Debug)]
enum Fill {
    /// All values of the type; floats: all bit patterns, so NaN and infinities too.
    Any,
    /// Only the ends of the type's range; floats: ±0, the smallest and largest numbers, infinities.
    Extremes,
    /// What embeddings look like: floats in [−1, 1).
    Usual,
}

/// Numbers with no pattern: splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    fn pick<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.next() as usize % values.len()]
    }

    fn u8(&mut self, fill: Fill) -> u8 {
        match fill {
            Fill::Extremes => self.pick(&[0, 255]),
            Fill::Any | Fill::Usual => self.next() as u8,
        }
    }

    fn i8(&mut self, fill: Fill) -> i8 {
        match fill {
            Fill::Extremes => self.pick(&[-128, -128, 127]),
            Fill::Any | Fill::Usual => self.next() as i8,
        }
    }

    fn f32(&mut self, fill: Fill) -> f32 {
        const EXTREMES: [f32; 8] = [
            0.0,
            -0.0,
            f32::MAX,
            f32::MIN,
            f32::from_bits(1),
            f32::MIN_POSITIVE,
            f32::INFINITY,
            f32::NEG_INFINITY,
        ];
        match fill {
            Fill::Any => f32::from_bits(self.next() as u32),
            // Infinities in every vector would leave nothing but NaN to compare.
            Fill::Extremes => {
                let among = if self.next().is_multiple_of(512) {
                    8
                } else {
                    6
                };
                self.pick(&EXTREMES[..among])
            }
            Fill::Usual => (self.next() >> 40) as f32 / (1 << 23) as f32 - 1.0,
        }
    }
}

/// Two vectors to compare, described so that a failure shrinks to a short length.
#[derive(Clone, Debug)]
struct Pair {
    len: usize,
    /// Elements skipped before each vector starts: loads must not rely on alignment.
    skip: [usize; 2],
    fill: Fill,
    seed: u64,
}

impl Pair {
    /// Calls `check` with two unaligned slices filled by `a` and `b`.
    fn with<A, B>(
        &self,
        a: impl Fn(&mut Random, Fill) -> A,
        b: impl Fn(&mut Random, Fill) -> B,
        check: impl FnOnce(&[A], &[B]),
    ) {
        let random = &mut Random(self.seed);
        let a: Vec<A> = (0..self.skip[0] + self.len)
            .map(|_| a(random, self.fill))
            .collect();
        let b: Vec<B> = (0..self.skip[1] + self.len)
            .map(|_| b(random, self.fill))
            .collect();
        check(&a[self.skip[0]..], &b[self.skip[1]..]);
    }
}

fn pairs() -> impl Strategy<Value = Pair> {
    let len = prop_oneof![0..70usize, 0..2100usize];
    let fill = prop_oneof![Just(Fill::Any), Just(Fill::Extremes), Just(Fill::Usual)];
    (len, [0..9usize, 0..9usize], fill, any::<u64>()).prop_map(|(len, skip, fill, seed)| Pair {
        len,
        skip,
        fill,
        seed,
    })
}

/// Equality of results: of bits, except that one NaN is as good as another.
trait Same {
    fn same(&self, other: &Self) -> bool;
}

impl Same for u32 {
    fn same(&self, other: &Self) -> bool {
        self == other
    }
}

impl Same for i32 {
    fn same(&self, other: &Self) -> bool {
        self == other
    }
}

impl Same for f64 {
    fn same(&self, other: &Self) -> bool {
        self.to_bits() == other.to_bits() || (self.is_nan() && other.is_nan())
    }
}

impl<A: Same, B: Same> Same for (A, B) {
    fn same(&self, other: &Self) -> bool {
        self.0.same(&other.0) && self.1.same(&other.1)
    }
}

fn agree<R: Same + std::fmt::Debug>(name: &str, kernel: impl Fn(&Kernels) -> R) {
    let tables = Kernels::available();
    assert_eq!(tables[0].name(), "scalar");
    let expected = kernel(tables[0]);
    for table in &tables[1..] {
        let found = kernel(table);
        let set = table.name();
        assert!(
            found.same(&expected),
            "{name} on {set}: {found:?}, scalar: {expected:?}"
        );
    }
}

fn bits_agree(a: &[u8], b: &[u8]) {
    agree("hamming", |k| k.hamming(a, b));
    agree("intersection_union", |k| k.intersection_union(a, b));
}

fn u8_agree(a: &[u8], b: &[u8]) {
    agree("dot_u8", |k| k.dot_u8(a, b));
    agree("dot_and_norm_u8", |k| k.dot_and_norm_u8(a, b));
    agree("l2_squared_u8", |k| k.l2_squared_u8(a, b));
    agree("l1_u8", |k| k.l1_u8(a, b));
}

fn i8_agree(a: &[i8], b: &[i8]) {
    agree("dot_i8", |k| k.dot_i8(a, b));
    agree("dot_and_norm_i8", |k| k.dot_and_norm_i8(a, b));
    agree("l2_squared_i8", |k| k.l2_squared_i8(a, b));
    agree("l1_i8", |k| k.l1_i8(a, b));
}

fn f32_agree(a: &[f32], b: &[f32]) {
    agree("dot_f32", |k| k.dot_f32(a, b));
    agree("dot_and_norm_f32", |k| k.dot_and_norm_f32(a, b));
    agree("l2_squared_f32", |k| k.l2_squared_f32(a, b));
    agree("l1_f32", |k| k.l1_f32(a, b));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn every_instruction_set_agrees(pair in pairs()) {
        pair.with(Random::u8, Random::u8, bits_agree);
        pair.with(Random::u8, Random::u8, u8_agree);
        pair.with(Random::i8, Random::i8, i8_agree);
        pair.with(Random::f32, Random::f32, f32_agree);
        pair.with(Random::f32, Random::i8, |a, b| agree("dot_f32_i8", |k| k.dot_f32_i8(a, b)));
        pair.with(Random::f32, Random::u8, |a, b| agree("dot_f32_u8", |k| k.dot_f32_u8(a, b)));
    }

    #[test]
    fn scalar_bits_are_counted(pair in pairs()) {
        let scalar = Kernels::available()[0];
        pair.with(Random::u8, Random::u8, |a, b| {
            let pairs = || (0..a.len() * 8).map(|i| (bit(a, i), bit(b, i)));
            let count = |p: fn((bool, bool)) -> bool| pairs().filter(|&x| p(x)).count() as u32;
            assert_eq!(scalar.hamming(a, b), count(|(a, b)| a != b));
            let both_and_either = (count(|(a, b)| a && b), count(|(a, b)| a || b));
            assert_eq!(scalar.intersection_union(a, b), both_and_either);
        });
    }

    #[test]
    fn scalar_integers_follow_the_formula(pair in pairs()) {
        let scalar = Kernels::available()[0];
        pair.with(Random::i8, Random::i8, |a, b| {
            let (a64, b64) = (widen(a), widen(b));
            let (dot, norm, l2, l1) = formulas(&a64, &b64);
            assert_eq!(i64::from(scalar.dot_i8(a, b)), dot);
            assert_eq!(scalar.dot_and_norm_i8(a, b), (dot as i32, norm as u32));
            assert_eq!(i64::from(scalar.l2_squared_i8(a, b)), l2);
            assert_eq!(i64::from(scalar.l1_i8(a, b)), l1);
        });
        pair.with(Random::u8, Random::u8, |a, b| {
            let (a64, b64) = (widen(a), widen(b));
            let (dot, norm, l2, l1) = formulas(&a64, &b64);
            assert_eq!(i64::from(scalar.dot_u8(a, b)), dot);
            assert_eq!(scalar.dot_and_norm_u8(a, b), (dot as u32, norm as u32));
            assert_eq!(i64::from(scalar.l2_squared_u8(a, b)), l2);
            assert_eq!(i64::from(scalar.l1_u8(a, b)), l1);
        });
    }

    #[test]
    fn scalar_floats_follow_the_formula(pair in pairs()) {
        let pair = Pair { fill: Fill::Usual, ..pair };
        let scalar = Kernels::available()[0];
        pair.with(Random::f32, Random::f32, |a, b| {
            assert_near(scalar.dot_f32(a, b), a, b, |x, y| x * y);
            assert_near(scalar.dot_and_norm_f32(a, b).0, a, b, |x, y| x * y);
            assert_near(scalar.dot_and_norm_f32(a, b).1, a, b, |_, y| y * y);
            assert_near(scalar.l2_squared_f32(a, b), a, b, |x, y| (x - y) * (x - y));
            assert_near(scalar.l1_f32(a, b), a, b, |x, y| (x - y).abs());
        });
        pair.with(Random::f32, Random::i8, |a, b| {
            assert_near(scalar.dot_f32_i8(a, b), a, b, |x, y| x * y);
        });
        pair.with(Random::f32, Random::u8, |a, b| {
            assert_near(scalar.dot_f32_u8(a, b), a, b, |x, y| x * y);
        });
    }

    #[test]
    fn binary_query_follows_the_formula(pair in pairs(), stray in any::<u8>()) {
        let pair = Pair { fill: Fill::Usual, ..pair };
        pair.with(Random::f32, Random::u8, |query, random| {
            let mut bits = random[..query.len().div_ceil(8)].to_vec();
            let signs: Vec<f32> = (0..query.len()).map(|i| if bit(&bits, i) { 1.0 } else { -1.0 }).collect();
            let prepared = BinaryQuery::new(query);
            let dot = prepared.dot(&bits);
            assert_near(dot, query, &signs, |x, y| x * y);
            assert_near(prepared.norm().powi(2), query, query, |x, y| x * y);
            if !query.len().is_multiple_of(8) {
                *bits.last_mut().unwrap() ^= stray & (0xff >> (query.len() % 8));
                assert_eq!(prepared.dot(&bits).to_bits(), dot.to_bits());
            }
        });
    }
}

/// Bit `i`, most significant first.
fn bit(bits: &[u8], i: usize) -> bool {
    bits[i / 8] & (0x80 >> (i % 8)) != 0
}

fn widen<T: Copy + Into<i64>>(codes: &[T]) -> Vec<i64> {
    codes.iter().map(|&x| x.into()).collect()
}

/// `(a · b, b · b, squared L2, L1)`.
fn formulas(a: &[i64], b: &[i64]) -> (i64, i64, i64, i64) {
    let mut sums = (0, 0, 0, 0);
    for (a, b) in a.iter().zip(b) {
        sums.0 += a * b;
        sums.1 += b * b;
        sums.2 += (a - b).pow(2);
        sums.3 += (a - b).abs();
    }
    sums
}

/// Both sums err by at most one rounding per term, of at most the sum of the terms' sizes; a term
/// of its own adds three roundings at most.
fn assert_near<A, B>(found: f64, a: &[A], b: &[B], term: impl Fn(f64, f64) -> f64)
where
    A: Copy + Into<f64>,
    B: Copy + Into<f64>,
{
    let terms = a.iter().zip(b).map(|(&a, &b)| term(a.into(), b.into()));
    let (expected, size) = terms.fold((0.0, 0.0), |(sum, size), x| (sum + x, size + x.abs()));
    let error = size * (2 * a.len() + 3) as f64 * f64::EPSILON;
    assert!(
        (found - expected).abs() <= error,
        "{found}, not {expected} ± {error}"
    );
}

#[test]
fn the_longest_vectors_do_not_overflow() {
    const D: usize = 65_535;
    let signed = [vec![-128i8; D], vec![127i8; D]];
    let unsigned = [vec![0u8; D], vec![255u8; D]];
    for k in Kernels::available() {
        assert_eq!(k.dot_i8(&signed[0], &signed[0]), 1_073_725_440);
        assert_eq!(k.dot_i8(&signed[0], &signed[1]), -1_065_336_960);
        assert_eq!(
            k.dot_and_norm_i8(&signed[1], &signed[0]),
            (-1_065_336_960, 1_073_725_440)
        );
        assert_eq!(k.l2_squared_i8(&signed[0], &signed[1]), 4_261_413_375);
        assert_eq!(k.l1_i8(&signed[0], &signed[1]), 16_711_425);
        assert_eq!(k.dot_u8(&unsigned[1], &unsigned[1]), 4_261_413_375);
        assert_eq!(
            k.dot_and_norm_u8(&unsigned[0], &unsigned[1]),
            (0, 4_261_413_375)
        );
        assert_eq!(k.l2_squared_u8(&unsigned[0], &unsigned[1]), 4_261_413_375);
        assert_eq!(k.l1_u8(&unsigned[0], &unsigned[1]), 16_711_425);
        assert_eq!(k.hamming(&unsigned[0], &unsigned[1]), 524_280);
    }
}

#[test]
fn classes_of_values_survive() {
    for k in Kernels::available() {
        for d in [1, 15, 16, 17, 40] {
            let mut a = vec![1.0f32; d];
            let b = vec![1.0f32; d];
            a[d - 1] = f32::NAN;
            assert!(k.dot_f32(&a, &b).is_nan() && k.l1_f32(&b, &a).is_nan());
            assert!(k.dot_f32_i8(&a, &vec![1; d]).is_nan());
            a[d - 1] = f32::NEG_INFINITY;
            assert_eq!(k.dot_f32(&a, &b), f64::NEG_INFINITY);
            assert_eq!(k.l2_squared_f32(&a, &b), f64::INFINITY);
            assert_eq!(k.l1_f32(&b, &a), f64::INFINITY);
            assert_eq!(k.dot_f32_u8(&a, &vec![2; d]), f64::NEG_INFINITY);
        }
        assert_eq!(k.dot_f32(&[], &[]).to_bits(), 0);
        assert_eq!(k.dot_f32(&[-0.0], &[1.0]).to_bits(), 0);
    }
}

/// The order of summation is part of the contract: these bits, computed by a separate program that
/// follows the description in `scalar.rs` and `binary_query.rs`, must never change.
#[test]
fn float_results_are_frozen() {
    let random = &mut Random(7);
    // Magnitudes far apart, so that any other order rounds to other bits.
    let magnitudes = (-30..31).map(|e| 2f32.powi(e)).cycle().take(1003);
    let a: Vec<f32> = magnitudes.map(|m| m * random.f32(Fill::Usual)).collect();
    let b: Vec<f32> = (0..1003).map(|_| random.f32(Fill::Usual)).collect();
    let codes: Vec<i8> = (0..1003).map(|_| random.i8(Fill::Any)).collect();
    let mut bits: Vec<u8> = (0..126).map(|_| random.u8(Fill::Any)).collect();
    let frozen = [
        distance::dot_f32(&a, &b),
        distance::norm_squared_f32(&a),
        distance::l2_squared_f32(&a, &b),
        distance::l1_f32(&a, &b),
        distance::dot_f32_i8(&a, &codes),
    ];
    let golden: [u64; 5] = [
        4747052662856310788,
        4889654463602366794,
        4889654463597931598,
        4759781440708797117,
        13994720885591060793,
    ];
    assert_eq!(frozen.map(f64::to_bits), golden, "{frozen:?}");

    let query = BinaryQuery::new(&a);
    let hash = (0..bits.len()).fold(0u64, |hash, _| {
        let dot = query.dot(&bits);
        bits.rotate_left(1);
        hash.rotate_left(5) ^ dot.to_bits()
    });
    assert_eq!(hash, 7599719788573961572);
}

#[test]
fn binary_query_keeps_classes_and_signs() {
    let query = [f32::INFINITY, 1.0, -2.0];
    let prepared = BinaryQuery::new(&query);
    assert_eq!(prepared.dot(&[0b1000_0000]), f64::INFINITY);
    assert_eq!(prepared.dot(&[0b0110_0000]), f64::NEG_INFINITY);
    assert!(BinaryQuery::new(&[f32::NAN]).dot(&[0]).is_nan());
    assert!(
        BinaryQuery::new(&[f32::INFINITY, f32::INFINITY])
            .dot(&[0b1000_0000])
            .is_nan()
    );
    let exact = BinaryQuery::new(&[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0]);
    assert_eq!(exact.dot(&[0b1000_0001, 0b1000_0000]), 385.0 - 126.0);
    assert_eq!((exact.dimensions(), exact.code_norm()), (9, 3.0));
    assert_eq!(BinaryQuery::new(&[]).dot(&[]).to_bits(), 0);
}

#[test]
fn one_table_is_chosen_of_those_available() {
    let chosen = Kernels::of(InstructionSet::chosen());
    assert!(std::ptr::eq(distance::kernels(), chosen));
    let available = Kernels::available();
    assert!(available.iter().any(|table| std::ptr::eq(*table, chosen)));
    println!("of {available:?}: {chosen:?}");
}
