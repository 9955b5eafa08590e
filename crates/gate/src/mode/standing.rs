//! What is possible at present, and why not more.

use std::time::Duration;

/// What is possible at present.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Everything.
    Normal,
    /// Everything but some tools, whose breakers are open.
    Degraded {
        /// Since when, counted from the caller's origin.
        since: Duration,
    },
    /// Only reading.
    ReadOnly {
        /// The weightiest reason.
        why: Why,
        /// Since when, counted from the caller's origin.
        since: Duration,
    },
    /// Nothing: the breaker of the upstream is open.
    Offline {
        /// Since when, counted from the caller's origin.
        since: Duration,
    },
}

impl Standing {
    /// The name used in answers, in the journal and in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Degraded { .. } => "degraded",
            Self::ReadOnly { .. } => "read_only",
            Self::Offline { .. } => "offline",
        }
    }

    /// Since when, counted from the caller's origin; always, if normal.
    #[must_use]
    pub fn since(self) -> Option<Duration> {
        match self {
            Self::Normal => None,
            Self::Degraded { since } | Self::ReadOnly { since, .. } | Self::Offline { since } => {
                Some(since)
            }
        }
    }

    /// The same, but since the time that `before` began if that is no other.
    pub(super) fn carried_on_from(self, before: Self) -> Self {
        match (self, before) {
            (Self::ReadOnly { why, .. }, Self::ReadOnly { since, .. }) => {
                Self::ReadOnly { why, since }
            }
            (Self::Degraded { .. }, Self::Degraded { .. })
            | (Self::Offline { .. }, Self::Offline { .. }) => before,
            (
                Self::Normal | Self::Degraded { .. } | Self::ReadOnly { .. } | Self::Offline { .. },
                Self::Normal | Self::Degraded { .. } | Self::ReadOnly { .. } | Self::Offline { .. },
            ) => self,
        }
    }
}

/// Why only reading is possible; the weightiest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Why {
    /// An operator said so.
    Operator,
    /// The journal can't make records durable.
    Journal,
    /// The lease of the credentials for writing is gone.
    Lease,
    /// The probe of the write path fails.
    Probe,
    /// The breakers of several writing tools are open.
    Breakers,
}

impl Why {
    /// Every reason, the weightiest first.
    pub const ALL: [Self; 5] = [
        Self::Operator,
        Self::Journal,
        Self::Lease,
        Self::Probe,
        Self::Breakers,
    ];

    /// The name used in answers, in the journal and in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Journal => "journal",
            Self::Lease => "lease",
            Self::Probe => "probe",
            Self::Breakers => "breakers",
        }
    }
}
