//! What the caller configures.

/// How much is removed: `[sanitize] profile`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Profile {
    /// Secrets, stack frames, folders, statements, inner addresses and versioned links.
    #[default]
    Standard,
    /// And version numbers; and from stderr everything, not secrets alone.
    Strict,
}

/// What the caller configures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// How much is removed.
    pub profile: Profile,
    /// Codes of JSON-RPC errors whose `data` is kept, with its texts cleaned. The codes to which MCP itself gives a
    /// `data` are always kept: [`is_protocol_code`].
    pub keep_data_of: Vec<i64>,
}

impl Settings {
    pub(super) fn keeps_data_of(&self, code: Option<i64>) -> bool {
        code.is_some_and(|code| is_protocol_code(code) || self.keep_data_of.contains(&code))
    }
}

/// Whether MCP defines what `data` holds for this code, so that a client needs it: an unknown resource (its uri), a
/// missing capability, a version that is not supported, the codes that newer revisions reserve, and an address that the
/// user has to open first.
#[must_use]
pub fn is_protocol_code(code: i64) -> bool {
    matches!(code, -32004..=-32002 | -32099..=-32020)
}
