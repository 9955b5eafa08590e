//! Mode, breakers and deadlines together, in the order in which a call meets them, in front of a
//! server whose write path breaks for two minutes while its reads work.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::time::Duration;

use dropgate_gate::breaker::{
    self, Admission, Attempt, Breakers, Change, Ended, FailureTexts, Pass, Phase, ProbePass,
    Probing, Scope, Verdict,
};
use dropgate_gate::deadlines::{Deadlines, Limits};
use dropgate_gate::mode::{
    Class, Effect, Event, Judgement, Mode, ProbeSettings, Probed, Settings, Standing,
};

const TOOLS: [(&str, Class); 3] = [
    ("get", Class::Read),
    ("create", Class::Write),
    ("update", Class::Write),
];
const LIMITS: Limits = Limits {
    timeout: Duration::from_secs(5),
    max_timeout: Duration::from_secs(5),
};
const TICK: Duration = Duration::from_millis(100);
const BREAKS: Duration = Duration::from_secs(60);
const HEALS: Duration = Duration::from_secs(180);
const END: Duration = Duration::from_secs(480);

/// How writing fails while it is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Breakage {
    /// With an error at once.
    Error,
    /// With a tool error at once, whose text is configured as a failure.
    Text,
    /// By no answer.
    Hang,
}

/// Whether the write path is probed, and how many probes come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Probes {
    None,
    All,
    EveryOther,
}

/// What was seen.
#[derive(Debug, Default)]
struct Seen {
    reads_refused: u32,
    /// Writes that reached the broken server before the first refusal, by tool.
    sent_before_refusal: HashMap<&'static str, u32>,
    refused_first: Option<Duration>,
    refused_last: Option<Duration>,
    /// Writes that reached the broken server.
    sent_broken: u32,
    list_changed: u32,
}

/// What a call was sent with.
struct Sent {
    tool: &'static str,
    pass: Pass,
}

struct Gate {
    mode: Mode,
    breakers: Breakers,
    deadlines: Deadlines<u32, ()>,
    sent: HashMap<u32, Sent>,
    texts: FailureTexts,
    probing: Probing,
    probe: Option<ProbePass>,
    next_key: u32,
    probes_sent: u32,
    seen: Seen,
}

impl Gate {
    fn new(probes: Probes) -> Self {
        let (probing, probe) = match probes {
            Probes::None => (Probing::Callers, None),
            Probes::All | Probes::EveryOther => (Probing::Probe, Some(ProbeSettings::default())),
        };
        let settings = Settings {
            probe,
            ..Settings::default()
        };
        let now = Duration::ZERO;
        let mut mode = Mode::new(&settings, 11, now);
        assert_eq!(mode.tools(TOOLS, now), []);
        Self {
            mode,
            breakers: Breakers::new(&breaker::Settings::default(), probing, 5, now),
            deadlines: Deadlines::new(),
            sent: HashMap::new(),
            texts: FailureTexts::new(&["connection refused"]).unwrap(),
            probing,
            probe: None,
            next_key: 0,
            probes_sent: 0,
            seen: Seen::default(),
        }
    }

    /// One call: mode, then breaker, then a deadline.
    fn call(&mut self, tool: &'static str, class: Class, server: Server, now: Duration) {
        let (trial_only, refused) = match self.mode.judge(class, now) {
            Judgement::Run => (None, None),
            Judgement::OnlyAsTrial(refusal) => (Some(refusal), None),
            Judgement::Refuse(refusal) => (None, Some(refusal)),
        };
        if refused.is_some() {
            return self.refuse(class, now);
        }
        let attempt = Attempt {
            class,
            timeout: LIMITS.timeout,
        };
        let (admission, changes) = self.breakers.admit(Some(tool), &attempt, now);
        self.follow(changes, now);
        let pass = match (admission, trial_only) {
            (Admission::Closed(pass), None) | (Admission::Trial(pass), _) => pass,
            (Admission::Closed(pass), Some(_)) => {
                let changes = self.breakers.give_back(pass, now);
                self.follow(changes, now);
                return self.refuse(class, now);
            }
            (Admission::Rejected(_), _) => return self.refuse(class, now),
        };
        self.next_key += 1;
        let key = self.next_key;
        self.deadlines.insert(key, None, &LIMITS, now).unwrap();
        self.sent.insert(key, Sent { tool, pass });
        let answer = match (class, server) {
            (Class::Read, _) | (Class::Write, Server::Works) => Some(Ended::Completed),
            (Class::Write, Server::Broken(breakage)) => {
                self.seen.sent_broken += 1;
                if self.seen.refused_first.is_none() {
                    *self.seen.sent_before_refusal.entry(tool).or_default() += 1;
                }
                match breakage {
                    Breakage::Error => Some(Ended::RpcError(-32603, "broken")),
                    Breakage::Text => Some(Ended::ToolError("db: connection refused")),
                    Breakage::Hang => None,
                }
            }
        };
        if let Some(ended) = answer {
            self.deadlines.remove(&key);
            self.end(key, ended, now);
        }
    }

    fn end(&mut self, key: u32, ended: Ended<'_>, now: Duration) {
        let sent = self.sent.remove(&key).unwrap();
        let tool = ended.for_tool(&self.texts);
        let changes = self
            .breakers
            .record(sent.pass, tool, ended.for_upstream(), now);
        assert!(TOOLS.iter().any(|(name, _)| *name == sent.tool));
        self.follow(changes, now);
    }

