//! A query prepared once per scan, and the certain bounds on a row's distance.
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

use crate::error::{Error, Result};
use crate::layout::{get_f32, get_u32, refine};
use crate::space::{Element, Metric, Space, Value};
use quantize::distance::{BinaryQuery, kernels};
use quantize::row_code;
use quantize::sign_code::QueryPlanes;

const U: f64 = 1.0 / (1u64 << 24) as f64;

/// What a refine record says about a row's distance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Refined {
    /// No computation of the distance gives less.
    pub bound: f64,
    /// Nor more.
    pub upper: f64,
}

/// A query that has no nearest row: every row is handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Degenerate {
    /// The query is NULL: all distances are.
    Null,
    /// The query has norm 0 under cosine: all distances are NaN.
    ZeroNorm,
}

/// A prepared query.
#[derive(Clone, Debug)]
pub struct Query {
    /// The working vector.
    pub(crate) vector: Vec<f32>,
    /// Its norm.
    pub(crate) norm: f32,
    pub(crate) planes: QueryPlanes,
    pub(crate) degenerate: Option<Degenerate>,
    pub(crate) by_ip: bool,
    conversion: Conversion,
    refiner: Refiner,
}

/// From key to distance: `scale·key + offset`, or its square root.
#[derive(Clone, Copy, Debug)]
struct Conversion {
    scale: f64,
    offset: f64,
    root: bool,
}

#[derive(Clone, Debug)]
enum Refiner {
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

impl Query {
    /// Prepares `value` for a scan ordered by `metric` of an index whose rows have root-mean-square norm `typical`.
    pub fn new(space: &Space, value: &Value<'_>, metric: Metric, typical: f32) -> Result<Self> {
        space.check_dim(value.dim())?;
        check_pair(space, value, metric)?;
        let wide = value.widen()?;
        let norm = wide.iter().map(|x| x * x).sum::<f64>().sqrt();
        let refiner = match (space.element, value) {
            (Element::Float, _) => return Ok(Self::float(space, wide, norm, typical)),
            (Element::Int8, Value::Int8(v)) => Refiner::Int8 {
                metric,
                codes: v.to_vec(),
                squares: kernels().dot_i8(v, v) as u32,
            },
            (Element::UInt8, Value::UInt8(v)) => Refiner::UInt8 {
                metric,
                codes: v.to_vec(),
                squares: kernels().dot_u8(v, v),
            },
            (Element::Binary, Value::Binary(bits, _)) => Refiner::Bits(bits.to_vec()),
            (Element::Binary, Value::Float(v)) => Refiner::FloatBits {
                metric,
                query: BinaryQuery::new(v),
                norm,
            },
            (_, Value::Float(v)) => Refiner::FloatCodes {
                metric,
                query: v.to_vec(),
                norm,
                signed: space.element == Element::Int8,
            },
            _ => return Err(unfit("value is of another element type")),
        };
        Ok(Self::exact(space, wide, norm, metric, typical, refiner))
    }

    /// A NULL query.
    pub fn null() -> Self {
        Self {
            vector: Vec::new(),
            norm: 0.0,
            planes: QueryPlanes::new(&[]),
            degenerate: Some(Degenerate::Null),
            by_ip: false,
            conversion: Conversion {
                scale: 1.0,
                offset: 0.0,
                root: false,
            },
            refiner: Refiner::Bits(Vec::new()),
        }
    }

    /// A working vector as a query for the nearest centroids by Euclidean distance, whatever the metric.
    pub(crate) fn for_assignment(vector: &[f32]) -> Self {
        let squares = vector
            .iter()
            .map(|&x| f64::from(x) * f64::from(x))
            .sum::<f64>();
        Self {
            vector: vector.to_vec(),
            norm: squares.sqrt() as f32,
            planes: QueryPlanes::new(vector),
            ..Self::null()
        }
    }

    /// The row of `record` as a query.
    pub(crate) fn from_record(space: &Space, record: &[u8], typical: f32) -> Result<Self> {
        let payload = &record[refine::FIXED..];
        match space.element {
            Element::Float => {
                let mut vector = vec![0.0; space.dim];
                space.decode(record, &mut vector);
                let wide: Vec<f64> = vector.iter().map(|&x| f64::from(x)).collect();
                let norm = wide.iter().map(|x| x * x).sum::<f64>().sqrt();
                Ok(Self::rotated_float(space, wide, norm, typical))
            }
            Element::Int8 => {
                let codes: Vec<i8> = payload[..space.dim].iter().map(|&b| b as i8).collect();
                Self::new(space, &Value::Int8(&codes), space.metric, typical)
            }
            Element::UInt8 => Self::new(
                space,
                &Value::UInt8(&payload[..space.dim]),
                space.metric,
                typical,
            ),
            Element::Binary => {
                let bits = &payload[..space.dim.div_ceil(8)];
                Self::new(
                    space,
                    &Value::Binary(bits, space.dim),
                    space.metric,
                    typical,
                )
            }
        }
    }

