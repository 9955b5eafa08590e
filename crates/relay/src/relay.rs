//! The loop: one task waits for all that can happen, hands each line on, and
//! carries out what the gate decided. It decides nothing itself.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use dropgate_gate::checks::Checks;
use dropgate_gate::deadlines::Deadlines;
use dropgate_gate::decision::Decision;
use dropgate_gate::in_flight::InFlight;
use dropgate_gate::latency::Latencies;
use dropgate_gate::sanitize::Sanitizer;
use dropgate_gate::shutdown::{Event, Phase, Signal, Trigger};
use dropgate_wire::{IdKey, Line};
use tokio::task::yield_now;
use tokio::time::Sleep;

use crate::bell::Bell;
use crate::call_id::CallId;
use crate::chronicle::{Away, Dropped};
use crate::cleaning::Leaving;
use crate::deciding::{Deciding, UnderDecision};
use crate::deliveries::Deliveries;
use crate::docket::Docket;
use crate::downstream::stdio::{Downstream, FromHost};
use crate::held_answers::HeldAnswers;
use crate::hibernation::Hibernation;
use crate::journal_words::Decisions;
use crate::lane::Hold;
use crate::listed_tools::ListedTools;
use crate::log::Log;
use crate::look_ups::LookUps;
use crate::own_tools::OwnTools;
use crate::owned_tree::OwnedTree;
use crate::pump::Pumped;
use crate::recorder::Recorder;
use crate::settings::Settings;
use crate::settlement::Delivery;
use crate::shutdown::Shutdown;
use crate::signals::{Signals, Told};
use crate::surplus::SurplusAnswers;
use crate::telemetry::Telemetry;
use crate::tool_list::PinnedTools;
use crate::tree_end::TreeEnd;
use crate::upstream::stdio::{FromServer, Upstream};
use crate::waiting_room::WaitingRoom;
use crate::write_probe::WriteProbe;

/// All that can wake the relay.
enum Wake {
    /// A stream can be read or written.
    Stream,
    /// The guard has something to tell.
    Tree,
    /// The system told this process something.
    Told(Told),
    /// Another thread has news: the journal's writer, that of the leases, that of the telemetry.
    Bell,
    /// A call has its decision.
    Decided(Box<Deciding>, Decision),
    /// The time of the present phase is up.
    Time,
}

/// One host, one server.
pub(crate) struct Relay {
    pub(crate) started: Instant,
    pub(crate) settings: Settings,
    pub(crate) downstream: Downstream,
    pub(crate) upstream: Upstream,
    pub(crate) log: Log,
    pub(crate) signals: Signals,
    pub(crate) tree: OwnedTree,
    pub(crate) hibernation: Hibernation,
    pub(crate) timer: Pin<Box<Sleep>>,
    pub(crate) shutdown: Shutdown,
    /// What may refuse a call.
    pub(crate) checks: Checks,
    /// What is kept of calls that are not finished.
    pub(crate) docket: Docket,
    /// When calls are due.
    pub(crate) deadlines: Deadlines<IdKey>,
    /// Calls that wait for a decision from elsewhere.
    pub(crate) deciding: UnderDecision,
    pub(crate) pinned: Option<PinnedTools>,
    /// What the server lists.
    pub(crate) listed: ListedTools,
    pub(crate) write_probe: WriteProbe,
    /// Calls that wait for their intents to be recorded.
    pub(crate) waiting: WaitingRoom,
    /// Calls that wait for what the journal knows of earlier ones.
    pub(crate) look_ups: LookUps,
    pub(crate) own_tools: OwnTools,
    /// Answers that are not yet with the host.
    pub(crate) deliveries: Deliveries,
    pub(crate) calls: InFlight<CallId>,
    pub(crate) latencies: Latencies,
    pub(crate) surplus: SurplusAnswers,
    pub(crate) recorder: Recorder,
    /// Decisions as the record tells them.
    pub(crate) decisions: Decisions,
    pub(crate) sanitizer: Arc<Sanitizer>,
    /// None without a collector.
    pub(crate) telemetry: Option<Box<Telemetry>>,
    /// Rung by the journal's writer and other threads.
    pub(crate) bell: Bell,
    /// Answers that wait for their outcomes to be recorded.
    pub(crate) held_answers: HeldAnswers,
    /// What was last said to be wrong with the record.
    pub(crate) record_trouble: Option<Box<str>>,
    /// Whether it was said that answers are not kept.
    pub(crate) dropped: Dropped,
    pub(crate) copy_away: Away,
    /// Of which tools stderr was told that their results hold credentials.
    pub(crate) told_credentials: BTreeSet<Arc<str>>,
    /// How many calls that only read went on without a record.
    pub(crate) unrecorded: u64,
    /// When the record was last looked at.
    pub(crate) record_heeded: Duration,
    /// Whether the server has answered anything yet.
    pub(crate) answered_once: bool,
    /// When the host sent its last request.
    pub(crate) last_call: Option<Duration>,
    pub(crate) stdout_closed: Option<Duration>,
    /// When to look whether the host is gone, while nothing of it is read.
    pub(crate) look_at: Option<Duration>,
    /// When the memory of long messages is given back, if nothing needs it.
    pub(crate) trim_at: Option<Duration>,
    pub(crate) stray_lines: u64,
    pub(crate) end: TreeEnd,
    pub(crate) owner: Owner,
}

