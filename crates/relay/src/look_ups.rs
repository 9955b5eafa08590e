//! Calls that wait for what the journal knows of an earlier one. They are not sent, so their
//! messages are not kept.

use dropgate_gate::call::{Call, Withheld};
use dropgate_journal::{CallRef, Fetch, Fetched};

use crate::call_id::CallId;
use crate::recorder::Recorder;
use crate::repetition::Times;

/// The most calls that wait at once.
const MOST: usize = 64;

/// A call that waits.
#[derive(Debug)]
pub(crate) struct LookUp {
    pub(crate) id: CallId,
    /// The call, which nothing but the record will answer.
    pub(crate) call: Call<Withheld>,
    /// The call that is looked up.
    pub(crate) earlier: CallRef,
    pub(crate) purpose: Purpose,
    /// None only while it is looked at.
    fetch: Option<Fetch>,
}

/// What is done with what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The earlier call's answer is given again.
    Replay(Times),
    /// The model is told what became of the earlier call.
    Tell,
    /// The next call like the earlier one may run, if that may have run.
    Permit,
}

/// All of them, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct LookUps {
    calls: Vec<LookUp>,
}

impl LookUps {
    pub(crate) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.calls.len() >= MOST
    }

    pub(crate) fn holds(&self, id: &CallId) -> bool {
        self.calls.iter().any(|one| one.id == *id)
    }

    /// Whether the answer of this call is about to be given to somebody.
    pub(crate) fn replays(&self, earlier: CallRef) -> bool {
        self.calls
            .iter()
            .any(|one| one.earlier == earlier && matches!(one.purpose, Purpose::Replay(_)))
    }

    pub(crate) fn enter(
        &mut self,
        (id, call): (CallId, Call<Withheld>),
        (earlier, purpose): (CallRef, Purpose),
        fetch: Fetch,
    ) {
        self.calls.push(LookUp {
            id,
            call,
            earlier,
            purpose,
            fetch: Some(fetch),
        });
    }

    /// A call of which the journal has told.
    pub(crate) fn next_found(&mut self, recorder: &Recorder) -> Option<(LookUp, Fetched)> {
        let found = self.calls.iter_mut().enumerate().find_map(|(place, one)| {
            match recorder.fetched(one.fetch.take()?) {
                Fetched::Pending(fetch) => {
                    one.fetch = Some(fetch);
                    None
                }
                found @ (Fetched::Nothing | Fetched::Found(_) | Fetched::Failed(_)) => {
                    Some((place, found))
                }
            }
        });
        let (place, found) = found?;
        Some((self.calls.remove(place), found))
    }

    /// The call with this id goes.
    pub(crate) fn withdraw(&mut self, id: &CallId) -> Option<Call<Withheld>> {
        let place = self.calls.iter().position(|one| one.id == *id)?;
        Some(self.calls.remove(place).call)
    }

    /// All go.
    pub(crate) fn empty(&mut self) -> Vec<Call<Withheld>> {
        let all = std::mem::take(&mut self.calls);
        all.into_iter().map(|one| one.call).collect()
    }
}
