//! The way of a call from the host: decided, held against earlier ones, checked, recorded, sent.

use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use dropgate_gate::breaker::{Attempt, Ended};
use dropgate_gate::call::{Admitted, Authorized, Call, InFlight, Received, Slot};
use dropgate_gate::deadlines::{Limits, NotTimed};
use dropgate_gate::decision::Decision;
use dropgate_gate::in_flight::NotInserted;
use dropgate_gate::kind::Kind;
use dropgate_gate::mode::{Class, Standing};
use dropgate_gate::pins::PinVerdict;
use dropgate_gate::refusal::{Code, Refusal};
use dropgate_gate::shutdown::Phase;
use dropgate_journal as journal;
use dropgate_policy::Answer;

use crate::call_id::CallId;
use crate::candidate::{Candidate, Message};
use crate::cleaning::Keeping;
use crate::deciding::Deciding;
use crate::docket::{Asked, Intended, Item};
use crate::downstream::stdio::Ask;
use crate::journal_words::{journal_class, tier};
use crate::lane::Hold;
use crate::own_tools::OwnTool;
use crate::recorder::{MaySend, NoRecord, Recorder};
use crate::relay::{Passage, Relay};
use crate::settlement::Told;
use crate::tool_rules::OnUnknown;
use crate::unrecorded::Lacking;
use crate::waiting_room::Ready;

/// Methods beside tools, resources and prompts that change nothing, or only what an earlier request
/// began which was decided on itself.
const ONLY_READ: [&str; 8] = [
    "completion/complete",
    "resources/subscribe",
    "resources/unsubscribe",
    "subscriptions/listen",
    "tasks/cancel",
    "tasks/get",
    "tasks/list",
    "tasks/result",
];

impl Relay {
    /// Takes the request whose line stands at `line` of the buffer. Whether that line passes now.
    pub(crate) fn admit(&mut self, ask: &mut Ask, line: Range<usize>, now: Duration) -> Passage {
        if self.unsent_holds(&ask.id) || self.calls.holds(&ask.id) || self.write_probe.owns(&ask.id)
        {
            let why = "a call with this id is still in flight; use a fresh id for every request";
            self.downstream.reject_duplicate(&ask.id, why);
            return Passage::Stop;
        }
        let key = match self.key_of(ask, &line) {
            Ok(key) => key,
            Err(why) => {
                self.downstream.reject_params(&ask.id, why);
                return Passage::Stop;
            }
        };
        self.last_call = Some(now);
        self.write_probe
            .note_request(self.downstream.intake.lines.bytes(line.clone()));
        let own = match ask.asked {
            Asked::Tool => self.own_tools.named(&ask.known.name),
            Asked::Resource
            | Asked::Prompt
            | Asked::Handshake
            | Asked::ToolList
            | Asked::ToolChanges
            | Asked::Other => None,
        };
        let class = self.class_of(ask, own);
        let tool = match ask.kind {
            Kind::ToolCall => Some(Rc::clone(&ask.known.local_name)),
            Kind::Fetch | Kind::Other | Kind::Protocol => None,
        };
        let keeping = match (class, &key) {
            (Class::Write, None) if ask.kind == Kind::Other => Keeping::Nothing,
            (Class::Write, _) | (Class::Read, Some(_)) => Keeping::Result,
            (Class::Read, None) => Keeping::Nothing,
        };
        let slot = self.docket.enter(Item {
            id: ask.id.clone(),
            asked: ask.asked,
            reference: None,
            known: Rc::clone(&ask.known),
            class,
            progress_token: ask.progress_token.take(),
            cursor: ask.cursor.take(),
            keeping,
            intended: Intended::No,
            repeats: None,
            trace: ask.trace.take(),
        });
        let call = Call::received(slot, ask.kind, tool, now);
        match call.needs_no_decision() {
            Ok(call) => match self.check(call, now) {
                Some(call) => self.launch(ask.id.clone(), call.send(MaySend::Unrecorded)),
                None => Passage::Stop,
            },
            Err(call) => {
                let candidate = Candidate {
                    id: ask.id.clone(),
                    message: Message::Buffered(line),
                    kind: ask.kind,
                    arguments: ask.arguments.clone(),
                    particulars: ask.particulars.take(),
                    known: Rc::clone(&ask.known),
                    asked: ask.asked,
                    key,
                    trace_id: ask.trace_id.take(),
                    own,
                };
                self.judge(candidate, call, now)
            }
        }
    }

