//! What passes between host and server besides ordinary messages.

use std::fs::{self, File};
use std::io::Read as _;

use dropgate_testing_world::endings::ANSWERED_WITHIN;
use dropgate_testing_world::{Checked, Says as _, Talk, fail};
use rustix::process::Signal;
use serde_json::json;

use crate::steps::{SOON, await_phase, begin, concluded, only_answer, refused, same, text_of};
use crate::{Reach, Rule, Stage};

pub(crate) const RULES: &[Rule] = &[
    ("8_mb_of_stderr_all_arrive", Reach::Levels, stderr_flood),
    (
        "8_mb_of_stderr_that_nobody_reads_yet_block_nothing",
        Reach::Users,
        stderr_unread,
    ),
    (
        "a_closed_stderr_blocks_nothing",
        Reach::Users,
        stderr_closed,
    ),
    ("5_mb_arrive_whole", Reach::Levels, big),
    (
        "16_mb_of_notifications_arrive_whole",
        Reach::Users,
        stdout_flood,
    ),
    ("a_server_that_dies_in_mid_call", Reach::Levels, die),
    ("stray_lines_go_to_stderr", Reach::Levels, chatter),
    ("sigusr1_tells_the_calls_in_flight", Reach::Users, status),
    (
        "the_report_flag_writes_the_last_line",
        Reach::Users,
        report_file,
    ),
    (
        "a_report_that_can_not_be_kept_is_told_before_the_last_line",
        Reach::Root,
        full_report_file,
    ),
    ("a_slow_start_is_waited_for", Reach::Users, slow_init),
];

fn stderr_flood(stage: &Stage<'_>) -> Checked {
    let mut run = begin(stage, &stage.server(&["plain"]))?;
    run.talk
        .call(2, "flood_stderr", &json!({"bytes": 8_000_000}))?;
    run.talk.answer(&json!(2), ANSWERED_WITHIN)?;
    run.talk.close();
    concluded(&mut run, 0)?;
    same(
        "bytes of the server",
        &flooded(&run.talk.stderr()),
        &8_000_000,
    )
}

/// How much of a log the tool `flood_stderr` wrote.
fn flooded(stderr: &[u8]) -> usize {
    let lines = stderr.split_inclusive(|byte| *byte == b'\n');
    // A last line of the flood without an end gets one when dropgate's own follows.
    lines
        .filter(|line| line.starts_with(b"debug: x") || line.starts_with(b"xxxx"))
        .map(|line| line.len() - usize::from(line.ends_with(b"\n") && line.len() < 1024))
        .sum()
}

fn stderr_unread(stage: &Stage<'_>) -> Checked {
    let mut setup = stage.server(&["plain"]);
    let script = r#"mkfifo "$0" || exit 1; exec 3<>"$0"; exec "$@" 2>&3 3>&-"#;
    let fifo = "{dir}/log";
    setup.before = ["sh", "-c", script, fifo].map(str::to_owned).to_vec();
    let mut run = begin(stage, &setup)?;
    run.talk
        .call(2, "flood_stderr", &json!({"bytes": 8_000_000}))?;
    let answer = run.talk.answer(&json!(2), ANSWERED_WITHIN)?;
    same(
        "text",
        &text_of(&answer)?,
        &"wrote 8000000 bytes to stderr".to_owned(),
    )?;
    let path = run.dir.join("log");
    let reader = std::thread::spawn(move || {
        let mut all = Vec::new();
        File::open(path)
            .and_then(|mut log| log.read_to_end(&mut all))
            .map(|_| all)
    });
    // The log is pumped while its reader reads; the call's end says nothing about it.
    run.talk.ask(3, "ping", &json!({}))?;
    run.talk.answer(&json!(3), ANSWERED_WITHIN)?;
    run.signal(Signal::USR1)?;
    run.talk.close();
    same(
        "end",
        &run.ended(SOON)?,
        &dropgate_testing_world::Ended::Code(0),
    )?;
    let all = reader
        .join()
        .map_err(|_| "the reader panicked")?
        .says("read the log")?;
    same("bytes of the server", &flooded(&all), &8_000_000)?;
    let last = all
        .split(|byte| *byte == b'\n')
        .rev()
        .nth(1)
        .unwrap_or_default();
    if last.starts_with(b"dropgate: report ") {
        Ok(())
    } else {
        fail(format!(
            "the last line is no report: {:?}",
            String::from_utf8_lossy(last)
        ))
    }
}

fn stderr_closed(stage: &Stage<'_>) -> Checked {
    let mut setup = stage.server(&["plain"]);
    let script = r#"mkfifo "$0" || exit 1; exec 3<>"$0" 4>"$0" 3>&-; exec "$@" 2>&4 4>&-"#;
    setup.before = ["sh", "-c", script, "{dir}/log"]
        .map(str::to_owned)
        .to_vec();
    let mut run = begin(stage, &setup)?;
    run.talk
        .call(2, "flood_stderr", &json!({"bytes": 8_000_000}))?;
    let answer = run.talk.answer(&json!(2), ANSWERED_WITHIN)?;
    same(
        "text",
        &text_of(&answer)?,
        &"wrote 8000000 bytes to stderr".to_owned(),
    )?;
    run.talk.close();
    same(
        "end",
        &run.ended(SOON)?,
        &dropgate_testing_world::Ended::Code(0),
    )
}

