//! Calls of several rounds: one key for all of them, and a cut round is like itself alone.

use dropgate_testing_world::endings::ANSWERED_WITHIN;
use dropgate_testing_world::{Checked, Run};
use serde_json::{Value, json};

use crate::repeats::{await_counted, books, count, ends, killed, recorded_earlier};
use crate::steps::{begin, refused, same, text_of};
use crate::{Reach, Rule, Stage};

pub(crate) const RULES: &[Rule] = &[
    ("a_call_of_two_rounds_has_one_key", Reach::Users, two_rounds),
    (
        "a_cut_round_is_repeated_by_itself_alone",
        Reach::Root,
        cut_round,
    ),
];

/// Calls the tool that asks for input first; `told` is what a second round brings.
fn ask_round(run: &mut Run, id: u64, told: Option<&str>, key: Option<&str>) -> Checked<Value> {
    let mut params = json!({"name": "count_when_told", "arguments": {"n": 1}});
    if let Some(told) = told {
        params["requestState"] = json!("asked once");
        params["inputResponses"] = json!({"sure": told});
    }
    if let Some(key) = key {
        params["_meta"] = json!({"dev.dropgate/idempotencyKey": key});
    }
    run.talk.ask(id, "tools/call", &params)?;
    match told {
        Some("block") => Ok(Value::Null),
        Some(_) | None => run.talk.answer(&json!(id), ANSWERED_WITHIN),
    }
}

fn is_asked(answer: &Value) -> Checked {
    let result = &answer["result"];
    same(
        "resultType",
        &result["resultType"],
        &json!("input_required"),
    )?;
    same("nothing is added", &result["_meta"], &Value::Null)
}

fn two_rounds(stage: &Stage<'_>) -> Checked {
    let books = books(stage, "")?;
    let mut run = begin(stage, &books.setup()?)?;
    is_asked(&ask_round(&mut run, 2, None, Some("k"))?)?;
    // Nothing is over, so that the beginning can be asked for again, by another host as well.
    is_asked(&ask_round(&mut run, 3, None, Some("k"))?)?;
    let mut other = begin(stage, &books.setup()?)?;
    is_asked(&ask_round(&mut other, 2, None, Some("k"))?)?;
    count(&books, 0)?;
    let last = ask_round(&mut run, 4, Some("yes"), Some("k"))?;
    same("text", &text_of(&last)?, &"counted".to_owned())?;
    same("a call of its own", &last["result"]["_meta"], &Value::Null)?;
    for (id, told) in [(5, Some("yes")), (6, Some("no")), (7, None)] {
        let again = ask_round(&mut run, id, told, Some("k"))?;
        recorded_earlier(&again)?;
        same("text", &text_of(&again)?, &"counted".to_owned())?;
    }
    let again = ask_round(&mut other, 3, Some("yes"), Some("k"))?;
    recorded_earlier(&again)?;
    count(&books, 1)?;
    ends(&mut other)?;
    ends(&mut run)?;
    books.verify()?;
    let asked: Vec<Value> = books
        .records()?
        .into_iter()
        .filter(|record| record["outcome"] == json!("input_required"))
        .map(|record| record["retry"].clone())
        .collect();
    same("rounds that asked", &asked, &vec![json!("safe"); 3])
}

fn cut_round(stage: &Stage<'_>) -> Checked {
    let books = books(stage, "[calls]\ntimeout = \"20s\"\n")?;
    for (index, key) in [None, Some("k")].into_iter().enumerate() {
        let before = books.counted()?.len();
        let mut run = begin(stage, &books.setup()?)?;
        is_asked(&ask_round(&mut run, 2, None, key)?)?;
        ask_round(&mut run, 3, Some("block"), key)?;
        await_counted(&books, before + 1)?;
        killed(run)?;
        let mut next = begin(stage, &books.setup()?)?;
        let beginning = ask_round(&mut next, 2, None, key)?;
        match key {
            None => is_asked(&beginning)?,
            // The key stands for the whole call, and that may have taken effect.
            Some(_) => refused(&beginning, "unknown", "unsafe")?,
        }
        ask_round(&mut next, 3, Some("block"), key)?;
        let again = next.talk.answer(&json!(3), ANSWERED_WITHIN)?;
        refused(&again, "unknown", "unsafe")?;
        count(&books, index + 1)?;
        ends(&mut next)?;
    }
    Ok(())
}
