//! What becomes of a line.

use std::ops::Range;

use super::budget::Fault;
use super::span::Redactions;

/// What becomes of a line.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a line that is not looked at must not leave"]
pub enum Verdict {
    /// It leaves as the bytes that came.
    Clean,
    /// Another line leaves in its place.
    Replaced(Replacement),
    /// Nothing leaves. Never said of an answer, a log message or a progress report: only of other messages in which a
    /// secret stands where it can't be cut out. If it was a request, the server is owed an error.
    Withheld(Fault),
}

/// The line that leaves in the place of another. Only the sanitiser makes one.
#[derive(Debug, PartialEq, Eq)]
pub struct Replacement {
    line: Vec<u8>,
    redactions: Redactions,
    withheld: Option<Fault>,
    original: Range<usize>,
}

impl Replacement {
    pub(super) fn new(
        mut line: Vec<u8>,
        redactions: Redactions,
        withheld: Option<Fault>,
        original: Range<usize>,
    ) -> Self {
        if line.last() != Some(&b'\n') {
            line.push(b'\n');
        }
        Self {
            line,
            redactions,
            withheld,
            original,
        }
    }

    /// The new line, with its line feed.
    #[must_use]
    pub fn line(&self) -> &[u8] {
        &self.line
    }

    /// The new line, with its line feed.
    #[must_use]
    pub fn into_line(self) -> Vec<u8> {
        self.line
    }

    /// What was removed.
    #[must_use]
    pub fn redactions(&self) -> Redactions {
        self.redactions
    }

    /// Why the whole text was replaced, if it was.
    #[must_use]
    pub fn withheld(&self) -> Option<Fault> {
        self.withheld
    }

    /// Where the replaced value (the result, the error, the params) stands in the line that came: what the journal keeps.
    #[must_use]
    pub fn original(&self) -> Range<usize> {
        self.original.clone()
    }
}
