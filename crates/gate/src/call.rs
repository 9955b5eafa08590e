//! A call, step by step: received, authorised, admitted, in flight, finished. Each step consumes
//! the last, so none can be left out, repeated or taken in another order. A call that is stopped
//! before it is in flight is withheld, and from there only its outcome is left.

use std::rc::Rc;
use std::time::Duration;

use crate::breaker::Attempt;
use crate::checks::{Checks, Pass};
use crate::decision::{Decision, Denial, Permit};
use crate::kind::Kind;
use crate::outcome::Outcome;
use crate::refusal::Refusal;

/// State of a call that has been read.
#[derive(Debug)]
pub struct Received(());

/// State of a call that may be made, as far as permission goes.
#[derive(Debug)]
pub struct Authorized {
    grant: Grant,
}

/// State of a call that may be sent once its intent is recorded.
#[derive(Debug)]
pub struct Admitted {
    grant: Grant,
    pass: Option<Pass>,
}

/// State of a call that is sent, and is owed an outcome.
#[derive(Debug)]
pub struct InFlight {
    pass: Option<Pass>,
}

/// State of a call that will not be sent, and is owed an outcome all the same.
#[derive(Debug)]
pub struct Withheld {
    pass: Option<Pass>,
}

/// By what right a call passes.
#[derive(Debug)]
pub enum Grant {
    /// A decision, whose permit was spent here.
    Permit(Permit),
    /// The request is part of the protocol itself, such as `initialize` or a list.
    NotNeeded,
}

/// Proof that a call's intent is as durable as was asked for. Whoever keeps the record implements
/// it for a type that nobody else can make.
pub trait Receipt {}

/// A request from the host that wants an answer.
#[derive(Debug)]
#[must_use = "every call is owed exactly one outcome"]
pub struct Call<S> {
    facts: Facts,
    state: S,
}

/// Who, if anyone, has cancelled a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Nobody: drain waits for it, and the host waits for its answer.
    Waiting,
    /// The host: nobody waits for it and it needs no answer.
    CancelledByHost,
    /// Dropgate: the server has been told, and the host still waits for an answer.
    CancelSent,
}

/// The caller's own place for what it keeps of a call; a call carries it unseen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot(pub usize);

#[derive(Debug)]
struct Facts {
    slot: Slot,
    kind: Kind,
    tool: Option<Rc<str>>,
    received_at: Duration,
}

/// A call that was denied, and why.
#[derive(Debug)]
pub struct Denied {
    /// Still owed its outcome.
    pub call: Call<Withheld>,
    /// For the journal; nothing of it goes to the host.
    pub denial: Denial,
}

/// A call that was refused before it was sent, and the answer to it.
#[derive(Debug)]
pub struct Refused {
    /// Still owed its outcome.
    pub call: Call<Withheld>,
    /// What the host is told.
    pub refusal: Refusal,
}

impl Call<Received> {
    /// A call that was just read. `tool` is the tool's name, if the request names one.
    pub fn received(slot: Slot, kind: Kind, tool: Option<Rc<str>>, at: Duration) -> Self {
        Self {
            facts: Facts {
                slot,
                kind,
                tool,
                received_at: at,
            },
            state: Received(()),
        }
    }

    /// Spends the decision's permit.
    ///
    /// # Errors
    /// The call with its denial.
    pub fn authorize(self, decision: Decision) -> Result<Call<Authorized>, Box<Denied>> {
        match decision {
            Decision::Allow(permit) => Ok(self.step(|_| Authorized {
                grant: Grant::Permit(permit),
            })),
            Decision::Deny(denial) => Err(Box::new(Denied {
                call: self.withhold(),
                denial,
            })),
        }
    }

    /// Lets a request of the protocol itself through.
    ///
    /// # Errors
    /// The call, if it is of another kind: that one needs a decision.
    pub fn needs_no_decision(self) -> Result<Call<Authorized>, Self> {
        match self.facts.kind {
            Kind::Protocol => Ok(self.step(|_| Authorized {
                grant: Grant::NotNeeded,
            })),
            Kind::ToolCall | Kind::Fetch | Kind::Other => Err(self),
        }
    }

