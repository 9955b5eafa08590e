//! Whether a tool only reads.

/// What a tool does to the world, as far as dropgate was told by someone it trusts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// It only reads: calling it twice, or for nothing, does no harm.
    Read,
    /// It may change something. Every tool is taken for this until its class is known.
    Write,
}

impl Class {
    /// The name used in the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}
