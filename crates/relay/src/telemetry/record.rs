//! What is told of a call that has ended. Never its arguments, never its result.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use dropgate_gate::outcome::Outcome;
use dropgate_journal::CallRef;

use super::trace::Trace;

/// The method that calls a tool.
pub(crate) const TOOLS_CALL: &str = "tools/call";
/// The most letters of a name or an id.
const MAX_TEXT: usize = 256;

/// One call: its span as the host made it, and as the server got it if it was sent.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) operation: Operation,
    pub(crate) trace: Box<Trace>,
    /// The id of the request.
    pub(crate) id: Box<str>,
    pub(crate) outcome: Outcome,
    /// Under which reference the journal knows it.
    pub(crate) reference: Option<CallRef>,
    /// Since the relay's start.
    pub(crate) received: Duration,
    pub(crate) ended: Duration,
    /// The version of the protocol, as the server said it.
    pub(crate) protocol: Option<Arc<str>>,
}

impl Record {
    /// How many spans it becomes.
    pub(crate) fn spans(&self) -> u64 {
        1 + u64::from(self.trace.sent.is_some())
    }
}

/// What was asked for, and how it failed if it did: what calls are counted by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Operation {
    pub(crate) method: Arc<str>,
    pub(crate) tool: Option<Arc<str>>,
    pub(crate) prompt: Option<Arc<str>>,
    pub(crate) failure: Option<Failure>,
}

/// What kind of failure a call ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Failure {
    /// The server's error has this code.
    Code(i64),
    /// By this name.
    Named(&'static str),
}

impl Failure {
    /// Of an outcome, and of the code that came with it.
    pub(crate) fn of(outcome: Outcome, code: Option<i64>) -> Option<Self> {
        match (outcome, code) {
            (Outcome::Completed, _) => None,
            (Outcome::RpcError, Some(code)) => Some(Self::Code(code)),
            (Outcome::RpcError, None) => Some(Self::Named("_OTHER")),
            (Outcome::ToolError, _) => Some(Self::Named("tool_error")),
            (Outcome::TimedOut, _) => Some(Self::Named("timeout")),
            (
                Outcome::Cancelled
                | Outcome::Denied
                | Outcome::NotExecuted
                | Outcome::Unknown
                | Outcome::Shed,
                _,
            ) => Some(Self::Named(outcome.name())),
        }
    }

    /// As `error.type`.
    pub(crate) fn text(self) -> Cow<'static, str> {
        match self {
            Self::Code(code) => code.to_string().into(),
            Self::Named(name) => name.into(),
        }
    }
}

/// A text that is short enough to be told.
pub(crate) fn bounded(text: Arc<str>) -> Arc<str> {
    match text.char_indices().nth(MAX_TEXT) {
        None => text,
        Some((end, _)) => text.get(..end).unwrap_or_default().into(),
    }
}
