//! Calls that repeat earlier ones, in the same run, the next one, or another host's.

use std::time::Instant;

use dropgate_testing_world::endings::ANSWERED_WITHIN;
use dropgate_testing_world::{Books, Checked, Run, Says as _, fail};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::steps::{SOON, begin, concluded, emptied, refused, same, text_of};
use crate::{Reach, Rule, Stage};

pub(crate) const RULES: &[Rule] = &[
    ("a_key_gives_the_recorded_result", Reach::Users, replayed),
    (
        "a_key_gives_the_recorded_failure",
        Reach::Root,
        replayed_failure,
    ),
    ("a_key_with_other_arguments_is_refused", Reach::Root, reused),
    ("a_key_in_use_is_in_progress", Reach::Root, in_progress),
    ("an_argument_can_be_the_key", Reach::Root, argument_as_key),
    (
        "equal_calls_are_different_calls",
        Reach::Users,
        never_merged,
    ),
    (
        "a_cut_call_runs_again_only_where_the_tool_can_bear_it",
        Reach::Root,
        cut,
    ),
    (
        "a_result_that_did_not_arrive_is_given_again_once",
        Reach::Root,
        undelivered,
    ),
    (
        "the_model_asks_the_journal",
        Reach::Root,
        asked_by_the_model,
    ),
    (
        "two_hosts_that_race_for_a_key_run_it_once",
        Reach::Users,
        race,
    ),
];

/// How long a killed run may take to be gone, with the process that ends its journal.
const GONE_WITHIN: std::time::Duration = std::time::Duration::from_secs(5);

pub(crate) fn books<'a>(stage: &'a Stage<'_>, config: &str) -> Checked<Books<'a>> {
    Books::open(stage.place, stage.column, config)
}

/// Calls a tool with a key, and gives the answer.
fn keyed(run: &mut Run, id: u64, tool: &str, arguments: &Value, key: &str) -> Checked<Value> {
    ask_keyed(run, id, tool, arguments, key)?;
    run.talk.answer(&json!(id), ANSWERED_WITHIN)
}

fn ask_keyed(run: &mut Run, id: u64, tool: &str, arguments: &Value, key: &str) -> Checked {
    let meta = json!({"dev.dropgate/idempotencyKey": key});
    let params = json!({"name": tool, "arguments": arguments, "_meta": meta});
    run.talk.ask(id, "tools/call", &params)
}

fn called(run: &mut Run, id: u64, tool: &str, arguments: &Value) -> Checked<Value> {
    run.talk.call(id, tool, arguments)?;
    run.talk.answer(&json!(id), ANSWERED_WITHIN)
}

pub(crate) fn count(books: &Books<'_>, expected: usize) -> Checked {
    same("calls carried out", &books.counted()?.len(), &expected)
}

/// Checks that an answer was recorded earlier, and gives the reference of the call that it was for.
pub(crate) fn recorded_earlier(answer: &Value) -> Checked<String> {
    let meta = &answer["result"]["_meta"];
    same("replayed", &meta["dev.dropgate/replayed"], &json!(true))?;
    reference(answer)
}

fn reference(answer: &Value) -> Checked<String> {
    let meta = &answer["result"]["_meta"]["dev.dropgate/outcome"];
    let text = meta["ref"].as_str();
    text.map(str::to_owned).says(format!("no ref in {answer}"))
}

pub(crate) fn ends(run: &mut Run) -> Checked {
    run.talk.close();
    concluded(run, 0).map(drop)
}

/// Waits until the server has carried out so many calls.
pub(crate) fn await_counted(books: &Books<'_>, calls: usize) -> Checked {
    let until = Instant::now() + SOON;
    while books.counted()?.len() < calls {
        if Instant::now() > until {
            return fail(format!("the server did not carry out {calls} calls"));
        }
        std::thread::yield_now();
    }
    Ok(())
}

/// Kills the run, and waits until its journal is ended too.
pub(crate) fn killed(run: Run) -> Checked {
    let since = Instant::now();
    run.signal(Signal::KILL)?;
    emptied(&run, since, GONE_WITHIN).map(drop)
}

