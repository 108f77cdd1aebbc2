//! The qivf index: small inverted lists of sign codes, searched best-first over bounds, over abstract pages.
//!
//! An index is a set of 8 KB pages behind the traits of [`store`]; [`layout`] says what every byte means. [`Builder`]
//! makes one, [`Index`] opens it, [`Scan`] searches it, [`insert`], [`vacuum`], [`check`] and [`tune`] keep it. Nothing
//! here knows Postgres, and nothing is unsafe.
//!
//! Modules use only those above them:
//!
//! | module | what it does |
//! |---|---|
//! | `error`, [`store`], [`memory`] | errors; the seam to whatever holds the pages; a store in memory, for tests |
//! | [`layout`], [`space`] | what every byte on a page means; how a value becomes a record |
//! | `pages`, `row_set`, `geometry`, [`plan`], `workers` | reading pages, checked; sets of rows; distances; numbers of lists; threads |
//! | `walk`, `root_cache` | walking all nodes; the root's list in memory |
//! | `index`, `index_cache` | an opened index; what is kept between openings |
//! | `query` | a prepared query, its keys and bounds |
//! | [`scan`] | the search |
//! | [`insert`], [`vacuum`], [`check`], [`survey`], [`tune`], [`cost`] | what keeps an index and judges it |
//! | `builder` | making one |

#![deny(unsafe_code)]

mod builder;
mod changes;
pub mod check;
pub mod cost;
mod error;
mod geometry;
pub mod grow;
mod homes;
mod index;
mod index_cache;
pub mod insert;
mod lanes;
pub mod layout;
pub mod memory;
pub mod opening;
mod pages;
pub mod plan;
mod query;
mod root_cache;
mod row_set;
pub mod scan;
pub mod space;
pub mod store;
pub mod survey;
pub mod tune;
pub mod vacuum;
mod walk;
mod workers;

// For `examples/assignment.rs`.
pub use builder::{BuildOptions, Builder};
#[doc(hidden)]
pub use builder::{Clusters, nearest};
pub use error::{Error, Result};
pub use index::{Blank, Index, Kept, Searchable};
pub use index_cache::IndexCache;
pub use layout::Tid;
pub use query::{Degenerate, Query, Refined};
pub use scan::{Candidate, Order, Scan, ScanOptions, ScanStats};
pub use space::{Element, Metric, Value};
pub use workers::{BuildHost, Phase, Stop};