    /// What a call does to the world.
    fn class_of(&self, ask: &Ask, own: Option<OwnTool>) -> Class {
        match (ask.kind, own) {
            (Kind::ToolCall, Some(own)) => own.class(),
            (Kind::ToolCall, None) => self.listed.class(&ask.known.name, &ask.known.settings),
            (Kind::Other, _) => match self.settings.tools.class_of_method(&ask.known.name) {
                Some(class) => class,
                None if ONLY_READ.contains(&&*ask.known.name) => Class::Read,
                None => Class::Write,
            },
            (Kind::Fetch | Kind::Protocol, _) => Class::Read,
        }
    }

    /// Asks whether a governed call is allowed.
    fn judge(&mut self, mut candidate: Candidate, call: Call<Received>, now: Duration) -> Passage {
        if let Err(NoRecord) = self.name_call(call.slot()) {
            self.turn_away(call.withhold(), Refusal::journal_unavailable(), now);
            return Passage::Stop;
        }
        let timed = match call.kind() {
            Kind::ToolCall | Kind::Fetch => self.start_clock(call.slot(), now),
            Kind::Other | Kind::Protocol => Ok(()),
        };
        if timed.is_err() {
            self.turn_away(call.withhold(), Refusal::overloaded(), now);
            return Passage::Stop;
        }
        match self.decide(&candidate, call.slot(), now) {
            Answer::Now(decision) => self.decided(&mut candidate, call, decision, now),
            Answer::Later(_) if self.deciding.is_full() => {
                self.turn_away(call.withhold(), Refusal::overloaded(), now);
                Passage::Stop
            }
            Answer::Later(pending) => {
                if let Message::Buffered(line) = &candidate.message {
                    let bytes = self.downstream.intake.lines.bytes(line.clone());
                    candidate.message = Message::Kept(bytes.into());
                }
                self.deciding.enter(candidate, call, pending);
                Passage::Stop
            }
        }
    }

    /// Whether a message passes that is no request and none of the protocol's notifications: no
    /// policy is asked about it and it has no outcome, so it passes only where no policy could deny
    /// it and nothing may be refused.
    pub(crate) fn judge_unasked(&mut self, method: &str) -> Passage {
        let decision = self.settings.policies.decide_unseen(&self.settings.caller);
        match (decision, self.shutdown.phase(), self.checks.standing()) {
            (
                Some(Decision::Allow(_permit)),
                Phase::Running,
                Standing::Normal | Standing::Degraded { .. },
            ) => Passage::Pass,
            (Some(_) | None, _, _) => {
                self.recorder.note(journal::Note {
                    topic: journal::Topic::Denial,
                    call: None,
                    subject: method.into(),
                    text: "a notification that is none of the protocol's was left out".into(),
                });
                Passage::Stop
            }
        }
    }

    /// Asks the pins and the policies.
    fn decide(&mut self, candidate: &Candidate, slot: Slot, now: Duration) -> Answer {
        if candidate.asked == Asked::Tool
            && let PinVerdict::Deny(denial) = self.judge_pin(candidate.target())
        {
            return Answer::Now(Decision::Deny(denial));
        }
        if let Some(decision) = self.settings.policies.decide_unseen(&self.settings.caller) {
            return Answer::Now(decision);
        }
        self.settings
            .policies
            .decide(&self.question(candidate, slot, now))
    }

