//! The hostile servers, as rows.

use crate::stage::Act;
use crate::{kin, pace, regicide, swarm, witness};

/// What befalls the server's own process; nobody else is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Its standard input is closed.
    Eof,
    /// SIGTERM, with its standard input open.
    Term,
    /// SIGINT, with its standard input open.
    Int,
    /// SIGHUP, with its standard input open.
    Hup,
    /// SIGKILL, with its standard input open.
    Kill,
}

impl Ending {
    /// Every ending.
    pub const ALL: [Self; 5] = [Self::Eof, Self::Term, Self::Int, Self::Hup, Self::Kill];
}

/// How many processes of a run are alive after an ending when nobody owns the server. The server
/// had answered `initialize` and was idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bare {
    /// The same number after each ending.
    Always(usize),
    /// A number for each ending.
    After {
        /// After [`Ending::Eof`].
        eof: usize,
        /// After [`Ending::Term`].
        term: usize,
        /// After [`Ending::Int`].
        int: usize,
        /// After [`Ending::Hup`].
        hup: usize,
        /// After [`Ending::Kill`].
        kill: usize,
    },
    /// As many as the first argument asks for, after each ending.
    AsAsked,
}

impl Bare {
    /// The number for `ending`; `None` if the arguments of the server decide.
    #[must_use]
    pub fn survivors(self, ending: Ending) -> Option<usize> {
        match self {
            Self::Always(survivors) => Some(survivors),
            Self::AsAsked => None,
            Self::After {
                eof,
                term,
                int,
                hup,
                kill,
            } => Some(match ending {
                Ending::Eof => eof,
                Ending::Term => term,
                Ending::Int => int,
                Ending::Hup => hup,
                Ending::Kill => kill,
            }),
        }
    }
}

/// One hostile server, as a row.
#[derive(Clone, Copy, Debug)]
pub struct Hostile {
    /// Name on the command line.
    pub name: &'static str,
    /// Its arguments, with their defaults.
    pub arguments: &'static str,
    /// What it does.
    pub does: &'static str,
    /// What kind of published server, launcher or attack behaves so.
    pub seen_in: &'static str,
    /// What it leaves behind when nobody owns it.
    pub bare: Bare,
    act: Act,
}

