//! `--probe`: the server is run, and findings that a run can settle are settled.

use std::ffi::OsString;
use std::path::Path;

use dropgate_analyzer::Analysis;
use dropgate_analyzer::probed::{self, Answer, By, Children, End, Load, Run, Started};
use dropgate_probe::{Call, CallState, Caller, Cell, Ending, Options, Target, Why, probe};

use super::Stop;
use crate::cli::AuditArgs;
use crate::verbs::probe::{progress_bar, show};

/// Programs that start a server rather than being one.
const LAUNCHERS: &[&str] = &[
    "npx", "npm", "pnpm", "yarn", "bunx", "uv", "uvx", "pipx", "poetry", "hatch", "sh", "bash",
    "env", "cargo", "go", "docker", "podman", "sudo", "timeout",
];

/// Runs the command as often as it takes, and settles findings; what is to be said of that.
///
/// # Errors
/// When the server can't be probed, or the call of --probe-call is none.
pub(super) fn settle(analysis: &mut Analysis, args: &AuditArgs) -> Result<String, Stop> {
    let call = match args.probe_call.as_slice() {
        [tool, arguments] => {
            Some(Call::parse(tool, arguments).map_err(|error| Stop::Usage(error.to_string()))?)
        }
        _none => None,
    };
    let options = Options {
        bound: args.probe_bound,
        scenarios: match call {
            Some(_) => vec!["idle".to_owned(), "busy".to_owned()],
            None => vec!["idle".to_owned()],
        },
        call,
        endings: vec![Ending::Term, Ending::Eof],
        ..Options::default()
    };
    let target = Target {
        command: args.probe_command.clone(),
    };
    let bar = progress_bar();
    let found = probe(&target, &options, |progress| show(&bar, progress));
    bar.finish_and_clear();
    let found = found.map_err(|error| {
        if let Why::NoSuchTool { .. } = error.why {
            Stop::Usage(format!("--probe-call: {}", error.why))
        } else {
            Stop::NotAnalysed(error.to_string())
        }
    })?;
    let runs: Vec<Run> = found.cells.iter().filter_map(run).collect();
    let settled = probed::settle(analysis, &runs, started(&args.probe_command));
    Ok(format!(
        "{} runs of {}: {} findings confirmed, {} refuted",
        runs.len(),
        found.server,
        settled.confirmed,
        settled.refuted
    ))
}

fn run(cell: &Cell) -> Option<Run> {
    let by = match cell.ending {
        Ending::Term => By::Sigterm,
        Ending::Eof => By::EndOfInput,
        Ending::Spec | Ending::Int | Ending::Hup | Ending::Kill | Ending::Host | Ending::None => {
            return None;
        }
    };
    let load = match (cell.call, cell.caller) {
        (CallState::InFlight, Caller::Result | Caller::Error) => Load::Call(Answer::Given),
        (CallState::InFlight, Caller::Eof | Caller::Nothing) => Load::Call(Answer::Lost),
        (CallState::Idle | CallState::Answered, _) => Load::Idle,
    };
    let (end, children) = match cell.exit_code {
        Some(code) if cell.leaked => (End::Exited(code), Children::Left),
        Some(code) => (End::Exited(code), Children::Gone),
        None => (End::Stayed, Children::Gone),
    };
    Some(Run {
        by,
        load,
        end,
        children,
        stray_lines: cell.impure_stdout_lines,
        stacks: cell.leaked_text.clone(),
    })
}

fn started(command: &[OsString]) -> Started {
    let program = command.first().map(Path::new).and_then(Path::file_name);
    let launches = LAUNCHERS
        .iter()
        .any(|launcher| program.is_some_and(|program| program == *launcher));
    if launches {
        Started::Launcher
    } else {
        Started::Server
    }
}
