//! A server that tells its own credentials: nothing of them reaches the host or the log.

use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::process::Signal;
use serde_json::json;

use crate::base::Folder;
use crate::session::{Session, Start, everything_in};
use crate::sink::{Manner, Sink};

const BY_VARIABLE: &str = "Zk9-correct/horse battery";
const BY_DESCRIPTOR: &str = "q7-descriptor-credential-11";
const BY_FILE: &str = "w3-file-credential-55";

const CONFIGURATION: &str = "[secrets.DATABASE]\nenv = \"SOURCE\"\n\
    [secrets.API]\nenv = \"OTHER\"\ninto = \"fd\"\n\
    [secrets.FILED]\nfile = \"filed\"\ninto = \"file\"\n\
    [secrets.PRINTED]\ncommand = [\"printf\", \"p8-printed-%s\", \"credential\"]\n\
    template = \"v={value}\"\n";

#[test]
fn a_server_that_tells_its_credentials_tells_nobody() {
    let folder = Folder::new();
    std::fs::write(folder.path().join("filed"), format!("{BY_FILE}\n")).expect("a file");
    let mut session = Session::start(Start {
        folder: &folder,
        configuration: CONFIGURATION,
        variables: &[
            ("SOURCE", BY_VARIABLE),
            ("OTHER", BY_DESCRIPTOR),
            ("GITHUB_TOKEN", "passed-on-by-the-host"),
            ("HARMLESS", "as-it-was"),
        ],
        stderr: None,
    });
    session.open();
    let credentials = [
        ("DATABASE", BY_VARIABLE),
        ("API", BY_DESCRIPTOR),
        ("FILED", BY_FILE),
        ("PRINTED", "v=p8-printed-credential"),
        ("GITHUB_TOKEN", "passed-on-by-the-host"),
    ];
    let mut said = String::new();
    for (variable, value) in credentials {
        assert_eq!(session.credential(variable), value);
        for tool in ["tell", "fail", "refuse", "log"] {
            said.push_str(&session.call(tool, &json!({"variable": variable})));
        }
    }
    assert_eq!(session.credential("HARMLESS"), "as-it-was");
    session.close_stdin();
    assert!(session.end().success());
    std::fs::remove_file(folder.path().join("kept")).expect("a file");
    std::fs::remove_file(folder.path().join("filed")).expect("a file");
    let stored = everything_in(folder.path());
    said.push_str(&String::from_utf8_lossy(&stored));
    for (variable, value) in credentials {
        for form in [
            value.to_owned(),
            STANDARD.encode(value),
            value.replace('/', "%2F"),
        ] {
            assert!(!said.contains(&form), "{variable} is told: {said}");
        }
    }
    assert!(said.contains("[secret removed]"), "{said}");
}

#[test]
fn a_collector_is_told_no_credentials() {
    let folder = Folder::new();
    let mut collector = Sink::new(Manner::Takes);
    let telemetry = format!("[telemetry]\notlp = \"{}\"\n", collector.address());
    let mut session = Session::start(Start {
        folder: &folder,
        configuration: &format!("[secrets.API]\nenv = \"SOURCE\"\n{telemetry}"),
        variables: &[("SOURCE", BY_VARIABLE)],
        stderr: None,
    });
    session.open();
    for tool in ["tell", "fail", "refuse", "log"] {
        session.call(tool, &json!({"variable": "API"}));
    }
    // Names are told, so one could carry a value.
    session.call(BY_VARIABLE, &json!({}));
    session.close_stdin();
    assert!(session.end().success());
    assert_eq!(collector.spans().len(), 12);
    let told: String = collector
        .taken()
        .iter()
        .map(|one| one.body.to_string())
        .collect();
    assert!(!told.contains(BY_VARIABLE), "{told}");
    assert!(told.contains("tools/call [secret removed]"), "{told}");
}

#[test]
fn variables_that_the_file_names_reach_the_server_only_as_it_says() {
    let folder = Folder::new();
    let mut session = Session::start(Start {
        folder: &folder,
        configuration: "[secrets.API]\nenv = \"SOURCE\"\ninto = \"fd\"\n",
        variables: &[("SOURCE", BY_VARIABLE), ("API", "what-the-host-set")],
        stderr: None,
    });
    session.open();
    for gone in ["SOURCE", "API"] {
        let path = format!("/proc/{}/environ", session.guard());
        let guards = std::fs::read(path).expect("the guard is there");
        let text = String::from_utf8_lossy(&guards).into_owned();
        assert!(!text.contains(&format!("{gone}=")), "{text}");
    }
    // Only by the descriptor: the telltale prefers a variable of that name.
    assert_eq!(session.credential("API"), BY_VARIABLE);
}

#[test]
fn files_are_gone_after_every_end() {
    for kill in [None, Some(Signal::KILL)] {
        let folder = Folder::new();
        let mut session = Session::start(Start {
            folder: &folder,
            configuration: "[secrets.FILED]\nenv = \"SOURCE\"\ninto = \"file\"\n",
            variables: &[("SOURCE", BY_VARIABLE)],
            stderr: None,
        });
        session.open();
        assert_eq!(session.credential("FILED"), BY_VARIABLE);
        let place = session.credential("CREDENTIALS_DIRECTORY");
        match kill {
            Some(signal) => session.signal_wrapper(signal),
            None => session.close_stdin(),
        }
        let until = Instant::now() + Duration::from_secs(10);
        while Path::new(&place).exists() {
            assert!(Instant::now() < until, "{place} is left after {kill:?}");
            std::thread::yield_now();
        }
    }
}
