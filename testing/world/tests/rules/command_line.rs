//! Bad input: one line on stderr, a documented exit code, and nothing started.

use std::process::Stdio;

use dropgate_testing_world::{Checked, Ended, Run, Says as _, as_user, fail};
use serde_json::json;

use crate::steps::{SOON, same};
use crate::{Reach, Rule, Stage};

pub(crate) const RULES: &[Rule] = &[
    ("bad_flags_start_nothing", Reach::Users, bad_flags),
    (
        "a_program_that_does_not_exist",
        Reach::Levels,
        unknown_program,
    ),
    (
        "a_program_that_may_not_be_executed",
        Reach::Users,
        not_executable,
    ),
    ("help_and_version_go_to_stdout", Reach::Users, help),
];

/// After `dropgate`; MARK stands for a command that would leave a file.
const BAD: &[&[&str]] = &[
    &[],
    &["start"],
    &["--nope"],
    &["run"],
    &["run", "--"],
    &["run", "MARK"],
    &["run", "--nope", "--", "MARK"],
    &["run", "--containment", "--", "MARK"],
    &["run", "--containment", "docker", "--", "MARK"],
    &["run", "--containment", "", "--", "MARK"],
    &[
        "run",
        "--containment",
        "guard",
        "--containment",
        "pidns",
        "--",
        "MARK",
    ],
    &["run", "--require-containment", "auto", "--", "MARK"],
    &["run", "--require-containment", "strongest", "--", "MARK"],
    &["run", "--drain", "--", "MARK"],
    &["run", "--drain", "5", "--", "MARK"],
    &["run", "--drain", "-1s", "--", "MARK"],
    &["run", "--drain", "soon", "--", "MARK"],
    &["run", "--drain", "99999999h", "--", "MARK"],
    &["run", "--eof-deadline", "3", "--", "MARK"],
    &["run", "--eof-deadline", "", "--", "MARK"],
    &["run", "--profile", "nomad", "--", "MARK"],
    &["run", "--profile", "", "--", "MARK"],
    &[
        "run",
        "--profile",
        "systemd",
        "--profile",
        "shell",
        "--",
        "MARK",
    ],
    &["run", "--hibernate", "--", "MARK"],
    &["run", "--hibernate", "500", "--", "MARK"],
    &["run", "--hibernate", "idle", "--", "MARK"],
    &["run", "--hibernate", "25h", "--", "MARK"],
    &["run", "--max-message", "0", "--", "MARK"],
    &["run", "--max-message", "4095", "--", "MARK"],
    &[
        "run",
        "--max-message",
        "99999999999999999999GiB",
        "--",
        "MARK",
    ],
    &["run", "--drain", "24h1ms", "--", "MARK"],
    &["run", "--max-message", "1", "--", "MARK"],
    &["run", "--max-message", "64MB", "--", "MARK"],
    &["run", "--max-message", "2GiB", "--", "MARK"],
    &["run", "--on-shutdown", "x", "--", "MARK"],
    &["run", "--on-shutdown", "x=stop", "--", "MARK"],
    &["run", "--on-shutdown", "=cancel", "--", "MARK"],
    &["run", "--report", "--", "MARK"],
    &["run", "--report", "/proc/nowhere/report", "--", "MARK"],
    &["run", "--report", "/tmp", "--", "MARK"],
    &["run", "--journal", "on", "--", "MARK"],
    &["run", "--journal", "--", "MARK"],
    &["run", "--no-host-watch=yes", "--", "MARK"],
    &["reap", "all"],
    &["reap", "--format", "yaml"],
    &["reap", "--dry"],
    &["doctor", "--grace", "4"],
    &["doctor", "--format", "xml"],
    &["doctor", "--profile", "nomad"],
    &["doctor", "--pre-stop", "x"],
    &["probe"],
    &["probe", "--"],
    &["probe", "--containment", "guard", "--", "MARK"],
    &["probe", "--format", "sarif", "--", "MARK"],
    &["probe", "--jobs", "0", "--", "MARK"],
    &["probe", "--scenario", "nope", "--", "MARK"],
    &["probe", "--ending", "nope", "--", "MARK"],
    &["demo", "now"],
    &["completions"],
    &["completions", "cmd"],
    &["man", "run"],
];

fn bad_flags(stage: &Stage<'_>) -> Checked {
    let dir = stage.place.folder(stage.column.user)?;
    let mut problems = Vec::new();
    for args in BAD {
        let args: Vec<&str> = args
            .iter()
            .flat_map(|&arg| {
                if arg == "MARK" {
                    vec!["touch", "marker"]
                } else {
                    vec![arg]
                }
            })
            .collect();
        let output = as_user(stage.place.dropgate(), stage.column.user, &dir)
            .args(&args)
            .stdin(Stdio::null())
            .output()
            .says("start dropgate")?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        let one_line = stderr.lines().count() == 1 && stderr.starts_with("dropgate: ");
        if output.status.code() != Some(64) || !output.stdout.is_empty() || !one_line {
            problems.push(format!("{args:?}: {}, stderr {stderr:?}", output.status));
        }
    }
    same("marker", &dir.join("marker").exists(), &false)?;
    if problems.is_empty() {
        Ok(())
    } else {
        fail(problems.join("\n    "))
    }
}

fn unknown_program(stage: &Stage<'_>) -> Checked {
    refused(stage, "no-such-program")
}

fn not_executable(stage: &Stage<'_>) -> Checked {
    refused(stage, "/etc/passwd")?;
    refused(stage, "/tmp")
}

fn refused(stage: &Stage<'_>, program: &str) -> Checked {
    let setup = stage.command(&[program, "x"]);
    let mut run = Run::start(stage.place, &stage.name, &setup)?;
    run.talk.ask(7, "initialize", &json!({}))?;
    same("end", &run.ended(SOON)?, &Ended::Code(69))?;
    run.talk.hear_out(SOON)?;
    let answers = run.talk.answers(&json!(7));
    let message = answers
        .first()
        .and_then(|answer| answer["error"]["message"].as_str());
    let stderr = run.talk.all_stderr(SOON)?;
    let stderr = String::from_utf8_lossy(&stderr).into_owned();
    for text in [message.says("the first request got no error")?, &stderr] {
        if !text.contains(program) {
            return fail(format!("{text:?} does not name {program}"));
        }
    }
    same("lines on stderr", &stderr.lines().count(), &1)?;
    same("survivors", &run.survivors(), &String::new())
}

fn help(stage: &Stage<'_>) -> Checked {
    let dir = stage.place.folder(stage.column.user)?;
    for (flag, part) in [
        ("--help", "Usage"),
        ("-h", "Usage"),
        ("--version", "dropgate "),
    ] {
        let output = as_user(stage.place.dropgate(), stage.column.user, &dir)
            .arg(flag)
            .output()
            .says("start dropgate")?;
        same("code", &output.status.code(), &Some(0))?;
        same(
            "stderr",
            &String::from_utf8_lossy(&output.stderr).into_owned(),
            &String::new(),
        )?;
        if !String::from_utf8_lossy(&output.stdout).contains(part) {
            return fail(format!("{flag} does not print {part:?}"));
        }
    }
    Ok(())
}
