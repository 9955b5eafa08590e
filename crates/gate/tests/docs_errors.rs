//! docs/errors.md lists every outcome, code and text that there is, and no other.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;

use dropgate_gate::gather::Reason;
use dropgate_gate::mode::{
    Class, Event, FAILURES, Judgement, Mode, ProbeSettings, Probed, Settings, Why,
};
use dropgate_gate::outcome::Outcome;
use dropgate_gate::refusal::{Code, Refusal};
use dropgate_gate::sanitize::{Class as Words, PublicText};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors.md");
const REFUSALS: &str = include_str!("../src/refusal.rs");

/// What an outcome means, and what to do.
fn meaning(outcome: Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Completed => ("the server answered with a result", "nothing"),
        Outcome::ToolError => (
            "the server answered that the tool failed (`isError`)",
            "read what it says; part of the work may be done",
        ),
        Outcome::RpcError => (
            "the server answered with a JSON-RPC error",
            "read what it says; part of the work may be done",
        ),
        Outcome::Cancelled => (
            "the call was cancelled, by the host or because it could not end in time",
            "part of the work may be done: look before calling again",
        ),
        Outcome::TimedOut => (
            "the deadline passed, and the server was told to stop",
            "it may have run: look before calling again",
        ),
        Outcome::Denied => (
            "the call was refused by policy and nothing ran",
            "don't call again; ask who runs dropgate",
        ),
        Outcome::NotExecuted => (
            "the call never reached the server",
            "call again, after `retry_after_ms` if it is there",
        ),
        Outcome::Unknown => (
            "the call reached the server, and no answer that can be passed on came",
            "it may have run: look before calling again",
        ),
        Outcome::Shed => (
            "the call was refused because there were too many",
            "call again when some have ended",
        ),
    }
}

/// What a code means, and what to do.
fn advice(code: Code) -> (&'static str, &'static str) {
    match code {
        Code::Draining => (
            "dropgate is shutting down",
            "call again once the server is back",
        ),
        Code::Denied => (
            "a policy does not permit the call, the decision failed, or an idempotency key was used for another call",
            "don't call again as it is; `dropgate journal outcome REF` names the policy",
        ),
        Code::BreakerOpen => (
            "the tool or the server has failed too often just now, or an operator has switched it off",
            "call again after `retry_after_ms`; without it, once the operator has switched it on",
        ),
        Code::JournalUnavailable => (
            "the call, or its result, can't be recorded",
            "look at `retry`: a call that was not recorded did not run, a result that was not recorded is withheld; then free or repair the disk of the journal",
        ),
        Code::TimedOut => (
            "the deadline passed",
            "look at `retry`; raise `timeout` if the tool needs longer",
        ),
        Code::ReadOnly => (
            "only reading is possible at present",
            "go on with tools that read; write after `retry_after_ms`",
        ),
        Code::OutcomeUnknown => (
            "nobody knows whether the call took effect, or the answer of an earlier one like it is not kept any more",
            "find out with a tool that reads before calling again",
        ),
        Code::Overloaded => (
            "too many calls at once or too fast, or a call with the same idempotency key is still running",
            "call again after `retry_after_ms`, or when some have ended",
        ),
    }
}

/// Every refusal, by the name of its constructor.
fn refusals() -> Vec<(&'static str, Refusal)> {
    let later = Duration::from_secs(1);
    let mut all = vec![
        ("draining", Refusal::draining()),
        ("denied", Refusal::denied()),
        ("key_reused", Refusal::key_reused()),
        ("breaker_open", Refusal::breaker_open(later)),
        ("switched_off", Refusal::switched_off()),
        ("journal_unavailable", Refusal::journal_unavailable()),
        ("unknown_unrecorded", Refusal::unknown_unrecorded()),
        ("timed_out", Refusal::timed_out()),
        ("timed_out_unsent", Refusal::timed_out_unsent()),
        ("unknown_at_shutdown", Refusal::unknown_at_shutdown()),
        ("unknown_server_exit", Refusal::unknown_server_exit()),
        ("unknown_unreadable", Refusal::unknown_unreadable()),
        ("unknown_earlier", Refusal::unknown_earlier()),
        ("reconcile", Refusal::reconcile("get_record")),
        ("ended_earlier", Refusal::ended_earlier(Outcome::Completed)),
        ("overloaded", Refusal::overloaded()),
        ("too_fast", Refusal::too_fast(later)),
        ("in_progress", Refusal::in_progress()),
    ];
    all.extend(read_only());
    all
}

/// The refusals of a write for every reason to read only, with one tool that reads.
fn read_only() -> Vec<(&'static str, Refusal)> {
    Why::ALL.map(|why| ("read_only", read_only_for(why))).into()
}