    /// Keeps the call from being sent.
    pub fn withhold(self) -> Call<Withheld> {
        self.step(|_| Withheld { pass: None })
    }
}

impl Call<Authorized> {
    /// Asks everything else that may refuse a call: shutdown, mode, breaker, load.
    ///
    /// # Errors
    /// The call with its refusal.
    pub fn admit(
        self,
        checks: &mut Checks,
        attempt: &Attempt,
        now: Duration,
    ) -> Result<Call<Admitted>, Box<Refused>> {
        match checks.pass(self.facts.kind, self.facts.tool.as_deref(), attempt, now) {
            Ok(pass) => Ok(self.step(|state| Admitted {
                grant: state.grant,
                pass,
            })),
            Err(refusal) => Err(Box::new(Refused {
                call: self.withhold(),
                refusal,
            })),
        }
    }

    /// By what right the call passes, for the journal.
    pub fn grant(&self) -> &Grant {
        &self.state.grant
    }

    /// Keeps the call from being sent.
    pub fn withhold(self) -> Call<Withheld> {
        self.step(|_| Withheld { pass: None })
    }
}

impl Call<Admitted> {
    /// Lets the call go: its intent is recorded.
    pub fn send(self, _recorded: impl Receipt) -> Call<InFlight> {
        self.step(|state| InFlight { pass: state.pass })
    }

    /// By what right the call passes, for the journal.
    pub fn grant(&self) -> &Grant {
        &self.state.grant
    }

    /// Keeps the call from being sent.
    pub fn withhold(self) -> Call<Withheld> {
        self.step(|state| Withheld { pass: state.pass })
    }
}

impl Call<Withheld> {
    /// Gives the call the outcome that this answer tells of.
    pub fn refuse(self, refusal: &Refusal) -> Finished {
        self.finish(refusal.outcome())
    }

    /// Gives the call its outcome.
    pub fn finish(self, outcome: Outcome) -> Finished {
        self.facts.end(outcome, self.state.pass)
    }
}

impl Call<InFlight> {
    /// Gives the call its outcome.
    pub fn finish(self, outcome: Outcome) -> Finished {
        self.facts.end(outcome, self.state.pass)
    }

    /// Keeps the call from being sent: the table of calls in flight has no place for it.
    pub(crate) fn withhold(self) -> Call<Withheld> {
        self.step(|state| Withheld { pass: state.pass })
    }

    /// The breaker's pass that the call holds, so that progress can extend it.
    #[must_use]
    pub fn pass(&self) -> Option<&Pass> {
        self.state.pass.as_ref()
    }
}

impl<S> Call<S> {
    /// The caller's own place for what it keeps of this call.
    #[must_use]
    pub fn slot(&self) -> Slot {
        self.facts.slot
    }

    /// What the request asks for.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.facts.kind
    }

    /// The tool's name, if the request names one.
    #[must_use]
    pub fn tool(&self) -> Option<&str> {
        self.facts.tool.as_deref()
    }

    /// When the call was read, since the caller's origin.
    #[must_use]
    pub fn received_at(&self) -> Duration {
        self.facts.received_at
    }

    /// How long ago the call was read; zero if `now` lies before that.
    #[must_use]
    pub fn elapsed(&self, now: Duration) -> Duration {
        now.saturating_sub(self.facts.received_at)
    }

    fn step<T>(self, next: impl FnOnce(S) -> T) -> Call<T> {
        Call {
            facts: self.facts,
            state: next(self.state),
        }
    }
}

impl Facts {
    fn end(self, outcome: Outcome, pass: Option<Pass>) -> Finished {
        Finished {
            slot: self.slot,
            outcome,
            kind: self.kind,
            tool: self.tool,
            received_at: self.received_at,
            standing: Standing::Waiting,
            pass,
        }
    }
}

