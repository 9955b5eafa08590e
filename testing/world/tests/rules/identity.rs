//! Who the server is, and what is done where a level can't be had.

use dropgate_process::{Containment, Level};
use dropgate_testing_world::endings::ANSWERED_WITHIN;
use dropgate_testing_world::{Checked, Ended, Run, Says as _, Setup, fail};
use serde_json::{Value, json};

use crate::steps::{SOON, concluded, same, text_of};
use crate::{Reach, Rule, Stage};

pub(crate) const RULES: &[Rule] = &[
    (
        "r20_the_server_is_who_it_would_be",
        Reach::Levels,
        same_identity,
    ),
    (
        "r21_without_namespaces_strict_is_ptrace",
        Reach::Users,
        without_namespaces,
    ),
    (
        "r21_without_ptrace_too_strict_is_what_auto_is",
        Reach::Users,
        without_both,
    ),
    (
        "r21_a_level_that_is_required_and_lacking_is_refused",
        Reach::Users,
        refused,
    ),
    ("a_level_by_name_never_steps_down", Reach::Users, by_name),
    ("strict_is_the_strongest", Reach::Users, strict),
    (
        "required_beyond_auto_goes_beyond_auto",
        Reach::Users,
        required,
    ),
];

/// Members of the report that must be as without dropgate, at every level.
const KEPT: &[&str] = &["cwd", "argv", "environment", "oom_score_adj", "comm"];
const KEPT_STATUS: &[&str] = &["Uid", "Gid", "Umask", "SigBlk", "SigIgn", "SigCgt"];

fn same_identity(stage: &Stage<'_>) -> Checked {
    let mut setup = stage.server(&["plain"]);
    // Neither the usual umask nor the usual signals.
    let odd = r#"umask 027; trap "" USR2; export ODD=$(printf 'a\nb'); exec "$@""#;
    setup.before = ["sh", "-c", odd, "sh"].map(str::to_owned).to_vec();
    let mut bare_setup = setup.clone();
    bare_setup.server = setup.before.iter().chain(&setup.server).cloned().collect();
    let bare = described(Run::start_bare(stage.place, &stage.name, &bare_setup)?)?;
    let mut held = described(Run::start(stage.place, &stage.name, &setup)?)?;
    let mark = held["environment"]
        .as_object_mut()
        .and_then(|environment| environment.remove("DROPGATE_SCOPE"));
    mark.says("no DROPGATE_SCOPE")?;
    for member in KEPT {
        same(member, &held[*member], &bare[*member])?;
    }
    for line in KEPT_STATUS {
        // Dispositions are reset on purpose: the server starts as from a clean shell.
        let expected = match *line {
            "SigIgn" => &json!(format!("{:016x}", ignored(&bare)? & !RESET)),
            _ => &bare["status"][*line],
        };
        same(line, &held["status"][*line], expected)?;
    }
    same("umask", &held["status"]["Umask"], &json!("0027"))
}

/// The bits of what is reset in a mask of signals: SIGUSR2, which is ignored here on purpose;
/// SIGHUP, SIGINT and SIGQUIT, which `nohup` and shells ignore for what they start in the
/// background; and 32 and 33, which `posix_spawn` ignores in whatever it starts.
pub(crate) const RESET: u64 = 1 << 11 | 0b111 | 0b11 << 31;

pub(crate) fn ignored(report: &Value) -> Checked<u64> {
    let mask = report["status"]["SigIgn"].as_str().says("no SigIgn")?;
    u64::from_str_radix(mask, 16).says(mask)
}

/// The server's report on itself, with the run's folder taken out of it.
fn described(mut run: Run) -> Checked<Value> {
    run.talk.initialize(ANSWERED_WITHIN)?;
    run.talk.call(2, "report", &json!({}))?;
    let text = text_of(&run.talk.answer(&json!(2), ANSWERED_WITHIN)?)?;
    let text = text.replace(&run.dir.display().to_string(), "{dir}");
    run.talk.close();
    concluded_bare(&mut run)?;
    serde_json::from_str(&text).says("the server's report")
}

fn concluded_bare(run: &mut Run) -> Checked {
    same("end", &run.ended(SOON)?, &Ended::Code(0))
}

