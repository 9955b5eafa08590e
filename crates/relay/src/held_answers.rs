//! Answers that are given, and wait in their places until their outcomes are recorded.

use std::collections::VecDeque;
use std::time::Duration;

use dropgate_gate::call::Finished;
use dropgate_gate::kind::Kind;
use dropgate_gate::mode::Class;
use dropgate_gate::outcome::Outcome;
use dropgate_gate::refusal::Refusal;
use dropgate_journal as journal;

use crate::call_id::CallId;
use crate::docket::{Intended, Item};
use crate::journal_words::tier;
use crate::lane::Hold;
use crate::recorder::{OutcomeRecord, Recorder};
use crate::relay::Relay;
use crate::settlement::{NeverRan, never_ran};
use crate::unrecorded::Lacking;

/// An answer that waits for its record.
#[derive(Debug)]
struct HeldAnswer {
    hold: Hold,
    at: Duration,
    /// None only while it is looked at.
    record: Option<OutcomeRecord>,
    id: CallId,
    kind: Kind,
    class: Class,
    outcome: Outcome,
    reference: Option<journal::CallRef>,
}

/// How long an answer waits for its record once the journal fails: a full disk still takes some.
const RECORD_WITHIN: Duration = Duration::from_secs(2);
/// The same of a refusal, which is true without a record as well. The call has waited before.
const REFUSAL_WITHIN: Duration = Duration::from_millis(50);

impl HeldAnswer {
    fn patience(&self) -> Duration {
        match never_ran(self.outcome) {
            NeverRan::True => REFUSAL_WITHIN,
            NeverRan::NotSaid => RECORD_WITHIN,
        }
    }
}

/// All of them, in the order in which they were given.
#[derive(Debug, Default)]
pub(crate) struct HeldAnswers {
    answers: VecDeque<HeldAnswer>,
    last: Hold,
}

impl HeldAnswers {
    pub(crate) fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    /// How long the first answer waits for its record.
    pub(crate) fn patience(&self) -> Option<Duration> {
        self.answers.front().map(HeldAnswer::patience)
    }

    /// The first answer goes, if its outcome is recorded; none goes before an earlier one.
    fn next_recorded(&mut self, recorder: &mut Recorder) -> Option<HeldAnswer> {
        let first = self.answers.front_mut()?;
        let record = first.record.take();
        first.record = record.and_then(|record| recorder.still_waits(record));
        self.answers.pop_front_if(|first| first.record.is_none())
    }
}

impl Relay {
    /// Records an outcome. What the host hears of it has to wait for the hold.
    pub(crate) fn hold_answer(
        &mut self,
        entry: journal::Outcome,
        item: Item,
        finished: &Finished,
    ) -> Hold {
        let tier = match never_ran(finished.outcome) {
            NeverRan::True => journal::Tier::Write,
            NeverRan::NotSaid => tier(item.class),
        };
        let what = entry.what;
        let record = match self.recorder.outcome(entry, tier) {
            OutcomeRecord::NotKept => return Hold::NONE,
            // What is refused is held until it is withheld.
            record @ (OutcomeRecord::Pending(_) | OutcomeRecord::Refused) => record,
        };
        if self.lacking_record_now(item.class) == Lacking::GoesOn {
            match item.intended {
                Intended::No | Intended::Yes => self.count_unrecorded(),
                Intended::Waived => {}
            }
            return Hold::NONE;
        }
        let hold = self.held_answers.last.next();
        self.held_answers.last = hold;
        self.deliveries.expect_answer(&item, what, hold);
        let at = self.now();
        self.held_answers.answers.push_back(HeldAnswer {
            hold,
            at,
            record: Some(record),
            id: item.id,
            kind: finished.kind,
            class: item.class,
            outcome: finished.outcome,
            reference: item.reference,
        });
        hold
    }

    /// Lets answers go whose outcomes are recorded by now.
    pub(crate) fn release_recorded(&mut self) {
        while let Some(held) = self.held_answers.next_recorded(&mut self.recorder) {
            self.downstream.outlet.release_up_to(held.hold);
        }
    }

    /// Answers that have waited for long enough while the journal fails are withheld: the host is
    /// told.
    pub(crate) fn withhold_overdue(&mut self, now: Duration) {
        let due = |held: &mut HeldAnswer| held.at + held.patience() <= now;
        while let Some(held) = self.held_answers.answers.pop_front_if(due) {
            self.withhold(held);
        }
    }

    /// Answers from up to `before` whose outcomes are not recorded are withheld: the host is told.
    pub(crate) fn withhold_unrecorded(&mut self, before: Duration) {
        let due = |held: &mut HeldAnswer| held.at <= before;
        while let Some(held) = self.held_answers.answers.pop_front_if(due) {
            self.withhold(held);
        }
    }

    /// The first answer is withheld if the journal took no outcome for it: it makes none of it
    /// later, and all other answers would wait behind it. Whether it was.
    pub(crate) fn withhold_refused(&mut self) -> bool {
        let refused = |held: &mut HeldAnswer| matches!(held.record, Some(OutcomeRecord::Refused));
        match self.held_answers.answers.pop_front_if(refused) {
            Some(held) => {
                self.withhold(held);
                true
            }
            None => false,
        }
    }

    fn withhold(&mut self, held: HeldAnswer) {
        match (never_ran(held.outcome), self.lacking_record(held.class)) {
            // That stays true, recorded or not.
            (NeverRan::True, _) => {}
            (NeverRan::NotSaid, Lacking::GoesOn) => self.count_unrecorded(),
            (NeverRan::NotSaid, Lacking::Stops) => {
                let refusal = Refusal::unknown_unrecorded();
                let refusal = match held.reference {
                    Some(reference) => refusal.with_reference(&reference.to_string()),
                    None => refusal,
                };
                let message = self.downstream.refusal(&held.id, held.kind, &refusal);
                self.upstream.intake.withdraw(held.hold, message);
                self.deliveries.forget(held.hold);
            }
        }
        self.downstream.outlet.release_up_to(held.hold);
    }
}
