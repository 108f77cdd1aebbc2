//! What a session keeps of the indexes that it opens again and again.
//!
//! - Nothing is made for an index that is opened once; with the second opening it gets a place.
//! - Places are given while there is room, and kept by those who use them: whoever scans more indexes than fit (many
//!   partitions) has some of them from memory and reads the others, rather than making all anew each time.

use crate::error::Result;
use crate::index::{Index, Kept};
use crate::store::PageStore;
use std::collections::HashMap;
use std::hash::Hash;

/// An index that was not opened during so many openings of any loses its place.
const IDLE: u64 = 1000;

#[derive(Debug)]
struct Place {
    kept: Option<Kept>,
    bytes: usize,
    /// The number of the opening that was its last.
    used: u64,
}

/// Indexes by a name of the caller's.
#[derive(Debug)]
pub struct IndexCache<K> {
    places: HashMap<K, Place>,
    openings: u64,
    bytes: usize,
    limit: usize,
}

impl<K: Eq + Hash> IndexCache<K> {
    /// An empty cache of about `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            places: HashMap::new(),
            openings: 0,
            bytes: 0,
            limit,
        }
    }

    /// Opens the index in `store`. That `key` once stood for another index is noticed.
    pub fn open<S: PageStore>(&mut self, key: K, store: S) -> Result<Index<S>> {
        self.openings += 1;
        if self.openings.is_multiple_of(IDLE) {
            self.tidy();
        }
        // Taken out meanwhile: an error leaves nothing behind.
        let known = self.places.remove(&key);
        let mut kept = None;
        let index = match known {
            Some(place) => {
                self.bytes -= place.bytes;
                kept = place.kept;
                if kept.is_some() || self.bytes < self.limit {
                    Index::open_with(store, &mut kept)?
                } else {
                    Index::open(store)?
                }
            }
            None => Index::open(store)?,
        };
        let bytes = kept.as_ref().map_or(0, Kept::bytes);
        let used = self.openings;
        self.bytes += bytes;
        self.places.insert(key, Place { kept, bytes, used });
        Ok(index)
    }

    fn tidy(&mut self) {
        let oldest = self.openings.saturating_sub(IDLE);
        self.places.retain(|_, place| place.used > oldest);
        self.bytes = self.places.values().map(|place| place.bytes).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::{BuildOptions, Builder};
    use crate::memory::{MemorySpill, MemoryStore};
    use crate::space::{Element, Metric, Value};

    fn store() -> MemoryStore {
        let (mut store, mut spill) = (MemoryStore::new(), MemorySpill::default());
        let mut options = BuildOptions::new(Element::Float, Metric::L2);
        (options.lists, options.tuning_queries) = (20, 0);
        let mut builder = Builder::new(options, None, &mut spill).unwrap();
        for i in 0..200u8 {
            let row = [f32::from(i), f32::from(i % 7), 1.0];
            builder.push([i; 6], Some(&Value::Float(&row))).unwrap();
        }
        builder.finish(&mut store, &()).unwrap();
        store
    }

    #[test]
    fn keeps_what_is_used_again_and_fits() {
        let store = store();
        let mut probe = None;
        Index::open_with(&store, &mut probe).unwrap();
        let mut cache = IndexCache::new(probe.unwrap().bytes() + 1);
        let mut kept = |key: u32| {
            let index = cache.open(key, &store).unwrap();
            index.searchable().unwrap().root_cache().is_some()
        };
        assert!(!kept(1), "opened once");
        assert!(kept(1) && kept(1));
        assert!(!kept(2) && kept(2), "there was room");
        assert!(!kept(3) && !kept(3), "there is none left");
        assert!(kept(1) && kept(2), "and nobody loses a place");
        for _ in 0..2 * IDLE {
            kept(2);
        }
        assert!(!kept(3) && kept(3), "but for those who do not use it");
        assert!(!kept(1));
    }
}
