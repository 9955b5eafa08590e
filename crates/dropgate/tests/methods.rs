//! Which methods reach a server, with policies and without, and what the journal says of them.
#![allow(
    clippy::unwrap_used,
    reason = "clippy knows tests by an attribute that what they share does not have"
)]

#[path = "host/decided.rs"]
mod decided;
mod host;

use std::fs;
use std::io::Write as _;

use serde_json::{Value, json};

use crate::decided::{decided, text};
use crate::host::{Folder, Run};

/// Writes down what it hears, and answers every request.
const SERVER: &str = r#"
while read -r line; do
    printf '%s\n' "$line" >> seen
    id=${line#*\"id\":}
    [ "$id" = "$line" ] && continue
    printf '{"jsonrpc":"2.0","id":%s,"result":{}}\n' "${id%%,*}"
done"#;

/// Whether a request passes without a decision.
#[derive(Clone, Copy, PartialEq)]
enum Method {
    Passes,
    Decided,
}

fn rows() -> Vec<(&'static str, Value, Method)> {
    use Method::{Decided, Passes};
    let none = || json!({});
    let listen = |wanted: Value| json!({"notifications": wanted});
    vec![
        ("ping", none(), Passes),
        ("server/discover", none(), Passes),
        ("tools/list", none(), Passes),
        ("prompts/list", none(), Passes),
        ("resources/list", none(), Passes),
        ("resources/templates/list", none(), Passes),
        ("logging/setLevel", json!({"level": "info"}), Passes),
        (
            "subscriptions/listen",
            listen(json!({"toolsListChanged": true, "resourcesListChanged": true})),
            Passes,
        ),
        (
            "subscriptions/listen",
            listen(json!({"toolsListChanged": true, "resourceSubscriptions": ["file:///a"]})),
            Decided,
        ),
        ("subscriptions/listen", none(), Decided),
        ("subscriptions/listen", listen(json!("all")), Decided),
        ("resources/read", json!({"uri": "file:///a"}), Decided),
        ("prompts/get", json!({"name": "review"}), Decided),
        ("resources/subscribe", json!({"uri": "file:///a"}), Decided),
        (
            "resources/unsubscribe",
            json!({"uri": "file:///a"}),
            Decided,
        ),
        ("completion/complete", none(), Decided),
        ("tasks/get", json!({"taskId": "1"}), Decided),
        ("tasks/result", json!({"taskId": "1"}), Decided),
        ("tasks/cancel", json!({"taskId": "1"}), Decided),
        ("sampling/createMessage", none(), Decided),
        ("methods/call", none(), Decided),
        ("Tools/List", none(), Decided),
        ("custom/run", json!({"rm": "-rf"}), Decided),
        ("", none(), Decided),
    ]
}

struct Played {
    run: Run,
    folder: Folder,
}

impl Played {
    fn with(policies: Option<&str>) -> Self {
        match policies {
            Some(policies) => Self::under("[authorize]\ncedar = [\"*.cedar\"]\n", policies),
            None => Self::under("", ""),
        }
    }

    fn under(configuration: &str, policies: &str) -> Self {
        let folder = Folder::new(configuration);
        folder.write("a.cedar", policies);
        let arguments = ["run", "--config", "dropgate.toml", "--name", "s", "--"];
        let mut command = folder.dropgate(&arguments);
        let run = Run::begin(command.args(["sh", "-c", SERVER]));
        Self { run, folder }
    }

    /// Asks, and says whether the server heard it.
    fn reaches(&mut self, method: &str, params: &Value) -> bool {
        let answer = self.run.ask(method, params);
        let has_heard = self.seen().lines().last().is_some_and(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            line["id"] == answer["id"]
        });
        assert_eq!(has_heard, answer["result"].is_object(), "{answer}");
        if !has_heard {
            assert_eq!(answer["error"]["code"], 46002, "{answer}");
            assert_eq!(answer["error"]["data"]["outcome"], "denied", "{answer}");
        }
        has_heard
    }

    fn seen(&self) -> String {
        fs::read_to_string(self.folder.path().join("seen")).unwrap()
    }

    /// What the journal says of each method that was decided on: its name, class, and outcome.
    fn records(self) -> Vec<(String, String, String)> {
        let (code, log) = self.run.finish();
        assert_eq!(code, Some(0), "{log}");
        let show = ["journal", "show", "--format", "json", "s"];
        let shown = self.folder.dropgate(&show).output().unwrap();
        let shown = String::from_utf8(shown.stdout).unwrap();
        decided(&shown)
            .iter()
            .map(|(outcome, about)| {
                (
                    text(about, "tool"),
                    text(about, "class"),
                    text(outcome, "outcome"),
                )
            })
            .collect()
    }
}

