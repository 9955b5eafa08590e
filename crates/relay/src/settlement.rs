//! The way of an answer to the host: what became of the call?

use std::time::Duration;

use dropgate_gate::call::Finished;
use dropgate_gate::outcome::Outcome;
use dropgate_gate::refusal::Refusal;
use dropgate_gate::shutdown::Phase;

use crate::call_id::CallId;
use crate::relay::{Passage, Relay};

/// How many calls with an unreadable answer are remembered.
const MAX_REMEMBERED: usize = 256;

impl Relay {
    /// Takes an answer's call out of flight. An answer that comes after we gave
    /// one in its place goes nowhere: every call gets exactly one.
    pub(crate) fn settle_call(&mut self, id: &CallId, outcome: Outcome, now: Duration) -> Passage {
        self.answered_once = true;
        if self.is_repeated_handshake(id) {
            return Passage::Stop;
        }
        match self.calls.reply(id, outcome) {
            Some(finished) => {
                if let (Some(tool), Outcome::Completed) = (&finished.tool, finished.outcome) {
                    self.latencies.record(tool, finished.elapsed(now));
                }
                self.count(&finished);
                Passage::Pass
            }
            None if self.answered_here.contains(id) => {
                self.log
                    .line(&format!("second answer to call {id} left out"));
                Passage::Stop
            }
            None => match self.shutdown.phase() {
                Phase::Running | Phase::Draining | Phase::Cancelling => Passage::Pass,
                Phase::Closing | Phase::Terminating | Phase::Killing | Phase::Done => {
                    self.log.line(&format!("late answer to call {id} left out"));
                    Passage::Stop
                }
            },
        }
    }

    /// The server answered a call with something that may not be passed on.
    pub(crate) fn answer_unreadable(&mut self, id: &CallId) {
        let Some(original) = self.calls.iter().find(|(key, _, _)| *key == id) else {
            return;
        };
        let id = original.0.clone();
        let refusal = Refusal::unknown_unreadable();
        if let Some(finished) = self.calls.reply(&id, refusal.outcome()) {
            self.count(&finished);
            self.downstream.refuse(&id, &finished, &refusal);
            if self.answered_here.len() >= MAX_REMEMBERED {
                self.answered_here.pop_front();
            }
            self.answered_here.push_back(id);
        }
    }

    pub(crate) fn count(&mut self, finished: &Finished) {
        if let Some(notes) = self.shutdown.notes() {
            notes.calls.count(finished);
        }
    }
}
