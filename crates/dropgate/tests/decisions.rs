//! Who decides, what it says of that, and what `dropgate trust` changes while a server runs.
#![allow(
    clippy::unwrap_used,
    reason = "clippy knows tests by an attribute that what they share does not have"
)]

#[path = "host/decided.rs"]
mod decided;
mod host;

use std::fs;
use std::process::{Command, Output};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::decided::{decided, text};
use crate::host::{Folder, Run, WITHIN};

const NAME: &str = "files";

/// Lists what stands in a file, and answers every call.
const SERVER: &str = r#"
echo "stray, with $API_TOKEN"
while read -r line; do
    id=${line#*\"id\":}
    id=${id%%,*}
    case $line in
        *'"initialize"'*) result='{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}' ;;
        *'"tools/list"'*) read -r result < "$LIST" ;;
        *'"name":"mute"'*) continue ;;
        *'"tools/call"'*) result='{"content":[{"type":"text","text":"done"}]}' ;;
        *) continue ;;
    esac
    printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$result"
done"#;

/// A secret by the name of its variable; nothing about it looks like one.
const TOKEN: &str = "green-lantern-in-the-yard";

const POLICIES: &str = r#"
@id("read-project")
permit (principal, action == Action::"read", resource)
when { context.args.path like "/srv/*" };
@id("no-climbing")
forbid (principal, action in Action::"tools/call", resource)
when { context.args has path && context.args.path like "*..*" };
"#;

struct Place(Folder);

impl Place {
    fn new(config: &str) -> Self {
        let place = Self(Folder::new(config));
        place.write("a.cedar", POLICIES);
        place.list("Reads.");
        place
    }

    fn write(&self, file: &str, text: &str) {
        self.0.write(file, text);
    }

    /// From here on the server describes its tool so.
    fn list(&self, description: &str) {
        let path = json!({"type": "object", "properties": {"path": {"type": "string"}},
                          "required": ["path"]});
        let tool = json!({"name": "read", "description": description, "inputSchema": path});
        let list = json!({"tools": [tool]}).to_string();
        self.write("list", &(list + "\n"));
    }

    fn dropgate(&self, arguments: &[&str]) -> Command {
        let mut command = self.0.dropgate(arguments);
        command
            .env("API_TOKEN", TOKEN)
            .env("LIST", self.0.path().join("list"));
        command
    }

    fn say(&self, arguments: &[&str]) -> Output {
        self.dropgate(arguments).output().unwrap()
    }

    fn run(&self) -> Run {
        let config = ["run", "--config", "dropgate.toml", "--explain"];
        let mut command = self.dropgate(&config);
        Run::begin(command.args(["--journal", "off", "--name", NAME, "--", "sh", "-c", SERVER]))
    }
}

impl Run {
    fn call(&mut self, path: &str) -> String {
        self.call_of("read", path)
    }

    /// What became of a call, by its outcome or the server's text.
    fn call_of(&mut self, tool: &str, path: &str) -> String {
        let arguments = json!({"path": path});
        let answer = self.ask("tools/call", &json!({"name": tool, "arguments": arguments}));
        let result = &answer["result"];
        let outcome = result["_meta"]["dev.dropgate/outcome"]["outcome"].as_str();
        let text = result["content"][0]["text"].as_str();
        outcome.or(text).unwrap().to_owned()
    }

