//! Everything but permission that may refuse a call before it is sent, in one order: shutdown,
//! mode, load, breaker.

use std::time::Duration;

use crate::breaker::{self, Attempt, Breakers, Change, Phase, ProbePass, Scope, Verdict};
use crate::kind::Kind;
use crate::load::{self, Answer, Load, Shed};
use crate::mode::{Class, Effect, Event, Judgement, Listed, Mode, Probed, Standing};
use crate::refusal::Refusal;

/// What a call holds of the checks until it is finished: its share of the load, and what the
/// breakers are owed the result of.
#[derive(Debug)]
#[must_use = "the breakers are owed the result"]
pub struct Pass {
    breaker: breaker::Pass,
    _slot: load::Slot,
}

/// The state of all checks of one upstream.
#[derive(Debug)]
pub struct Checks {
    admission: Admission,
    mode: Mode,
    breakers: Breakers,
    load: Load,
    /// What the breakers gave for the probe that runs.
    probe: Option<ProbePass>,
    /// What it gave for the ping that was sent last.
    ping: Option<ProbePass>,
    send_ping: Ping,
    changes: Vec<Change>,
    effects: Vec<Effect>,
    permits: u64,
}

/// Whether new calls are let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Admission {
    /// New calls are sent on.
    Admitting,
    /// Shutdown has begun: new calls are refused.
    Draining,
}

/// What the checks came to since the last time.
#[derive(Debug, Default)]
#[must_use = "what the mode asks for has to be done"]
pub struct News {
    /// What the breakers did, for the record.
    pub changes: Vec<Change>,
    /// What the mode asks for.
    pub effects: Vec<Effect>,
    /// Whether to send a ping.
    pub ping: Ping,
    /// How many calls half-open breakers let through.
    pub permits: u64,
}

impl Checks {
    /// All clear.
    #[must_use]
    pub fn new(mode: Mode, breakers: Breakers, load: Load) -> Self {
        Self {
            admission: Admission::Admitting,
            mode,
            breakers,
            load,
            probe: None,
            ping: None,
            send_ping: Ping::None,
            changes: Vec::new(),
            effects: Vec::new(),
            permits: 0,
        }
    }

    /// Tries the breaker of the server by a ping, as soon as it is half-open and the server could be
    /// sent one, so that no caller's call is the trial. To be called before every call and whenever
    /// time has passed; costs next to nothing while the breaker is closed. [`News::ping`] says
    /// whether to send one.
    pub fn ping_server(&mut self, possible: Probable, now: Duration) {
        match (self.breakers.upstream(), possible) {
            (Phase::Open | Phase::HalfOpen, Probable::Now) => {}
            (Phase::Open | Phase::HalfOpen, Probable::NotNow)
            | (
                Phase::Closed | Phase::ForcedOpen | Phase::ForcedClosed | Phase::Disabled,
                Probable::Now | Probable::NotNow,
            ) => return,
        }
        let (pass, changes) = self.breakers.admit_ping(PING_WITHIN, now);
        self.changes.extend(changes);
        if pass.is_some() {
            self.ping = pass;
            self.send_ping = Ping::Send;
        }
    }

    /// The server answered the ping that was sent last, in whatever way.
    pub fn pinged(&mut self, now: Duration) {
        if let Some(pass) = self.ping.take() {
            let changes = self.breakers.record_probe(pass, Verdict::Success, now);
            self.changes.extend(changes);
        }
    }

    /// Shutdown has begun: from here on nothing new is admitted, and nothing is probed.
    pub fn stop_admitting(&mut self, now: Duration) {
        self.admission = Admission::Draining;
        self.tell(Event::Draining, now);
    }

