//! The ids of requests: kept as they were written, compared by what they mean.

use std::fmt;
use std::hash::{Hash, Hasher};

use crate::decimal::Decimal;
use crate::limits::{Direction, Limits};
use crate::scanner::Scanner;
use crate::text;

/// Longest id, in bytes as written, quotes included. Ids are kept for every call in flight, so they must stay small.
pub const MAX_ID_BYTES: usize = 4096;

/// The id of a request, borrowed from its line: a string or a number.
#[derive(Clone, Copy)]
pub struct Id<'a> {
    raw: &'a [u8],
}

impl<'a> Id<'a> {
    /// Reads an id from its own bytes, for example those of [`Rejected::id`](crate::Rejected::id). Nothing comes back
    /// unless the bytes are exactly one JSON string or number of at most [`MAX_ID_BYTES`].
    pub fn parse(raw: &'a [u8]) -> Option<Self> {
        let id = Self::from_value(raw)?;
        let limits = Limits {
            max_bytes: MAX_ID_BYTES,
            max_depth: 0,
        };
        let mut scanner = Scanner::new(raw, &limits, Direction::FromHost);
        let whole = scanner.raw_value().ok()?;
        (whole.len() == raw.len()).then_some(id)
    }

    /// Takes a value that the scanner has read; `None` unless it is a string or a number of acceptable length.
    pub(crate) fn from_value(raw: &'a [u8]) -> Option<Self> {
        match raw.first() {
            Some(b'"' | b'-' | b'0'..=b'9') if raw.len() <= MAX_ID_BYTES => Some(Self { raw }),
            Some(_) | None => None,
        }
    }

    /// The id as it was written, fit to be copied into another message.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// What the id means; two spellings of one id have equal keys.
    pub fn key(&self) -> IdKey {
        match self.raw {
            [b'"', inside @ .., b'"'] => IdKey(Meaning::Text(text::decoded(inside).into())),
            number => IdKey(Meaning::Number(Decimal::read(number))),
        }
    }
}

impl fmt::Debug for Id<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Id({})", String::from_utf8_lossy(self.raw))
    }
}

/// The meaning of an id, to find the call that an answer belongs to.
///
/// Strings are equal when their characters are, however escaped. Numbers are equal when their exact decimal values are:
/// `1`, `1.0` and `1e0` are one id, and 30 digits are never rounded. A string never equals a number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdKey(Meaning);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Meaning {
    Text(Box<[u8]>),
    Number(Decimal),
}

impl Hash for Meaning {
    /// Nearly every id is a number that counts calls, which is all that is hashed of it then.
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Number(Decimal::Whole(whole)) => whole.hash(state),
            Self::Number(other) => other.hash(state),
            Self::Text(text) => text.hash(state),
        }
    }
}

impl fmt::Display for IdKey {
    /// Writes the id as JSON would: a quoted string or a number.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Meaning::Text(text) => {
                serde_json::Value::from(String::from_utf8_lossy(text).as_ref()).fmt(out)
            }
            Meaning::Number(number) => number.fmt(out),
        }
    }
}
