//! `quantized`: a vector of any precision, tagged with it; what `quantize_embeddings` returns.
//!
//! The stored bytes are those of `quantize::encoding`: tag, dimension, payload.

use std::cmp::Ordering;
use std::ffi::{CStr, CString};

use pgrx::prelude::*;
use quantize::{Error, Precision, encoding, text};

use super::AnyVarlena;
use super::detoast::NewVarlena;
use super::vector::{Binary, Int8, Kind, Uint8, as_signed};
use super::wire::Message;
use crate::errors::{OrRaise, raise};

/// A `quantized` value, seen in place.
#[derive(Clone, Copy)]
pub struct Quantized<'a> {
    /// Its tag.
    pub precision: Precision,
    /// Its dimensions.
    pub dimensions: usize,
    /// Packed bits, codes, or little-endian floats.
    pub payload: &'a [u8],
}

impl<'a> Quantized<'a> {
    /// Reads a stored value.
    pub fn of(stored: &'a AnyVarlena<'_>) -> Self {
        let (tag, bytes) = stored.bytes().split_at(1);
        let (dimensions, payload) = encoding::split(bytes);
        match Precision::from_tag(tag[0]) {
            Some(precision) => Self {
                precision,
                dimensions,
                payload,
            },
            None => raise(
                PgSqlErrorCode::ERRCODE_DATA_CORRUPTED,
                format!("unknown precision tag {} in a stored vector", tag[0]),
            ),
        }
    }

    /// Makes a stored value, in the current memory context, whose payload (zero bytes at first) `fill` writes.
    pub fn fill(
        precision: Precision,
        dimensions: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<(), Error>,
    ) -> NewVarlena {
        let header = encoding::header(dimensions).or_raise();
        let len = 1 + encoding::HEADER + precision.payload_len(dimensions);
        let mut new = NewVarlena::zeros(len);
        let bytes = new.bytes_mut();
        bytes[0] = precision as u8;
        bytes[1..1 + encoding::HEADER].copy_from_slice(&header);
        fill(&mut bytes[1 + encoding::HEADER..]).or_raise();
        new
    }

    /// The floats of precision `float32`.
    pub fn floats(&self) -> impl Iterator<Item = f32> + 'a {
        let (floats, _) = self.payload.as_chunks();
        floats.iter().map(|bytes| f32::from_le_bytes(*bytes))
    }

    /// The text between the brackets and its brackets.
    fn format(&self) -> String {
        let name = self.precision.name();
        match self.precision {
            Precision::Float32 => format!("{name}{}", text::format_list(self.floats())),
            Precision::Int8 => format!("{name}{}", Int8::format(self.payload, self.dimensions)),
            Precision::Uint8 => format!("{name}{}", Uint8::format(self.payload, self.dimensions)),
            Precision::Binary | Precision::Ubinary => {
                format!("{name}[{}]", Binary::format(self.payload, self.dimensions))
            }
        }
    }

    /// Sorts by precision, then by elements as the typed vectors do.
    fn compare(&self, other: &Self) -> Ordering {
        let elements = || match self.precision {
            Precision::Float32 => self
                .floats()
                .map(SortableFloat)
                .cmp(other.floats().map(SortableFloat)),
            Precision::Int8 => as_signed(self.payload).cmp(as_signed(other.payload)),
            _ => self.payload.cmp(other.payload),
        };
        (self.precision as u8)
            .cmp(&(other.precision as u8))
            .then_with(elements)
            .then(self.dimensions.cmp(&other.dimensions))
    }
}

/// A float in IEEE total order, in which −0 < +0: equal values have equal bytes.
#[derive(PartialEq)]
struct SortableFloat(f32);

impl Eq for SortableFloat {}
impl PartialOrd for SortableFloat {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for SortableFloat {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

fn parse(text: &str) -> Result<NewVarlena, Error> {
    let invalid = |reason: String| text::invalid("quantized", text, reason);
    let (name, list) = match text.find('[') {
        Some(bracket) if !text[..bracket].trim_ascii().is_empty() => text.split_at(bracket),
        _ => return Err(invalid("must be a precision and a list in brackets".into())),
    };
    let precision = Precision::from_name(name.trim_ascii())?;
    let (dimensions, payload) =
        parse_payload(precision, list.trim_ascii()).map_err(|e| match e {
            // Of the whole text rather than of the list, which is in the form of another type.
            Error::InvalidText { reason, .. } => invalid(reason),
            other => other,
        })?;
    Ok(Quantized::fill(precision, dimensions, |bytes| {
        bytes.copy_from_slice(&payload);
        Ok(())
    }))
}

/// Reads what follows the name of the precision: dimensions and payload.
fn parse_payload(precision: Precision, list: &str) -> Result<(usize, Vec<u8>), Error> {
    Ok(match precision {
        Precision::Float32 => {
            let floats: Vec<f32> = text::parse_list("quantized", list)?;
            quantize::check_finite(&floats)?;
            let bytes = floats.iter().flat_map(|x| x.to_le_bytes()).collect();
            (floats.len(), bytes)
        }
        Precision::Int8 => Int8::parse(list)?,
        Precision::Uint8 => Uint8::parse(list)?,
        Precision::Binary | Precision::Ubinary => {
            let bits = list.strip_prefix('[').and_then(|l| l.strip_suffix(']'));
            let unclosed = || text::invalid("quantized", list, "must be enclosed in brackets");
            Binary::parse(bits.ok_or_else(unclosed)?)?
        }
    })
}

#[pg_extern(sql = false)]
fn quantized_in(text: &CStr) -> NewVarlena {
    match text.to_str() {
        Ok(text) => parse(text).or_raise(),
        Err(_) => raise(
            PgSqlErrorCode::ERRCODE_INVALID_TEXT_REPRESENTATION,
            "invalid input syntax for type quantized",
        ),
    }
}

#[pg_extern(sql = false)]
fn quantized_out(stored: AnyVarlena<'_>) -> CString {
    CString::new(Quantized::of(&stored).format()).unwrap_or_default()
}

#[pg_extern(sql = false)]
fn quantized_recv(message: Message<'_>) -> NewVarlena {
    let bytes = message.read_all();
    encoding::check_tagged(bytes).or_raise();
    NewVarlena::from_parts(&[bytes])
}

#[pg_extern(sql = false)]
fn quantized_send(stored: AnyVarlena<'_>) -> Vec<u8> {
    stored.bytes().to_vec()
}

#[pg_extern(sql = false)]
fn quantized_cmp(left: AnyVarlena<'_>, right: AnyVarlena<'_>) -> i32 {
    Quantized::of(&left).compare(&Quantized::of(&right)) as i32
}

macro_rules! comparison {
    ($name:ident, $holds:ident) => {
        #[pg_extern(sql = false)]
        fn $name(left: AnyVarlena<'_>, right: AnyVarlena<'_>) -> bool {
            Quantized::of(&left)
                .compare(&Quantized::of(&right))
                .$holds()
        }
    };
}
comparison!(quantized_lt, is_lt);
comparison!(quantized_le, is_le);
comparison!(quantized_gt, is_gt);
comparison!(quantized_ge, is_ge);

#[pg_extern(sql = false)]
fn quantized_precision(stored: AnyVarlena<'_>) -> &'static str {
    Quantized::of(&stored).precision.name()
}

#[pg_extern(sql = false)]
fn quantized_dims(stored: AnyVarlena<'_>) -> i32 {
    Quantized::of(&stored).dimensions as i32
}
