//! The gate's values in the journal's words: the journal knows nothing of the gate.

use std::sync::Arc;
use std::time::Duration;

use dropgate_gate::call::Grant;
use dropgate_gate::decision::{Authority, Denial};
use dropgate_gate::mode::Class;
use dropgate_gate::outcome::{Outcome, Retry};
use dropgate_journal as journal;

pub(crate) fn tier(class: Class) -> journal::Tier {
    match class {
        Class::Read => journal::Tier::Write,
        Class::Write => journal::Tier::Sync,
    }
}

/// The journal knows nothing of the gate, so it has a word of its own for this.
pub(crate) fn journal_class(class: Class) -> journal::Class {
    match class {
        Class::Read => journal::Class::Read,
        Class::Write => journal::Class::Write,
    }
}

/// Decisions for a call. The last one by an authority that names no policies is kept, since most
/// are like it.
#[derive(Default)]
pub(crate) struct Decisions {
    last: Option<(Authority, journal::Decision)>,
}

impl Decisions {
    /// `digest` stands for the policies in force.
    pub(crate) fn of(&mut self, grant: &Grant, digest: Option<Arc<str>>) -> journal::Decision {
        let digest = digest.unwrap_or_default();
        let permit = match grant {
            Grant::Permit(permit) => permit,
            Grant::NotNeeded => return journal::Decision::default(),
        };
        let authority = permit.authority();
        if permit.policies().iter().next().is_some() {
            return policies(authority.name(), permit.policies().iter(), digest);
        }
        match &self.last {
            Some((by, decision)) if *by == authority && decision.digest == digest => {
                decision.clone()
            }
            Some(_) | None => {
                let decision = policies(authority.name(), std::iter::empty(), digest);
                self.last = Some((authority, decision.clone()));
                decision
            }
        }
    }
}

/// A denial, as the journal tells it.
pub(crate) fn decision_against(denial: &Denial, digest: Option<Arc<str>>) -> journal::Decision {
    let digest = digest.unwrap_or_default();
    policies(denial.reason().name(), denial.policies().iter(), digest)
}

fn policies<'a>(
    by: &'a str,
    ids: impl Iterator<Item = &'a str>,
    digest: Arc<str>,
) -> journal::Decision {
    journal::Decision {
        policies: std::iter::once(by).chain(ids).map(Box::from).collect(),
        digest,
    }
}

pub(crate) fn what(outcome: Outcome) -> journal::What {
    match outcome {
        Outcome::Completed => journal::What::Completed,
        Outcome::ToolError => journal::What::ToolError,
        Outcome::RpcError => journal::What::RpcError,
        Outcome::Cancelled => journal::What::Cancelled,
        Outcome::TimedOut => journal::What::TimedOut,
        Outcome::Denied => journal::What::Denied,
        Outcome::NotExecuted => journal::What::NotExecuted,
        Outcome::Unknown => journal::What::Unknown,
        Outcome::Shed => journal::What::Shed,
    }
}

pub(crate) fn retry(retry: Retry) -> journal::Retry {
    match retry {
        Retry::Safe => journal::Retry::Safe,
        Retry::Unsafe => journal::Retry::Unsafe,
        Retry::Never => journal::Retry::Never,
    }
}

pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
