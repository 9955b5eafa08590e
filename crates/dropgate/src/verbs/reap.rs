//! `dropgate reap`: end what killed runs left.

mod leases;

use std::process::ExitCode;
use std::time::Duration;

use dropgate_process::{Abandoned, Process, SweepMode, out_of_sight, sweep};
use serde::Serialize;

use self::leases::Leases;
use crate::cli::{Format, ReapArgs};
use crate::{exit, output};

#[derive(Serialize)]
struct Reaped {
    dry_run: bool,
    scopes: Vec<Scope>,
    /// How many runs are recorded whose processes have other numbers here.
    out_of_sight: usize,
    leases: Leases,
}

#[derive(Serialize)]
struct Scope {
    scope: String,
    processes: Vec<Found>,
    survivors: Vec<Found>,
}

#[derive(Serialize)]
struct Found {
    pid: i32,
    started_ticks: u64,
    argv: Vec<String>,
}

/// How long each of the two looks may take.
const WITHIN: Duration = Duration::from_secs(300);

/// Sweeps; the code is 0 unless something resists or can't be seen.
pub(crate) fn run(args: &ReapArgs) -> ExitCode {
    let out_of_sight = match out_of_sight() {
        Ok(count) => count,
        Err(why) => {
            output::complain(&format!(
                "can not see processes, so nothing was looked for: {why}; run reap where /proc \
                 shows the processes of its own PID namespace"
            ));
            return ExitCode::from(exit::INTERNAL);
        }
    };
    // A name is read while its process lives, so what there is is listed first.
    let listed = scopes(sweep(SweepMode::DryRun, WITHIN));
    let scopes = if args.dry_run {
        listed
    } else {
        let mut swept = scopes(sweep(SweepMode::Sweep, WITHIN));
        for scope in &mut swept {
            if let Some(named) = listed.iter().position(|one| one.scope == scope.scope) {
                scope.processes = listed[named].processes.iter().map(Found::again).collect();
            }
        }
        swept
    };
    let resisting = scopes
        .iter()
        .map(|scope| scope.survivors.len())
        .sum::<usize>();
    let (leases, problem) = leases::end(args);
    let code = match (resisting, problem) {
        (0, None) => ExitCode::SUCCESS,
        (0, Some(why)) => {
            output::complain(&why);
            ExitCode::from(exit::UPSTREAM_UNAVAILABLE)
        }
        (_, _) => ExitCode::from(exit::INTERNAL),
    };
    let reaped = Reaped {
        dry_run: args.dry_run,
        scopes,
        out_of_sight,
        leases,
    };
    match args.format {
        Format::Json => output::print_json(&reaped),
        Format::Text => output::print(&text(&reaped)),
    }
    code
}

fn scopes(all: Vec<Abandoned>) -> Vec<Scope> {
    all.into_iter()
        .map(|one| Scope {
            scope: one.scope,
            processes: one.processes.into_iter().map(Found::new).collect(),
            survivors: one.survivors.into_iter().map(Found::new).collect(),
        })
        .collect()
}

impl Found {
    fn new(process: Process) -> Self {
        Self {
            pid: process.pid,
            started_ticks: process.started_ticks,
            argv: process.argv(),
        }
    }

    fn again(&self) -> Self {
        Self {
            pid: self.pid,
            started_ticks: self.started_ticks,
            argv: self.argv.clone(),
        }
    }
}

fn text(reaped: &Reaped) -> String {
    let Leases { revoked, pending } = reaped.leases;
    let mut text = String::new();
    if reaped.out_of_sight > 0 {
        text.push_str(&format!(
            "out of sight: {} of another PID or time namespace; reap them there\n",
            reaped.out_of_sight
        ));
    }
    if reaped.scopes.is_empty() && revoked + pending == 0 {
        text.push_str(match reaped.out_of_sight {
            0 => "nothing to reap: every run has an owner\n",
            _some => "nothing to reap here: every other run has an owner\n",
        });
        return text;
    }
    if revoked + pending > 0 {
        text.push_str(&format!("leases: {revoked} revoked, {pending} pending\n"));
    }
    for scope in &reaped.scopes {
        let verb = if reaped.dry_run { "would end" } else { "ended" };
        text.push_str(&format!(
            "scope {}: {verb} {}\n",
            scope.scope,
            scope.processes.len()
        ));
        for process in &scope.processes {
            text.push_str(&format!("  {} {}\n", process.pid, process.argv.join(" ")));
        }
        for process in &scope.survivors {
            text.push_str(&format!(
                "  still there: {} {}\n",
                process.pid,
                process.argv.join(" ")
            ));
        }
    }
    text
}
