//! The qivf index: small inverted lists of sign codes, searched best-first over bounds, over abstract pages.
//!
//! An index is a set of 8 KB pages behind the traits of [`store`]; [`layout`] says what every byte means. [`Builder`]
//! makes one, [`Index`] opens it, [`Scan`] searches it, [`insert`], [`vacuum`], [`check`] and [`tune`] keep it. Nothing
//! here knows Postgres, and nothing is unsafe.

#![deny(unsafe_code)]

pub mod build;
pub mod check;
pub mod cost;
mod error;
mod index;
pub mod insert;
pub mod layout;
pub mod memory;
mod query;
pub mod scan;
mod shelf;
pub mod space;
pub mod store;
pub mod tune;
pub mod vacuum;
mod walk;

pub use build::{BuildHost, BuildOptions, Builder};
pub use error::{Error, Result};
pub use index::{Index, Kept};
pub use layout::Tid;
pub use query::{Degenerate, Query, Refined};
pub use scan::{Candidate, Cells, Order, Scan, ScanOptions, ScanStats};
pub use shelf::Shelf;
pub use space::{Element, Metric, Value};
