//! What is indexed and how near is measured: from a value to its refine record and back to a working vector.
//!
//! All geometry happens on *working vectors* in `f32`: the value as floats, scaled to unit length under cosine,
//! rotated; bits are taken as ±1 and not rotated. A refine record holds floats as rotated `i8` codes with a
//! certain error ([`quantize::row_code`]), everything else as it is. Sign codes and centroids are computed from
//! the *decoded record*, never from the original value, so that they can be recomputed from the index alone.
//!
//! Distances are compared as *keys*: ‖q − x‖² (L2, cosine, Hamming) or −2⟨q, x⟩ (inner product).

use crate::error::{Error, Result};
use crate::layout::group::Factors;
use crate::layout::{Slots, group, meta::Meta, node, refine};
use quantize::distance::kernels;
use quantize::rotation::Rotation;
use quantize::{row_code, sign_code};

/// The element type of the indexed column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Element {
    /// `f32` components (`real[]`, `vector`, `halfvec`): candidates carry bounds, the executor rechecks.
    Float = 0,
    /// Signed codes, exact.
    Int8 = 1,
    /// Unsigned codes, exact.
    UInt8 = 2,
    /// Sign bits, exact.
    Binary = 3,
}

/// The distance that orders a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Metric {
    /// Euclidean distance.
    L2 = 0,
    /// Negative inner product.
    InnerProduct = 1,
    /// 1 − cosine.
    Cosine = 2,
    /// Differing bits (binary only).
    Hamming = 3,
}

impl Element {
    /// The element with this number.
    pub fn from_number(n: u8) -> Option<Self> {
        [Self::Float, Self::Int8, Self::UInt8, Self::Binary]
            .into_iter()
            .find(|e| *e as u8 == n)
    }

    /// The most dimensions an index takes: a refine record and a group of one entry must fit a page.
    pub fn max_dimensions(self) -> usize {
        match self {
            Self::Binary => 60_000,
            _ => 8_000,
        }
    }
}

impl Metric {
    /// The metric with this number.
    pub fn from_number(n: u8) -> Option<Self> {
        [Self::L2, Self::InnerProduct, Self::Cosine, Self::Hamming]
            .into_iter()
            .find(|m| *m as u8 == n)
    }
}

/// A value of the indexed column, or a query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Floats.
    Float(&'a [f32]),
    /// Signed codes.
    Int8(&'a [i8]),
    /// Unsigned codes.
    UInt8(&'a [u8]),
    /// Packed bits, the first in the highest bit of the first byte, unused bits 0, and their number.
    Binary(&'a [u8], usize),
}

impl Value<'_> {
    /// The dimension.
    pub fn dim(&self) -> usize {
        match self {
            Self::Float(v) => v.len(),
            Self::Int8(v) => v.len(),
            Self::UInt8(v) => v.len(),
            Self::Binary(_, dim) => *dim,
        }
    }

    /// The element type this is a value of.
    pub fn element(&self) -> Element {
        match self {
            Self::Float(_) => Element::Float,
            Self::Int8(_) => Element::Int8,
            Self::UInt8(_) => Element::UInt8,
            Self::Binary(..) => Element::Binary,
        }
    }

    /// The components as floats (bits: ±1), unscaled. Fails on NaN and infinities.
    pub(crate) fn widen(&self) -> Result<Vec<f64>> {
        Ok(match self {
            Self::Float(v) => {
                if let Some(i) = v.iter().position(|x| !x.is_finite()) {
                    return Err(Error::NotFinite { position: i + 1 });
                }
                v.iter().map(|&x| f64::from(x)).collect()
            }
            Self::Int8(v) => v.iter().map(|&x| f64::from(x)).collect(),
            Self::UInt8(v) => v.iter().map(|&x| f64::from(x)).collect(),
            Self::Binary(bits, dim) => (0..*dim).map(|i| sign_of(bits, i)).collect(),
        })
    }
}

fn sign_of(bits: &[u8], i: usize) -> f64 {
    if bits[i / 8] << (i % 8) & 0x80 != 0 {
        1.0
    } else {
        -1.0
    }
}

/// What became of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoded {
    /// It has a record.
    Record,
    /// Its norm is 0 and the metric has no distance for it: it belongs in the tids list.
    ZeroNorm,
}

/// How much fits the pages of one index.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layouts {
    pub refine: Slots,
    pub leaf: group::Layout,
    pub root: group::Layout,
}

impl Layouts {
    /// For a dimension that the element type allows.
    pub(crate) fn new(element: Element, dim: usize) -> Self {
        let payload = match element {
            Element::Binary => dim.div_ceil(8),
            _ => dim,
        };
        Self {
            refine: refine::slots(payload),
            leaf: group::Layout::new(dim, group::LEAF_FACTORS),
            root: group::Layout::new(dim, group::ROOT_FACTORS),
        }
    }
}

