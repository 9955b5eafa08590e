//! Real servers through their launchers: npm and sh and node, uv and Python.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::counterparts::Counterparts;
use crate::page::Page;
use crate::place::Place;
use crate::record::Record;
use crate::session::{Ending, Run, Session, Streams};
use crate::truth::Delegation;
use crate::user::User;
use crate::verdicts::Verdicts;

const ENDINGS: [Ending; 4] = [
    Ending::Term,
    Ending::Eof,
    Ending::KillWrapper,
    Ending::KillHost,
];

#[test]
fn server_filesystem() {
    all_endings("server_filesystem", "filesystem", |place| {
        let path = place.repository().join("note.txt");
        Some(Call::new("read_text_file", json!({"path": path}), "a note"))
    });
}

#[test]
fn server_memory() {
    all_endings("server_memory", "memory", |_| {
        let entity = json!({"name": "gate", "entityType": "thing", "observations": ["it falls"]});
        let arguments = json!({"entities": [entity]});
        Some(Call::new("create_entities", arguments, "it falls"))
    });
}

/// Its tools ask a service on the network, so none is called.
#[test]
fn context7() {
    all_endings("context7", "context7", |_| None);
}

#[test]
fn server_git() {
    all_endings("server_git", "git", |place| {
        let arguments = json!({"repo_path": place.repository()});
        Some(Call::new("git_status", arguments, "note.txt"))
    });
}

/// It ignores SIGTERM. Its tools ask a server of which there is none here.
#[test]
fn atlassian() {
    all_endings("atlassian", "atlassian", |_| None);
}

/// A call that waits for a mute machine is answered once before dropgate leaves: by dropgate as
/// unknown, or by the server, which confirms that it was cancelled.
#[test]
fn atlassian_with_a_call_in_flight() {
    let test = "atlassian_with_a_call_in_flight";
    let Some(counterparts) = Counterparts::find(test) else {
        return;
    };
    let mut verdicts = Verdicts::of(test);
    for ending in ENDINGS {
        verdicts.row(ending.name(), call_in_flight(&counterparts, ending));
    }
    verdicts.close();
}

struct Call {
    tool: &'static str,
    arguments: Value,
    /// What its result must hold.
    proof: &'static str,
}

impl Call {
    fn new(tool: &'static str, arguments: Value, proof: &'static str) -> Self {
        Self {
            tool,
            arguments,
            proof,
        }
    }
}

fn all_endings(test: &'static str, server: &str, call: fn(&Place) -> Option<Call>) {
    let Some(counterparts) = Counterparts::find(test) else {
        return;
    };
    let mut verdicts = Verdicts::of(test);
    for user in User::available() {
        for ending in ENDINGS {
            let row = format!("{} {}", user.name(), ending.name());
            verdicts.row(&row, idle(&counterparts, server, call, *user, ending));
        }
    }
    verdicts.close();
}

fn idle(
    counterparts: &Counterparts,
    server: &str,
    call: fn(&Place) -> Option<Call>,
    user: User,
    ending: Ending,
) -> Result<String, String> {
    let place = Place::new(user);
    let server = counterparts.server(server, &place, user);
    let run = Run {
        server: &server,
        flags: &[],
        user,
        delegation: Delegation::Kept,
        streams: Streams::Pipes,
    };
    let mut session = Session::start(&run, &place);
    let told = |why: String| format!("{why}; {}", Record::read(&place.log()).tail());
    let began = Instant::now();
    let tools = session.open().map_err(told)?;
    let ready = began.elapsed().as_millis();
    if let Some(call) = call(&place) {
        let result = session.call(call.tool, &call.arguments).map_err(told)?;
        if !result.contains(call.proof) {
            return Err(format!("{} gave {result}", call.tool));
        }
    }
    let figures = session.end(ending, &place).map_err(told)?;
    Ok(format!("{tools} tools after {ready} ms, {figures}"))
}

fn call_in_flight(counterparts: &Counterparts, ending: Ending) -> Result<String, String> {
    let page = Page::serve();
    let user = User::own();
    let place = Place::new(user);
    let mut server = counterparts.server("atlassian", &place, user);
    server.env.insert("JIRA_URL".to_owned(), page.mute());
    let run = Run {
        server: &server,
        flags: &["--drain", "500ms"],
        user,
        delegation: Delegation::Kept,
        streams: Streams::Pipes,
    };
    let mut session = Session::start(&run, &place);
    let told = |why: String| format!("{why}; {}", Record::read(&place.log()).tail());
    session.open().map_err(told)?;
    let id = session.begin_call("jira_get_issue", &json!({"issue_key": "GATE-1"}));
    page.await_mute(Duration::from_secs(30)).map_err(told)?;
    let figures = session.end(ending, &place).map_err(told)?;
    if ending == Ending::Term {
        check_answers(&mut session, id, &Record::read(&place.log()))?;
    }
    Ok(figures)
}

fn check_answers(session: &mut Session, id: u64, record: &Record) -> Result<(), String> {
    let answer = session.answer(id, Duration::from_secs(5))?;
    let unknown = answer["result"]["_meta"]["dev.dropgate/outcome"]["outcome"] == "unknown";
    let counted = if unknown { "unknown" } else { "cancelled" };
    let report = record.report()?;
    if (!unknown && !answer["error"].is_object()) || report["in_flight"][counted] != 1 {
        return Err(format!("the caller got {answer}, the report says {report}"));
    }
    match session.answer(id, Duration::from_secs(5)) {
        Ok(second) => Err(format!("the caller got a second answer: {second}")),
        Err(_end_of_output) => Ok(()),
    }
}
