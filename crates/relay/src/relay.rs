//! The loop: one task waits for all that can happen, moves what can be moved,
//! and carries out what the gate decided. It decides nothing itself.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

use dropgate_gate::call::{Kind, Slot};
use dropgate_gate::checks::Checks;
use dropgate_gate::deadlines::Deadlines;
use dropgate_gate::decision::Decision;
use dropgate_gate::in_flight::{InFlight, Open};
use dropgate_gate::latency::Latencies;
use dropgate_gate::refusal::Refusal;
use dropgate_gate::sanitize::Sanitizer;
use dropgate_gate::shutdown::{Event, Phase, Readiness, Trigger};
use dropgate_process::{Exit, Force, Process};
use dropgate_wire::IdKey;
use tokio::task::yield_now;
use tokio::time::{Sleep, sleep};

use crate::bell::Bell;
use crate::call_id::CallId;
use crate::deciding::{Deciding, UnderDecision};
use crate::docket::Docket;
use crate::downstream::stdio::{Downstream, FromHost};
use crate::endpoint::Moved;
use crate::hibernation::Hibernation;
use crate::lane::{Hold, Outflow, Regard};
use crate::log::Log;
use crate::owned_tree::OwnedTree;
use crate::recorder::{Health, Recorder};
use crate::settings::Settings;
use crate::settlement::{AnsweredHere, Delivery, HeldAnswer};
use crate::shutdown::Shutdown;
use crate::signals::{Signals, Told};
use crate::tool_list::PinnedTools;
use crate::upstream::stdio::{FromServer, Upstream};
use crate::waiting_room::WaitingRoom;

/// How many reads one direction may do before the other gets its turn.
const READS_PER_TURN: usize = 4;
/// So long after its first read a turn does no further one: some lines cost a
/// hundred times as much as others, and signals and deadlines are looked at
/// only between turns.
const LONG_TURN: Duration = Duration::from_millis(5);
/// A host that ends its input this soon after a request had it all ready.
const PIPED_WITHIN: Duration = Duration::from_millis(250);
/// How long an answer waits for its record once the journal fails: what is held in reserve for a
/// full disk still takes some.
const RECORD_WITHIN: Duration = Duration::from_secs(2);
/// How often that look is taken.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long a buffer that grew for a long message is kept for the next one.
const TRIM_AFTER: Duration = Duration::from_secs(1);
/// How long the host may take to read the last answers and the log's end.
pub(crate) const FAREWELL: Duration = Duration::from_millis(500);

/// All that can wake the relay.
enum Wake {
    /// A stream can be read or written.
    Stream,
    /// The guard has something to tell.
    Tree,
    /// The system told this process something.
    Told(Told),
    /// The journal's writer got on.
    Recorded,
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
    signals: Signals,
    pub(crate) tree: OwnedTree,
    pub(crate) hibernation: Hibernation,
    pub(crate) timer: Pin<Box<Sleep>>,
    pub(crate) shutdown: Shutdown,
    /// What may refuse a call.
    pub(crate) checks: Checks,
    /// What is kept of calls that are not finished.
    pub(crate) docket: Docket,
    /// When calls are due.
    pub(crate) deadlines: Deadlines<Slot, IdKey>,
    /// Calls that wait for a decision from elsewhere.
    pub(crate) deciding: UnderDecision,
    pub(crate) pinned: Option<PinnedTools>,
    /// Calls that wait for their intents to be recorded.
    pub(crate) waiting: WaitingRoom,
    pub(crate) calls: InFlight<CallId>,
    pub(crate) latencies: Latencies,
    /// Calls that were answered here while the server may still answer them.
    pub(crate) answered_here: VecDeque<AnsweredHere>,
    pub(crate) recorder: Recorder,
    pub(crate) sanitizer: Rc<Sanitizer>,
    /// Rung by the journal's writer.
    bell: Bell,
    /// Answers that wait for their outcomes to be recorded.
    pub(crate) held_answers: VecDeque<HeldAnswer>,
    pub(crate) last_hold: Hold,
    /// What was last said to be wrong with the record.
    pub(crate) record_trouble: Option<Box<str>>,
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
    pub(crate) leader: Option<Exit>,
    /// Whether the leader ended before any signal of ours.
    pub(crate) signalled: Signalled,
    pub(crate) force: Force,
    pub(crate) survivors: Vec<Process>,
    pub(crate) zero: Zero,
    pub(crate) owner: Owner,
}

/// All that is read and written.
pub(crate) struct Streams {
    pub(crate) downstream: Downstream,
    pub(crate) upstream: Upstream,
    pub(crate) log: Log,
}

/// What stands between the two sides.
pub(crate) struct Gate {
    pub(crate) checks: Checks,
    pub(crate) recorder: Recorder,
    pub(crate) sanitizer: Rc<Sanitizer>,
    pub(crate) bell: Bell,
}

