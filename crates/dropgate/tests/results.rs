//! Results that succeed and hold what looks like a credential: reported, and left as they are.
#![allow(
    clippy::unwrap_used,
    reason = "clippy knows tests by an attribute that what they share does not have"
)]

mod host;

use serde_json::{Value, json};

use crate::host::{Folder, Run};

/// Nobody's key, in the form of a real one.
const KEY: &str = "AKIAQ7XJ4M2WZT9KPLVB";

const SERVER: &str = r#"
while read -r line; do
    id=${line#*\"id\":}
    id=${id%%,*}
    case $line in
        *'"initialize"'*) result='{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}' ;;
        *'"name":"leaky"'*) result='{"content":[{"type":"text","text":"aws_access_key_id = '$KEY'\npassword = \"Xk93kd-plQ7zt21\""}]}' ;;
        *'"name":"fine"'*) result='{"content":[{"type":"text","text":"password: required"}]}' ;;
        *) continue ;;
    esac
    printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$result"
done"#;

fn notes(folder: &Folder) -> Vec<Value> {
    let arguments = ["journal", "show", "s", "--format", "json"];
    let output = folder.dropgate(&arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains(KEY), "{text}");
    text.lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|record| record["topic"] == "credential")
        .collect()
}

#[test]
fn what_looks_like_a_credential_in_a_result_is_reported_and_passed_on() {
    for (config, reported) in [
        ("", 0),
        ("[sanitize]\nresults = \"off\"\n", 0),
        ("[sanitize]\nresults = \"report\"\n", 2),
    ] {
        let folder = Folder::new(config);
        let mut command = folder.dropgate(&["run", "--name", "s", "--config"]);
        command.arg(folder.path().join("dropgate.toml"));
        command.args(["--", "sh", "-c", SERVER]).env("KEY", KEY);
        let mut run = Run::begin(&mut command);
        for _ in 0..2 {
            let answer = run.ask("tools/call", &json!({"name": "leaky", "arguments": {}}));
            let text = answer["result"]["content"][0]["text"].as_str().unwrap();
            assert!(text.contains(KEY) && text.contains("Xk93kd"), "{text}");
        }
        run.ask("tools/call", &json!({"name": "fine", "arguments": {}}));
        let (code, log) = run.finish();
        assert_eq!(code, Some(0), "{log}");
        assert!(!log.contains(KEY), "{log}");
        assert_eq!(
            log.matches("look like credentials").count(),
            reported / 2,
            "{log}"
        );
        let notes = notes(&folder);
        assert_eq!(notes.len(), reported, "{notes:?}");
        for note in notes {
            assert_eq!(note["subject"], "leaky");
            assert!(note["call"].as_str().unwrap().starts_with("L-"));
            let text = note["text"].as_str().unwrap();
            assert!(text.starts_with("2 places"), "{text}");
        }
    }
}