fn denied(stage: &Stage<'_>, list: &str, containment: Containment, flags: &[&str]) -> Setup {
    let mut setup = stage.command(&[
        "sh",
        "-c",
        r#"touch "$0"; exec "$@""#,
        "{dir}/marker",
        "{servers}",
        "plain",
    ]);
    setup.column.containment = containment;
    setup = setup.flags(flags);
    if !list.is_empty() {
        setup.before = ["{servers}", "deny", list, "--"]
            .map(str::to_owned)
            .to_vec();
    }
    setup
}

fn reports(stage: &Stage<'_>, setup: &Setup, level: Level) -> Checked {
    let mut run = Run::start(stage.place, &stage.name, setup)?;
    run.talk.initialize(ANSWERED_WITHIN).map_err(|problem| {
        let stderr = String::from_utf8_lossy(&run.talk.stderr()).into_owned();
        format!("{problem}; stderr: {stderr}")
    })?;
    run.talk.close();
    let report = concluded(&mut run, 0)?;
    same("containment", &report["containment"], &json!(level.name()))
}

fn without_namespaces(stage: &Stage<'_>) -> Checked {
    let setup = denied(stage, "userns", Containment::Strict, &[]);
    reports(stage, &setup, Level::Ptrace)
}

fn without_both(stage: &Stage<'_>) -> Checked {
    let setup = denied(stage, "userns,ptrace", Containment::Strict, &[]);
    reports(stage, &setup, stage.column.expected_level(stage.place))
}

fn strict(stage: &Stage<'_>) -> Checked {
    reports(
        stage,
        &denied(stage, "", Containment::Strict, &[]),
        Level::Pidns,
    )
}

fn required(stage: &Stage<'_>) -> Checked {
    let flags = ["--require-containment", "ptrace"];
    reports(
        stage,
        &denied(stage, "", Containment::Auto, &flags),
        Level::Pidns,
    )
}

fn refused(stage: &Stage<'_>) -> Checked {
    for containment in [
        Containment::Auto,
        Containment::Strict,
        Containment::Exactly(Level::Pidns),
    ] {
        let flags = ["--require-containment", "pidns"];
        never_runs(stage, &denied(stage, "userns", containment, &flags))?;
    }
    Ok(())
}

fn by_name(stage: &Stage<'_>) -> Checked {
    never_runs(
        stage,
        &denied(stage, "userns", Containment::Exactly(Level::Pidns), &[]),
    )?;
    never_runs(
        stage,
        &denied(stage, "ptrace", Containment::Exactly(Level::Ptrace), &[]),
    )?;
    let flags = ["--require-containment", "ptrace"];
    let contradiction = denied(stage, "", Containment::Exactly(Level::Guard), &flags);
    let said = never_runs(stage, &contradiction)?;
    if said.contains("guard: weaker than ptrace, which is required") {
        Ok(())
    } else {
        fail(format!(
            "the error does not say which flags disagree: {said}"
        ))
    }
}

/// Refused with code 78, the first request answered, and the server never executed. Gives what the
/// host was told.
fn never_runs(stage: &Stage<'_>, setup: &Setup) -> Checked<String> {
    let mut run = Run::start(stage.place, &stage.name, setup)?;
    run.talk.ask(1, "initialize", &json!({}))?;
    same("end", &run.ended(SOON)?, &Ended::Code(78))?;
    run.talk.hear_out(SOON)?;
    let answers = run.talk.answers(&json!(1));
    let message = answers
        .first()
        .and_then(|answer| answer["error"]["message"].as_str());
    let message = message.says("the first request got no error")?;
    if !(message.contains("containment") && message.contains("dropgate doctor")) {
        return fail(format!(
            "the error does not say why, or what to do: {message}"
        ));
    }
    same("marker", &run.dir.join("marker").exists(), &false)?;
    let stderr = run.talk.all_stderr(SOON)?;
    let stderr = String::from_utf8_lossy(&stderr);
    same("lines on stderr", &stderr.lines().count(), &1)?;
    same("survivors", &run.survivors(), &String::new())?;
    Ok(message.to_owned())
}
