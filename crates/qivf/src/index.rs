//! An opened index: a store, its meta page and the space that follows from it.

use crate::error::Result;
use crate::layout::meta::Meta;
use crate::query::Query;
use crate::scan::{Scan, ScanOptions};
use crate::space::{Metric, Space, Value};
use crate::store::PageStore;
use std::sync::Arc;

/// An index in a store. Cheap to clone when the store is.
#[derive(Clone, Debug)]
pub struct Index<S> {
    store: S,
    meta: Arc<Meta>,
    space: Option<Arc<Space>>,
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
        Ok(Self { store, meta, space })
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
