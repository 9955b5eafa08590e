//! What became of a call, and the words in which dropgate says so when the server doesn't.

use serde_json::{Value, json};

/// JSON-RPC's "internal error".
const INTERNAL_ERROR: i64 = -32603;

/// What became of a call. Every call gets exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The server answered with a result.
    Completed,
    /// The server answered with a result that says the tool failed (`isError`).
    ToolError,
    /// The server answered with a JSON-RPC error.
    RpcError,
    /// The call was cancelled, and either the server confirmed it with an error or the host no
    /// longer wants to know.
    Cancelled,
    /// The call never reached the server.
    NotExecuted,
    /// The call reached the server and no answer came: it may or may not have run.
    Unknown,
    /// The call was refused because too many were in flight.
    Shed,
}

impl Outcome {
    /// Every outcome, in the order of the enum.
    pub const ALL: [Self; 7] = [
        Self::Completed,
        Self::ToolError,
        Self::RpcError,
        Self::Cancelled,
        Self::NotExecuted,
        Self::Unknown,
        Self::Shed,
    ];

    /// The name used in answers and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::ToolError => "tool_error",
            Self::RpcError => "rpc_error",
            Self::Cancelled => "cancelled",
            Self::NotExecuted => "not_executed",
            Self::Unknown => "unknown",
            Self::Shed => "shed",
        }
    }

    /// Whether the same call may be made again.
    ///
    /// A failed or cancelled call may have done part of its work, so it is [`Retry::Unsafe`].
    #[must_use]
    pub fn retry(self) -> Retry {
        match self {
            Self::NotExecuted | Self::Shed => Retry::Safe,
            Self::ToolError | Self::RpcError | Self::Cancelled | Self::Unknown => Retry::Unsafe,
            Self::Completed => Retry::Never,
        }
    }

    /// The JSON-RPC error code under which dropgate reports this outcome.
    ///
    /// Outcomes that come with an answer of the server's own have no code here; they map to
    /// "internal error", so that a reply made from one by mistake is still a valid error.
    #[must_use]
    pub fn code(self) -> i64 {
        match self {
            Self::NotExecuted => 46001,
            Self::Unknown => 46007,
            Self::Shed => 46008,
            Self::Completed | Self::ToolError | Self::RpcError | Self::Cancelled => INTERNAL_ERROR,
        }
    }
}

/// Whether a call may be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retry {
    /// Nothing ran: calling again can't do the work twice.
    Safe,
    /// Something may have run: check before calling again.
    Unsafe,
    /// The work is done: calling again would do it twice.
    Never,
}

impl Retry {
    /// The name used in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Unsafe => "unsafe",
            Self::Never => "never",
        }
    }
}

/// An answer that dropgate gives in the server's place.
///
/// It can only come from the constructors below, so no text of a server or of an error reaches
/// the host through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a refused call is owed its answer"]
pub struct Refusal {
    outcome: Outcome,
    text: &'static str,
}

impl Refusal {
    /// A call that came after shutdown began.
    pub fn draining() -> Self {
        Self {
            outcome: Outcome::NotExecuted,
            text: "This server is shutting down, so the call was not started and nothing ran. \
                   It is safe to call again once the server is back.",
        }
    }

    /// A call that was still open when the time for shutdown was up.
    pub fn unknown_at_shutdown() -> Self {
        Self {
            outcome: Outcome::Unknown,
            text: "This server was shut down before the call finished, so it is not known \
                   whether the call took effect. Check that before calling again.",
        }
    }

    /// A call that was open when the server ended by itself.
    pub fn unknown_server_exit() -> Self {
        Self {
            outcome: Outcome::Unknown,
            text: "The server ended before the call finished, so it is not known whether the \
                   call took effect. Check that before calling again.",
        }
    }

    /// A call that the server answered with something that may not be passed on.
    pub fn unknown_unreadable() -> Self {
        Self {
            outcome: Outcome::Unknown,
            text: "The server answered with a message that is not valid, so the result is lost \
                   and the call may have taken effect. Check that before calling again.",
        }
    }

    /// A call that found the table of calls in flight full.
    pub fn overloaded() -> Self {
        Self {
            outcome: Outcome::Shed,
            text: "Too many calls are in flight, so the call was not started and nothing ran. \
                   Wait until some have finished, then call again.",
        }
    }

    /// The outcome that the call gets.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// What happened and what to do, short, for the model.
    #[must_use]
    pub fn text(&self) -> &'static str {
        self.text
    }

    /// The JSON-RPC error code, for requests that are not tool calls.
    #[must_use]
    pub fn code(&self) -> i64 {
        self.outcome.code()
    }

    /// The value of `_meta["dev.dropgate/outcome"]` in a tool's result, and of `data` in an error.
    #[must_use]
    pub fn meta(&self) -> Value {
        json!({ "outcome": self.outcome.name(), "retry": self.outcome.retry().name() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_retries_and_codes_are_the_documented_ones() {
        let rows = Outcome::ALL.map(|outcome| {
            format!(
                "{} {} {}",
                outcome.name(),
                outcome.retry().name(),
                outcome.code()
            )
        });
        assert_eq!(
            rows,
            [
                "completed never -32603",
                "tool_error unsafe -32603",
                "rpc_error unsafe -32603",
                "cancelled unsafe -32603",
                "not_executed safe 46001",
                "unknown unsafe 46007",
                "shed safe 46008",
            ]
        );
    }

    #[test]
    fn meta_carries_outcome_and_retry() {
        let rows = [
            (
                Refusal::draining(),
                r#"{"outcome":"not_executed","retry":"safe"}"#,
                46001,
            ),
            (
                Refusal::unknown_at_shutdown(),
                r#"{"outcome":"unknown","retry":"unsafe"}"#,
                46007,
            ),
            (
                Refusal::unknown_server_exit(),
                r#"{"outcome":"unknown","retry":"unsafe"}"#,
                46007,
            ),
            (
                Refusal::overloaded(),
                r#"{"outcome":"shed","retry":"safe"}"#,
                46008,
            ),
        ];
        for (refusal, meta, code) in rows {
            assert_eq!(refusal.meta().to_string(), meta);
            assert_eq!(refusal.code(), code);
            assert!(refusal.text().len() < 200, "{}", refusal.text());
        }
    }
}
