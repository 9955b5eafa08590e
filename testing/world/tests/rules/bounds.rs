//! What bounds a call: its deadline, which progress moves up to a maximum, its cancellation by the
//! host, the limits of load, and the breaker of its tool.

use std::time::{Duration, Instant};

use dropgate_testing_world::endings::ANSWERED_WITHIN;
use dropgate_testing_world::rows::RECORD;
use dropgate_testing_world::{Checked, Run, Says as _, fail};
use serde_json::{Value, json};

use crate::record::{configured, outcomes, records};
use crate::steps::{SOON, begin, blocked_by, concluded, recorded, refused, same, text_of};
use crate::{Reach, Rule, Stage};

pub(crate) const RULES: &[Rule] = &[
    ("a_mute_server_holds_nobody", Reach::Root, mute),
    (
        "progress_gives_a_call_more_time",
        Reach::Root,
        extended_by_progress,
    ),
    (
        "progress_gives_a_call_no_time_past_the_maximum",
        Reach::Root,
        cut_at_the_maximum,
    ),
    (
        "a_call_that_the_host_cancels_is_cancelled_once_and_recorded",
        Reach::Root,
        cancelled,
    ),
    (
        "one_call_more_than_may_be_in_flight_is_shed",
        Reach::Root,
        too_many,
    ),
    ("calls_that_come_too_fast_are_shed", Reach::Root, too_fast),
    (
        "of_a_hundred_callers_at_half_open_the_server_sees_one",
        Reach::Root,
        half_open,
    ),
];

/// What a busy machine may add to a deadline: of a few calls, the quickest is held to it.
const BUSY: Duration = Duration::from_millis(100);
/// The most that any call may be late, however busy the machine.
const LATEST: Duration = Duration::from_secs(2);

/// Checks that calls were held for so long, and then no longer.
fn held(waits: &[Duration], deadline: Duration) -> Checked {
    let early = waits.iter().any(|wait| *wait < deadline);
    let late = waits.iter().any(|wait| *wait > deadline + LATEST);
    let quickest = waits.iter().min().says("a call")?;
    if early || late || *quickest > deadline + BUSY {
        return fail(format!(
            "with {deadline:?} to wait, callers waited {waits:?}"
        ));
    }
    Ok(())
}

fn mute(stage: &Stage<'_>) -> Checked {
    const DEADLINE: Duration = Duration::from_millis(400);
    let config = "[calls]\ntimeout = \"400ms\"\n";
    let setup = configured(stage, &stage.server(&["plain"]), config, &[])?;
    let mut run = begin(stage, &setup)?;
    let mut waits = Vec::new();
    for id in 2..5 {
        let asked = Instant::now();
        run.talk.call(id, "block", &json!({}))?;
        let answer = run.talk.answer(&json!(id), ANSWERED_WITHIN)?;
        waits.push(asked.elapsed());
        refused(&answer, "timed_out", "unsafe")?;
    }
    held(&waits, DEADLINE)?;
    run.talk.close();
    concluded(&mut run, 0)?;
    same(
        "outcomes",
        &outcomes(stage, &run)?,
        &["timed_out"; 3].map(str::to_owned).to_vec(),
    )
}

/// Calls a tool that reports progress so often, every 250 ms; the answer, and how long it took.
fn report(run: &mut Run, id: u64, times: u64) -> Checked<(Value, Duration)> {
    let asked = Instant::now();
    run.talk.ask(
        id,
        "tools/call",
        &json!({
            "name": "progress",
            "arguments": {"every_ms": 250, "times": times},
            "_meta": {"progressToken": format!("token {id}")},
        }),
    )?;
    let answer = run.talk.answer(&json!(id), ANSWERED_WITHIN)?;
    Ok((answer, asked.elapsed()))
}

fn extended_by_progress(stage: &Stage<'_>) -> Checked {
    const TIMES: u64 = 8;
    let config = "[calls]\ntimeout = \"1s\"\n";
    let setup = configured(stage, &stage.server(&["reporter"]), config, &[])?;
    let mut run = begin(stage, &setup)?;
    let (answer, took) = report(&mut run, 2, TIMES)?;
    let expected = format!("reported {TIMES} times");
    same("text", &text_of(&answer)?, &expected)?;
    if took < Duration::from_secs(2) {
        return fail(format!("the call took {took:?}, which shows nothing"));
    }
    run.talk.close();
    concluded(&mut run, 0)?;
    let found = outcomes(stage, &run)?;
    same("outcomes", &found, &vec!["completed".to_owned()])
}

