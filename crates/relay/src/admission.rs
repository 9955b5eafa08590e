//! The way of a call from the host: may it be sent?

use std::time::Duration;

use dropgate_gate::call::{Call, Received};
use dropgate_gate::in_flight::NotInserted;
use dropgate_gate::refusal::Refusal;

use crate::call_id::CallId;
use crate::relay::{Passage, Relay};

impl Relay {
    /// Decides whether a request may be sent, and answers it if it may not.
    pub(crate) fn admit(&mut self, id: CallId, call: Call<Received>, now: Duration) -> Passage {
        let call = match call.admit(&self.admission) {
            Ok(call) => call,
            Err(refused) => {
                let (call, refusal) = *refused;
                let finished = call.refuse(&refusal);
                self.count(&finished);
                self.downstream.refuse(&id, &finished, &refusal);
                return Passage::Stop;
            }
        };
        match self.calls.insert(id.clone(), call) {
            Ok(_cancelled_by_host_and_forgotten) => {
                self.last_call = Some(now);
                Passage::Pass
            }
            Err(NotInserted::Full(call)) => {
                let refusal = Refusal::overloaded();
                let finished = call.finish(refusal.outcome());
                self.downstream.refuse(&id, &finished, &refusal);
                Passage::Stop
            }
            Err(error @ NotInserted::Duplicate(_)) => {
                self.downstream.reject_duplicate(&id, &error.to_string());
                Passage::Stop
            }
        }
    }
}
