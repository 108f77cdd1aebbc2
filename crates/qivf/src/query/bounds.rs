//! The certain bounds on a row's distance from its refine record.
//!
//! # Floating-point slack
//! The executor recomputes a float distance in its own way (pgvector: `f32`, any order, contracted) and raises an error
//! when the result lies below the bound it was given. With u = 2⁻²⁴ and γ = (d+2)u/(1 − (d+2)u), any such computation
//! of an inner product is off by at most γ‖x‖‖q‖ (+ d·MIN_POSITIVE for underflow), of a squared L2 distance by the
//! factor 1 ± γ (+ d·MIN_POSITIVE), of a cosine by 3γ: a quotient of an inner product and two norms, each off by γ.
//! Rows or queries whose squared norms leave the range of `f32` get the bound −∞.
//!
//! The bound itself starts from [`quantize::row_code`]: ⟨q, x⟩ = ⟨q, x̂⟩ ± (‖q⊥‖·e + …). Our own rounding enters as
//! η = (d+12)u: d+8 roundings in the `f32` dot product, and one each for rounding the rotated query, the scale, and the
//! orthogonality of the error; everything after that is in `f64`. Hence, with n = ‖q‖‖x̂‖,
//! ‖q⊥‖² ≤ ‖q‖² − (⟨q, x̂⟩/‖x̂‖)² + 2η‖q‖² and |⟨q, x⟩ − ⟨q, x̂⟩| ≤ ‖q⊥‖·e + ηn.

use crate::layout::refine;
use crate::space::{Metric, Space};
use quantize::distance::{BinaryQuery, kernels};
use quantize::int8::signed;
use quantize::row_code;

const U: f64 = 1.0 / (1u64 << 24) as f64;

/// What a refine record says about a row's distance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Refined {
    /// No computation of the distance gives less.
    pub bound: f64,
    /// Nor more.
    pub upper: f64,
}

#[derive(Clone, Debug)]
pub(super) enum Refiner {
    /// Float rows. `norm` is that of the original query, `stretch` turns working inner products into true ones.
    Float {
        metric: Metric,
        norm: f64,
        stretch: f64,
        dim: f64,
    },
    Int8 {
        metric: Metric,
        codes: Vec<i8>,
        squares: u32,
    },
    UInt8 {
        metric: Metric,
        codes: Vec<u8>,
        squares: u32,
    },
    /// Float query, int8 or uint8 rows.
    FloatCodes {
        metric: Metric,
        query: Vec<f32>,
        norm: f64,
        signed: bool,
    },
    Bits(Vec<u8>),
    FloatBits {
        metric: Metric,
        query: BinaryQuery,
        norm: f64,
    },
}

impl Refiner {
    /// The certain bounds on the distance of the row in `record` from the query with this working vector and its norm.
    pub(super) fn refine(
        &self,
        space: &Space,
        record: &[u8],
        (vector, working_norm): (&[f32], f32),
    ) -> Refined {
        let Self::Float {
            metric,
            norm,
            stretch,
            dim,
        } = *self
        else {
            let distance = self.distance(space, record);
            return Refined {
                bound: distance,
                upper: distance,
            };
        };
        let query = FloatQuery {
            vector,
            working_norm: f64::from(working_norm),
            metric,
            norm,
            stretch,
            dim,
        };
        query.refine(record, &refine::codes(record)[..space.dim])
    }

