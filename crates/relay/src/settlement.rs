//! The way of an answer to the host: one outcome, recorded before the host hears of it.

use std::mem::{replace, take};
use std::sync::Arc;
use std::time::Duration;

use dropgate_gate::breaker::{Ended, FailureTexts};
use dropgate_gate::call::Standing;
use dropgate_gate::call::{Call, Finished, Slot, Withheld};
use dropgate_gate::decision::Denial;
use dropgate_gate::outcome::Outcome;
use dropgate_gate::refusal::Refusal;
use dropgate_journal as journal;
use dropgate_wire::Line;

use crate::call_id::CallId;
use crate::cleaning::{Cleaned, Keeping, Leaving, Unreadable};
use crate::docket::{Asked, Intended, Item};
use crate::journal_words::{decision_against, journal_class, millis, retry, what};
use crate::lane::Hold;
use crate::log_line::LogLevel;
use crate::relay::{Passage, Relay};
use crate::surplus::AnsweredHere;
use crate::upstream::stdio::{Round, Said};
use crate::write_probe::Heard;

/// What the record says of an answer.
pub(crate) struct Told<'a> {
    pub(crate) bytes: usize,
    pub(crate) keep: journal::Keep,
    pub(crate) redactions: u32,
    pub(crate) denial: Option<&'a Denial>,
    pub(crate) round: Round,
}

