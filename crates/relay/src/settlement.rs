//! The way of an answer to the host: one outcome, recorded before the host hears of it.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use dropgate_gate::breaker::Ended;
use dropgate_gate::call::{Finished, Kind, Slot};
use dropgate_gate::decision::Denial;
use dropgate_gate::in_flight::Standing;
use dropgate_gate::outcome::{Outcome, Retry};
use dropgate_gate::refusal::Refusal;
use dropgate_journal as journal;
use dropgate_wire::Line;

use crate::admission::{decision_against, journal_class, tier};
use crate::call_id::CallId;
use crate::cleaning::{Cleaned, Keeping};
use crate::docket::{Asked, Intended, Item};
use crate::lane::Hold;
use crate::recorder::OutcomeRecord;
use crate::relay::Relay;
use crate::write_probe::Heard;

/// How many calls that were answered here are remembered, in case the server answers them too.
const MAX_REMEMBERED: usize = 256;

/// What the record says of an answer.
pub(crate) struct Told<'a> {
    pub(crate) bytes: usize,
    pub(crate) keep: journal::Keep,
    pub(crate) redactions: u32,
    pub(crate) denial: Option<&'a Denial>,
}

impl Told<'_> {
    /// There is none, or one of our own.
    pub(crate) fn nothing() -> Self {
        Self {
            bytes: 0,
            keep: journal::Keep::Nothing,
            redactions: 0,
            denial: None,
        }
    }
}

/// What becomes of a line of the server's that answers something.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// It passes once this is recorded.
    After(Hold),
    /// This passes in its place.
    Instead(Vec<u8>, Hold),
    /// It goes nowhere.
    Not,
}

/// An answer that waits for its record.
#[derive(Debug)]
pub(crate) struct HeldAnswer {
    hold: Hold,
    at: Duration,
    /// None only while it is looked at.
    record: Option<OutcomeRecord>,
    id: CallId,
    kind: Kind,
    outcome: Outcome,
    reference: Option<journal::CallRef>,
}

/// A call that was answered here while the server may still answer it.
#[derive(Debug)]
pub(crate) struct AnsweredHere {
    id: CallId,
    reference: Option<journal::CallRef>,
    at: Duration,
}

impl Relay {
    /// Takes an answer's call out of flight. An answer that comes after we gave one in its place
    /// goes nowhere: every call gets exactly one.
    pub(crate) fn settle_call(
        &mut self,
        id: &CallId,
        outcome: Outcome,
        code: Option<i64>,
        line: &Line,
        now: Duration,
    ) -> Delivery {
        let bytes = line_length(line);
        self.answered_once = true;
        if self.is_repeated_handshake(id) {
            return Delivery::Not;
        }
        match self.calls.reply(id, outcome) {
            Some(finished) => {
                if let (Some(tool), Outcome::Completed) = (&finished.tool, finished.outcome) {
                    self.latencies.record(tool, finished.elapsed(now));
                }
                let text = self.failure_text(&finished, line);
                let ended = match (finished.outcome, code) {
                    (Outcome::Completed, _) => Ended::Completed,
                    (Outcome::ToolError, _) => Ended::ToolError(&text),
                    (Outcome::RpcError, code) => Ended::RpcError(code.unwrap_or_default(), &text),
                    (
                        Outcome::Cancelled
                        | Outcome::TimedOut
                        | Outcome::Denied
                        | Outcome::NotExecuted
                        | Outcome::Unknown
                        | Outcome::Shed,
                        _,
                    ) => Ended::CancelledByHost,
                };
                let asked = self.docket.get(finished.slot).map(|item| item.asked);
                let mut cleaned = self.clean(&finished, line);
                match (asked, finished.outcome) {
                    (Some(Asked::ToolList), Outcome::Completed) => {
                        let cursor = self.docket.get_mut(finished.slot);
                        let cursor = cursor.and_then(|item| item.cursor.take());
                        self.learn_tools(line, cursor.as_deref());
                        self.hide_writers(line, &mut cleaned.instead);
                        cleaned.instead =
                            self.with_own_tools(line, cleaned.instead, cursor.as_deref());
                    }
                    (Some(Asked::Handshake), Outcome::Completed) => self.learn_capabilities(line),
                    (_, _) => {}
                }
                let answer = Told {
                    bytes,
                    keep: cleaned.keep,
                    redactions: cleaned.redactions,
                    denial: None,
                };
                let hold = self.close_case(finished, ended, answer, now);
                match cleaned.instead {
                    None => Delivery::After(hold),
                    Some(message) => Delivery::Instead(message, hold),
                }
            }
            None if self.hear_probe(id, outcome, now) != Heard::Other => Delivery::Not,
            None => match self.answered_here.iter().find(|one| one.id == *id) {
                Some(answered) => {
                    let late = answered.reference.map(|call| journal::LateResult {
                        call,
                        what: what(outcome),
                        bytes: bytes as u64,
                        ms: millis(now.saturating_sub(answered.at)),
                    });
                    if let Some(late) = late {
                        self.recorder.late_result(late);
                    }
                    self.log
                        .line(&format!("second answer to call {id} left out"));
                    Delivery::Not
                }
                // The host has its answer already, or never asked: passed on, this would be a second
                // one, of which there is no record and which nobody has cleaned.
                None => {
                    self.log.line(&format!(
                        "answer to call {id}, which nobody waits for, left out"
                    ));
                    Delivery::Not
                }
            },
        }
    }

