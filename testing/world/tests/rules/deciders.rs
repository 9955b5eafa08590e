//! Deciders that fail: whatever is wrong with them, no call goes to the server.

use dropgate_testing_world::endings::ANSWERED_WITHIN;
use dropgate_testing_world::rows::RECORD;
use dropgate_testing_world::{Checked, Run, fail};
use serde_json::{Value, json};

use crate::decision_point::{DecisionPoint, FAULTS};
use crate::record::{configured, outcomes};
use crate::steps::{begin, concluded, recorded, refused, same, text_of};
use crate::{Reach, Rule, Stage};

pub(crate) const RULES: &[Rule] = &[
    (
        "no_fault_of_a_decision_point_lets_a_call_through",
        Reach::Root,
        faulty_point,
    ),
    (
        "a_policy_that_can_not_be_evaluated_denies",
        Reach::Root,
        erring_policy,
    ),
];

/// What the point permits.
const YES: &str = "yes";

/// A run of a `record` server that decides by this configuration, whose tools are listed.
fn deciding_by(stage: &Stage<'_>, config: &str, files: &[(&str, &str)]) -> Checked<Run> {
    let setup = configured(stage, &stage.command(RECORD), config, files)?;
    let mut run = begin(stage, &setup)?;
    run.talk.ask(2, "tools/list", &json!({}))?;
    run.talk.answer(&json!(2), ANSWERED_WITHIN)?;
    Ok(run)
}

fn echo(run: &mut Run, id: u64, arguments: &Value) -> Checked<Value> {
    run.talk.call(id, "echo", arguments)?;
    run.talk.answer(&json!(id), ANSWERED_WITHIN)
}

/// Checks that these calls and no others have reached the server.
fn only(run: &Run, ids: &[u64]) -> Checked {
    let reached: Vec<Value> = recorded(run)?
        .into_iter()
        .filter(|message| message["method"] == "tools/call")
        .map(|call| call["id"].clone())
        .collect();
    let expected: Vec<Value> = ids.iter().map(|id| json!(id)).collect();
    same("calls at the server", &reached, &expected)
}

fn faulty_point(stage: &Stage<'_>) -> Checked {
    let point = DecisionPoint::listen()?;
    let config = format!("{}timeout = \"500ms\"\n", point.config());
    let mut run = deciding_by(stage, &config, &[])?;
    let mut permitted = Vec::new();
    for (number, (fault, _)) in (0..).zip(FAULTS) {
        let id = 100 + 2 * number;
        let answer = echo(&mut run, id, &json!({"text": fault}))?;
        refused(&answer, "denied", "never").map_err(|problem| format!("{fault}: {problem}"))?;
        // One that fails often in a row is left alone: then the next fault would show nothing.
        let answer = echo(&mut run, id + 1, &json!({"text": YES}))?;
        same(fault, &text_of(&answer)?, &YES.to_owned())?;
        permitted.push(id + 1);
    }
    same("questions", &point.asked(), &(2 * FAULTS.len()))?;
    drop(point);
    let answer = echo(&mut run, 3, &json!({"text": YES}))?;
    refused(&answer, "denied", "never")?;
    run.talk.close();
    concluded(&mut run, 0)?;
    only(&run, &permitted)?;
    let denied = outcomes(stage, &run)?;
    let denied = denied.iter().filter(|outcome| *outcome == "denied").count();
    same("denials on record", &denied, &(FAULTS.len() + 1))
}

fn erring_policy(stage: &Stage<'_>) -> Checked {
    // The product is more than a number can be, so what it is compared with is never known.
    let policies = r#"permit(principal, action, resource);
        @id("overflows") forbid(principal, action == Action::"slow", resource)
        when { context.time.unix * 9223372036854775807 > 0 };"#;
    let config = "[authorize]\ncedar = [\"all.cedar\"]\n";
    let mut run = deciding_by(stage, config, &[("all.cedar", policies)])?;
    let answer = echo(&mut run, 3, &json!({"text": YES}))?;
    same("a call that may", &text_of(&answer)?, &YES.to_owned())?;
    run.talk.call(4, "slow", &json!({"ms": 1}))?;
    let answer = run.talk.answer(&json!(4), ANSWERED_WITHIN)?;
    refused(&answer, "denied", "never")?;
    if answer.to_string().contains("overflow") {
        return fail(format!("the answer tells of the policy: {answer}"));
    }
    run.talk.close();
    concluded(&mut run, 0)?;
    only(&run, &[3])
}
