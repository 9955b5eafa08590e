//! A call that repeats an earlier one: what the journal knows of that decides.

use dropgate_gate::outcome::Outcome;
use dropgate_gate::refusal::Refusal;
use dropgate_journal::{CallRef, Considered, Earlier, Fate, What};
use dropgate_wire::edit;

use crate::tool_rules::OnUnknown;

/// What becomes of a call that may repeat an earlier one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is a call of its own.
    Run,
    /// Nobody knows what became of the earlier call, and the tool can bear to run twice.
    RunAgain(CallRef),
    /// The earlier call was answered, and its answer is given again.
    Replay(CallRef, Times),
    /// It is not sent.
    Refuse(Refusal, CallRef),
}

/// How often an answer may be given again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Times {
    /// To whoever has the key.
    ForEver,
    /// To the first caller: equal arguments alone don't make two calls one.
    Once,
}

/// Decides on a call by what the journal knows.
pub(crate) fn verdict(considered: &Considered, on_unknown: &OnUnknown) -> Verdict {
    match considered {
        Considered::Fresh => Verdict::Run,
        Considered::Repeats(earlier) => of_key(earlier, on_unknown),
        Considered::Orphan { call, what } => ended(*call, *what, Times::Once, on_unknown),
    }
}

/// Decides on a call whose key an earlier call has.
pub(crate) fn of_key(earlier: &Earlier, on_unknown: &OnUnknown) -> Verdict {
    match earlier {
        Earlier::InProgress { call } => Verdict::Refuse(Refusal::in_progress(), *call),
        Earlier::OtherArguments { call } => Verdict::Refuse(Refusal::key_reused(), *call),
        Earlier::Ended { call, what, .. } => ended(*call, *what, Times::ForEver, on_unknown),
    }
}

fn ended(call: CallRef, what: What, times: Times, on_unknown: &OnUnknown) -> Verdict {
    match (what.fate(), on_unknown) {
        (Fate::NeverRan | Fate::Asked, _) => Verdict::Run,
        (Fate::Answered, _) => Verdict::Replay(call, times),
        (Fate::MayHaveRun, OnUnknown::Refuse) => Verdict::Refuse(Refusal::unknown_earlier(), call),
        (Fate::MayHaveRun, OnUnknown::Retry) => Verdict::RunAgain(call),
        (Fate::MayHaveRun, OnUnknown::Reconcile(tool)) => {
            Verdict::Refuse(Refusal::reconcile(tool), call)
        }
    }
}

/// What to say where the earlier call's answer can't be given again.
pub(crate) fn without_answer(ended: Option<What>) -> Refusal {
    match ended {
        Some(What::Completed) => Refusal::ended_earlier(Outcome::Completed),
        Some(What::ToolError) => Refusal::ended_earlier(Outcome::ToolError),
        Some(What::RpcError) => Refusal::ended_earlier(Outcome::RpcError),
        Some(
            What::InputRequired
            | What::Cancelled
            | What::TimedOut
            | What::Denied
            | What::Shed
            | What::NotExecuted
            | What::Unknown,
        )
        | None => Refusal::unknown_earlier(),
    }
}

/// The longest key among arguments, bytes; as long as one in `_meta`.
const MAX_KEY: usize = 512;

/// The idempotency key in the argument of this name; none if it is absent or null.
///
/// # Errors
/// It can be no key; the text says so. Who sends one relies on it.
pub(crate) fn key_among(arguments: &[u8], name: &str) -> Result<Option<Box<str>>, &'static str> {
    const BAD: &str =
        "the argument that holds the idempotency key must be a text or a number of 1 to 512 bytes";
    let Some([Some(at)]) = edit::members(arguments, [name]) else {
        return Ok(None);
    };
    let value: serde_json::Value =
        serde_json::from_slice(arguments.get(at.clone()).unwrap_or_default()).map_err(|_| BAD)?;
    let key = match value {
        serde_json::Value::Null => return Ok(None),
        serde_json::Value::String(text) => text,
        // As it was written: a double does not hold every number.
        serde_json::Value::Number(_) => {
            String::from_utf8_lossy(arguments.get(at).unwrap_or_default()).into_owned()
        }
        serde_json::Value::Bool(_) | serde_json::Value::Array(_) | serde_json::Value::Object(_) => {
            return Err(BAD);
        }
    };
    if key.is_empty() || key.len() > MAX_KEY {
        return Err(BAD);
    }
    Ok(Some(key.into()))
}

#[cfg(test)]
mod tests {
    use dropgate_journal::Retry;

    use super::*;

    fn call() -> CallRef {
        "L-AB2CD3EF4GH5I".parse().expect("a reference")
    }

    #[test]
    fn what_may_have_run_follows_the_tools_rule_and_what_was_answered_never_does() {
        let call = call();
        let rules = [
            OnUnknown::Refuse,
            OnUnknown::Retry,
            OnUnknown::Reconcile("find".to_owned()),
        ];
        for what in What::ALL {
            for rule in &rules {
                let keyed = Considered::Repeats(Earlier::Ended {
                    call,
                    what,
                    retry: Retry::Unsafe,
                });
                let orphan = Considered::Orphan { call, what };
                for (considered, times) in [(keyed, Times::ForEver), (orphan, Times::Once)] {
                    let expected = match (what.fate(), rule) {
                        (Fate::NeverRan | Fate::Asked, _) => Verdict::Run,
                        (Fate::Answered, _) => Verdict::Replay(call, times),
                        (Fate::MayHaveRun, OnUnknown::Refuse) => {
                            Verdict::Refuse(Refusal::unknown_earlier(), call)
                        }
                        (Fate::MayHaveRun, OnUnknown::Retry) => Verdict::RunAgain(call),
                        (Fate::MayHaveRun, OnUnknown::Reconcile(_)) => {
                            Verdict::Refuse(Refusal::reconcile("find"), call)
                        }
                    };
                    assert_eq!(verdict(&considered, rule), expected, "{what:?} {rule:?}");
                }
            }
        }
        assert_eq!(
            verdict(&Considered::Fresh, &OnUnknown::Refuse),
            Verdict::Run
        );
        for earlier in [
            Earlier::InProgress { call },
            Earlier::OtherArguments { call },
        ] {
            assert!(matches!(
                of_key(&earlier, &OnUnknown::Retry),
                Verdict::Refuse(..)
            ));
        }
    }

    #[test]
    fn keys_among_arguments() {
        let key = |arguments: &str| key_among(arguments.as_bytes(), "request_id");
        let some = |text: &str| Ok(Some(Box::from(text)));
        assert_eq!(key(r#"{"request_id":"a\u0062"}"#), some("ab"));
        assert_eq!(
            key(r#"{"request_id":123456789012345678901234567890}"#),
            some("123456789012345678901234567890")
        );
        for none in [r#"{"request_id":null}"#, r#"{"other":1}"#, "{}", ""] {
            assert_eq!(key(none), Ok(None), "{none}");
        }
        let long = |length| format!(r#"{{"request_id":"{}"}}"#, "k".repeat(length));
        assert!(key(&long(512)).is_ok());
        for bad in [
            r#"{"request_id":""}"#.to_owned(),
            r#"{"request_id":true}"#.to_owned(),
            r#"{"request_id":["a"]}"#.to_owned(),
            long(513),
        ] {
            assert!(key(&bad).is_err(), "{bad}");
        }
    }
}