    fn hang_up(&self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, Signal::HUP).unwrap();
    }

    /// Sends SIGHUP and waits for what is said of it.
    fn reload(&mut self) -> String {
        self.hang_up();
        loop {
            let line = self.told.recv_timeout(WITHIN).unwrap();
            let text = line.strip_prefix("dropgate: configuration: ");
            let verdict = text.filter(|text| !text.starts_with("what changed in"));
            if let Some(verdict) = verdict {
                return verdict.to_owned();
            }
            self.log += &(line + "\n");
        }
    }

    /// Ends it; what it said on stderr.
    fn end(self) -> String {
        let (code, log) = self.finish();
        assert_eq!(code, Some(0), "{log}");
        log
    }
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn what_is_trusted_meanwhile_holds_without_a_restart() {
    let place = Place::new("[tools]\npin = \"enforce\"\n");
    let mut run = place.run();
    run.ask("tools/list", &json!({}));
    assert_eq!(run.call("/srv/a"), "done");
    run.end();
    place.list("Reads, and sends.");
    let mut run = place.run();
    run.ask("tools/list", &json!({}));
    assert_eq!(run.call("/srv/a"), "denied");
    assert_eq!(run.call("/srv/a"), "denied");
    let trusted = place.say(&["trust", NAME, "read"]);
    assert_eq!(stdout(&trusted), "read: accepted\n");
    assert_eq!(run.call("/srv/a"), "done");
    // What is accepted is what was listed; another change is another.
    place.list("Reads, and sends more.");
    run.ask("tools/list", &json!({}));
    assert_eq!(run.call("/srv/a"), "denied");
    let told = run.end();
    for line in [
        "dropgate: tool read: changed since it was pinned",
        "dropgate: tools/call read: denied, tool_changed; the definition changed",
        "dropgate: tools/call read: allowed by local-owner",
    ] {
        assert!(told.contains(line), "{line}: {told}");
    }
}

#[test]
fn policies_judge_by_what_was_trusted_before_the_first_list() {
    let place = Place::new("[authorize]\ncedar = [\"*.cedar\"]\n");
    let mut run = place.run();
    assert_eq!(run.call("/srv/a"), "denied", "nothing is known of the tool");
    run.ask("tools/list", &json!({}));
    assert_eq!(run.call("/srv/a"), "done");
    run.end();
    let mut run = place.run();
    assert_eq!(run.call("/srv/a"), "done");
    assert_eq!(run.call("/srv/../a"), "denied");
    let told = run.end();
    for line in [
        "tools/call read: allowed by cedar: read-project",
        "tools/call read: denied, forbidden_by_policy: no-climbing",
        "dropgate:   2 of 2 policies could apply",
        "dropgate:   forbidden by no-climbing",
    ] {
        assert!(told.contains(line), "{line}: {told}");
    }
    let explain = |path: &str| {
        let arguments = json!({ "path": path }).to_string();
        place.say(&[
            "check",
            "--server",
            NAME,
            "--explain",
            "read",
            "--arguments",
            &arguments,
        ])
    };
    let rows = [
        (
            "/srv/a",
            0,
            "  permitted by read-project\nallowed by cedar: read-project\n",
        ),
        (
            "/etc/a",
            1,
            "  no policy permits it\ndenied, not_permitted\n",
        ),
        ("/srv/../a", 1, "denied, forbidden_by_policy: no-climbing\n"),
    ];
    for (path, code, end) in rows {
        let output = explain(path);
        let text = stdout(&output);
        assert!(text.starts_with("tools/call read for local\n"), "{text}");
        assert!(text.ends_with(end), "{text}");
        assert_eq!(output.status.code(), Some(code), "{text}");
    }
}

