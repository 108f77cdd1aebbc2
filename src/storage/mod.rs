//! Pages of an index in Postgres: shared buffers, generic WAL, relation extension, temporary files.
//!
//! This is the one place that touches buffers and WAL; it implements the seam of `qivf::store`. Rules kept here:
//! - A reader holds one content lock at a time, a transaction at most four, taken in the order in which it opens them.
//! - Every page has `pd_lower` at the end of its payload: generic WAL zeroes what lies between `pd_lower` and `pd_upper`.
//! - A guard dropped while a panic unwinds does nothing: the abort of the transaction releases pins and locks, and doing
//!   it here could leave the backend uncancellable.

mod bulk;
mod context;
mod page;
mod recent_buffers;
mod relation;
mod spill;
mod transaction;

pub use bulk::BulkRelation;
pub use context::OwnContext;
pub use relation::IndexRelation;
pub use spill::TemporaryFile;