/// Whether the server was sent a signal before it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signalled {
    Never,
    BeforeItsEnd,
}

/// Whether it was observed that nobody of the tree is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Zero {
    NotSeen,
    Seen,
}

/// Who can end the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Guard,
    /// The guard is gone: this process itself.
    Us,
}

impl Relay {
    pub(crate) fn new(
        mut settings: Settings,
        streams: Streams,
        signals: Signals,
        tree: OwnedTree,
        hibernation: Hibernation,
        gate: Gate,
    ) -> Self {
        let pinned = settings.pinned.take();
        let Streams {
            downstream,
            upstream,
            log,
        } = streams;
        let Gate {
            checks,
            recorder,
            sanitizer,
            bell,
        } = gate;
        Self {
            started: Instant::now(),
            shutdown: Shutdown::new(settings.shutdown),
            settings,
            downstream,
            upstream,
            log,
            signals,
            tree,
            hibernation,
            timer: Box::pin(sleep(Duration::ZERO)),
            checks,
            docket: Docket::default(),
            deadlines: Deadlines::new(),
            deciding: UnderDecision::default(),
            pinned,
            waiting: WaitingRoom::default(),
            recorder,
            sanitizer,
            bell,
            held_answers: VecDeque::new(),
            last_hold: Hold::NONE,
            record_trouble: None,
            record_heeded: Duration::ZERO,
            calls: InFlight::new(),
            latencies: Latencies::new(),
            answered_here: VecDeque::new(),
            answered_once: false,
            last_call: None,
            stdout_closed: None,
            trim_at: None,
            look_at: None,
            stray_lines: 0,
            leader: None,
            signalled: Signalled::Never,
            force: Force::None,
            survivors: Vec::new(),
            zero: Zero::NotSeen,
            owner: Owner::Guard,
        }
    }

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
                Wake::Stream | Wake::Recorded => {}
                Wake::Decided(deciding, decision) => self.heed_decision(*deciding, decision),
                Wake::Tree => self.heed_tree().await,
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

    /// Whether the server has ever done anything worth waiting for.
    ///
    /// Requests that are piped in, with the end of the input right behind them,
    /// are waited for as well: nobody has had the time yet to find the server
    /// silent.
    pub(crate) fn readiness(&self) -> Readiness {
        let piped = self
            .last_call
            .is_some_and(|at| self.now() < at + PIPED_WITHIN);
        let waited_for = self
            .calls
            .iter()
            .any(|(_, call, _)| piped || call.kind() == Kind::ToolCall);
        if self.answered_once || waited_for {
            Readiness::Initialised
        } else {
            Readiness::Uninitialised
        }
    }

    async fn wait(&mut self) -> Wake {
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
                return Poll::Ready(Wake::Recorded);
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
        let effects = self.shutdown.begin(trigger, self.readiness(), self.now());
        self.carry_out(effects);
    }

    pub(crate) fn on(&mut self, event: Event) {
        let effects = self.shutdown.on(event, self.now());
        self.carry_out(effects);
    }

    /// Tells the shutdown when nobody is left to wait for.
    fn settle(&mut self) {
        if self.tree.is_asleep() {
            return self.end_asleep();
        }
        let open = if self.waiting.is_empty() && self.deciding.is_empty() {
            self.calls.open()
        } else {
            Open::Waiting
        };
        let event = match (self.shutdown.phase(), open) {
            (Phase::Draining | Phase::Cancelling, Open::Settled) => Event::Settled,
            (Phase::Draining, Open::OnlyCancelled) => Event::OnlyCancelledLeft,
            (Phase::Draining | Phase::Cancelling, Open::Waiting | Open::OnlyCancelled)
            | (
                Phase::Running | Phase::Closing | Phase::Terminating | Phase::Killing | Phase::Done,
                _,
            ) => return,
        };
        self.on(event);
    }

    /// Sends what may be sent and answers what may be answered, as far as the record has come.
    pub(crate) fn heed_journal(&mut self) {
        if self.waiting.is_empty() && self.held_answers.is_empty() {
            return;
        }
        self.record_heeded = self.now();
        self.send_recorded();
        self.release_recorded();
        match self.recorder.health() {
            Health::Sound => self.record_trouble = None,
            Health::Failing(why) => {
                self.say_record_fails(&why);
                self.turn_away_waiting(&Refusal::journal_unavailable());
                self.withhold_unrecorded(self.record_heeded.saturating_sub(RECORD_WITHIN));
            }
        }
        self.flush_upstream();
        self.flush_downstream();
    }

    /// Something that may be written waits for the host to read.
    pub(crate) fn host_may_be_written_to(&self) -> bool {
        self.downstream
            .outlet
            .has_free_backlog(&self.upstream.intake)
    }

