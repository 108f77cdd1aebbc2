//! Building an index: rows come in one by one, are encoded at once and kept as refine records; then centroids are
//! found, rows assigned to two lists each, pages written in the order of the centroids, and `b` is learned.

mod assign;
mod cluster;
mod crew;
mod graph;
mod rows;
mod write;

use crate::error::{Error, Result};
use crate::index::Index;
use crate::layout::meta::{self, Meta, Tuning};
use crate::layout::{Pointer, Tid, tids};
use crate::space::{Element, Encoded, Metric, Space, Value};
use crate::store::{BulkStore, SpillFile};
use crate::tune;
use assign::Homes;
pub(crate) use crew::Crew;
use rows::Rows;

// For `examples/assignment.rs`.
#[doc(hidden)]
pub use assign::nearest;
#[doc(hidden)]
pub use cluster::Clusters;

pub(crate) use assign::second_home;
pub(crate) use write::distance;

/// Leaves of an index without centroids: several, so that inserting backends do not meet on one page.
pub(crate) const STRIPES: usize = 4;

/// Rows per list when the number of lists is not given.
///
/// Seen on 62,666 × 384 embeddings (`examples/evidence.rs`), sign codes scored for recall 0.95 and 0.98 of ten:
/// 27 rows a list 977 and 3,670; 20 rows 783 and 2,013; 12 rows 513 and 1,304. Ranking more centroids costs what fewer
/// codes save, and pages fill worse: the time is the same at 27, 20 and 12.
pub const ROWS_PER_LIST: usize = 20;

/// Lists that the root holds itself. Ranking so many at once takes some 50 µs and loses nothing; inner nodes, of which a
/// search opens some, lose what is in the others (62,666 × 384 embeddings, 3,131 lists: for the same recall twice as many
/// lists opened).
pub const ROOT_LEAVES: usize = 8192;

/// Lists from which a graph over the centroids finds those of a row, rather than matrix products.
///
/// Seen at 384 dimensions, one thread (`examples/assignment.rs`; above 12,500 lists on points between embeddings): µs a
/// row for its 16 nearest lists and the share of them found, by products and by the graph with the own coarse cluster:
/// 12,500 lists 31 (0.953) and 53 (0.976); 60,000 63 (0.977) and 75 (0.994); 250,000 131 (0.979) and 95 (0.991); 500,000
/// 179 (0.991) and 119 (0.998). Making the graph takes 6, 10, 18 and some 24 µs a row. The Lloyd step alone costs less by
/// products (72 µs at 250,000, 100 at 500,000), so both steps and the graph take as long at 250,000 lists either way,
/// and the graph finds more.
pub const GRAPH_LISTS: usize = 250_000;

/// Fewer rows than this make a flat index.
pub const FLAT_BELOW: usize = 1000;

/// Components of rows that learning may compare with queries at little cost: a second or so. The more queries, the less
/// chance in what is learned: on 10,000 × 1152 embeddings held-out rows, asked for 0.95, found 0.937 with 300 and 0.948
/// with 1,000.
const TUNING_WORK: u64 = 12_000_000_000;
/// More queries than this teach nothing new.
const MOST_TUNING_QUERIES: u64 = 1000;

/// What a build is doing, for progress reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Finding centroids.
    Clustering,
    /// Assigning rows to lists.
    Assigning,
    /// Writing pages.
    Writing,
    /// Learning `b`.
    Tuning,
}

/// What a build needs from its surroundings. Called from the building thread only.
pub trait BuildHost {
    /// Fails when the user cancelled.
    fn check_interrupts(&self) -> Result<()> {
        Ok(())
    }

    /// `done` of `total` steps of `phase`.
    fn progress(&self, phase: Phase, done: u64, total: u64) {
        let _ = (phase, done, total);
    }

    /// Calls `spawn`, which starts threads, with all signals blocked, so that the threads never get one.
    fn with_signals_blocked(&self, spawn: &mut dyn FnMut()) {
        spawn();
    }
}

/// A host without wishes.
impl BuildHost for () {}

/// What to build.
#[derive(Clone, Copy, Debug)]
pub struct BuildOptions {
    /// Element type of the column.
    pub element: Element,
    /// Distance of the operator class.
    pub metric: Metric,
    /// Operator class number, stored for the face.
    pub class: u32,
    /// Random, stored to tell builds apart.
    pub build_id: u64,
    /// Lists; 0 = chosen from the rows, 1 = flat.
    pub lists: usize,
    /// Lists above which inner nodes come between them and the root.
    pub root_leaves: usize,
    /// Lists from which a graph finds those of a row.
    pub graph_lists: usize,
    /// Worker threads; 0 and 1 = none besides the caller's.
    pub threads: usize,
    /// Bytes of memory for rows before they spill.
    pub memory: usize,
    /// Rows used as queries to learn `b`, more when there are few rows to compare them with; 0 = do not learn.
    pub tuning_queries: usize,
}

impl BuildOptions {
    /// Options with everything chosen.
    pub fn new(element: Element, metric: Metric) -> Self {
        Self {
            element,
            metric,
            class: 0,
            build_id: 0,
            lists: 0,
            root_leaves: ROOT_LEAVES,
            graph_lists: GRAPH_LISTS,
            threads: 2,
            memory: 64 << 20,
            tuning_queries: 300,
        }
    }
}

/// Collects rows and then builds.
pub struct Builder<'s> {
    options: BuildOptions,
    space: Option<Space>,
    rows: Option<Rows>,
    codeless: Vec<(Tid, u8)>,
    spill: &'s mut dyn SpillFile,
    scratch: Vec<u8>,
    squares: f64,
}

