//! `CREATE INDEX` and `REINDEX`: one scan of the heap, then everything else in the crate's builder.

use std::ffi::{CStr, c_void};
use std::sync::Arc;

use pgrx::prelude::*;
use pgrx::{PgRelation, pg_sys};
use qivf::{BuildHost, BuildOptions, Builder, Error, Phase, Result, Stop, Tid};

use super::class::Class;
use super::open::{OrRaise, block_and_offset, tid_of};
use super::options;
use super::threads;
use crate::place::{self, Work};
use crate::storage::{BulkRelation, OwnContext, TemporaryFile};

/// Phases as `pg_stat_progress_create_index` shows them; the heap scan comes first.
const PHASES: [&CStr; 5] = [
    c"initializing",
    c"finding centroids",
    c"assigning rows to lists",
    c"writing lists",
    c"learning from queries",
];

/// The name of a phase, from 1.
#[pgrx::pg_guard]
pub unsafe extern "C-unwind" fn ambuildphasename(phase: i64) -> *mut std::ffi::c_char {
    match usize::try_from(phase - 1).ok().and_then(|i| PHASES.get(i)) {
        // SAFETY: copies a C string into palloc'ed memory.
        Some(name) => unsafe { pg_sys::pstrdup(name.as_ptr()) },
        None => std::ptr::null_mut(),
    }
}

/// Postgres, as the builder sees it.
pub struct Host;

impl BuildHost for Host {
    fn check_interrupts(&self) -> Result<()> {
        threads::check();
        pgrx::check_for_interrupts!();
        Ok(())
    }

    fn progress(&self, phase: Phase, done: u64, total: u64) {
        let number = match phase {
            Phase::Clustering => 2,
            Phase::Assigning => 3,
            Phase::Writing => 4,
            Phase::Tuning => 5,
        };
        // SAFETY: sets counters in shared memory.
        unsafe {
            use pg_sys::pgstat_progress_update_param as update;
            update(pg_sys::PROGRESS_CREATEIDX_SUBPHASE as i32, number);
            update(pg_sys::PROGRESS_CREATEIDX_TUPLES_TOTAL as i32, total as i64);
            update(pg_sys::PROGRESS_CREATEIDX_TUPLES_DONE as i32, done as i64);
        }
    }

    fn start_threads(&self, stop: &Arc<Stop>, spawn: &mut dyn FnMut()) {
        threads::start(stop, spawn);
    }
}

/// What the heap scan's callback works on.
struct Collector<'a, 's> {
    builder: &'a mut Builder<'s>,
    class: Class,
    /// For detoasting, reset after each row.
    row: OwnContext,
    rows: u64,
    /// Whether the dimension is fixed: by the column's type, or by a live row.
    dimension_known: bool,
    /// Whether dead rows were left out that a snapshot may still see.
    left_out: bool,
}

/// Builds an index.
#[pgrx::pg_guard]
pub unsafe extern "C-unwind" fn ambuild(
    heap: pg_sys::Relation,
    index: pg_sys::Relation,
    index_info: *mut pg_sys::IndexInfo,
) -> *mut pg_sys::IndexBuildResult {
    // SAFETY: Postgres passes open relations, the index under an exclusive lock.
    unsafe {
        let class = Class::of(index);
        let mut spill = TemporaryFile::new();
        let dimensions = declared_dimensions(index);
        let options = BuildOptions {
            taught: options::taught(index),
            ..build_options(class, options::lists(index))
        };
        let mut builder = Builder::new(options, dimensions, &mut spill).or_raise();
        let _place = place::enter((*index).rd_id, Work::Build);
        let heap_rows = scan_heap(heap, index, index_info, class, &mut builder);
        place::go_on(Work::Build);
        let rows = heap_rows.1;

        let mut store = BulkRelation::new(index, pg_sys::ForkNumber::MAIN_FORKNUM);
        builder.finish(&mut store, &Host).or_raise();
        store.log();

        let mut result = PgBox::<pg_sys::IndexBuildResult>::alloc0();
        result.heap_tuples = heap_rows.0;
        result.index_tuples = rows as f64;
        result.into_pg()
    }
}

/// Writes the init fork of an unlogged index: an index of no rows.
#[pgrx::pg_guard]
pub unsafe extern "C-unwind" fn ambuildempty(index: pg_sys::Relation) {
    // SAFETY: Postgres passes an open index under an exclusive lock.
    unsafe {
        let mut spill = TemporaryFile::new();
        let options = build_options(Class::of(index), options::lists(index));
        let dimensions = declared_dimensions(index);
        let builder = Builder::new(options, dimensions, &mut spill).or_raise();
        let mut store = BulkRelation::new(index, pg_sys::ForkNumber::INIT_FORKNUM);
        builder.finish(&mut store, &()).or_raise();
        store.log();
    }
}

fn build_options(class: Class, lists: usize) -> BuildOptions {
    // SAFETY: settings are read in the backend's only Postgres thread.
    let memory = unsafe { pg_sys::maintenance_work_mem as usize * 1024 };
    BuildOptions {
        class: class.stored(),
        build_id: build_id(),
        lists,
        threads: workers(),
        memory,
        ..BuildOptions::new(class.element, class.metric)
    }
}

