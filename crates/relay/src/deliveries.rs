//! Which answers have left for the host whole: what has not is given again to whoever repeats the call.

use std::collections::VecDeque;

use dropgate_gate::mode::Class;
use dropgate_journal::{self as journal, CallRef, Fate, What};

use crate::docket::{Intended, Item};
use crate::lane::Hold;
use crate::relay::Relay;

/// The most answers that are followed. The server is not listened to while its answers wait, so
/// there are only as many as one read brings.
const MOST: usize = 4096;

/// Answers that are recorded and not yet with the host.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    expected: VecDeque<(Hold, CallRef)>,
}

impl Deliveries {
    /// Follows the answer of a call, if a repetition of the call would ask for it.
    pub(crate) fn expect_answer(&mut self, item: &Item, what: What, hold: Hold) {
        if let (Fate::Answered, Class::Write, Intended::Yes, Some(call)) =
            (what.fate(), item.class, item.intended, item.reference)
        {
            self.follow(call, hold);
        }
    }

    /// Follows an answer to this call.
    pub(crate) fn follow(&mut self, call: CallRef, hold: Hold) {
        if self.expected.len() < MOST {
            self.expected.push_back((hold, call));
        }
    }

    /// What waited for this does not leave.
    pub(crate) fn forget(&mut self, hold: Hold) {
        self.expected.retain(|(one, _)| *one != hold);
    }

    fn passed(&mut self, up_to: Hold) -> Option<CallRef> {
        let (_, call) = self.expected.pop_front_if(|(hold, _)| *hold <= up_to)?;
        Some(call)
    }
}

impl Relay {
    /// Records which answers have left.
    pub(crate) fn note_delivered(&mut self) {
        let passed = self.upstream.intake.passed();
        while let Some(call) = self.deliveries.passed(passed) {
            self.recorder.delivered(call);
        }
    }

    /// Records which answers never will.
    pub(crate) fn note_undelivered(&mut self) {
        self.note_delivered();
        for (_, call) in std::mem::take(&mut self.deliveries.expected) {
            self.recorder.note(journal::Note {
                topic: journal::Topic::Undelivered,
                call: Some(call),
                subject: "host".into(),
                text: "the answer did not leave whole".into(),
            });
        }
    }
}
