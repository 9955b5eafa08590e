//! One `dropgate run` with a host above it, spoken to in JSON-RPC.

use std::ffi::OsString;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::actor::{Actor, Start};
use crate::counterparts::Server;
use crate::place::Place;
use crate::programs;
use crate::record::Record;
use crate::truth::{Delegation, Process};
use crate::user::User;

/// A cold start of a server, of a browser, or of both, on a loaded machine.
pub(crate) const ANSWER: Duration = Duration::from_secs(60);

/// What a host does with the streams of the wrapper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Streams {
    /// It owns them, as hosts do: when it dies they end.
    Pipes,
    /// They belong to somebody who stays.
    Lent,
}

/// How a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    KillWrapper,
    KillHost,
    Eof,
    Term,
}

/// How to run the server.
pub(crate) struct Run<'a> {
    pub(crate) server: &'a Server,
    pub(crate) flags: &'a [&'a str],
    pub(crate) user: User,
    pub(crate) delegation: Delegation,
    pub(crate) streams: Streams,
}

pub(crate) struct Session {
    pub(crate) actor: Actor,
    sent: u64,
    /// The methods of notifications that came while answers were awaited.
    told: Vec<String>,
}

impl Ending {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::KillWrapper => "SIGKILL of dropgate",
            Self::KillHost => "SIGKILL of the host",
            Self::Eof => "end of input",
            Self::Term => "SIGTERM of dropgate",
        }
    }

    /// The trigger that the report must name, where there is somebody to report.
    fn trigger(self) -> Option<&'static [&'static str]> {
        match self {
            Self::KillWrapper => None,
            // Both are news of the same death, and either may come first.
            Self::KillHost => Some(&["eof", "host_died", "epipe"]),
            Self::Eof => Some(&["eof"]),
            Self::Term => Some(&["sigterm"]),
        }
    }

    /// Until nothing may be left: the defaults of an idle server, with room for a loaded machine.
    fn limit(self) -> Duration {
        match self {
            Self::KillWrapper => Duration::from_secs(3),
            Self::KillHost | Self::Eof => Duration::from_secs(5),
            Self::Term => Duration::from_secs(6),
        }
    }
}

impl Session {
    pub(crate) fn start(run: &Run<'_>, place: &Place) -> Self {
        let streams = match run.streams {
            Streams::Pipes => "pipes",
            Streams::Lent => "lent",
        };
        let mut argv: Vec<OsString> = vec![programs::above().into(), "host".into(), streams.into()];
        argv.extend([programs::dropgate().into(), "run".into()]);
        argv.extend(run.flags.iter().map(OsString::from));
        argv.push("--".into());
        argv.extend(run.server.argv.iter().map(OsString::from));
        let start = Start {
            argv,
            cwd: &run.server.cwd,
            env: &run.server.env,
            user: run.user,
            delegation: run.delegation,
        };
        Self {
            actor: Actor::start(&start, place),
            sent: 0,
            told: Vec::new(),
        }
    }

