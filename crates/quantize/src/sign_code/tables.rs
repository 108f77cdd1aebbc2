//! The query's tables.

use super::interleaved::{BLOCK, words};
use super::kernels::{ENTRIES, GroupScores, Kernels, PairTables};
use super::scalar::look_up;
use crate::cpu::InstructionSet;
use crate::wide::wide;

/// Two entries are added within a byte; and a multiple of 1, 2, 3 and 4, so that a query of ±1 loses nothing.
const LARGEST: f32 = 120.0;

/// A query prepared for scoring sign codes.
///
/// With `m = Σ|qᵢ|` and `Δ` the rounding step,
///
/// ```text
/// ⟨s, q⟩ ≈ Δ·Σ_nibbles t[nibble] − m,   t ≤ 120
/// ```
#[derive(Clone, Debug)]
pub struct QueryTables {
    tables: Vec<PairTables>,
    delta: f32,
    sum: f32,
    error: f32,
}

impl QueryTables {
    /// Tabulates the finite vector `q`.
    pub fn new(q: &[f32]) -> Self {
        let nibbles = words(q.len()) * 16;
        let (mut largest, mut sum) = (0.0f32, 0.0f64);
        for four in q.chunks(4) {
            let size = four.iter().map(|x| x.abs()).sum::<f32>();
            largest = largest.max(size);
            sum += f64::from(size);
        }
        let delta = 2.0 * largest / LARGEST;
        let inverse = match delta.is_normal() {
            true => LARGEST / (2.0 * largest),
            false => 0.0,
        };
        let mut tables = vec![[[0; 2 * ENTRIES]; 2]; nibbles / 4];
        let mut squares = 0.0;
        for (nibble, four) in q.chunks(4).enumerate() {
            let mut components = [0.0; 4];
            components[..four.len()].copy_from_slice(four);
            let from = nibble / 2 % 2 * ENTRIES;
            let table = &mut tables[nibble / 4][nibble % 2][from..from + ENTRIES];
            squares += tabulate(&components.map(|x| 2.0 * x * inverse), table);
        }
        Self {
            tables,
            delta,
            sum: sum as f32,
            error: delta * (squares / ENTRIES as f32).sqrt(),
        }
    }

    /// Standard deviation of what rounding adds to ⟨s, q⟩, over all codes.
    pub fn error(&self) -> f32 {
        self.error
    }

    /// ⟨s, q⟩ from a score.
    #[inline(always)]
    pub fn dot(&self, score: u32) -> f32 {
        // Scores are far below 2³¹, and signed numbers convert in vector registers on every CPU.
        self.delta * (score as i32) as f32 - self.sum
    }

    /// [`Self::dot`] of a block.
    #[inline]
    pub fn dots(&self, scores: &[u32; BLOCK]) -> [f32; BLOCK] {
        scores.map(|score| self.dot(score))
    }

    /// Scores a block of codes.
    #[inline]
    pub fn score_block(&self, block: &[u8], out: &mut [u32; BLOCK]) {
        kernels().block(&self.tables, block, out);
    }

    /// Scores two interleaved groups of codes.
    #[inline]
    pub fn score_groups(&self, groups: [&[u8]; 2], out: &mut GroupScores) {
        kernels().groups(&self.tables, groups, out);
    }

    /// Scores one code of little-endian words, not interleaved.
    pub fn score_one(&self, code: &[u8]) -> u32 {
        assert_eq!(code.len(), self.tables.len() * 2);
        let bytes = code.as_chunks::<2>().0.iter().zip(&self.tables);
        bytes
            .map(|(bytes, pair)| look_up(pair, 0, bytes[0]) + look_up(pair, 1, bytes[1]))
            .sum()
    }
}

#[inline]
fn kernels() -> &'static Kernels {
    Kernels::of(InstructionSet::chosen())
}

wide! {
    /// Tabulates 2|xᵢ| summed over the signs that agree, rounded, and returns the sum of what rounding has changed, squared.
    fn tabulate(doubled: &[f32; 4], table: &mut [u8]) -> f32 = tabulate_nibble
}