    /// The distance itself, which rows of codes and of bits have; NaN for floats.
    fn distance(&self, space: &Space, record: &[u8]) -> f64 {
        let payload = refine::codes(record);
        let squares = || refine::sum_squares(record);
        match self {
            Self::Float { .. } => f64::NAN,
            Self::Int8 {
                metric,
                codes,
                squares: own,
            } => {
                let dot = kernels().dot_i8(codes, signed(&payload[..space.dim]));
                code_distance(*metric, dot.into(), f64::from(*own), squares())
            }
            Self::UInt8 {
                metric,
                codes,
                squares: own,
            } => {
                let dot = kernels().dot_u8(codes, &payload[..space.dim]);
                code_distance(*metric, dot.into(), f64::from(*own), squares())
            }
            Self::FloatCodes {
                metric,
                query,
                norm,
                signed: is_signed,
            } => {
                let codes = &payload[..space.dim];
                let dot = match is_signed {
                    true => kernels().dot_f32_i8(query, signed(codes)),
                    false => kernels().dot_f32_u8(query, codes),
                };
                code_distance(*metric, dot, norm * norm, squares())
            }
            Self::Bits(bits) => kernels().hamming(bits, &payload[..bits.len()]).into(),
            Self::FloatBits {
                metric,
                query,
                norm,
            } => {
                let dot = query.dot(&payload[..space.dim.div_ceil(8)]);
                match metric {
                    Metric::Cosine => 1.0 - dot / (norm * (space.dim as f64).sqrt()),
                    _ => -dot,
                }
            }
        }
    }
}

/// A float query against float rows.
struct FloatQuery<'a> {
    vector: &'a [f32],
    working_norm: f64,
    metric: Metric,
    norm: f64,
    stretch: f64,
    dim: f64,
}

impl FloatQuery<'_> {
    /// The bounds, −∞ and ∞ where nothing is certain: a number that is none, or beyond all, says so.
    fn refine(&self, record: &[u8], codes: &[u8]) -> Refined {
        let Refined { bound, upper } = self.bounds(record, codes);
        Refined {
            bound: if bound.is_finite() {
                bound
            } else {
                f64::NEG_INFINITY
            },
            upper: if upper.is_finite() {
                upper
            } else {
                f64::INFINITY
            },
        }
    }

    fn bounds(&self, record: &[u8], codes: &[u8]) -> Refined {
        let Self {
            metric,
            norm,
            stretch,
            dim,
            ..
        } = *self;
        if refine::is_unbounded(record) || norm > 1e18 || (norm != 0.0 && norm < 1e-15) {
            return Refined {
                bound: f64::NEG_INFINITY,
                upper: f64::INFINITY,
            };
        }
        let (scale, error) = (
            f64::from(refine::scale(record)),
            f64::from(refine::error(record)),
        );
        let q = self.working_norm;
        let x = scale * f64::from(refine::sum_squares(record)).sqrt();
        let eta = (dim + 12.0) * U;
        let gamma = (dim + 2.0) * U / (1.0 - (dim + 2.0) * U);
        let tiny = dim * f64::from(f32::MIN_POSITIVE);
        let dot = scale * f64::from(row_code::dot(self.vector, codes));
        let along = if x > 0.0 { dot / x } else { 0.0 };
        let across = (q * q * (1.0 + 2.0 * eta) - along * along).max(0.0).sqrt();
        let half = across * error + eta * q * x;
        match metric {
            Metric::Cosine => Refined {
                bound: 1.0 - (dot + half) - 3.0 * gamma,
                upper: 1.0 - (dot - half) + 3.0 * gamma,
            },
            Metric::InnerProduct => {
                let slack = gamma * (x + error) * norm + tiny;
                Refined {
                    bound: -(dot + half) * stretch - slack,
                    upper: -(dot - half) * stretch + slack,
                }
            }
            _ => {
                // ‖x‖² = ‖x̂‖² + e² but for the rounding of the scale; the stored error is up to 10⁻⁶ too large.
                let own = 4.0 * U * x * x;
                let sum = q * q + x * x;
                let low = sum + error * error * (1.0 - 1e-6) - 2.0 * (dot + half) - own;
                let high = sum + error * error - 2.0 * (dot - half) + own;
                Refined {
                    bound: ((low * (1.0 - gamma) - tiny).max(0.0)).sqrt(),
                    upper: (high.max(0.0) * (1.0 + gamma) + tiny).sqrt(),
                }
            }
        }
    }
}

/// A distance from exact sums over integer codes.
fn code_distance(metric: Metric, dot: f64, query_squares: f64, row_squares: u32) -> f64 {
    let row_squares = f64::from(row_squares);
    match metric {
        Metric::Cosine => 1.0 - dot / (query_squares * row_squares).sqrt(),
        Metric::InnerProduct => -dot,
        _ => (query_squares + row_squares - 2.0 * dot).max(0.0).sqrt(),
    }
}