    /// Ready when the journal's writer got on.
    pub(crate) fn poll_recorded(&self, cx: &mut std::task::Context<'_>) -> Poll<()> {
        self.bell.poll_rung(cx)
    }

    // ---- bytes ----------------------------------------------------------

    fn downstream_wants_reading(&self) -> bool {
        !self.downstream.intake.is_held_up()
            && !self.upstream.outlet.has_backlog()
            && !self.downstream.outlet.is_congested()
    }

    fn upstream_wants_reading(&self) -> bool {
        !self.upstream.intake.is_held_up() && !self.downstream.outlet.has_backlog()
    }

    fn upstream_has_backlog(&self) -> bool {
        if self.hibernation.holds_messages() {
            self.upstream.outlet.has_backlog()
        } else {
            self.upstream
                .outlet
                .has_free_backlog(&self.downstream.intake)
        }
    }

    pub(crate) fn downstream_has_backlog(&self) -> bool {
        self.upstream.intake.is_held_up() || self.downstream.outlet.has_backlog()
    }

    /// Moves what can be moved without waiting, in both directions.
    fn pump(&mut self) -> Pumped {
        let from_host = self.pump_from_host();
        let from_server = self.pump_from_server(Regard::Readiness);
        self.log.pump();
        let more = [from_host, from_server]
            .iter()
            .any(|moved| matches!(moved, Moved::Bytes(_)));
        if more { Pumped::More } else { Pumped::Dry }
    }

    fn pump_from_host(&mut self) -> Moved {
        let mut turn = Turn::default();
        for _ in 0..READS_PER_TURN {
            match self.flush_upstream() {
                Outflow::Clear => self.look_at = None,
                // A server that closed its stdin mostly is about to end.
                Outflow::Broken => {
                    self.look_at = None;
                    if !self.tree.is_asleep() {
                        let now = self.now();
                        self.stdout_closed.get_or_insert(now);
                    }
                }
                Outflow::Waiting | Outflow::Held => {
                    let soon = self.now() + LOOK_EVERY;
                    self.look_at.get_or_insert(soon);
                    return Moved::NotNow;
                }
            }
            if !self.downstream.intake.is_open() || !self.downstream_wants_reading() {
                return Moved::NotNow;
            }
            match self.downstream.intake.read(Regard::Readiness) {
                Moved::Bytes(_) => {
                    self.judge_host_lines();
                    if turn.is_long(self.now()) {
                        break;
                    }
                }
                Moved::NotNow => return Moved::NotNow,
                Moved::Closed => {
                    self.judge_host_lines();
                    self.flush_upstream();
                    self.host_ended();
                    return Moved::Closed;
                }
            }
        }
        Moved::Bytes(READS_PER_TURN)
    }

    pub(crate) fn flush_upstream(&mut self) -> Outflow {
        if self.downstream.intake.is_held_up() {
            self.wake_up();
        }
        if self.hibernation.holds_messages() {
            return match self.upstream.outlet.flush_own() {
                Outflow::Clear if self.downstream.intake.is_held_up() => Outflow::Waiting,
                other @ (Outflow::Clear | Outflow::Waiting | Outflow::Held | Outflow::Broken) => {
                    other
                }
            };
        }
        self.upstream.outlet.flush(&mut self.downstream.intake)
    }

    fn judge_host_lines(&mut self) {
        // One look at the clock serves all lines of a read.
        let now = self.now();
        while let Some(line) = self.downstream.intake.next_line() {
            let (start, end) = line_span(&line);
            match self.downstream.judge(&line, &self.settings.limits) {
                FromHost::Call(ask) => {
                    let opening = ask.opening.clone();
                    match self.admit(ask, start..end, now) {
                        Passage::Pass => {
                            self.remember(&opening, &line);
                            self.downstream.intake.pass(start, end);
                        }
                        Passage::PassAfter(hold) => {
                            self.remember(&opening, &line);
                            self.downstream.intake.pass_after(start, end, hold);
                        }
                        Passage::Stop => self.downstream.intake.leave_out(end),
                    }
                }
                FromHost::Cancels(id) => match self.host_cancels(&id, now) {
                    Passage::Pass | Passage::PassAfter(_) => {
                        self.downstream.intake.pass(start, end);
                    }
                    Passage::Stop => self.downstream.intake.leave_out(end),
                },
                FromHost::Message(opening) => {
                    self.remember(&opening, &line);
                    self.downstream.intake.pass(start, end);
                }
                FromHost::Blank => self.downstream.intake.leave_out(end),
                FromHost::Rejected(rejected) => {
                    self.downstream.intake.leave_out(end);
                    self.downstream.reject(&rejected);
                }
            }
        }
        self.note_activity(now);
        self.flush_downstream();
    }