#[test]
fn what_no_policy_names_is_denied_and_without_policies_everything_passes() {
    let denying = [
        "forbid (principal, action, resource);",
        r#"permit (principal, action in Action::"tools/call", resource);"#,
    ];
    for policies in denying {
        let mut played = Played::with(Some(policies));
        for (method, params, is) in rows() {
            let expected = is == Method::Passes;
            let reached = played.reaches(method, &params);
            assert_eq!(reached, expected, "{policies}: {method} {params}");
        }
        let denied = rows().iter().filter(|row| row.2 == Method::Decided).count();
        let records = played.records();
        assert_eq!(records.len(), denied, "{records:?}");
        assert!(records.iter().all(|(_, _, outcome)| outcome == "denied"));
    }
    for policies in [None, Some("permit (principal, action, resource);")] {
        let mut played = Played::with(policies);
        for (method, params, _is) in rows() {
            assert!(played.reaches(method, &params), "{policies:?}: {method}");
        }
        let records = played.records();
        let class = |method: &str| {
            let row = records.iter().find(|row| row.0 == method);
            row.map(|(_, class, outcome)| (class.as_str(), outcome.as_str()))
        };
        assert_eq!(class("custom/run"), Some(("write", "completed")));
        assert_eq!(class("tasks/get"), Some(("read", "completed")));
        assert_eq!(class("ping"), None);
    }
}

/// Patterns are written for tools.
#[test]
fn only_its_own_name_calls_a_method_harmless() {
    let pattern = "[tools.\"*\"]\nclass = \"read\"\n";
    let name = "[tools.\"custom/run\"]\nclass = \"read\"\n";
    for (configuration, class) in [(pattern, "write"), (name, "read")] {
        let mut played = Played::under(configuration, "");
        assert!(played.reaches("custom/run", &json!({})));
        let records = played.records();
        assert_eq!(records[0].1, class, "{configuration}");
    }
}

#[test]
fn a_policy_names_a_method_and_no_other_is_meant() {
    let policies = r#"
        permit (principal, action == Action::"methods/call", resource == Method::"custom/run");
        permit (principal, action == Action::"methods/call", resource == Method::"tasks/get")
        when { context.class == "read" };
    "#;
    let mut played = Played::with(Some(policies));
    let none = json!({});
    assert!(played.reaches("custom/run", &none));
    assert!(played.reaches("tasks/get", &none));
    for other in ["custom/run2", "tasks/cancel", "resources/subscribe"] {
        assert!(!played.reaches(other, &none), "{other}");
    }
}

/// A server may carry out what has no id like what has one.
#[test]
fn a_notification_that_is_none_passes_only_where_nothing_may_be_refused() {
    let everything = "permit (principal, action, resource);";
    let rows = [
        (Played::with(None), true),
        (Played::with(Some(everything)), false),
        (Played::under("[read_only]\nswitch = \"on\"\n", ""), false),
    ];
    for (mut played, reaches) in rows {
        for method in ["custom/run", "notifications/custom"] {
            let message = json!({"jsonrpc": "2.0", "method": method});
            writeln!(played.run.stdin, "{message}").unwrap();
        }
        played.run.ask("ping", &json!({}));
        let seen = played.seen();
        assert!(seen.contains("notifications/custom"), "{seen}");
        assert_eq!(seen.contains("custom/run"), reaches, "{seen}");
    }
}

#[test]
fn a_key_of_a_resource_is_not_one_of_another() {
    let mut played = Played::with(None);
    let mut read = |uri: &str| {
        let meta = json!({"dev.dropgate/idempotencyKey": "k"});
        let answer = played
            .run
            .ask("resources/read", &json!({"_meta": meta, "uri": uri}));
        (
            answer["error"]["code"].clone(),
            answer["result"]["_meta"]["dev.dropgate/replayed"].clone(),
        )
    };
    assert_eq!(read("file:///a"), (Value::Null, Value::Null));
    assert_eq!(read("file:///a"), (Value::Null, json!(true)));
    assert_eq!(read("file:///b"), (json!(46002), Value::Null));
}
