//! The name of a call in flight.

use std::fmt;
use std::hash::{Hash, Hasher};

use dropgate_wire::{Id, IdKey};

/// The id of a request: compared by meaning, answered as it was written.
#[derive(Clone, Debug)]
pub(crate) struct CallId {
    key: IdKey,
    raw: Raw,
}

/// The most bytes of an id that are kept without memory of their own: all
/// numbers that count calls, and short words.
const SHORT: usize = 22;

/// An id as the host wrote it.
#[derive(Clone, Debug)]
enum Raw {
    Short { bytes: [u8; SHORT], length: u8 },
    Long(Box<[u8]>),
}

impl Raw {
    fn of(raw: &[u8]) -> Self {
        let mut bytes = [0; SHORT];
        match (bytes.get_mut(..raw.len()), u8::try_from(raw.len())) {
            (Some(place), Ok(length)) => {
                place.copy_from_slice(raw);
                Self::Short { bytes, length }
            }
            (_, _) => Self::Long(raw.into()),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Short { bytes, length } => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Self::Long(bytes) => bytes,
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
            raw: Raw::of(&[]),
        }
    }

    /// The id as the host wrote it.
    pub(crate) fn raw(&self) -> &[u8] {
        self.raw.bytes()
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
        for length in [1, SHORT - 2, SHORT - 1, SHORT, SHORT + 1, 300] {
            let digits = "7".repeat(length);
            let text = format!("\"{digits}\"");
            for raw in [digits.as_bytes(), text.as_bytes()] {
                let id = Id::parse(raw).expect("an id");
                let kept = CallId::of_request(&id);
                assert_eq!(kept.clone().raw(), raw);
                assert_eq!(kept, CallId::to_look_up(&id));
            }
        }
    }
}
