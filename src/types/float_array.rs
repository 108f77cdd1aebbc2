//! Postgres arrays as plain slices: embeddings that come in, vectors and matrices that go out.
//!
//! Only arrays of fixed-width numbers without nulls are seen here, so the data are contiguous and
//! `dataoffset` is 0.

use std::marker::PhantomData;
use std::ptr::NonNull;

use pgrx::PgSqlErrorCode;
use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::datum::Datum;
use pgrx::pg_sys;

use super::call::Call;
use super::detoast::Detoasted;
use crate::errors::raise;

/// An array element that is stored as Rust stores it.
///
/// # Safety
/// `OID` is the type of exactly `Self`'s size and alignment; every bit pattern is a valid `Self`.
pub unsafe trait Element: Copy + 'static {
    /// The SQL type.
    const OID: pg_sys::Oid;
}
// SAFETY: float4 is f32.
unsafe impl Element for f32 {
    const OID: pg_sys::Oid = pg_sys::FLOAT4OID;
}
// SAFETY: float8 is f64.
unsafe impl Element for f64 {
    const OID: pg_sys::Oid = pg_sys::FLOAT8OID;
}
// SAFETY: int2 is i16.
unsafe impl Element for i16 {
    const OID: pg_sys::Oid = pg_sys::INT2OID;
}
// SAFETY: int4 is i32.
unsafe impl Element for i32 {
    const OID: pg_sys::Oid = pg_sys::INT4OID;
}
// SAFETY: int4 is 32 bits wide; aggregates keep unsigned counts in it.
unsafe impl Element for u32 {
    const OID: pg_sys::Oid = pg_sys::INT4OID;
}
// SAFETY: int8 is 64 bits wide; aggregates keep unsigned counts in it.
unsafe impl Element for u64 {
    const OID: pg_sys::Oid = pg_sys::INT8OID;
}

/// An array argument of one or two dimensions without nulls.
pub struct ArrayArg<'a, T> {
    stored: Detoasted<'a>,
    element: PhantomData<T>,
}