/// Who can end the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Guard,
    /// The guard is gone: this process itself.
    Us,
}

impl Relay {
    /// Relays until the shutdown is over.
    pub(crate) async fn run(&mut self) {
        while self.shutdown.phase() != Phase::Done {
            let pumped = self.pump();
            self.heed_journal();
            self.settle();
            if self.shutdown.phase() == Phase::Done {
                break;
            }
            if pumped == Pumped::More {
                // Streams that stay ready would keep the runtime from looking
                // for anything else for dozens of turns.
                yield_now().await;
            }
            self.set_timer();
            match self.wait().await {
                Wake::Stream => {}
                Wake::Bell => {
                    self.heed_leases();
                    self.heed_telemetry();
                }
                Wake::Decided(deciding, decision) => self.heed_decision(*deciding, decision),
                Wake::Tree => self.heed_tree().await,
                Wake::Told(Told::Stop(Signal::Hup)) if self.settings.reload.is_some() => {
                    if self.shutdown.phase() == Phase::Running {
                        self.reload();
                    }
                }
                Wake::Told(Told::Stop(signal)) => {
                    let effects = self.shutdown.signal(signal, self.readiness(), self.now());
                    self.carry_out(effects);
                }
                Wake::Told(Told::Status) => self.say_status(),
                Wake::Told(Told::Child) => self.tree.check_guard(),
                Wake::Time => self.time_is_up(),
            }
        }
        self.say_farewell().await;
    }

