//! The model: what each ending of each scenario must leave, tell the caller and exit with.

use std::time::Duration;

use crate::run::Ended;

/// How a run is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// stdin is closed.
    Eof,
    /// stdin is closed, SIGTERM 2 s later, SIGKILL 2 s after that: the protocol's own way.
    Spec,
    /// SIGTERM to dropgate, stdin open.
    Term,
    /// SIGINT to dropgate, stdin open.
    Int,
    /// SIGHUP to dropgate, stdin open.
    Hup,
    /// SIGKILL to dropgate, stdin open.
    Kill,
    /// SIGKILL to the host, whose end of the streams stays open elsewhere.
    Host,
}

impl Ending {
    /// Every ending, in the order of the columns below.
    pub const ALL: [Self; 7] = [
        Self::Eof,
        Self::Spec,
        Self::Term,
        Self::Int,
        Self::Hup,
        Self::Kill,
        Self::Host,
    ];

    /// The name of its column.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Eof => "eof",
            Self::Spec => "spec",
            Self::Term => "term",
            Self::Int => "int",
            Self::Hup => "hup",
            Self::Kill => "kill",
            Self::Host => "host",
        }
    }
}

/// What the server is doing when the ending strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Busy {
    /// Nothing.
    Idle,
    /// A call that never ends.
    Block,
    /// A call that takes 2 s, 0.5 s old.
    Slow,
}

/// What the caller of the call in flight learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// There is no call.
    NoCall,
    /// The server's result.
    Result,
    /// One answer that says `unknown`.
    Unknown,
    /// Nothing: dropgate itself was killed.
    Nothing,
}

/// What dropgate exits with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// This code.
    Code(i32),
    /// Killed by SIGKILL.
    Killed,
    /// Nobody is left to learn it.
    Unseen,
}

impl Exit {
    /// Whether dropgate ended so.
    #[must_use]
    pub fn is(self, ended: Ended) -> Matches {
        let holds = match (self, ended) {
            (Self::Code(expected), Ended::Code(code)) => expected == code,
            (Self::Killed, Ended::Signal(signal)) => signal == 9,
            (Self::Unseen, _) => true,
            (Self::Code(_), Ended::Signal(_)) | (Self::Killed, Ended::Code(_)) => false,
        };
        if holds { Matches::Yes } else { Matches::No }
    }
}

/// Whether something is as the model says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matches {
    /// It is.
    Yes,
    /// It is not.
    No,
}

/// One scenario. Arrays are in the order of [`Ending::ALL`].
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Name of the row.
    pub name: &'static str,
    /// The server's command; `{servers}` and `{dir}` are replaced.
    pub server: &'static [&'static str],
    /// What it is doing.
    pub busy: Busy,
    /// What the caller learns.
    pub caller: [Caller; 7],
    /// What dropgate exits with.
    pub exit: [Exit; 7],
}

impl Scenario {
    /// How long after the ending no process may be left.
    #[must_use]
    pub fn within(&self, ending: Ending) -> Duration {
        const IDLE: Duration = Duration::from_secs(2);
        match (self.busy, ending) {
            (Busy::Idle, _) | (Busy::Block | Busy::Slow, Ending::Kill) => IDLE,
            (Busy::Block | Busy::Slow, Ending::Eof | Ending::Host) => Duration::from_secs(3),
            // SDK hosts send SIGKILL now.
            (Busy::Block | Busy::Slow, Ending::Spec) => Duration::from_secs(4),
            (Busy::Block | Busy::Slow, Ending::Term | Ending::Int | Ending::Hup) => {
                Duration::from_millis(11_500)
            }
        }
    }

    /// What the caller learns at this ending.
    #[must_use]
    pub fn caller_at(&self, ending: Ending) -> Caller {
        at(&self.caller, ending).unwrap_or(Caller::NoCall)
    }

    /// What dropgate exits with at this ending.
    #[must_use]
    pub fn exit_at(&self, ending: Ending) -> Exit {
        at(&self.exit, ending).unwrap_or(Exit::Unseen)
    }
}

fn at<T: Copy>(row: &[T; 7], ending: Ending) -> Option<T> {
    let index = Ending::ALL.iter().position(|one| *one == ending)?;
    row.get(index).copied()
}

/// Nothing survives in any of these: that is the same everywhere, so it is in no column.
#[rustfmt::skip]
pub const SCENARIOS: &[Scenario] = &[
    //                                       eof spec term int hup
    idle("plain", &["{servers}", "plain"],              exits([0, 0, 0, 0, 0])),
    idle("ignore_term", &["{servers}", "ignore_term"],  exits([0, 0, 0, 0, 0])),
    idle("ignore_eof", &["{servers}", "ignore_eof"],    exits([0, 0, 0, 0, 0])),
    idle("stubborn", &["{servers}", "stubborn"],        exits([12, 12, 12, 12, 12])),
    idle("shwrap", SHELL_PLAIN,                          exits([0, 0, 0, 0, 0])),
    idle("shwrap_noeof", SHELL_IGNORE_EOF,               exits([0, 0, 0, 0, 0])),
    idle("helper", &["{servers}", "helper"],            exits([0, 0, 0, 0, 0])),
    idle("daemon", &["{servers}", "daemon"],            exits([0, 0, 0, 0, 0])),
    Scenario {
        name: "block",
        server: RECORD,
        busy: Busy::Block,
        caller: callers(Caller::Unknown),
        exit: exits([11, 11, 11, 11, 11]),
    },
    Scenario {
        name: "slow",
        server: RECORD,
        busy: Busy::Slow,
        caller: callers(Caller::Result),
        exit: exits([0, 0, 0, 0, 0]),
    },
];