    fn float(space: &Space, mut wide: Vec<f64>, norm: f64, typical: f32) -> Self {
        space.rotate(&mut wide);
        Self::rotated_float(space, wide, norm, typical)
    }

    fn rotated_float(space: &Space, mut wide: Vec<f64>, norm: f64, typical: f32) -> Self {
        let working = working_norm(space.metric, norm, typical);
        scale_to(&mut wide, norm, working);
        let stretch = if working > 0.0 { norm / working } else { 0.0 };
        let refiner = Refiner::Float {
            metric: space.metric,
            norm,
            stretch,
            dim: space.dim as f64,
        };
        let conversion = conversion(space.metric, stretch);
        Self::assemble(space, wide, norm, conversion, refiner)
    }

    fn exact(
        space: &Space,
        mut wide: Vec<f64>,
        norm: f64,
        metric: Metric,
        typical: f32,
        refiner: Refiner,
    ) -> Self {
        let dim = space.dim as f64;
        let bits = space.element == Element::Binary;
        let working = match metric {
            _ if bits => dim.sqrt(),
            _ => working_norm(metric, norm, typical),
        };
        scale_to(&mut wide, norm, working);
        space.rotate(&mut wide);
        let stretch = if working > 0.0 { norm / working } else { 0.0 };
        let conversion = match metric {
            Metric::Hamming => Conversion {
                scale: 0.25,
                offset: 0.0,
                root: false,
            },
            // Keys of bits are 2d − 2⟨q, x⟩, the working query having norm √d.
            Metric::Cosine if bits => Conversion {
                scale: 0.5 / dim,
                offset: 0.0,
                root: false,
            },
            _ if bits => Conversion {
                scale: 0.5 * stretch,
                offset: -dim * stretch,
                root: false,
            },
            _ => conversion(metric, stretch),
        };
        let mut query = Self::assemble(space, wide, norm, conversion, refiner);
        if metric == Metric::Cosine && norm == 0.0 {
            query.degenerate = Some(Degenerate::ZeroNorm);
        }
        query
    }

    fn assemble(
        space: &Space,
        wide: Vec<f64>,
        norm: f64,
        conversion: Conversion,
        refiner: Refiner,
    ) -> Self {
        let vector: Vec<f32> = wide.iter().map(|&x| x as f32).collect();
        let working = vector
            .iter()
            .map(|&x| f64::from(x) * f64::from(x))
            .sum::<f64>();
        let zero = space.metric == Metric::Cosine && norm == 0.0;
        Self {
            norm: working.sqrt() as f32,
            planes: QueryPlanes::new(&vector),
            degenerate: zero.then_some(Degenerate::ZeroNorm),
            by_ip: space.by_inner_product(),
            vector,
            conversion,
            refiner,
        }
    }

    /// The smallest distance that goes with `key`; −∞ for a key that is not a number.
    pub(crate) fn distance_of(&self, key: f32) -> f64 {
        if key.is_nan() {
            return f64::NEG_INFINITY;
        }
        let v = f64::from(key) * self.conversion.scale + self.conversion.offset;
        if self.conversion.root {
            v.max(0.0).sqrt()
        } else {
            v
        }
    }

    /// The largest key that goes with `distance`: the inverse of [`Query::distance_of`], but for rounding.
    pub(crate) fn key_of(&self, distance: f64) -> f32 {
        let v = if self.conversion.root {
            distance * distance
        } else {
            distance
        };
        if self.conversion.scale == 0.0 {
            return f32::INFINITY;
        }
        ((v - self.conversion.offset) / self.conversion.scale) as f32
    }

