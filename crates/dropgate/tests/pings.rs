//! A server whose breaker is half-open is tried by a ping, and not by a call that may write.
#![allow(
    clippy::unwrap_used,
    reason = "clippy knows tests by an attribute that what they share does not have"
)]

mod host;

use std::fs;
use std::time::Instant;

use serde_json::json;

use crate::host::{Folder, Run, WITHIN};

/// Writes down what it hears, and answers calls of `garble…` with a line that can't be passed on.
const SERVER: &str = r#"
while read -r line; do
    printf '%s\n' "$line" >> seen
    id=${line#*\"id\":}
    [ "$id" = "$line" ] && continue
    result='{"content":[]}'
    case $line in *'"name":"garble'*) result='{},"result":{}' ;; esac
    printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "${id%%,*}" "$result"
done"#;

const CONFIG: &str = "[breaker]\nopen_for = \"200ms\"\n";

#[test]
fn pings_try_a_server_that_answered_badly_before_any_call_does() {
    let folder = Folder::new(CONFIG);
    let arguments = ["run", "--config", "dropgate.toml", "--name", "s", "--"];
    let mut command = folder.dropgate(&arguments);
    let mut run = Run::begin(command.args(["sh", "-c", SERVER]));
    let outcome = |run: &mut Run, tool: &str| {
        let answer = run.ask("tools/call", &json!({"name": tool, "arguments": {}}));
        let meta = &answer["result"]["_meta"]["dev.dropgate/outcome"];
        meta["outcome"].as_str().map(str::to_owned)
    };
    // Of a new tool each time, so that the breaker which opens is the server's.
    let until = Instant::now() + WITHIN;
    let mut nth = 0;
    loop {
        nth += 1;
        let became = outcome(&mut run, &format!("garble{nth}"));
        if became.as_deref() == Some("not_executed") {
            break;
        }
        assert_eq!(became.as_deref(), Some("unknown"));
        assert!(Instant::now() < until, "the breaker never opened");
    }
    // Callers that don't wait: one of them is there when the breaker is half-open.
    while outcome(&mut run, "write").is_some() {
        assert!(Instant::now() < until, "the breaker never closed");
    }
    let (_, log) = run.finish();
    let seen = fs::read_to_string(folder.path().join("seen")).unwrap();
    let what: Vec<&str> = seen
        .lines()
        .skip_while(|line| !line.contains("\"garble"))
        .filter_map(|line| {
            let kinds = ["\"method\":\"ping\"", "\"write\""];
            kinds.into_iter().find(|kind| line.contains(kind))
        })
        .collect();
    let ping = "\"method\":\"ping\"";
    assert_eq!(what, [ping, ping, "\"write\""], "{log}");
}