fn replayed(stage: &Stage<'_>) -> Checked {
    let books = books(stage, "")?;
    let mut run = begin(stage, &books.setup()?)?;
    let first = keyed(&mut run, 2, "count", &json!({"n": 1, "m": 2.0}), "k")?;
    same(
        "the server's result",
        &text_of(&first)?,
        &"counted".to_owned(),
    )?;
    let again = keyed(&mut run, 3, "count", &json!({"m": 2, "n": 1}), "k")?;
    let earlier = recorded_earlier(&again)?;
    same(
        "the same result",
        &again["result"]["content"],
        &first["result"]["content"],
    )?;
    let other = keyed(&mut run, 4, "count", &json!({"n": 1, "m": 2.0}), "another")?;
    same("another key", &other["result"]["_meta"], &Value::Null)?;
    count(&books, 2)?;
    ends(&mut run)?;

    let mut next = begin(stage, &books.setup()?)?;
    let again = keyed(&mut next, 2, "count", &json!({"n": 1, "m": 2.0}), "k")?;
    same("the same call", &recorded_earlier(&again)?, &earlier)?;
    same(
        "the same result",
        &again["result"]["content"],
        &first["result"]["content"],
    )?;
    count(&books, 2)?;
    ends(&mut next)?;
    books.verify()?;
    same(
        "its outcome",
        &books.outcome(&earlier)?["outcome"],
        &json!("completed"),
    )?;
    let repeats: Vec<Value> = books
        .records()?
        .into_iter()
        .filter(|record| record["repeats"] == json!(earlier))
        .map(|record| record["outcome"].clone())
        .collect();
    same("repetitions", &repeats, &vec![json!("not_executed"); 2])
}

fn replayed_failure(stage: &Stage<'_>) -> Checked {
    let books = books(stage, "")?;
    let mut run = begin(stage, &books.setup()?)?;
    let first = keyed(&mut run, 2, "count_and_fail", &json!({"n": 1}), "k")?;
    let again = keyed(&mut run, 3, "count_and_fail", &json!({"n": 1}), "k")?;
    recorded_earlier(&again)?;
    same("isError", &again["result"]["isError"], &json!(true))?;
    same("the same text", &text_of(&again)?, &text_of(&first)?)?;
    // An error text that was cleaned is cleaned again.
    let first = keyed(&mut run, 4, "fail", &json!({"as": "tool"}), "f")?;
    let again = keyed(&mut run, 5, "fail", &json!({"as": "tool"}), "f")?;
    same("the same text", &text_of(&again)?, &text_of(&first)?)?;
    let first = keyed(&mut run, 6, "fail", &json!({"as": "rpc"}), "g")?;
    let again = keyed(&mut run, 7, "fail", &json!({"as": "rpc"}), "g")?;
    same("the same error", &again["error"], &first["error"])?;
    count(&books, 1)?;
    ends(&mut run)
}

fn reused(stage: &Stage<'_>) -> Checked {
    let books = books(stage, "")?;
    let mut run = begin(stage, &books.setup()?)?;
    keyed(&mut run, 2, "count", &json!({"n": 1}), "k")?;
    let other = keyed(&mut run, 3, "count", &json!({"n": 2}), "k")?;
    refused(&other, "denied", "never")?;
    let elsewhere = keyed(&mut run, 4, "count_and_fail", &json!({"n": 3}), "k")?;
    same(
        "another tool",
        &text_of(&elsewhere)?,
        &"counted, then failed".to_owned(),
    )?;
    count(&books, 2)?;
    ends(&mut run)?;
    let mut next = begin(stage, &books.setup()?)?;
    let other = keyed(&mut next, 2, "count", &json!({"n": 2}), "k")?;
    refused(&other, "denied", "never")?;
    same(
        "its record",
        &books.outcome(&reference(&other)?)?["outcome"],
        &json!("denied"),
    )?;
    count(&books, 2)?;
    ends(&mut next)
}

fn in_progress(stage: &Stage<'_>) -> Checked {
    let books = books(stage, "[calls]\ntimeout = \"20s\"\n")?;
    let mut run = begin(stage, &books.setup()?)?;
    ask_keyed(&mut run, 2, "count_and_block", &json!({"n": 1}), "k")?;
    await_counted(&books, 1)?;
    let again = keyed(&mut run, 3, "count_and_block", &json!({"n": 1}), "k")?;
    refused(&again, "not_executed", "safe")?;
    // Another host sees the same.
    let mut other = begin(stage, &books.setup()?)?;
    let again = keyed(&mut other, 2, "count_and_block", &json!({"n": 1}), "k")?;
    refused(&again, "not_executed", "safe")?;
    ends(&mut other)?;
    count(&books, 1)?;
    killed(run)?;
    let mut next = begin(stage, &books.setup()?)?;
    let again = keyed(&mut next, 2, "count_and_block", &json!({"n": 1}), "k")?;
    refused(&again, "unknown", "unsafe")?;
    count(&books, 1)?;
    ends(&mut next)
}

