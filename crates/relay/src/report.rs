//! What is said at the very end, in JSON: documented API.

use std::collections::BTreeMap;
use std::time::Duration;

use dropgate_gate::call::Finished;
use dropgate_gate::call::Standing;
use dropgate_gate::outcome::Outcome;
use dropgate_gate::shutdown::{Phase, Trigger};
use dropgate_process::{Exit, Level, Process};
use serde::Serialize;

/// The last line of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Processes of the server's tree that are alive after all.
    pub survivors: Vec<Survivor>,
    /// Whether there are any.
    pub leaked: bool,
    /// The level that the tree was held at.
    pub containment: &'static str,
    /// Why the run ended.
    pub trigger: &'static str,
    /// How the server's first process ended, if that was seen.
    pub server: Option<ServerExit>,
    /// What became of the calls that the shutdown met.
    pub in_flight: Calls,
    /// What became of the leases of the server's secrets.
    pub leases: LeaseReport,
    /// Where the record of calls ended; none if none was kept.
    pub journal: Option<JournalReport>,
    /// What became of spans and durations; none if there is no collector.
    pub telemetry: Option<TelemetryReport>,
    /// Lines on the server's stdout that were no messages and went to the log.
    pub stray_stdout_lines: u64,
    /// Answers of the server's that nobody waited for, and that were left out.
    pub surplus_answers: u64,
    /// How long each phase lasted, milliseconds.
    pub phase_ms: BTreeMap<&'static str, u64>,
    /// From the trigger to this report, milliseconds.
    pub exit_ms: u64,
}

/// Counts of leases at the end, those that earlier runs left included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeaseReport {
    /// The credentials are worth nothing any more.
    pub revoked: usize,
    /// They could not be ended in time; the next start tries again.
    pub pending: usize,
}

/// What reached the collector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TelemetryReport {
    /// Spans that the collector took.
    pub spans_exported: u64,
    /// Spans that it did not take, or not in time, or for which there was no room.
    pub spans_lost: u64,
    /// Whether the last durations did not reach it.
    pub metrics_lost: bool,
}

/// The end of a journal's chain.
#[derive(Clone, Debug, Serialize)]
pub struct JournalReport {
    /// The number of the last record.
    pub seq: Option<u64>,
    /// Its hash: whoever keeps it can tell later whether records were cut off.
    pub head: Option<String>,
    /// Whether the chain was brought to an orderly end.
    pub sealed: bool,
    /// How many calls that only read went on while nothing could be recorded; left out if none did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unrecorded: Option<u64>,
}

/// A process that should not be there.
#[derive(Clone, Debug, Serialize)]
pub struct Survivor {
    /// Its process id.
    pub pid: i32,
    /// Its arguments, shortened.
    pub argv: Vec<String>,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerExit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// Counts of outcomes, of the calls that were open when the shutdown began or
/// came after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// The server answered.
    pub completed: u64,
    /// The server was told to stop and confirmed it with an error.
    pub cancelled: u64,
    /// Nobody knows whether they took effect.
    pub unknown: u64,
    /// They never reached the server.
    pub not_executed: u64,
}

impl Calls {
    /// Counts one outcome; those that a host asked for are no news to it.
    pub(crate) fn count(&mut self, finished: &Finished) {
        match (finished.outcome, finished.standing) {
            (Outcome::Completed | Outcome::ToolError | Outcome::RpcError, _) => self.completed += 1,
            (Outcome::Cancelled, Standing::CancelledByHost) => {}
            (Outcome::Cancelled, Standing::Waiting | Standing::CancelSent) => self.cancelled += 1,
            (Outcome::Unknown | Outcome::TimedOut, _) => self.unknown += 1,
            (Outcome::NotExecuted | Outcome::Shed | Outcome::Denied, _) => self.not_executed += 1,
        }
    }
}

impl From<Process> for Survivor {
    fn from(process: Process) -> Self {
        Self {
            pid: process.pid,
            argv: process.argv(),
        }
    }
}

impl From<Exit> for ServerExit {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Code(code) => Self::Code(code),
            Exit::Signal(signal) => Self::Signal(signal),
        }
    }
}

/// What is gathered for the report while a shutdown goes on.
#[derive(Clone, Debug)]
pub(crate) struct Notes {
    pub(crate) trigger: Trigger,
    pub(crate) begun: Duration,
    pub(crate) calls: Calls,
    phases: BTreeMap<&'static str, Duration>,
}

impl Notes {
    pub(crate) fn begin(trigger: Trigger, at: Duration) -> Self {
        Self {
            trigger,
            begun: at,
            calls: Calls::default(),
            phases: BTreeMap::new(),
        }
    }

    pub(crate) fn spent(&mut self, phase: Phase, time: Duration) {
        match phase {
            Phase::Running | Phase::Done => {}
            Phase::Draining
            | Phase::Cancelling
            | Phase::Closing
            | Phase::Terminating
            | Phase::Killing => *self.phases.entry(phase.name()).or_default() += time,
        }
    }

    pub(crate) fn report(
        &self,
        level: Level,
        server: Option<Exit>,
        survivors: &[Process],
        stray_stdout_lines: u64,
        now: Duration,
    ) -> Report {
        Report {
            survivors: survivors.iter().copied().map(Survivor::from).collect(),
            leaked: !survivors.is_empty(),
            containment: level.name(),
            trigger: self.trigger.name(),
            server: server.map(ServerExit::from),
            in_flight: self.calls,
            leases: LeaseReport::default(),
            journal: None,
            telemetry: None,
            stray_stdout_lines,
            surplus_answers: 0,
            phase_ms: self
                .phases
                .iter()
                .map(|(name, time)| (*name, millis(*time)))
                .collect(),
            exit_ms: millis(now.saturating_sub(self.begun)),
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
