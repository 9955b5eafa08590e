//! The name of a call in flight.

use std::fmt;
use std::hash::{Hash, Hasher};

use dropgate_wire::{Id, IdKey};

/// The id of a request: compared by meaning, answered as it was written.
#[derive(Clone, Debug)]
pub(crate) struct CallId {
    key: IdKey,
    raw: Box<[u8]>,
}

impl CallId {
    /// The id of a request that came from the host.
    pub(crate) fn of_request(id: &Id<'_>) -> Self {
        Self {
            key: id.key(),
            raw: id.raw().into(),
        }
    }

    /// The id in an answer or a cancellation: only to look a call up.
    pub(crate) fn to_look_up(id: &Id<'_>) -> Self {
        Self {
            key: id.key(),
            raw: Box::default(),
        }
    }

    /// The id as the host wrote it.
    pub(crate) fn raw(&self) -> &[u8] {
        &self.raw
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