/// A server like `plain` that also writes down what reaches it.
pub const RECORD: &[&str] = &["{servers}", "record", "{dir}/record"];

const SHELL_PLAIN: &[&str] = &["sh", "-c", SCRIPT, "{servers}", "plain"];
const SHELL_IGNORE_EOF: &[&str] = &["sh", "-c", SCRIPT, "{servers}", "ignore_eof"];

/// With a command after the server the shell stays as its parent.
const SCRIPT: &str = r#""$0" "$@"; exit $?"#;

const fn idle(name: &'static str, server: &'static [&'static str], exit: [Exit; 7]) -> Scenario {
    Scenario {
        name,
        server,
        busy: Busy::Idle,
        caller: [Caller::NoCall; 7],
        exit,
    }
}

const fn exits(codes: [i32; 5]) -> [Exit; 7] {
    let [eof, spec, term, int, hup] = codes;
    [
        Exit::Code(eof),
        Exit::Code(spec),
        Exit::Code(term),
        Exit::Code(int),
        Exit::Code(hup),
        Exit::Killed,
        Exit::Unseen,
    ]
}

const fn callers(told: Caller) -> [Caller; 7] {
    [told, told, told, told, told, Caller::Nothing, told]
}

/// What is done to the owners of a server that attacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// SIGTERM to dropgate.
    Term,
    /// stdin is closed.
    Eof,
    /// SIGKILL to the host.
    HostKilled,
    /// SIGKILL to dropgate.
    WrapperKilled,
    /// SIGSTOP to dropgate, then SIGKILL to the host.
    WrapperStopped,
    /// SIGKILL to the guard.
    GuardKilled,
    /// SIGKILL to dropgate's process group.
    GroupKilled,
    /// SIGKILL to the guard and to dropgate at once.
    BothKilled,
    /// SIGSTOP to the guard, then SIGKILL to dropgate, whose death continues the guard.
    GuardStopped,
    /// The server kills whom of its owners it can see, then dropgate is killed if it still runs.
    Regicide,
}

impl Event {
    /// Those that leave nothing at any level.
    pub const ANYWHERE: [Self; 8] = [
        Self::Term,
        Self::Eof,
        Self::HostKilled,
        Self::WrapperKilled,
        Self::WrapperStopped,
        Self::GuardKilled,
        Self::GroupKilled,
        Self::GuardStopped,
    ];

    /// Those that leave nothing at the two strongest levels, and that the next sweep finishes at
    /// the others.
    pub const BEYOND: [Self; 2] = [Self::BothKilled, Self::Regicide];

    /// The name of its column.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Term => "term",
            Self::Eof => "eof",
            Self::HostKilled => "host",
            Self::WrapperKilled => "kill_w",
            Self::WrapperStopped => "stop_w",
            Self::GuardKilled => "kill_g",
            Self::GroupKilled => "killpg",
            Self::BothKilled => "kill_gw",
            Self::GuardStopped => "stop_g",
            Self::Regicide => "regicide",
        }
    }
}

/// A server that attacks its owner.
#[derive(Clone, Copy, Debug)]
pub struct Attack {
    /// Name of the row.
    pub name: &'static str,
    /// Whether its own process ends with its input.
    pub leader: Leader,
    /// Whether what it leaves stays the same, so that a list of it can be compared.
    pub crowd: Crowd,
}

/// What a server's own process does when its input ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leader {
    /// It ends as well.
    EndsAtEof,
    /// It stays.
    Stays,
}

/// Whether the processes of a server change by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crowd {
    /// They stay the same.
    Steady,
    /// They replace one another.
    Moving,
}

/// How long after an event no process may be left, where none may be.
pub const ATTACKED_WITHIN: Duration = Duration::from_secs(2);

/// Servers that try to get away.
#[rustfmt::skip]
pub const ATTACKS: &[Attack] = &[
    attack("ignterm", Leader::Stays,     Crowd::Steady),
    attack("chain",   Leader::Stays,     Crowd::Steady),
    attack("setsid2", Leader::EndsAtEof, Crowd::Steady),
    attack("daemon",  Leader::EndsAtEof, Crowd::Steady),
    attack("hop",     Leader::EndsAtEof, Crowd::Moving),
    attack("hydra",   Leader::EndsAtEof, Crowd::Moving),
];

/// The server of [`Event::Regicide`].
pub const REGICIDE: Attack = attack("regicide", Leader::EndsAtEof, Crowd::Steady);

const fn attack(name: &'static str, leader: Leader, crowd: Crowd) -> Attack {
    Attack {
        name,
        leader,
        crowd,
    }
}
