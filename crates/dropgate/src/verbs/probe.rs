//! `dropgate probe`: what a server or a wrapper leaves behind, and what its
//! caller learns.

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::process::ExitCode;

use dropgate_probe::{
    Call, Ending, Findings, Guarding, Options, Progress, Target, Why, probe, table,
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::{Format, ProbeArgs};
use crate::{exit, output};

/// A cell leaked.
const LEAKED: u8 = 1;
/// Nothing is known of the command.
const NOT_PROBED: u8 = 2;

/// Probes, prints, and tells by the code whether anything leaked.
pub(crate) fn run(args: ProbeArgs) -> ExitCode {
    let options = match options(&args) {
        Ok(options) => options,
        Err(line) => {
            output::complain(&line);
            return ExitCode::from(exit::USAGE);
        }
    };
    let target = Target {
        command: args.command,
    };
    let bar = progress_bar();
    let probed = probe(&target, &options, |progress| show(&bar, progress));
    bar.finish_and_clear();
    match probed {
        Ok(findings) => {
            print(&findings, args.format);
            ExitCode::from(if findings.leaked() { LEAKED } else { 0 })
        }
        Err(error) => {
            output::complain(&error.to_string());
            ExitCode::from(match error.why {
                Why::NoCommand
                | Why::NoSuchScenario { .. }
                | Why::NoSuchEnding { .. }
                | Why::NoSuchTool { .. } => exit::USAGE,
                Why::NotStarted { .. }
                | Why::Ended { .. }
                | Why::Refused { .. }
                | Why::Silent { .. }
                | Why::NotHeld(_)
                | Why::GuardLost
                | Why::Unstoppable { .. }
                | Why::System { .. } => NOT_PROBED,
            })
        }
    }
}

fn print(findings: &Findings, format: Format) {
    match format {
        Format::Text => output::print(&table(findings)),
        Format::Json => output::print_json(findings),
    }
}

fn options(args: &ProbeArgs) -> Result<Options, String> {
    let endings = args
        .ending
        .iter()
        .map(|name| {
            Ending::named(name).ok_or_else(|| {
                let known: Vec<&str> = Ending::ALL.iter().map(|ending| ending.name()).collect();
                format!(
                    "no ending is called {name:?}; choose from: {}",
                    known.join(", ")
                )
            })
        })
        .collect::<Result<Vec<_>, String>>()?;
    let call = match args.call.as_slice() {
        [tool, arguments] => Some(Call::parse(tool, arguments).map_err(|error| error.to_string())?),
        _none => None,
    };
    let http = match &args.http {
        Some(text) => Some(text.parse().map_err(|error| format!("--http: {error}"))?),
        None => None,
    };
    if let Some(directory) = &args.directory
        && !directory.is_dir()
    {
        return Err(format!(
            "--directory: {} is no folder that can be entered; name one that is there",
            directory.display()
        ));
    }
    Ok(Options {
        bound: args.bound,
        start_within: args.start_within,
        jobs: args.jobs,
        guarding: guarding(args)?,
        call,
        http,
        directory: args.directory.clone(),
        scenarios: args.scenario.clone(),
        endings,
    })
}

fn guarding(args: &ProbeArgs) -> Result<Guarding, String> {
    if !args.guarded {
        return Ok(Guarding::Direct);
    }
    let own = std::env::current_exe()
        .map_err(|error| format!("can not find this program's own file: {error}"))?;
    let containment = args.containment.to_string();
    let flags = [
        "run",
        "--journal",
        "off",
        "--containment",
        &containment,
        "--",
    ];
    let prefix = std::iter::once(own.into_os_string()).chain(flags.map(OsString::from));
    Ok(Guarding::Guarded(prefix.collect()))
}

/// A bar on a terminal, nothing elsewhere.
pub(super) fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} cells {msg}") {
        bar.set_style(style);
    }
    bar
}

/// Moves the bar.
pub(super) fn show(bar: &ProgressBar, progress: Progress<'_>) {
    match progress {
        Progress::Planned { cells } => bar.set_length(u64::try_from(cells).unwrap_or(u64::MAX)),
        Progress::Finished { cell, done, .. } => {
            bar.set_position(u64::try_from(done).unwrap_or(u64::MAX));
            bar.set_message(format!("{} at {}", cell.scenario, cell.ending));
        }
    }
}
