//! Opening an index for work, and its errors as SQL errors.

use pgrx::pg_sys;
use pgrx::prelude::*;
use qivf::{Error, Index, IndexCache};
use std::cell::RefCell;

use super::class::Class;
use crate::errors::{raise, raise_with_hint};
use crate::place::{self, Work};
use crate::storage::IndexRelation;

/// Memory for what a backend keeps of the indexes that it scans, together: at most some 5 MB each.
const KEPT_BYTES: usize = 64 << 20;

thread_local! {
    /// Checked against the meta page at each opening.
    static INDEXES: RefCell<IndexCache<pg_sys::Oid>> = RefCell::new(IndexCache::new(KEPT_BYTES));
}

/// An opened index and its operator class.
pub struct Opened {
    /// The index.
    pub index: Index<IndexRelation>,
    /// Its operator class.
    pub class: Class,
}

/// Opens an index: reads its meta page and checks that it was built for its operator class.
///
/// # Safety
/// `relation` is a qivf index that stays open while the result is used.
pub unsafe fn open(relation: pg_sys::Relation) -> Opened {
    // SAFETY: the caller keeps the relation open.
    let (store, class) = unsafe { (IndexRelation::new(relation), Class::of(relation)) };
    // SAFETY: the relation is open.
    let id = unsafe { (*relation).rd_id };
    let index = INDEXES
        .with_borrow_mut(|cache| cache.open(id, store))
        .or_raise();
    if index.meta().class != class.stored() {
        raise_with_hint(
            PgSqlErrorCode::ERRCODE_INDEX_CORRUPTED,
            format!(
                "index was built for operator class number {}, not {}",
                index.meta().class,
                class.stored()
            ),
            "REINDEX the index.",
        );
    }
    Opened { index, class }
}

/// Unwraps, or raises the index's error to the user.
pub trait OrRaise<T> {
    /// The value, or an SQL error.
    fn or_raise(self) -> T;
}

impl<T> OrRaise<T> for qivf::Result<T> {
    #[track_caller]
    fn or_raise(self) -> T {
        match self {
            Ok(value) => value,
            Err(error) => match hint(&error) {
                Some(hint) => raise_with_hint(sqlstate(&error), error.to_string(), hint),
                None => raise(sqlstate(&error), error.to_string()),
            },
        }
    }
}

/// What the user can do about an error: fixed for some, for others it depends on what is being done.
fn hint(error: &Error) -> Option<String> {
    if let Some(hint) = error.hint() {
        return Some(hint.into());
    }
    let names = place::names()?;
    let (index, table, column) = (&names.index, &names.table, &names.column);
    match (error, names.work) {
        (Error::Dimension { .. }, Work::BuildRow(..)) => {
            let count = names.dimensions();
            Some(format!(
                "SELECT {count}, count(*), min(ctid) FROM {table} GROUP BY 1 shows which rows differ."
            ))
        }
        (Error::NotFinite { .. }, Work::BuildRow(..)) => Some(format!(
            "SELECT ctid FROM {table} WHERE {column}::text ~ 'NaN|Infinity' finds such rows."
        )),
        (Error::Dimension { expected, .. }, Work::Insert) => Some(format!(
            "If no row of {expected} dimensions is left, REINDEX INDEX {index} makes the index learn the dimension anew."
        )),
        _ => None,
    }
}

fn sqlstate(error: &Error) -> PgSqlErrorCode {
    use PgSqlErrorCode as Code;
    match error {
        Error::Corrupt { .. } | Error::Format { .. } => Code::ERRCODE_INDEX_CORRUPTED,
        Error::Dimension { .. } => Code::ERRCODE_DATA_EXCEPTION,
        Error::DimensionLimit { .. } | Error::Full => Code::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
        Error::NotFinite { .. } => Code::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
        Error::Query { .. } => Code::ERRCODE_FEATURE_NOT_SUPPORTED,
        Error::TemporaryFile { .. } => Code::ERRCODE_IO_ERROR,
        Error::Limit { .. } => Code::ERRCODE_INVALID_PARAMETER_VALUE,
        Error::OutOfMemory { .. } => Code::ERRCODE_OUT_OF_MEMORY,
        Error::Store(_) | Error::Graph { .. } | Error::Worker { .. } => {
            Code::ERRCODE_INTERNAL_ERROR
        }
    }
}

/// A heap row's identifier as the index keeps it.
pub fn tid_of(pointer: pg_sys::ItemPointerData) -> qivf::Tid {
    // SAFETY: both are six bytes without padding.
    unsafe { std::mem::transmute(pointer) }
}

/// A heap row's identifier as Postgres takes it.
pub fn pointer_of(tid: qivf::Tid) -> pg_sys::ItemPointerData {
    // SAFETY: both are six bytes, and every bit pattern is valid.
    unsafe { std::mem::transmute(tid) }
}

/// Block and offset of a heap row.
pub fn block_and_offset(pointer: pg_sys::ItemPointerData) -> (u32, u16) {
    let block = u32::from(pointer.ip_blkid.bi_hi) << 16 | u32::from(pointer.ip_blkid.bi_lo);
    (block, pointer.ip_posid)
}
