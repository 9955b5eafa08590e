//! The first thing that somebody tries: messages piped in from a shell, and the end of input at once.

use std::time::{Duration, Instant};

use crate::actor::{Actor, Start};
use crate::counterparts::Counterparts;
use crate::place::Place;
use crate::programs;
use crate::record::Record;
use crate::truth::Delegation;
use crate::user::User;
use crate::verdicts::Verdicts;

const INITIALIZE: &str = concat!(
    r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","#,
    r#""capabilities":{},"clientInfo":{"name":"printf","version":"0"}}}"#
);

/// The whole of a run: a cold start of the server and the deadline after the end of input.
const LIMIT: Duration = Duration::from_secs(20);

/// Somebody whose server is slow to start says how long dropgate shall wait.
const FLAGS: &[&str] = &["--eof-deadline 10s"];

#[test]
fn a_pipe_from_a_shell_is_answered() {
    let test = "a_pipe_from_a_shell_is_answered";
    let Some(counterparts) = Counterparts::find(test) else {
        return;
    };
    let mut verdicts = Verdicts::of(test);
    let direct = pipe(&counterparts, "");
    verdicts.row("without dropgate", direct);
    for flags in FLAGS {
        let wrapper = format!("'{}' run {flags} --", programs::dropgate().display());
        verdicts.row(&format!("run {flags}"), pipe(&counterparts, &wrapper));
    }
    verdicts.close();
}

fn pipe(counterparts: &Counterparts, wrapper: &str) -> Result<String, String> {
    let user = User::own();
    let place = Place::new(user);
    let server = counterparts.server("filesystem", &place, user);
    let command = server.argv.join(" ");
    let line = format!("printf '%s\\n' '{INITIALIZE}' | {wrapper} {command}");
    let start = Start {
        argv: ["sh", "-c", &line].map(Into::into).to_vec(),
        cwd: &server.cwd,
        env: &server.env,
        user,
        delegation: Delegation::Kept,
    };
    let began = Instant::now();
    let mut actor = Actor::start(&start, &place);
    let answer = actor.line(began + LIMIT)?;
    let took = began.elapsed().as_millis();
    let answer =
        answer.ok_or_else(|| format!("no answer; {}", Record::read(&place.log()).tail()))?;
    if !answer.contains("\"serverInfo\"") {
        return Err(format!("after {took} ms the answer was {answer}"));
    }
    actor.truth.await_none_but(None, LIMIT)?;
    let all = began.elapsed().as_millis();
    Ok(format!("answered after {took} ms, zero after {all} ms"))
}