impl<T: Element> ArrayArg<'_, T> {
    fn header(&self) -> &pg_sys::ArrayType {
        // SAFETY: the datum is an array with a four-byte header, so it begins with an ArrayType.
        unsafe { &*self.stored.as_ptr().cast() }
    }

    /// The lengths of its dimensions: none for an empty array.
    fn lengths(&self) -> &[i32] {
        let header: *const pg_sys::ArrayType = self.header();
        // SAFETY: `ndim` lengths follow the header.
        unsafe { std::slice::from_raw_parts(header.add(1).cast(), (*header).ndim as usize) }
    }

    /// The elements, in row-major order.
    #[inline]
    pub fn values(&self) -> &[T] {
        let len: usize = self.lengths().iter().map(|&n| n as usize).product();
        let len = if self.lengths().is_empty() { 0 } else { len };
        let offset = data_offset(self.lengths().len());
        // SAFETY: without nulls the data begin at this offset, and there are `len` of the element
        // type's size; four-byte headers keep them aligned.
        unsafe {
            std::slice::from_raw_parts(self.stored.as_ptr().cast::<u8>().add(offset).cast(), len)
        }
    }

    /// The whole array as bytes: equal bytes are equal arrays.
    pub fn bytes(&self) -> &[u8] {
        self.stored.bytes()
    }

    /// Takes the argument, or raises an error that calls it `what`.
    ///
    /// # Safety
    /// The argument is not null, and SQL declares it as an array of `T`.
    pub(super) unsafe fn unbox(arg: Arg<'_, '_>, ndim: i32, what: &str, shape: &str) -> Self {
        // SAFETY: the caller says that it is an array.
        unsafe {
            let datum: pg_sys::Datum = arg.unbox_arg_using_from_datum().expect("not null");
            Self::from_datum(datum, ndim, what, shape)
        }
    }

    /// As `unbox`.
    ///
    /// # Safety
    /// `datum` is an array of `T`, not null, that outlives the result.
    unsafe fn from_datum(datum: pg_sys::Datum, ndim: i32, what: &str, shape: &str) -> Self {
        // SAFETY: the caller says that it is an array.
        let stored = unsafe { Detoasted::aligned(datum) };
        let array = Self {
            stored,
            element: PhantomData,
        };
        let header = array.header();
        if header.ndim == 0 {
            raise(
                PgSqlErrorCode::ERRCODE_DATA_EXCEPTION,
                format!("{what} must not be empty"),
            );
        }
        if header.ndim != ndim {
            raise(
                PgSqlErrorCode::ERRCODE_ARRAY_ELEMENT_ERROR,
                format!("{what} must be {shape}, not {}-dimensional", header.ndim),
            );
        }
        // A null bitmap may be there although no element is null.
        if header.dataoffset != 0 {
            // SAFETY: it is a valid array.
            if unsafe { pg_sys::array_contains_nulls(array.stored.as_ptr().cast()) } {
                raise(
                    PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
                    format!("{what} must not contain nulls"),
                );
            }
            return array.without_bitmap();
        }
        array
    }

    /// A copy without a null bitmap, so that the data lie where we look for them.
    fn without_bitmap(&self) -> Self {
        let header = self.header();
        let source = header.dataoffset as usize;
        let copy = match *self.lengths() {
            [len] => NewArray::<T>::vector_uninitialised(len as usize),
            [rows, columns] => NewArray::<T>::matrix(rows as usize, columns as usize),
            _ => unreachable!("only vectors and matrices come here"),
        };
        let len: usize = self.lengths().iter().map(|&n| n as usize).product();
        // SAFETY: both hold `len` elements, the source behind its bitmap.
        unsafe {
            std::ptr::copy_nonoverlapping(
                self.stored.as_ptr().cast::<u8>().add(source).cast::<T>(),
                copy.data(),
                len,
            );
            Self {
                stored: Detoasted::aligned(pg_sys::Datum::from(copy.array.as_ptr())),
                element: PhantomData,
            }
        }
    }
}

/// Bytes before the data of an array without nulls.
fn data_offset(ndim: usize) -> usize {
    let header = size_of::<pg_sys::ArrayType>() + 2 * ndim * size_of::<i32>();
    header.next_multiple_of(pg_sys::MAXIMUM_ALIGNOF as usize)
}

/// A vector argument: `real[]` with one dimension.
pub struct FloatArray<'a>(pub(super) ArrayArg<'a, f32>);

impl std::ops::Deref for FloatArray<'_> {
    type Target = [f32];

    #[inline]
    fn deref(&self) -> &[f32] {
        self.0.values()
    }
}

impl FloatArray<'_> {
    /// Takes a datum, or raises an error when it is not a vector without nulls.
    ///
    /// # Safety
    /// `datum` is a `real[]`, not null, that outlives the result.
    pub unsafe fn from_datum(datum: pg_sys::Datum) -> Self {
        // SAFETY: the caller says so.
        Self(unsafe { ArrayArg::from_datum(datum, 1, "embedding", "one-dimensional") })
    }

    /// Whether a datum is a vector without nulls.
    ///
    /// # Safety
    /// As for `from_datum`.
    pub unsafe fn is_vector(datum: pg_sys::Datum) -> bool {
        // SAFETY: the caller says that it is an array, which begins with an ArrayType.
        unsafe {
            let stored = Detoasted::aligned(datum);
            let array: *mut pg_sys::ArrayType = stored.as_ptr().cast();
            (*array).ndim == 1 && !pg_sys::array_contains_nulls(array)
        }
    }

    /// The whole array as bytes, for caching.
    pub fn bytes(&self) -> &[u8] {
        self.0.bytes()
    }
}

