//! A query prepared once per scan: its working vector and tables, and how keys become distances.

mod bounds;
pub(crate) mod keys;

use crate::error::{Error, Result};
use crate::index::{Index, Searchable};
use crate::layout::refine;
use crate::space::{Element, Metric, Space, Value};
use crate::store::PageStore;
pub use bounds::Refined;
use bounds::Refiner;
use quantize::distance::{BinaryQuery, kernels};
use quantize::sign_code::QueryTables;

/// A query that has no nearest row: every row is handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Degenerate {
    /// The query is NULL: all distances are.
    Null,
    /// The query has norm 0 under cosine: all distances are infinite.
    ZeroNorm,
}

/// A prepared query.
#[derive(Clone, Debug)]
pub struct Query {
    /// The working vector.
    pub(crate) vector: Vec<f32>,
    /// Its norm.
    pub(crate) norm: f32,
    pub(crate) tables: QueryTables,
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
            tables: QueryTables::new(&[]),
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
            tables: QueryTables::new(vector),
            ..Self::null()
        }
    }

    /// The row of `record` as a query.
    pub(crate) fn from_record(space: &Space, record: &[u8], typical: f32) -> Result<Self> {
        let payload = refine::codes(record);
        match space.element {
            Element::Float => {
                let mut vector = vec![0.0; space.dim];
                space.decode(record, &mut vector);
                let wide: Vec<f64> = vector.iter().map(|&x| f64::from(x)).collect();
                let norm = wide.iter().map(|x| x * x).sum::<f64>().sqrt();
                Ok(Self::rotated_float(space, wide, norm, typical))
            }
            Element::Int8 => {
                let codes = quantize::int8::signed(&payload[..space.dim]);
                Self::new(space, &Value::Int8(codes), space.metric, typical)
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
            tables: QueryTables::new(&vector),
            degenerate: zero.then_some(Degenerate::ZeroNorm),
            by_ip: space.by_inner_product(),
            vector,
            conversion,
            refiner,
        }
    }

    /// The certain bounds on the distance of the row in `record`.
    #[inline]
    pub(crate) fn refine(&self, space: &Space, record: &[u8]) -> Refined {
        self.refiner
            .refine(space, record, (&self.vector, self.norm))
    }

    /// The smallest distance that goes with `key`; −∞ for a key that is not a number.
    pub(crate) fn distance_of(&self, key: f32) -> f64 {
        let v = f64::from(key) * self.conversion.scale + self.conversion.offset;
        if v.is_nan() {
            // Also −∞ times 0, of a query of norm 0.
            f64::NEG_INFINITY
        } else if self.conversion.root {
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
}

impl<S: PageStore> Searchable<S> {
    /// Prepares a query ordered by `metric`.
    pub(crate) fn query(&self, value: &Value<'_>, metric: Metric) -> Result<Query> {
        Query::new(self.space(), value, metric, self.meta().norm)
    }
}

impl<S: PageStore> Index<S> {
    /// Prepares a query ordered by `metric`.
    pub fn query(&self, value: &Value<'_>, metric: Metric) -> Result<Query> {
        match self {
            Self::Searchable(index) => index.query(value, metric),
            // Nothing is indexed, so nothing is nearest; NULLs are handed out all the same.
            Self::Blank(_) => Ok(Query::null()),
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
        // Not so large or small that products with codes leave the range of `f32`.
        Metric::InnerProduct if typical > 0.0 => f64::from(typical).clamp(1e-15, 1e15),
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
