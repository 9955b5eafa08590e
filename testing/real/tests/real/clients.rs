//! Real clients as hosts: each starts `dropgate run` and closes it in its own way.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::actor::{Actor, Start};
use crate::counterparts::Counterparts;
use crate::page::Page;
use crate::place::Place;
use crate::programs;
use crate::record::Record;
use crate::session::ANSWER;
use crate::truth::Delegation;
use crate::user::User;
use crate::verdicts::Verdicts;

/// From the client's own end, or its word that all is closed, until nothing may be left.
const LIMIT: Duration = Duration::from_secs(2);

/// The official sequences take 6 s at most, and this machine may be loaded.
const CLOSING: Duration = Duration::from_secs(15);

#[test]
fn typescript_sdk_1() {
    every_way("typescript_sdk_1", Client::TypeScript(1));
}

#[test]
fn typescript_sdk_2() {
    every_way("typescript_sdk_2", Client::TypeScript(2));
}

#[test]
fn python_sdk() {
    every_way("python_sdk", Client::Python);
}

#[test]
fn rmcp() {
    every_way("rmcp", Client::Rmcp);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Client {
    /// The SDK's major version.
    TypeScript(u8),
    Python,
    Rmcp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Load {
    Idle,
    /// A browser waits for a page that never answers.
    InFlight,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    /// The client's own orderly close.
    Closes,
    /// Its process ends without one.
    Exits,
    /// SIGKILL.
    Killed,
}

fn every_way(test: &'static str, client: Client) {
    let Some(counterparts) = Counterparts::find(test) else {
        return;
    };
    let page = Page::serve();
    let mut verdicts = Verdicts::of(test);
    for load in [Load::Idle, Load::InFlight] {
        for leaving in [Leaving::Closes, Leaving::Exits, Leaving::Killed] {
            let row = format!("{load:?} {leaving:?}");
            verdicts.row(&row, host(&counterparts, &page, client, load, leaving));
        }
    }
    verdicts.close();
}

fn host(
    counterparts: &Counterparts,
    page: &Page,
    client: Client,
    load: Load,
    leaving: Leaving,
) -> Result<String, String> {
    let user = User::Ordinary;
    let place = Place::new(user);
    let mut argv = client.argv(counterparts);
    let plan = plan(counterparts, page, &place, client, load);
    argv.push(plan.to_string().into());
    let start = Start {
        argv,
        cwd: &place.home().display().to_string(),
        env: &counterparts.environment(&place),
        user,
        delegation: Delegation::Kept,
    };
    let mut actor = Actor::start(&start, &place);
    let told = |why: String| format!("{why}; {}", Record::read(&place.log()).tail());
    let tools = actor.expect("ready", ANSWER).map_err(told)?;
    if load == Load::InFlight {
        actor.expect("in flight", ANSWER).map_err(told)?;
        page.await_mute(ANSWER).map_err(told)?;
    }
    let before = actor.truth.members().len();
    let figures = leave(&mut actor, leaving).map_err(told)?;
    check_report(&Record::read(&place.log()), load, leaving)?;
    let scopes = place.open_scopes();
    if !scopes.is_empty() {
        return Err(format!("the ledger still holds {scopes:?}"));
    }
    Ok(format!("{tools} tools, {before} processes, {figures}"))
}

fn leave(actor: &mut Actor, leaving: Leaving) -> Result<String, String> {
    let own = actor.process();
    match leaving {
        Leaving::Closes => {
            actor.say("close");
            let closed = actor.expect("closed", CLOSING)?;
            let rest = actor.truth.await_none_but(Some(own), LIMIT)?;
            actor.close_stdin();
            actor.end(LIMIT)?;
            let rest = rest.as_millis();
            Ok(format!("closed in {closed} ms, zero after {rest} ms more"))
        }
        Leaving::Exits => {
            actor.say("exit");
            actor.end(CLOSING)?;
            zero(actor)
        }
        Leaving::Killed => {
            own.kill();
            zero(actor)
        }
    }
}

fn zero(actor: &Actor) -> Result<String, String> {
    // The host is gone, so that dropgate has its deadline for that, 3 s.
    let took = actor
        .truth
        .await_none_but(None, Duration::from_secs(3) + LIMIT)?;
    Ok(format!("zero after {} ms", took.as_millis()))
}

/// Whoever lets dropgate finish learns what became of the call.
fn check_report(record: &Record, load: Load, leaving: Leaving) -> Result<(), String> {
    let report = record.report()?;
    if report["leaked"] != false {
        return Err(format!("{report}"));
    }
    let unknown = report["in_flight"]["unknown"].as_u64();
    let cancelled = report["in_flight"]["cancelled"].as_u64();
    let ended = unknown.unwrap_or(0) + cancelled.unwrap_or(0);
    match (load, leaving) {
        (Load::InFlight, Leaving::Exits | Leaving::Killed) if ended != 1 => {
            Err(format!("the call in flight is missing in {report}"))
        }
        // A client may cancel its calls before it closes; those are no news to it.
        (Load::InFlight, _) => Ok(()),
        (Load::Idle, _) if ended == 0 => Ok(()),
        (Load::Idle, _) => Err(format!("no call was in flight: {report}")),
    }
}

fn plan(
    counterparts: &Counterparts,
    page: &Page,
    place: &Place,
    client: Client,
    load: Load,
) -> Value {
    let (name, calls, in_flight) = match load {
        Load::Idle => {
            let path = place.repository().join("note.txt");
            let call = json!({"name": "read_text_file", "arguments": {"path": path}});
            ("filesystem", vec![call], None)
        }
        Load::InFlight => {
            let navigate =
                |url: String| json!({"name": "puppeteer_navigate", "arguments": {"url": url}});
            let calls = vec![navigate(page.url())];
            ("puppeteer", calls, Some(navigate(page.mute())))
        }
    };
    let server = counterparts.server(name, place, User::Ordinary);
    let mut command = vec![
        programs::dropgate().display().to_string(),
        "run".to_owned(),
        "--".to_owned(),
    ];
    command.extend(server.argv);
    json!({
        "command": command,
        "cwd": server.cwd,
        "env": server.env,
        "calls": calls,
        "in_flight": in_flight,
        "modules": counterparts.path("npm/package.json"),
        "sdk": client.sdk(),
    })
}

impl Client {
    fn argv(self, counterparts: &Counterparts) -> Vec<OsString> {
        let script = |name: &str| {
            let scripts = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("clients");
            OsString::from(scripts.join(name))
        };
        match self {
            Self::TypeScript(_) => vec![counterparts.path("bin/node").into(), script("client.mjs")],
            Self::Python => vec![
                counterparts.path("python/client/bin/python").into(),
                script("client.py"),
            ],
            Self::Rmcp => vec![programs::rmcp_client().into()],
        }
    }

    fn sdk(self) -> Option<u8> {
        match self {
            Self::TypeScript(version) => Some(version),
            Self::Python | Self::Rmcp => None,
        }
    }
}