/// Every hostile server.
pub const HOSTILE: &[Hostile] = &[
    Hostile {
        name: "polite",
        arguments: "",
        does: "exits when its input ends; every signal has its default effect",
        seen_in: "most servers: the control of every comparison",
        bare: Bare::Always(0),
        act: pace::polite,
    },
    Hostile {
        name: "ignterm",
        arguments: "",
        does: "ignores the end of its input and every signal that can be caught",
        seen_in: "servers whose event loop is blocked: dbhub in a synchronous query",
        bare: Bare::After {
            eof: 1,
            term: 1,
            int: 1,
            hup: 1,
            kill: 0,
        },
        act: pace::ignterm,
    },
    Hostile {
        name: "chain",
        arguments: "",
        does: "a launcher that waits for sh -c, which waits for a server that ignores EOF, TERM, INT and HUP; neither launcher nor shell pass a signal on",
        seen_in: "npx, npm exec and sh -c command lines",
        bare: Bare::After {
            eof: 3,
            term: 2,
            int: 2,
            hup: 2,
            kill: 2,
        },
        act: kin::chain,
    },
    Hostile {
        name: "setsid2",
        arguments: "",
        does: "leaves a process in a session of its own that holds all three streams",
        seen_in: "servers that start a browser or a language server detached, with inherited streams",
        bare: Bare::Always(1),
        act: kin::setsid2,
    },
    Hostile {
        name: "hop",
        arguments: "[FORKS=200]",
        does: "leaves two processes that move: each starts its successor in a new session and exits, every 2 ms, FORKS times in all; the last two stay",
        seen_in: "self-restarting updaters; an attack on owners that walk the process table",
        bare: Bare::Always(2),
        act: swarm::hop,
    },
    Hostile {
        name: "hydra",
        arguments: "[FORKS=200]",
        does: "leaves two pairs in sessions of their own; each process replaces its dead sibling, FORKS times in all",
        seen_in: "watchdog pairs; an attack on owners that kill one process after the other",
        bare: Bare::Always(4),
        act: swarm::hydra,
    },
    Hostile {
        name: "regicide",
        arguments: "[PID…] [--stop-at PID]",
        does: "leaves a daemon; its tool `strike` sends SIGKILL to the given processes and to its ancestors below --stop-at",
        seen_in: "clean-up scripts that kill by name or by parent; an attack on the owner itself",
        bare: Bare::Always(1),
        act: regicide::regicide,
    },
    Hostile {
        name: "orphaner",
        arguments: "",
        does: "leaves a daemon and exits by itself with code 7 once it is initialized",
        seen_in: "launchers that hand over to a background server",
        bare: Bare::Always(1),
        act: kin::orphaner,
    },
    Hostile {
        name: "holder",
        arguments: "",
        does: "leaves a child in its process group that holds all three streams",
        seen_in: "servers that run a shell command with inherited streams, such as cli-mcp-server",
        bare: Bare::Always(1),
        act: kin::holder,
    },
    Hostile {
        name: "fork-on-term",
        arguments: "",
        does: "answers SIGTERM with a new daemon, then exits with 0",
        seen_in: "servers that restart themselves to reload their configuration",
        bare: Bare::After {
            eof: 0,
            term: 1,
            int: 0,
            hup: 0,
            kill: 0,
        },
        act: kin::fork_on_term,
    },
    Hostile {
        name: "forkbomb-lite",
        arguments: "[PROCESSES=500]",
        does: "leaves a tree of PROCESSES processes that grows while it serves",
        seen_in: "hosts that start one server for each of hundreds of sessions",
        bare: Bare::AsAsked,
        act: swarm::forkbomb,
    },
    Hostile {
        name: "slow-init",
        arguments: "[MS=3000]",
        does: "reads nothing for MS before it answers initialize",
        seen_in: "uv and npx on a first start; Python servers with many imports",
        bare: Bare::Always(0),
        act: pace::slow_init,
    },
    Hostile {
        name: "never-init",
        arguments: "",
        does: "never reads its input, and so never answers initialize nor notices the end",
        seen_in: "servers that wait for a database or a login before they serve",
        bare: Bare::After {
            eof: 1,
            term: 0,
            int: 0,
            hup: 0,
            kill: 0,
        },
        act: pace::never_init,
    },
    Hostile {
        name: "epipe-spinner",
        arguments: "",
        does: "spins on the CPU once its input has ended or its output is broken",
        seen_in: "servers that retry a failed read or write without a pause",
        bare: Bare::After {
            eof: 1,
            term: 0,
            int: 0,
            hup: 0,
            kill: 0,
        },
        act: pace::epipe_spinner,
    },
    Hostile {
        name: "eof-flusher",
        arguments: "FILE [MS=200]",
        does: "writes FILE MS after its input has ended, then exits",
        seen_in: "servers that save their state on a clean shutdown, such as a memory server",
        bare: Bare::Always(0),
        act: pace::eof_flusher,
    },
    Hostile {
        name: "stopped",
        arguments: "",
        does: "stops itself with SIGSTOP once it has answered initialize",
        seen_in: "servers under a debugger or suspended with their terminal",
        bare: Bare::After {
            eof: 1,
            term: 1,
            int: 1,
            hup: 1,
            kill: 0,
        },
        act: pace::stopped,
    },
    Hostile {
        name: "flood-stdout",
        arguments: "[BYTES=16000000]",
        does: "sends BYTES of log notifications as soon as it is initialized, and reads nothing meanwhile",
        seen_in: "servers that forward their debug log as notifications",
        bare: Bare::Always(0),
        act: pace::flood_stdout,
    },
    Hostile {
        name: "reporter",
        arguments: "",
        does: "its tool `progress` reports progress `times` times, every `every_ms`, under the token of the call, and then answers",
        seen_in: "servers that download, build or search for minutes",
        bare: Bare::Always(0),
        act: pace::reporter,
    },
    Hostile {
        name: "counter",
        arguments: "FILE",
        does: "its tool `count` appends its arguments to FILE as a line: the side effect that must happen once; `count_and_fail`, `count_and_block`, `count_at_length`, `count_behind` and `count_when_told` do the same and answer badly, never, late, or in a second round, and `pause` stops reading",
        seen_in: "every server with a tool that writes",
        bare: Bare::Always(0),
        act: witness::counter,
    },
    Hostile {
        name: "record",
        arguments: "FILE",
        does: "appends every line it receives to FILE, byte for byte, before it acts on it",
        seen_in: "none: proof of what reached the server, such as notifications/cancelled",
        bare: Bare::Always(0),
        act: witness::record,
    },
    Hostile {
        name: "mirror",
        arguments: "",
        does: "answers each request but initialize, tools/list and its tool `emit` with the bytes of its params; `emit` writes the bytes given in hex",
        seen_in: "none: proof that bytes pass unchanged",
        bare: Bare::Always(0),
        act: witness::mirror,
    },
];

/// Processes that hostile servers start for themselves.
const PARTS: &[(&str, Act)] = &[
    (swarm::HOPPER, swarm::hopper),
    (swarm::HEAD, swarm::head),
    (swarm::BOMB, swarm::bomb),
];

pub(crate) fn play(name: &str) -> Option<Act> {
    let hostile = HOSTILE.iter().map(|row| (row.name, row.act));
    hostile
        .chain(PARTS.iter().copied())
        .find(|(known, _)| *known == name)
        .map(|(_, act)| act)
}

#[cfg(test)]
mod tests {
    use super::*;
    use dropgate_probe::servers::{names, offspring::Role};

    #[test]
    fn no_name_stands_for_two_things() {
        let mut all: Vec<&str> = HOSTILE.iter().map(|row| row.name).collect();
        all.extend(PARTS.iter().map(|(name, _)| *name));
        all.extend(names());
        all.push(crate::deny::NAME);
        assert!(all.iter().all(|name| Role::named(name).is_none()));
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
