//! The arguments of a call, and the values that become parameters.

use std::ffi::CStr;

use pgrx::{FromDatum, IntoDatum, pg_sys};

use super::relation::from_server;
use crate::types::{AnyFloats, Detoasted};

/// A call of a function in SQL.
#[derive(Clone, Copy)]
pub struct Call(pg_sys::FunctionCallInfo);

/// A value that is passed as it is.
pub trait Scalar: FromDatum {}
impl Scalar for bool {}
impl Scalar for i32 {}
impl Scalar for f32 {}

impl Call {
    /// # Safety
    /// `fcinfo` is the call that Postgres makes, and is not used after it.
    pub unsafe fn new(fcinfo: pg_sys::FunctionCallInfo) -> Self {
        Self(fcinfo)
    }

    /// The argument at this place, counted from 0; none for null.
    fn datum(&self, argument: usize) -> Option<pg_sys::Datum> {
        // SAFETY: by the word of `new` a valid call; the place is checked against what was passed.
        unsafe {
            let count = (*self.0).nargs as usize;
            assert!(
                argument < count,
                "a function has as many arguments as SQL declares"
            );
            let argument = (*self.0).args.as_slice(count)[argument];
            (!argument.isnull).then_some(argument.value)
        }
    }

    /// The type of the argument at this place, as the caller's expression has it.
    pub fn type_of(&self, argument: usize) -> pg_sys::Oid {
        // SAFETY: a valid call.
        unsafe { pg_sys::get_fn_expr_argtype((*self.0).flinfo, argument as i32) }
    }

    /// An argument of type boolean, integer or real.
    pub fn scalar<T: Scalar>(&self, argument: usize) -> Option<T> {
        // SAFETY: SQL declares the argument of this type.
        unsafe { T::from_datum(self.datum(argument)?, false) }
    }

    /// An argument of type name.
    pub fn name(&self, argument: usize) -> Option<String> {
        let datum = self.datum(argument)?;
        // SAFETY: SQL declares it as a name, which a zero byte ends.
        Some(from_server(unsafe { CStr::from_ptr(datum.cast_mut_ptr()) }))
    }

    /// An argument of type text.
    pub fn text(&self, argument: usize) -> Option<String> {
        // SAFETY: SQL declares it as text.
        self.datum(argument).map(|datum| unsafe { text_of(datum) })
    }

    /// The elements of an argument of type text[].
    pub fn texts(&self, argument: usize) -> Option<Vec<Option<String>>> {
        let datum = self.datum(argument)?;
        // SAFETY: SQL declares it as text[]; the elements are copied before the array goes.
        unsafe {
            let array = Detoasted::aligned(datum);
            let array: *mut pg_sys::ArrayType = array.as_ptr().cast();
            let (mut elements, mut nulls, mut count) =
                (std::ptr::null_mut(), std::ptr::null_mut(), 0);
            let alignment = pg_sys::TYPALIGN_INT as std::ffi::c_char;
            pg_sys::deconstruct_array(
                array,
                pg_sys::TEXTOID,
                -1,
                false,
                alignment,
                &mut elements,
                &mut nulls,
                &mut count,
            );
            let elements = (0..count as usize)
                .map(|i| (!*nulls.add(i)).then(|| text_of(*elements.add(i))))
                .collect();
            Some(elements)
        }
    }

    /// An argument of type real[].
    pub fn floats(&self, argument: usize) -> Option<AnyFloats<'static>> {
        // SAFETY: SQL declares it as real[]; a call's arguments outlive what is made from it.
        self.datum(argument)
            .map(|datum| unsafe { AnyFloats::from_datum(datum) })
    }

    /// Where a function that returns a set says what its caller expects.
    pub fn result_info(&self) -> *mut pg_sys::ReturnSetInfo {
        // SAFETY: a valid call.
        unsafe {
            let info: *mut pg_sys::Node = (*self.0).resultinfo.cast();
            if info.is_null() || (*info).type_ != pg_sys::NodeTag::T_ReturnSetInfo {
                return std::ptr::null_mut();
            }
            info.cast()
        }
    }
}

/// # Safety
/// `datum` is of type text, not null.
unsafe fn text_of(datum: pg_sys::Datum) -> String {
    // SAFETY: the caller says so. The copy has a zero byte at its end.
    unsafe {
        from_server(CStr::from_ptr(pg_sys::text_to_cstring(
            datum.cast_mut_ptr(),
        )))
    }
}

/// A text in UTF-8 as a value of SQL.
pub fn text_datum(text: &str) -> pg_sys::Datum {
    let bytes = to_server(text);
    // SAFETY: makes a text of these bytes.
    unsafe {
        pg_sys::Datum::from(pg_sys::cstring_to_text_with_len(
            bytes.as_ptr().cast(),
            bytes.len() as i32,
        ))
    }
}

/// A string in UTF-8 as the server has it.
pub fn to_server(text: &str) -> Vec<u8> {
    // SAFETY: returns the bytes themselves, when nothing is to be converted, or a converted string ended by a zero byte.
    unsafe {
        let converted = pg_sys::pg_any_to_server(
            text.as_ptr().cast(),
            text.len() as i32,
            pg_sys::pg_enc::PG_UTF8 as i32,
        );
        if converted.cast_const().cast() == text.as_ptr() {
            return text.as_bytes().to_vec();
        }
        CStr::from_ptr(converted).to_bytes().to_vec()
    }
}

/// A number as a value of SQL.
pub fn scalar_datum<T: IntoDatum>(value: T) -> pg_sys::Datum {
    value.into_datum().expect("a number is not null")
}