impl Told<'_> {
    /// There is none, or one of our own.
    pub(crate) fn nothing() -> Self {
        Self {
            bytes: 0,
            keep: journal::Keep::Nothing,
            redactions: 0,
            denial: None,
            round: Round::Last,
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

impl Relay {
    /// Takes an answer's call out of flight, and says what becomes of the answer.
    pub(crate) fn settle_call(
        &mut self,
        id: &CallId,
        said: Said,
        line: &Line,
        now: Duration,
    ) -> Delivery {
        let outcome = said.outcome;
        self.answered_once = true;
        if self.is_repeated_handshake(id) {
            return Delivery::Not;
        }
        match self.calls.reply(id, outcome) {
            Some(finished) => self.settle_finished(finished, said, line, now),
            None if self.hear_probe(id, outcome, now) != Heard::Other => Delivery::Not,
            None => {
                self.leave_out_answer(id, outcome, line, now);
                Delivery::Not
            }
        }
    }

    /// The server answered a call that is owed an answer.
    fn settle_finished(
        &mut self,
        finished: Finished,
        said: Said,
        line: &Line,
        now: Duration,
    ) -> Delivery {
        if let (Some(tool), Outcome::Completed) = (&finished.tool, finished.outcome) {
            self.latencies.record(tool, finished.elapsed(now));
        }
        let text = self.failure_text(&finished, line);
        let ended = match finished.outcome {
            Outcome::Completed => Ended::Completed,
            Outcome::ToolError => Ended::ToolError(&text),
            Outcome::RpcError => Ended::RpcError(said.code.unwrap_or_default(), &text),
            Outcome::Cancelled
            | Outcome::TimedOut
            | Outcome::Denied
            | Outcome::NotExecuted
            | Outcome::Unknown
            | Outcome::Shed => Ended::CancelledByHost,
        };
        let mut cleaned = self.clean(&finished, line, &said);
        let Ok(cleaned) = &mut cleaned else {
            return self.withhold_answer(finished, now);
        };
        self.report_credentials(&finished, line, &cleaned.leaving);
        if finished.outcome == Outcome::Completed {
            self.learn(finished.slot, line, &mut cleaned.leaving);
        }
        let answer = Told {
            bytes: line_length(line),
            keep: take(&mut cleaned.keep),
            redactions: cleaned.redactions,
            denial: None,
            round: said.round,
        };
        let hold = self.close_case(finished, ended, answer, now);
        match &mut cleaned.leaving {
            Leaving::AsItCame => Delivery::After(hold),
            Leaving::Instead(message) => Delivery::Instead(take(message), hold),
            Leaving::Nothing => Delivery::Not,
        }
    }

    /// Takes what the server says of itself, and shows the host what it may see of that.
    fn learn(&mut self, slot: Slot, line: &Line, leaving: &mut Leaving) {
        let Some(item) = self.docket.get_mut(slot) else {
            return;
        };
        match item.asked {
            Asked::ToolList => {
                let cursor = item.cursor.take();
                self.learn_tools(line, cursor.as_deref());
                let whole = replace(leaving, Leaving::Nothing);
                let shown = self.without_writers(line, whole);
                *leaving = self.with_own_tools(line, shown, cursor.as_deref());
            }
            Asked::Handshake => {
                self.learn_capabilities(line);
                self.learn_protocol(line);
            }
            Asked::Tool | Asked::Resource | Asked::Prompt | Asked::ToolChanges | Asked::Other => {}
        }
    }

    /// The host has its answer already, or never asked: passed on, this would be a second one, of
    /// which there is no record and which nobody has cleaned.
    fn leave_out_answer(&mut self, id: &CallId, outcome: Outcome, line: &Line, now: Duration) {
        let answered = self.surplus.take(id);
        if let Some(answered) = &answered
            && let Some(call) = answered.reference
        {
            self.recorder.late_result(journal::LateResult {
                call,
                what: what(outcome),
                bytes: line_length(line) as u64,
                ms: millis(now.saturating_sub(answered.at)),
            });
        }
        let why = match answered {
            Some(_) => "it has one of dropgate's already",
            None => "nobody waits for it",
        };
        self.log.left_out(id, why, now);
    }

    /// What an error says, where that decides whether it is a failure.
    fn failure_text(&self, finished: &Finished, line: &Line) -> String {
        let item = self.docket.get(finished.slot);
        let counts = item.is_some_and(|item| !item.known.settings.failure_texts.is_empty());
        if counts && matches!(finished.outcome, Outcome::ToolError | Outcome::RpcError) {
            self.upstream.error_text(line)
        } else {
            String::new()
        }
    }

    /// What of an answer may leave, and what of it is kept.
    fn clean(&self, finished: &Finished, line: &Line, said: &Said) -> Result<Cleaned, Unreadable> {
        let (asked, reference, keeping) = match self.docket.get(finished.slot) {
            Some(item) if item.reference.is_some() => (item.asked, item.reference, item.keeping),
            Some(item) => (item.asked, None, Keeping::Nothing),
            None => (Asked::Other, None, Keeping::Nothing),
        };
        let keeping = match said.round {
            Round::Last => keeping,
            // Nobody is given it again.
            Round::Asks => Keeping::Nothing,
        };
        self.upstream.clean_answer(
            line,
            &self.settings.limits,
            &self.sanitizer,
            (asked, finished.outcome, reference, keeping),
            said.claims,
        )
    }

    /// An answer that can't be read again tells nobody anything.
    fn withhold_answer(&mut self, mut finished: Finished, now: Duration) -> Delivery {
        let refusal = Refusal::unknown_unreadable();
        finished.outcome = refusal.outcome();
        self.answer_finished(
            finished,
            refusal,
            Ended::TransportFailed,
            Told::nothing(),
            now,
        );
        Delivery::Not
    }

    /// The server answered a call with something that may not be passed on.
    pub(crate) fn answer_unreadable(&mut self, id: &CallId, now: Duration) {
        if !self.calls.holds(id) && self.hear_probe(id, Outcome::Unknown, now) != Heard::Other {
            return;
        }
        self.answer_here(id, &Refusal::unknown_unreadable(), Ended::TransportFailed);
    }

    /// Answers a call that is in flight in the server's place.
    pub(crate) fn answer_here(&mut self, id: &CallId, refusal: &Refusal, ended: Ended<'_>) {
        let now = self.now();
        let Some(unanswered) = self.calls.give_up(id, refusal) else {
            return;
        };
        if let Some(item) = self.docket.get(unanswered.finished.slot) {
            self.surplus.remember(AnsweredHere {
                id: item.id.clone(),
                reference: item.reference,
                at: now,
            });
        }
        let finished = unanswered.finished;
        match unanswered.answer {
            Some(refusal) => self.answer_finished(finished, refusal, ended, Told::nothing(), now),
            None => {
                self.close_case(finished, Ended::CancelledByHost, Told::nothing(), now);
            }
        }
    }

    /// Answers a call that is not sent.
    pub(crate) fn turn_away(&mut self, call: Call<Withheld>, refusal: Refusal, now: Duration) {
        let finished = call.refuse(&refusal);
        self.answer_finished(finished, refusal, Ended::NotTried, Told::nothing(), now);
    }

    /// Answers a call that is not allowed.
    pub(crate) fn deny(&mut self, call: Call<Withheld>, denial: &Denial, now: Duration) {
        self.count_denied(denial.reason());
        let refusal = Refusal::denied();
        let finished = call.refuse(&refusal);
        let answer = Told {
            denial: Some(denial),
            ..Told::nothing()
        };
        self.answer_finished(finished, refusal, Ended::NotTried, answer, now);
    }

    /// The host no longer waits for a call. The message passes, if the server knows the call.
    pub(crate) fn host_cancels(&mut self, id: &CallId, now: Duration) -> Passage {
        if let Some(call) = self.withdraw(id) {
            let finished = call.finish(Outcome::Cancelled);
            self.close_case(finished, Ended::CancelledByHost, Told::nothing(), now);
            return Passage::Stop;
        }
        let slot = self.calls.slot(id);
        let before = self.calls.host_cancelled(id);
        if let Some(slot) = slot
            && before != Some(Standing::CancelledByHost)
        {
            self.note_cancellation(slot);
        }
        if self.write_probe.owns(id) {
            return Passage::Stop;
        }
        Passage::Pass
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
        self.deadlines.remove(finished.slot);
        if let Some(pass) = finished.pass.take() {
            let none = FailureTexts::default();
            let item = self.docket.get(finished.slot);
            let texts = item.map_or(&none, |item| &item.known.settings.failure_texts);
            self.checks.record(pass, &ended, texts, now);
            self.heed_checks(now);
        }
        let item = self.docket.get(finished.slot);
        let recorded = item.is_some_and(|item| item.reference.is_some());
        if !recorded && self.telemetry.is_none() && !self.log.shows(LogLevel::Debug) {
            self.docket.forget(finished.slot);
            return Hold::NONE;
        }
        let Some(mut item) = self.docket.strike(finished.slot) else {
            return Hold::NONE;
        };
        if self.telemetry.is_some() {
            self.end_trace(&mut item, &finished, &ended, now);
        }
        if self.log.shows(LogLevel::Debug) {
            self.log_call(&item, &finished, now);
        }
        let Some(reference) = item.reference else {
            return Hold::NONE;
        };
        let (ended, retries) = match answer.round {
            Round::Last => (what(finished.outcome), retry(finished.outcome.retry())),
            Round::Asks => (journal::What::InputRequired, journal::Retry::Safe),
        };
        let entry = journal::Outcome {
            call: reference,
            what: ended,
            retry: retries,
            bytes: answer.bytes as u64,
            ms: millis(finished.elapsed(now)),
            redactions: answer.redactions,
            keep: answer.keep,
            about: self.about(&item, answer.denial),
            repeats: item.repeats,
        };
        self.hold_answer(entry, item, &finished)
    }

    /// The record of a call without an intent says who asked for what.
    fn about(&self, item: &Item, denial: Option<&Denial>) -> Option<Box<journal::About>> {
        match item.intended {
            Intended::No | Intended::Waived => Some(Box::new(journal::About {
                server: Arc::clone(&self.settings.server_name),
                tool: Arc::clone(&item.known.name),
                class: journal_class(item.class),
                principal: Arc::clone(&self.settings.principal),
                decision: denial
                    .map(|denial| decision_against(denial, self.settings.policies.digest()))
                    .unwrap_or_default(),
            })),
            Intended::Yes => None,
        }
    }

    /// Records that the host has cancelled a call which the server knows.
    fn note_cancellation(&mut self, slot: Slot) {
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

    fn count(&mut self, finished: &Finished) {
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

fn line_length(line: &Line) -> usize {
    match line {
        Line::Whole(span, _) => span.len(),
        Line::TooLong { prefix, .. } => prefix.len(),
    }
}