fn read_only_for(why: Why) -> Refusal {
    let now = Duration::ZERO;
    let probe = match why {
        Why::Probe => Some(ProbeSettings::default()),
        Why::Operator | Why::Journal | Why::Lease | Why::Breakers => None,
    };
    let settings = Settings {
        probe,
        ..Settings::default()
    };
    let mut mode = Mode::new(&settings, 0, now);
    let events: &[Event<'_>] = match why {
        Why::Operator => &[Event::OperatorReadOnly],
        Why::Journal => &[Event::JournalFails],
        Why::Lease => &[Event::LeaseGone],
        Why::Breakers => &[
            Event::BreakerOpened("create", Class::Write),
            Event::BreakerOpened("update", Class::Write),
        ],
        Why::Probe => &[],
    };
    for event in events {
        mode.step(*event, now);
    }
    for _ in 0..FAILURES {
        if let Some(due) = mode.next_due().filter(|_| why == Why::Probe) {
            mode.step(Event::Time, due);
            mode.step(Event::Probed(Probed::Failed), due);
        }
    }
    mode.tools([("get_record", Class::Read), ("create", Class::Write)], now);
    match mode.judge(Class::Write, now) {
        Judgement::OnlyAsTrial(refusal) | Judgement::Refuse(refusal) => {
            assert_eq!(refusal.meta()["degraded"]["why"], why.name());
            refusal
        }
        Judgement::Run => panic!("writing is possible in spite of {why:?}"),
    }
}

#[test]
fn the_document_lists_what_there_is() {
    let mut outcomes =
        String::from("| outcome | retry | what happened | what to do |\n|---|---|---|---|\n");
    for outcome in Outcome::ALL {
        let (what, todo) = meaning(outcome);
        let (name, retry) = (outcome.name(), outcome.retry().name());
        writeln!(outcomes, "| `{name}` | `{retry}` | {what} | {todo} |").unwrap();
    }
    let mut codes = String::from("| code | when | outcome | what to do |\n|---|---|---|---|\n");
    let mut texts = String::from("| code | outcome | text |\n|---|---|---|\n");
    let refusals = refusals();
    for code in Code::ALL {
        let with: Vec<&Refusal> = refusals
            .iter()
            .map(|(_, refusal)| refusal)
            .filter(|it| it.code() == code)
            .collect();
        let names: BTreeSet<String> = with
            .iter()
            .map(|it| format!("`{}`", it.outcome().name()))
            .collect();
        let names = Vec::from_iter(names).join(" or ");
        assert!(!names.is_empty(), "{code:?} is never used");
        let (when, todo) = advice(code);
        let number = code.number();
        writeln!(codes, "| {number} | {when} | {names} | {todo} |").unwrap();
        for refusal in with {
            let (name, text) = (refusal.outcome().name(), refusal.text());
            let row = format!("| {number} | `{name}` | {text} |\n");
            // Some reasons share their words.
            if !texts.contains(&row) {
                texts += &row;
            }
        }
    }
    let mut classes = String::from("| fixed words |\n|---|\n");
    for class in Words::ALL {
        writeln!(classes, "| {} |", PublicText::of(class)).unwrap();
    }
    let before = std::fs::read_to_string(DOCUMENT).unwrap();
    let blocks = [
        ("outcomes", outcomes),
        ("codes", codes),
        ("texts", texts),
        ("classes", classes),
    ];
    let now = blocks.iter().fold(before.clone(), |text, (name, block)| {
        replaced(&text, name, block)
    });
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() && before != now {
        std::fs::write(DOCUMENT, now).unwrap();
        return;
    }
    assert!(
        before == now,
        "docs/errors.md is stale; run this test with UPDATE_SNAPSHOTS=1, then read what it says around the tables"
    );
}

#[test]
fn no_refusal_is_left_out() {
    let (_, after) = REFUSALS.split_once("impl Refusal {").unwrap();
    let made: BTreeSet<&str> = after
        .split("pub")
        .filter_map(|part| part.split_once("fn ").filter(|(gap, _)| gap.len() < 9))
        .filter_map(|(_, rest)| rest.split_once(" -> Self"))
        .filter(|(head, _)| !head.contains("(self") && !head.contains('{'))
        .filter_map(|(head, _)| Some(head.split_once('(')?.0))
        .collect();
    let listed: BTreeSet<&str> = refusals().iter().map(|(name, _)| *name).collect();
    assert!(made.len() > 10, "the constructors were not found: {made:?}");
    assert_eq!(made, listed);
}

#[test]
fn every_reason_is_in_the_document() {
    let text = std::fs::read_to_string(DOCUMENT).unwrap();
    let reasons = [
        Reason::TimedOut,
        Reason::Failed,
        Reason::Unauthorized,
        Reason::Unavailable,
        Reason::Overloaded,
    ];
    let names = reasons
        .map(Reason::name)
        .into_iter()
        .chain(Why::ALL.map(Why::name));
    for name in names {
        assert!(text.contains(&format!("\n| `{name}` | ")), "{name}");
    }
}

fn replaced(text: &str, name: &str, block: &str) -> String {
    let begin = format!("<!-- {name}: begin -->\n");
    let end = format!("<!-- {name}: end -->");
    let (before, rest) = text.split_once(&begin).unwrap();
    let (_, after) = rest.split_once(&end).unwrap();
    format!("{before}{begin}{block}{end}{after}")
}
