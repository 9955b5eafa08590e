//! The ways in which a run is ended from outside.

use std::fmt;
use std::time::Duration;

use dropgate_process::Signal;
use serde::Serialize;

/// How long a host waits between the steps of the specification's shutdown.
const STEP: Duration = Duration::from_secs(2);
const TWO_STEPS: Duration = STEP.saturating_mul(2);

/// One way in which a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// The program's stdin is closed.
    Eof,
    /// The shutdown of the MCP specification: stdin closed, SIGTERM 2 s later, SIGKILL 2 s later.
    Spec,
    /// SIGTERM to the program's pid; stdin stays open.
    Term,
    /// SIGINT, likewise.
    Int,
    /// SIGHUP, likewise.
    Hup,
    /// SIGKILL, likewise.
    Kill,
    /// SIGKILL to the program's parent. The pipes that led to it close, as they do when the process
    /// that held them is gone.
    Host,
    /// Nothing ends the run: only the answer to a call is looked at.
    None,
}

/// One step of an ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blow {
    CloseStdin,
    Program(Signal),
    Host,
}

impl Ending {
    /// Every ending that strikes, in the order of tables.
    pub const ALL: [Self; 7] = [
        Self::Eof,
        Self::Spec,
        Self::Term,
        Self::Int,
        Self::Hup,
        Self::Kill,
        Self::Host,
    ];

    /// The name in tables and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Eof => "eof",
            Self::Spec => "spec",
            Self::Term => "term",
            Self::Int => "int",
            Self::Hup => "hup",
            Self::Kill => "kill",
            Self::Host => "host",
            Self::None => "none",
        }
    }

    /// The ending of that name, if it is one of [`Ending::ALL`].
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ending| ending.name() == name)
    }

    /// Whether it means something to a program that is spoken to over HTTP: its stdin is not part
    /// of the conversation, and SIGHUP is no way to end a daemon.
    pub(crate) fn is_for_http(self) -> bool {
        match self {
            Self::Term | Self::Int | Self::Kill | Self::Host => true,
            Self::Eof | Self::Spec | Self::Hup | Self::None => false,
        }
    }

    /// The steps, each with its time after the first.
    pub(crate) fn blows(self) -> &'static [(Duration, Blow)] {
        const AT_ONCE: Duration = Duration::ZERO;
        match self {
            Self::Eof => &[(AT_ONCE, Blow::CloseStdin)],
            Self::Spec => &[
                (AT_ONCE, Blow::CloseStdin),
                (STEP, Blow::Program(Signal::TERM)),
                (TWO_STEPS, Blow::Program(Signal::KILL)),
            ],
            Self::Term => &[(AT_ONCE, Blow::Program(Signal::TERM))],
            Self::Int => &[(AT_ONCE, Blow::Program(Signal::INT))],
            Self::Hup => &[(AT_ONCE, Blow::Program(Signal::HUP))],
            Self::Kill => &[(AT_ONCE, Blow::Program(Signal::KILL))],
            Self::Host => &[(AT_ONCE, Blow::Host)],
            Self::None => &[],
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_endings() {
        for ending in Ending::ALL {
            assert_eq!(Ending::named(ending.name()), Some(ending));
            assert_eq!(serde_json::to_value(ending).unwrap(), ending.name());
        }
        assert_eq!(Ending::named("none"), None);
    }

    #[test]
    fn steps_come_in_the_order_of_their_times() {
        for ending in Ending::ALL {
            let times: Vec<Duration> = ending.blows().iter().map(|(at, _)| *at).collect();
            assert!(times.is_sorted() && times[0] == Duration::ZERO, "{ending}");
        }
    }
}
