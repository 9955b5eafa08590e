//! The answers that dropgate gives in the server's place, in its own fixed words.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::{Value, json};

use crate::outcome::{Outcome, Retry};

/// The JSON-RPC error code of a refusal: documented API, outside of the range that JSON-RPC keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// Shutdown has begun.
    Draining,
    /// A policy, or an error while deciding.
    Denied,
    /// The breaker of the tool or of the server is open, by itself or by an operator's order.
    BreakerOpen,
    /// The call can't be recorded, so it is not made.
    JournalUnavailable,
    /// The deadline passed.
    TimedOut,
    /// Only reading is possible at present.
    ReadOnly,
    /// The call reached the server and no answer came.
    OutcomeUnknown,
    /// Too many calls at once.
    Overloaded,
}

impl Code {
    /// Every code, in ascending order.
    pub const ALL: [Self; 8] = [
        Self::Draining,
        Self::Denied,
        Self::BreakerOpen,
        Self::JournalUnavailable,
        Self::TimedOut,
        Self::ReadOnly,
        Self::OutcomeUnknown,
        Self::Overloaded,
    ];

    /// The numbers that are dropgate's: those in use, and those kept for later.
    pub const RANGE: RangeInclusive<i64> = 46000..=46999;

    /// The number on the wire.
    #[must_use]
    pub fn number(self) -> i64 {
        match self {
            Self::Draining => 46001,
            Self::Denied => 46002,
            Self::BreakerOpen => 46003,
            Self::JournalUnavailable => 46004,
            Self::TimedOut => 46005,
            Self::ReadOnly => 46006,
            Self::OutcomeUnknown => 46007,
            Self::Overloaded => 46008,
        }
    }
}

/// The most of a tool's name that a text shows, bytes.
const MAX_TOOL_NAME: usize = 64;

/// An answer that dropgate gives in the server's place.
///
/// It can only come from the constructors below, so no text of a server, of a policy or of an
/// error reaches the host through it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a refused call is owed its answer"]
pub struct Refusal {
    outcome: Outcome,
    code: Code,
    text: Cow<'static, str>,
    reference: Option<Box<str>>,
    retry_after: Option<Duration>,
    degraded: Option<Box<Value>>,
}

impl Refusal {
    /// A call that came after shutdown began.
    pub fn draining() -> Self {
        Self::fixed(
            Outcome::NotExecuted,
            Code::Draining,
            "This server is shutting down, so the call was not started and nothing ran. \
             It is safe to call again once the server is back.",
        )
    }

    /// A call that was still open when the time for shutdown was up.
    pub fn unknown_at_shutdown() -> Self {
        Self::fixed(
            Outcome::Unknown,
            Code::OutcomeUnknown,
            "This server was shut down before the call finished, so it is not known \
             whether the call took effect. Check that before calling again.",
        )
    }

    /// A call that was open when the server ended by itself.
    pub fn unknown_server_exit() -> Self {
        Self::fixed(
            Outcome::Unknown,
            Code::OutcomeUnknown,
            "The server ended before the call finished, so it is not known whether the \
             call took effect. Check that before calling again.",
        )
    }

    /// A call that the server answered with something that may not be passed on.
    pub fn unknown_unreadable() -> Self {
        Self::fixed(
            Outcome::Unknown,
            Code::OutcomeUnknown,
            "The server answered with a message that is not valid, so the result is lost \
             and the call may have taken effect. Check that before calling again.",
        )
    }

    /// A call that ran, and whose outcome could not be recorded: its result is withheld.
    pub fn unknown_unrecorded() -> Self {
        Self::fixed(
            Outcome::Unknown,
            Code::JournalUnavailable,
            "The result of the call could not be recorded and is withheld; the call may have \
             taken effect. Check that before calling again.",
        )
    }

    /// A call that repeats one whose fate is not known.
    pub fn unknown_earlier() -> Self {
        Self::fixed(
            Outcome::Unknown,
            Code::OutcomeUnknown,
            "An earlier identical call may have taken effect, so this one was not started. \
             Check what the earlier one did before calling again.",
        )
    }