    /// A decision came from elsewhere.
    pub(crate) fn heed_decision(&mut self, deciding: Deciding, decision: Decision) {
        let now = self.now();
        let Deciding {
            mut candidate,
            call,
            ..
        } = deciding;
        let line = match &candidate.message {
            Message::Kept(bytes) => {
                let item = self.docket.get(call.slot());
                let trace = item.and_then(|item| item.trace.as_deref());
                trace
                    .and_then(|trace| self.with_context(trace, bytes))
                    .unwrap_or_else(|| bytes.to_vec())
            }
            Message::Buffered(_) => Vec::new(),
        };
        match self.decided(&mut candidate, call, decision, now) {
            Passage::Pass => self.downstream.intake.insert(line, Hold::NONE),
            Passage::PassAfter(hold) => self.downstream.intake.insert(line, hold),
            Passage::Stop => {}
        }
        self.flush_upstream();
    }

    /// Gives a call the name under which it is recorded.
    fn name_call(&mut self, slot: Slot) -> Result<(), NoRecord> {
        let reference = self.recorder.new_call()?;
        if let Some(item) = self.docket.get_mut(slot) {
            item.reference = reference;
        }
        Ok(())
    }

    /// The time of a governed call begins; one that can't be timed must not wait anywhere.
    fn start_clock(&mut self, slot: Slot, now: Duration) -> Result<(), NotTimed> {
        let Some(item) = self.docket.get(slot) else {
            return Err(NotTimed::Full);
        };
        let limits = self.limits_of(item);
        let token = item.progress_token.clone();
        self.deadlines.insert(slot, token, &limits, now).map(drop)
    }

    /// How long a call may take.
    fn limits_of(&self, item: &Item) -> Limits {
        let calls = &self.settings.calls;
        let timeout = item.known.settings.timeout.unwrap_or(calls.timeout);
        Limits {
            timeout,
            max_timeout: calls.max_timeout.max(timeout),
        }
    }

    /// A governed call and the decision about it.
    fn decided(
        &mut self,
        candidate: &mut Candidate,
        call: Call<Received>,
        decision: Decision,
        now: Duration,
    ) -> Passage {
        self.explain(candidate, call.slot(), &decision, now);
        let call = match call.authorize(decision) {
            Ok(call) => call,
            Err(denied) => {
                self.deny(denied.call, &denied.denial, now);
                return Passage::Stop;
            }
        };
        let Some(call) = self.recall(candidate, call, now) else {
            return Passage::Stop;
        };
        let Some(call) = self.check(call, now) else {
            return Passage::Stop;
        };
        match &mut self.recorder {
            Recorder::Off => self.launch(candidate.id.clone(), call.send(MaySend::Unrecorded)),
            Recorder::On(_) => self.record_intent(candidate, call, now),
        }
    }

    /// Everything but permission that may refuse a call.
    fn check(&mut self, call: Call<Authorized>, now: Duration) -> Option<Call<Admitted>> {
        let item = self.docket.get(call.slot());
        let attempt = Attempt {
            class: item.map_or(Class::Write, |item| item.class),
            timeout: item.map_or(self.settings.calls.timeout, |item| {
                self.limits_of(item).timeout
            }),
        };
        self.try_server(now);
        let admitted = call.admit(&mut self.checks, &attempt, now);
        self.heed_checks(now);
        match admitted {
            Ok(call) => Some(call),
            Err(refused) => {
                if refused.refusal.code() == Code::BreakerOpen {
                    self.count_rejected(refused.call.slot());
                }
                self.turn_away(refused.call, refused.refusal, now);
                None
            }
        }
    }