/// How values of one index become records and records working vectors.
#[derive(Clone, Debug)]
pub struct Space {
    /// Element type.
    pub element: Element,
    /// Metric of the index.
    pub metric: Metric,
    /// Dimension.
    pub dim: usize,
    /// Slots of refine pages.
    pub refine: Slots,
    /// Layout of leaf list pages.
    pub leaf: group::Layout,
    /// Layout of the list pages of the root and of inner nodes.
    pub root: group::Layout,
    /// Layout of node records.
    pub node: node::Layout,
    seed: u64,
    rotation: Option<Rotation>,
}

impl Space {
    /// Memory taken, about.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.rotation.as_ref().map_or(0, Rotation::bytes)
    }

    /// The space of `dim`-dimensional vectors.
    pub fn new(element: Element, metric: Metric, dim: usize, seed: u64) -> Result<Self> {
        Self::check_kind(element, metric, dim)?;
        let Layouts { refine, leaf, root } = Layouts::new(element, dim);
        Ok(Self {
            element,
            metric,
            dim,
            refine,
            leaf,
            root,
            node: node::Layout::new(dim),
            seed,
            rotation: (element != Element::Binary).then(|| Rotation::new(dim, seed)),
        })
    }

    /// Whether there is such a space.
    pub(crate) fn check_kind(element: Element, metric: Metric, dim: usize) -> Result<()> {
        let limit = element.max_dimensions();
        if dim == 0 || dim > limit {
            return Err(Error::DimensionLimit { found: dim, limit });
        }
        if (element == Element::Binary) != (metric == Metric::Hamming) {
            return Err(Error::Query {
                what: "metric does not go with the element type",
            });
        }
        Ok(())
    }

    /// The space of the index that `meta` describes; its dimension is known.
    pub fn of(meta: &Meta) -> Result<Self> {
        let format = |what: &str, n: u8| Error::Format {
            found: format!("{what} number {n}"),
        };
        let element = Element::from_number(meta.element).ok_or(format("element", meta.element))?;
        let metric = Metric::from_number(meta.metric).ok_or(format("metric", meta.metric))?;
        let space = Self::new(element, metric, meta.dim as usize, meta.seed)?;
        if space.refine.size != meta.slot_size as usize {
            return Err(Error::corrupt(
                0,
                "refine slot size does not follow from the dimension",
            ));
        }
        Ok(space)
    }

    /// Whether this is the space of the index that `meta` describes.
    pub fn is_of(&self, meta: &Meta) -> bool {
        let own = (self.element as u8, self.metric as u8, self.dim as u32);
        own == (meta.element, meta.metric, meta.dim)
            && (self.seed, self.refine.size as u32) == (meta.seed, meta.slot_size)
    }

    /// Whether a candidate's distance is a bound that the executor must recheck.
    pub fn is_lossy(&self) -> bool {
        self.element == Element::Float
    }

    /// Whether keys are −2⟨q, x⟩ rather than ‖q − x‖².
    pub fn by_inner_product(&self) -> bool {
        self.metric == Metric::InnerProduct
    }

    /// Checks dimension and element type of `value`.
    pub fn check(&self, value: &Value<'_>) -> Result<()> {
        if value.element() != self.element {
            return Err(Error::Query {
                what: "value is of another element type",
            });
        }
        self.check_dim(value.dim())
    }

    /// Checks a dimension.
    pub fn check_dim(&self, found: usize) -> Result<()> {
        if found == self.dim {
            Ok(())
        } else {
            Err(Error::Dimension {
                expected: self.dim,
                found,
            })
        }
    }

    /// Rotates `v` in place.
    pub(crate) fn rotate(&self, v: &mut [f64]) {
        if let Some(rotation) = &self.rotation {
            rotation.apply(v);
        }
    }

    /// Encodes `value` into the refine record `record` (state live, the caller sets the row identifier).
    pub fn encode(&self, value: &Value<'_>, record: &mut [u8]) -> Result<Encoded> {
        self.check(value)?;
        record.fill(0);
        refine::set_state(record, refine::LIVE);
        match value {
            Value::Float(_) => return self.encode_float(value, record),
            Value::Int8(v) => {
                for (byte, code) in refine::codes_mut(record).iter_mut().zip(*v) {
                    *byte = *code as u8;
                }
                refine::set_sum_squares(record, kernels().dot_i8(v, v) as u32);
            }
            Value::UInt8(v) => {
                refine::codes_mut(record)[..v.len()].copy_from_slice(v);
                refine::set_sum_squares(record, kernels().dot_u8(v, v));
            }
            Value::Binary(bits, dim) => {
                refine::codes_mut(record)[..bits.len()].copy_from_slice(bits);
                refine::set_sum_squares(record, *dim as u32);
            }
        }
        let sum_squares = refine::sum_squares(record);
        let scale = match self.metric {
            Metric::Cosine if sum_squares == 0 => return Ok(Encoded::ZeroNorm),
            Metric::Cosine => 1.0 / f64::from(sum_squares).sqrt(),
            _ => 1.0,
        };
        refine::set_scale(record, scale as f32);
        Ok(Encoded::Record)
    }

    fn encode_float(&self, value: &Value<'_>, record: &mut [u8]) -> Result<Encoded> {
        let mut wide = value.widen()?;
        let norm = wide.iter().map(|x| x * x).sum::<f64>().sqrt();
        if self.metric == Metric::Cosine {
            if norm == 0.0 {
                return Ok(Encoded::ZeroNorm);
            }
            wide.iter_mut().for_each(|x| *x /= norm);
        }
        self.rotate(&mut wide);
        let mut codes = vec![0i8; self.dim];
        let row = row_code::encode(&wide, &mut codes);
        refine::set_scale(record, row.scale);
        refine::set_error(record, row.error);
        refine::set_sum_squares(record, row.sum_squares);
        // Squares of such components leave the range of f32, in which others compute the distance.
        if norm > 1e18 || (norm != 0.0 && norm < 1e-15) {
            refine::set_unbounded(record);
        }
        for (byte, code) in refine::codes_mut(record).iter_mut().zip(codes) {
            *byte = code as u8;
        }
        Ok(Encoded::Record)
    }

    /// The working vector of `record`.
    pub fn decode(&self, record: &[u8], out: &mut [f32]) {
        let scale = refine::scale(record);
        let payload = refine::codes(record);
        match self.element {
            Element::Float => {
                for (x, &byte) in out.iter_mut().zip(payload) {
                    *x = scale * f32::from(byte as i8);
                }
            }
            Element::Binary => {
                for (i, x) in out.iter_mut().enumerate() {
                    *x = sign_of(payload, i) as f32;
                }
            }
            Element::Int8 | Element::UInt8 => {
                let signed = self.element == Element::Int8;
                let mut wide: Vec<f64> = payload[..self.dim]
                    .iter()
                    .map(|&b| {
                        let code = if signed {
                            f64::from(b as i8)
                        } else {
                            f64::from(b)
                        };
                        code * f64::from(scale)
                    })
                    .collect();
                self.rotate(&mut wide);
                for (x, w) in out.iter_mut().zip(wide) {
                    *x = w as f32;
                }
            }
        }
    }

    /// The sign code of `x` in the list around `centroid`, and the numbers that go with it.
    ///
    /// With r = x − c, s = sign(r) and F = ‖r‖²/⟨s, r⟩ (RaBitQ's unbiased correction, arXiv 2405.12497), ⟨q − c, r⟩ is
    /// estimated by F(⟨s, q⟩ − ⟨s, c⟩), whose standard deviation over rotations is
    /// ‖q − c‖‖r‖√((1 − a²)/(a²(d − 1))), a = ⟨s, r⟩/(√d‖r‖). Hence for ‖q − x‖² = ‖q − c‖² + ‖r‖² − 2⟨q − c, r⟩:
    /// scale = −2F and add = ‖r‖² + 2F⟨s, c⟩; for −2⟨q, x⟩: add = −2⟨c, r⟩ + 2F⟨s, c⟩.
    /// Bits are their own sign code: scale −2, add d, error 0, against ‖q‖² in place of ‖q − c‖².
    pub fn sign_entry(&self, x: &[f32], centroid: &[f32], code: &mut [u64]) -> Factors {
        if self.element == Element::Binary {
            sign_code::signs(x, code);
            return Factors {
                add: self.dim as f32,
                scale: -2.0,
                ..Factors::default()
            };
        }
        residual_entry(x, centroid, self.by_inner_product(), code)
    }
}

