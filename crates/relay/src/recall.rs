//! Calls that are answered from the record, and the server never sees.

use std::ops::Range;
use std::time::Duration;

use dropgate_gate::breaker::Ended;
use dropgate_gate::call::{Authorized, Call, Slot, Withheld};
use dropgate_gate::kind::Kind;
use dropgate_gate::mode::Class;
use dropgate_gate::outcome::Outcome;
use dropgate_gate::refusal::Refusal;
use dropgate_journal::{self as journal, Account, CallRef, Earlier, Fetched, What};

use crate::candidate::Candidate;
use crate::cleaning::{self, replayed};
use crate::docket::Asked;
use crate::downstream::stdio::Ask;
use crate::look_ups::{LookUp, Purpose};
use crate::recorder::NoRecord;
use crate::relay::Relay;
use crate::repetition::{self, Times, Verdict};
use crate::settlement::{NeverRan, Told, never_ran};

impl Relay {
    /// The idempotency key of a request: in `_meta`, or else in the argument that is set for the tool.
    ///
    /// # Errors
    /// It can be no key; the text says so.
    pub(crate) fn key_of(
        &self,
        ask: &Ask,
        line: &Range<usize>,
    ) -> Result<Option<Box<str>>, &'static str> {
        let key = ask.idempotency_key.clone()?;
        match (key, ask.asked, &ask.known.settings.key_argument) {
            (None, Asked::Tool, Some(name)) => {
                let line = self.downstream.intake.lines.bytes(line.clone());
                let arguments = line.get(ask.arguments.clone()).unwrap_or_default();
                repetition::key_among(arguments, name)
            }
            (key, _, _) => Ok(key),
        }
    }

    /// Holds a call against earlier ones; gives it back if it is one of its own.
    pub(crate) fn recall(
        &mut self,
        candidate: &Candidate,
        call: Call<Authorized>,
        now: Duration,
    ) -> Option<Call<Authorized>> {
        if let Some(tool) = candidate.own {
            self.call_own_tool(tool, candidate, call, now);
            return None;
        }
        let Some(item) = self.docket.get(call.slot()) else {
            return Some(call);
        };
        // Equal requests of another method are never taken for one: each may be a stream.
        let is_alone = item.class == Class::Read || candidate.kind == Kind::Other;
        if is_alone && candidate.key.is_none() {
            return Some(call);
        }
        let considered = self.recorder.consider(&journal::Asked {
            principal: &self.settings.principal,
            server: &self.settings.server_name,
            tool: &item.known.name,
            key: candidate.key.as_deref(),
            args: &candidate.said(&self.downstream.intake.lines),
            round: candidate.round(&self.downstream.intake.lines).as_deref(),
        });
        match repetition::verdict(&considered, &item.known.settings.on_unknown) {
            Verdict::Run => Some(call),
            Verdict::RunAgain(earlier) => match self.recorder.repeatable(earlier, "on_unknown") {
                Ok(()) => Some(call),
                Err(NoRecord) => {
                    self.turn_away(call.withhold(), Refusal::journal_unavailable(), now);
                    None
                }
            },
            Verdict::Replay(earlier, times) => {
                self.replay(call.withhold(), earlier, times, now);
                None
            }
            Verdict::Refuse(refusal, earlier) => {
                self.refuse_repetition(call.withhold(), refusal, earlier, now);
                None
            }
        }
    }

    /// Another call, perhaps of another process, has the key of this one.
    pub(crate) fn answer_key_held(&mut self, call: Call<Withheld>, earlier: &Earlier) {
        let now = self.now();
        let on_unknown = self
            .docket
            .get(call.slot())
            .map(|item| item.known.settings.on_unknown.clone())
            .unwrap_or_default();
        match repetition::of_key(earlier, &on_unknown) {
            Verdict::Replay(earlier, times) => self.replay(call, earlier, times, now),
            Verdict::Refuse(refusal, earlier) => {
                self.refuse_repetition(call, refusal, earlier, now);
            }
            Verdict::RunAgain(earlier) => {
                self.refuse_repetition(call, Refusal::unknown_earlier(), earlier, now);
            }
            // The key is free by now, and was not when it was asked for.
            Verdict::Run => self.turn_away(call, Refusal::in_progress(), now),
        }
    }

    /// Answers a call with what is known of an earlier one.
    fn refuse_repetition(
        &mut self,
        call: Call<Withheld>,
        refusal: Refusal,
        earlier: CallRef,
        now: Duration,
    ) {
        self.link(call.slot(), earlier);
        let finished = call.finish(own_outcome(&refusal));
        self.answer_finished(finished, refusal, Ended::NotTried, Told::nothing(), now);
    }

    /// Says in the record which call this one repeats.
    fn link(&mut self, slot: Slot, earlier: CallRef) {
        if let Some(item) = self.docket.get_mut(slot) {
            item.repeats = Some(earlier);
        }
    }

    /// Has an earlier answer looked up, to give it again.
    fn replay(&mut self, call: Call<Withheld>, earlier: CallRef, times: Times, now: Duration) {
        if times == Times::Once && self.look_ups.replays(earlier) {
            return self.refuse_repetition(call, Refusal::in_progress(), earlier, now);
        }
        self.link(call.slot(), earlier);
        self.look_up(call, earlier, Purpose::Replay(times), now);
    }

    /// Has a call looked up; this one is answered with what is found.
    pub(crate) fn look_up(
        &mut self,
        call: Call<Withheld>,
        earlier: CallRef,
        purpose: Purpose,
        now: Duration,
    ) {
        let Some(id) = self.docket.get(call.slot()).map(|item| item.id.clone()) else {
            return;
        };
        if self.look_ups.is_full() {
            return self.turn_away(call, Refusal::overloaded(), now);
        }
        match self.recorder.fetch(earlier) {
            Ok(fetch) => self.look_ups.enter((id, call), (earlier, purpose), fetch),
            Err(NoRecord) => self.turn_away(call, Refusal::journal_unavailable(), now),
        }
    }

    /// Answers the calls of which the journal has told by now.
    pub(crate) fn answer_from_record(&mut self) {
        let now = self.now();
        while let Some((one, found)) = self.look_ups.next_found(&self.recorder) {
            let account = match found {
                Fetched::Found(account) => Some(account),
                Fetched::Nothing | Fetched::Pending(_) => None,
                Fetched::Failed(_) => {
                    self.turn_away(one.call, Refusal::journal_unavailable(), now);
                    continue;
                }
            };
            match one.purpose {
                Purpose::Replay(times) => self.answer_again(one, account.as_deref(), times, now),
                Purpose::Tell | Purpose::Permit => {
                    self.answer_own_tool(one, account.as_deref(), now);
                }
            }
        }
    }

    fn answer_again(
        &mut self,
        one: LookUp,
        account: Option<&Account>,
        times: Times,
        now: Duration,
    ) {
        let what = account
            .and_then(|account| account.ended)
            .map(|(what, _)| what);
        let asked = self.docket.get(one.call.slot()).map(|item| item.asked);
        let line = account
            .and_then(|account| account.kept.as_deref())
            .and_then(|kept| {
                let earlier = cleaning::Earlier {
                    call: one.earlier,
                    outcome: answered(what?)?,
                    kept,
                    asked: asked.unwrap_or(Asked::Other),
                };
                let limits = &self.settings.limits;
                replayed(&self.sanitizer, limits, &one.id.raw(), &earlier)
            });
        let line = match line {
            Some(line) => line,
            None => {
                let refusal = repetition::without_answer(what);
                let refusal = refusal.with_reference(&one.earlier.to_string());
                self.downstream.refusal(&one.id, one.call.kind(), &refusal)
            }
        };
        let told = Told {
            bytes: line.len(),
            ..Told::nothing()
        };
        let finished = one.call.finish(Outcome::NotExecuted);
        let hold = self.close_case(finished, Ended::NotTried, told, now);
        self.upstream.intake.insert(line, hold);
        if times == Times::Once {
            self.recorder.forget_orphan(one.earlier);
            self.deliveries.follow(one.earlier, hold);
        }
    }
}

/// What became of this call itself, when it is answered with what became of another.
fn own_outcome(refusal: &Refusal) -> Outcome {
    match never_ran(refusal.outcome()) {
        NeverRan::True => refusal.outcome(),
        NeverRan::NotSaid => Outcome::NotExecuted,
    }
}

/// The outcome of a call that the server answered.
fn answered(what: What) -> Option<Outcome> {
    match what {
        What::Completed => Some(Outcome::Completed),
        What::ToolError => Some(Outcome::ToolError),
        What::RpcError => Some(Outcome::RpcError),
        What::InputRequired
        | What::Cancelled
        | What::TimedOut
        | What::Denied
        | What::Shed
        | What::NotExecuted
        | What::Unknown => None,
    }
}
