//! What calls, callers and operators get when it ends.

use std::fs;
use std::time::{Duration, Instant};

use dropgate_testing_world::checks::LATE;
use dropgate_testing_world::endings::ANSWERED_WITHIN;
use dropgate_testing_world::rows::RECORD;
use dropgate_testing_world::{Checked, Ended, Says as _, fail};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::steps::{
    SOON, await_phase, begin, blocked, concluded, emptied, only_answer, recorded, refused, same,
    text_of,
};
use crate::{Reach, Rule, Stage};

pub(crate) const RULES: &[Rule] = &[
    (
        "r10_a_short_call_is_answered_after_eof",
        Reach::Levels,
        short_call_at_eof,
    ),
    (
        "r11_a_long_call_is_cancelled_after_eof",
        Reach::Levels,
        long_call_at_eof,
    ),
    (
        "r12_sigterm_after_eof_shortens_the_drain",
        Reach::Levels,
        sigterm_after_eof,
    ),
    (
        "r12_a_second_sigterm_hurries",
        Reach::Levels,
        second_sigterm,
    ),
    (
        "r13_a_call_while_draining_never_reaches_the_server",
        Reach::Users,
        call_while_draining,
    ),
    (
        "r28_a_server_that_never_answered_is_not_waited_for",
        Reach::Levels,
        never_init,
    ),
    (
        "a_request_that_is_piped_in_is_waited_for",
        Reach::Users,
        piped_in,
    ),
    ("sigquit_kills_at_once", Reach::Levels, sigquit),
    (
        "sigquit_in_a_drain_kills_at_once",
        Reach::Levels,
        sigquit_in_a_drain,
    ),
    ("signals_together_are_one", Reach::Users, broadcast),
    (
        "eof_in_a_drain_leaves_three_seconds",
        Reach::Users,
        eof_in_a_drain,
    ),
    (
        "a_cancelled_call_that_confirms_is_no_unknown",
        Reach::Users,
        host_cancelled,
    ),
    ("drain_flag_bounds_the_drain", Reach::Users, drain_flag),
    (
        "on_shutdown_cancel_cancels_at_once",
        Reach::Users,
        cancel_at_once,
    ),
    (
        "a_flood_of_stray_lines_delays_no_end",
        Reach::Users,
        stray_flood,
    ),
    (
        "full_queues_both_ways_hold_the_deadline",
        Reach::Users,
        full_queues,
    ),
];

/// A fifth more than what is promised, as the machine is shared.
fn about(promise: Duration) -> Duration {
    promise.mul_f64(1.2)
}

fn short_call_at_eof(stage: &Stage<'_>) -> Checked {
    let mut run = begin(stage, &stage.server(&["plain"]))?;
    run.talk.call(2, "slow", &json!({"ms": 1000}))?;
    if run
        .talk
        .answer(&json!(2), Duration::from_millis(100))
        .is_ok()
    {
        return fail("the slow call was answered early");
    }
    run.talk.close();
    let answer = run.talk.answer(&json!(2), ANSWERED_WITHIN)?;
    same("text", &text_of(&answer)?, &"done after 1000 ms".to_owned())?;
    let report = concluded(&mut run, 0)?;
    same("completed", &report["in_flight"]["completed"], &json!(1))
}

fn long_call_at_eof(stage: &Stage<'_>) -> Checked {
    let mut run = begin(stage, &stage.command(RECORD))?;
    run.talk.call(2, "slow", &json!({"ms": 10_000}))?;
    run.talk.ask(3, "ping", &json!({}))?;
    run.talk.answer(&json!(3), ANSWERED_WITHIN)?;
    let struck = Instant::now();
    run.talk.close();
    emptied(&run, struck, about(Duration::from_secs(3)))?;
    let report = concluded(&mut run, 11)?;
    same("unknown", &report["in_flight"]["unknown"], &json!(1))?;
    refused(&only_answer(&run, 2)?, "unknown", "unsafe")?;
    let cancelled: Vec<_> = recorded(&run)?
        .into_iter()
        .filter(|message| message["method"] == "notifications/cancelled")
        .map(|message| message["params"]["requestId"].clone())
        .collect();
    same("cancelled", &cancelled, &vec![json!(2)])
}

fn sigterm_after_eof(stage: &Stage<'_>) -> Checked {
    let mut run = blocked(stage, &["ignterm"])?;
    run.talk.close();
    await_phase(&run, "draining")?;
    let struck = Instant::now();
    run.signal(Signal::TERM)?;
    emptied(&run, struck, about(Duration::from_millis(1200)))?;
    concluded(&mut run, 12)?;
    refused(&only_answer(&run, 2)?, "unknown", "unsafe")
}

fn second_sigterm(stage: &Stage<'_>) -> Checked {
    let mut run = blocked(stage, &["ignterm"])?;
    run.signal(Signal::TERM)?;
    await_phase(&run, "draining")?;
    // Within 0.3 s the two would be one broadcast.
    if run
        .talk
        .answer(&json!(2), Duration::from_millis(350))
        .is_ok()
    {
        return fail("the call was given up at the first signal");
    }
    let struck = Instant::now();
    run.signal(Signal::TERM)?;
    emptied(&run, struck, about(Duration::from_millis(300)))?;
    concluded(&mut run, 12)?;
    refused(&only_answer(&run, 2)?, "unknown", "unsafe")
}