fn argument_as_key(stage: &Stage<'_>) -> Checked {
    let config = "[tools.\"count*\"]\nidempotency_key_argument = \"request_id\"\n";
    let books = books(stage, config)?;
    let mut run = begin(stage, &books.setup()?)?;
    let with = |id: Value| json!({"n": 1, "request_id": id});
    called(&mut run, 2, "count", &with(json!("a")))?;
    recorded_earlier(&called(&mut run, 3, "count", &with(json!("a")))?)?;
    called(&mut run, 4, "count", &with(json!(17)))?;
    recorded_earlier(&called(&mut run, 5, "count", &with(json!(17)))?)?;
    // It reaches the server as it was sent; without one, calls are different calls.
    same(
        "counted",
        &books.counted()?,
        &vec![with(json!("a")), with(json!(17))],
    )?;
    called(&mut run, 6, "count", &json!({"n": 1}))?;
    called(&mut run, 7, "count", &json!({"n": 1}))?;
    count(&books, 4)?;
    let bad = called(&mut run, 8, "count", &with(json!(["a"])))?;
    same("a list as key", &bad["error"]["code"], &json!(-32602))?;
    // What the protocol says outweighs the argument.
    let other = keyed(&mut run, 9, "count", &with(json!("a")), "of the host")?;
    same("another key", &other["result"]["_meta"], &Value::Null)?;
    count(&books, 5)?;
    ends(&mut run)
}

fn never_merged(stage: &Stage<'_>) -> Checked {
    let books = books(stage, "")?;
    for round in 1..=2 {
        let mut run = begin(stage, &books.setup()?)?;
        for id in 2..5 {
            let answer = called(&mut run, id, "count", &json!({"n": 1}))?;
            same("text", &text_of(&answer)?, &"counted".to_owned())?;
        }
        for id in 5..8 {
            run.talk.call(id, "count", &json!({"n": 1}))?;
        }
        for id in 5..8 {
            run.talk.answer(&json!(id), ANSWERED_WITHIN)?;
        }
        count(&books, round * 6)?;
        ends(&mut run)?;
    }
    books.verify()
}

fn cut(stage: &Stage<'_>) -> Checked {
    let arguments = json!({"n": 1});
    let books = books(stage, "")?;
    let mut run = begin(stage, &books.setup()?)?;
    run.talk.call(2, "count_and_block", &arguments)?;
    await_counted(&books, 1)?;
    killed(run)?;

    let mut next = begin(stage, &books.setup()?)?;
    let again = called(&mut next, 2, "count_and_block", &arguments)?;
    refused(&again, "unknown", "unsafe")?;
    let earlier = reference(&again)?;
    same(
        "its outcome",
        &books.outcome(&earlier)?["outcome"],
        &json!("unknown"),
    )?;
    next.talk.call(3, "count_and_block", &json!({"n": 2}))?;
    await_counted(&books, 2)?;
    let again = called(&mut next, 4, "count_and_block", &arguments)?;
    refused(&again, "unknown", "unsafe")?;
    killed(next)?;

    let rule = |what: &str| format!("[tools.count_and_block]\non_unknown = \"{what}\"\n");
    books.configure(&rule("reconcile:report"))?;
    let mut next = begin(stage, &books.setup()?)?;
    let again = called(&mut next, 2, "count_and_block", &arguments)?;
    refused(&again, "unknown", "unsafe")?;
    if !text_of(&again)?.contains("the tool report") {
        return fail(format!("no tool is named in {again}"));
    }
    ends(&mut next)?;

    books.configure(&rule("retry"))?;
    let mut next = begin(stage, &books.setup()?)?;
    next.talk.call(2, "count_and_block", &arguments)?;
    await_counted(&books, 3)?;
    killed(next)?;
    // It was repeated once, and is an orphan again; the other one still is.
    books.configure("")?;
    let mut next = begin(stage, &books.setup()?)?;
    for (id, n) in [(2, 1), (3, 2)] {
        let again = called(&mut next, id, "count_and_block", &json!({"n": n}))?;
        refused(&again, "unknown", "unsafe")?;
    }
    count(&books, 3)?;
    ends(&mut next)?;
    books.verify()
}

