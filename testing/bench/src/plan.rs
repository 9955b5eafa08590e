//! What the load generator is asked to do and what it answers: one JSON text each way.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// One way from the host to the echo server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Route {
    /// What it is called in the report.
    pub name: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Set in addition to the load generator's own environment.
    pub environment: BTreeMap<String, String>,
    /// The executable of the server, whose processes are not the relay's.
    pub server: PathBuf,
    /// Where the stderr of the command goes.
    pub log: PathBuf,
    /// How the host speaks to it.
    pub door: Door,
}

/// How the host speaks to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Door {
    /// Over its standard streams.
    Stdio,
    /// Over Streamable HTTP at `/mcp` of this port of the loopback interface.
    Http {
        /// The port that the command was told to listen on.
        port: u16,
    },
}

/// Where the host, the relay and the server may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Placement {
    /// Wherever the scheduler puts them.
    Free,
    /// All on one processor: what is measured is work, not which processor was awake.
    OneProcessor,
}

/// What a call carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Payload {
    /// A text of so many bytes in the request, and again in the answer.
    Both(usize),
    /// A short request, and a text of so many bytes in the answer.
    Answer(usize),
}

/// One measurement.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Plan {
    /// All routes stay open; in each round each of them in turn gets calls for a while.
    Calls {
        /// Where the processes may run.
        placement: Placement,
        /// In the order in which they take turns.
        routes: Vec<Route>,
        /// Calls in flight, at least 1.
        in_flight: usize,
        /// What each call carries.
        payload: Payload,
        /// How often each route gets its turn.
        rounds: usize,
        /// How long a turn admits new calls, milliseconds.
        turn_ms: u64,
    },
    /// Each round starts and ends each route once.
    Lives {
        /// In the order in which they take turns.
        routes: Vec<Route>,
        /// How often each route lives.
        rounds: usize,
    },
    /// Memory of an idle relay.
    Memory {
        /// What is measured.
        route: Route,
        /// What it does before it is left idle: so many calls of each kind, 16 in flight.
        batches: Vec<(Payload, usize)>,
    },
    /// Memory of a relay whose server reads nothing while the host goes on calling.
    Queue {
        /// What is measured.
        route: Route,
        /// How many calls the host makes, one after the other, without waiting for answers.
        count: usize,
    },
    /// Starts and stops one route again and again, and looks for what grows.
    Cycles {
        /// What is started.
        route: Route,
        /// How often.
        count: usize,
        /// The relay's executable.
        relay: PathBuf,
        /// The folder that holds its ledger files.
        ledger: PathBuf,
    },
}

/// What was seen.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Seen {
    /// For each route, its turns in order.
    Calls(Vec<Vec<Turn>>),
    /// For each route, its lives in order.
    Lives(Vec<Vec<Life>>),
    /// One look at each process of an idle relay.
    Memory(Vec<Memory>),
    /// What queued calls took.
    Queue(Queue),
    /// What the cycles left.
    Cycles(Cycles),
}

/// One turn of a route.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Turn {
    /// Calls that were answered.
    pub calls: usize,
    /// From the first request to the last answer.
    pub seconds: f64,
    /// The median time of a call, microseconds.
    pub p50_us: f64,
    /// The time that 99 of 100 calls stay under, microseconds.
    pub p99_us: f64,
    /// Processor time of all processes that are not the server's, microseconds for each call.
    pub relay_cpu_us: f64,
    /// Processor time of host, relay and server together, microseconds for each call. With all of them on one
    /// processor this is the time that a call takes, less what other programs use of that processor meanwhile.
    pub chain_cpu_us: f64,
}

/// One life of a route.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Life {
    /// From before the start to the answer to `initialize`, milliseconds.
    pub start_ms: f64,
    /// From the end of its input to its exit, milliseconds.
    pub end_ms: f64,
}

/// Memory of a process that is not the server's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Memory {
    /// Its name.
    pub process: String,
    /// VmRSS, KiB: pages that it shares with others count in full.
    pub rss_kib: u64,
    /// Pss, KiB: a page that is shared counts as a fraction.
    pub pss_kib: u64,
}

/// What calls took that no server answered.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Queue {
    /// So many the relay answered itself.
    pub answered: usize,
    /// Most memory that the relay's processes ever had resident before, KiB together.
    pub peak_before_kib: u64,
    /// The same afterwards.
    pub peak_after_kib: u64,
}

/// What cycles left, against what was there before them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cycles {
    /// How many were completed.
    pub count: usize,
    /// How long they took.
    pub seconds: f64,
    /// Before the first, after a few for warming up.
    pub before: Remains,
    /// After the last.
    pub after: Remains,
}

/// What a start and stop could leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remains {
    /// Live processes of the relay's or the server's executable.
    pub processes: usize,
    /// Unreaped children of the host, and unreaped processes named like the relay.
    pub zombies: usize,
    /// Open descriptors of the host.
    pub descriptors: usize,
    /// Control groups named like the relay's that hold no process.
    pub cgroups: usize,
    /// Files of the ledger.
    pub ledger_files: usize,
}