fn call_while_draining(stage: &Stage<'_>) -> Checked {
    let mut run = begin(stage, &stage.command(RECORD))?;
    run.talk.call(2, "slow", &json!({"ms": 1500}))?;
    run.talk.ask(3, "ping", &json!({}))?;
    run.talk.answer(&json!(3), ANSWERED_WITHIN)?;
    run.signal(Signal::TERM)?;
    await_phase(&run, "draining")?;
    run.talk.call(4, "echo", &json!({"text": "late"}))?;
    refused(
        &run.talk.answer(&json!(4), ANSWERED_WITHIN)?,
        "not_executed",
        "safe",
    )?;
    run.talk.ask(5, "tools/list", &json!({}))?;
    let error = run.talk.answer(&json!(5), ANSWERED_WITHIN)?;
    same("code", &error["error"]["code"], &json!(46001))?;
    same(
        "outcome",
        &error["error"]["data"]["outcome"],
        &json!("not_executed"),
    )?;
    let answer = run.talk.answer(&json!(2), ANSWERED_WITHIN)?;
    same("text", &text_of(&answer)?, &"done after 1500 ms".to_owned())?;
    let report = concluded(&mut run, 0)?;
    let expected = json!({"completed": 1, "cancelled": 0, "unknown": 0, "not_executed": 2});
    same("in_flight", &report["in_flight"], &expected)?;
    let late = recorded(&run)?
        .into_iter()
        .filter(|message| message["id"] == 4 || message["id"] == 5)
        .count();
    same("late requests that reached the server", &late, &0)
}

fn never_init(stage: &Stage<'_>) -> Checked {
    let setup = stage.server(&["never-init"]);
    let mut run = dropgate_testing_world::Run::start(stage.place, &stage.name, &setup)?;
    run.talk.ask(1, "initialize", &json!({}))?;
    run.talk
        .await_stderr("dropgate: containment", 0, ANSWERED_WITHIN)?;
    run.know_own();
    // A request with the end of the input right behind it was piped in, and is waited for.
    if run
        .talk
        .answer(&json!(1), Duration::from_millis(500))
        .is_ok()
    {
        return fail("a server that never answers has answered");
    }
    let struck = Instant::now();
    run.talk.close();
    emptied(&run, struck, about(Duration::from_secs(1)))?;
    concluded(&mut run, 11).map(drop)
}

fn piped_in(stage: &Stage<'_>) -> Checked {
    let setup = stage.server(&["slow-init", "1000"]);
    let mut run = dropgate_testing_world::Run::start(stage.place, &stage.name, &setup)?;
    run.talk.ask(1, "initialize", &json!({}))?;
    run.talk.close();
    run.talk.answer(&json!(1), ANSWERED_WITHIN)?;
    concluded(&mut run, 0).map(drop)
}

fn sigquit(stage: &Stage<'_>) -> Checked {
    let mut run = blocked(stage, &["ignterm"])?;
    let struck = Instant::now();
    run.signal(Signal::QUIT)?;
    emptied(&run, struck, Duration::from_millis(300))?;
    let report = concluded(&mut run, 12)?;
    same("trigger", &report["trigger"], &json!("sigquit"))?;
    refused(&only_answer(&run, 2)?, "unknown", "unsafe")
}

fn sigquit_in_a_drain(stage: &Stage<'_>) -> Checked {
    let mut run = blocked(stage, &["ignterm"])?;
    run.signal(Signal::HUP)?;
    await_phase(&run, "draining")?;
    let struck = Instant::now();
    run.signal(Signal::QUIT)?;
    emptied(&run, struck, Duration::from_millis(300))?;
    let report = concluded(&mut run, 12)?;
    same("trigger", &report["trigger"], &json!("sighup"))?;
    refused(&only_answer(&run, 2)?, "unknown", "unsafe")
}

fn broadcast(stage: &Stage<'_>) -> Checked {
    let mut run = begin(stage, &stage.server(&["plain"]))?;
    run.talk.call(2, "slow", &json!({"ms": 1000}))?;
    run.talk.ask(3, "ping", &json!({}))?;
    run.talk.answer(&json!(3), ANSWERED_WITHIN)?;
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::INT] {
        run.signal(signal)?;
    }
    let answer = run.talk.answer(&json!(2), ANSWERED_WITHIN)?;
    same("text", &text_of(&answer)?, &"done after 1000 ms".to_owned())?;
    concluded(&mut run, 0).map(drop)
}

fn eof_in_a_drain(stage: &Stage<'_>) -> Checked {
    let mut run = blocked(stage, &["plain"])?;
    run.signal(Signal::TERM)?;
    await_phase(&run, "draining")?;
    let struck = Instant::now();
    run.talk.close();
    emptied(&run, struck, about(Duration::from_secs(3)))?;
    let report = concluded(&mut run, 11)?;
    same("trigger", &report["trigger"], &json!("sigterm"))
}