    /// The same, naming the tool of the server's that tells what became of the earlier call.
    pub fn reconcile(tool: &str) -> Self {
        let text = format!(
            "An earlier identical call may have taken effect, so this one was not started. Find \
             out with the tool {} what the earlier one did before calling again.",
            tool.get(..tool.floor_char_boundary(MAX_TOOL_NAME))
                .unwrap_or_default()
        );
        Self {
            text: Cow::Owned(text),
            ..Self::unknown_earlier()
        }
    }

    /// A call that repeats one that ended this way, and whose answer is not kept any more.
    pub fn ended_earlier(outcome: Outcome) -> Self {
        Self::fixed(
            outcome,
            Code::OutcomeUnknown,
            "An earlier identical call was answered, and its answer is not kept any more, so this \
             one was not started. Check what the earlier one did before calling again.",
        )
    }

    /// A call whose key is in use by a call that is still running.
    pub fn in_progress() -> Self {
        Self::fixed(
            Outcome::NotExecuted,
            Code::Overloaded,
            "A call with the same idempotency key is still running, so this one was not \
             started. Ask again for its result with the same key in a moment.",
        )
    }

    /// A call whose key was used for a call with other arguments.
    pub fn key_reused() -> Self {
        Self::fixed(
            Outcome::Denied,
            Code::Denied,
            "The idempotency key was used before with other arguments, so the call was not \
             started. Use a fresh key for a different call.",
        )
    }

    /// A call that found the table of calls in flight full.
    pub fn overloaded() -> Self {
        Self::fixed(
            Outcome::Shed,
            Code::Overloaded,
            "Too many calls are in flight, so the call was not started and nothing ran. \
             Wait until some have finished, then call again.",
        )
    }

    /// A call that came faster than calls are allowed to come.
    pub fn too_fast(retry_after: Duration) -> Self {
        Self::fixed(
            Outcome::Shed,
            Code::Overloaded,
            "Calls come faster than is allowed, so the call was not started and nothing ran. \
             Wait a little, then call again, and make fewer calls at a time.",
        )
        .after(retry_after)
    }

    /// A call that no policy permits, or whose decision failed.
    pub fn denied() -> Self {
        Self::fixed(
            Outcome::Denied,
            Code::Denied,
            "The call was denied by policy and nothing ran. Calling again will not help.",
        )
    }

    /// A call of a tool or server that failed too often just now.
    pub fn breaker_open(retry_after: Duration) -> Self {
        Self::fixed(
            Outcome::NotExecuted,
            Code::BreakerOpen,
            "This tool has been failing, so the call was not started and nothing ran. \
             It is safe to call again later.",
        )
        .after(retry_after)
    }

    /// A call of a tool or server that an operator has switched off; nobody knows for how long.
    pub fn switched_off() -> Self {
        Self::fixed(
            Outcome::NotExecuted,
            Code::BreakerOpen,
            "An operator has switched this tool or its server off, so the call was not started and \
             nothing ran. Calling again will not help before it is switched on.",
        )
    }

    /// A call that can't be recorded.
    pub fn journal_unavailable() -> Self {
        Self::fixed(
            Outcome::NotExecuted,
            Code::JournalUnavailable,
            "The call can not be recorded at present, so it was not started and nothing ran. \
             It is safe to call again later.",
        )
    }

    /// A call whose deadline passed while the server worked on it.
    pub fn timed_out() -> Self {
        Self::fixed(
            Outcome::TimedOut,
            Code::TimedOut,
            "The server did not answer in time and was told to stop, so it is not known whether \
             the call took effect. Check that before calling again.",
        )
    }

    /// A call whose deadline passed before it was sent.
    pub fn timed_out_unsent() -> Self {
        Self::fixed(
            Outcome::NotExecuted,
            Code::TimedOut,
            "The time for the call was up before it could be started, and nothing ran. \
             It is safe to call again.",
        )
    }