/// A call that has its outcome. Only the last step of a call makes one.
#[derive(Debug)]
#[non_exhaustive]
#[must_use = "the outcome has to be counted"]
pub struct Finished {
    /// The caller's own place for what it keeps of this call.
    pub slot: Slot,
    /// What became of the call.
    pub outcome: Outcome,
    /// What it asked for.
    pub kind: Kind,
    /// The tool's name, if the request named one.
    pub tool: Option<Rc<str>>,
    /// When the call was read, since the caller's origin.
    pub received_at: Duration,
    /// Who, if anyone, had cancelled the call before it ended.
    pub standing: Standing,
    /// What the breakers are owed the result of, if the call got past them.
    pub pass: Option<Pass>,
}

impl Finished {
    /// How long the call took if it ended at `now`; zero if `now` lies before its beginning.
    #[must_use]
    pub fn elapsed(&self, now: Duration) -> Duration {
        now.saturating_sub(self.received_at)
    }
}

#[cfg(test)]
impl Call<InFlight> {
    pub(crate) fn in_flight_for_tests(tool: Option<&str>, at: Duration) -> Self {
        Self {
            facts: Facts {
                slot: Slot(0),
                kind: Kind::ToolCall,
                tool: tool.map(Into::into),
                received_at: at,
            },
            state: InFlight { pass: None },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::{Answers, Authority, Principal, decide};
    use crate::mode::Class;

    struct Recorded;
    impl Receipt for Recorded {}

    const ATTEMPT: Attempt = Attempt {
        class: Class::Write,
        timeout: Duration::from_secs(30),
    };

    fn call(kind: Kind) -> Call<Received> {
        Call::received(
            Slot(0),
            kind,
            Some("write".into()),
            Duration::from_millis(40),
        )
    }

    fn decision(authority: Authority) -> Decision {
        decide(authority, &Principal::local(), Answers::none())
    }

    #[test]
    fn a_call_keeps_its_facts_to_the_end() {
        let call = call(Kind::ToolCall)
            .authorize(decision(Authority::LocalOwner))
            .unwrap();
        let mut checks = Checks::for_tests();
        let call = call.admit(&mut checks, &ATTEMPT, Duration::ZERO).unwrap();
        let call = call.send(Recorded);
        assert_eq!(call.tool(), Some("write"));
        let finished = call.finish(Outcome::ToolError);
        assert_eq!(finished.outcome, Outcome::ToolError);
        assert_eq!(finished.kind, Kind::ToolCall);
        assert_eq!(finished.tool.as_deref(), Some("write"));
        assert_eq!(
            finished.elapsed(Duration::from_millis(100)),
            Duration::from_millis(60)
        );
        assert_eq!(finished.elapsed(Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn draining_gives_the_call_back_with_the_answer() {
        for kind in [Kind::ToolCall, Kind::Fetch, Kind::Other] {
            let call = call(kind)
                .authorize(decision(Authority::LocalOwner))
                .unwrap();
            let mut checks = Checks::for_tests();
            checks.stop_admitting(Duration::ZERO);
            let refused = *call
                .admit(&mut checks, &ATTEMPT, Duration::ZERO)
                .unwrap_err();
            assert_eq!(refused.refusal, Refusal::draining());
            assert_eq!(
                refused.call.refuse(&refused.refusal).outcome,
                Outcome::NotExecuted
            );
        }
    }

    #[test]
    fn only_the_protocol_needs_no_decision() {
        assert!(call(Kind::Protocol).needs_no_decision().is_ok());
        assert!(call(Kind::ToolCall).needs_no_decision().is_err());
        assert!(call(Kind::Fetch).needs_no_decision().is_err());
        assert!(call(Kind::Other).needs_no_decision().is_err());
    }

    #[test]
    fn a_denial_stops_the_call() {
        let denied = call(Kind::ToolCall).authorize(decision(Authority::Nobody));
        let denied = denied.unwrap_err();
        assert_eq!(
            denied.call.refuse(&Refusal::denied()).outcome,
            Outcome::Denied
        );
    }
}
