//! Small queries of our own on the catalogs.

use std::ffi::CStr;

use pgrx::{FromDatum, IntoDatum, pg_sys};

/// A row of a result.
pub struct Row {
    tuple: pg_sys::HeapTuple,
    descriptor: pg_sys::TupleDesc,
}

impl Row {
    /// The column of this number, counted from 1.
    pub fn get<T: FromDatum + IntoDatum>(&self, column: i32) -> Option<T> {
        // SAFETY: the row and its description are of the table that `select` holds. The declared type of the column is
        // the one that T stands for.
        unsafe {
            let mut is_null = false;
            let datum = pg_sys::SPI_getbinval(self.tuple, self.descriptor, column, &mut is_null);
            T::from_polymorphic_datum(datum, is_null, T::type_oid())
        }
    }

    /// A column of type `bytea` that holds text in UTF-8.
    pub fn text(&self, column: i32) -> Option<String> {
        let bytes: Vec<u8> = self.get(column)?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// What a query with one parameter of type `oid` finds under the active snapshot.
///
/// Every name in the query is qualified.
pub fn select<T>(query: &CStr, parameter: pg_sys::Oid, read: impl Fn(&Row) -> T) -> Vec<T> {
    let mut types = [pg_sys::OIDOID];
    let mut values = [pg_sys::Datum::from(parameter)];
    // SAFETY: SPI is connected in between; the rows are read before it is finished, into values of their own.
    unsafe {
        pg_sys::SPI_connect();
        pg_sys::SPI_execute_with_args(
            query.as_ptr(),
            1,
            types.as_mut_ptr(),
            values.as_mut_ptr(),
            std::ptr::null(),
            true,
            0,
        );
        let table = pg_sys::SPI_tuptable;
        let rows = (0..pg_sys::SPI_processed as usize)
            .map(|i| {
                read(&Row {
                    tuple: *(*table).vals.add(i),
                    descriptor: (*table).tupdesc,
                })
            })
            .collect();
        pg_sys::SPI_finish();
        rows
    }
}