fn big(stage: &Stage<'_>) -> Checked {
    let mut run = begin(stage, &stage.server(&["plain"]))?;
    run.talk.call(2, "big", &json!({"bytes": 5_000_000}))?;
    let text = text_of(&run.talk.answer(&json!(2), ANSWERED_WITHIN)?)?;
    if text.len() != 5_000_000 || text.bytes().any(|byte| byte != b'x') {
        return fail(format!(
            "5000000 bytes of x expected, {} bytes found",
            text.len()
        ));
    }
    run.talk.close();
    concluded(&mut run, 0).map(drop)
}

fn stdout_flood(stage: &Stage<'_>) -> Checked {
    const BYTES: usize = 16_000_000;
    let mut run = begin(stage, &stage.server(&["flood-stdout"]))?;
    run.talk.ask(2, "ping", &json!({}))?;
    run.talk.answer(&json!(2), ANSWERED_WITHIN)?;
    run.talk.close();
    concluded(&mut run, 0)?;
    let notifications = count(&run.talk, b"notifications/message");
    let line = run
        .talk
        .heard
        .iter()
        .find(|line| contains(line, b"notifications/message"));
    let length = line.says("no notification")?.len();
    same("notifications", &notifications, &BYTES.div_ceil(length))
}

fn count(talk: &Talk, part: &[u8]) -> usize {
    talk.heard
        .iter()
        .filter(|line| contains(line, part))
        .count()
}

fn contains(line: &[u8], part: &[u8]) -> bool {
    line.windows(part.len()).any(|window| window == part)
}

fn die(stage: &Stage<'_>) -> Checked {
    let mut run = begin(stage, &stage.server(&["plain"]))?;
    run.talk.call(2, "block", &json!({}))?;
    run.talk.call(3, "die", &json!({}))?;
    let report = concluded(&mut run, 3)?;
    same("trigger", &report["trigger"], &json!("server_exited"))?;
    same("server", &report["server"], &json!({"code": 3}))?;
    same("unknown", &report["in_flight"]["unknown"], &json!(2))?;
    for id in [2, 3] {
        refused(&only_answer(&run, id)?, "unknown", "unsafe")?;
    }
    Ok(())
}

fn chatter(stage: &Stage<'_>) -> Checked {
    let mut run = begin(stage, &stage.server(&["plain"]))?;
    run.talk.call(2, "chatter", &json!({}))?;
    let answer = run.talk.answer(&json!(2), ANSWERED_WITHIN)?;
    same("text", &text_of(&answer)?, &"chattered".to_owned())?;
    run.talk.close();
    let report = concluded(&mut run, 0)?;
    same("stray lines", &report["stray_stdout_lines"], &json!(3))?;
    let stderr = String::from_utf8_lossy(&run.talk.stderr()).into_owned();
    for line in ["Connecting to database...", "[info] 3 rows", "{ not json"] {
        if !stderr.lines().any(|said| said.ends_with(line)) {
            return fail(format!("stderr lacks {line:?}: {stderr}"));
        }
    }
    Ok(())
}

fn status(stage: &Stage<'_>) -> Checked {
    let mut run = begin(stage, &stage.server(&["plain"]))?;
    run.talk.call(2, "block", &json!({}))?;
    run.talk.ask(3, "ping", &json!({}))?;
    run.talk.answer(&json!(3), ANSWERED_WITHIN)?;
    await_phase(&run, "running")?;
    let stderr = String::from_utf8_lossy(&run.talk.stderr()).into_owned();
    let line = stderr
        .lines()
        .find(|line| line.contains("status: phase running"));
    let line = line.says("no status")?;
    for part in ["1 in flight", "block"] {
        if !line.contains(part) {
            return fail(format!("the status lacks {part:?}: {line}"));
        }
    }
    run.talk.close();
    concluded(&mut run, 11).map(drop)
}

fn report_file(stage: &Stage<'_>) -> Checked {
    let setup = stage
        .server(&["plain"])
        .flags(&["--report", "{dir}/report"]);
    let mut run = begin(stage, &setup)?;
    run.talk.close();
    let report = concluded(&mut run, 0)?;
    let file = fs::read_to_string(run.dir.join("report")).says("the report")?;
    let file: serde_json::Value = serde_json::from_str(&file).says("the report")?;
    same("report", &file, &report)
}

fn full_report_file(stage: &Stage<'_>) -> Checked {
    let setup = stage.server(&["plain"]).flags(&["--report", "/dev/full"]);
    let mut run = begin(stage, &setup)?;
    run.talk.close();
    concluded(&mut run, 74)?;
    let stderr = run.talk.all_stderr(SOON)?;
    let stderr = String::from_utf8_lossy(&stderr);
    let last_two: Vec<&str> = stderr.lines().rev().take(2).collect();
    match last_two.as_slice() {
        [report, problem]
            if report.starts_with("dropgate: report {")
                && problem.contains("can not write /dev/full") =>
        {
            Ok(())
        }
        _ => fail(format!("the last lines are not as expected: {last_two:?}")),
    }
}

fn slow_init(stage: &Stage<'_>) -> Checked {
    let mut run = begin(stage, &stage.server(&["slow-init", "1500"]))?;
    run.talk.call(2, "echo", &json!({"text": "é😀"}))?;
    let answer = run.talk.answer(&json!(2), ANSWERED_WITHIN)?;
    same("text", &text_of(&answer)?, &"é😀".to_owned())?;
    run.talk.close();
    concluded(&mut run, 0).map(drop)
}