    /// A writing call while only reading is possible. `text` is made by the mode, from fixed words
    /// and names of tools.
    pub(crate) fn read_only(text: String, degraded: Value, retry_after: Option<Duration>) -> Self {
        Self {
            text: Cow::Owned(text),
            retry_after,
            degraded: Some(Box::new(degraded)),
            ..Self::fixed(Outcome::NotExecuted, Code::ReadOnly, "")
        }
    }

    /// The same answer, saying under which reference the journal knows the call.
    pub fn with_reference(self, reference: &str) -> Self {
        Self {
            reference: Some(reference.into()),
            ..self
        }
    }

    /// The same answer, saying when to call again.
    pub fn after(self, retry_after: Duration) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..self
        }
    }

    /// The outcome that the call gets.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// What happened and what to do, short, for the model.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.reference {
            Some(reference) => format!("{} (ref {reference})", self.text),
            None => self.text.clone().into_owned(),
        }
    }

    /// The JSON-RPC error code, for requests that are not tool calls.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// The value of `_meta["dev.dropgate/outcome"]` in a tool's result, and of `data` in an error.
    #[must_use]
    pub fn meta(&self) -> Value {
        let mut meta = meta(
            self.outcome,
            self.outcome.retry(),
            self.reference.as_deref(),
        );
        if let Value::Object(members) = &mut meta {
            if let Some(after) = self.retry_after {
                let millis = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
                members.insert("retry_after_ms".to_owned(), millis.into());
            }
            if let Some(degraded) = &self.degraded {
                members.insert("degraded".to_owned(), Value::clone(degraded));
            }
        }
        meta
    }

    fn fixed(outcome: Outcome, code: Code, text: &'static str) -> Self {
        Self {
            outcome,
            code,
            text: Cow::Borrowed(text),
            reference: None,
            retry_after: None,
            degraded: None,
        }
    }
}

/// What an answer says of a call's outcome, in the shape that all answers share.
#[must_use]
pub fn meta(outcome: Outcome, retry: Retry, reference: Option<&str>) -> Value {
    let mut meta = json!({ "outcome": outcome.name(), "retry": retry.name() });
    if let (Value::Object(members), Some(reference)) = (&mut meta, reference) {
        members.insert("ref".to_owned(), reference.into());
    }
    meta
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_documented_ones() {
        let numbers = Code::ALL.map(Code::number);
        assert_eq!(
            numbers,
            [46001, 46002, 46003, 46004, 46005, 46006, 46007, 46008]
        );
        assert!(numbers.iter().all(|number| Code::RANGE.contains(number)));
    }

    #[test]
    fn meta_carries_what_is_known() {
        let rows = [
            (
                Refusal::draining(),
                r#"{"outcome":"not_executed","retry":"safe"}"#,
            ),
            (
                Refusal::unknown_at_shutdown(),
                r#"{"outcome":"unknown","retry":"unsafe"}"#,
            ),
            (
                Refusal::denied().with_reference("L-1"),
                r#"{"outcome":"denied","ref":"L-1","retry":"never"}"#,
            ),
            (
                Refusal::breaker_open(Duration::from_millis(1500)),
                r#"{"outcome":"not_executed","retry":"safe","retry_after_ms":1500}"#,
            ),
            (
                Refusal::overloaded(),
                r#"{"outcome":"shed","retry":"safe"}"#,
            ),
        ];
        for (refusal, expected) in rows {
            let expected: Value = serde_json::from_str(expected).unwrap();
            assert_eq!(refusal.meta(), expected);
            assert!(refusal.text().len() < 220, "{}", refusal.text());
        }
    }

    #[test]
    fn the_text_names_the_reference() {
        let refusal = Refusal::timed_out().with_reference("L-ABC");
        assert!(refusal.text().ends_with("(ref L-ABC)"));
        assert_eq!(refusal.code().number(), 46005);
    }
}
