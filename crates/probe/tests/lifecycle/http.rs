//! Wrappers that are spoken to over HTTP.

use std::time::Duration;

use dropgate_probe::{Caller, Ending, Options, PORT_PLACE, SERVER_PLACE, Target, Why, probe};

use crate::bare::options;
use crate::wrapper;

pub(crate) fn streamable() {
    check("streamable", "http://127.0.0.1:{port}/mcp");
}

pub(crate) fn sse() {
    check("sse", "http://127.0.0.1:{port}/sse");
}

pub(crate) fn nobody_listens() {
    let target = Target {
        command: vec!["sh".into(), "-c".into(), "cat # {port}".into()],
    };
    let http = Some("http://127.0.0.1:{port}/mcp".parse().unwrap());
    let start_within = Duration::from_millis(300);
    let options = Options {
        http,
        start_within,
        ..options()
    };
    let refusal = probe(&target, &options, |_| {}).unwrap_err();
    assert!(
        matches!(refusal.why, Why::Silent { over: "HTTP", .. }),
        "{refusal:?}"
    );
}

/// The wrapper dies at signals and leaves its server to see the end of its input, so only a server
/// that does not care for it is left. Its own death ends every connection.
fn check(transport: &str, address: &str) {
    let exe = std::env::current_exe().unwrap().into_os_string();
    let command = vec![
        exe,
        wrapper::ENTRY.into(),
        transport.into(),
        PORT_PLACE.into(),
        SERVER_PLACE.into(),
    ];
    let scenarios = ["plain", "stubborn", "slow", "error_tool", "die", "big"]
        .map(str::to_owned)
        .to_vec();
    let http = Some(address.parse().unwrap());
    // Long enough for the answer to a call that nobody cut.
    let bound = Duration::from_secs(4);
    let options = Options {
        http,
        scenarios,
        bound,
        ..options()
    };
    let findings = probe(&Target { command }, &options, |_| {}).unwrap();
    let found: Vec<_> = findings
        .cells
        .iter()
        .map(|cell| {
            (
                cell.scenario.as_str(),
                cell.ending,
                cell.leaked,
                cell.caller,
            )
        })
        .collect();
    let endings = [Ending::Term, Ending::Int, Ending::Kill, Ending::Host];
    let mut expected = Vec::new();
    for (scenario, caller) in [
        ("plain", Caller::Nothing),
        ("stubborn", Caller::Nothing),
        ("slow", Caller::Eof),
    ] {
        for ending in endings {
            // Only the pipes of the wrapper end with its host, and it listens to none of them.
            let leaked = scenario == "stubborn" || ending == Ending::Host;
            let caller = match (scenario, ending, transport) {
                ("slow", Ending::Host, _) => Caller::Result,
                ("plain" | "stubborn", Ending::Term | Ending::Int | Ending::Kill, "sse") => {
                    Caller::Eof
                }
                _ => caller,
            };
            expected.push((scenario, ending, leaked, caller));
        }
    }
    expected.extend([
        ("error_tool", Ending::None, false, Caller::Error),
        ("big", Ending::None, false, Caller::Result),
        ("die", Ending::None, false, Caller::Nothing),
    ]);
    assert_eq!(found, expected);
    let error = findings
        .cells
        .iter()
        .find(|cell| cell.scenario == "error_tool")
        .unwrap();
    assert_eq!((error.leaked_text.len(), error.impure_stdout_lines), (5, 0));
}