// SAFETY: SQL declares such arguments as real[].
unsafe impl<'fcx> ArgAbi<'fcx> for FloatArray<'fcx> {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: as above; not null by the caller's word.
        let array = unsafe { ArrayArg::unbox(arg, 1, "embedding", "one-dimensional") };
        Self(array)
    }
}

/// A `real[]` of any shape, which its user judges.
pub struct AnyFloats<'a>(Detoasted<'a>);

impl AnyFloats<'_> {
    /// # Safety
    /// `datum` is a `real[]`, not null, that outlives the result.
    pub unsafe fn from_datum(datum: pg_sys::Datum) -> Self {
        // SAFETY: the caller says that it is an array.
        Self(unsafe { Detoasted::aligned(datum) })
    }

    fn header(&self) -> &pg_sys::ArrayType {
        // SAFETY: the datum is an array with a four-byte header.
        unsafe { &*self.0.as_ptr().cast() }
    }

    /// `which` 0: the lengths of its dimensions, none for an empty array; 1: their first subscripts.
    fn numbers(&self, which: usize) -> &[i32] {
        let header: *const pg_sys::ArrayType = self.header();
        // SAFETY: `ndim` lengths, then as many subscripts, follow the header.
        unsafe {
            let ndim = (*header).ndim as usize;
            std::slice::from_raw_parts(header.add(1).cast::<i32>().add(which * ndim), ndim)
        }
    }

    /// The lengths of its dimensions, none for an empty array.
    pub fn lengths(&self) -> &[i32] {
        self.numbers(0)
    }

    /// The dimensions as Postgres writes them: `[1:2][1:3]`.
    pub fn bounds(&self) -> String {
        let bounds = self.numbers(1).iter().zip(self.lengths());
        bounds
            .map(|(first, len)| format!("[{first}:{}]", first + len - 1))
            .collect()
    }

    /// The elements in row-major order; an error that calls the array `what` when one is null.
    pub fn values(&self, what: &str) -> &[f32] {
        let ndim = self.lengths().len();
        let len = if ndim == 0 {
            0
        } else {
            self.lengths().iter().map(|&n| n as usize).product()
        };
        let array: *const pg_sys::ArrayType = self.header();
        // SAFETY: a valid array, whose data begin where its header says or, without nulls, behind the lengths and
        // subscripts; a bitmap may be there although no element is null.
        unsafe {
            let mut offset = (*array).dataoffset as usize;
            if offset == 0 {
                offset = data_offset(ndim);
            } else if pg_sys::array_contains_nulls(array.cast_mut()) {
                raise(
                    PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
                    format!("{what} must not contain nulls"),
                );
            }
            std::slice::from_raw_parts(array.cast::<u8>().add(offset).cast(), len)
        }
    }
}

// SAFETY: SQL declares such arguments as real[].
unsafe impl<'fcx> ArgAbi<'fcx> for AnyFloats<'fcx> {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: as above; not null by the caller's word.
        unsafe { Self::from_datum(arg.unbox_arg_using_from_datum().expect("not null")) }
    }
}

/// Ranges as an argument: `real[]` with two dimensions.
pub struct FloatMatrix<'a>(pub(super) ArrayArg<'a, f32>);

impl FloatMatrix<'_> {
    /// Takes a datum, or raises an error when it is not a matrix without nulls, which it calls ranges.
    ///
    /// # Safety
    /// `datum` is a `real[]`, not null, that outlives the result.
    pub unsafe fn ranges_from_datum(datum: pg_sys::Datum) -> Self {
        // SAFETY: the caller says so.
        Self(unsafe { ArrayArg::from_datum(datum, 2, "ranges", "two-dimensional") })
    }

    /// Rows and columns.
    pub fn shape(&self) -> (usize, usize) {
        let lengths = self.0.lengths();
        (lengths[0] as usize, lengths[1] as usize)
    }

    /// The elements, row by row.
    pub fn values(&self) -> &[f32] {
        self.0.values()
    }

    /// The whole array as bytes, for caching.
    pub fn bytes(&self) -> &[u8] {
        self.0.bytes()
    }
}

