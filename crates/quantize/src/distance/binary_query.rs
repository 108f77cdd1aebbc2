//! Asymmetric distance: a float query against stored sign bits.
//!
//! A set bit stands for +1, a clear one for −1, so a row's score is `Σ ±qᵢ`. The query is turned
//! once into a table of sixteen sums for every four dimensions; a row then costs one lookup per half
//! byte. This needs no special instructions, so there is one implementation for every CPU.
//!
//! Time over this one on Zen 3, 384 and 1024 dimensions: flipping signs of an f64 query with AVX2 1.9 and
//! 1.8; of an f32 query, widened on the way, 2.6 and 2.6; tables of f32 1.3 and 1.2; a table of 256 sums
//! per byte 1.1 and 1.1, and eight times the memory. A row costs about 0.75 of a `dot_f32`.

use super::calls::dot_f32;

/// Half bytes summed side by side: half byte `i` goes to lane `i % LANES`.
const LANES: usize = 8;

/// The signed sums of four dimensions; the index is the half byte, first dimension on top.
type Sums = [f64; 16];

/// A float query prepared for scoring packed bits (first dimension in the most significant bit).
///
/// Memory: 32 bytes per dimension. Building it costs about as much as scoring 27 rows.
#[derive(Clone, Debug)]
pub struct BinaryQuery {
    dimensions: usize,
    norm: f64,
    /// Two tables per byte of a code; dimensions beyond the last count as 0.
    tables: Vec<Sums>,
}

impl BinaryQuery {
    /// Prepares a query of at most [`crate::MAX_DIMENSIONS`] dimensions.
    pub fn new(query: &[f32]) -> Self {
        let mut tables: Vec<Sums> = Vec::with_capacity(query.len().div_ceil(8) * 2);
        for byte in query.chunks(8) {
            let mut dimensions = [0.0f32; 8];
            dimensions[..byte.len()].copy_from_slice(byte);
            let [a, b, c, d, e, f, g, h] = dimensions.map(f64::from);
            tables.push(signed_sums([a, b, c, d]));
            tables.push(signed_sums([e, f, g, h]));
        }
        Self {
            dimensions: query.len(),
            norm: dot_f32(query, query).sqrt(),
            tables,
        }
    }

    /// Number of dimensions of the query.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Euclidean norm of the query.
    pub fn norm(&self) -> f64 {
        self.norm
    }

    /// Euclidean norm of every code with these dimensions: `√d`, all its elements being ±1.
    pub fn code_norm(&self) -> f64 {
        (self.dimensions as f64).sqrt()
    }

    /// Inner product of the query with a code of ±1: `Σ (bitᵢ ? qᵢ : −qᵢ)`.
    ///
    /// `bits` holds as many bytes as the dimensions need. What stands in its unused low bits does
    /// not matter. The order of summation is fixed, so the result is the same on every CPU.
    #[inline]
    pub fn dot(&self, bits: &[u8]) -> f64 {
        debug_assert_eq!(bits.len() * 2, self.tables.len(), "code of another length");
        let (blocks, tail) = self.tables.as_chunks::<LANES>();
        let (words, bits_tail) = bits.as_chunks::<{ LANES / 2 }>();
        let mut lanes = [0.0; LANES];
        for (block, word) in blocks.iter().zip(words) {
            for (i, byte) in word.iter().enumerate() {
                lanes[2 * i] += block[2 * i][usize::from(byte >> 4)];
                lanes[2 * i + 1] += block[2 * i + 1][usize::from(byte & 15)];
            }
        }
        let (tail, _) = tail.as_chunks::<2>();
        for (i, (pair, byte)) in tail.iter().zip(bits_tail).enumerate() {
            lanes[2 * i] += pair[0][usize::from(byte >> 4)];
            lanes[2 * i + 1] += pair[1][usize::from(byte & 15)];
        }
        let [a, b, c, d, e, f, g, h] = lanes;
        ((a + e) + (c + g)) + ((b + f) + (d + h))
    }
}

/// `±a ±b ±c ±d` for every choice of signs, summed as `(a + b) + (c + d)`.
fn signed_sums([a, b, c, d]: [f64; 4]) -> Sums {
    let high = [-a - b, -a + b, a - b, a + b];
    let low = [-c - d, -c + d, c - d, c + d];
    let mut sums = [0.0; 16];
    for (i, sum) in sums.iter_mut().enumerate() {
        *sum = high[i >> 2] + low[i & 3];
    }
    sums
}
