//! What dropgate takes while nothing is called: memory, start, end, and what it leaves.

use std::process::Command;

use dropgate_testing_bench::plan::{Cycles, Life, Memory, Payload, Plan, Remains, Route, Seen};
use serde::Deserialize;

use super::Results;
use super::figure::{Bar, Figure, Spread};
use super::generator::{self, unasked};
use super::routes::Routes;
use super::wanted::{Part, Wanted};
use crate::failure::{Doing, Failure};

/// Resident memory of wrapper and guard together, MiB.
const RSS_MIB: f64 = 8.0;

/// What may be added to the first successful call, milliseconds.
const START_MS: f64 = 20.0;

/// From the end of input to the wrapper's exit, milliseconds.
const END_MS: f64 = 50.0;

/// Processes that some levels need beside wrapper and guard.
const KEEPERS: &[&str] = &["dg-keeper", "dg-shim"];

const SMALL: Payload = Payload::Both(64);
const LARGE: Payload = Payload::Answer(5 << 20);

pub(super) fn measure(
    routes: &Routes,
    wanted: &Wanted,
    results: &mut Results,
) -> Result<(), Failure> {
    let usual = &[(SMALL, 1000)];
    for level in levels(routes)? {
        let route = routes.dropgate_at(&level);
        let figures = memory(routes, &route, "1,000 calls", usual, Bar::AtMost(RSS_MIB))?;
        results.figures.extend(figures);
    }
    let long = &[(SMALL, 300_000), (LARGE, 20)];
    let what = "300,000 calls and 20 answers of 5 MiB";
    let bar = Bar::AtMost(RSS_MIB);
    let figures = memory(routes, &routes.dropgate(), what, long, bar)?;
    results.figures.extend(figures);
    let mut others = vec![routes.splice(), routes.typed()];
    if wanted.has(Part::Rivals) {
        others.extend([routes.mcp_proxy()?, routes.supergateway()?]);
    }
    for route in others {
        let figures = memory(routes, &route, "1,000 calls", usual, Bar::None)?;
        results.figures.extend(figures);
    }
    results.figures.extend(lives(routes, wanted.lives)?);
    Ok(())
}

/// Starts and stops dropgate so many times and tells what has grown.
pub(super) fn cycles(routes: &Routes, count: usize) -> Result<Vec<Figure>, Failure> {
    // A runtime directory of its own keeps what other trees of this user do out of the count.
    let runtime = routes.scratch().join("runtime");
    std::fs::create_dir_all(&runtime).doing("making a runtime directory")?;
    let mut route = routes.dropgate();
    let value = runtime.display().to_string();
    route
        .environment
        .insert("XDG_RUNTIME_DIR".to_owned(), value);
    let plan = Plan::Cycles {
        route,
        count,
        relay: routes.dropgate_program(),
        ledger: runtime.join("dropgate/scopes"),
    };
    let what = format!("{count} starts and stops");
    match generator::run(&routes.generator(), &what, &plan)? {
        Seen::Cycles(cycles) => Ok(growth(&what, &cycles)),
        Seen::Calls(_) | Seen::Lives(_) | Seen::Memory(_) | Seen::Queue(_) => Err(unasked(&what)),
    }
}