fn cut_at_the_maximum(stage: &Stage<'_>) -> Checked {
    const MAXIMUM: Duration = Duration::from_millis(1_500);
    let config = "[calls]\ntimeout = \"1s\"\nmax_timeout = \"1500ms\"\n";
    let setup = configured(stage, &stage.server(&["reporter"]), config, &[])?;
    let mut run = begin(stage, &setup)?;
    let mut waits = Vec::new();
    for id in 2..5 {
        let (answer, took) = report(&mut run, id, 100)?;
        refused(&answer, "timed_out", "unsafe")?;
        waits.push(took);
    }
    held(&waits, MAXIMUM)?;
    run.talk.close();
    concluded(&mut run, 0).map(drop)
}

fn cancelled(stage: &Stage<'_>) -> Checked {
    let mut run = blocked_by(stage, &stage.command(RECORD))?;
    let cancel = json!({
        "jsonrpc": "2.0",
        "method": "notifications/cancelled",
        "params": {"requestId": 2, "reason": "changed my mind"},
    });
    run.talk.say(&cancel)?;
    run.talk.ask(4, "ping", &json!({}))?;
    run.talk.answer(&json!(4), ANSWERED_WITHIN)?;
    run.talk.close();
    concluded(&mut run, 0)?;
    same("answers", &run.talk.answers(&json!(2)).len(), &0)?;
    let reached: Vec<Value> = recorded(&run)?
        .into_iter()
        .filter(|message| message["method"] == "notifications/cancelled")
        .collect();
    same("cancellations at the server", &reached, &vec![cancel])?;
    let records = records(stage, &run)?;
    let of_kind = |kind: &str| -> Vec<&Value> {
        let all = records.iter();
        all.filter(|record| record["kind"] == kind).collect()
    };
    let [intent] = of_kind("intent")[..] else {
        return fail("not one intent".to_owned());
    };
    let [outcome] = of_kind("outcome")[..] else {
        return fail("not one outcome".to_owned());
    };
    let notes = of_kind("note");
    let [note] = notes
        .iter()
        .filter(|note| note["topic"] == "cancellation")
        .collect::<Vec<_>>()[..]
    else {
        return fail(format!("not one note of a cancellation: {notes:?}"));
    };
    same("who is noted", &note["subject"], &json!("host"))?;
    same("which call is noted", &note["call"], &intent["call"])?;
    same("which call ended", &outcome["call"], &intent["call"])?;
    same("outcome", &outcome["outcome"], &json!("cancelled"))
}

/// How many calls of tools reached a `record` server, and the ids of them.
fn called(run: &Run) -> Checked<Vec<u64>> {
    let calls = recorded(run)?.into_iter();
    Ok(calls
        .filter(|message| message["method"] == "tools/call")
        .filter_map(|message| message["id"].as_u64())
        .collect())
}

/// Calls of a tool as they go over the wire.
fn calls(ids: impl Iterator<Item = u64>, tool: &str, arguments: &Value) -> String {
    ids.map(|id| {
        let params = json!({"name": tool, "arguments": arguments});
        let call = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params});
        format!("{call}\n")
    })
    .collect()
}

/// Checks that a call was shed, and gives the milliseconds after which to try again.
fn shed(answer: &Value) -> Checked<u64> {
    refused(answer, "shed", "safe")?;
    let text = text_of(answer)?;
    if !text.contains("not started and nothing ran") {
        return fail(format!("the text does not say that nothing ran: {text:?}"));
    }
    let after = &answer["result"]["_meta"]["dev.dropgate/outcome"]["retry_after_ms"];
    after
        .as_u64()
        .says(format!("no time to come back in {answer}"))
}