impl<'s> Builder<'s> {
    /// A builder for `dim` dimensions; `None` learns them from the first row.
    pub fn new(
        options: BuildOptions,
        dim: Option<usize>,
        spill: &'s mut dyn SpillFile,
    ) -> Result<Self> {
        let mut builder = Self {
            options,
            space: None,
            rows: None,
            codeless: Vec::new(),
            spill,
            scratch: Vec::new(),
            squares: 0.0,
        };
        if let Some(dim) = dim {
            builder.set_dim(dim)?;
        }
        Ok(builder)
    }

    fn set_dim(&mut self, dim: usize) -> Result<()> {
        let space = Space::new(self.options.element, self.options.metric, dim, meta::SEED)?;
        self.rows = Some(Rows::new(space.refine, self.options.memory / 2));
        self.scratch = vec![0; space.refine.size];
        self.space = Some(space);
        Ok(())
    }

    /// Adds a row; `None` is NULL.
    pub fn push(&mut self, tid: Tid, value: Option<&Value<'_>>) -> Result<()> {
        let Some(value) = value else {
            self.codeless.push((tid, tids::NULL));
            return Ok(());
        };
        if self.space.is_none() {
            self.set_dim(value.dim())?;
        }
        let (Some(space), Some(rows)) = (&self.space, &mut self.rows) else {
            return Ok(());
        };
        match space.encode(value, &mut self.scratch)? {
            Encoded::ZeroNorm => self.codeless.push((tid, tids::ZERO)),
            Encoded::Record => {
                if rows.len() >= u32::MAX as usize - 1 {
                    return Err(Error::Full);
                }
                rows::label(&mut self.scratch, tid);
                let scale = f64::from(crate::layout::get_f32(&self.scratch, 8));
                let squares = f64::from(crate::layout::get_u32(&self.scratch, 16));
                self.squares += scale * scale * squares;
                rows.push(&self.scratch, self.spill)?;
            }
        }
        Ok(())
    }

    /// Rows with a code so far.
    pub fn len(&self) -> usize {
        self.rows.as_ref().map_or(0, Rows::len)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Builds the index in the empty `store`.
    pub fn finish<S: BulkStore>(mut self, store: &mut S, host: &dyn BuildHost) -> Result<Meta> {
        let mut meta = Meta {
            element: self.options.element as u8,
            metric: self.options.metric as u8,
            dim: self.space.as_ref().map_or(0, |s| s.dim as u32),
            class: self.options.class,
            seed: meta::SEED,
            build_id: self.options.build_id,
            lists: 0,
            flat: false,
            built_empty: self.is_empty(),
            root: Pointer::NONE,
            tids: 1,
            norm: (self.squares / self.len().max(1) as f64).sqrt() as f32,
            rows: self.len() as u64,
            slot_size: self.space.as_ref().map_or(0, |s| s.refine.size as u32),
            tuning: Tuning::default(),
        };
        // A meta page from the start: a cancelled build must not leave a file without one to be read.
        store.put(0, &meta.encode())?;
        let first = write::tids(store, &self.codeless)?;
        if let (Some(space), Some(rows)) = (self.space.take(), self.rows.take()) {
            let crew = Crew::new(host, self.options.threads);
            let plan = plan(&self.options, rows.len());
            let mut source = Source {
                space: &space,
                rows: &rows,
                spill: self.spill,
            };
            let homes = match plan {
                Plan::Flat => Homes::flat(&mut source, &crew)?,
                Plan::Lists(lists) => {
                    let graph_lists = self.options.graph_lists;
                    let (clusters, search) = cluster::find(&mut source, &crew, lists, graph_lists)?;
                    assign::assign(&mut source, &crew, clusters, &search)?
                }
            };
            meta.flat = matches!(plan, Plan::Flat);
            meta.lists = homes.centroids.nrows() as u32;
            let root_leaves = self.options.root_leaves;
            meta.root = write::index(store, &mut source, &crew, &homes, root_leaves, first)?;
            store.put(0, &meta.encode())?;
            drop(homes);
            drop(rows);
            if self.options.tuning_queries > 0 && !meta.flat {
                let index = Index::open_with(&*store, &mut None)?;
                let components = meta.rows.max(1) * u64::from(meta.dim);
                let cheap = (TUNING_WORK / components).min(MOST_TUNING_QUERIES) as usize;
                let queries = self.options.tuning_queries.max(cheap);
                meta.tuning = tune::from_rows(&index, &crew, queries)?;
            }
        }
        store.put(0, &meta.encode())?;
        Ok(meta)
    }
}

/// The rows of a build, to be read by the building thread.
pub(crate) struct Source<'a> {
    pub space: &'a Space,
    pub rows: &'a Rows,
    pub spill: &'a mut dyn SpillFile,
}

impl Source<'_> {
    fn gather(&mut self, rows: &[u32]) -> Result<rows::Gathered> {
        self.rows.gather(rows, self.spill)
    }
}

enum Plan {
    Flat,
    Lists(usize),
}

fn plan(options: &BuildOptions, rows: usize) -> Plan {
    match options.lists {
        1 => Plan::Flat,
        0 if rows < FLAT_BELOW => Plan::Flat,
        _ if rows == 0 => Plan::Flat,
        0 => Plan::Lists(rows / ROWS_PER_LIST),
        lists => Plan::Lists(lists),
    }
}