/// How many threads heavy work may use.
pub fn workers() -> usize {
    // SAFETY: settings are read in the backend's only Postgres thread.
    unsafe { pg_sys::max_parallel_maintenance_workers as usize }
}

/// A number that tells this build from any other.
fn build_id() -> u64 {
    let mut bytes = [0u8; 8];
    // SAFETY: fills the array.
    unsafe { pg_sys::pg_strong_random(bytes.as_mut_ptr().cast(), bytes.len()) };
    u64::from_le_bytes(bytes)
}

/// The dimension that the column's type modifier fixes.
unsafe fn declared_dimensions(index: pg_sys::Relation) -> Option<usize> {
    // SAFETY: the index is open; `from_pg` leaves closing it to its owner.
    let index = unsafe { PgRelation::from_pg(index) };
    let typmod = index.tuple_desc().get(0)?.atttypmod;
    usize::try_from(typmod).ok().filter(|&n| n > 0)
}

/// Feeds all rows to the builder. Returns the heap's rows and those indexed.
unsafe fn scan_heap(
    heap: pg_sys::Relation,
    index: pg_sys::Relation,
    index_info: *mut pg_sys::IndexInfo,
    class: Class,
    builder: &mut Builder<'_>,
) -> (f64, u64) {
    // SAFETY: the callback gets `collector`, which outlives the scan.
    unsafe {
        let mut collector = Collector {
            builder,
            class,
            row: OwnContext::new(c"qivf build row"),
            rows: 0,
            dimension_known: declared_dimensions(index).is_some(),
            left_out: false,
        };
        let state: *mut c_void = (&raw mut collector).cast();
        let heap_rows = each_row(
            heap,
            index,
            index_info,
            collect,
            state,
            std::ptr::null_mut(),
        );
        if collector.left_out {
            // Snapshots that can see the rows left out must not use the index; Postgres has this mark for it.
            (*index_info).ii_BrokenHotChain = true;
        }
        (heap_rows, collector.rows)
    }
}

pub(super) type RowCallback = unsafe extern "C-unwind" fn(
    pg_sys::Relation,
    pg_sys::ItemPointer,
    *mut pg_sys::Datum,
    *mut bool,
    bool,
    *mut c_void,
);

/// Calls `callback` for every row that an index must hold, under the identifier that it must have.
///
/// The call goes through a function pointer of the table's access method, so it is guarded here; nothing with a destructor is
/// alive inside the guard.
pub(super) unsafe fn each_row(
    heap: pg_sys::Relation,
    index: pg_sys::Relation,
    index_info: *mut pg_sys::IndexInfo,
    callback: RowCallback,
    state: *mut c_void,
    scan: pg_sys::TableScanDesc,
) -> f64 {
    // SAFETY: the caller passes open relations and a state that the callback takes.
    unsafe {
        let range_scan = (*(*heap).rd_tableam)
            .index_build_range_scan
            .expect("every table access method has one");
        pg_sys::ffi::pg_guard_ffi_boundary(|| {
            range_scan(
                heap,
                index,
                index_info,
                true,
                false,
                scan.is_null(),
                0,
                pg_sys::InvalidBlockNumber,
                Some(callback),
                state,
                scan,
            )
        })
    }
}

/// Takes one row of the heap scan.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn collect(
    _index: pg_sys::Relation,
    tid: pg_sys::ItemPointer,
    values: *mut pg_sys::Datum,
    isnull: *mut bool,
    alive: bool,
    state: *mut c_void,
) {
    // SAFETY: the state of `scan_heap`; one column's value and null flag.
    unsafe {
        let collector = &mut *state.cast::<Collector<'_, '_>>();
        let (block, offset) = block_and_offset(*tid);
        place::go_on(Work::BuildRow(block, offset));
        let tid = tid_of(*tid);
        if *isnull {
            collector.builder.push(tid, None).or_raise();
            collector.rows += 1;
            place::go_on(Work::BuildAfter(block, offset));
            return;
        }
        if collector.take(tid, *values, alive).or_raise() {
            collector.rows += 1;
        }
        collector.row.reset();
        place::go_on(Work::BuildAfter(block, offset));
    }
}

impl Collector<'_, '_> {
    /// Takes a value; `false` when it was left out. A dead row that some snapshot can still see must not fail the build for what
    /// it holds, nor fix the dimension: whoever deleted it has put that right.
    unsafe fn take(&mut self, tid: Tid, value: pg_sys::Datum, alive: bool) -> Result<bool> {
        let Self {
            builder,
            class,
            row,
            ..
        } = self;
        let push = || {
            // SAFETY: the value of a row, not null.
            unsafe {
                class
                    .format
                    .read(value, |value| builder.push(tid, Some(value)))
            }
        };
        // What reading the value leaves behind goes with the row; what the builder keeps has places of its own.
        if alive {
            row.within(push)?;
            self.dimension_known = true;
            return Ok(true);
        }
        let known = self.dimension_known;
        let pushed = row.within(|| {
            // SAFETY: as above.
            let fits = known && unsafe { class.format.is_well_formed(value) };
            fits.then(push)
        });
        let left_out = match pushed {
            None => true,
            Some(Err(Error::Dimension { .. } | Error::NotFinite { .. })) => true,
            Some(pushed) => pushed.map(|()| false)?,
        };
        self.left_out |= left_out;
        Ok(!left_out)
    }
}