#[inline(always)]
fn tabulate_nibble(doubled: &[f32; 4], table: &mut [u8]) -> f32 {
    // Adding 2²³ leaves the rounded number in the lowest bits.
    const ROUND: f32 = (1 << 23) as f32;
    let mut sums = [0.0f32; ENTRIES];
    for (i, x) in doubled.iter().enumerate() {
        let (set, unset) = (x.max(0.0), (-x).max(0.0));
        for bits in 0..1 << i {
            sums[bits + (1 << i)] = sums[bits] + set;
            sums[bits] += unset;
        }
    }
    let mut squares = [0.0; ENTRIES];
    for ((entry, sum), square) in table.iter_mut().zip(sums).zip(&mut squares) {
        let shifted = sum.min(LARGEST) + ROUND;
        *entry = shifted.to_bits() as u8;
        *square = (shifted - ROUND - sum) * (shifted - ROUND - sum);
    }
    squares.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::super::interleaved::*;
    use super::super::scalar::{score_block, score_groups};
    use super::*;
    use crate::rotation::SplitMix64;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn kernels_agree(dim in 1usize..70_000, seed in any::<u64>(), shift in 0usize..8) {
            let mut generator = SplitMix64::new(seed);
            let q: Vec<f32> = (0..dim).map(|_| generator.below(2001) as f32 - 1000.0).collect();
            let tables = QueryTables::new(&q);
            let bytes: Vec<u8> = (0..block_size(dim) + shift).map(|_| generator.next_u64() as u8).collect();
            let group = words(dim) * 8 * LANES;
            let groups = [&bytes[shift..shift + group], &bytes[shift + group..shift + 2 * group]];
            let (mut block_expected, mut groups_expected) = ([7; BLOCK], [[7; LANES]; 2]);
            score_block(&tables.tables, &bytes[shift..], &mut block_expected);
            score_groups(&tables.tables, groups, &mut groups_expected);
            for set in InstructionSet::available() {
                let kernels = Kernels::of(set);
                let (mut block_got, mut groups_got) = ([9; BLOCK], [[9; LANES]; 2]);
                kernels.block(&tables.tables, &bytes[shift..], &mut block_got);
                kernels.groups(&tables.tables, groups, &mut groups_got);
                prop_assert_eq!(block_got, block_expected, "{}", set.name());
                prop_assert_eq!(groups_got, groups_expected, "{}", set.name());
            }
        }

        #[test]
        fn score_is_the_dot_product(q in prop::collection::vec(-3f32..3.0, 1..300), seed in any::<u64>()) {
            let mut generator = SplitMix64::new(seed);
            let tables = QueryTables::new(&q);
            let rows: Vec<Vec<f32>> = (0..BLOCK)
                .map(|_| q.iter().map(|_| generator.below(3) as f32 - 1.0).collect()).collect();
            let words = words(q.len());
            let (mut block, mut groups) = (vec![0; block_size(q.len())], vec![0; words * 8 * 2 * LANES]);
            let (first, second) = groups.split_at_mut(words * 8 * LANES);
            let mut codes = Vec::new();
            for (lane, row) in rows.iter().enumerate() {
                let mut code = vec![0; words];
                signs(row, &mut code);
                set_in_block(&code, lane, &mut block);
                match lane / LANES {
                    0 => interleave(&code, lane, LANES, first),
                    1 => interleave(&code, lane - LANES, LANES, second),
                    _ => {}
                }
                codes.push(code);
            }
            let (mut scores, mut grouped) = ([0; BLOCK], [[0; LANES]; 2]);
            tables.score_block(&block, &mut scores);
            tables.score_groups([&*first, &*second], &mut grouped);
            prop_assert_eq!(&scores[..2 * LANES], grouped.as_flattened());
            let sizes: f32 = q.iter().map(|x| x.abs()).sum();
            for ((score, row), code) in scores.into_iter().zip(&rows).zip(&codes) {
                let bytes: Vec<u8> = code.iter().flat_map(|w| w.to_le_bytes()).collect();
                prop_assert_eq!(score, tables.score_one(&bytes));
                let exact: f32 = q.iter().zip(row).map(|(q, x)| if *x >= 0.0 { *q } else { -q }).sum();
                let got = tables.dot(score);
                // Half a step a nibble at most.
                let allowed = tables.delta * q.len().div_ceil(4) as f32 / 2.0 + 1e-5 * sizes;
                prop_assert!((got - exact).abs() <= allowed, "{} against {}", got, exact);
            }
        }

        #[test]
        fn signs_lose_nothing(q in prop::collection::vec(prop_oneof![Just(-1f32), Just(1.0)], 1..300), seed in any::<u64>()) {
            let mut generator = SplitMix64::new(seed);
            let tables = QueryTables::new(&q);
            let code: Vec<u8> = (0..words(q.len()) * 8).map(|_| generator.next_u64() as u8).collect();
            let sign = |i: usize| if code[i / 8] >> (i % 8) & 1 == 1 { 1.0 } else { -1.0 };
            let exact: f32 = q.iter().enumerate().map(|(i, q)| q * sign(i)).sum();
            prop_assert_eq!(tables.error(), 0.0);
            prop_assert!((tables.dot(tables.score_one(&code)) - exact).abs() <= 1e-3);
        }
    }
}