/// Something that could be left, and where it is counted.
type Kind = (&'static str, fn(&Remains) -> usize);

fn growth(what: &str, cycles: &Cycles) -> Vec<Figure> {
    let kinds: [Kind; 5] = [
        ("processes", |remains| remains.processes),
        ("zombies", |remains| remains.zombies),
        ("open descriptors of the host", |remains| {
            remains.descriptors
        }),
        ("control groups", |remains| remains.cgroups),
        ("ledger files", |remains| remains.ledger_files),
    ];
    let grown = kinds.map(|(kind, of)| Figure {
        what: format!("{what}: {kind} more than before"),
        measured: Spread::exact(of(&cycles.after) as f64 - of(&cycles.before) as f64),
        unit: "",
        bar: Bar::AtMost(0.0),
    });
    let mut figures = Vec::from(grown);
    figures.push(Figure {
        what: format!("{what}: time of each"),
        measured: Spread::exact(cycles.seconds * 1e3 / cycles.count.max(1) as f64),
        unit: "ms",
        bar: Bar::None,
    });
    figures
}

fn memory(
    routes: &Routes,
    route: &Route,
    after: &str,
    batches: &[(Payload, usize)],
    bar: Bar,
) -> Result<Vec<Figure>, Failure> {
    let plan = Plan::Memory {
        route: route.clone(),
        batches: batches.to_vec(),
    };
    let what = format!("memory of {}, idle after {after}", route.name);
    let seen = match generator::run(&routes.generator(), &what, &plan)? {
        Seen::Memory(memory) => memory,
        Seen::Calls(_) | Seen::Lives(_) | Seen::Queue(_) | Seen::Cycles(_) => {
            return Err(unasked(&what));
        }
    };
    let mib = |of: fn(&Memory) -> u64, which: &dyn Fn(&Memory) -> bool| {
        let kib: u64 = seen.iter().filter(|process| which(process)).map(of).sum();
        Spread::exact(kib as f64 / 1024.0)
    };
    let is_keeper = |process: &Memory| KEEPERS.contains(&process.process.as_str());
    let processes = match seen.len() {
        1 => "one process".to_owned(),
        count => format!("{count} processes"),
    };
    let keepers = seen.iter().filter(|process| is_keeper(process)).count();
    let figure = |text: String, measured: Spread, bar: Bar| Figure {
        what: format!("{what}: {text}"),
        measured,
        unit: "MiB",
        bar,
    };
    let mut figures = Vec::new();
    let rss: fn(&Memory) -> u64 = |process| process.rss_kib;
    if keepers > 0 {
        let pair = mib(rss, &|process| !is_keeper(process));
        figures.push(figure("RSS of wrapper and guard".to_owned(), pair, bar));
    }
    let bar_of_all = if keepers > 0 { Bar::None } else { bar };
    let all = mib(rss, &|_| true);
    figures.push(figure(format!("RSS of {processes}"), all, bar_of_all));
    let pss = mib(|process| process.pss_kib, &|_| true);
    figures.push(figure(format!("PSS of {processes}"), pss, Bar::None));
    Ok(figures)
}

fn lives(routes: &Routes, rounds: usize) -> Result<Vec<Figure>, Failure> {
    let lived = vec![
        routes.direct(),
        routes.dropgate(),
        routes.splice(),
        routes.typed(),
    ];
    let plan = Plan::Lives {
        routes: lived.clone(),
        rounds,
    };
    let what = "start and end";
    let lives = match generator::run(&routes.generator(), what, &plan)? {
        Seen::Lives(lives) => lives,
        Seen::Calls(_) | Seen::Memory(_) | Seen::Queue(_) | Seen::Cycles(_) => {
            return Err(unasked(what));
        }
    };
    let direct = lives.first().cloned().unwrap_or_default();
    let mut figures = Vec::new();
    for (route, lives) in lived.iter().zip(&lives).skip(1) {
        let bar = |limit| match route.name.as_str() {
            "dropgate" => Bar::AtMost(limit),
            _ => Bar::None,
        };
        let name = &route.name;
        let added = |(own, without): (&Life, &Life)| own.start_ms - without.start_ms;
        figures.push(Figure {
            what: format!("{name}: added to the time from start to first answer"),
            measured: Spread::of(lives.iter().zip(&direct).map(added)),
            unit: "ms",
            bar: bar(START_MS),
        });
        figures.push(Figure {
            what: format!("{name}: from the end of input to exit, polite idle server"),
            measured: Spread::of(lives.iter().map(|life| life.end_ms)),
            unit: "ms",
            bar: bar(END_MS),
        });
    }
    Ok(figures)
}

#[derive(Deserialize)]
struct Doctor {
    levels: Vec<LevelReport>,
}

#[derive(Deserialize)]
struct LevelReport {
    level: String,
    available: bool,
}

/// The levels of containment that dropgate says this machine has; the others are told.
fn levels(routes: &Routes) -> Result<Vec<String>, Failure> {
    let output = Command::new(routes.dropgate_program())
        .args(["doctor", "--format", "json"])
        .output()
        .doing("starting dropgate doctor")?;
    let doctor: Doctor = serde_json::from_slice(&output.stdout).doing("reading dropgate doctor")?;
    for missing in doctor.levels.iter().filter(|level| !level.available) {
        eprintln!(
            "not measured: containment {}, which this machine lacks",
            missing.level
        );
    }
    let available = doctor.levels.into_iter().filter(|level| level.available);
    Ok(available.map(|level| level.level).collect())
}
