//! Comparing an index with its table, for `qivf_check`.

use std::ffi::c_void;

use pgrx::pg_sys;
use qivf::Tid;
use quantize::room;

use super::build;
use super::open::tid_of;
use super::rights::Inspected;
use crate::errors::OrRaise;
use crate::versions;

/// Row identifiers, sorted and without repetitions once they are all there.
#[derive(Default)]
pub struct Rows(Vec<Tid>);

impl Rows {
    /// Adds one.
    pub fn add(&mut self, tid: Tid) {
        room::push(&mut self.0, tid).or_raise();
    }

    /// Sorts them; those that were there more than once are returned.
    pub fn sort(&mut self) -> Vec<Tid> {
        self.0.sort_unstable();
        let twice = self.0.windows(2).filter(|pair| pair[0] == pair[1]);
        let mut twice: Vec<Tid> = twice.map(|pair| pair[0]).take(NAMED).collect();
        twice.dedup();
        twice
    }

    fn contains(&self, tid: Tid) -> bool {
        self.0.binary_search(&tid).is_ok()
    }
}

/// A snapshot of now, which keeps the rows that it sees from being vacuumed.
pub struct Snapshot(pg_sys::Snapshot);

impl Snapshot {
    /// Takes one.
    pub fn new() -> Self {
        // SAFETY: registered with the current resource owner, which an error releases.
        Self(unsafe { pg_sys::RegisterSnapshot(pg_sys::GetLatestSnapshot()) })
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: registered once.
            unsafe { pg_sys::UnregisterSnapshot(self.0) }
        }
    }
}

/// The rows of an index's table that are visible in `snapshot` and that `rows` lacks.
///
/// `rows` was read from the index after the snapshot was taken: whatever it sees was in the index by then, and stays.
pub fn missing(inspected: &Inspected, snapshot: &Snapshot, rows: &Rows) -> Vec<Tid> {
    let (heap, index) = (inspected.heap.as_ptr(), inspected.relation.as_ptr());
    let mut search = Search {
        rows,
        missing: Vec::new(),
    };
    let state: *mut c_void = (&raw mut search).cast();
    // SAFETY: both relations are open; the scan is ended by the table's access method.
    as_owner(heap, || unsafe {
        let info = pg_sys::BuildIndexInfo(index);
        // Rows as CREATE INDEX CONCURRENTLY sees them: by a snapshot, one version each.
        (*info).ii_Concurrent = true;
        (*info).ii_Unique = false;
        let scan =
            pg_sys::table_beginscan_strat(heap, snapshot.0, 0, std::ptr::null_mut(), true, true);
        build::each_row(heap, index, info, look_up, state, scan);
    });
    search.missing
}

/// Missing rows noted at most; one is enough to know.
const NAMED: usize = 10_000;

struct Search<'a> {
    rows: &'a Rows,
    missing: Vec<Tid>,
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn look_up(
    _index: pg_sys::Relation,
    tid: pg_sys::ItemPointer,
    _values: *mut pg_sys::Datum,
    _isnull: *mut bool,
    alive: bool,
    state: *mut c_void,
) {
    // SAFETY: the state of `missing`.
    unsafe {
        let search = &mut *state.cast::<Search<'_>>();
        let tid = tid_of(*tid);
        if alive && search.missing.len() < NAMED && !search.rows.contains(tid) {
            search.missing.push(tid);
        }
    }
}

/// Runs `f`, which evaluates the index's expressions and predicate, as the owner of the table: in a restricted context and with
/// a search_path that nobody can put functions on, as CREATE INDEX and REINDEX do. An error restores all of it.
fn as_owner(heap: pg_sys::Relation, f: impl FnOnce()) {
    // SAFETY: the relation is open; user and settings are put back, or the abort of the transaction does it.
    unsafe {
        let (mut user, mut context) = (pg_sys::InvalidOid, 0);
        pg_sys::GetUserIdAndSecContext(&mut user, &mut context);
        let owner = (*(*heap).rd_rel).relowner;
        let restricted = context | pg_sys::SECURITY_RESTRICTED_OPERATION as i32;
        pg_sys::SetUserIdAndSecContext(owner, restricted);
        let level = pg_sys::NewGUCNestLevel();
        versions::restrict_search_path();
        f();
        pg_sys::AtEOXact_GUC(false, level);
        pg_sys::SetUserIdAndSecContext(user, context);
    }
}
