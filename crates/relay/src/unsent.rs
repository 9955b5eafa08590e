//! Calls that are not sent yet, wherever they wait: for a decision, for their intents to be recorded,
//! or for what the journal knows of earlier ones.

use dropgate_gate::call::{Call, Withheld};
use dropgate_gate::refusal::Refusal;

use crate::call_id::CallId;
use crate::relay::Relay;

impl Relay {
    /// Whether any call waits.
    pub(crate) fn has_unsent(&self) -> bool {
        !self.waiting.is_empty() || !self.deciding.is_empty() || !self.look_ups.is_empty()
    }

    /// Whether the call with this id waits.
    pub(crate) fn unsent_holds(&self, id: &CallId) -> bool {
        self.waiting.holds(id) || self.deciding.holds(id) || self.look_ups.holds(id)
    }

    /// The call with this id goes, if it waits; its message is never sent.
    pub(crate) fn withdraw(&mut self, id: &CallId) -> Option<Call<Withheld>> {
        if let Some(waiting) = self.waiting.withdraw(id) {
            // Perhaps its intent comes to be recorded and perhaps not, so the outcome says it all.
            self.disown_intent(waiting.call.slot());
            self.downstream.intake.drop_held(waiting.hold);
            return Some(waiting.call.withhold());
        }
        if let Some(call) = self.deciding.withdraw(id) {
            return Some(call.withhold());
        }
        self.look_ups.withdraw(id)
    }

    /// All go: they can not be recorded, or have no time left. Each gets this answer.
    pub(crate) fn turn_away_unsent(&mut self, refusal: &Refusal) {
        let now = self.now();
        for deciding in self.deciding.empty() {
            self.turn_away(deciding.call.withhold(), refusal.clone(), now);
        }
        for waiting in self.waiting.empty() {
            self.disown_intent(waiting.call.slot());
            self.downstream.intake.drop_held(waiting.hold);
            self.turn_away(waiting.call.withhold(), refusal.clone(), now);
        }
        self.turn_away_look_ups(refusal);
    }

    /// The same of those that the journal was asked about.
    pub(crate) fn turn_away_look_ups(&mut self, refusal: &Refusal) {
        let now = self.now();
        for call in self.look_ups.empty() {
            self.turn_away(call, refusal.clone(), now);
        }
    }
}
