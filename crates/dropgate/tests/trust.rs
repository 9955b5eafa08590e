//! `dropgate trust` over pins in files, as `run` leaves them.
#![allow(
    clippy::unwrap_used,
    reason = "clippy knows tests by an attribute that what they share does not have"
)]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use dropgate_gate::pins::{Mode, PinStore, Pins, ToolPage};
use dropgate_policy::sha256;
use serde_json::Value;

/// A state folder with the pins of a server that changed one tool and added another.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        let mut bits = [0; 8];
        getrandom::fill(&mut bits).unwrap();
        let name = format!("dropgate-trust-{:016x}", u64::from_le_bytes(bits));
        Self(std::env::temp_dir().join(name))
    }

    fn with_pins() -> Self {
        let place = Self::new();
        let mut pins = Pins::new(Mode::Warn, PinStore::new());
        for tools in [
            r#"[{"name":"read","description":"Reads."}]"#,
            r#"[{"name":"read","description":"Reads, and sends."},{"name":"send"}]"#,
        ] {
            let page = format!(r#"{{"tools":{tools}}}"#);
            pins.observe(&ToolPage::read(page.as_bytes(), None, sha256).unwrap());
        }
        fs::create_dir_all(place.folder()).unwrap();
        fs::write(place.pins(), pins.store().to_json().unwrap()).unwrap();
        place
    }

    fn folder(&self) -> PathBuf {
        self.0.join("dropgate/pins")
    }

    fn pins(&self) -> PathBuf {
        self.folder().join("files.json")
    }

    fn trust(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_dropgate"))
            .arg("trust")
            .args(arguments)
            .env("XDG_STATE_HOME", &self.0)
            .output()
            .unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn what_waits_is_listed_and_accepted() {
    let place = Place::with_pins();
    let listed = stdout(&place.trust(&[]));
    assert!(
        listed.contains("read: changed, waits to be accepted"),
        "{listed}"
    );
    assert!(listed.contains("- Reads.\n"), "{listed}");
    assert!(listed.contains("+ Reads, and sends.\n"), "{listed}");
    assert!(
        listed.contains("send: new, waits to be accepted"),
        "{listed}"
    );

    assert_eq!(stdout(&place.trust(&["files", "read"])), "read: accepted\n");
    assert_eq!(
        stdout(&place.trust(&["files", "read"])),
        "read: was accepted already\n"
    );
    let json: Value =
        serde_json::from_str(&stdout(&place.trust(&["files", "--format", "json"]))).unwrap();
    assert_eq!(json["tools"][0]["standing"], "accepted");
    assert_eq!(json["tools"][1]["standing"], "new, waits to be accepted");
    assert_eq!(
        stdout(&place.trust(&["files", "--all"])),
        "send: accepted\n"
    );
    assert_eq!(
        stdout(&place.trust(&["files", "--all"])),
        "nothing waits to be accepted\n"
    );
}

#[test]
fn mistakes_are_named() {
    let place = Place::with_pins();
    let rows: [(&[&str], i32, &str); 5] = [
        (&["files", "rm"], 64, "files never listed a tool \"rm\""),
        (&["fils"], 64, "the servers are files"),
        (&["../files"], 64, "can't be the name of a server"),
        (&["--all"], 64, "<SERVER>"),
        (&["files", "read", "--all"], 64, "--all"),
    ];
    for (arguments, code, part) in rows {
        let output = place.trust(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        assert!(stderr(&output).contains(part), "{}", stderr(&output));
    }
    let nothing = Place::new().trust(&[]);
    assert_eq!(nothing.status.code(), Some(0));
    assert!(stdout(&nothing).contains("no tools are pinned yet"));
}

#[test]
fn damaged_pins_are_neither_believed_nor_replaced() {
    let place = Place::with_pins();
    let damaged = fs::read_to_string(place.pins())
        .unwrap()
        .replace("and sends", "and reads");
    fs::write(place.pins(), &damaged).unwrap();
    let output = place.trust(&["files", "--all"]);
    assert_eq!(output.status.code(), Some(78));
    assert!(
        stderr(&output).contains("the digest of tool \"read\""),
        "{}",
        stderr(&output)
    );
    assert_eq!(fs::read_to_string(place.pins()).unwrap(), damaged);
}

/// Whoever accepts at the same time as others loses nothing of theirs.
#[test]
fn acceptances_at_once_are_all_kept() {
    let place = Place::new();
    let tools = |description: &str| {
        let tools: Vec<Value> = (0..8)
            .map(|n| serde_json::json!({"name": format!("t{n}"), "description": description}))
            .collect();
        serde_json::json!({ "tools": tools }).to_string()
    };
    let mut pins = Pins::new(Mode::Warn, PinStore::new());
    for description in ["one", "two"] {
        let page = ToolPage::read(tools(description).as_bytes(), None, sha256).unwrap();
        pins.observe(&page);
    }
    fs::create_dir_all(place.folder()).unwrap();
    fs::write(place.pins(), pins.store().to_json().unwrap()).unwrap();
    std::thread::scope(|scope| {
        for n in 0..8 {
            let place = &place;
            scope.spawn(move || {
                let output = place.trust(&["files", &format!("t{n}")]);
                assert_eq!(stdout(&output), format!("t{n}: accepted\n"));
            });
        }
    });
    let text = fs::read(place.pins()).unwrap();
    let store = PinStore::from_json(&text, sha256).unwrap();
    assert!(store.tools().all(|(_name, pin)| pin.offered().is_none()));
}
