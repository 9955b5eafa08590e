//! How far the record has come, and what that lets go.

use std::task::{Context, Poll};

use crate::recorder::Health;
use crate::relay::Relay;

impl Relay {
    /// Sends what may be sent and answers what may be answered, as far as the record has come.
    pub(crate) fn heed_journal(&mut self) {
        // No call has to come before it is told that a copy is away.
        let copy = self.recorder.requires_copy();
        if !self.waits_for_record() && self.record_trouble.is_none() && !copy {
            self.say_copy_is_away();
            return;
        }
        self.record_heeded = self.now();
        self.send_recorded();
        self.answer_from_record();
        self.release_recorded();
        self.say_answers_are_dropped();
        self.say_copy_is_away();
        while self.withhold_refused() {
            self.release_recorded();
        }
        match self.recorder.health() {
            Health::Sound => {
                if self.record_trouble.take().is_some() {
                    self.write_again();
                }
            }
            Health::Failing(why) => {
                self.say_record_fails(&why);
                self.read_only_meanwhile();
                self.give_up_records();
                self.withhold_overdue(self.record_heeded);
            }
        }
        self.flush_upstream();
        self.flush_downstream();
    }

    /// Whether anything waits for the journal's writer.
    pub(crate) fn waits_for_record(&self) -> bool {
        !self.waiting.is_empty() || !self.held_answers.is_empty() || !self.look_ups.is_empty()
    }

    /// Ready when the journal's writer got on.
    pub(crate) fn poll_recorded(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.bell.poll_rung(cx)
    }
}