    /// The call waits until its intent is as durable as its class asks.
    fn record_intent(
        &mut self,
        candidate: &mut Candidate,
        call: Call<Admitted>,
        now: Duration,
    ) -> Passage {
        let arguments = candidate.said(&self.downstream.intake.lines);
        let arguments: Box<[u8]> = arguments.into();
        let round = candidate.round(&self.downstream.intake.lines);
        let item = self.docket.get_mut(call.slot());
        let Some((reference, item)) = item.and_then(|item| Some((item.reference?, item))) else {
            self.turn_away(call.withhold(), Refusal::journal_unavailable(), now);
            return Passage::Stop;
        };
        let intent = journal::Intent {
            call: reference,
            server: Arc::clone(&self.settings.server_name),
            tool: Arc::clone(&item.known.name),
            class: journal_class(item.class),
            principal: Arc::clone(&self.settings.principal),
            decision: self
                .decisions
                .of(call.grant(), self.settings.policies.digest()),
            key: candidate.key.take(),
            args: arguments,
            round,
            trace_id: candidate.trace_id.take(),
            again: match item.known.settings.on_unknown {
                OnUnknown::Retry => journal::Again::IfUnknown,
                OnUnknown::Refuse | OnUnknown::Reconcile(_) => journal::Again::Never,
            },
        };
        let class = item.class;
        let tier = tier(class);
        item.intended = Intended::Yes;
        match self.recorder.intent(intent, tier) {
            Ok(ticket) => {
                let id = candidate.id.clone();
                Passage::PassAfter(self.waiting.enter(id, call, ticket))
            }
            Err(NoRecord) => {
                self.disown_intent(call.slot());
                if self.lacking_record(class) == Lacking::GoesOn {
                    return self.launch_unrecorded(candidate.id.clone(), call);
                }
                self.turn_away(call.withhold(), Refusal::journal_unavailable(), now);
                Passage::Stop
            }
        }
    }

    /// The journal did not take a call's intent.
    pub(crate) fn disown_intent(&mut self, slot: Slot) {
        if let Some(item) = self.docket.get_mut(slot) {
            item.intended = Intended::No;
        }
    }

    /// Sends the calls whose intents are recorded by now.
    pub(crate) fn send_recorded(&mut self) {
        let mut sent = 0_usize;
        while let Some(ready) = self.waiting.next_ready(&mut self.recorder) {
            let hold = match ready {
                Ready::Send(waiting, proof) => {
                    match self.launch(waiting.id, waiting.call.send(proof)) {
                        Passage::Pass | Passage::PassAfter(_) => sent += 1,
                        Passage::Stop => self.downstream.intake.drop_held(waiting.hold),
                    }
                    waiting.hold
                }
                Ready::KeyHeld(waiting, earlier) => {
                    self.disown_intent(waiting.call.slot());
                    self.downstream.intake.drop_held(waiting.hold);
                    self.answer_key_held(waiting.call.withhold(), &earlier);
                    waiting.hold
                }
                Ready::Refused(waiting) if self.lacking_intent_now(&waiting) == Lacking::GoesOn => {
                    self.disown_intent(waiting.call.slot());
                    self.send_unrecorded(waiting);
                    continue;
                }
                Ready::Refused(waiting) => {
                    self.disown_intent(waiting.call.slot());
                    self.downstream.intake.drop_held(waiting.hold);
                    let refusal = Refusal::journal_unavailable();
                    self.turn_away(waiting.call.withhold(), refusal, self.now());
                    waiting.hold
                }
            };
            self.upstream.outlet.release_up_to(hold);
        }
        if sent > 0 {
            self.cancel_latecomers();
        }
    }

    /// Calls that were admitted before a shutdown and recorded only after it had begun.
    fn cancel_latecomers(&mut self) {
        match self.shutdown.phase() {
            Phase::Running | Phase::Done => {}
            Phase::Draining => self.cancel_doomed(),
            Phase::Cancelling | Phase::Closing | Phase::Terminating | Phase::Killing => {
                self.cancel_rest();
            }
        }
    }

    /// Puts a call in flight, before its first byte is sent.
    pub(crate) fn launch(&mut self, id: CallId, call: Call<InFlight>) -> Passage {
        let slot = call.slot();
        match self.calls.insert(id, call) {
            Ok(evicted) => {
                if let Some(finished) = evicted {
                    let now = self.now();
                    self.close_case(finished, Ended::CancelledByHost, Told::nothing(), now);
                }
                if self.telemetry.is_some() {
                    self.note_sent(slot);
                }
                Passage::Pass
            }
            Err(NotInserted::Full(call)) | Err(NotInserted::Duplicate(call)) => {
                self.turn_away(*call, Refusal::overloaded(), self.now());
                Passage::Stop
            }
        }
    }
}