fn host_cancelled(stage: &Stage<'_>) -> Checked {
    let mut run = blocked(stage, &["plain"])?;
    run.talk.say(&json!({
        "jsonrpc": "2.0",
        "method": "notifications/cancelled",
        "params": {"requestId": 2},
    }))?;
    run.talk.ask(4, "ping", &json!({}))?;
    run.talk.answer(&json!(4), ANSWERED_WITHIN)?;
    let struck = Instant::now();
    run.signal(Signal::TERM)?;
    // Nobody waits for that call any more, so nothing is drained.
    emptied(&run, struck, Duration::from_secs(2))?;
    concluded(&mut run, 0)?;
    same("answers", &run.talk.answers(&json!(2)).len(), &0)
}

fn drain_flag(stage: &Stage<'_>) -> Checked {
    let setup = stage.server(&["plain"]).flags(&["--drain", "500ms"]);
    let mut run = begin(stage, &setup)?;
    run.talk.call(2, "block", &json!({}))?;
    run.talk.ask(3, "ping", &json!({}))?;
    run.talk.answer(&json!(3), ANSWERED_WITHIN)?;
    let struck = Instant::now();
    run.signal(Signal::TERM)?;
    emptied(&run, struck, about(Duration::from_secs(2)))?;
    concluded(&mut run, 11).map(drop)
}

fn cancel_at_once(stage: &Stage<'_>) -> Checked {
    let setup = stage
        .command(RECORD)
        .flags(&["--on-shutdown", "bl*=cancel"]);
    let mut run = begin(stage, &setup)?;
    run.talk.call(2, "block", &json!({}))?;
    run.talk.ask(3, "ping", &json!({}))?;
    run.talk.answer(&json!(3), ANSWERED_WITHIN)?;
    let struck = Instant::now();
    run.signal(Signal::TERM)?;
    emptied(&run, struck, about(Duration::from_millis(1500)))?;
    concluded(&mut run, 11)?;
    let cancelled = recorded(&run)?
        .into_iter()
        .filter(|message| message["method"] == "notifications/cancelled")
        .count();
    same("cancellations", &cancelled, &1)
}

fn stray_flood(stage: &Stage<'_>) -> Checked {
    let hello = json!({"jsonrpc": "2.0", "id": 1, "result": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "serverInfo": {"name": "flood", "version": "1"},
    }});
    let script = r#"read -r line; printf '%s\n' "$0"; exec yes"#;
    let setup = stage
        .command(&["sh", "-c", script, &hello.to_string()])
        .flags(&["--report", "{dir}/report"]);
    let mut run = begin(stage, &setup)?;
    run.talk.await_stderr(
        "not a message on the server's stdout: y",
        0,
        ANSWERED_WITHIN,
    )?;
    let struck = Instant::now();
    run.talk.close();
    emptied(&run, struck, about(Duration::from_millis(1400)))?;
    same("end", &run.ended(SOON)?, &Ended::Code(0))?;
    // More comes on stderr than is kept of it here.
    let report = fs::read(run.dir.join("report")).says("the report")?;
    let report: Value = serde_json::from_slice(&report).says("the report")?;
    same("trigger", &report["trigger"], &json!("eof"))?;
    let closing = &report["phase_ms"]["closing"];
    match closing.as_u64() {
        Some(..=900) => Ok(()),
        Some(_) | None => Err(format!(
            "{LATE}closing took {closing} ms, allowed 700 and a little"
        )),
    }
}

/// Neither side reads, so nothing moves and both queues stay full to the end.
fn full_queues(stage: &Stage<'_>) -> Checked {
    let mut setup = stage
        .server(&["flood-stdout", "100000000"])
        .flags(&["--drain", "500ms"]);
    let script = r#"mkfifo "$0" || exit 1; exec 3<>"$0"; exec "$@" >&3 3>&-"#;
    setup.before = ["sh", "-c", script, "{dir}/answers"]
        .map(str::to_owned)
        .to_vec();
    let mut run = dropgate_testing_world::Run::start(stage.place, &stage.name, &setup)?;
    let hello = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "world", "version": "1"}});
    run.talk.ask(1, "initialize", &hello)?;
    run.talk
        .await_stderr("dropgate: containment", 0, ANSWERED_WITHIN)?;
    run.know_own();
    run.talk
        .say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))?;
    run.talk.call(2, "block", &json!({}))?;
    // More than the server's pipe takes, and no more than dropgate and its own pipe hold beside it.
    let filler = "x".repeat(1 << 16);
    for _ in 0..6 {
        run.talk
            .say(&json!({"jsonrpc": "2.0", "method": "filler", "params": {"text": filler}}))?;
    }
    await_phase(&run, "running")?;
    let struck = Instant::now();
    run.signal(Signal::TERM)?;
    run.ended(SOON)?;
    let took = struck.elapsed();
    let allowed = Duration::from_millis(500 + 1500);
    if took > allowed + Duration::from_millis(100) {
        return Err(format!("{LATE}the end took {took:?}, allowed {allowed:?}"));
    }
    emptied(&run, Instant::now(), SOON).map(drop)
}