    /// Asks every check. A request of the protocol itself is only stopped by a shutdown.
    pub(crate) fn pass(
        &mut self,
        kind: Kind,
        tool: Option<&str>,
        attempt: &Attempt,
        now: Duration,
    ) -> Result<Option<Pass>, Refusal> {
        match self.admission {
            Admission::Admitting => {}
            Admission::Draining => return Err(Refusal::draining()),
        }
        match kind {
            Kind::Protocol => return Ok(None),
            Kind::ToolCall | Kind::Fetch | Kind::Other => {}
        }
        let only_as_trial = match (self.mode.judge(attempt.class, now), kind) {
            (Judgement::Run, Kind::Other) => return Ok(None),
            (Judgement::OnlyAsTrial(refusal), Kind::Other) => return Err(refusal),
            (Judgement::Run, _) => None,
            (Judgement::OnlyAsTrial(refusal), _) => Some(refusal),
            (Judgement::Refuse(refusal), _) => return Err(refusal),
        };
        let slot = match self.load.admit(None, now) {
            Answer::Admit(slot) => slot,
            Answer::Shed(Shed::InFlight { retry_after }) => {
                return Err(Refusal::overloaded().after(retry_after));
            }
            Answer::Shed(Shed::Rate { retry_after }) => return Err(Refusal::too_fast(retry_after)),
        };
        let changes = &mut self.changes;
        let breaker = match self.breakers.admit_into(tool, attempt, now, changes) {
            breaker::Admission::Closed(pass) => match only_as_trial {
                None => pass,
                Some(refusal) => {
                    let changes = self.breakers.give_back(pass, now);
                    self.changes.extend(changes);
                    return Err(refusal);
                }
            },
            breaker::Admission::Trial(pass) => {
                self.permits += 1;
                pass
            }
            breaker::Admission::Rejected(rejection) => {
                return Err(match (only_as_trial, rejection.retry_after()) {
                    (Some(refusal), _) => refusal,
                    (None, Some(after)) => Refusal::breaker_open(after),
                    (None, None) => Refusal::switched_off(),
                });
            }
        };
        Ok(Some(Pass {
            breaker,
            _slot: slot,
        }))
    }

    /// Takes the result of a call that held a pass.
    pub fn record(
        &mut self,
        pass: Pass,
        ended: &breaker::Ended<'_>,
        texts: &breaker::FailureTexts,
        now: Duration,
    ) {
        let changes = self.breakers.record(
            pass.breaker,
            ended.for_tool(texts),
            ended.for_upstream(),
            now,
        );
        self.changes.extend(changes);
    }

    /// Progress gives a call more time, until `until`.
    pub fn extend(&mut self, pass: &Pass, until: Duration) {
        self.breakers.extend(&pass.breaker, until);
    }

    /// Does what has fallen due by `now`; the mode is only told the time while the server could be
    /// probed.
    pub fn tick(&mut self, probing: Probable, now: Duration) {
        let changes = self.breakers.tick(now);
        self.changes.extend(changes);
        match probing {
            Probable::Now => self.tell(Event::Time, now),
            Probable::NotNow => {}
        }
    }

    /// When [`Self::tick`] is next needed, since the caller's origin.
    #[must_use]
    pub fn next_due(&self, probing: Probable) -> Option<Duration> {
        let probe = match probing {
            Probable::Now => self.mode.next_due(),
            Probable::NotNow => None,
        };
        [probe, self.breakers.next_due()]
            .into_iter()
            .flatten()
            .min()
    }

    /// The probe that was asked for last has its answer.
    pub fn probed(&mut self, probed: Probed, now: Duration) {
        self.end_probe(probed, now);
        self.tell(Event::Probed(probed), now);
    }

    /// The lease of the credentials for writing is gone, and there will be no other.
    pub fn lease_gone(&mut self, now: Duration) {
        self.tell(Event::LeaseGone, now);
    }

    /// Nothing can be recorded, and calls that only read go on all the same.
    pub fn journal_fails(&mut self, now: Duration) {
        self.tell(Event::JournalFails, now);
    }

    /// Calls can be recorded again.
    pub fn journal_works(&mut self, now: Duration) {
        self.tell(Event::JournalWorks, now);
    }

    /// An operator wants reading only, whatever the facts.
    pub fn only_read(&mut self, now: Duration) {
        self.tell(Event::OperatorReadOnly, now);
    }

    /// An operator leaves it to the facts whether writing is possible.
    pub fn leave_to_the_facts(&mut self, now: Duration) {
        self.tell(Event::OperatorAuto, now);
    }

    /// Does what an operator says to one breaker.
    pub fn command(&mut self, scope: &Scope, command: breaker::Command, now: Duration) {
        let changes = self.breakers.command(scope, command, now);
        self.changes.extend(changes);
    }