// SAFETY: SQL declares such arguments as real[].
unsafe impl<'fcx> ArgAbi<'fcx> for FloatMatrix<'fcx> {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: as above; not null by the caller's word.
        let array = unsafe { ArrayArg::unbox(arg, 2, "ranges", "two-dimensional") };
        Self(array)
    }
}

/// A vector of integers to cast from: `smallint[]` or `integer[]`.
pub struct IntegerArray<'a, T>(ArrayArg<'a, T>);

impl<T: Element> IntegerArray<'_, T> {
    /// The elements.
    pub fn values(&self) -> &[T] {
        self.0.values()
    }
}

// SAFETY: SQL declares such arguments as arrays of T.
unsafe impl<'fcx, T: Element> ArgAbi<'fcx> for IntegerArray<'fcx, T> {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: as above; not null by the caller's word.
        let array = unsafe { ArrayArg::unbox(arg, 1, "array", "one-dimensional") };
        Self(array)
    }
}

/// An array made by us, in the memory context that was current then.
pub struct NewArray<T> {
    array: NonNull<pg_sys::ArrayType>,
    element: PhantomData<T>,
}

impl<T: Element> NewArray<T> {
    /// A vector of these values.
    pub fn vector(values: &[T]) -> Self {
        let new = Self::vector_uninitialised(values.len());
        // SAFETY: the array has room for `values.len()` elements.
        unsafe { std::ptr::copy_nonoverlapping(values.as_ptr(), new.data(), values.len()) };
        new
    }

    /// A vector of zeros.
    pub fn zeros(len: usize) -> Self {
        Self::vector_uninitialised(len)
    }

    // Really zeros; named for the callers that write every element.
    fn vector_uninitialised(len: usize) -> Self {
        Self::allocate(&[len])
    }

    /// A matrix of zeros.
    pub fn matrix(rows: usize, columns: usize) -> Self {
        Self::allocate(&[rows, columns])
    }

    /// The 2×d matrix of `d` minima, then `d` maxima.
    pub fn ranges(rows: &[T]) -> Self {
        let new = Self::matrix(2, rows.len() / 2);
        // SAFETY: the matrix has room for `rows.len()` elements, which is even.
        unsafe { std::ptr::copy_nonoverlapping(rows.as_ptr(), new.data(), rows.len()) };
        new
    }

    fn allocate(lengths: &[usize]) -> Self {
        let len: usize = lengths.iter().product();
        let offset = data_offset(lengths.len());
        let total = offset + len * size_of::<T>();
        // SAFETY: palloc0 raises an error rather than fail; what is written lies within `total`.
        unsafe {
            let array: *mut pg_sys::ArrayType = pg_sys::palloc0(total).cast();
            pgrx::varlena::set_varsize_4b(array.cast(), total as i32);
            (*array).ndim = lengths.len() as i32;
            (*array).elemtype = T::OID;
            let header: *mut i32 = array.add(1).cast();
            for (i, &length) in lengths.iter().enumerate() {
                *header.add(i) = length as i32;
                *header.add(lengths.len() + i) = 1;
            }
            Self {
                array: NonNull::new_unchecked(array),
                element: PhantomData,
            }
        }
    }

    /// The array as a value of SQL.
    pub fn into_datum(self) -> pg_sys::Datum {
        pg_sys::Datum::from(self.array.as_ptr())
    }

    fn data(&self) -> *mut T {
        // SAFETY: the array is at least its own header long.
        unsafe {
            let ndim = (*self.array.as_ptr()).ndim as usize;
            let offset = data_offset(ndim);
            self.array.as_ptr().cast::<u8>().add(offset).cast()
        }
    }

    /// The elements, to be written.
    pub fn values_mut(&mut self) -> &mut [T] {
        // SAFETY: ours alone; lengths are in the header that `allocate` wrote or `in_place` checked.
        unsafe {
            let lengths: *const i32 = self.array.as_ptr().add(1).cast();
            let ndim = (*self.array.as_ptr()).ndim as usize;
            let len = (0..ndim).map(|i| *lengths.add(i) as usize).product();
            std::slice::from_raw_parts_mut(self.data(), len)
        }
    }
}