    /// A message of the server's that is no answer passes without what it should not tell.
    fn pass_cleaned(&mut self, line: &dropgate_wire::Line) {
        let (start, end) = line_span(line);
        let cleaned = self
            .upstream
            .clean_message(line, &self.settings.limits, &self.sanitizer);
        match cleaned {
            None => self.upstream.intake.pass(start, end),
            Some(message) => {
                self.upstream.intake.leave_out(end);
                self.upstream.intake.insert(message, Hold::NONE);
            }
        }
    }

    /// A sleeping server has no tree left that a shutdown could wait for.
    fn end_asleep(&mut self) {
        match self.shutdown.phase() {
            Phase::Running | Phase::Done => {}
            Phase::Draining
            | Phase::Cancelling
            | Phase::Closing
            | Phase::Terminating
            | Phase::Killing => {
                self.zero = Zero::Seen;
                self.end_with_tree();
            }
        }
    }

    fn host_ended(&mut self) {
        self.begin(Trigger::Eof);
        if self.tree.is_asleep() {
            self.end_asleep();
        }
    }

    fn note_activity(&mut self, now: Duration) {
        self.hibernation.active(now);
        if self.downstream.intake.is_roomy() || self.upstream.intake.is_roomy() {
            self.trim_at = Some(now + TRIM_AFTER);
        }
    }

    pub(crate) fn pump_from_server(&mut self, regard: Regard) -> Moved {
        let mut turn = Turn::default();
        for _ in 0..READS_PER_TURN {
            if matches!(self.flush_downstream(), Outflow::Waiting | Outflow::Held) {
                return Moved::NotNow;
            }
            if !self.upstream.intake.is_open() || !self.upstream_wants_reading() {
                return Moved::NotNow;
            }
            match self.upstream.intake.read(regard) {
                Moved::Bytes(_) => {
                    self.judge_server_lines();
                    if turn.is_long(self.now()) {
                        break;
                    }
                }
                Moved::NotNow => return Moved::NotNow,
                Moved::Closed => {
                    self.judge_server_lines();
                    self.stdout_closed = Some(self.now());
                    return Moved::Closed;
                }
            }
        }
        Moved::Bytes(READS_PER_TURN)
    }

    fn judge_server_lines(&mut self) {
        let now = self.now();
        while let Some(line) = self.upstream.intake.next_line() {
            let (start, end) = line_span(&line);
            match self.upstream.judge(&line, &self.settings.limits) {
                FromServer::Answer(id, outcome, code) => {
                    match self.settle_call(&id, outcome, code, &line, now) {
                        Delivery::After(Hold::NONE) => self.upstream.intake.pass(start, end),
                        Delivery::After(hold) => self.upstream.intake.pass_after(start, end, hold),
                        Delivery::Instead(message, hold) => {
                            self.upstream.intake.leave_out(end);
                            self.upstream.intake.insert(message, hold);
                        }
                        Delivery::Not => self.upstream.intake.leave_out(end),
                    }
                }
                FromServer::Progress(token) => {
                    self.extend_deadline(&token, now);
                    self.pass_cleaned(&line);
                }
                FromServer::Log => self.pass_cleaned(&line),
                FromServer::Message if self.sanitizer.knows_no_values() => {
                    self.upstream.intake.pass(start, end);
                }
                FromServer::Message => self.pass_cleaned(&line),
                FromServer::Blank => self.upstream.intake.leave_out(end),
                FromServer::Stray(call) => {
                    self.upstream.intake.leave_out(end);
                    self.stray_lines += 1;
                    let excerpt = self.upstream.excerpt(&line);
                    self.log
                        .line(&format!("not a message on the server's stdout: {excerpt}"));
                    if let Some(id) = call {
                        self.answer_unreadable(&id);
                    }
                }
            }
        }
        self.note_activity(now);
        self.flush_downstream();
    }

    pub(crate) fn flush_downstream(&mut self) -> Outflow {
        let was_open = self.downstream.outlet.is_open();
        let outflow = self.downstream.outlet.flush(&mut self.upstream.intake);
        if was_open && !self.downstream.outlet.is_open() {
            self.begin(Trigger::BrokenPipe);
        }
        outflow
    }
}

/// Whether a turn ended because there was nothing left to move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pumped {
    Dry,
    More,
}

/// When the first read of a turn was judged.
#[derive(Debug, Default)]
struct Turn(Option<Duration>);

impl Turn {
    fn is_long(&mut self, now: Duration) -> bool {
        now >= *self.0.get_or_insert(now) + LONG_TURN
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

fn line_span(line: &dropgate_wire::Line) -> (usize, usize) {
    match line {
        dropgate_wire::Line::Whole(span, end) => (span.start, *end),
        dropgate_wire::Line::TooLong { prefix, end } => (prefix.start, *end),
    }
}