    /// The server's tools, in the order of its list.
    pub fn tools<'a>(&mut self, tools: impl IntoIterator<Item = (&'a str, Class)>, now: Duration) {
        let effects = self.mode.tools(tools, now);
        self.heed(effects, now);
    }

    /// Whether `tools/list` shows a tool of this class.
    #[must_use]
    pub fn listed(&self, class: Class) -> Listed {
        self.mode.listed(class)
    }

    /// What is possible at present.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.mode.standing()
    }

    /// What came of everything since the last time; none, as a rule. `class_of` says what a tool does.
    pub fn take_news(&mut self, class_of: impl Fn(&str) -> Class, now: Duration) -> Option<News> {
        let quiet = self.changes.is_empty() && self.effects.is_empty();
        if quiet && self.send_ping == Ping::None && self.permits == 0 {
            return None;
        }
        let mut news = News {
            permits: std::mem::take(&mut self.permits),
            ..News::default()
        };
        while !self.changes.is_empty() {
            for change in std::mem::take(&mut self.changes) {
                self.follow(&change, &class_of, now);
                news.changes.push(change);
            }
            if self.breakers.awaiting() > 0 {
                self.tell(Event::ProbeWanted, now);
            }
        }
        news.effects = std::mem::take(&mut self.effects);
        news.ping = std::mem::take(&mut self.send_ping);
        Some(news)
    }

    /// What a breaker did bears on the mode.
    fn follow(&mut self, change: &Change, class_of: impl Fn(&str) -> Class, now: Duration) {
        let event = match change.transition.to {
            Phase::Closed | Phase::ForcedClosed | Phase::Disabled => match &change.scope {
                Scope::Upstream => Event::UpstreamClosed,
                Scope::Tool(name) => Event::BreakerClosed(name),
            },
            Phase::Open | Phase::HalfOpen | Phase::ForcedOpen => match &change.scope {
                Scope::Upstream => Event::UpstreamOpened,
                Scope::Tool(name) => Event::BreakerOpened(name, class_of(name)),
            },
        };
        self.tell(event, now);
    }

    fn tell(&mut self, event: Event<'_>, now: Duration) {
        let effects = self.mode.step(event, now);
        self.heed(effects, now);
    }

    /// The breakers' share of what the mode asks for is done here.
    fn heed(&mut self, effects: Vec<Effect>, now: Duration) {
        for effect in effects {
            match effect {
                Effect::Probe { until } => {
                    let (pass, changes) = self.breakers.admit_probe(until.saturating_sub(now), now);
                    self.probe = pass;
                    self.changes.extend(changes);
                }
                Effect::ProbeLost => self.end_probe(Probed::Lost, now),
                Effect::Record { .. } | Effect::ListChanged => {}
            }
            self.effects.push(effect);
        }
    }

    fn end_probe(&mut self, probed: Probed, now: Duration) {
        let verdict = match probed {
            Probed::Good => Verdict::Success,
            Probed::Failed => Verdict::Failure,
            Probed::Lost => Verdict::Ignored,
        };
        if let Some(pass) = self.probe.take() {
            let changes = self.breakers.record_probe(pass, verdict, now);
            self.changes.extend(changes);
        }
    }
}

/// How long a ping may take to be answered before the server's breaker opens again.
const PING_WITHIN: Duration = Duration::from_secs(2);

/// Whether the server is to be sent a ping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ping {
    /// There is no need.
    #[default]
    None,
    /// It is, and [`Checks::pinged`] wants to know of the answer.
    Send,
}

/// Whether the server could be sent a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probable {
    /// It could.
    Now,
    /// The handshake is not over, or the server sleeps.
    NotNow,
}

#[cfg(test)]
impl Checks {
    pub(crate) fn for_tests() -> Self {
        let settings = breaker::Settings::default();
        Self::new(
            Mode::new(&crate::mode::Settings::default(), 0, Duration::ZERO),
            Breakers::new(&settings, breaker::Probing::Callers, 0, Duration::ZERO),
            Load::new(&load::Limits::default(), &[]),
        )
    }
}