/// The transition state of an aggregate: an array that is updated where it lies.
pub struct State<'a, T> {
    arg: ArrayArg<'a, T>,
    in_place: bool,
}

impl<T: Element> State<'_, T> {
    /// The elements.
    pub fn values(&self) -> &[T] {
        self.arg.values()
    }

    /// The state to update: the argument itself in an aggregate, a copy in a window function, where
    /// the executor may still hold the value of the row before.
    pub fn into_mutable(self) -> NewArray<T> {
        if self.in_place && !self.arg.stored.is_copy() {
            return NewArray {
                // SAFETY: an argument is never a null pointer.
                array: unsafe { NonNull::new_unchecked(self.arg.stored.as_ptr().cast()) },
                element: PhantomData,
            };
        }
        let lengths: Vec<usize> = self.arg.lengths().iter().map(|&n| n as usize).collect();
        let mut copy = NewArray::allocate(&lengths);
        copy.values_mut().copy_from_slice(self.arg.values());
        copy
    }
}

// SAFETY: SQL declares such arguments as arrays of T.
unsafe impl<'fcx, T: Element> ArgAbi<'fcx> for State<'fcx, T> {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: states are made by `NewArray`, without nulls; not null by the caller's word.
        let stored = unsafe {
            let datum: pg_sys::Datum = arg.unbox_arg_using_from_datum().expect("not null");
            Detoasted::aligned(datum)
        };
        let arg = ArrayArg {
            stored,
            element: PhantomData,
        };
        if arg.header().dataoffset != 0 {
            raise(
                PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
                "aggregate state must not contain nulls",
            );
        }
        Self {
            arg,
            in_place: false,
        }
    }
}

impl<T: Element> State<'_, T> {
    /// Says in which context the state may be updated in place; an error outside of an aggregate, or
    /// where the lengths of its dimensions don't fit: an aggregate of somebody else's making may start
    /// from any value.
    pub fn within(mut self, call: &Call<'_>, fits: impl FnOnce(&[i32]) -> bool) -> Self {
        self.in_place = aggregate_context(call) == AggregateContext::Aggregate;
        if !fits(self.arg.lengths()) {
            raise(
                PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                "invalid aggregate state",
            );
        }
        self
    }
}

/// Where a transition function runs.
#[derive(PartialEq, Eq)]
enum AggregateContext {
    /// In an aggregate.
    Aggregate,
    /// In a window function.
    Window,
}

/// Where this function runs; an error when it is called by itself.
///
/// Looks at what `AggCheckCallContext` looks at: a call into Postgres, with its guard against errors, for every row
/// would cost as much as taking the row in.
#[inline]
fn aggregate_context(call: &Call<'_>) -> AggregateContext {
    match call.context() {
        Some(pg_sys::NodeTag::T_AggState) => AggregateContext::Aggregate,
        Some(pg_sys::NodeTag::T_WindowAggState) => AggregateContext::Window,
        _ => raise(
            PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            "aggregate support function called outside an aggregate",
        ),
    }
}

// SAFETY: the datum is an array in palloc'ed memory of the declared element type.
unsafe impl<T: Element> BoxRet for NewArray<T> {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        // SAFETY: the caller returns it from the function.
        unsafe { fcinfo.return_raw_datum(pg_sys::Datum::from(self.array.as_ptr())) }
    }
}

sql_type!([] AnyFloats<'_>, "real[]");
sql_type!([] FloatArray<'_>, "real[]");
sql_type!([] FloatMatrix<'_>, "real[]");
sql_type!([T] IntegerArray<'_, T>, "integer[]");
sql_type!([T] State<'_, T>, "real[]");
sql_type!([T] NewArray<T>, "real[]");
