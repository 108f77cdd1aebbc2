//! Opening an index for a function that looks into it: whose right it is, in which order locks are taken.
//!
//! The table is locked before its index, as everybody does, and neither more strongly than a query does. Who has no right gets
//! an error before any lock.

use std::ffi::CStr;

use pgrx::prelude::*;
use pgrx::{PgRelation, pg_sys};

use super::open::{Opened, open};
use crate::errors::{raise, raise_with_hint};
use crate::place::{self, Entered, Work};
use crate::versions;

/// What a function needs of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// To read the table.
    Read,
    /// To keep it: what takes time, and reads all of it whatever row security says, is for the owner and for who may VACUUM it.
    Maintain,
    /// The same, and to change the index.
    Change,
}

/// An index that a function looks into, with its table.
pub struct Inspected {
    /// The table.
    pub heap: PgRelation,
    /// The index.
    pub relation: PgRelation,
    /// The index, opened.
    pub opened: Opened,
    _place: Entered,
}

impl Inspected {
    /// Opens an index by its identifier, or raises an error.
    pub fn open(index: pg_sys::Oid, right: Right) -> Self {
        // SAFETY: a catalog look-up.
        let heap = unsafe { pg_sys::IndexGetRelation(index, true) };
        if heap == pg_sys::InvalidOid {
            refuse_other(index);
        }
        check_right(index, heap, right);
        let lock = match right {
            Right::Change => pg_sys::ShareUpdateExclusiveLock,
            Right::Read | Right::Maintain => pg_sys::AccessShareLock,
        };
        // SAFETY: what has gone meanwhile is an error; what is opened stays so until it is dropped.
        unsafe {
            let heap = PgRelation::with_lock(heap, pg_sys::AccessShareLock as pg_sys::LOCKMODE);
            let relation = PgRelation::with_lock(index, lock as pg_sys::LOCKMODE);
            check_readable(&relation, right);
            let place = place::enter(index, Work::Other);
            let opened = open(relation.as_ptr());
            Self {
                heap,
                relation,
                opened,
                _place: place,
            }
        }
    }
}

fn refuse_other(index: pg_sys::Oid) -> ! {
    match place::relation_name(index) {
        Some(name) => not_qivf(&name),
        None => raise(
            PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
            format!("index with OID {} does not exist", index.to_u32()),
        ),
    }
}

fn not_qivf(name: &str) -> ! {
    raise(
        PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE,
        format!("\"{name}\" is not a qivf index"),
    )
}

fn check_right(index: pg_sys::Oid, heap: pg_sys::Oid, right: Right) {
    // SAFETY: catalog look-ups.
    unsafe {
        if right == Right::Read {
            let user = pg_sys::GetUserId();
            // 64 bits from 16 on.
            #[allow(clippy::unnecessary_cast)]
            let select = pg_sys::ACL_SELECT as pg_sys::AclMode;
            let answer = pg_sys::pg_class_aclcheck(heap, user, select);
            if answer != pg_sys::AclResult::ACLCHECK_OK {
                let kind = match pg_sys::get_rel_relkind(heap) as u8 {
                    pg_sys::RELKIND_MATVIEW => "materialized view",
                    _ => "table",
                };
                let name = place::relation_name(heap).unwrap_or_default();
                raise(
                    PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
                    format!("permission denied for {kind} {name}"),
                );
            }
            return;
        }
    }
    if versions::may_maintain(heap) {
        return;
    }
    let name = place::relation_name(index).unwrap_or_default();
    let message = match right {
        Right::Change => format!("must be owner of index {name}"),
        _ => format!("permission denied for index {name}"),
    };
    raise_with_hint(
        PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
        message,
        "The owner of the table may do this, and from Postgres 17 on who has the MAINTAIN privilege on it.",
    )
}

/// That the relation is a qivf index whose pages this session can read.
unsafe fn check_readable(relation: &PgRelation, right: Right) {
    let name = relation.name();
    // SAFETY: the relation is open; the name of its access method is a C string.
    unsafe {
        let class = &*relation.rd_rel;
        let method = pg_sys::get_am_name(class.relam);
        if method.is_null() || CStr::from_ptr(method) != c"qivf" {
            not_qivf(name);
        }
        if class.relkind as u8 == pg_sys::RELKIND_PARTITIONED_INDEX {
            raise_with_hint(
                PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE,
                format!("\"{name}\" is a partitioned index, which holds no rows"),
                format!("Name the index of a partition; pg_partition_tree('{name}') lists them."),
            );
        }
        let temporary = class.relpersistence as u8 == pg_sys::RELPERSISTENCE_TEMP;
        if temporary && !relation.rd_islocaltemp {
            raise(
                PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
                "cannot access temporary indexes of other sessions",
            );
        }
        let logged = class.relpersistence as u8 == pg_sys::RELPERSISTENCE_PERMANENT;
        if !logged && pg_sys::RecoveryInProgress() {
            raise(
                PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
                "cannot access temporary or unlogged relations during recovery",
            );
        }
        if right != Right::Read && !(*relation.rd_index).indisvalid {
            raise_with_hint(
                PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("index \"{name}\" is not valid"),
                "It is being built, or a concurrent build failed; then REINDEX it or drop it.",
            );
        }
    }
}
