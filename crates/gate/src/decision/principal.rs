//! On whose behalf a call is made.

/// The longest name of a principal, in bytes.
pub const MAX_PRINCIPAL: usize = 256;

/// The name of whoever makes a call. There is always one; a call without a principal has no
/// decision.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Principal(Box<str>);

/// A name that can't be a principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unnamed {
    /// Nobody.
    #[error("the principal's name is empty; give one, for example \"local\"")]
    Empty,
    /// More than [`MAX_PRINCIPAL`] bytes.
    #[error("the principal's name is longer than {MAX_PRINCIPAL} bytes; give a shorter one")]
    TooLong,
    /// A line end or another control character, which could forge lines of a log.
    #[error("the principal's name holds a control character; give one without")]
    Control,
}

impl Principal {
    /// The principal of that name.
    ///
    /// # Errors
    /// The name is empty, longer than [`MAX_PRINCIPAL`] bytes or holds control characters.
    pub fn named(name: &str) -> Result<Self, Unnamed> {
        if name.is_empty() {
            return Err(Unnamed::Empty);
        }
        if name.len() > MAX_PRINCIPAL {
            return Err(Unnamed::TooLong);
        }
        if name.chars().any(char::is_control) {
            return Err(Unnamed::Control);
        }
        Ok(Self(name.into()))
    }

    /// The local user who started dropgate.
    #[must_use]
    pub fn local() -> Self {
        Self("local".into())
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }
}
