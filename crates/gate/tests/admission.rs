//! Mode, breakers and deadlines together, in the order in which a call meets them, in front of a
//! server whose write path breaks for two minutes while its reads work.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::time::Duration;

use dropgate_gate::breaker::{self, Attempt, Breakers, Ended, FailureTexts, Probing};
use dropgate_gate::call::{Call, InFlight, Receipt, Slot};
use dropgate_gate::checks::{Checks, Probable};
use dropgate_gate::deadlines::{Deadlines, Limits};
use dropgate_gate::decision::{Answers, Authority, Principal, decide};
use dropgate_gate::kind::Kind;
use dropgate_gate::load::{self, Load};
use dropgate_gate::mode::{Class, Effect, Mode, ProbeSettings, Probed, Settings, Standing, Why};
use dropgate_gate::outcome::Outcome;

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

/// A call that was sent, by the name of its tool.
struct Sent {
    tool: &'static str,
    call: Call<InFlight>,
}

struct Gate {
    checks: Checks,
    deadlines: Deadlines<()>,
    sent: HashMap<Slot, Sent>,
    texts: FailureTexts,
    next_slot: usize,
    probes_sent: u32,
    seen: Seen,
}

struct Unrecorded;

impl Receipt for Unrecorded {}

fn class_of(tool: &str) -> Class {
    TOOLS.iter().find(|(name, _)| *name == tool).unwrap().1
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
        let mode = Mode::new(&settings, 11, now);
        let breakers = Breakers::new(&breaker::Settings::default(), probing, 5, now);
        // As many as can hang until their timeout: what is refused here is not for want of room.
        let limits = load::Limits {
            max_in_flight: 1024,
            rate: None,
        };
        let load = Load::new(&limits, &[]);
        let mut checks = Checks::new(mode, breakers, load);
        checks.tools(TOOLS, now);
        Self {
            checks,
            deadlines: Deadlines::new(),
            sent: HashMap::new(),
            texts: FailureTexts::new(&["connection refused"]).unwrap(),
            next_slot: 0,
            probes_sent: 0,
            seen: Seen::default(),
        }
    }

    /// One call: decided, checked, sent by a deadline.
    fn call(&mut self, tool: &'static str, class: Class, server: Server, now: Duration) {
        let attempt = Attempt {
            class,
            timeout: LIMITS.timeout,
        };
        let call = Call::received(Slot(0), Kind::ToolCall, Some(tool.into()), now);
        let permit = decide(Authority::LocalOwner, &Principal::local(), Answers::none());
        let call = call.authorize(permit).unwrap();
        let admitted = call.admit(&mut self.checks, &attempt, now);
        let standing = self.checks.standing();
        if let (
            Ok(_),
            Class::Write,
            Standing::ReadOnly {
                why: Why::Probe, ..
            },
        ) = (&admitted, class, standing)
        {
            panic!("a call that writes was let through at {now:?}: {standing:?}");
        }
        self.heed(now);
        let call = match admitted {
            Ok(call) => call.send(Unrecorded),
            Err(refused) => {
                assert!(refused.call.refuse(&refused.refusal).pass.is_none());
                return self.refuse(class, now);
            }
        };
        while self.sent.contains_key(&Slot(self.next_slot)) {
            self.next_slot += 1;
        }
        let key = Slot(self.next_slot);
        self.next_slot = (self.next_slot + 1) % 1024;
        self.deadlines.insert(key, None, &LIMITS, now).unwrap();
        self.sent.insert(key, Sent { tool, call });
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
            self.deadlines.remove(key);
            self.end(key, ended, now);
        }
    }

    fn end(&mut self, key: Slot, ended: Ended<'_>, now: Duration) {
        let sent = self.sent.remove(&key).unwrap();
        assert_eq!(sent.call.tool(), Some(sent.tool));
        let finished = sent.call.finish(Outcome::Completed);
        let pass = finished.pass.unwrap();
        self.checks.record(pass, &ended, &self.texts, now);
        self.heed(now);
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

    fn heed(&mut self, now: Duration) {
        let news = self.checks.take_news(class_of, now);
        for effect in news.into_iter().flat_map(|news| news.effects) {
            match effect {
                Effect::ListChanged => self.seen.list_changed += 1,
                Effect::Probe { .. } => self.probes_sent += 1,
                Effect::Record { .. } | Effect::ProbeLost => {}
            }
        }
    }

    /// Time passes; a probe that runs is answered, unless it is lost or the path hangs.
    fn time(&mut self, probes: Probes, server: Server, now: Duration) {
        let before = self.probes_sent;
        self.checks.tick(Probable::Now, now);
        self.heed(now);
        if self.probes_sent > before {
            let is_lost = probes == Probes::EveryOther && self.probes_sent.is_multiple_of(2);
            let probed = match server {
                _ if is_lost => None,
                Server::Works => Some(Probed::Good),
                Server::Broken(Breakage::Hang) => None,
                Server::Broken(Breakage::Error | Breakage::Text) => Some(Probed::Failed),
            };
            if let Some(probed) = probed {
                self.checks.probed(probed, now);
                self.heed(now);
            }
        }
        for key in self.deadlines.expired(now) {
            self.end(key, Ended::TimedOut, now);
        }
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
            meanwhile = gate.checks.standing();
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
            assert_eq!(gate.checks.standing(), Standing::Normal, "{row}");
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

#[test]
fn a_call_that_came_too_fast_is_told_so() {
    let now = Duration::ZERO;
    let mode = Mode::new(&Settings::default(), 11, now);
    let breakers = Breakers::new(&breaker::Settings::default(), Probing::Callers, 5, now);
    let limits = load::Limits {
        max_in_flight: 1,
        rate: Some(load::Rate::new(Duration::from_secs(60), 2).unwrap()),
    };
    let mut checks = Checks::new(mode, breakers, Load::new(&limits, &[]));
    let mut ask = |number: usize| {
        let call = Call::received(Slot(number), Kind::ToolCall, None, now);
        let decision = decide(Authority::LocalOwner, &Principal::local(), Answers::none());
        let attempt = Attempt {
            class: Class::Read,
            timeout: LIMITS.timeout,
        };
        let call = call.authorize(decision).unwrap();
        call.admit(&mut checks, &attempt, now)
            .map_err(|refused| refused.refusal)
    };
    let first = ask(0).unwrap();
    let full = ask(1).unwrap_err();
    drop(first);
    let second = ask(2).unwrap();
    drop(second);
    let fast = ask(3).unwrap_err();
    for (refusal, words) in [
        (full, "Too many calls are in flight"),
        (fast, "faster than is allowed"),
    ] {
        assert_eq!(refusal.outcome(), Outcome::Shed);
        assert!(refusal.text().contains(words), "{}", refusal.text());
        assert!(refusal.meta()["retry_after_ms"].is_u64());
    }
}