#[test]
fn a_policy_that_is_not_right_is_found_by_check_and_doctor() {
    let place = Place::new("[authorize]\ncedar = [\"*.cedar\"]\n");
    assert_eq!(place.say(&["check"]).status.code(), Some(0));
    fs::write(
        place.0.path().join("b.cedar"),
        "permit (principal, action, resourc);",
    )
    .unwrap();
    for arguments in [&["check"][..], &["doctor", "--config", "dropgate.toml"]] {
        let output = place.say(arguments);
        assert_eq!(output.status.code(), Some(78), "{arguments:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("b.cedar:1"), "{told}");
    }
}

#[test]
fn doctor_names_who_decides() {
    let rows = [
        ("", "policy       local-owner\n"),
        (
            "[authorize]\ncedar = [\"*.cedar\"]\n",
            "policy       cedar\n",
        ),
        (
            "[authorize.authzen]\nurl = \"http://127.0.0.1:9/\"\n",
            "policy       authzen\n",
        ),
        (
            "[authorize]\ncedar = [\"a.cedar\"]\n[authorize.authzen]\nurl = \"http://127.0.0.1:9/\"\n",
            "policy       cedar+authzen\n",
        ),
    ];
    for (config, line) in rows {
        let place = Place::new(config);
        let arguments = [
            "doctor",
            "--config",
            "dropgate.toml",
            "--",
            "npx",
            "-y",
            "x",
        ];
        let text = stdout(&place.say(&arguments));
        assert!(text.contains(line), "{text}");
        assert!(text.contains("dropgate/journal\n"), "{text}");
        assert!(text.contains("server       x-"), "{text}");
    }
}

#[test]
fn a_policy_in_shadow_denies_nothing_for_a_while_and_says_what_it_would() {
    let days = |days: u64| {
        let until = std::time::SystemTime::now() + std::time::Duration::from_secs(days * 86_400);
        humantime::format_rfc3339_seconds(until).to_string()
    };
    let with = |until: &str| {
        let tried = format!("@shadow_until(\"{until}\")\n@id(\"no-climbing\")");
        POLICIES.replace("@id(\"no-climbing\")", &tried)
    };
    let place = Place::new("[authorize]\ncedar = [\"a.cedar\"]\n");
    let config = [
        "run",
        "--config",
        "dropgate.toml",
        "--explain",
        "--name",
        NAME,
    ];
    let rows = [
        (days(6), "done", "would_deny:no-climbing"),
        ("2026-01-01T00:00:00Z".to_owned(), "denied", "no-climbing"),
    ];
    for (runs, (until, became, named)) in (1..).zip(&rows) {
        place.write("a.cedar", &with(until));
        let mut command = place.dropgate(&config);
        let mut run = Run::begin(command.args(["--", "sh", "-c", SERVER]));
        run.ask("tools/list", &json!({}));
        assert_eq!(run.call("/srv/../a"), *became, "{until}");
        assert_eq!(run.call("/etc/a"), "denied", "what nobody permits");
        let told = run.end();
        let is_told = told.contains(&format!(
            "weakened by policy \"no-climbing\" in shadow: it denies nothing until {until}"
        ));
        let is_shadowed = *became == "done";
        assert_eq!(is_told, is_shadowed, "{told}");
        let shown = stdout(&place.say(&["journal", "show", "--format", "json", NAME]));
        let records: Vec<Value> = shown
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let names = |record: &&Value| {
            let policies = record["policies"].as_array();
            policies.is_some_and(|all| all.iter().any(|id| id == named))
        };
        assert_eq!(records.iter().filter(names).count(), 1, "{named}: {shown}");
        // The first run's note stands there still; the second has nothing to note.
        let noted = shown.matches("weakened by policy").count();
        assert_eq!(noted, 1, "after {runs} runs: {shown}");
    }
    let bad = [
        (with(&days(8)), "more than 7 days ahead"),
        (with("soon"), "is no time"),
        (
            format!(
                "@shadow_until(\"{}\") permit (principal, action, resource);",
                days(1)
            ),
            "only a forbid",
        ),
    ];
    for (text, part) in bad {
        place.write("a.cedar", &text);
        let output = place.say(&["check"]);
        assert_eq!(output.status.code(), Some(78));
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("a.cedar:") && told.contains(part), "{told}");
    }
}

/// What the journal says of the policies by which each call was decided: its outcome, and the digest.
fn decided_by(place: &Place) -> Vec<(String, String)> {
    let shown = stdout(&place.say(&["journal", "show", "--format", "json", NAME]));
    decided(&shown)
        .iter()
        .map(|(outcome, about)| (text(outcome, "outcome"), text(about, "policy_digest")))
        .collect()
}

