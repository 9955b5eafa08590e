//! What a breaker tells when it changes.

use std::time::Duration;

/// Which of its states a breaker is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Admits and counts.
    Closed,
    /// Rejects until its time is up.
    Open,
    /// Admits one trial at a time.
    HalfOpen,
    /// Rejects until the operator says otherwise.
    ForcedOpen,
    /// Admits and counts nothing, until a given time.
    ForcedClosed,
    /// Admits and counts nothing.
    Disabled,
}

impl Phase {
    /// Every phase, in the order of the enum.
    pub const ALL: [Self; 6] = [
        Self::Closed,
        Self::Open,
        Self::HalfOpen,
        Self::ForcedOpen,
        Self::ForcedClosed,
        Self::Disabled,
    ];

    /// The name used in the journal and in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::ForcedOpen => "forced_open",
            Self::ForcedClosed => "forced_closed",
            Self::Disabled => "disabled",
        }
    }
}

/// Why a breaker changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Too many failures in a row.
    Failures,
    /// Too many failures in a row of several tools that write.
    WritesFail,
    /// Too large a share of failures.
    FailureRatio,
    /// Too large a share of slow calls.
    SlowRatio,
    /// The open time is up.
    TimeUp,
    /// A trial failed, or was slow.
    TrialFailed,
    /// A trial had no result by its deadline.
    TrialLost,
    /// Enough trials succeeded.
    TrialsSucceeded,
    /// An operator's command.
    Operator,
    /// The time that an operator had given is up.
    CommandExpired,
    /// The breaker's tool was unused for longest, and its place was needed.
    Forgotten,
}

impl Cause {
    /// The name used in the journal and in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Failures => "failures",
            Self::WritesFail => "writes_fail",
            Self::FailureRatio => "failure_ratio",
            Self::SlowRatio => "slow_ratio",
            Self::TimeUp => "time_up",
            Self::TrialFailed => "trial_failed",
            Self::TrialLost => "trial_lost",
            Self::TrialsSucceeded => "trials_succeeded",
            Self::Operator => "operator",
            Self::CommandExpired => "command_expired",
            Self::Forgotten => "forgotten",
        }
    }
}

/// One change of a breaker's state, for the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Transition {
    /// When it fell due, since the caller's origin. A change that only time brings is noticed at
    /// the next call, and may lie some time before that.
    pub at: Duration,
    /// The state that was left.
    pub from: Phase,
    /// The state that was entered.
    pub to: Phase,
    /// Why.
    pub cause: Cause,
    /// How long the new state lasts, if time alone ends it.
    pub lasts: Option<Duration>,
}

/// The changes that one step made, in their order: usually none, at most a handful.
pub type Transitions = Vec<Transition>;
