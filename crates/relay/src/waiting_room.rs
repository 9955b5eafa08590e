//! Calls that are admitted and not sent yet: each waits until its intent is recorded. Their
//! messages wait in the buffer, held, so that nothing changes its place.

use std::collections::VecDeque;

use dropgate_gate::call::{Admitted, Call};
use dropgate_journal::{Earlier, Send, Ticket};

use crate::call_id::CallId;
use crate::lane::Hold;
use crate::recorder::{Intended, MaySend, Recorder};

/// A call that waits.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) id: CallId,
    pub(crate) call: Call<Admitted>,
    /// What its message is held by.
    pub(crate) hold: Hold,
    /// None only while it is looked at.
    ticket: Option<Ticket<Send>>,
}

/// A call that need not wait any longer.
#[derive(Debug)]
pub(crate) enum Ready {
    /// Its intent is recorded.
    Send(Waiting, MaySend),
    /// Another call has its idempotency key.
    KeyHeld(Waiting, Earlier),
    /// Its intent could not be recorded.
    Refused(Waiting),
}

/// All of them, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct WaitingRoom {
    calls: VecDeque<Waiting>,
    last: Hold,
}

impl WaitingRoom {
    pub(crate) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    pub(crate) fn holds(&self, id: &CallId) -> bool {
        self.calls.iter().any(|waiting| waiting.id == *id)
    }

    /// Lets a call in, and says what its message has to wait for.
    pub(crate) fn enter(&mut self, id: CallId, call: Call<Admitted>, ticket: Ticket<Send>) -> Hold {
        self.last = self.last.next();
        self.calls.push_back(Waiting {
            id,
            call,
            hold: self.last,
            ticket: Some(ticket),
        });
        self.last
    }

    /// The first call, if it need not wait any longer. None goes before one that came earlier.
    pub(crate) fn next_ready(&mut self, recorder: &mut Recorder) -> Option<Ready> {
        let first = self.calls.front_mut()?;
        match recorder.look_after(first.ticket.take()?) {
            Intended::Pending(ticket) => {
                first.ticket = Some(ticket);
                None
            }
            Intended::Recorded(proof) => Some(Ready::Send(self.calls.pop_front()?, proof)),
            Intended::KeyHeld(earlier) => Some(Ready::KeyHeld(self.calls.pop_front()?, earlier)),
            Intended::Refused => Some(Ready::Refused(self.calls.pop_front()?)),
        }
    }

    /// The call with this id goes, unsent.
    pub(crate) fn withdraw(&mut self, id: &CallId) -> Option<Waiting> {
        let place = self.calls.iter().position(|waiting| waiting.id == *id)?;
        self.calls.remove(place)
    }

    /// All go, unsent.
    pub(crate) fn empty(&mut self) -> VecDeque<Waiting> {
        std::mem::take(&mut self.calls)
    }
}
