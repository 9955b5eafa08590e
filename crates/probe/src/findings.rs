//! What a probe found.

use std::time::Duration;

use serde::Serialize;

use crate::ending::Ending;

/// Everything that a probe found, in the order of the scenarios and, within each, of the endings.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Findings {
    /// The command that was probed, as a shell would read it.
    pub server: String,
    /// Whether something was put before the command.
    pub guarded: bool,
    /// One per scenario and ending, then one per behaviour case.
    pub cells: Vec<Cell>,
    /// The cells in numbers.
    pub summary: Summary,
    /// How long processes could take to leave.
    #[serde(skip)]
    pub bound: Duration,
}

/// The cells in numbers. Behaviour cases are left out: nothing ends them, so nothing can leak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// How many met an ending.
    pub cells: usize,
    /// How many of those leaked.
    pub leaked: usize,
}

/// One scenario that met one ending.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cell {
    /// Name of the scenario or behaviour case.
    pub scenario: String,
    /// What struck; [`Ending::None`] for a behaviour case.
    pub ending: Ending,
    /// Who was alive when the bound had passed.
    pub survivors: Vec<Survivor>,
    /// Whether there were any.
    pub leaked: bool,
    /// Seconds between the first step of the ending and the first moment without a process of the run; nothing if
    /// there was no such moment.
    pub zero_after_s: Option<f64>,
    /// What reached the caller.
    pub caller: Caller,
    /// The program's own exit code, 128 and the signal's number after a death by signal; nothing
    /// if it did not end, or if the process that could have told was killed.
    pub exit_code: Option<i32>,
    /// Lines on stdout that are not JSON-RPC. Always 0 over HTTP, where stdout is a log.
    pub impure_stdout_lines: u64,
    /// Pieces of a careless error text that reached the caller.
    pub leaked_text: Vec<String>,
    /// What the call of the scenario was doing when the ending struck.
    #[serde(skip)]
    pub call: CallState,
}

/// A process that was alive when it should not have been.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Survivor {
    /// Its pid.
    pub pid: i32,
    /// Its command line, or its name in brackets if that is empty.
    pub argv: Vec<String>,
}

/// What reached the caller, the last line of defence against a call whose outcome nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Caller {
    /// Its call was answered with a result.
    Result,
    /// Its call was answered with an error, of the protocol or of the tool.
    Error,
    /// No answer, but the end of the stream.
    Eof,
    /// Nothing at all.
    Nothing,
}

impl Caller {
    /// The name in tables and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Result => "result",
            Self::Error => "error",
            Self::Eof => "eof",
            Self::Nothing => "nothing",
        }
    }
}

/// What the call of a scenario was doing when the ending struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallState {
    /// There was none.
    Idle,
    /// It ran.
    InFlight,
    /// It had been answered, so that the ending met an idle program.
    Answered,
}

impl Findings {
    pub(crate) fn new(server: String, guarded: Guarded, bound: Duration, cells: Vec<Cell>) -> Self {
        let struck = cells.iter().filter(|cell| cell.ending != Ending::None);
        let summary = Summary {
            cells: struck.clone().count(),
            leaked: struck.filter(|cell| cell.leaked).count(),
        };
        Self {
            server,
            guarded: guarded == Guarded::Yes,
            cells,
            summary,
            bound,
        }
    }

    /// Whether any cell leaked: then the exit code of `probe` is 1.
    #[must_use]
    pub fn leaked(&self) -> bool {
        self.summary.leaked > 0
    }
}

/// Whether something was put before the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guarded {
    Yes,
    No,
}
