//! An opened index: a store, its meta page and what follows from it.

use crate::error::Result;
use crate::layout::meta::Meta;
use crate::query::Query;
use crate::scan::{Cells, Scan, ScanOptions};
use crate::space::{Metric, Space, Value};
use crate::store::PageStore;
use std::sync::Arc;

/// An index in a store. Cheap to clone when the store is.
#[derive(Clone, Debug)]
pub struct Index<S> {
    store: S,
    meta: Arc<Meta>,
    space: Option<Arc<Space>>,
    cells: Option<Arc<Cells>>,
}

/// What of an index costs some work to make and stays the same for as long as its build identifier does: to be kept
/// between scans.
#[derive(Clone, Debug)]
pub struct Kept {
    space: Arc<Space>,
    cells: Option<Arc<Cells>>,
}

impl Kept {
    /// Memory taken, about.
    pub fn bytes(&self) -> usize {
        self.space.bytes() + self.cells.as_ref().map_or(0, |cells| cells.bytes())
    }
}

impl<S: PageStore> Index<S> {
    /// Reads the meta page.
    pub fn open(store: S) -> Result<Self> {
        let meta = store.read(0, Meta::decode)?;
        Self::with_meta(store, Arc::new(meta))
    }

    /// An index whose meta page is known.
    pub fn with_meta(store: S, meta: Arc<Meta>) -> Result<Self> {
        let space = if meta.dim == 0 {
            None
        } else {
            Some(Arc::new(Space::of(&meta)?))
        };
        Ok(Self {
            store,
            meta,
            space,
            cells: None,
        })
    }

    /// Reads the meta page, and of the rest only what `kept`, from an earlier opening of the same or another index, does not
    /// have.
    pub fn open_with(store: S, kept: &mut Option<Kept>) -> Result<Self> {
        let meta = store.read(0, Meta::decode)?;
        if let Some(kept) = kept
            && kept.space.is_of(&meta)
            && match &kept.cells {
                Some(cells) => cells.are_of(&meta),
                None => !Cells::are_useful(&meta, &kept.space),
            }
        {
            return Ok(Self {
                store,
                meta: Arc::new(meta),
                space: Some(kept.space.clone()),
                cells: kept.cells.clone(),
            });
        }
        let mut index = Self::with_meta(store, Arc::new(meta))?;
        index.cells = Cells::read(&index)?.map(Arc::new);
        *kept = index.space.clone().map(|space| Kept {
            space,
            cells: index.cells.clone(),
        });
        Ok(index)
    }

    /// The same index, its store borrowed.
    pub fn by_ref(&self) -> Index<&S> {
        Index {
            store: &self.store,
            meta: self.meta.clone(),
            space: self.space.clone(),
            cells: self.cells.clone(),
        }
    }

    /// The root's list in memory, if it is.
    pub(crate) fn cells(&self) -> Option<&Arc<Cells>> {
        self.cells.as_ref()
    }

    /// The store.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// The meta page.
    pub fn meta(&self) -> &Arc<Meta> {
        &self.meta
    }

    /// The space; `None` while the dimension is not known (built on an empty table without a typmod).
    pub fn space(&self) -> Option<&Space> {
        self.space.as_deref()
    }

    /// Prepares a query ordered by `metric`.
    pub fn query(&self, value: &Value<'_>, metric: Metric) -> Result<Query> {
        match &self.space {
            Some(space) => Query::new(space, value, metric, self.meta.norm),
            // Nothing is indexed, so nothing is nearest; NULLs are handed out all the same.
            None => Ok(Query::null()),
        }
    }

    /// Begins a scan.
    pub fn scan(self, query: Query, options: ScanOptions) -> Result<Scan<S>> {
        Scan::new(self, query, options)
    }
}
