//! The relation that is searched: locked before it is looked at, as a query does, and seen by one snapshot.

use std::ffi::CStr;

use pgrx::{PgRelation, pg_sys};

/// How a lock was had.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Locked {
    /// At once.
    AtOnce,
    /// After a wait, during which the relation may have been changed.
    AfterWaiting,
    /// The relation is gone.
    Gone,
}

/// The relation whose rows have this type; none for other types.
pub fn relation_of_type(row_type: pg_sys::Oid) -> Option<pg_sys::Oid> {
    // SAFETY: catalog look-ups.
    unsafe {
        let relation = pg_sys::get_typ_typrelid(row_type);
        if relation == pg_sys::InvalidOid {
            return None;
        }
        let kind = pg_sys::get_rel_relkind(relation) as u8;
        matches!(kind, b'r' | b'p' | b'v' | b'm' | b'f').then_some(relation)
    }
}

/// Takes the lock of a query that reads the relation, until the transaction ends.
pub fn lock_for_reading(relation: pg_sys::Oid) -> Locked {
    let mode = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
    // SAFETY: any identifier can be locked; whether there is such a relation shows afterwards.
    unsafe {
        let at_once = pg_sys::ConditionalLockRelationOid(relation, mode);
        if !at_once {
            pg_sys::LockRelationOid(relation, mode);
        }
        if pg_sys::get_rel_relkind(relation) == 0 {
            return Locked::Gone;
        }
        if at_once {
            Locked::AtOnce
        } else {
            Locked::AfterWaiting
        }
    }
}

/// Whether the current role may read a column of the relation.
pub fn may_read(relation: pg_sys::Oid) -> bool {
    let mode = pg_sys::ACL_SELECT as pg_sys::AclMode;
    // SAFETY: catalog look-ups.
    unsafe {
        let role = pg_sys::GetUserId();
        let ok = pg_sys::AclResult::ACLCHECK_OK;
        pg_sys::pg_class_aclcheck(relation, role, mode) == ok
            || pg_sys::pg_attribute_aclcheck_all(
                relation,
                role,
                mode,
                pg_sys::AclMaskHow::ACLMASK_ANY,
            ) == ok
    }
}

/// A column of a relation.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    pub number: i16,
    pub name: String,
    /// The name as an identifier of SQL.
    pub sql: String,
    pub type_oid: pg_sys::Oid,
}

/// The columns of a locked relation.
pub fn attributes(relation: pg_sys::Oid) -> Vec<Attribute> {
    // SAFETY: the caller holds a lock, so it can be opened without another.
    let relation = unsafe { PgRelation::open(relation) };
    let descriptor = relation.tuple_desc();
    descriptor
        .iter()
        .filter(|attribute| !attribute.attisdropped)
        .map(|attribute| {
            let name = attribute.attname.data.as_ptr();
            // SAFETY: a name is a string that ends within its 64 bytes; quoting returns it or a new string.
            let (name, sql) = unsafe {
                (
                    CStr::from_ptr(name),
                    CStr::from_ptr(pg_sys::quote_identifier(name)),
                )
            };
            Attribute {
                number: attribute.attnum,
                name: from_server(name),
                sql: from_server(sql),
                type_oid: attribute.atttypid,
            }
        })
        .collect()
}

/// The name of a type.
pub fn type_name(type_oid: pg_sys::Oid) -> String {
    // SAFETY: returns a string for any number.
    from_server(unsafe { CStr::from_ptr(pg_sys::format_type_be(type_oid)) })
}

/// The name of a type with its schema.
pub fn qualified_type_name(type_oid: pg_sys::Oid) -> String {
    // SAFETY: returns a string for any number.
    from_server(unsafe { CStr::from_ptr(pg_sys::format_type_be_qualified(type_oid)) })
}

/// A string of the server as UTF-8.
pub fn from_server(text: &CStr) -> String {
    let bytes = text.to_bytes();
    // SAFETY: returns the string itself or a converted one, both ended by a zero byte.
    let converted = unsafe {
        CStr::from_ptr(pg_sys::pg_server_to_any(
            text.as_ptr(),
            bytes.len() as i32,
            pg_sys::pg_enc::PG_UTF8 as i32,
        ))
    };
    converted.to_string_lossy().into_owned()
}

/// Whether the transaction sees one snapshot throughout.
pub fn in_one_snapshot() -> bool {
    // SAFETY: a variable of this backend.
    unsafe { pg_sys::XactIsoLevel >= pg_sys::XACT_REPEATABLE_READ as i32 }
}

/// Makes what is committed by now visible, until [`pop_snapshot`].
pub fn push_latest_snapshot() {
    // SAFETY: a transaction is under way.
    unsafe { pg_sys::PushActiveSnapshot(pg_sys::GetLatestSnapshot()) }
}

/// Goes back to the snapshot before.
pub fn pop_snapshot() {
    // SAFETY: called once for each push.
    unsafe { pg_sys::PopActiveSnapshot() }
}

/// The role whose rights count.
pub fn current_role() -> pg_sys::Oid {
    // SAFETY: a look-up in this backend.
    unsafe { pg_sys::GetUserId() }
}

/// The setting `search_path`.
pub fn search_path() -> String {
    // SAFETY: the setting's value, a string that the next change of the setting frees.
    unsafe {
        if pg_sys::namespace_search_path.is_null() {
            return String::new();
        }
        CStr::from_ptr(pg_sys::namespace_search_path)
            .to_string_lossy()
            .into_owned()
    }
}
