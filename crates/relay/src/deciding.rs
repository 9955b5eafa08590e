//! Calls that wait for a decision from elsewhere. They own their messages, so that others go on.

use std::task::{Context, Poll};

use dropgate_gate::call::{Call, Received};
use dropgate_gate::decision::Decision;
use dropgate_policy::Pending;

use crate::call_id::CallId;
use crate::candidate::Candidate;

/// The most calls that wait at once.
const MAX_DECIDING: usize = 256;
/// The most bytes of messages that wait at once.
const MAX_BYTES: usize = 64 << 20;

/// A call that waits.
pub(crate) struct Deciding {
    pub(crate) candidate: Candidate,
    pub(crate) call: Call<Received>,
    decision: Pending,
}

/// All of them.
#[derive(Default)]
pub(crate) struct UnderDecision {
    calls: Vec<Deciding>,
}

impl UnderDecision {
    pub(crate) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Whether there is no room for another call.
    pub(crate) fn is_full(&self) -> bool {
        let bytes: usize = self.calls.iter().map(|one| one.candidate.weight()).sum();
        self.calls.len() >= MAX_DECIDING || bytes >= MAX_BYTES
    }

    pub(crate) fn holds(&self, id: &CallId) -> bool {
        self.calls.iter().any(|one| one.candidate.id == *id)
    }

    pub(crate) fn enter(&mut self, candidate: Candidate, call: Call<Received>, decision: Pending) {
        self.calls.push(Deciding {
            candidate,
            call,
            decision,
        });
    }

    /// Ready with a call that has its decision.
    pub(crate) fn poll_decided(&mut self, cx: &mut Context<'_>) -> Poll<(Deciding, Decision)> {
        let ready = self.calls.iter_mut().enumerate().find_map(|(place, one)| {
            match one.decision.as_mut().poll(cx) {
                Poll::Ready(decision) => Some((place, decision)),
                Poll::Pending => None,
            }
        });
        match ready {
            Some((place, decision)) => Poll::Ready((self.calls.remove(place), decision)),
            None => Poll::Pending,
        }
    }

    /// The call with this id goes, undecided.
    pub(crate) fn withdraw(&mut self, id: &CallId) -> Option<Call<Received>> {
        let place = self.calls.iter().position(|one| one.candidate.id == *id)?;
        Some(self.calls.remove(place).call)
    }

    /// All go, undecided.
    pub(crate) fn empty(&mut self) -> Vec<Deciding> {
        std::mem::take(&mut self.calls)
    }
}
