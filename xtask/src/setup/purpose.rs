//! What is being prepared for.

/// What the caller is going to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Build for a server that is there already.
    Build,
    /// Run the embedded server only.
    Embedded,
    /// Test against every server, the distribution's included.
    Everything,
}
