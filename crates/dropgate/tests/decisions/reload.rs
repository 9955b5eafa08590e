//! What SIGHUP reads again, and from when on that holds.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::decided::{decided, text};
use crate::host::Run;
use crate::place::{NAME, POLICIES, Place, SERVER, stdout};

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