    fn refuse(&mut self, class: Class, now: Duration) {
        match class {
            Class::Read => self.seen.reads_refused += 1,
            Class::Write => {
                self.seen.refused_first.get_or_insert(now);
                self.seen.refused_last = Some(now);
            }
        }
    }

    /// What the breakers tell is told to the mode.
    fn follow(&mut self, changes: Vec<Change>, now: Duration) {
        for Change { scope, transition } in changes {
            let event = match (&scope, transition.to) {
                (Scope::Upstream, Phase::Closed) => Event::UpstreamClosed,
                (Scope::Upstream, _) => Event::UpstreamOpened,
                (Scope::Tool(name), Phase::Closed) => Event::BreakerClosed(name),
                (Scope::Tool(name), _) => {
                    let (_, class) = TOOLS.iter().find(|(it, _)| *it == &**name).unwrap();
                    Event::BreakerOpened(name, *class)
                }
            };
            self.step(event, now);
        }
        if self.probing == Probing::Probe && self.breakers.awaiting() > 0 {
            self.step(Event::ProbeWanted, now);
        }
    }

    fn step(&mut self, event: Event<'_>, now: Duration) {
        for effect in self.mode.step(event, now) {
            match effect {
                Effect::ListChanged => self.seen.list_changed += 1,
                Effect::Record { .. } => {}
                Effect::ProbeLost => self.probe_ended(Verdict::Ignored, now),
                Effect::Probe { until } => {
                    let (pass, changes) = self.breakers.admit_probe(until - now, now);
                    // A probe without a trial is one of the write path alone.
                    self.probe = pass;
                    self.probes_sent += 1;
                    assert!(
                        changes.iter().all(|it| it.transition.to != Phase::Closed),
                        "{changes:?}"
                    );
                }
            }
        }
    }

    fn probe_ended(&mut self, verdict: Verdict, now: Duration) {
        if let Some(pass) = self.probe.take() {
            let changes = self.breakers.record_probe(pass, verdict, now);
            self.follow(changes, now);
        }
    }

    /// Time passes; a probe that runs is answered, unless it is lost or the path hangs.
    fn time(&mut self, probes: Probes, server: Server, now: Duration) {
        let before = self.probes_sent;
        self.step(Event::Time, now);
        if self.probes_sent > before {
            let is_lost = probes == Probes::EveryOther && self.probes_sent.is_multiple_of(2);
            let (probed, verdict) = match server {
                _ if is_lost => (None, Verdict::Ignored),
                Server::Works => (Some(Probed::Good), Verdict::Success),
                Server::Broken(Breakage::Hang) => (None, Verdict::Ignored),
                Server::Broken(Breakage::Error | Breakage::Text) => {
                    (Some(Probed::Failed), Verdict::Failure)
                }
            };
            if let Some(probed) = probed {
                self.probe_ended(verdict, now);
                self.step(Event::Probed(probed), now);
            }
        }
        for key in self.deadlines.expired(now) {
            self.end(key, Ended::TimedOut, now);
        }
        let changes = self.breakers.tick(now);
        self.follow(changes, now);
    }
}

/// What the server does with a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Server {
    Works,
    Broken(Breakage),
}

fn play(probes: Probes, breakage: Breakage) -> (Gate, Standing) {
    let mut gate = Gate::new(probes);
    let mut now = Duration::ZERO;
    let mut meanwhile = Standing::Normal;
    while now < END {
        let server = if (BREAKS..HEALS).contains(&now) {
            Server::Broken(breakage)
        } else {
            Server::Works
        };
        gate.time(probes, server, now);
        for (tool, class) in TOOLS {
            gate.call(tool, class, server, now);
        }
        if now + TICK == HEALS {
            meanwhile = gate.mode.standing();
        }
        now += TICK;
    }
    (gate, meanwhile)
}

#[test]
fn a_broken_write_path_is_refused_soon_told_once_and_taken_up_again() {
    for probes in [Probes::None, Probes::All, Probes::EveryOther] {
        for breakage in [Breakage::Error, Breakage::Text, Breakage::Hang] {
            let (gate, meanwhile) = play(probes, breakage);
            let seen = &gate.seen;
            let row = format!("{probes:?} {breakage:?}: {seen:?}");
            assert_eq!(seen.reads_refused, 0, "{row}");
            assert_eq!(
                seen.list_changed, 2,
                "once when it begins, once when it ends: {row}"
            );
            assert!(
                matches!(meanwhile, Standing::ReadOnly { .. }),
                "{meanwhile:?} {row}"
            );
            assert_eq!(gate.mode.standing(), Standing::Normal, "{row}");
            let first = seen.refused_first.unwrap();
            match breakage {
                Breakage::Error | Breakage::Text => {
                    assert!(
                        seen.sent_before_refusal.values().all(|sent| *sent <= 5),
                        "{row}"
                    );
                }
                // Calls hang for their whole timeout before anybody can know.
                Breakage::Hang => assert!(first <= BREAKS + LIMITS.timeout + TICK * 5, "{row}"),
            }
            assert!(seen.sent_broken < 130, "{row}");
            // The longest open period with its spread, and the trials.
            let last = seen.refused_last.unwrap();
            assert!(last <= HEALS + Duration::from_secs(150), "{row}");
            assert!(gate.sent.is_empty() && gate.deadlines.is_empty(), "{row}");
        }
    }
}
