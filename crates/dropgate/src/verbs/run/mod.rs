//! `dropgate run`: flags become a tree's specification and a relay's settings.

pub(crate) mod meaning;
pub(crate) mod name;
mod pins;
pub(crate) mod plan;
pub(crate) mod plan_error;
pub(crate) mod policies;
mod reload;
pub(crate) mod secrets;
mod telemetry;

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use dropgate_process::{
    Departed, Departure, HostWatch, Orphans, Spec, SweepMode, outlive_size_limit, sweep,
};
use dropgate_relay as relay;
use dropgate_secrets::Secrets;
use dropgate_wire::Limits;

use self::meaning::Judges;
use self::plan_error::PlanError;
use crate::cli::RunArgs;
use crate::config::Configured;
use crate::{config, exit, output};

/// How long a start may spend on what others left; `reap` does the rest.
const SWEEP_WITHIN: Duration = Duration::from_secs(1);
/// How long it may take to give back what was granted to a server that was not started.
const UNDO_WITHIN: Duration = Duration::from_secs(2);

/// Runs the server and returns with the code that its end calls for.
pub(crate) fn run(args: RunArgs) -> ExitCode {
    // The journal refuses what it can't write; killed, nobody would.
    outlive_size_limit();
    // Before anything that takes time, in which the host could end.
    let host = if args.no_host_watch {
        HostWatch::Off
    } else {
        HostWatch::parent()
    };
    if let Some(Err(line)) = args.report.as_deref().map(begin_report) {
        return NotBegun::new(exit::USAGE, &line).tell();
    }
    let (config, judges, secrets) = match prepared(&args, host) {
        Ok(prepared) => prepared,
        Err(refused) => return refused.tell(),
    };
    let settings = match planned(&args, &config, judges, Rc::clone(&secrets)) {
        Ok(settings) => settings,
        Err(error) => {
            secrets.end(UNDO_WITHIN);
            return NotBegun::new(exit::REFUSED, &error).tell();
        }
    };
    let report = args.report.clone();
    let given = Rc::clone(&secrets);
    let keep = |json: &str| {
        report
            .as_deref()
            .map_or(Ok(()), |path| end_report(path, json))
    };
    let ended = relay::run(
        move || given.endow(specification(&args, host)),
        settings,
        keep,
    );
    // Where nothing was relayed, nobody has ended what was granted.
    secrets.end(UNDO_WITHIN);
    match ended {
        Ok(ended) => ExitCode::from(match ended.kept {
            Ok(()) => ended.exit_code,
            Err(_said) => exit::CAN_NOT_WRITE,
        }),
        Err(error) => {
            output::complain(&error.to_string());
            ExitCode::from(exit::of_run_error(&error))
        }
    }
}

/// Tells a host, too, that its command line is wrong: its user may never see the log.
pub(crate) fn misused(line: &str) -> ExitCode {
    NotBegun::new(exit::USAGE, &line).tell()
}

/// Why there is no run.
struct NotBegun {
    code: u8,
    why: String,
    which: relay::Refused,
}

impl NotBegun {
    fn new(code: u8, why: &dyn std::fmt::Display) -> Self {
        Self {
            code,
            why: output::shortened(&why.to_string()).into_owned(),
            which: relay::Refused::TheFirst,
        }
    }

    /// Nobody waits for the server any more.
    fn departed(departed: Departed) -> Self {
        Self {
            code: exit::ORDERLY,
            why: format!("the server was not started: {}", departed.text()),
            which: relay::Refused::IfThere,
        }
    }

    /// Tells whoever reads the log, and the host if it waits for an answer.
    fn tell(self) -> ExitCode {
        output::complain(&self.why);
        relay::refuse(Limits::default(), &self.why, self.which);
        ExitCode::from(self.code)
    }
}

