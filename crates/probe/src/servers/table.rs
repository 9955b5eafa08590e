//! The servers as rows: what each one does with the end of its input, with signals, and whom it
//! brings along.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// What a server does when its standard input ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtEof {
    /// Exits at once; calls that still run are lost.
    Exit,
    /// Says so on stderr and stays.
    Stay,
}

/// Whom a server starts before it answers its first request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Company {
    /// Nobody.
    Alone,
    /// A child in the same process group that holds none of the server's pipes.
    Helper,
    /// A process in a session of its own, without parent, pipes or environment.
    Daemon,
}

/// One server, as a row.
#[derive(Clone, Copy, Debug)]
pub struct Server {
    /// Name for [`run`](super::run).
    pub name: &'static str,
    /// What it does, in one sentence.
    pub does: &'static str,
    /// What kind of published server or launcher behaves so.
    pub seen_in: &'static str,
    /// What it does when its standard input ends.
    pub at_eof: AtEof,
    /// Signal numbers that have no effect on it.
    pub ignores: &'static [i32],
    /// Whom it starts.
    pub company: Company,
}

/// Every server. All of them offer the same tools (see [`tools::standard`](super::tools::standard)).
pub const SERVERS: &[Server] = &[
    Server {
        name: "plain",
        does: "exits when its input ends; every signal has its default effect",
        seen_in: "most servers on the Python SDK",
        at_eof: AtEof::Exit,
        ignores: &[],
        company: Company::Alone,
    },
    Server {
        name: "ignore_term",
        does: "has a SIGTERM handler that changes nothing; exits when its input ends",
        seen_in: "mcp-atlassian, whose handler sets an event that nobody reads; Python stdio servers at SIGINT",
        at_eof: AtEof::Exit,
        ignores: &[SIGTERM],
        company: Company::Alone,
    },
    Server {
        name: "ignore_eof",
        does: "stays when its input ends; every signal has its default effect",
        seen_in: "servers kept alive by an open pool, metrics listener or socket, such as server-postgres in a call",
        at_eof: AtEof::Stay,
        ignores: &[],
        company: Company::Alone,
    },
    Server {
        name: "stubborn",
        does: "stays when its input ends and at SIGTERM, SIGINT and SIGHUP",
        seen_in: "dbhub in a call: a blocked event loop runs neither handlers nor the end of its input",
        at_eof: AtEof::Stay,
        ignores: &[SIGTERM, SIGINT, SIGHUP],
        company: Company::Alone,
    },
    Server {
        name: "helper",
        does: "leaves a child in its own process group that holds no pipe",
        seen_in: "servers with a native helper, a port-forward or a running command",
        at_eof: AtEof::Exit,
        ignores: &[],
        company: Company::Helper,
    },
    Server {
        name: "daemon",
        does: "leaves a process in a session of its own, without pipes, parent or environment",
        seen_in: "browser servers, whose Chromium processes have sessions of their own",
        at_eof: AtEof::Exit,
        ignores: &[],
        company: Company::Daemon,
    },
    Server {
        name: "rude",
        does: "stubborn and daemon at once",
        seen_in: "a browser server in the middle of a call",
        at_eof: AtEof::Stay,
        ignores: &[SIGTERM, SIGINT, SIGHUP],
        company: Company::Daemon,
    },
];

pub(super) const NAMES: [&str; SERVERS.len()] = {
    let mut names = [""; SERVERS.len()];
    let mut row = 0;
    while row < SERVERS.len() {
        names[row] = SERVERS[row].name;
        row += 1;
    }
    names
};