    /// The certain bounds on the distance of the row in `record`.
    pub(crate) fn refine(&self, space: &Space, record: &[u8]) -> Refined {
        let payload = &record[refine::FIXED..];
        let exactly = |distance: f64| Refined {
            bound: distance,
            upper: distance,
        };
        match &self.refiner {
            Refiner::Float {
                metric,
                norm,
                stretch,
                dim,
            } => self.refine_float(
                record,
                &payload[..space.dim],
                *metric,
                *norm,
                *stretch,
                *dim,
            ),
            Refiner::Int8 {
                metric,
                codes,
                squares,
            } => {
                let row: Vec<i8> = payload[..space.dim].iter().map(|&b| b as i8).collect();
                let dot = f64::from(kernels().dot_i8(codes, &row));
                exactly(code_distance(
                    *metric,
                    dot,
                    f64::from(*squares),
                    get_u32(record, 16),
                ))
            }
            Refiner::UInt8 {
                metric,
                codes,
                squares,
            } => {
                let dot = f64::from(kernels().dot_u8(codes, &payload[..space.dim]));
                exactly(code_distance(
                    *metric,
                    dot,
                    f64::from(*squares),
                    get_u32(record, 16),
                ))
            }
            Refiner::FloatCodes {
                metric,
                query,
                norm,
                signed,
            } => {
                let dot = if *signed {
                    let row: Vec<i8> = payload[..space.dim].iter().map(|&b| b as i8).collect();
                    kernels().dot_f32_i8(query, &row)
                } else {
                    kernels().dot_f32_u8(query, &payload[..space.dim])
                };
                exactly(code_distance(
                    *metric,
                    dot,
                    norm * norm,
                    get_u32(record, 16),
                ))
            }
            Refiner::Bits(bits) => {
                exactly(f64::from(kernels().hamming(bits, &payload[..bits.len()])))
            }
            Refiner::FloatBits {
                metric,
                query,
                norm,
            } => {
                let dot = query.dot(&payload[..space.dim.div_ceil(8)]);
                exactly(match metric {
                    Metric::Cosine => 1.0 - dot / (norm * (space.dim as f64).sqrt()),
                    _ => -dot,
                })
            }
        }
    }

    fn refine_float(
        &self,
        record: &[u8],
        codes: &[u8],
        metric: Metric,
        norm: f64,
        stretch: f64,
        dim: f64,
    ) -> Refined {
        if record[7] & refine::UNBOUNDED != 0 || norm > 1e18 || (norm != 0.0 && norm < 1e-15) {
            return Refined {
                bound: f64::NEG_INFINITY,
                upper: f64::INFINITY,
            };
        }
        let (scale, error) = (
            f64::from(get_f32(record, 8)),
            f64::from(get_f32(record, 12)),
        );
        let q = f64::from(self.norm);
        let x = scale * f64::from(get_u32(record, 16)).sqrt();
        let eta = (dim + 12.0) * U;
        let gamma = (dim + 2.0) * U / (1.0 - (dim + 2.0) * U);
        let tiny = dim * f64::from(f32::MIN_POSITIVE);
        let dot = scale * f64::from(row_code::dot(&self.vector, codes));
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

fn unfit(what: &'static str) -> Error {
    Error::Query { what }
}

/// Which query values and metrics an index answers.
fn check_pair(space: &Space, value: &Value<'_>, metric: Metric) -> Result<()> {
    let asymmetric = matches!(metric, Metric::InnerProduct | Metric::Cosine);
    let fits = match (space.element, value.element()) {
        (Element::Binary, Element::Binary) => metric == Metric::Hamming,
        (Element::Binary, Element::Float) => asymmetric,
        (row, query) if row == query => metric == space.metric,
        (_, Element::Float) => asymmetric && metric == space.metric,
        _ => return Err(unfit("value is of another element type")),
    };
    if fits {
        Ok(())
    } else {
        Err(unfit("the index is not ordered by this distance"))
    }
}

/// The norm of the working query. A ranking by inner product does not depend on it, but estimates relative to
/// centroids are best when it is that of the rows.
fn working_norm(metric: Metric, norm: f64, typical: f32) -> f64 {
    match metric {
        Metric::Cosine => 1.0,
        Metric::InnerProduct if typical > 0.0 => f64::from(typical),
        Metric::InnerProduct => 1.0,
        _ => norm,
    }
}

fn scale_to(v: &mut [f64], norm: f64, wanted: f64) {
    if norm > 0.0 && norm != wanted {
        v.iter_mut().for_each(|x| *x *= wanted / norm);
    }
}

fn conversion(metric: Metric, stretch: f64) -> Conversion {
    match metric {
        Metric::Cosine => Conversion {
            scale: 0.5,
            offset: 0.0,
            root: false,
        },
        Metric::InnerProduct => Conversion {
            scale: 0.5 * stretch,
            offset: 0.0,
            root: false,
        },
        _ => Conversion {
            scale: 1.0,
            offset: 0.0,
            root: true,
        },
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
