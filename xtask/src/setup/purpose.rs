//! What is being prepared for.

/// What the caller is going to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Run the embedded server only.
    Embedded,
    /// Test against every server, the distribution's included.
    Everything,
}
