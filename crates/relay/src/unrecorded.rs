//! Calls that only read, while nothing can be recorded: they go on without a record where that is
//! configured. Calls that may write never do.

use dropgate_gate::call::{Admitted, Call};
use dropgate_gate::mode::Class;
use dropgate_gate::refusal::Refusal;

use crate::call_id::CallId;
use crate::docket::Intended;
use crate::recorder::{Health, MaySend};
use crate::relay::{Passage, Relay};
use crate::settings::OnFailure;
use crate::waiting_room::Waiting;

/// What a call does whose record is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lacking {
    /// It goes on.
    GoesOn,
    /// It is refused, or its answer withheld.
    Stops,
}

impl Relay {
    /// What a call of this class does when nothing can be recorded of it.
    pub(crate) fn lacking_record(&self, class: Class) -> Lacking {
        match (self.settings.on_failure, class) {
            (OnFailure::DenyWrites, Class::Read) => Lacking::GoesOn,
            (OnFailure::DenyWrites, Class::Write) | (OnFailure::DenyAll, _) => Lacking::Stops,
        }
    }

    /// The same of the call's answer, at present: a journal that works is waited for.
    pub(crate) fn lacking_record_now(&mut self, class: Class) -> Lacking {
        match self.lacking_record(class) {
            Lacking::Stops => Lacking::Stops,
            Lacking::GoesOn => match self.recorder.health() {
                Health::Failing(_) => Lacking::GoesOn,
                Health::Sound => Lacking::Stops,
            },
        }
    }

    /// Puts a call that only reads in flight, under no name of the journal's.
    pub(crate) fn launch_unrecorded(&mut self, id: CallId, call: Call<Admitted>) -> Passage {
        if let Health::Failing(why) = self.recorder.health() {
            self.say_record_fails(&why);
            self.read_only_meanwhile();
        }
        self.count_unrecorded();
        if let Some(item) = self.docket.get_mut(call.slot()) {
            item.reference = None;
        }
        self.launch(id, call.send(MaySend::Unrecorded))
    }

    /// The same with a call whose message is held, and whose intent may come to be recorded later.
    /// It keeps its name, so that its outcome is as well.
    pub(crate) fn send_unrecorded(&mut self, waiting: Waiting) {
        self.count_unrecorded();
        if let Some(item) = self.docket.get_mut(waiting.call.slot()) {
            item.intended = Intended::Waived;
        }
        match self.launch(waiting.id, waiting.call.send(MaySend::Unrecorded)) {
            Passage::Pass | Passage::PassAfter(_) => {}
            Passage::Stop => self.downstream.intake.drop_held(waiting.hold),
        }
        self.upstream.outlet.release_up_to(waiting.hold);
    }

    /// What a call does at present whose intent is not recorded.
    pub(crate) fn lacking_intent_now(&mut self, waiting: &Waiting) -> Lacking {
        self.lacking_record_now(self.class_of_waiting(waiting))
    }

    fn class_of_waiting(&self, waiting: &Waiting) -> Class {
        let item = self.docket.get(waiting.call.slot());
        item.map_or(Class::Write, |item| item.class)
    }

    /// Nothing can be recorded at present: calls that wait for that go on, or are answered, unsent.
    pub(crate) fn give_up_records(&mut self) {
        let refusal = Refusal::journal_unavailable();
        for waiting in self.waiting.empty() {
            match self.lacking_record(self.class_of_waiting(&waiting)) {
                Lacking::GoesOn => self.send_unrecorded(waiting),
                Lacking::Stops => {
                    // Perhaps it comes to be recorded and perhaps not, so the outcome says it all.
                    self.disown_intent(waiting.call.slot());
                    self.downstream.intake.drop_held(waiting.hold);
                    self.turn_away(waiting.call.withhold(), refusal.clone(), self.now());
                    self.upstream.outlet.release_up_to(waiting.hold);
                }
            }
        }
        match self.settings.on_failure {
            OnFailure::DenyAll => self.turn_away_unsent(&refusal),
            // Of those that wait for a decision the class decides when they come to be recorded.
            OnFailure::DenyWrites => self.turn_away_look_ups(&refusal),
        }
    }

    /// Where reading goes on, calls that write are refused in words that say so.
    pub(crate) fn read_only_meanwhile(&mut self) {
        match self.settings.on_failure {
            OnFailure::DenyAll => {}
            OnFailure::DenyWrites => {
                let now = self.now();
                self.checks.journal_fails(now);
                self.heed_checks(now);
            }
        }
    }

    /// Calls can be recorded again.
    pub(crate) fn write_again(&mut self) {
        let now = self.now();
        self.checks.journal_works(now);
        self.heed_checks(now);
    }

    /// One more call of which no whole record is kept. Said once; the report has the number.
    pub(crate) fn count_unrecorded(&mut self) {
        if self.unrecorded == 0 {
            self.log.line(
                "journal: calls that only read go on and are not recorded, since \
                 journal.on_failure is deny_writes; calls that may write are refused",
            );
        }
        self.unrecorded = self.unrecorded.saturating_add(1);
    }
}
