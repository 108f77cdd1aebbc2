//! What can go wrong. Messages follow Postgres's style; detail and hint are apart.

use quantize::room::OutOfMemory;
use std::fmt;

/// The result of every fallible operation of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of the index. The Postgres face maps each kind to an SQLSTATE.
#[derive(Debug)]
pub enum Error {
    /// The page store failed, or the user cancelled; the face knows how to rethrow it.
    Store(Box<dyn std::error::Error + Send + Sync>),
    /// A page does not hold what it must (`index_corrupted`).
    Corrupt {
        /// The block that was read.
        block: u32,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The file is not an index of this format.
    Format {
        /// What was found instead.
        found: String,
    },
    /// A value has another dimension than the index.
    Dimension {
        /// Dimension of the index.
        expected: usize,
        /// Dimension of the value.
        found: usize,
    },
    /// The dimension is 0 or beyond what fits a page.
    DimensionLimit {
        /// Dimension asked for.
        found: usize,
        /// The most this element type allows.
        limit: usize,
    },
    /// A component is NaN or infinite (one-based position).
    NotFinite {
        /// One-based position of the first such component.
        position: usize,
    },
    /// The query's element type or metric does not go with the index.
    Query {
        /// What does not fit.
        what: &'static str,
    },
    /// The graph over the centroids of a build failed.
    Graph {
        /// What `usearch` says.
        what: String,
    },
    /// A temporary file does not give back what was written to it (an I/O error, not one of the index).
    TemporaryFile {
        /// What went wrong.
        what: &'static str,
    },
    /// A worker thread of a build failed: a bug, or the system gave up on it.
    Worker {
        /// What it says.
        what: String,
    },
    /// An argument beyond what is allowed.
    Limit {
        /// The argument.
        name: &'static str,
        /// What was asked for.
        found: usize,
        /// The most that is allowed.
        limit: usize,
    },
    /// An allocation failed.
    OutOfMemory {
        /// Bytes asked for.
        bytes: usize,
    },
    /// The index has as many blocks as block numbers.
    Full,
}

impl Error {
    /// An error about the contents of `block`.
    pub fn corrupt(block: u32, what: &'static str) -> Self {
        Self::Corrupt { block, what }
    }

    /// A hint for the user, where there is one.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Corrupt { .. } | Self::Format { .. } => Some("REINDEX the index."),
            _ => None,
        }
    }
}

impl From<OutOfMemory> for Error {
    fn from(error: OutOfMemory) -> Self {
        Self::OutOfMemory { bytes: error.bytes }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(e) => e.fmt(f),
            Self::Corrupt { block, what } => write!(f, "corrupt index page {block}: {what}"),
            Self::Format { found } => write!(f, "not a qivf index of this version: {found}"),
            Self::Dimension { expected, found } => {
                write!(f, "expected {expected} dimensions, not {found}")
            }
            Self::DimensionLimit { found, limit } => {
                write!(
                    f,
                    "cannot index {found} dimensions, 1 to {limit} are allowed"
                )
            }
            Self::NotFinite { position } => write!(f, "component {position} is not finite"),
            Self::Query { what } => write!(f, "query does not fit the index: {what}"),
            Self::Graph { what } => write!(f, "graph over the lists failed: {what}"),
            Self::TemporaryFile { what } => write!(f, "could not read temporary file: {what}"),
            Self::Worker { what } => write!(f, "a worker thread failed: {what}"),
            Self::Limit { name, found, limit } => {
                write!(f, "{name} must be at most {limit}, not {found}")
            }
            Self::OutOfMemory { bytes } => write!(f, "out of memory asking for {bytes} bytes"),
            Self::Full => write!(f, "index is full"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(e) => Some(e.as_ref()),
            _ => None,
        }
    }
}