    /// What an error says, where that decides whether it is a failure.
    fn failure_text(&self, finished: &Finished, line: &Line) -> String {
        let item = self.docket.get(finished.slot);
        let counts = item.is_some_and(|item| !item.settings.failure_texts.is_empty());
        if counts && matches!(finished.outcome, Outcome::ToolError | Outcome::RpcError) {
            self.upstream.error_text(line)
        } else {
            String::new()
        }
    }

    /// What of an answer may leave, and what of it is kept.
    fn clean(&self, finished: &Finished, line: &Line) -> Cleaned {
        let (asked, reference, keeping) = match self.docket.get(finished.slot) {
            Some(item) if item.reference.is_some() => (item.asked, item.reference, item.keeping),
            Some(item) => (item.asked, None, Keeping::Nothing),
            None => (Asked::Other, None, Keeping::Nothing),
        };
        self.upstream.clean_answer(
            line,
            &self.settings.limits,
            &self.sanitizer,
            (asked, finished.outcome, reference, keeping),
        )
    }

    /// The server answered a call with something that may not be passed on.
    pub(crate) fn answer_unreadable(&mut self, id: &CallId) {
        self.answer_here(id, &Refusal::unknown_unreadable(), Ended::TransportFailed);
    }

    /// Answers a call that is in flight in the server's place.
    pub(crate) fn answer_here(&mut self, id: &CallId, refusal: &Refusal, ended: Ended<'_>) {
        let now = self.now();
        let Some(finished) = self.calls.reply(id, refusal.outcome()) else {
            return;
        };
        let item = self.docket.get(finished.slot);
        if let Some(item) = item {
            if self.answered_here.len() >= MAX_REMEMBERED {
                self.answered_here.pop_front();
            }
            self.answered_here.push_back(AnsweredHere {
                id: item.id.clone(),
                reference: item.reference,
                at: now,
            });
        }
        match finished.standing {
            // Nobody waits for an answer.
            Standing::CancelledByHost => {
                let finished = Finished {
                    outcome: Outcome::Cancelled,
                    ..finished
                };
                self.close_case(finished, Ended::CancelledByHost, Told::nothing(), now);
            }
            Standing::Waiting | Standing::CancelSent => {
                self.answer_finished(finished, refusal.clone(), ended, Told::nothing(), now);
            }
        }
    }

    /// Answers a call that was never sent.
    pub(crate) fn turn_away(
        &mut self,
        finished: Finished,
        refusal: Refusal,
        denial: Option<&Denial>,
        now: Duration,
    ) {
        let answer = Told {
            denial,
            ..Told::nothing()
        };
        self.answer_finished(finished, refusal, Ended::NotTried, answer, now);
    }

    /// Gives the host our answer to a call that has its outcome.
    pub(crate) fn answer_finished(
        &mut self,
        finished: Finished,
        refusal: Refusal,
        ended: Ended<'_>,
        answer: Told<'_>,
        now: Duration,
    ) {
        let kind = finished.kind;
        let Some(item) = self.docket.get(finished.slot) else {
            return;
        };
        let id = item.id.clone();
        // What is told of an earlier call is told under its name.
        let reference = match never_ran(refusal.outcome()) {
            NeverRan::True => item.reference,
            NeverRan::NotSaid => item.repeats.or(item.reference),
        };
        let refusal = match reference {
            Some(reference) => refusal.with_reference(&reference.to_string()),
            None => refusal,
        };
        let hold = self.close_case(finished, ended, answer, now);
        let message = self.downstream.refusal(&id, kind, &refusal);
        self.upstream.intake.insert(message, hold);
    }

    /// Records what became of a call, tells the breakers and the counts, and forgets it. What the
    /// host hears of it has to wait for the hold.
    pub(crate) fn close_case(
        &mut self,
        mut finished: Finished,
        ended: Ended<'_>,
        answer: Told<'_>,
        now: Duration,
    ) -> Hold {
        self.count(&finished);
        self.deadlines.remove(&finished.slot);
        if let Some(pass) = finished.pass.take() {
            let item = self.docket.get(finished.slot);
            let settings = item
                .map(|item| Rc::clone(&item.settings))
                .unwrap_or_default();
            self.checks
                .record(pass, &ended, &settings.failure_texts, now);
            self.heed_checks(now);
        }
        let Some(item) = self.docket.strike(finished.slot) else {
            return Hold::NONE;
        };
        let Some(reference) = item.reference else {
            return Hold::NONE;
        };
        let entry = journal::Outcome {
            call: reference,
            what: what(finished.outcome),
            retry: retry(finished.outcome.retry()),
            bytes: answer.bytes as u64,
            ms: millis(finished.elapsed(now)),
            redactions: answer.redactions,
            keep: answer.keep,
            about: self.about(&item, answer.denial),
            repeats: item.repeats,
        };
        self.hold_for(entry, item, &finished)
    }