    pub(crate) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    async fn wait(&mut self) -> Wake {
        self.recorder.rouse();
        poll_fn(|cx| {
            // Streams come last: a flood must not keep the news of the end away.
            if let Poll::Ready(told) = self.signals.poll_told(cx) {
                return Poll::Ready(Wake::Told(told));
            }
            if self.due().is_some() && self.timer.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Wake::Time);
            }
            if self.owner == Owner::Guard && self.tree.poll_news(cx).is_ready() {
                return Poll::Ready(Wake::Tree);
            }
            if let Poll::Ready((deciding, decision)) = self.deciding.poll_decided(cx) {
                return Poll::Ready(Wake::Decided(Box::new(deciding), decision));
            }
            if self.bell.poll_rung(cx).is_ready() {
                return Poll::Ready(Wake::Bell);
            }
            if self.downstream_wants_reading()
                && self.downstream.intake.poll_readable(cx).is_ready()
                || self.upstream_wants_reading()
                    && self.upstream.intake.poll_readable(cx).is_ready()
                || self.upstream_has_backlog() && self.upstream.outlet.poll_writable(cx).is_ready()
                || self.host_may_be_written_to()
                    && self.downstream.outlet.poll_writable(cx).is_ready()
                || self.log.poll_ready(cx).is_ready()
            {
                return Poll::Ready(Wake::Stream);
            }
            Poll::Pending
        })
        .await
    }

    pub(crate) fn begin(&mut self, trigger: Trigger) {
        self.end_subscriptions(trigger);
        let effects = self.shutdown.begin(trigger, self.readiness(), self.now());
        self.carry_out(effects);
    }

    pub(crate) fn on(&mut self, event: Event) {
        let effects = self.shutdown.on(event, self.now());
        self.carry_out(effects);
    }

    pub(crate) fn judge_host_lines(&mut self) {
        // One look at the clock serves all lines of a read.
        let now = self.now();
        // Lines and what they are go by reference: copies of what was just written take a while.
        while let Some(line) = &self.downstream.intake.next_line() {
            let (start, end) = line_span(line);
            let tools = &self.settings.tools;
            match &mut self.downstream.judge(line, &self.settings.limits, tools) {
                FromHost::Call(ask) => {
                    let instead = if self.telemetry.is_some() {
                        self.begin_trace(ask, start..end)
                    } else {
                        None
                    };
                    let passage = self.admit(ask, start..end, now);
                    let hold = match passage {
                        Passage::Pass => Hold::NONE,
                        Passage::PassAfter(hold) => hold,
                        Passage::Stop => {
                            self.downstream.intake.leave_out(end);
                            continue;
                        }
                    };
                    self.remember(&ask.opening, line);
                    match (instead, hold) {
                        (Some(message), hold) => {
                            self.downstream.intake.leave_out(end);
                            self.downstream.intake.insert(message, hold);
                        }
                        (None, Hold::NONE) => self.downstream.intake.pass(start, end),
                        (None, hold) => self.downstream.intake.pass_after(start, end, hold),
                    }
                }
                FromHost::Cancels(id) => match self.host_cancels(id, now) {
                    Passage::Pass | Passage::PassAfter(_) => {
                        self.downstream.intake.pass(start, end);
                    }
                    Passage::Stop => self.downstream.intake.leave_out(end),
                },
                FromHost::Message(opening) => {
                    self.remember(opening, line);
                    self.downstream.intake.pass(start, end);
                }
                FromHost::Unasked(method) => match self.judge_unasked(method) {
                    Passage::Pass | Passage::PassAfter(_) => {
                        self.downstream.intake.pass(start, end);
                    }
                    Passage::Stop => self.downstream.intake.leave_out(end),
                },
                FromHost::Blank => self.downstream.intake.leave_out(end),
                FromHost::Rejected(rejected) => {
                    self.downstream.intake.leave_out(end);
                    self.downstream.reject(rejected);
                }
            }
        }
        self.note_activity(now);
        self.flush_downstream();
    }

    pub(crate) fn judge_server_lines(&mut self) {
        let now = self.now();
        let mut lines = 0_usize;
        while let Some(line) = &self.upstream.intake.next_line() {
            lines += 1;
            let (start, end) = line_span(line);
            match &self.upstream.judge(line, &self.settings.limits) {
                FromServer::Answer(id, said) => match self.settle_call(id, *said, line, now) {
                    Delivery::After(Hold::NONE) => self.upstream.intake.pass(start, end),
                    Delivery::After(hold) => self.upstream.intake.pass_after(start, end, hold),
                    Delivery::Instead(message, hold) => {
                        self.upstream.intake.leave_out(end);
                        self.upstream.intake.insert(message, hold);
                    }
                    Delivery::Not => self.upstream.intake.leave_out(end),
                },
                FromServer::Progress(token) => {
                    self.extend_deadline(token, now);
                    self.pass_cleaned(line);
                }
                FromServer::Log => self.pass_cleaned(line),
                FromServer::Message if self.sanitizer.knows_no_values() => {
                    self.upstream.intake.pass(start, end);
                }
                FromServer::Message => self.pass_cleaned(line),
                FromServer::Blank => self.upstream.intake.leave_out(end),
                FromServer::Stray(call) => {
                    self.upstream.intake.leave_out(end);
                    self.stray_lines += 1;
                    self.log.stray(self.upstream.beginning(line), now);
                    if let Some(id) = call {
                        self.answer_unreadable(id, now);
                    }
                }
            }
        }
        // A probe keeps no server awake.
        if lines > self.write_probe.take_heard() {
            self.note_activity(now);
        }
        self.flush_downstream();
    }

    /// A message of the server's that is no answer passes without what it should not tell.
    fn pass_cleaned(&mut self, line: &Line) {
        let (start, end) = line_span(line);
        let cleaned = self
            .upstream
            .clean_message(line, &self.settings.limits, &self.sanitizer);
        match cleaned {
            Leaving::AsItCame => self.upstream.intake.pass(start, end),
            Leaving::Instead(message) => {
                self.upstream.intake.leave_out(end);
                self.upstream.intake.insert(message, Hold::NONE);
            }
            Leaving::Nothing => self.upstream.intake.leave_out(end),
        }
    }
}

/// Whether a line goes on to the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passage {
    Pass,
    /// In its place, once this is released.
    PassAfter(Hold),
    Stop,
}

pub(crate) fn line_span(line: &Line) -> (usize, usize) {
    match line {
        Line::Whole(span, end) => (span.start, *end),
        Line::TooLong { prefix, end } => (prefix.start, *end),
    }
}
