//! Plays one ending of one scenario and judges it by its row.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::census::Emptied;
use crate::grid::Cell;
use crate::place::{Column, Place};
use crate::problem::{Checked, Says as _, problem};
use crate::rows::{Busy, Caller, Ending, Matches, Scenario};
use crate::run::{Run, Setup};

/// Longest wait for an answer before the ending.
pub const ANSWERED_WITHIN: Duration = Duration::from_secs(20);

/// How long is looked for survivors beyond what a row allows.
const LOOKED_FOR: Duration = Duration::from_secs(5);

/// How long the end of a stream may take once nobody holds it.
const STREAM_ENDS_WITHIN: Duration = Duration::from_secs(5);

/// What a host waits for between the steps of the protocol's own shutdown.
const SPEC_STEP: Duration = Duration::from_secs(2);

/// The call in flight.
const CALL: u64 = 2;

/// Plays a cell.
#[must_use]
pub fn play(place: &Place, column: Column, scenario: &Scenario, ending: Ending) -> Cell {
    let name = format!("{column}/{}/{}", scenario.name, ending.name());
    let setup = setup(column, scenario.server);
    let mut run = match Run::start(place, &name, &setup) {
        Ok(run) => run,
        Err(problem) => return Cell::failed(name, problem),
    };
    match strike(&mut run, scenario, ending) {
        Ok(struck) => judge(place, column, name, &mut run, scenario, ending, struck),
        Err(problem) => {
            let stderr = String::from_utf8_lossy(&run.talk.stderr()).into_owned();
            Cell::failed(
                name,
                format!("before the ending: {problem}; stderr: {stderr}"),
            )
        }
    }
}

/// A setup in which the level can be had.
#[must_use]
pub fn setup(column: Column, server: &[&str]) -> Setup {
    let setup = Setup::command(column, server);
    match column.level() {
        Some(dropgate_process::Level::Cgroup) => setup.delegated(),
        Some(_) | None => setup,
    }
}

fn strike(run: &mut Run, scenario: &Scenario, ending: Ending) -> Checked<Instant> {
    run.talk.initialize(ANSWERED_WITHIN)?;
    run.know_own();
    match scenario.busy {
        Busy::Idle => {}
        Busy::Block => {
            run.talk.call(CALL, "block", &json!({}))?;
            // The server reads in order, so the call has reached it when this is answered.
            run.talk.ask(3, "ping", &json!({}))?;
            run.talk.answer(&json!(3), ANSWERED_WITHIN)?;
        }
        Busy::Slow => {
            run.talk.call(CALL, "slow", &json!({"ms": 2000}))?;
            let early = run.talk.answer(&json!(CALL), Duration::from_millis(500));
            if let Ok(answer) = early {
                return Err(format!("the slow call was answered early: {answer}"));
            }
        }
    }
    let struck = Instant::now();
    match ending {
        Ending::Eof => run.talk.close(),
        Ending::Spec => return end_by_the_book(run),
        Ending::Term => run.signal(Signal::TERM)?,
        Ending::Int => run.signal(Signal::INT)?,
        Ending::Hup => run.signal(Signal::HUP)?,
        Ending::Kill => run.signal(Signal::KILL)?,
        Ending::Host => run.kill_host()?,
    }
    Ok(struck)
}

fn end_by_the_book(run: &mut Run) -> Checked<Instant> {
    let struck = Instant::now();
    run.talk.close();
    for (signal, after) in [(Signal::TERM, 1), (Signal::KILL, 2)] {
        match run.wrapper_ended_by(struck + SPEC_STEP * after) {
            Emptied::At(_) => return Ok(struck),
            Emptied::NotInTime if signal == Signal::KILL => {
                run.signal(signal)?;
                return Err("the host had to send SIGKILL".to_owned());
            }
            Emptied::NotInTime => run.signal(signal)?,
        }
    }
    Ok(struck)
}

