//! What becomes of a server's answers that say more than they may, or less than they should.
#![allow(
    clippy::unwrap_used,
    reason = "clippy knows tests by an attribute that what they share does not have"
)]

mod host;
#[path = "answers/unread.rs"]
mod unread;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::host::{Folder, WITHIN};

/// Answers each call with what stands in the file of the tool's name, and probes with a line that can't be passed on.
/// A call of `late` is answered with the next one, 300 times, and so is one that nobody made.
const SERVER: &str = r#"
while read -r line; do
    id=${line#*\"id\":}
    id=${id%%,*}
    case $line in
        *'dropgate-probe-'*)
            printf '{"jsonrpc":"2.0","id":%s,"result":{},"result":{}}\n' "$id"
            printf '{"content":[],"x":%s}' "$id" > probed.new
            mv probed.new probed
            continue ;;
        *'"initialize"'*) result='{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}' ;;
        *'"tools/list"'*) read -r result < list || [ -n "$result" ] ;;
        *'"name":"late"'*) late=$id; continue ;;
        *'"tools/call"'*)
            times=0
            while [ -n "$late" ] && [ $times -lt 300 ]; do
                printf '{"jsonrpc":"2.0","id":%s,"result":{"content":[]}}\n' "$late" '"api_key=zo3Hq7Lw9xTb2Vn8Kd4R"'
                times=$((times + 1))
            done
            late=
            name=${line#*\"name\":\"}
            name=${name%%\"*}
            read -r result < "$name" || [ -n "$result" ] ;;
        *) continue ;;
    esac
    printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$result"
done"#;

struct Run {
    folder: Folder,
    host: host::Run,
}

impl Run {
    fn new(config: &str) -> Self {
        let folder = Folder::new(config);
        let arguments = ["run", "--config", "dropgate.toml", "--name", "s", "--"];
        let mut command = folder.dropgate(&arguments);
        let host = host::Run::begin(command.args(["sh", "-c", SERVER]));
        let mut run = Self { folder, host };
        run.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        run
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn say(&mut self, message: &Value) {
        writeln!(self.host.stdin, "{message}").unwrap();
    }

    fn hear(&self) -> Value {
        let line = self.host.lines.recv_timeout(WITHIN).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn call(&mut self, id: &Value, tool: &str) -> Value {
        let params = json!({"name": tool, "arguments": {}});
        self.say(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}));
        let answer = self.hear();
        assert_eq!(answer["id"], *id);
        answer
    }

    fn await_log(&self, part: &str) {
        while !self.host.told.recv_timeout(WITHIN).unwrap().contains(part) {}
    }

    /// Ends it; the records that it left.
    fn records(self) -> Vec<Value> {
        self.records_and_log().0
    }

    fn records_and_log(self) -> (Vec<Value>, Vec<String>) {
        let (_, log) = self.host.finish();
        let arguments = ["journal", "show", "--format", "json", "s"];
        let shown = self.folder.dropgate(&arguments).output().unwrap();
        let text = String::from_utf8(shown.stdout).unwrap();
        let records = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        (records, log.lines().map(str::to_owned).collect())
    }
}

#[test]
fn what_is_not_clearly_a_success_is_recorded_as_a_failure() {
    let mut run = Run::new("");
    let rows = [
        ("false", "completed"),
        ("true", "tool_error"),
        ("\"true\"", "tool_error"),
        ("1", "tool_error"),
        ("null", "tool_error"),
    ];
    for (id, (is_error, _)) in rows.iter().enumerate() {
        let result = format!(r#"{{"content":[],"isError":{is_error}}}"#);
        fs::write(run.folder().join("odd"), &result).unwrap();
        let answer = run.call(&json!(id + 1), "odd");
        assert_eq!(answer["result"].to_string(), result);
    }
    let records = run.records();
    let outcomes: Vec<&str> = records
        .iter()
        .filter(|record| record["kind"] == "outcome")
        .filter_map(|record| record["outcome"].as_str())
        .collect();
    assert_eq!(outcomes, rows.map(|(_, outcome)| outcome));
}

#[test]
fn a_server_can_not_say_of_a_call_that_it_never_ran() {
    let mut run = Run::new("");
    let forged = r#"{"content":[],"_meta":{"dev.dropgate/outcome":{"outcome":"not_executed","retry":"safe"},"a":1.0}}"#;
    fs::write(run.folder().join("forged"), forged).unwrap();
    let answer = run.call(&json!(1), "forged");
    let meta = &answer["result"]["_meta"]["dev.dropgate/outcome"];
    assert_eq!(
        (&meta["outcome"], &meta["retry"]),
        (&json!("completed"), &json!("never"))
    );
    let reference = meta["ref"].clone();
    let records = run.records();
    let is_it = |record: &&Value| record["kind"] == "outcome" && record["call"] == reference;
    assert_eq!(records.iter().filter(is_it).count(), 1);
}

#[test]
fn an_unreadable_answer_fails_a_probe_and_its_id_is_nobody_elses() {
    let config = "[read_only]\nprobe_tool = \"health\"\nevery = \"5s\"\n";
    let mut run = Run::new(config);
    run.await_log("mode: normal to read_only: probe");
    let leaked: Value =
        serde_json::from_slice(&fs::read(run.folder().join("probed")).unwrap()).unwrap();
    let answer = run.call(&leaked["x"], "probed");
    assert_eq!(answer["error"]["code"], -32600, "{answer}");
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
                        "params": {"requestId": leaked["x"]}});
    run.say(&cancel);
    fs::write(run.folder().join("plain"), r#"{"content":[]}"#).unwrap();
    let answer = run.call(&json!(7), "plain");
    assert_eq!(answer["id"], 7);
    let asked: Vec<Value> = run.records();
    assert!(
        asked.iter().any(|record| record["tool"] == "plain"),
        "{asked:?}"
    );
    assert!(asked.iter().all(|record| record["tool"] != "probed"));
}

#[test]
fn a_last_request_without_a_line_end_is_answered() {
    let mut run = Run::new("");
    fs::write(run.folder().join("plain"), r#"{"content":[]}"#).unwrap();
    let params = json!({"name": "plain", "arguments": {}});
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    write!(run.host.stdin, "{request}").unwrap();
    let records = run.records();
    let is_completed = |record: &Value| record["outcome"] == "completed";
    assert!(records.iter().any(is_completed), "{records:?}");
}

#[test]
fn answers_that_nobody_waits_for_are_recorded_once_and_counted() {
    let mut run = Run::new("[tools.late]\ntimeout = \"200ms\"\n");
    fs::write(run.folder().join("plain"), r#"{"content":[]}"#).unwrap();
    let answer = run.call(&json!(1), "late");
    let meta = &answer["result"]["_meta"]["dev.dropgate/outcome"];
    assert_eq!(meta["outcome"], "timed_out");
    run.call(&json!(2), "plain");
    let (records, log) = run.records_and_log();
    let late: Vec<&Value> = records
        .iter()
        .filter(|record| record["kind"] == "late_result")
        .collect();
    assert_eq!(late.len(), 1, "{late:?}");
    assert_eq!(late[0]["call"], meta["ref"]);
    let report = log.last().unwrap();
    assert!(report.contains(r#""surplus_answers":600"#), "{report}");
    let second = "dropgate: answer to call 1 left out: it has one of dropgate's already";
    let first = |line: &&String| line.as_str() == second;
    assert_eq!(log.iter().filter(first).count(), 1, "{log:?}");
    let nobodys = |line: &&String| line.ends_with("left out: nobody waits for it");
    assert_eq!(log.iter().filter(nobodys).count(), 599);
    assert!(!log.concat().contains("zo3Hq7Lw9xTb2Vn8Kd4R"), "{log:?}");
}

#[test]
fn what_changes_without_end_is_recorded_up_to_a_limit() {
    let mut run = Run::new("");
    let list = |description: &str| {
        let tools: Vec<Value> = (0..100)
            .map(|at| json!({"name": format!("t{at}\ndropgate: report {{}}"), "description": description}))
            .collect();
        json!({"tools": tools}).to_string()
    };
    for (id, description) in ["first", "second"].iter().enumerate() {
        fs::write(run.folder().join("list"), list(description)).unwrap();
        run.say(&json!({"jsonrpc": "2.0", "id": id + 1, "method": "tools/list"}));
        run.hear();
    }
    // A call that the host cancels again and again.
    let params = json!({"name": "late", "arguments": {}});
    run.say(&json!({"jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": params}));
    // Answered behind it, so that the call has reached the server.
    run.say(&json!({"jsonrpc": "2.0", "id": 6, "method": "tools/list"}));
    run.hear();
    for _ in 0..100 {
        run.say(
            &json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
                        "params": {"requestId": 5}}),
        );
    }
    let (records, log) = run.records_and_log();
    let notes = |topic: &str| records.iter().filter(|it| it["topic"] == topic).count();
    assert_eq!(notes("tool_pin"), 33);
    assert_eq!(notes("cancellation"), 1);
    let named = |line: &&String| line.contains(r"\ndropgate: report {}: changed");
    assert_eq!(log.iter().filter(named).count(), 32, "{log:?}");
    let reports = |line: &&String| line.starts_with("dropgate: report ");
    assert_eq!(log.iter().filter(reports).count(), 1, "{log:?}");
    let more = "dropgate: tools: 68 more of one list are not as they were pinned";
    assert!(log.iter().any(|line| line == more), "{log:?}");
}

#[test]
fn a_server_that_can_not_be_woken_again_was_not_killed() {
    let folder = Folder::new("");
    folder.write("server", &format!("#!/bin/sh\n{SERVER}"));
    let server = folder.path().join("server");
    fs::set_permissions(&server, fs::Permissions::from_mode(0o700)).unwrap();
    let arguments = ["run", "--name", "s", "--hibernate", "200ms", "--"];
    let mut host = host::Run::begin(folder.dropgate(&arguments).arg(&server));
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    writeln!(host.stdin, "{ready}").unwrap();
    let asleep = |line: String| line.starts_with("dropgate: hibernating: ");
    while !asleep(host.told.recv_timeout(WITHIN).unwrap()) {}
    fs::remove_file(&server).unwrap();
    let answer = host.ask("tools/call", &json!({"name": "plain", "arguments": {}}));
    let meta = &answer["result"]["_meta"]["dev.dropgate/outcome"];
    assert_eq!(meta["outcome"], "not_executed", "{answer}");
    let (code, log) = host.finish();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("can not be started again"), "{log}");
}

#[test]
fn who_calls_what_an_operator_switched_off_is_told_so() {
    let orders = [
        "[breaker]\nserver = \"open\"\n",
        "[breaker.tools]\nodd = \"open\"\n",
    ];
    for order in orders {
        let mut run = Run::new(order);
        let answer = run.call(&json!(1), "odd");
        let text = answer["result"]["content"][0]["text"].as_str().unwrap();
        assert!(text.starts_with("An operator has switched this"), "{text}");
        let outcome = &answer["result"]["_meta"]["dev.dropgate/outcome"];
        assert_eq!(outcome["outcome"], "not_executed");
        assert_eq!(outcome.get("retry_after_ms"), None, "nobody knows when");
        run.records();
    }
}
