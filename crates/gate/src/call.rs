//! A call, step by step: received, then in flight, then finished. Each step consumes the last.

use std::marker::PhantomData;
use std::time::Duration;

use crate::in_flight::Standing;
use crate::outcome::Outcome;
use crate::refusal::Refusal;

/// State of a call that has been read and not yet been admitted.
#[derive(Debug)]
pub enum Received {}

/// State of a call that has been admitted: it may be sent, and it is owed an outcome.
#[derive(Debug)]
pub enum InFlight {}

/// Whether the request calls a tool; the two are answered in different shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `tools/call`: a refusal is a result with `isError`.
    ToolCall,
    /// Any other request: a refusal is a JSON-RPC error.
    Other,
}

/// Whether new calls are let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Admission {
    /// New calls are sent on.
    Admitting,
    /// Shutdown has begun: new calls are refused.
    Draining,
}

/// A request from the host that wants an answer.
///
/// A `Call<InFlight>` can only be had by admitting a `Call<Received>`, and finishing consumes it:
/// a call can't be sent unadmitted or be given two outcomes.
#[derive(Debug)]
#[must_use = "every call is owed exactly one outcome"]
pub struct Call<S> {
    kind: Kind,
    tool: Option<Box<str>>,
    received_at: Duration,
    state: PhantomData<S>,
}

impl Call<Received> {
    /// A call that was just read. `tool` is the tool's name, if the request names one.
    pub fn received(kind: Kind, tool: Option<Box<str>>, at: Duration) -> Self {
        Self {
            kind,
            tool,
            received_at: at,
            state: PhantomData,
        }
    }

    /// Lets the call through, unless shutdown has begun.
    ///
    /// # Errors
    /// While draining, the call comes back with the refusal that answers it.
    pub fn admit(self, admission: &Admission) -> Result<Call<InFlight>, Box<(Self, Refusal)>> {
        match admission {
            Admission::Admitting => Ok(self.step()),
            Admission::Draining => Err(Box::new((self, Refusal::draining()))),
        }
    }

    /// Ends a call that was never sent.
    pub fn refuse(self, refusal: &Refusal) -> Finished {
        self.end(refusal.outcome())
    }
}

impl Call<InFlight> {
    /// Gives the call its outcome.
    pub fn finish(self, outcome: Outcome) -> Finished {
        self.end(outcome)
    }
}

impl<S> Call<S> {
    /// Whether this calls a tool.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The tool's name, if the request names one.
    #[must_use]
    pub fn tool(&self) -> Option<&str> {
        self.tool.as_deref()
    }

    /// When the call was read, since the caller's origin.
    #[must_use]
    pub fn received_at(&self) -> Duration {
        self.received_at
    }

    /// How long ago the call was read; zero if `now` lies before that.
    #[must_use]
    pub fn elapsed(&self, now: Duration) -> Duration {
        now.saturating_sub(self.received_at)
    }

    fn step<T>(self) -> Call<T> {
        Call {
            kind: self.kind,
            tool: self.tool,
            received_at: self.received_at,
            state: PhantomData,
        }
    }

    fn end(self, outcome: Outcome) -> Finished {
        Finished {
            outcome,
            kind: self.kind,
            tool: self.tool,
            received_at: self.received_at,
            standing: Standing::Waiting,
        }
    }
}

/// A call that has its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "the outcome has to be counted"]
pub struct Finished {
    /// What became of the call.
    pub outcome: Outcome,
    /// Whether it called a tool.
    pub kind: Kind,
    /// The tool's name, if the request named one.
    pub tool: Option<Box<str>>,
    /// When the call was read, since the caller's origin.
    pub received_at: Duration,
    /// Who, if anyone, had cancelled the call before it ended.
    pub standing: Standing,
}

impl Finished {
    /// How long the call took if it ended at `now`; zero if `now` lies before its beginning.
    #[must_use]
    pub fn elapsed(&self, now: Duration) -> Duration {
        now.saturating_sub(self.received_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call() -> Call<Received> {
        Call::received(
            Kind::ToolCall,
            Some("write".into()),
            Duration::from_millis(40),
        )
    }

    #[test]
    fn an_admitted_call_keeps_its_facts_to_the_end() {
        let call = call().admit(&Admission::Admitting).unwrap();
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
        let (call, refusal) = *call().admit(&Admission::Draining).unwrap_err();
        assert_eq!(refusal, Refusal::draining());
        assert_eq!(call.refuse(&refusal).outcome, Outcome::NotExecuted);
    }
}
