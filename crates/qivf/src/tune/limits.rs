//! How much may be learned or reported from at once.

use crate::error::{Error, Result};

/// The most queries that are learned or reported from at once: what a statement takes at will, it must not take of memory.
pub const MOST_QUERIES: usize = 10_000;
/// The most neighbours a query is asked for.
pub const MOST_NEIGHBOURS: usize = 10_000;
/// The most neighbours of all queries together: some 24 bytes each, several times over.
pub const MOST_PAIRS: usize = 1_000_000;

/// Checks what a caller asks for: so many queries, with so many neighbours each.
pub fn check_size(queries: usize, k: usize) -> Result<()> {
    let limit = |name, found, limit| match found > limit {
        true => Err(Error::Limit { name, found, limit }),
        false => Ok(()),
    };
    limit("queries", queries, MOST_QUERIES)?;
    limit("k", k, MOST_NEIGHBOURS)?;
    limit("queries times k", queries * k, MOST_PAIRS)
}