    /// The handshake, and the number of tools that the server offers.
    pub(crate) fn open(&mut self) -> Result<usize, String> {
        self.request(
            "initialize",
            json!({
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": {"name": "dropgate-testing-real", "version": "0"},
            }),
        )?;
        self.actor
            .say(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        match self.tools()?.len() {
            0 => Err("it offers no tools".to_owned()),
            tools => Ok(tools),
        }
    }

    /// The tools that the server lists.
    pub(crate) fn tools(&mut self) -> Result<Vec<Value>, String> {
        let mut list = self.request("tools/list", json!({}))?;
        let tools = list["tools"].as_array_mut().map(std::mem::take);
        tools.ok_or_else(|| format!("that is no list of tools: {list}"))
    }

    /// How often the host was told this.
    pub(crate) fn told(&self, method: &str) -> usize {
        self.told.iter().filter(|told| *told == method).count()
    }

    /// Calls a tool, which must succeed; the text of its result.
    pub(crate) fn call(&mut self, name: &str, arguments: &Value) -> Result<String, String> {
        let result = self.request("tools/call", json!({"name": name, "arguments": arguments}))?;
        if result["isError"] == true {
            return Err(format!("{name}: {result}"));
        }
        Ok(result.to_string())
    }

    /// Sends a call and does not wait; its id.
    pub(crate) fn begin_call(&mut self, name: &str, arguments: &Value) -> u64 {
        self.send("tools/call", json!({"name": name, "arguments": arguments}))
    }

    /// The answer to a request, other messages are passed over.
    pub(crate) fn answer(&mut self, id: u64, limit: Duration) -> Result<Value, String> {
        let until = Instant::now() + limit;
        loop {
            let answer = self
                .next_answer(until)
                .map_err(|problem| format!("waiting for the answer to {id}: {problem}"))?;
            if answer["id"] == id {
                return Ok(answer);
            }
        }
    }

    /// The next answer, whichever request it is to.
    pub(crate) fn next_answer(&mut self, until: Instant) -> Result<Value, String> {
        loop {
            let Some(line) = self.actor.line(until)? else {
                return Err("the output ended".to_owned());
            };
            let message: Value = serde_json::from_str(&line)
                .map_err(|error| format!("{error} in a line of stdout: {line}"))?;
            match (message["method"].as_str(), message.get("id")) {
                (None, Some(Value::Number(_))) => return Ok(message),
                (Some(method), None) => self.told.push(method.to_owned()),
                (Some(_), Some(Value::Number(_))) | (None, None) => {}
                (_, Some(stranger)) => return Err(format!("an answer to {stranger}: {line}")),
            }
        }
    }

    /// The wrapper: the only child of the host.
    pub(crate) fn wrapper(&self) -> Result<Process, String> {
        let host = self.actor.process();
        let members = self.actor.truth.members();
        let child = members
            .into_iter()
            .find(|process| process.parent() == Some(host.pid));
        child.ok_or_else(|| "the host has no child".to_owned())
    }

    /// Ends the session and proves that nothing is left; figures.
    pub(crate) fn end(&mut self, ending: Ending, place: &Place) -> Result<String, String> {
        let before = self.actor.truth.members().len();
        let began = Instant::now();
        match ending {
            Ending::KillWrapper => self.wrapper()?.kill(),
            Ending::Term => self.wrapper()?.send(Signal::TERM),
            Ending::KillHost => self.actor.process().kill(),
            Ending::Eof => self.actor.close_stdin(),
        }
        self.gone(ending, place)?;
        let took = began.elapsed().as_millis();
        Ok(format!("{before} processes, zero after {took} ms"))
    }

    fn gone(&mut self, ending: Ending, place: &Place) -> Result<(), String> {
        self.actor.truth.await_none_but(None, ending.limit())?;
        let record = Record::read(&place.log());
        if let Some(triggers) = ending.trigger() {
            let report = record.report()?;
            if report["leaked"] != false || !triggers.iter().any(|name| report["trigger"] == *name)
            {
                return Err(format!("the report of this end is {report}"));
            }
        }
        let groups = self.actor.truth.groups_left();
        if !groups.is_empty() {
            return Err(format!("cgroups are left: {groups:?}"));
        }
        let scopes = place.open_scopes();
        if !scopes.is_empty() {
            return Err(format!("the ledger still holds {scopes:?}"));
        }
        Ok(())
    }

    fn request(&mut self, method: &str, params: Value) -> Result<Value, String> {
        let id = self.send(method, params);
        let mut answer = self.answer(id, ANSWER)?;
        match answer.get_mut("result") {
            Some(result) => Ok(result.take()),
            None => Err(format!("{method}: {answer}")),
        }
    }

    fn send(&mut self, method: &str, params: Value) -> u64 {
        self.sent += 1;
        let message =
            json!({"jsonrpc": "2.0", "id": self.sent, "method": method, "params": params});
        self.actor.say(&message.to_string());
        self.sent
    }
}
