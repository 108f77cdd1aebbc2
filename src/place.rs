//! What the backend is doing with which index, so that every error raised meanwhile can say where it happened.
//!
//! An access method's callback enters a place and leaves it when it is done; the names are looked up only when an error
//! asks for them.

use std::cell::Cell;
use std::ffi::{CStr, c_char};

use pgrx::pg_sys;

/// What is being done with an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Built from the rows of its table.
    Build,
    /// Built: this row, by block and offset, is being taken in.
    BuildRow(u32, u16),
    /// Built: this row was the last taken in, and the index's expressions are evaluated for the next.
    BuildAfter(u32, u16),
    /// A new row is being added.
    Insert,
    /// Searched.
    Search,
    /// Anything else: vacuum, inspection, tuning.
    Other,
}

/// An index with what is being done with it.
#[derive(Clone, Copy)]
struct Place {
    index: pg_sys::Oid,
    work: Work,
}

thread_local! {
    static PLACE: Cell<Option<Place>> = const { Cell::new(None) };
}

/// Leaves the place when it is dropped, on an error too.
pub struct Entered(Option<Place>);

impl Drop for Entered {
    fn drop(&mut self) {
        PLACE.set(self.0);
    }
}

/// Notes that `work` begins on an index, until the result is dropped.
#[must_use]
pub fn enter(index: pg_sys::Oid, work: Work) -> Entered {
    Entered(PLACE.replace(Some(Place { index, work })))
}

/// Notes that work on the index goes on with this, until the place is left.
pub fn go_on(work: Work) {
    if let Some(place) = PLACE.get() {
        PLACE.set(Some(Place { work, ..place }));
    }
}

/// The names of a place.
pub struct Names {
    /// What is being done.
    pub work: Work,
    /// The index.
    pub index: String,
    /// Its table.
    pub table: String,
    /// The column or expression that it is on.
    pub column: String,
    /// Whether that is an array.
    array: bool,
}

impl Names {
    /// One sentence for the DETAIL of an error.
    pub fn sentence(&self) -> String {
        let Self {
            work,
            index,
            table,
            column,
            ..
        } = self;
        let on = if column.contains('(') {
            format!("\"{index}\" on expression {column}")
        } else {
            format!("\"{index}\" on column \"{column}\"")
        };
        match work {
            Work::Build => format!("Index {on} of table \"{table}\" is being built."),
            Work::BuildRow(block, offset) => {
                format!("Row ({block},{offset}) of table \"{table}\" cannot go into index {on}.")
            }
            Work::BuildAfter(block, offset) => format!(
                "A row after ({block},{offset}) of table \"{table}\" cannot go into index {on}."
            ),
            Work::Insert => {
                format!("The new row of table \"{table}\" cannot go into index {on}.")
            }
            Work::Search => format!("The search uses index {on} of table \"{table}\"."),
            Work::Other => format!("The index is {on} of table \"{table}\"."),
        }
    }

    /// An SQL expression: the dimension of a row's value.
    pub fn dimensions(&self) -> String {
        let function = if self.array {
            "cardinality"
        } else {
            "vector_dims"
        };
        format!("{function}({})", self.column)
    }
}

/// The names of the place that the backend is at, if it is at one.
pub fn names() -> Option<Names> {
    let place = PLACE.get()?;
    // A second error while the names are looked up does not come back here.
    let _left = Entered(PLACE.take());
    // SAFETY: catalog look-ups; the index is open while the place is entered.
    unsafe {
        let table = pg_sys::IndexGetRelation(place.index, true);
        Some(Names {
            work: place.work,
            index: relation_name(place.index)?,
            table: relation_name(table)?,
            column: text(pg_sys::pg_get_indexdef_columns(place.index, false))?,
            array: pg_sys::get_atttype(place.index, 1) == pg_sys::FLOAT4ARRAYOID,
        })
    }
}

/// A relation's name, while it exists.
pub fn relation_name(relation: pg_sys::Oid) -> Option<String> {
    // SAFETY: a catalog look-up.
    unsafe { text(pg_sys::get_rel_name(relation)) }
}

/// A copy of a string of Postgres's.
unsafe fn text(string: *const c_char) -> Option<String> {
    if string.is_null() {
        return None;
    }
    // SAFETY: the caller passes a C string.
    let string = unsafe { CStr::from_ptr(string) };
    Some(string.to_string_lossy().into_owned())
}