/// Reads the configuration and all that it means, and gets the secrets. Nothing may come before this that begins a thread.
fn prepared(
    args: &RunArgs,
    host: HostWatch,
) -> Result<(Configured, Judges, Rc<Secrets>), NotBegun> {
    let config = config::configuration(args.config.as_deref())
        .map_err(|error| NotBegun::new(exit::REFUSED, &error))?;
    let hidden = secrets::hide(&config.file);
    let patience = plan::shutdown(&args.shutdown, &config.file.shutdown).eof_deadline;
    let departure = Departure::watch(host, patience).map_err(|error| {
        let why = format!("can not watch for the end of the host: {error}");
        NotBegun::new(exit::INTERNAL, &why)
    })?;
    let departure = Arc::new(departure);
    // What an earlier run left behind ends before anything new begins.
    let abandoned = sweep(SweepMode::Sweep, SWEEP_WITHIN);
    let ended: usize = abandoned.iter().map(|one| one.processes.len()).sum();
    if ended > 0 {
        output::complain(&format!("ended {ended} processes that earlier runs left"));
    }
    // Nothing is granted to a server that is not started for what stands in the file.
    let mut judges = meaning::judges(&args.on_shutdown, &config, &plan::name_of(args))
        .map_err(|error| NotBegun::new(exit::REFUSED, &error))?;
    let asked = std::mem::take(&mut judges.meant.secrets);
    let begun = hidden.and_then(|hidden| asked.begin(hidden, &departure));
    match (begun, departure.has_come()) {
        (Ok(secrets), _) => Ok((config, judges, Rc::new(secrets))),
        (Err(_), Some(departed)) => Err(NotBegun::departed(departed)),
        (Err(error), None) => Err(NotBegun::new(exit::UPSTREAM_UNAVAILABLE, &error)),
    }
}

fn planned(
    args: &RunArgs,
    config: &Configured,
    judges: Judges,
    secrets: Rc<Secrets>,
) -> Result<relay::Settings, PlanError> {
    for key in config.weakenings() {
        output::complain(&format!("weakened by {key}"));
    }
    let mut settings = plan::settings(args, config, judges, secrets)?;
    settings.reload = reload::planned(args, config, settings.shutdown.profile);
    // Calls can be judged before the server has listed anything.
    if let Some(pinned) = &settings.pinned {
        let known: Vec<_> = pinned.pins.store().trusted().collect();
        for complaint in settings.policies.learn_tools(&known) {
            output::complain(&format!("policy: {complaint}"));
        }
    }
    if settings.journal.is_none() {
        output::complain("no journal is kept: what becomes of calls is recorded nowhere");
    }
    Ok(settings)
}

fn specification(args: &RunArgs, host: HostWatch) -> Spec {
    let mut command = args.command.iter().cloned();
    let spec = Spec::new(command.next().unwrap_or_default())
        .args(command)
        .containment(args.containment)
        .host_watch(host)
        .orphans(Orphans::Adopt);
    match args.require_containment {
        Some(level) => spec.require(level),
        None => spec,
    }
}

/// Empties the report's file, so that an older report is not taken for this run's and a path that
/// can't be written is known before anything is started. A pipe is opened at the end only: opened and
/// closed here, it would end for its reader.
fn begin_report(path: &Path) -> Result<(), String> {
    let there = fs::metadata(path);
    if there.as_ref().is_ok_and(output::is_stdout) {
        let path = path.display();
        return Err(format!(
            "--report {path} is standard output, which is the protocol's; name a file, or read \
             the report from stderr"
        ));
    }
    match there {
        Ok(there) if there.file_type().is_fifo() => Ok(()),
        Ok(_) | Err(_) => open_report(path).map(drop).map_err(|error| {
            let path = path.display();
            format!("--report can not write {path}: {error}; name a file that can be written")
        }),
    }
}

fn end_report(path: &Path, json: &str) -> Result<(), String> {
    open_report(path)
        .and_then(|mut file| writeln!(file, "{json}"))
        .map_err(|error| format!("can not write {}: {error}", path.display()))
}

/// Fails rather than waits for a reader of a pipe.
fn open_report(path: &Path) -> io::Result<fs::File> {
    let no_wait = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .custom_flags(no_wait)
        .open(path)
}
