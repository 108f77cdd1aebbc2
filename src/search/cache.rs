//! What a session keeps: what it knows about relations, and plans.
//!
//! Postgres tells of changes while anything of it runs; what is told about is marked then and dropped at its next use.
//! Nothing in here calls Postgres while the cache is borrowed.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use pgrx::pg_sys;

use super::arguments::Shape;
use super::relation::Relation;
use super::statement::Argument;
use crate::spi::{Change, Plan};

/// Plans, and relations, that a session keeps; the one used longest ago goes first.
const CAPACITY: usize = 64;

/// What a plan was made for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    pub relation: pg_sys::Oid,
    /// Whose rights count: the records of columns are of those who may read the table.
    pub role: pg_sys::Oid,
    /// Where the names in a filter are looked up.
    pub search_path: Option<String>,
    pub shape: Shape,
}

/// A search that has been planned.
pub struct Entry {
    pub relation: Rc<Relation>,
    /// The values behind those for the filter, in order.
    pub arguments: Vec<Argument>,
    /// The types of all parameters: first those of the filter.
    pub types: Vec<pg_sys::Oid>,
    pub plan: Plan,
    /// Set when a function has changed that the filter may call.
    pub is_stale: Cell<bool>,
}

#[derive(Default)]
struct Cache {
    relations: HashMap<(pg_sys::Oid, pg_sys::Oid), Used<Relation>>,
    plans: HashMap<Key, Used<Entry>>,
    clock: u64,
}

struct Used<T> {
    value: Rc<T>,
    at: u64,
}

thread_local! {
    static CACHE: RefCell<Cache> = RefCell::default();
    /// Set when a change was told while the cache was borrowed.
    static MISSED: Cell<bool> = const { Cell::new(false) };
}

/// What is known about a relation for this role.
pub fn relation(role: pg_sys::Oid, relation: pg_sys::Oid) -> Option<Rc<Relation>> {
    with_cache(|cache| {
        let at = cache.tick();
        let key = (role, relation);
        let used = cache.relations.get_mut(&key)?;
        if used.value.is_stale.get() {
            cache.relations.remove(&key);
            return None;
        }
        used.at = at;
        Some(Rc::clone(&used.value))
    })
}

/// Keeps what is known about a relation.
pub fn keep_relation(role: pg_sys::Oid, relation: pg_sys::Oid, value: &Rc<Relation>) {
    with_cache(|cache| {
        let at = cache.tick();
        let value = Rc::clone(value);
        make_room(&mut cache.relations);
        cache.relations.insert((role, relation), Used { value, at });
    });
}

/// The plan for this key.
pub fn plan(key: &Key) -> Option<Rc<Entry>> {
    with_cache(|cache| {
        let at = cache.tick();
        let used = cache.plans.get_mut(key)?;
        if used.value.is_stale.get() || used.value.relation.is_stale.get() {
            cache.plans.remove(key);
            return None;
        }
        used.at = at;
        Some(Rc::clone(&used.value))
    })
}

/// Keeps a plan.
pub fn keep_plan(key: Key, value: &Rc<Entry>) {
    with_cache(|cache| {
        let at = cache.tick();
        let value = Rc::clone(value);
        make_room(&mut cache.plans);
        cache.plans.insert(key, Used { value, at });
    });
}

/// Marks what a change makes out of date.
pub fn changed(change: Change) {
    let told = CACHE.try_with(|cache| match cache.try_borrow() {
        Ok(cache) => cache.mark(change),
        Err(_) => MISSED.set(true),
    });
    // The thread is ending, and with it the session.
    let _ = told;
}

fn with_cache<T>(f: impl FnOnce(&mut Cache) -> T) -> T {
    CACHE.with_borrow_mut(|cache| {
        if MISSED.replace(false) {
            cache.mark(Change::All);
        }
        f(cache)
    })
}

fn make_room<K: Clone + std::hash::Hash + Eq, T>(kept: &mut HashMap<K, Used<T>>) {
    if kept.len() < CAPACITY {
        return;
    }
    if let Some((oldest, _)) = kept.iter().min_by_key(|(_, used)| used.at) {
        let oldest = oldest.clone();
        kept.remove(&oldest);
    }
}

impl Cache {
    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    fn mark(&self, change: Change) {
        let known = self.relations.values().map(|used| &used.value);
        let planned = self.plans.values().map(|used| &used.value.relation);
        match change {
            Change::Relation(relation) => known
                .chain(planned)
                .filter(|known| known.family.contains(&relation))
                .for_each(|known| known.is_stale.set(true)),
            Change::All => known
                .chain(planned)
                .for_each(|known| known.is_stale.set(true)),
            Change::Functions => self
                .plans
                .iter()
                .filter(|(key, _)| key.shape.filter.is_some())
                .for_each(|(_, used)| used.value.is_stale.set(true)),
        }
    }
}
