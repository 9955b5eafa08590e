//! At a shutdown a call that, by its tool's usual duration, can't finish is cancelled at once.

use dropgate_testing_world::endings::ANSWERED_WITHIN;
use dropgate_testing_world::rows::RECORD;
use dropgate_testing_world::{Checked, Run, Says as _};
use rustix::process::Signal;
use serde_json::json;

use crate::steps::{begin, concluded, only_answer, recorded, refused, same, text_of};
use crate::{Reach, Rule, Stage};

pub(crate) const RULES: &[Rule] = &[
    (
        "a_call_that_can_not_finish_is_cancelled_at_once",
        Reach::Users,
        hopeless,
    ),
    (
        "a_call_that_can_finish_is_waited_for",
        Reach::Users,
        hopeful,
    ),
    (
        "a_call_of_a_tool_that_finishes_is_waited_for_all_the_same",
        Reach::Users,
        told_to_finish,
    ),
    (
        "with_too_few_samples_nothing_is_predicted",
        Reach::Users,
        unknown_tool,
    ),
];

/// As many calls as an estimate takes.
const SAMPLES: u64 = 20;

/// Calls `slow` so often, all at once, and then once more with a call in flight.
fn learned(stage: &Stage<'_>, flags: &[&str], samples: u64, ms: u64) -> Checked<Run> {
    let mut run = begin(stage, &stage.command(RECORD).flags(flags))?;
    for id in 0..samples {
        run.talk.call(100 + id, "slow", &json!({"ms": ms}))?;
    }
    for id in 0..samples {
        if run.talk.answers(&json!(100 + id)).is_empty() {
            run.talk.answer(&json!(100 + id), ANSWERED_WITHIN)?;
        }
    }
    run.talk.call(2, "slow", &json!({"ms": ms}))?;
    run.talk.ask(3, "ping", &json!({}))?;
    run.talk.answer(&json!(3), ANSWERED_WITHIN)?;
    Ok(run)
}

fn cancelled(run: &Run) -> Checked<Vec<serde_json::Value>> {
    let messages = recorded(run)?.into_iter();
    Ok(messages
        .filter(|message| message["method"] == "notifications/cancelled")
        .map(|message| message["params"]["requestId"].clone())
        .collect())
}

fn hopeless(stage: &Stage<'_>) -> Checked {
    let flags = ["--drain", "2s"];
    let mut run = learned(stage, &flags, SAMPLES, 4_000)?;
    run.signal(Signal::TERM)?;
    let report = concluded(&mut run, 11)?;
    same("cancelled", &cancelled(&run)?, &vec![json!(2)])?;
    refused(&only_answer(&run, 2)?, "unknown", "unsafe")?;
    // Without an estimate the drain would have been used up before the call was cancelled.
    let drained = report["phase_ms"]["draining"].as_u64().unwrap_or(0);
    same("drained for a second", &(drained >= 1_000), &false)
        .says(format!("{drained} ms: {}", report["phase_ms"]))
}

fn hopeful(stage: &Stage<'_>) -> Checked {
    let mut run = learned(stage, &["--drain", "5s"], SAMPLES, 500)?;
    run.signal(Signal::TERM)?;
    concluded(&mut run, 0)?;
    same("cancelled", &cancelled(&run)?, &vec![])?;
    let text = text_of(&only_answer(&run, 2)?)?;
    same("text", &text, &"done after 500 ms".to_owned())
}

fn told_to_finish(stage: &Stage<'_>) -> Checked {
    // The usual duration is beyond the drain, this once it is not.
    let flags = ["--drain", "1s", "--on-shutdown", "slow=finish"];
    let mut run = learned(stage, &flags, SAMPLES, 2_000)?;
    run.talk.call(4, "slow", &json!({"ms": 300}))?;
    run.talk.ask(5, "ping", &json!({}))?;
    run.talk.answer(&json!(5), ANSWERED_WITHIN)?;
    run.signal(Signal::TERM)?;
    let report = concluded(&mut run, 11).or_else(|_| run.report(ANSWERED_WITHIN))?;
    let text = text_of(&only_answer(&run, 4)?)?;
    same("text", &text, &"done after 300 ms".to_owned())?;
    let drained = report["phase_ms"]["draining"].as_u64().unwrap_or(0);
    same("drained to the end", &(drained >= 900), &true)
        .says(format!("{drained} ms: {}", report["phase_ms"]))
}

fn unknown_tool(stage: &Stage<'_>) -> Checked {
    let mut run = learned(stage, &["--drain", "1s"], SAMPLES - 1, 600)?;
    run.signal(Signal::TERM)?;
    concluded(&mut run, 0)?;
    let text = text_of(&only_answer(&run, 2)?)?;
    same("text", &text, &"done after 600 ms".to_owned())
}
