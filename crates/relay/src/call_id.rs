//! The name of a call in flight.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};

use dropgate_wire::{Id, IdKey};

/// The id of a request: compared by meaning, answered as it was written.
#[derive(Clone, Debug)]
pub(crate) struct CallId {
    key: IdKey,
    raw: Raw,
}

/// The most bytes of an id that are kept without memory of their own: short words.
const SHORT: usize = 22;

/// An id as the host wrote it.
#[derive(Clone, Debug)]
enum Raw {
    /// In digits and nothing else, as the key is written: nearly every id.
    Count,
    Short {
        bytes: [u8; SHORT],
        length: u8,
    },
    Long(Box<[u8]>),
    /// It does not matter.
    Unknown,
}

/// The most digits of a number that a key holds as it is.
const MOST_DIGITS: usize = 18;

impl Raw {
    fn of(raw: &[u8]) -> Self {
        if raw.len() <= MOST_DIGITS && raw.iter().all(u8::is_ascii_digit) {
            return Self::Count;
        }
        let mut bytes = [0; SHORT];
        match (bytes.get_mut(..raw.len()), u8::try_from(raw.len())) {
            (Some(place), Ok(length)) => {
                place.copy_from_slice(raw);
                Self::Short { bytes, length }
            }
            (_, _) => Self::Long(raw.into()),
        }
    }
}

impl CallId {
    /// The id of a request that came from the host.
    pub(crate) fn of_request(id: &Id<'_>) -> Self {
        Self {
            key: id.key(),
            raw: Raw::of(id.raw()),
        }
    }

    /// The id in an answer or a cancellation: only to look a call up.
    pub(crate) fn to_look_up(id: &Id<'_>) -> Self {
        Self {
            key: id.key(),
            raw: Raw::Unknown,
        }
    }

    /// The id as the host wrote it; nothing of one that was made to look a call up.
    pub(crate) fn raw(&self) -> Cow<'_, [u8]> {
        match &self.raw {
            Raw::Count => Cow::Owned(self.key.to_string().into_bytes()),
            Raw::Short { bytes, length } => {
                let written = bytes.get(..usize::from(*length));
                Cow::Borrowed(written.unwrap_or_default())
            }
            Raw::Long(bytes) => Cow::Borrowed(bytes),
            Raw::Unknown => Cow::Borrowed(&[]),
        }
    }
}

impl PartialEq for CallId {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for CallId {}

impl Hash for CallId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_any_length_is_kept_as_it_was_written() {
        let lengths = [
            1,
            MOST_DIGITS,
            MOST_DIGITS + 1,
            SHORT - 1,
            SHORT,
            SHORT + 1,
            300,
        ];
        let mut all: Vec<String> = ["0", "-0", "-7", "7.0", "7e0", "70", "\"a\\u0062\""]
            .map(str::to_owned)
            .into();
        for length in lengths {
            let digits = "7".repeat(length);
            all.extend([format!("\"{digits}\""), format!("-{digits}"), digits]);
        }
        for raw in all {
            let id = Id::parse(raw.as_bytes()).expect("an id");
            let kept = CallId::of_request(&id);
            assert_eq!(kept.clone().raw(), raw.as_bytes());
            assert_eq!(kept, CallId::to_look_up(&id));
        }
    }
}