fn undelivered(stage: &Stage<'_>) -> Checked {
    let arguments = json!({"n": 1});
    let books = books(stage, "")?;
    let mut run = begin(stage, &books.setup()?)?;
    run.talk.stop_reading()?;
    run.talk.call(2, "count_behind", &arguments)?;
    await_outcomes(&books, 1)?;
    killed(run)?;

    let mut next = begin(stage, &books.setup()?)?;
    let again = called(&mut next, 2, "count_behind", &arguments)?;
    let earlier = recorded_earlier(&again)?;
    same(
        "its outcome",
        &books.outcome(&earlier)?["outcome"],
        &json!("completed"),
    )?;
    count(&books, 1)?;
    let new = called(&mut next, 3, "count_behind", &arguments)?;
    same("a call of its own", &new["result"]["_meta"], &Value::Null)?;
    count(&books, 2)?;
    ends(&mut next)?;

    let mut last = begin(stage, &books.setup()?)?;
    let new = called(&mut last, 2, "count_behind", &arguments)?;
    same("a call of its own", &new["result"]["_meta"], &Value::Null)?;
    count(&books, 3)?;
    ends(&mut last)?;
    books.verify()
}

/// Waits until so many outcomes are recorded.
fn await_outcomes(books: &Books<'_>, outcomes: usize) -> Checked {
    let until = Instant::now() + SOON;
    loop {
        let mut found = 0;
        for segment in books.segments()? {
            let bytes = std::fs::read(&segment).says(segment.display())?;
            found += String::from_utf8_lossy(&bytes)
                .matches("\"kind\":\"outcome\"")
                .count();
        }
        if found >= outcomes {
            return Ok(());
        }
        if Instant::now() > until {
            return fail(format!("{found} outcomes were recorded, not {outcomes}"));
        }
        std::thread::yield_now();
    }
}

fn asked_by_the_model(stage: &Stage<'_>) -> Checked {
    let arguments = json!({"n": 1});
    let books = books(stage, "")?;
    let mut run = begin(stage, &books.setup()?)?;
    run.talk.ask(2, "tools/list", &json!({}))?;
    let bare = run.talk.answer(&json!(2), ANSWERED_WITHIN)?;
    run.talk.call(3, "count_and_block", &arguments)?;
    await_counted(&books, 1)?;
    ask_keyed(&mut run, 4, "count_and_block", &json!({"n": 2}), "k")?;
    await_counted(&books, 2)?;
    let unknown = called(
        &mut run,
        5,
        "dropgate_outcome",
        &json!({"ref": "L-AAAAAAAAAAAAA"}),
    )?;
    same("not offered", &unknown["error"]["code"], &json!(-32602))?;
    killed(run)?;

    books.configure("[journal]\ntools = true\n")?;
    let mut run = begin(stage, &books.setup()?)?;
    run.talk.ask(2, "tools/list", &json!({}))?;
    let mut list = run.talk.answer(&json!(2), ANSWERED_WITHIN)?;
    let tools = list["result"]["tools"].as_array_mut().says("a list")?;
    let names: Vec<String> = tools
        .drain(tools.len().saturating_sub(2)..)
        .map(|tool| tool["name"].as_str().unwrap_or_default().to_owned())
        .collect();
    same(
        "our tools",
        &names,
        &vec!["dropgate_outcome".to_owned(), "dropgate_retry".to_owned()],
    )?;
    same("the other tools", &list, &bare)?;

    let plain = called(&mut run, 3, "count_and_block", &arguments)?;
    refused(&plain, "unknown", "unsafe")?;
    let with_key = keyed(&mut run, 4, "count_and_block", &json!({"n": 2}), "k")?;
    refused(&with_key, "unknown", "unsafe")?;
    let references = [reference(&plain)?, reference(&with_key)?];
    for (at, earlier) in references.iter().enumerate() {
        let id = 10 + 10 * u64::try_from(at).unwrap_or(0);
        let told = called(&mut run, id, "dropgate_outcome", &json!({"ref": earlier}))?;
        let call = &told["result"]["structuredContent"]["call"];
        let journal = books.outcome(earlier)?;
        same("isError", &told["result"]["isError"], &json!(false))?;
        same("outcome", &call["outcome"], &json!("unknown"))?;
        same("the verb's outcome", &journal["outcome"], &call["outcome"])?;
        same("the verb's retry", &journal["retry"], &call["retry"])?;
        same("ref", &call["ref"], &json!(earlier))?;
        of_itself(&told, "completed", earlier)?;
        let allowed = called(&mut run, id + 1, "dropgate_retry", &json!({"ref": earlier}))?;
        same("isError", &allowed["result"]["isError"], &json!(false))?;
        of_itself(&allowed, "completed", earlier)?;
        // Nothing has run yet.
        count(&books, 2 + at)?;
        if at == 0 {
            run.talk.call(id + 2, "count_and_block", &arguments)?;
        } else {
            ask_keyed(&mut run, id + 2, "count_and_block", &json!({"n": 2}), "k")?;
        }
        await_counted(&books, 3 + at)?;
    }
    let answered = called(&mut run, 40, "count", &json!({"n": 3}))?;
    same("text", &text_of(&answered)?, &"counted".to_owned())?;
    let completed = completed_call(&books)?;
    let no = called(&mut run, 41, "dropgate_retry", &json!({"ref": completed}))?;
    same("what was answered", &no["result"]["isError"], &json!(true))?;
    for bad in [
        json!({"ref": "L-AAAAAAAAAAAAA"}),
        json!({"ref": 7}),
        json!({}),
    ] {
        let told = called(&mut run, 42, "dropgate_outcome", &bad)?;
        same("a bad reference", &told["result"]["isError"], &json!(true))?;
        of_itself(&told, "tool_error", "")?;
    }
    killed(run)?;
    books.verify()
}

