//! What a host has written gets an answer, also where the run ends before it was read.

use std::collections::BTreeMap;
use std::io::{PipeWriter, Write as _, pipe};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::RecvTimeoutError;

use serde_json::{Value, json};

use crate::host::{Folder, Run, WITHIN, lines};

/// The race between the end and the reading is run so often.
const ROUNDS: usize = 10;

/// A run whose input is `written` from its first moment on, and does not end.
fn begin(folder: &Folder, command: &[&str], written: &[u8]) -> (Child, PipeWriter) {
    let (stdin, mut to) = pipe().unwrap();
    rustix::pipe::fcntl_setpipe_size(&to, 256 << 10).unwrap();
    to.write_all(written).unwrap();
    let mut run: Command = folder.dropgate(&["run", "--config", "dropgate.toml", "--name", "s"]);
    let child = run
        .arg("--")
        .args(command)
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    (child, to)
}

/// All answers, by the ids of their requests.
fn answers(child: &mut Child) -> BTreeMap<u64, Vec<Value>> {
    let said = lines(child.stdout.take().unwrap());
    let mut answers: BTreeMap<u64, Vec<Value>> = BTreeMap::new();
    loop {
        let line = match said.recv_timeout(WITHIN) {
            Ok(line) => line,
            Err(RecvTimeoutError::Disconnected) => return answers,
            Err(RecvTimeoutError::Timeout) => {
                child.kill().unwrap();
                panic!("it did not end within {WITHIN:?}");
            }
        };
        let answer: Value = serde_json::from_str(&line).unwrap();
        let id = answer["id"].as_u64().unwrap();
        answers.entry(id).or_default().push(answer);
    }
}

fn request(id: u64, method: &str, params: &Value) -> String {
    let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
    format!("{request}\n")
}

#[test]
fn the_handshake_with_a_server_that_ends_at_once_is_answered() {
    let hello = request(1, "initialize", &json!({"protocolVersion": "2025-06-18"}));
    for config in ["", "[journal]\ndanger_off = true\n"] {
        let folder = Folder::new(config);
        for _ in 0..ROUNDS {
            let (mut child, _input) = begin(&folder, &["sh", "-c", "exit 3"], hello.as_bytes());
            let answers = answers(&mut child);
            assert_eq!(child.wait().unwrap().code(), Some(3));
            assert_eq!(answers.get(&1).map(Vec::len), Some(1), "{answers:?}");
            let outcome = &answers[&1][0]["error"]["data"]["outcome"];
            assert!(
                outcome == "not_executed" || outcome == "unknown",
                "{outcome}"
            );
        }
    }
}

#[test]
fn every_call_that_was_written_before_the_end_is_answered_once() {
    const CALLS: u64 = 60;
    let mut written = String::new();
    for id in 1..=CALLS {
        let arguments = json!({"text": "x".repeat(3000)});
        let params = json!({"name": "write", "arguments": arguments});
        written += &request(id, "tools/call", &params);
    }
    let mut refused = 0;
    for _ in 0..ROUNDS {
        // What an earlier run left unknown would be refused by its record.
        let folder = Folder::new("");
        let server = ["sh", "-c", "read -r line; exit 0"];
        let (mut child, _input) = begin(&folder, &server, written.as_bytes());
        let answers = answers(&mut child);
        child.wait().unwrap();
        for id in 1..=CALLS {
            let of_call = answers.get(&id).map_or(&[][..], Vec::as_slice);
            assert_eq!(of_call.len(), 1, "call {id}: {of_call:?}");
            let meta = &of_call[0]["result"]["_meta"]["dev.dropgate/outcome"];
            match meta["outcome"].as_str() {
                Some("not_executed") => refused += 1,
                Some("unknown") => {}
                other => panic!("call {id}: {other:?}"),
            }
        }
    }
    println!("{refused} of them were not sent");
}

/// Answers the handshake, closes its stdin, says that, and lives on.
const DEAF: &str = r#"
read -r line
printf '{"jsonrpc":"2.0","id":1,"result":{}}\n'
exec 0<&-
printf '{"jsonrpc":"2.0","method":"notifications/deaf"}\n'
exec sleep 1000"#;

#[test]
fn a_call_of_a_server_that_closed_its_stdin_and_lives_on_is_answered() {
    let folder = Folder::new("");
    let mut command = folder.dropgate(&["run", "--config", "dropgate.toml", "--name", "s"]);
    let mut run = Run::begin(command.args(["--", "sh", "-c", DEAF]));
    let said = run.lines.recv_timeout(WITHIN).unwrap();
    assert!(said.contains("deaf"), "{said}");
    let answer = run.ask("tools/call", &json!({"name": "write", "arguments": {}}));
    let result = &answer["result"];
    assert_eq!(
        result["_meta"]["dev.dropgate/outcome"]["outcome"],
        "unknown"
    );
    let text = result["content"][0]["text"].as_str().unwrap();
    assert!(
        text.starts_with("This server was shut down before"),
        "{text}"
    );
    let (_, log) = run.finish();
    assert!(log.contains(r#""trigger":"server_exited""#), "{log}");
}
