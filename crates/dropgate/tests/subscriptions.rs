//! What becomes of a request that lasts as long as the connection when that ends.
#![allow(
    clippy::unwrap_used,
    reason = "clippy knows tests by an attribute that what they share does not have"
)]

mod host;

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::host::{Folder, Run};

/// Never answers a subscription before it is cancelled, and ends with its input.
const SERVER: &str = r#"
while read -r line; do
    id=${line#*\"id\":}
    id=${id%%,*}
    case $line in
        *'"initialize"'*)
            printf '{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"s","version":"1"}}}\n' "$id" ;;
        *'"subscriptions/listen"'*) open=$id ;;
        *'"notifications/cancelled"'*)
            printf '{"jsonrpc":"2.0","id":%s,"error":{"code":-32800,"message":"cancelled"}}\n' "$open" ;;
        *'"ping"'*) printf '{"jsonrpc":"2.0","id":%s,"result":{}}\n' "$id" ;;
    esac
done"#;

/// Less than the drain after the end of the input may last, and far less than after a signal.
const AT_ONCE: Duration = Duration::from_millis(1_500);

fn subscribed(folder: &Folder, wanted: &str) -> Run {
    let arguments = ["run", "--report", "report.json", "--", "sh", "-c", SERVER];
    let mut run = Run::begin(&mut folder.dropgate(&arguments));
    let wanted = json!({"notifications": {wanted: true}});
    run.send("subscriptions/listen", &wanted);
    run.ask("ping", &json!({}));
    run
}

fn report(folder: &Folder) -> Value {
    let text = std::fs::read_to_string(folder.path().join("report.json")).unwrap();
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

#[test]
fn a_host_that_ends_the_connection_waits_for_no_subscription() {
    for wanted in ["toolsListChanged", "resourceSubscriptions"] {
        let folder = Folder::new("");
        let run = subscribed(&folder, wanted);
        let ended = Instant::now();
        let (code, log) = run.finish();
        assert_eq!(code, Some(0), "{wanted}: {log}");
        assert!(ended.elapsed() < AT_ONCE, "{wanted}: {:?}", ended.elapsed());
        let counts = &report(&folder)["in_flight"];
        assert_eq!(counts["unknown"], 0, "{wanted}: {log}");
    }
}

#[test]
fn a_signal_cancels_a_subscription_and_its_answer_still_comes() {
    let folder = Folder::new("");
    let mut run = subscribed(&folder, "toolsListChanged");
    let pid = Pid::from_raw(i32::try_from(run.child.id()).unwrap()).unwrap();
    let ended = Instant::now();
    kill_process(pid, Signal::TERM).unwrap();
    let answer = run.answer(2);
    assert_eq!(answer["error"]["code"], -32800, "{answer}");
    assert!(ended.elapsed() < AT_ONCE, "{:?}", ended.elapsed());
    let (code, log) = run.finish();
    assert_eq!(code, Some(10), "{log}");
    assert_eq!(report(&folder)["in_flight"]["cancelled"], 1);
}
