//! The typed vectors `binvec`, `int8vec` and `uint8vec`: one varlena core, a [`Kind`] for each.
//!
//! The stored bytes are those of `quantize::encoding`: dimension, then payload.

use std::marker::PhantomData;

use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::datum::Datum;
use pgrx::pg_sys;
use quantize::{Error, Precision, encoding, text};

use super::detoast::{Detoasted, NewVarlena};
use crate::errors::OrRaise;

/// What tells the vector types apart.
pub trait Kind: 'static {
    /// The SQL name.
    const NAME: &'static str;
    /// How long payloads are.
    const PRECISION: Precision;
    /// How two payloads of the same dimension sort.
    fn compare(left: &[u8], right: &[u8]) -> std::cmp::Ordering;
    /// The text form.
    fn format(payload: &[u8], dimensions: usize) -> String;
    /// Reads the text form: dimensions and payload.
    fn parse(text: &str) -> Result<(usize, Vec<u8>), Error>;
}

/// `binvec`: sign bits.
pub struct Binary;
/// `int8vec`: signed codes.
pub struct Int8;
/// `uint8vec`: unsigned codes.
pub struct Uint8;

impl Kind for Binary {
    const NAME: &'static str = "binvec";
    const PRECISION: Precision = Precision::Ubinary;

    fn compare(left: &[u8], right: &[u8]) -> std::cmp::Ordering {
        left.cmp(right)
    }
    fn format(payload: &[u8], dimensions: usize) -> String {
        text::format_bits(payload, dimensions)
    }
    fn parse(text: &str) -> Result<(usize, Vec<u8>), Error> {
        text::parse_bits(text)
    }
}

impl Kind for Int8 {
    const NAME: &'static str = "int8vec";
    const PRECISION: Precision = Precision::Int8;

    fn compare(left: &[u8], right: &[u8]) -> std::cmp::Ordering {
        as_signed(left).cmp(as_signed(right))
    }
    fn format(payload: &[u8], _dimensions: usize) -> String {
        text::format_list(as_signed(payload).iter())
    }
    fn parse(text: &str) -> Result<(usize, Vec<u8>), Error> {
        let codes = text::parse_list::<i8>(Self::NAME, text)?;
        Ok((codes.len(), as_unsigned(&codes).to_vec()))
    }
}

impl Kind for Uint8 {
    const NAME: &'static str = "uint8vec";
    const PRECISION: Precision = Precision::Uint8;

    fn compare(left: &[u8], right: &[u8]) -> std::cmp::Ordering {
        left.cmp(right)
    }
    fn format(payload: &[u8], _dimensions: usize) -> String {
        text::format_list(payload.iter())
    }
    fn parse(text: &str) -> Result<(usize, Vec<u8>), Error> {
        let codes = text::parse_list::<u8>(Self::NAME, text)?;
        Ok((codes.len(), codes))
    }
}

/// Bytes as signed codes.
#[inline]
pub fn as_signed(bytes: &[u8]) -> &[i8] {
    // SAFETY: u8 and i8 have the same size and alignment, and every bit pattern is valid.
    unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast(), bytes.len()) }
}

/// Signed codes as bytes.
pub fn as_unsigned(codes: &[i8]) -> &[u8] {
    // SAFETY: as in `as_signed`.
    unsafe { std::slice::from_raw_parts(codes.as_ptr().cast(), codes.len()) }
}

/// A vector that came as an argument.
pub struct Vector<'a, K> {
    stored: Detoasted<'a>,
    kind: PhantomData<K>,
}

impl<K: Kind> Vector<'_, K> {
    /// # Safety
    /// `datum` is of the SQL type of this kind, not null, and outlives the result.
    #[inline]
    pub unsafe fn from_datum(datum: pg_sys::Datum) -> Self {
        Self {
            // SAFETY: the caller says that it is a varlena.
            stored: unsafe { Detoasted::packed(datum) },
            kind: PhantomData,
        }
    }

    /// The number of dimensions.
    #[inline]
    pub fn dimensions(&self) -> usize {
        encoding::split(self.stored.bytes()).0
    }

    /// The packed bits, or one byte a dimension.
    #[inline]
    pub fn payload(&self) -> &[u8] {
        encoding::split(self.stored.bytes()).1
    }

    /// Dimension and payload, as stored.
    pub fn bytes(&self) -> &[u8] {
        self.stored.bytes()
    }

    /// Sorts by elements, and a vector before those that it begins: as arrays do.
    pub fn compare(&self, other: &Self) -> std::cmp::Ordering {
        K::compare(self.payload(), other.payload()).then(self.dimensions().cmp(&other.dimensions()))
    }
}

impl Vector<'_, Int8> {
    /// The signed codes.
    #[inline]
    pub fn codes(&self) -> &[i8] {
        as_signed(self.payload())
    }
}

// SAFETY: SQL declares arguments of this Rust type with the SQL type of the same kind, whose datums are varlenas.
unsafe impl<'fcx, K: Kind> ArgAbi<'fcx> for Vector<'fcx, K> {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: the caller says that the argument is not null and of this type.
        unsafe {
            let datum: pg_sys::Datum = arg.unbox_arg_using_from_datum().expect("not null");
            Self::from_datum(datum)
        }
    }
}

/// A vector made by us, in the memory context that was current then.
pub struct NewVector<K> {
    varlena: NewVarlena,
    kind: PhantomData<K>,
}

impl<K: Kind> NewVector<K> {
    /// Makes a vector of `dimensions` whose payload (zero bytes at first) `fill` writes.
    ///
    /// Raises an error unless there are 1 to 65535 dimensions, or when `fill` fails.
    pub fn fill(
        dimensions: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<(), Error>,
    ) -> NewVector<K> {
        let header = encoding::header(dimensions).or_raise();
        let len = encoding::HEADER + K::PRECISION.payload_len(dimensions);
        let mut varlena = NewVarlena::zeros(len);
        let (stored_header, payload) = varlena.bytes_mut().split_at_mut(encoding::HEADER);
        stored_header.copy_from_slice(&header);
        fill(payload).or_raise();
        Self {
            varlena,
            kind: PhantomData,
        }
    }

    /// The vector as a value of SQL.
    pub fn into_datum(self) -> pg_sys::Datum {
        self.varlena.into_datum()
    }

    /// Makes a vector with this payload, whose length fits the dimensions.
    pub fn from_payload(dimensions: usize, payload: &[u8]) -> Self {
        Self::fill(dimensions, |bytes| {
            bytes.copy_from_slice(payload);
            Ok(())
        })
    }
}

// SAFETY: the datum is a varlena in palloc'ed memory, of the SQL type of the same kind.
unsafe impl<K: Kind> BoxRet for NewVector<K> {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        // SAFETY: the caller returns it from the function.
        unsafe { self.varlena.box_into(fcinfo) }
    }
}

sql_type!([] Vector<'_, Binary>, "binvec");
sql_type!([] Vector<'_, Int8>, "int8vec");
sql_type!([] Vector<'_, Uint8>, "uint8vec");
sql_type!([] NewVector<Binary>, "binvec");
sql_type!([] NewVector<Int8>, "int8vec");
sql_type!([] NewVector<Uint8>, "uint8vec");
