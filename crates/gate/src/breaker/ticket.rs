//! What a breaker answers to a call, and what is given back to it.

use std::time::Duration;

use crate::mode::Class;

/// A call that asks to be admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Attempt {
    /// What the tool does, which decides whether it may be a trial.
    pub class: Class,
    /// How long the call may take. A trial is a failure when this is over, and a call is slow
    /// when it takes most of it.
    pub timeout: Duration,
}

/// Whether something other than a caller's call can try a half-open breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Probing {
    /// Any call may be the trial.
    #[default]
    Callers,
    /// A read-only probe exists, so a call that may write is never the trial.
    Probe,
}

/// Whether a call may go on. `P` is what is given back with the result.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a ticket is owed its result"]
pub enum Admission<P = Ticket> {
    /// It may: the breaker is closed.
    Closed(P),
    /// It may, as the one trial of a half-open breaker.
    Trial(P),
    /// It may not.
    Rejected(Rejection),
}

/// Why a breaker rejects a call, and when to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rejection {
    /// The breaker is open.
    Open {
        /// How long it stays so.
        retry_after: Duration,
    },
    /// Another call is the trial.
    TrialRunning {
        /// How long that one has left, at most.
        retry_after: Duration,
    },
    /// The call may write, and a probe will be the trial.
    AwaitsProbe {
        /// A guess: the first open period.
        retry_after: Duration,
    },
    /// An operator holds the breaker open, for as long as the operator likes.
    ForcedOpen,
}

impl Rejection {
    /// How long to wait before the next attempt, where that is known.
    #[must_use]
    pub fn retry_after(self) -> Option<Duration> {
        match self {
            Self::Open { retry_after }
            | Self::TrialRunning { retry_after }
            | Self::AwaitsProbe { retry_after } => Some(retry_after),
            Self::ForcedOpen => None,
        }
    }
}

/// The right to make one call. It is not `Clone`, and giving it back consumes it.
#[derive(Debug, PartialEq, Eq, Hash)]
#[must_use = "a ticket is owed its result"]
pub struct Ticket {
    /// The generation of the state that it was given in.
    pub(super) generation: u64,
    /// From here on the call is slow.
    pub(super) slow_from: Duration,
    pub(super) role: Role,
}

/// Whether a ticket is the trial of a half-open breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Role {
    Regular,
    Trial,
}

impl<P> Admission<P> {
    pub(super) fn granted(ticket: P, role: Role) -> Self {
        match role {
            Role::Regular => Self::Closed(ticket),
            Role::Trial => Self::Trial(ticket),
        }
    }
}
