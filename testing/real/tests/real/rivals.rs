//! `dropgate probe` finds the leaks of real wrappers, and none in `dropgate run`.

use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::actor::{Actor, Start};
use crate::counterparts::Counterparts;
use crate::place::Place;
use crate::programs;
use crate::record::Record;
use crate::truth::Delegation;
use crate::user::User;
use crate::verdicts::Verdicts;

const ENDPOINT: &str = "http://127.0.0.1:{port}/mcp";

const SCENARIOS: [&str; 4] = ["plain", "stubborn", "helper", "daemon"];
const ENDINGS: [&str; 2] = ["term", "kill"];

/// A few rounds of cold starts and bounds, on a loaded machine.
const PROBE: Duration = Duration::from_secs(90);

/// The probe's own processes, and what it ended, after its end.
const GONE: Duration = Duration::from_secs(2);

/// The way to a wrapper's server.
#[derive(Clone, Copy)]
enum Spoken {
    Stdio,
    Http,
}

/// What has to be found.
#[derive(Clone, Copy)]
enum Due {
    /// At least the daemon after each ending.
    Leaks,
    Nothing,
}

#[test]
fn supergateway_leaks() {
    let arguments = &[
        "--stdio={server}",
        "--outputTransport",
        "streamableHttp",
        "--stateful",
        "--port",
        "{port}",
    ];
    rival(
        "supergateway_leaks",
        "npm/node_modules/.bin/supergateway",
        arguments,
    );
}

#[test]
fn mcp_proxy_from_npm_leaks() {
    rival(
        "mcp_proxy_from_npm_leaks",
        "npm/node_modules/.bin/mcp-proxy",
        &["--host", "127.0.0.1", "--port", "{port}", "--", "{server}"],
    );
}

#[test]
fn mcp_proxy_from_pypi_leaks() {
    rival(
        "mcp_proxy_from_pypi_leaks",
        "python/bin/mcp-proxy",
        &["--port", "{port}", "--pass-environment", "--", "{server}"],
    );
}

#[test]
fn dropgate_as_a_wrapper_does_not() {
    let test = "dropgate_as_a_wrapper_does_not";
    let Some(counterparts) = Counterparts::find(test) else {
        return;
    };
    let arguments = &["run", "--journal", "off", "--", "{server}"];
    let mut verdicts = Verdicts::of(test);
    let end = probe(
        &counterparts,
        Spoken::Stdio,
        programs::dropgate(),
        arguments,
        Due::Nothing,
    );
    verdicts.row("over stdio", end);
    verdicts.close();
}

fn rival(test: &'static str, below: &str, arguments: &[&str]) {
    let Some(counterparts) = Counterparts::find(test) else {
        return;
    };
    let mut verdicts = Verdicts::of(test);
    let program = counterparts.path(below);
    let end = probe(&counterparts, Spoken::Http, &program, arguments, Due::Leaks);
    verdicts.row("over HTTP", end);
    verdicts.close();
}

fn probe(
    counterparts: &Counterparts,
    spoken: Spoken,
    wrapper: &Path,
    arguments: &[&str],
    due: Due,
) -> Result<String, String> {
    let user = User::own();
    let place = Place::new(user);
    let flags = ["probe", "--format", "json", "--bound", "4s"];
    let mut argv: Vec<OsString> = vec![programs::dropgate().into()];
    argv.extend(flags.map(OsString::from));
    for scenario in SCENARIOS {
        argv.extend(["--scenario", scenario].map(OsString::from));
    }
    for ending in ENDINGS {
        argv.extend(["--ending", ending].map(OsString::from));
    }
    match spoken {
        Spoken::Stdio => {}
        Spoken::Http => argv.extend(["--http", ENDPOINT].map(OsString::from)),
    }
    argv.extend(["--".into(), wrapper.into()]);
    argv.extend(arguments.iter().map(OsString::from));
    let cwd = place.repository().display().to_string();
    let start = Start {
        argv,
        cwd: &cwd,
        env: &counterparts.environment(&place),
        user,
        delegation: Delegation::Kept,
    };
    let began = Instant::now();
    let mut actor = Actor::start(&start, &place);
    let line = actor.line(began + PROBE)?;
    let line = line.ok_or_else(|| format!("no findings; {}", Record::read(&place.log()).tail()))?;
    let status = actor.end(GONE)?;
    let took = began.elapsed().as_secs_f32();
    actor.truth.await_none_but(None, GONE)?;
    let findings: Value =
        serde_json::from_str(&line).map_err(|error| format!("{error} in {line}"))?;
    check_shape(&findings)?;
    let leaked = match due {
        Due::Leaks => check_leaks(&findings)?,
        Due::Nothing => check_nothing(&findings)?,
    };
    let code = i32::from(leaked > 0);
    if status.code() != Some(code) {
        return Err(format!("exit code {code} was due, not {status}: {line}"));
    }
    let cells = SCENARIOS.len() * ENDINGS.len();
    Ok(format!("{leaked} of {cells} cells leaked, in {took:.1} s"))
}

/// Every scenario has met every ending, and the numbers agree with each other.
fn check_shape(findings: &Value) -> Result<(), String> {
    let cells = cells(findings);
    let names = |cell: &Value| (cell["scenario"].clone(), cell["ending"].clone());
    let met: Vec<_> = cells.iter().map(names).collect();
    let due: Vec<(Value, Value)> = SCENARIOS
        .iter()
        .flat_map(|scenario| ENDINGS.map(|ending| ((*scenario).into(), ending.into())))
        .collect();
    if met != due {
        return Err(format!("the cells {due:?} were due: {findings}"));
    }
    for cell in cells {
        let survivors = cell["survivors"].as_array().ok_or("no survivors")?;
        let named = survivors.iter().all(|survivor| {
            survivor["pid"].is_i64() && survivor["argv"].as_array().is_some_and(|a| !a.is_empty())
        });
        let leaked = cell["leaked"] == true;
        if !named || leaked == survivors.is_empty() || leaked != cell["zero_after_s"].is_null() {
            return Err(format!("the cell contradicts itself: {cell}"));
        }
    }
    let summary = &findings["summary"];
    let counted = summary["cells"] == cells.len() && summary["leaked"] == leaks(cells);
    if !counted || findings["guarded"] != false || !findings["server"].is_string() {
        return Err(format!("the head or the summary is wrong: {findings}"));
    }
    Ok(())
}

fn check_leaks(findings: &Value) -> Result<usize, String> {
    let cells = cells(findings);
    let daemon = cells.iter().filter(|cell| cell["scenario"] == "daemon");
    if daemon.clone().any(|cell| cell["leaked"] != true) {
        return Err(format!("the daemon's leak was not found: {findings}"));
    }
    // A polite server shows that the probe does not cry wolf.
    let plain = cells.iter().find(|cell| cell["scenario"] == "plain");
    if plain.is_none_or(|cell| cell["leaked"] != false) {
        return Err(format!("a polite server leaked at SIGTERM: {findings}"));
    }
    Ok(leaks(cells))
}

fn check_nothing(findings: &Value) -> Result<usize, String> {
    match leaks(cells(findings)) {
        0 => Ok(0),
        leaked => Err(format!("{leaked} cells leaked: {findings}")),
    }
}

fn cells(findings: &Value) -> &[Value] {
    findings["cells"].as_array().map_or(&[], Vec::as_slice)
}

fn leaks(cells: &[Value]) -> usize {
    cells.iter().filter(|cell| cell["leaked"] == true).count()
}
