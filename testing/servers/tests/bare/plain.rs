//! The tools that every server offers, through real pipes.

use dropgate_probe::servers::tools::CHATTER;
use dropgate_probe::servers::{ENTRY, SCENARIOS, failure_text};
use dropgate_testing_servers::{Muster, STRIKE};
use rustix::process::getppid;
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::process::Command;

use crate::client::{Client, PROGRAM, SOON};

fn plain() -> Client {
    let mut client = Client::start(&["plain"]);
    client.initialize();
    client.initialized();
    client
}

#[test]
fn a_slow_call_is_overtaken_and_still_answered() {
    let mut client = plain();
    let slow = client.ask_tool("slow", &json!({ "ms": 300 }));
    assert_eq!(client.call("echo", &json!({ "text": "quick" })), "quick");
    let answer = client.hear();
    assert_eq!(answer["id"], slow);
    assert_eq!(answer["result"]["content"][0]["text"], "done after 300 ms");
}

#[test]
fn a_blocked_call_is_lost_when_the_input_ends() {
    let mut client = plain();
    client.ask_tool("block", &json!({}));
    client.ask_tool("slow", &json!({ "ms": 60_000 }));
    client.ping();
    client.close_stdin();
    assert!(client.wait().success());
    assert_eq!(client.stdout.next(SOON).unwrap(), None);
}

#[test]
fn a_failure_tells_everything_that_it_should_not() {
    let mut client = plain();
    let id = client.ask_tool("fail", &json!({ "as": "tool" }));
    let answer = client.hear();
    assert_eq!(answer["id"], id);
    assert_eq!(answer["result"]["isError"], true);
    let tool = answer["result"]["content"][0]["text"]
        .as_str()
        .unwrap()
        .to_owned();
    client.ask_tool("fail", &json!({ "as": "rpc" }));
    let rpc = client.hear()["error"]["message"]
        .as_str()
        .unwrap()
        .to_owned();
    for mark in failure_text::MARKS {
        assert!(
            tool.contains(mark.text) && rpc.contains(mark.text),
            "{:?}",
            mark.kind
        );
    }
}

#[test]
fn stderr_is_flooded_before_the_answer() {
    let mut client = plain();
    let id = client.ask_tool("flood_stderr", &json!({ "bytes": 300_000 }));
    let mut flooded = 0;
    while flooded + 1024 <= 300_000 {
        flooded += client.stderr.next(SOON).unwrap().unwrap().len() + 1;
    }
    assert_eq!(client.hear()["id"], id);
}

#[test]
fn a_big_answer_is_as_big_as_asked() {
    let mut client = plain();
    assert_eq!(
        client.call("big", &json!({ "bytes": 2_000_000 })).len(),
        2_000_000
    );
    assert_eq!(client.call("big", &json!({})).len(), 5_000_000);
}

#[test]
fn dying_in_mid_call_gives_code_3_and_no_answer() {
    let mut client = plain();
    client.ask_tool("die", &json!({}));
    assert_eq!(client.wait().code(), Some(3));
    assert_eq!(client.stdout.next(SOON).unwrap(), None);
}

#[test]
fn chatter_comes_before_the_answer() {
    let mut client = plain();
    client.ask_tool("chatter", &json!({}));
    for line in CHATTER {
        assert_eq!(client.stdout.next(SOON).unwrap().unwrap(), line.as_bytes());
    }
    assert_eq!(client.hear()["result"]["content"][0]["text"], "chattered");
}

#[test]
fn the_report_describes_the_server_and_not_the_test() {
    let mut client = plain();
    let report: Value = serde_json::from_str(&client.call("report", &json!({}))).unwrap();
    assert_eq!(report["pid"], client.pid().as_raw_nonzero().get());
    assert_eq!(report["ppid"], std::process::id());
    assert_ne!(report["ppid"], getppid().unwrap().as_raw_nonzero().get());
    for fd in ["0", "1", "2"] {
        assert_eq!(report["fds"][fd]["kind"], "pipe");
    }
    assert_eq!(
        report["environment"]["PATH"],
        std::env::var("PATH").unwrap()
    );
    assert_eq!(report["status"]["NoNewPrivs"], "0");
    assert!(
        report["limits"]
            .as_str()
            .unwrap()
            .contains("Max open files")
    );
}

#[test]
fn every_scenario_can_be_started_as_its_row_says() {
    for row in SCENARIOS {
        let muster = Muster::new().unwrap();
        let [option, file] = muster.options();
        let line = row
            .server
            .command(OsStr::new(PROGRAM), &[OsStr::new(ENTRY)], &[option, file]);
        let mut command = Command::new(&line[0]);
        command.args(&line[1..]);
        let mut client = Client::spawn(muster, command);
        client.initialize();
        if let Some(call) = row.call {
            let arguments = serde_json::from_str(call.arguments).unwrap();
            client.ask_tool(call.tool, &arguments);
            client.ping();
        }
    }
}

#[test]
fn what_is_not_known_is_refused_with_the_names_that_are() {
    for args in [
        &["nobody"][..],
        &[ENTRY, "nobody"],
        &[],
        &["polite", "--pids"],
    ] {
        let output = Command::new(PROGRAM).args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(64), "{args:?}");
        assert!(
            !output.stderr.is_empty() && output.stdout.is_empty(),
            "{args:?}"
        );
    }
    let output = Command::new(PROGRAM).arg("nobody").output().unwrap();
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("stubborn")
    );
    assert_eq!(STRIKE, "strike");
}
