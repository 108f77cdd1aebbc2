//! An opened index: a store, its meta page and what follows from it.
//!
//! An index is in one of two states. It is *blank* when it was built on an empty table whose column has no dimension:
//! then it has a meta page and rows without a code, nothing else. The first vector makes it *searchable*.

use crate::error::Result;
use crate::layout::meta::Meta;
use crate::root_cache::RootCache;
use crate::space::Space;
use crate::store::PageStore;
use crate::walk::{self, Place};
use std::sync::Arc;

/// An index in a store. Cheap to clone when the store is.
#[derive(Clone, Debug)]
pub enum Index<S> {
    /// Its dimension is not known, so no vector is in it.
    Blank(Blank<S>),
    /// Its dimension is known.
    Searchable(Searchable<S>),
}

/// An index without a dimension.
#[derive(Clone, Debug)]
pub struct Blank<S> {
    store: S,
    meta: Arc<Meta>,
}

/// An index with a dimension: the one that has lists.
#[derive(Clone, Debug)]
pub struct Searchable<S> {
    store: S,
    meta: Arc<Meta>,
    space: Arc<Space>,
    root_cache: Option<Arc<RootCache>>,
}

/// What of an index costs some work to make and stays the same for as long as its build identifier does: to be kept
/// between scans.
#[derive(Clone, Debug)]
pub struct Kept {
    space: Arc<Space>,
    root_cache: Option<Arc<RootCache>>,
}

impl Kept {
    /// Memory taken, about.
    pub fn bytes(&self) -> usize {
        self.space.bytes() + self.root_cache.as_ref().map_or(0, |cache| cache.bytes())
    }

    /// Whether this was kept of the index that `meta` describes.
    fn is_of(&self, meta: &Meta) -> bool {
        self.space.is_of(meta)
            && match &self.root_cache {
                Some(cache) => cache.is_of(meta),
                None => !RootCache::is_useful(meta, &self.space),
            }
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
        Ok(if meta.dim == 0 {
            Self::Blank(Blank { store, meta })
        } else {
            Self::Searchable(Searchable::with_meta(store, meta)?)
        })
    }

    /// Reads the meta page, and of the rest only what `kept`, from an earlier opening of the same or another index, does not
    /// have.
    pub fn open_with(store: S, kept: &mut Option<Kept>) -> Result<Self> {
        let meta = Arc::new(store.read(0, Meta::decode)?);
        if let Some(kept) = kept.as_ref().filter(|kept| kept.is_of(&meta)) {
            return Ok(Self::Searchable(Searchable {
                store,
                meta,
                space: kept.space.clone(),
                root_cache: kept.root_cache.clone(),
            }));
        }
        let mut index = Self::with_meta(store, meta)?;
        *kept = match &mut index {
            Self::Blank(_) => None,
            Self::Searchable(index) => Some(index.read_what_is_kept()?),
        };
        Ok(index)
    }

    /// The same index, its store borrowed.
    pub fn by_ref(&self) -> Index<&S> {
        match self {
            Self::Blank(index) => Index::Blank(Blank {
                store: &index.store,
                meta: index.meta.clone(),
            }),
            Self::Searchable(index) => Index::Searchable(index.by_ref()),
        }
    }

    /// The store.
    pub fn store(&self) -> &S {
        match self {
            Self::Blank(index) => &index.store,
            Self::Searchable(index) => &index.store,
        }
    }

    /// The meta page.
    pub fn meta(&self) -> &Arc<Meta> {
        match self {
            Self::Blank(index) => &index.meta,
            Self::Searchable(index) => &index.meta,
        }
    }

    /// The index, if its dimension is known.
    pub fn searchable(&self) -> Option<&Searchable<S>> {
        match self {
            Self::Blank(_) => None,
            Self::Searchable(index) => Some(index),
        }
    }
}

impl<S> Blank<S> {
    /// The store.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// The meta page.
    pub fn meta(&self) -> &Arc<Meta> {
        &self.meta
    }
}

impl<S: PageStore> Searchable<S> {
    /// An index whose meta page is known and has a dimension.
    pub(crate) fn with_meta(store: S, meta: Arc<Meta>) -> Result<Self> {
        let space = Arc::new(Space::of(&meta)?);
        Ok(Self {
            store,
            meta,
            space,
            root_cache: None,
        })
    }

    /// The same index, with the root's list in memory where that is useful.
    pub(crate) fn with_root_cache(mut self) -> Result<Self> {
        if self.root_cache.is_none() {
            self.read_what_is_kept()?;
        }
        Ok(self)
    }

    fn read_what_is_kept(&mut self) -> Result<Kept> {
        let cache = RootCache::read(&self.store, &self.meta, &self.space)?;
        self.root_cache = cache.map(Arc::new);
        Ok(Kept {
            space: self.space.clone(),
            root_cache: self.root_cache.clone(),
        })
    }

    /// The same index, its store borrowed.
    pub fn by_ref(&self) -> Searchable<&S> {
        Searchable {
            store: &self.store,
            meta: self.meta.clone(),
            space: self.space.clone(),
            root_cache: self.root_cache.clone(),
        }
    }

    /// The store.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// The meta page.
    pub fn meta(&self) -> &Arc<Meta> {
        &self.meta
    }

    /// The space of its vectors.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// The version of the lists whose nodes the root's list shows at least.
    pub(crate) fn sighted(&self) -> u32 {
        match &self.root_cache {
            Some(cache) => cache.version(),
            None => self.meta.version,
        }
    }

    /// The root's list in memory, if it is.
    pub(crate) fn root_cache(&self) -> Option<&Arc<RootCache>> {
        self.root_cache.as_ref()
    }

    /// All leaf nodes, in the order of the lists they are in.
    pub(crate) fn leaves(&self) -> Result<Vec<Place>> {
        walk::leaves(&self.store, &self.space, self.meta.root)
    }
}