fn judge(
    place: &Place,
    column: Column,
    name: String,
    run: &mut Run,
    scenario: &Scenario,
    ending: Ending,
    struck: Instant,
) -> Cell {
    let within = scenario.within(ending);
    let took = match run.census.empty_by(struck + within + LOOKED_FOR) {
        Emptied::At(at) => at.duration_since(struck),
        Emptied::NotInTime => {
            return Cell::failed(name, format!("survivors: {}", run.survivors()));
        }
    };
    let mut problems = Vec::new();
    if let Err(held) = run.talk.hear_out(STREAM_ENDS_WITHIN) {
        problems.push(held);
    }
    problem(
        &mut problems,
        "lines on stdout that are no messages",
        &run.talk.impure(),
        &vec![],
    );
    check_caller(&mut problems, run, scenario.caller_at(ending));
    match run.report(STREAM_ENDS_WITHIN) {
        Ok(report) => check_report(&mut problems, &report, place, column, ending),
        Err(missing) => problems.push(missing),
    }
    if ending != Ending::Host {
        match run.ended(STREAM_ENDS_WITHIN) {
            Ok(ended) if scenario.exit_at(ending).is(ended) == Matches::Yes => {}
            Ok(ended) => problems.push(format!(
                "exit: expected {:?}, found {ended:?}",
                scenario.exit_at(ending)
            )),
            Err(unseen) => problems.push(unseen),
        }
    }
    if scenario.busy == Busy::Block
        && ending != Ending::Kill
        && let Err(missing) = check_cancelled(run)
    {
        problems.push(missing);
    }
    if !problems.is_empty() {
        problems.push(format!(
            "stderr: {}",
            String::from_utf8_lossy(&run.talk.stderr())
        ));
    }
    Cell::judged(name, took, within, problems)
}

fn check_report(
    problems: &mut Vec<String>,
    report: &Value,
    place: &Place,
    column: Column,
    ending: Ending,
) {
    problem(
        problems,
        "report.survivors",
        &report["survivors"],
        &json!([]),
    );
    problem(problems, "report.leaked", &report["leaked"], &json!(false));
    let level = column.expected_level(place);
    problem(
        problems,
        "report.containment",
        &report["containment"],
        &json!(level.name()),
    );
    let trigger = match ending {
        Ending::Eof | Ending::Spec => "eof",
        Ending::Term => "sigterm",
        Ending::Int => "sigint",
        Ending::Hup => "sighup",
        Ending::Kill => "wrapper_lost",
        Ending::Host => "host_died",
    };
    problem(
        problems,
        "report.trigger",
        &report["trigger"],
        &json!(trigger),
    );
}

fn check_caller(problems: &mut Vec<String>, run: &Run, expected: Caller) {
    let answers = run.talk.answers(&json!(CALL));
    let found = match answers.as_slice() {
        [] if expected == Caller::NoCall => Caller::NoCall,
        [] => Caller::Nothing,
        [answer] => match said(answer) {
            Ok(found) => found,
            Err(odd) => return problems.push(odd),
        },
        several => return problems.push(format!("{} answers to one call", several.len())),
    };
    problem(problems, "the caller", &found, &expected);
}

fn said(answer: &Value) -> Checked<Caller> {
    let outcome = &answer["result"]["_meta"]["dev.dropgate/outcome"];
    match (outcome["outcome"].as_str(), &answer["result"]["isError"]) {
        (Some("unknown"), Value::Bool(true)) if outcome["retry"] == "unsafe" => Ok(Caller::Unknown),
        (None, Value::Null | Value::Bool(false)) if answer["result"]["content"].is_array() => {
            Ok(Caller::Result)
        }
        _ => Err(format!("an odd answer: {answer}")),
    }
}

fn check_cancelled(run: &Run) -> Checked {
    let record = fs::read(run.dir.join("record")).says("the server's record")?;
    let cancelled: Vec<Value> = record
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
        .filter(|message| message["method"] == "notifications/cancelled")
        .map(|message| message["params"]["requestId"].clone())
        .collect();
    if cancelled == [json!(CALL)] {
        return Ok(());
    }
    Err(format!(
        "the server was told to cancel {cancelled:?}, expected [{CALL}]"
    ))
}