#[test]
fn records_name_the_policies_that_were_in_force() {
    let place = Place::new(RELOADED);
    let config = ["run", "--config", "dropgate.toml", "--name", NAME];
    let mut command = place.dropgate(&config);
    let mut run = Run::begin(command.args(["--", "sh", "-c", SERVER]));
    run.ask("tools/list", &json!({}));
    assert_eq!(run.call("/srv/a"), "done");
    assert_eq!(run.call("/etc/a"), "denied");
    let other = POLICIES.replace("/srv/*", "/etc/*");
    place.write("a.cedar", &other);
    assert_eq!(run.reload(), "read again");
    assert_eq!(run.call("/srv/a"), "denied");
    assert_eq!(run.call("/etc/a"), "done");
    run.end();
    let digest = |text: &str| {
        place.write("counted", text);
        let sums = "sha256sum counted | cut -c1-64 | sha256sum | cut -c1-64";
        let mut shell = Command::new("sh");
        let output = shell
            .args(["-c", sums])
            .current_dir(place.0.path())
            .output();
        stdout(&output.unwrap()).trim().to_owned()
    };
    let row = |outcome: &str, text: &str| (outcome.to_owned(), digest(text));
    let expected = [
        row("completed", POLICIES),
        row("denied", POLICIES),
        row("denied", &other),
        row("completed", &other),
    ];
    assert_eq!(decided_by(&place), expected);
}

const RELOADED: &str = "[shutdown]\nprofile = \"systemd\"\n[authorize]\ncedar = [\"a.cedar\"]\n";

#[test]
fn under_an_orchestrator_sighup_reads_the_configuration_again() {
    let place = Place::new(RELOADED);
    let mut run = place.run();
    let pipe = place.0.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, 0o600.into()).unwrap();
    run.ask("tools/list", &json!({}));
    assert_eq!(run.call("/srv/a"), "done");
    assert_eq!(run.call("/etc/a"), "denied");
    place.write("a.cedar", &POLICIES.replace("/srv/*", "/etc/*"));
    assert_eq!(run.reload(), "read again");
    assert_eq!(run.call("/srv/a"), "denied");
    assert_eq!(run.call("/etc/a"), "done");
    let bad = [
        (
            "a.cedar",
            "permit (principal, action, resourc);",
            "a.cedar:1",
        ),
        (
            "a.cedar",
            "permit (principal, action == Action::\"read\", resource) when { context.args.paht == \"a\" };",
            "paht",
        ),
        (
            "dropgate.toml",
            "[tools.read]\nclas = \"read\"\n",
            "did you mean `class`?",
        ),
        (
            "dropgate.toml",
            "[shutdown]\nprofile = \"systemd\"\n",
            "start dropgate again",
        ),
        (
            "dropgate.toml",
            "[authorize]\ncedar = [\"a.cedar\"]\n[telemetry]\notlp = \"x\"\n",
            "is no address",
        ),
        (
            "dropgate.toml",
            "[authorize]\ncedar = [\"a.cedar\"]\n[breaker]\nwindow = \"0s\"\n",
            "breaker: window is 0ns",
        ),
        (
            "dropgate.toml",
            "[authorize]\ncedar = [\"a.cedar\"]\n[telemetry]\notlp = \"https://h\"\nca_file = \"pipe\"\n",
            "telemetry.ca_file",
        ),
        (
            "dropgate.toml",
            "[authorize]\ncedar = [\"a.cedar\"]\n[vault]\naddress = \"https://h\"\nca_file = \"pipe\"\n",
            "vault.ca_file",
        ),
    ];
    for (file, text, part) in bad {
        let before = fs::read_to_string(place.0.path().join(file)).unwrap();
        place.write(file, text);
        let told = run.reload();
        assert!(told.starts_with("the old one stays in force: "), "{told}");
        assert!(told.contains(part), "{part}: {told}");
        assert_eq!(run.call("/srv/a"), "denied", "{part}");
        assert_eq!(run.call("/etc/a"), "done", "{part}");
        place.write(file, &before);
    }
    // Nobody writes to a pipe, and calls don't wait for somebody who would.
    let pipe = place.0.path().join("pipe.cedar");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, 0o600.into()).unwrap();
    place.write("dropgate.toml", &RELOADED.replace("a.cedar", "pipe.cedar"));
    let told = run.reload();
    assert!(
        told.contains("it is a pipe, which is not read again"),
        "{told}"
    );
    fs::remove_file(place.0.path().join("dropgate.toml")).unwrap();
    fs::rename(&pipe, place.0.path().join("dropgate.toml")).unwrap();
    let told = run.reload();
    assert!(
        told.contains("it is a pipe, which is not read again"),
        "{told}"
    );
    fs::remove_file(place.0.path().join("dropgate.toml")).unwrap();
    place.write("dropgate.toml", RELOADED);
    // What a tool is may change, and what can't is said.
    let more = format!("{RELOADED}[tools.read]\nclass = \"read\"\n[breaker]\nfailures = 7\n");
    place.write("dropgate.toml", &more);
    let only_read = "permit (principal, action, resource) when { context.class == \"read\" };";
    place.write("a.cedar", only_read);
    assert_eq!(run.reload(), "read again");
    assert_eq!(run.call("/srv/a"), "done");
    place.write("dropgate.toml", RELOADED);
    assert_eq!(run.reload(), "read again");
    assert_eq!(run.call("/srv/a"), "denied");
    let told = run.end();
    let later = "configuration: what changed in [breaker] holds from the next start on";
    assert!(!told.contains("sighup"), "{told}");
    assert!(told.contains("\"trigger\":\"eof\""), "{told}");
    assert!(told.contains(later), "{told}");
}