fn too_many(stage: &Stage<'_>) -> Checked {
    const LIMIT: u64 = 64;
    let mut run = begin(stage, &stage.command(RECORD))?;
    let ids = 100..100 + LIMIT;
    run.talk
        .send(calls(ids.clone(), "block", &json!({})).as_bytes())?;
    run.talk.call(2, "echo", &json!({"text": "one more"}))?;
    let answer = run.talk.answer(&json!(2), ANSWERED_WITHIN)?;
    same("time to come back", &shed(&answer)?, &1_000)?;
    run.talk
        .ask(3, "resources/read", &json!({"uri": "file:///one/more"}))?;
    let answer = run.talk.answer(&json!(3), ANSWERED_WITHIN)?;
    same("code", &answer["error"]["code"], &json!(46008))?;
    let data = &answer["error"]["data"];
    same("outcome", &data["outcome"], &json!("shed"))?;
    same("time to come back", &data["retry_after_ms"], &json!(1_000))?;
    run.talk.ask(4, "ping", &json!({}))?;
    run.talk.answer(&json!(4), ANSWERED_WITHIN)?;
    same("calls at the server", &called(&run)?, &ids.collect())?;
    run.talk.close();
    concluded(&mut run, 11)?;
    let reached: Vec<Value> = recorded(&run)?
        .into_iter()
        .filter(|message| message["method"] == "resources/read")
        .collect();
    same("requests at the server", &reached, &vec![])?;
    let shed = outcomes(stage, &run)?;
    let shed = shed.iter().filter(|outcome| *outcome == "shed").count();
    same("calls on record as shed", &shed, &2)
}

fn too_fast(stage: &Stage<'_>) -> Checked {
    const CALLS: u64 = 30;
    let config = "[calls]\nmax_per_second = 3\n";
    let setup = configured(stage, &stage.command(RECORD), config, &[])?;
    let mut run = begin(stage, &setup)?;
    let ids = 100..100 + CALLS;
    let all = calls(ids.clone(), "echo", &json!({"text": "quick"}));
    run.talk.send(all.as_bytes())?;
    let mut answered = Vec::new();
    for id in ids {
        let answer = match run.talk.answers(&json!(id)).pop() {
            Some(answer) => answer,
            None => run.talk.answer(&json!(id), ANSWERED_WITHIN)?,
        };
        if answer["result"]["isError"] == true {
            let after = shed(&answer)?;
            if !(1..=334).contains(&after) {
                return fail(format!("at 3 a second, told to come back after {after} ms"));
            }
        } else {
            same("text", &text_of(&answer)?, &"quick".to_owned())?;
            answered.push(id);
        }
    }
    // Three at once, and a few more if the machine takes a second or two over all of them.
    if !(3..10).contains(&answered.len()) {
        return fail(format!("{} of {CALLS} calls passed", answered.len()));
    }
    let first: Vec<u64> = answered.iter().copied().take(3).collect();
    same("the first calls", &first, &vec![100, 101, 102])?;
    run.talk.close();
    concluded(&mut run, 0)?;
    same("calls at the server", &called(&run)?, &answered)?;
    let found = outcomes(stage, &run)?;
    let shed = found.iter().filter(|outcome| *outcome == "shed").count();
    same(
        "calls on record",
        &(found.len(), shed),
        &(CALLS as usize, CALLS as usize - answered.len()),
    )
}

fn half_open(stage: &Stage<'_>) -> Checked {
    const CALLERS: u64 = 100;
    let config = "[calls]\ntimeout = \"2s\"\n[breaker]\nfailures = 1\nopen_for = \"200ms\"\n";
    let setup = configured(stage, &stage.command(RECORD), config, &[])?;
    let mut run = begin(stage, &setup)?;
    run.talk.call(2, "block", &json!({}))?;
    let answer = run.talk.answer(&json!(2), ANSWERED_WITHIN)?;
    refused(&answer, "timed_out", "unsafe")?;
    run.talk
        .await_stderr("breaker of block: open to half_open", 0, SOON)?;
    let ids = 100..100 + CALLERS;
    run.talk
        .send(calls(ids.clone(), "block", &json!({})).as_bytes())?;
    let mut tried = Vec::new();
    for id in ids {
        let answer = match run.talk.answers(&json!(id)).pop() {
            Some(answer) => answer,
            None => run.talk.answer(&json!(id), ANSWERED_WITHIN)?,
        };
        let meta = &answer["result"]["_meta"]["dev.dropgate/outcome"];
        if meta["outcome"] == "timed_out" {
            tried.push(id);
        } else {
            refused(&answer, "not_executed", "safe")?;
        }
    }
    same("callers that were let through", &tried, &vec![100])?;
    run.talk.close();
    concluded(&mut run, 0)?;
    same("calls at the server", &called(&run)?, &vec![2, 100])
}