/// What an answer of a tool of ours says in `_meta` is about that call, not about the one that was asked about.
fn of_itself(answer: &Value, outcome: &str, earlier: &str) -> Checked {
    let meta = &answer["result"]["_meta"]["dev.dropgate/outcome"];
    same("its own outcome", &meta["outcome"], &json!(outcome))?;
    match meta["ref"].as_str() {
        Some(own) if own != earlier => Ok(()),
        _ => fail(format!("a reference of its own: {meta}")),
    }
}

/// The reference of a call that was completed by the server.
fn completed_call(books: &Books<'_>) -> Checked<String> {
    let records = books.records()?;
    let intended = |call: &Value| {
        records
            .iter()
            .any(|record| record["kind"] == "intent" && record["call"] == *call)
    };
    let found = records.iter().rev().find(|record| {
        record["kind"] == "outcome" && record["outcome"] == "completed" && intended(&record["call"])
    });
    let call = found.and_then(|record| record["call"].as_str());
    call.map(str::to_owned).says("a completed call")
}

/// How many keys two hosts race for.
const KEYS: u64 = 40;

fn race(stage: &Stage<'_>) -> Checked {
    let books = books(stage, "")?;
    let mut one = begin(stage, &books.setup()?)?;
    let mut other = begin(stage, &books.setup()?)?;
    for number in 0..KEYS {
        let (id, key) = (number + 10, format!("key {number}"));
        let arguments = json!({"n": number});
        ask_keyed(&mut one, id, "count", &arguments, &key)?;
        ask_keyed(&mut other, id, "count", &arguments, &key)?;
        let answers = [
            one.talk.answer(&json!(id), ANSWERED_WITHIN)?,
            other.talk.answer(&json!(id), ANSWERED_WITHIN)?,
        ];
        let ran = answers
            .iter()
            .filter(|answer| answer["result"]["_meta"].is_null())
            .count();
        same(
            &format!("results of the server's own in {answers:?}"),
            &ran,
            &1,
        )?;
        for answer in answers {
            let meta = &answer["result"]["_meta"];
            if !meta.is_null() && meta["dev.dropgate/replayed"] != json!(true) {
                refused(&answer, "not_executed", "safe")?;
                // Whoever asks again with the key gets the result.
                let again = keyed(&mut other, id + 1000, "count", &arguments, &key)?;
                recorded_earlier(&again).or_else(|_| refused_for_now(&again))?;
            }
        }
    }
    ends(&mut one)?;
    ends(&mut other)?;
    let mut counted = books.counted()?;
    counted.sort_by_key(|call| call["n"].as_u64());
    let expected: Vec<Value> = (0..KEYS).map(|number| json!({"n": number})).collect();
    same("what ran", &counted, &expected)?;
    books.verify()
}

/// The other host's outcome was on its way to the disk.
fn refused_for_now(answer: &Value) -> Checked<String> {
    refused(answer, "not_executed", "safe")?;
    Ok(String::new())
}
