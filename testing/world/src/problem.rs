//! What went wrong, in words: a check ends with the first problem, and a cell collects several.

use std::fmt::Display;

/// A step of a check.
pub type Checked<T = ()> = Result<T, String>;

/// Adds what was being done to an error.
pub trait Says<T> {
    /// Turns an error or an absence into a problem that begins with `what`.
    ///
    /// # Errors
    /// The problem.
    fn says(self, what: impl Display) -> Checked<T>;
}

impl<T, E: Display> Says<T> for Result<T, E> {
    fn says(self, what: impl Display) -> Checked<T> {
        self.map_err(|error| format!("{what}: {error}"))
    }
}

impl<T> Says<T> for Option<T> {
    fn says(self, what: impl Display) -> Checked<T> {
        self.ok_or_else(|| what.to_string())
    }
}

/// A problem unless `held` is [`Ok`] of nothing: shorthand for a check that compares.
///
/// # Errors
/// The text, when the two differ.
pub fn fail<T>(text: impl Into<String>) -> Checked<T> {
    Err(text.into())
}

/// Adds a problem to a list when two values differ.
pub fn problem<T: PartialEq + std::fmt::Debug>(
    problems: &mut Vec<String>,
    what: &str,
    found: &T,
    expected: &T,
) {
    if found != expected {
        problems.push(format!("{what}: expected {expected:?}, found {found:?}"));
    }
}
