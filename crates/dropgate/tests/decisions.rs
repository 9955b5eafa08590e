//! Who decides, what it says of that, and what `dropgate trust` changes while a server runs.
#![allow(
    clippy::unwrap_used,
    reason = "clippy knows tests by an attribute that what they share does not have"
)]

#[path = "host/decided.rs"]
mod decided;
mod host;
#[path = "decisions/place.rs"]
mod place;
#[path = "decisions/reload.rs"]
mod reload;
#[path = "decisions/shadow.rs"]
mod shadow;

use std::fs;

use serde_json::json;

use crate::place::{NAME, Place, TOKEN, stdout};

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