/// [`Space::sign_entry`] for anything but bits.
pub(crate) fn residual_entry(
    x: &[f32],
    centroid: &[f32],
    by_ip: bool,
    code: &mut [u64],
) -> Factors {
    let mut residual = Vec::with_capacity(x.len());
    let (mut rr, mut sr, mut sc, mut cr) = (0.0f64, 0.0f64, 0.0f64, 0.0f64);
    for (&x, &c) in x.iter().zip(centroid) {
        let r = x - c;
        let wide = f64::from(r);
        rr += wide * wide;
        sr += wide.abs();
        sc += if r >= 0.0 {
            f64::from(c)
        } else {
            -f64::from(c)
        };
        cr += f64::from(c) * wide;
        residual.push(r);
    }
    sign_code::signs(&residual, code);
    let f = if sr > 0.0 { rr / sr } else { 0.0 };
    let dim = x.len() as f64;
    let spread = if sr > 0.0 && dim > 1.0 {
        // (1 − a²)/a² with a² = sr²/(d·rr).
        ((dim * rr / (sr * sr) - 1.0).max(0.0) / (dim - 1.0)).sqrt()
    } else {
        0.0
    };
    Factors {
        add: (if by_ip { -2.0 * cr } else { rr } + 2.0 * f * sc) as f32,
        scale: (-2.0 * f) as f32,
        error: (2.0 * rr.sqrt() * spread) as f32,
        ..Factors::default()
    }
}