#[test]
fn what_an_operator_orders_holds_until_it_is_withdrawn() {
    const SYSTEMD: &str = "[shutdown]\nprofile = \"systemd\"\n";
    let place = Place::new(SYSTEMD);
    let mut run = place.run();
    assert_eq!(run.call("/srv/a"), "done");
    let orders = [
        "[read_only]\nswitch = \"on\"\n",
        "[breaker]\nserver = \"open\"\n",
        "[breaker.tools]\nread = \"open\"\n",
    ];
    for order in orders {
        place.write("dropgate.toml", &format!("{SYSTEMD}{order}"));
        assert_eq!(run.reload(), "read again");
        assert_eq!(run.call("/srv/a"), "not_executed", "{order}");
        place.write("dropgate.toml", SYSTEMD);
        assert_eq!(run.reload(), "read again");
        assert_eq!(run.call("/srv/a"), "done", "{order}");
    }
    let told = run.end();
    for line in [
        "dropgate: mode: normal to read_only: operator",
        "dropgate: breaker of server: closed to forced_open: operator",
        "dropgate: breaker of read: closed to forced_open: operator",
        "dropgate: breaker of read: forced_open to closed: operator",
    ] {
        assert!(told.contains(line), "{line}: {told}");
    }
    assert!(!told.contains("next start"), "{told}");
    // They hold from the start as well.
    for (order, outcome) in orders.into_iter().zip(["not_executed"; 3]) {
        let place = Place::new(order);
        let mut run = place.run();
        assert_eq!(run.call("/srv/a"), outcome, "{order}");
        run.end();
    }
}

#[test]
fn a_breaker_that_is_held_closed_admits_what_fails() {
    let place = Place::new("");
    let rows = [
        ("auto", "not_executed"),
        ("off", "timed_out"),
        ("closed", "timed_out"),
    ];
    for (order, third) in rows {
        let mute = format!(
            "[breaker]\nfailures = 2\nserver = \"off\"\n[breaker.tools]\nmute = \"{order}\"\n[tools.mute]\ntimeout = \"100ms\"\n"
        );
        place.write("dropgate.toml", &mute);
        let mut run = place.run();
        let mut call = || run.call_of("mute", "/srv/a");
        let outcomes = [call(), call(), call()];
        assert_eq!(outcomes, ["timed_out", "timed_out", third], "{order}");
        run.end();
    }
}

#[test]
fn a_host_that_hangs_up_ends_the_run() {
    let place = Place::new("");
    let mut run = place.run();
    run.hang_up();
    assert!(run.child.wait().unwrap().success());
    let told: Vec<String> = run.told.iter().collect();
    assert!(told.concat().contains("\"trigger\":\"sighup\""), "{told:?}");
}

#[test]
fn a_stray_line_is_shown_without_what_it_should_not_tell() {
    let told = Place::new("").run().end();
    let shown = "dropgate: not a message on the server's stdout: stray, with [secret removed]\n";
    assert!(told.contains(shown), "{told}");
    assert!(!told.contains(TOKEN), "{told}");
}