    fn hold_for(&mut self, entry: journal::Outcome, item: Item, finished: &Finished) -> Hold {
        let tier = match never_ran(finished.outcome) {
            NeverRan::True => journal::Tier::Write,
            NeverRan::NotSaid => tier(item.class),
        };
        let record = match self.recorder.outcome(entry, tier) {
            OutcomeRecord::NotKept => return Hold::NONE,
            // What is refused is held until it is withheld.
            record @ (OutcomeRecord::Pending(_) | OutcomeRecord::Refused) => record,
        };
        self.last_hold = Hold(self.last_hold.0 + 1);
        self.deliveries
            .expect_answer(&item, finished.outcome, self.last_hold);
        self.held_answers.push_back(HeldAnswer {
            hold: self.last_hold,
            at: self.now(),
            record: Some(record),
            id: item.id,
            kind: finished.kind,
            outcome: finished.outcome,
            reference: item.reference,
        });
        self.last_hold
    }

    /// Lets answers go whose outcomes are recorded by now.
    pub(crate) fn release_recorded(&mut self) {
        while let Some(front) = self.held_answers.front_mut() {
            let record = front.record.take();
            front.record = record.and_then(|record| self.recorder.still_waits(record));
            if front.record.is_some() {
                break;
            }
            self.downstream.outlet.release_up_to(front.hold);
            self.held_answers.pop_front();
        }
    }

    /// Answers from up to `before` whose outcomes are not recorded are withheld: the host is told.
    pub(crate) fn withhold_unrecorded(&mut self, before: Duration) {
        while let Some(held) = self.held_answers.pop_front_if(|held| held.at <= before) {
            let refusal = Refusal::unknown_unrecorded();
            let refusal = match held.reference {
                Some(reference) => refusal.with_reference(&reference.to_string()),
                None => refusal,
            };
            match never_ran(held.outcome) {
                // That stays true, recorded or not.
                NeverRan::True => {}
                NeverRan::NotSaid => {
                    let message = self.downstream.refusal(&held.id, held.kind, &refusal);
                    self.upstream.intake.withdraw(held.hold, message);
                    self.deliveries.forget(held.hold);
                }
            }
            self.downstream.outlet.release_up_to(held.hold);
        }
    }

    /// The record of a call without an intent says who asked for what.
    fn about(&self, item: &Item, denial: Option<&Denial>) -> Option<Box<journal::About>> {
        match item.intended {
            Intended::No => Some(Box::new(journal::About {
                server: Arc::clone(&self.settings.server_name),
                tool: Arc::clone(&item.subject),
                class: journal_class(item.class),
                principal: Arc::clone(&self.settings.principal),
                decision: denial.map(decision_against).unwrap_or_default(),
            })),
            Intended::Yes => None,
        }
    }

    pub(crate) fn note_cancellation(&mut self, slot: Slot) {
        let reference = self.docket.get(slot).and_then(|item| item.reference);
        if reference.is_some() {
            let note = journal::Note {
                topic: journal::Topic::Cancellation,
                call: reference,
                subject: "host".into(),
                text: "the host cancelled the call".into(),
            };
            self.recorder.note(note);
        }
    }

    pub(crate) fn count(&mut self, finished: &Finished) {
        if let Some(notes) = self.shutdown.notes() {
            notes.calls.count(finished);
        }
    }
}

/// Whether an outcome says that the server never saw the call.
pub(crate) enum NeverRan {
    True,
    NotSaid,
}

pub(crate) fn never_ran(outcome: Outcome) -> NeverRan {
    match outcome {
        Outcome::Denied | Outcome::NotExecuted | Outcome::Shed => NeverRan::True,
        Outcome::Completed
        | Outcome::ToolError
        | Outcome::RpcError
        | Outcome::Cancelled
        | Outcome::TimedOut
        | Outcome::Unknown => NeverRan::NotSaid,
    }
}

fn what(outcome: Outcome) -> journal::What {
    match outcome {
        Outcome::Completed => journal::What::Completed,
        Outcome::ToolError => journal::What::ToolError,
        Outcome::RpcError => journal::What::RpcError,
        Outcome::Cancelled => journal::What::Cancelled,
        Outcome::TimedOut => journal::What::TimedOut,
        Outcome::Denied => journal::What::Denied,
        Outcome::NotExecuted => journal::What::NotExecuted,
        Outcome::Unknown => journal::What::Unknown,
        Outcome::Shed => journal::What::Shed,
    }
}

fn line_length(line: &Line) -> usize {
    match line {
        Line::Whole(span, _) => span.len(),
        Line::TooLong { prefix, .. } => prefix.len(),
    }
}

fn retry(retry: Retry) -> journal::Retry {
    match retry {
        Retry::Safe => journal::Retry::Safe,
        Retry::Unsafe => journal::Retry::Unsafe,
        Retry::Never => journal::Retry::Never,
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
