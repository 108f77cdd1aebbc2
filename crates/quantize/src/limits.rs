//! What fits.

/// The most dimensions a vector may have: the dimension is stored in 16 bits.
pub const MAX_DIMENSIONS: usize = u16::MAX as usize;
