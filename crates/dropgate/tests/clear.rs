//! Arguments that `[journal] clear` names stand in the records, and no secret among them.
#![allow(
    clippy::unwrap_used,
    reason = "clippy knows tests by an attribute that what they share does not have"
)]

mod host;
#[path = "host/plain_server.rs"]
mod plain_server;

use std::process::Command;

use serde_json::{Value, json};

use crate::host::{Folder, Run};
use crate::plain_server::SERVER;

/// A secret by the name of its variable; nothing about it looks like one.
const TOKEN: &str = "green-lantern-in-the-yard";

const CONFIG: &str = r#"
[journal]
clear = ["/path", "/files/0/name", "/note", "/password", "/query"]
[secrets.API_TOKEN]
env = "API_TOKEN"
"#;

fn printed(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn named_arguments_are_recorded_and_secrets_among_them_are_not() {
    let folder = Folder::new(CONFIG);
    let mut command = folder.dropgate(&["run", "--name", "s", "--config"]);
    command.arg(folder.path().join("dropgate.toml"));
    command.args(["--", "sh", "-c", SERVER]);
    let mut run = Run::begin(command.env("API_TOKEN", TOKEN));
    let arguments = json!({
        "path": "/srv/reports/2026.csv",
        "files": [{"name": "=SUM(1,2)", "size": 7}, {"name": "other"}],
        "note": format!("see {TOKEN}"),
        "password": "Xk93kd-plQ7zt21",
        "query": "Authorization: Bearer abcdefghijklmnopqrstuvwxyz0123456789",
        "text": "not named",
    });
    let answer = run.ask(
        "tools/call",
        &json!({"name": "write", "arguments": arguments}),
    );
    assert!(answer["result"]["isError"].is_null(), "{answer}");
    assert_eq!(run.finish().0, Some(0));

    let of_intents = printed(folder.dropgate(&["journal", "show", "--format", "json"]));
    let intent = of_intents
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .find(|record| record["kind"] == "intent")
        .unwrap();
    let shown = json!({"/path": "/srv/reports/2026.csv", "/files/0/name": "=SUM(1,2)"});
    assert_eq!(intent["clear"], shown);
    assert_eq!(intent["fields"].as_object().unwrap().len(), 8);
    for hidden in [TOKEN, "Xk93kd", "abcdefghij", "not named"] {
        assert!(!of_intents.contains(hidden), "{hidden}: {of_intents}");
    }
    let text = printed(folder.dropgate(&["journal", "show"]));
    assert!(
        text.contains("\"/path\":\"/srv/reports/2026.csv\""),
        "{text}"
    );
    let csv = printed(folder.dropgate(&["journal", "export", "--format", "csv"]));
    let cell =
        "\"{\"\"/files/0/name\"\":\"\"=SUM(1,2)\"\",\"\"/path\"\":\"\"/srv/reports/2026.csv\"\"}\"";
    assert!(csv.trim_end().ends_with(cell), "{csv}");
    let ocsf = printed(folder.dropgate(&["journal", "export", "--format", "ocsf"]));
    let event: Value = serde_json::from_str(ocsf.trim()).unwrap();
    assert_eq!(event["unmapped"]["clear"], shown);
    printed(folder.dropgate(&["journal", "verify"]));

    let count = |argument: &str| {
        let arguments = [
            "journal",
            "show",
            "--format",
            "json",
            "--argument",
            argument,
        ];
        printed(folder.dropgate(&arguments)).lines().count()
    };
    let all_of_the_call = of_intents.matches("\"call\":").count();
    for argument in [
        "/text=not named",
        "/files/0/size=7",
        "/path=/srv/reports/2026.csv",
        &format!("/note=see {TOKEN}"),
    ] {
        assert_eq!(count(argument), all_of_the_call, "{argument}");
    }
    for argument in [
        "/text=named",
        "/files/1/size=7",
        "/other=not named",
        "/files/0/size=\"7\"",
    ] {
        assert_eq!(count(argument), 0, "{argument}");
    }
    let wrong = folder
        .dropgate(&["journal", "show", "--argument", "text=1"])
        .output()
        .unwrap();
    assert_eq!(wrong.status.code(), Some(64));
    std::fs::remove_file(folder.path().join("dropgate/journal/s/key")).unwrap();
    let without = folder
        .dropgate(&["journal", "show", "--argument", "/text=1"])
        .output()
        .unwrap();
    assert_eq!(without.status.code(), Some(64), "{without:?}");
}
