//! Whether the journal can be relied on, and why not.

use std::sync::Arc;
use std::time::Instant;

/// Whether calls may be let through, as far as the journal is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Entries become safe in time.
    Sound,
    /// They don't: no new call may be sent. Entries that are not intents are
    /// still taken, and written as soon as that is possible.
    Failing {
        /// What is wrong.
        why: Why,
        /// Since when it is known.
        since: Instant,
    },
}

/// What is wrong with the disk.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// The disk is full. The room that was set aside is being spent.
    #[error("the journal's disk is full; free some space, then calls pass again")]
    NoSpace,
    /// Opening, writing or syncing failed. A new segment is being tried.
    #[error("the journal can not be written: {0}; calls pass again once a new segment was written")]
    Disk(Arc<str>),
    /// The disk has not answered in time.
    #[error("the journal's disk does not answer; calls pass again once it does")]
    Stalled,
    /// The copy that is required has not taken records in time.
    #[error(
        "the required copy of the journal does not take records: {0}; calls pass again once it does"
    )]
    Copy(Arc<str>),
    /// The writer is gone. Only a new [`Journal`](crate::Journal) can help.
    #[error("the journal's writer has ended; start again")]
    Gone,
}

/// An entry was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The journal is [failing](State::Failing), and this was an intent.
    #[error(transparent)]
    Failing(#[from] Why),
    /// So much waits for the disk that nothing more is taken. Intents are
    /// refused earlier than other entries.
    #[error("the journal's queue is full: the disk is slower than the calls")]
    Full,
    /// The journal is being sealed.
    #[error("the journal is being sealed")]
    Closing,
}
