//! Everything but permission that may refuse a call before it is sent, in one order: shutdown,
//! mode, load, breaker.

use std::time::Duration;

use crate::breaker::{self, Attempt, Breakers, Change};
use crate::call::{Admission, Kind};
use crate::load::{self, Answer, Load};
use crate::refusal::Refusal;

/// What a call holds of the checks until it is finished: its share of the load, and what the
/// breakers are owed the result of.
#[derive(Debug)]
#[must_use = "the breakers are owed the result"]
pub struct Pass {
    breaker: breaker::Pass,
    _slot: load::Slot,
}

/// The state of all checks of one upstream.
#[derive(Debug)]
pub struct Checks {
    /// Whether shutdown has begun.
    pub admission: Admission,
    breakers: Breakers,
    load: Load,
    changes: Vec<Change>,
}

impl Checks {
    /// All clear.
    #[must_use]
    pub fn new(breakers: Breakers, load: Load) -> Self {
        Self {
            admission: Admission::Admitting,
            breakers,
            load,
            changes: Vec::new(),
        }
    }

    /// Asks every check. A request of the protocol itself is only stopped by a shutdown.
    pub(crate) fn pass(
        &mut self,
        kind: Kind,
        tool: Option<&str>,
        attempt: &Attempt,
        now: Duration,
    ) -> Result<Option<Pass>, Refusal> {
        match self.admission {
            Admission::Admitting => {}
            Admission::Draining => return Err(Refusal::draining()),
        }
        match kind {
            Kind::Protocol => return Ok(None),
            Kind::ToolCall | Kind::Fetch => {}
        }
        let slot = match self.load.admit(None, now) {
            Answer::Admit(slot) => slot,
            Answer::Shed(shed) => return Err(Refusal::overloaded().after(shed.retry_after())),
        };
        let (admission, changes) = self.breakers.admit(tool, attempt, now);
        self.changes.extend(changes);
        match admission {
            breaker::Admission::Closed(pass) | breaker::Admission::Trial(pass) => Ok(Some(Pass {
                breaker: pass,
                _slot: slot,
            })),
            breaker::Admission::Rejected(rejection) => {
                Err(Refusal::breaker_open(rejection.retry_after()))
            }
        }
    }

    /// Takes the result of a call that held a pass.
    pub fn record(
        &mut self,
        pass: Pass,
        ended: &breaker::Ended<'_>,
        texts: &breaker::FailureTexts,
        now: Duration,
    ) {
        let changes = self.breakers.record(
            pass.breaker,
            ended.for_tool(texts),
            ended.for_upstream(),
            now,
        );
        self.changes.extend(changes);
    }

    /// Progress gives a call more time, until `until`.
    pub fn extend(&mut self, pass: &Pass, until: Duration) {
        self.breakers.extend(&pass.breaker, until);
    }

    /// The changes of breakers since the last time, for the journal.
    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }
}

#[cfg(test)]
impl Checks {
    pub(crate) fn for_tests() -> Self {
        let settings = breaker::Settings::default();
        Self::new(
            Breakers::new(&settings, breaker::Probing::Callers, 0, Duration::ZERO),
            Load::new(&load::Limits::default(), &[]),
        )
    }
}
