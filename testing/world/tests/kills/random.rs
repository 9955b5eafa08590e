//! Many callers, and a kill at any moment.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use dropgate_testing_world::books::Ending;
use dropgate_testing_world::census::Emptied;
use dropgate_testing_world::checks::{Checks, say};
use dropgate_testing_world::endings::ANSWERED_WITHIN;
use dropgate_testing_world::{Books, Checked, Column, Dice, Place, Run, Says as _, fail};
use rustix::process::Signal;
use serde_json::{Value, json};

/// How long something that is bound to happen may take.
const SOON: Duration = Duration::from_secs(20);
/// What each kill is called, before its number.
const NAME: &str = "kill_at_random";
/// Calls that are in flight at once.
const CALLERS: u64 = 64;
/// The most answers before the kill.
const ANSWERS: u64 = 600;
/// The tool that only reads has the other tier.
const CONFIG: &str = "[tools.echo]\nclass = \"read\"\n";

/// What all kills came to.
#[derive(Default)]
struct Sums {
    kills: AtomicU64,
    answers: AtomicU64,
    calls: AtomicU64,
    unanswered: AtomicU64,
    left: AtomicU64,
}

/// Plays so many kills.
pub(crate) fn play(checks: &mut Checks, place: &Place, column: Column, kills: u64) {
    let mut dice = Dice::new(checks.seed());
    let sums = Sums::default();
    let items: Vec<(String, u64)> = (0..kills)
        .map(|number| {
            let answers = dice.below(ANSWERS);
            (format!("{NAME}_{number}_after_{answers}_answers"), answers)
        })
        .collect();
    checks.check_all(&items, |name, answers| {
        one(place, column, name, *answers, &sums)
    });
    let sum = |of: &AtomicU64| of.load(Ordering::Relaxed);
    say(&format!(
        "kills at random: {} under {CALLERS} callers; {} answers, each with its record; \
         {} calls recorded, {} of them unanswered at the kill; the next start finished the journal \
         of {}",
        sum(&sums.kills),
        sum(&sums.answers),
        sum(&sums.calls),
        sum(&sums.unanswered),
        sum(&sums.left),
    ));
}

fn one(place: &Place, column: Column, name: &str, answers: u64, sums: &Sums) -> Checked {
    let books = Books::open(place, column, CONFIG)?;
    let mut run = Run::start(place, name, &books.setup()?)?;
    run.talk.initialize(ANSWERED_WITHIN)?;
    run.know_own();
    for number in 1..=CALLERS {
        ask(&mut run, number)?;
    }
    let mut last = CALLERS;
    for _ in 0..answers {
        let line = run.talk.next(ANSWERED_WITHIN)?;
        line.says("dropgate ended by itself")?;
        last += 1;
        ask(&mut run, last)?;
    }
    run.signal(Signal::KILL)?;
    if let Emptied::NotInTime = run.census.empty_by(Instant::now() + SOON) {
        return fail(format!("survivors: {}", run.survivors()));
    }
    run.talk.hear_out(SOON)?;
    if books.ending()? == Ending::Left {
        let mut next = Run::start(place, name, &books.setup()?)?;
        next.talk.initialize(ANSWERED_WITHIN)?;
        next.talk.close();
        next.ended(SOON)?;
        books.verify()?;
        sums.left.fetch_add(1, Ordering::Relaxed);
    }
    let told: Vec<Value> = run
        .talk
        .heard
        .iter()
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect();
    judge(&books, &told, sums)
}

fn ask(run: &mut Run, number: u64) -> Checked {
    let trace = format!("00-{}-0123456789abcdef-01", trace(number));
    let (tool, arguments) = if number.is_multiple_of(2) {
        ("count", json!({"n": number}))
    } else {
        ("echo", json!({"text": number.to_string()}))
    };
    let params = json!({"name": tool, "arguments": arguments, "_meta": {"traceparent": trace}});
    run.talk.ask(number + FIRST, "tools/call", &params)
}

/// What is added to a call's number for its id; 1 is the handshake's.
const FIRST: u64 = 100;

fn trace(number: u64) -> String {
    format!("{:032x}", number + 1)
}

fn judge(books: &Books<'_>, told: &[Value], sums: &Sums) -> Checked {
    // Calls by the name under which they are recorded.
    let mut traces: HashMap<String, String> = HashMap::new();
    let mut outcomes: HashMap<String, String> = HashMap::new();
    for record in books.records()? {
        let call = record["call"].as_str().unwrap_or_default().to_owned();
        match record["kind"].as_str() {
            Some("intent") => {
                let trace = record["trace_id"].as_str().says("a trace")?.to_owned();
                if traces.insert(trace, call).is_some() {
                    return fail(format!("an intent twice: {record}"));
                }
            }
            Some("outcome") => {
                let outcome = record["outcome"].as_str().says("an outcome")?.to_owned();
                if outcomes.insert(call, outcome).is_some() {
                    return fail(format!("an outcome twice: {record}"));
                }
            }
            Some(_) | None => {}
        }
    }
    let intended: HashSet<&String> = traces.values().collect();
    if intended != outcomes.keys().collect() {
        return fail("a call has an intent and no outcome, or the other way round");
    }
    let outcome_of = |number: u64| Some(outcomes.get(traces.get(&trace(number))?)?.as_str());
    let mut answers = 0;
    for answer in told.iter().filter(|one| one["id"].as_u64() > Some(FIRST)) {
        let number = answer["id"].as_u64().unwrap_or_default() - FIRST;
        if !answer["result"]["_meta"].is_null() || answer["error"].is_object() {
            return fail(format!("no result: {answer}"));
        }
        if outcome_of(number) != Some("completed") {
            return fail(format!(
                "the host was told {answer}, and the journal says {:?}",
                outcome_of(number)
            ));
        }
        answers += 1;
    }
    let mut ran = HashSet::new();
    for call in books.counted()? {
        let number = call["n"].as_u64().says("a number")?;
        if !ran.insert(number) {
            return fail(format!("call {number} ran twice"));
        }
        match outcome_of(number) {
            Some("completed" | "unknown") => {}
            other => return fail(format!("call {number} ran, and the journal says {other:?}")),
        }
    }
    for (trace, call) in &traces {
        let outcome = outcomes.get(call).map(String::as_str);
        let number = u64::from_str_radix(trace, 16).says("a trace")? - 1;
        if number.is_multiple_of(2) && outcome == Some("completed") && !ran.contains(&number) {
            return fail(format!(
                "call {number} is said to be completed and never ran"
            ));
        }
    }
    let unanswered = u64::try_from(traces.len())
        .unwrap_or(0)
        .saturating_sub(answers);
    sums.kills.fetch_add(1, Ordering::Relaxed);
    sums.answers.fetch_add(answers, Ordering::Relaxed);
    sums.calls
        .fetch_add(answers + unanswered, Ordering::Relaxed);
    sums.unanswered.fetch_add(unanswered, Ordering::Relaxed);
    Ok(())
}
