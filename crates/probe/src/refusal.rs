//! Why a command could not be probed.

use std::fmt;
use std::io;
use std::time::Duration;

use dropgate_process::SpawnError;

/// A command could not be probed: nothing is known about it, which is not the same as no leak.
#[derive(Debug)]
pub struct NotProbed {
    /// Where it went wrong: "at the first start", or a scenario and an ending.
    pub at: String,
    /// What went wrong.
    pub why: Why,
    /// The last lines that the program wrote to stderr.
    pub stderr: Vec<String>,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Why {
    /// The command is empty.
    #[error("no command was given: put a server's command after --")]
    NoCommand,
    /// The selection leaves no cell.
    #[error("no scenario is called {name:?}; choose from: {known}")]
    NoSuchScenario {
        /// The name that was given.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// The selection leaves no cell.
    #[error("none of the chosen endings can be used over HTTP; choose from: {known}")]
    NoSuchEnding {
        /// The names that there are.
        known: String,
    },
    /// The call is of a tool that the server does not list.
    #[error("the server has no tool {tool:?}; {}", named(known))]
    NoSuchTool {
        /// The name that was given.
        tool: String,
        /// The names that it lists.
        known: Vec<String>,
    },
    /// The system refused to start the program.
    #[error("can not start {program:?}: {why}")]
    NotStarted {
        /// The program as it was given.
        program: String,
        /// What the system said.
        why: String,
    },
    /// The program ended before it had answered.
    #[error("the program ended with code {code} before it had answered {request}")]
    Ended {
        /// The code, 128 and the signal's number after a death by signal.
        code: i32,
        /// The method that was not answered.
        request: &'static str,
    },
    /// The program did not answer.
    #[error("no answer to {request} within {} s; is it an MCP server that speaks over {over}?", within.as_secs_f32())]
    Silent {
        /// The method that was not answered.
        request: &'static str,
        /// How long it was waited for.
        within: Duration,
        /// The transport.
        over: &'static str,
    },
    /// The program answered `initialize` with an error.
    #[error("the program refused initialize: {message}")]
    Refused {
        /// The error, as JSON.
        message: String,
    },
    /// The processes of the run can not be held.
    #[error("can not hold the program's processes: {0}")]
    NotHeld(#[from] SpawnError),
    /// The process that held the processes of the run was killed by somebody.
    #[error("the guard that held the program's processes was killed; they were ended without it")]
    GuardLost,
    /// Processes of the run resist SIGKILL.
    #[error("processes {pids:?} resist SIGKILL: they hang in the kernel")]
    Unstoppable {
        /// Their pids.
        pids: Vec<i32>,
    },
    /// The system refused something that a probe needs.
    #[error("can not {doing}: {source}")]
    System {
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl Why {
    /// For `map_err`: what was being done when the system refused.
    pub(crate) fn system<E: Into<io::Error>>(doing: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::System {
            doing,
            source: source.into(),
        }
    }

    pub(crate) fn at(self, at: impl Into<String>) -> NotProbed {
        NotProbed {
            at: at.into(),
            why: self,
            stderr: Vec::new(),
        }
    }
}

/// What there is to choose from, as far as it fits a line.
fn named(known: &[String]) -> String {
    const MOST: usize = 20;
    let shown = known.get(..known.len().min(MOST)).unwrap_or_default();
    match (known.len(), known.len() - shown.len()) {
        (0, _) => "it lists none".to_owned(),
        (_, 0) => format!("choose from: {}", shown.join(", ")),
        (_, more) => format!("choose from: {} and {more} more", shown.join(", ")),
    }
}

impl fmt::Display for NotProbed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not probed: {}: {}", self.at, self.why)?;
        if !self.stderr.is_empty() {
            f.write_str("; its last lines on stderr:")?;
        }
        self.stderr
            .iter()
            .try_for_each(|line| write!(f, "\n  {line}"))
    }
}

impl std::error::Error for NotProbed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.why)
    }
}
