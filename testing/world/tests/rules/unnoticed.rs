//! At `auto` a server can't tell that it is contained: what it finds out about itself is what it
//! finds out without dropgate.

use dropgate_process::Level;
use dropgate_testing_world::endings::ANSWERED_WITHIN;
use dropgate_testing_world::{Checked, Run, Says as _, fail};
use serde_json::{Map, Value, json};

use crate::steps::{SOON, same, text_of};
use crate::{Reach, Rule, Stage, identity};

pub(crate) const RULES: &[Rule] = &[(
    "a_server_finds_out_the_same_as_without_dropgate",
    Reach::Users,
    same_report,
)];

/// What differs between any two starts, contained or not: numbers, who the parent is, and how many
/// others there are at that moment.
const OWN_TO_A_START: &[&str] = &["pid", "ppid", "pgid", "parent_comm", "visible_pids"];

/// The variable that marks the processes of a run.
const MARK: &str = "DROPGATE_SCOPE";

/// The limit that marks them as well, for those that drop the variable.
const MARKED_LIMIT: &str = "Max realtime timeout";

fn same_report(stage: &Stage<'_>) -> Checked {
    let setup = stage.server(&["plain"]);
    let name = format!("{}-bare", stage.name);
    let mut bare = described(Run::start_bare(stage.place, &name, &setup)?)?;
    let mut held = described(Run::start(stage.place, &stage.name, &setup)?)?;
    same("bare mark", &take(&mut bare, &["environment", MARK]), &None)?;
    let mark = take(&mut held, &["environment", MARK]);
    mark.says(format!("no {MARK} in the environment"))?;
    let group = |report: &Value| report["pgid"] == report["pid"];
    same("leads its group", &group(&held), &group(&bare))?;
    for report in [&mut bare, &mut held] {
        for member in OWN_TO_A_START {
            take(report, &[member]).says(format!("no {member} in the report"))?;
        }
        take(report, &["status", "NStgid"]);
        without_marked_limit(report)?;
        without_pipe_numbers(report)?;
    }
    // What the starter of the test had ignored is reset, as for a start from a clean shell.
    let ignored = identity::ignored(&bare)? & !identity::RESET;
    bare["status"]["SigIgn"] = json!(format!("{ignored:016x}"));
    // Whoever started the test may have left more open; none of that reaches a server of dropgate.
    let fds = bare["fds"].as_object_mut().says("no fds")?;
    fds.retain(|number, _| ["0", "1", "2"].contains(&number.as_str()));
    let paths = [take(&mut bare, &["cgroup"]), take(&mut held, &["cgroup"])];
    match stage.column.expected_level(stage.place) {
        Level::Cgroup => below(&paths)?,
        Level::Guard | Level::Ptrace | Level::Pidns => same("cgroup", &paths[1], &paths[0])?,
    }
    let differing: Vec<String> = members(&held)?
        .iter()
        .filter(|(name, value)| bare[*name] != **value)
        .map(|(name, value)| format!("{name}: without {}, with {value}", bare[name]))
        .collect();
    same("members", &members(&held)?.len(), &members(&bare)?.len())?;
    if differing.is_empty() {
        Ok(())
    } else {
        fail(differing.join("\n    "))
    }
}

/// The server's report on itself, with what is the run's own taken out.
fn described(mut run: Run) -> Checked<Value> {
    run.talk.initialize(ANSWERED_WITHIN)?;
    run.talk.call(2, "report", &json!({}))?;
    let text = text_of(&run.talk.answer(&json!(2), ANSWERED_WITHIN)?)?;
    run.talk.close();
    run.ended(SOON)?;
    let folder = run.dir.display().to_string();
    let name = run.dir.file_name().unwrap_or_default().to_string_lossy();
    let text = text.replace(&folder, "{dir}");
    // The census gives each run a cgroup that is named after its folder and its check.
    let text = text.replace(&*name, "{name}").replace("-bare", "");
    serde_json::from_str(&text).says("the server's report")
}

fn members(report: &Value) -> Checked<&Map<String, Value>> {
    report.as_object().says("the report is no object")
}

fn take(report: &mut Value, path: &[&str]) -> Option<Value> {
    let (last, parents) = path.split_last()?;
    let mut at = report;
    for parent in parents {
        at = at.get_mut(parent)?;
    }
    at.as_object_mut()?.remove(*last)
}

/// Takes the limit out, and nothing else: not its line, if that is missing.
fn without_marked_limit(report: &mut Value) -> Checked {
    let limits = report["limits"].as_str().says("no limits")?;
    let kept: Vec<&str> = limits
        .lines()
        .filter(|line| !line.starts_with(MARKED_LIMIT))
        .collect();
    same("marked limits", &(limits.lines().count() - kept.len()), &1)?;
    report["limits"] = json!(kept);
    Ok(())
}

/// A pipe has another number in each start; that it is one has to stay.
fn without_pipe_numbers(report: &mut Value) -> Checked {
    let fds = report["fds"].as_object_mut().says("no fds")?;
    for descriptor in fds.values_mut() {
        if descriptor["kind"] == "pipe" {
            descriptor["target"] = json!("pipe");
        }
    }
    Ok(())
}

/// Checks that only the version 2 line differs, and that by one more folder.
fn below(paths: &[Option<Value>; 2]) -> Checked {
    let [bare, held] = paths;
    let text = |path: &Option<Value>| {
        let text = path.as_ref().and_then(Value::as_str);
        text.map(str::to_owned).says("no cgroup")
    };
    let (bare, held) = (text(bare)?, text(held)?);
    same("cgroups", &held.lines().count(), &bare.lines().count())?;
    for (bare, held) in bare.lines().zip(held.lines()) {
        let own = held.strip_prefix(bare.trim_end_matches('/'));
        let is_below =
            bare.starts_with("0::") && own.is_some_and(|own| own.starts_with("/dropgate-"));
        if bare != held && !is_below {
            return fail(format!("cgroup: without {bare}, with {held}"));
        }
    }
    Ok(())
}
