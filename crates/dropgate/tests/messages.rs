//! What each verb says of what it can't use: what it is, where, and what to do, in one line and with the right code.
#![allow(
    clippy::unwrap_used,
    reason = "clippy knows tests by an attribute that what they share does not have"
)]

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

/// Arguments, the code, and parts of the line.
const ROWS: &[(&[&str], i32, &[&str])] = &[
    (&[], 64, &["no verb given", "`dropgate --help`"]),
    (&["rum"], 64, &["'rum'", "did you mean run?"]),
    (&["run"], 64, &["<COMMAND>", "`dropgate run --help`"]),
    (
        &["run", "--bogus", "--", "cat"],
        64,
        &["'--bogus'", "`dropgate run --help`"],
    ),
    (
        &["run", "--drain", "5", "--", "cat"],
        64,
        &["--drain", "2s, 150ms"],
    ),
    (
        &["run", "--on-shutdown", "[[=finish", "--", "cat"],
        64,
        &["only * stands for"],
    ),
    (
        &["run", "--name", "a/b", "--", "cat"],
        64,
        &["a/b", "letters, digits"],
    ),
    (
        &["run", "--name", "a\nb", "--", "cat"],
        64,
        &["a\\u{a}b", "letters, digits"],
    ),
    (
        &["run", "--report", "/dev/stdout", "--", "true"],
        64,
        &["/dev/stdout is standard output", "name a file"],
    ),
    (
        &["probe", "--directory", "none", "--", "cat"],
        64,
        &["none is no folder", "name one that is there"],
    ),
    (
        &["run", "--config", "none", "--", "cat"],
        78,
        &["can not read none", "check the path"],
    ),
    (
        &["run", "--config", "folder", "--", "cat"],
        78,
        &["can not read folder", "name the file"],
    ),
    (
        &["run", "--config", "loop", "--", "cat"],
        78,
        &["can not read loop"],
    ),
    (
        &["run", "--config", "bytes", "--", "cat"],
        78,
        &["bytes is not UTF-8", "save it"],
    ),
    (&["run", "--", ""], 69, &["the name is empty", "after --"]),
    (
        &["run", "--", "/none/of/it"],
        69,
        &["\"/none/of/it\"", "check the path"],
    ),
    (
        &["run", "--", "none-of-it"],
        69,
        &["\"none-of-it\"", "no folder of PATH"],
    ),
    (&["run", "--", "./folder"], 69, &["it is a folder"]),
    (&["run", "--", "./plain"], 69, &["chmod +x"]),
    (&["run", "--", "./script"], 69, &["interpreter is not"]),
    (
        &[
            "run",
            "--containment",
            "guard",
            "--require-containment",
            "pidns",
            "--",
            "cat",
        ],
        78,
        &["can not be had here", "dropgate doctor"],
    ),
    (
        &["run", "--report", "folder", "--", "true"],
        64,
        &["can not write folder"],
    ),
    (&["probe"], 64, &["<COMMAND>", "`dropgate probe --help`"]),
    (
        &["probe", "--", "/none/of/it"],
        2,
        &["at the first start", "\"/none/of/it\"", "check the path"],
    ),
    (
        &["probe", "--scenario", "none", "--", "cat"],
        64,
        &["\"none\"", "choose from: idle"],
    ),
    (
        &["probe", "--ending", "none", "--", "cat"],
        64,
        &["\"none\"", "choose from"],
    ),
    (
        &["check"],
        78,
        &["can not read dropgate.toml", "check the path"],
    ),
    (
        &["check", "folder"],
        78,
        &["can not read folder", "name the file"],
    ),
    (&["check", "bytes"], 78, &["bytes is not UTF-8"]),
    (
        &["check", "--explain", "x", "plain"],
        64,
        &["--server", "`dropgate check --help`"],
    ),
    (
        &["journal"],
        64,
        &["no verb given", "`dropgate journal --help`"],
    ),
    (
        &["journal", "verify", "none"],
        64,
        &["there is no journal in", "name a server that ran"],
    ),
    (
        &["journal", "outcome", "L-X"],
        64,
        &["L-X", "13 letters or digits"],
    ),
    (
        &["journal", "export", "--format", "x"],
        64,
        &["use jsonl", "`dropgate journal export --help`"],
    ),
    (
        &["doctor", "--config", "folder"],
        78,
        &["can not read folder"],
    ),
    (&["trust", "none"], 64, &["nothing is pinned for \"none\""]),
    (&["trust", "../x"], 64, &["\"../x\"", "can't be the name"]),
    (
        &["completions", "none"],
        64,
        &["use bash", "`dropgate completions --help`"],
    ),
    (&["reap", "more"], 64, &["'more'", "`dropgate reap --help`"]),
];

/// A configuration that can't be used, and parts of what is said of it.
const CONFIGURATIONS: &[(&str, &[&str])] = &[
    (
        "[telemetry]\notlp = \"x\"\n",
        &["telemetry.otlp", "is no address"],
    ),
    (
        "[telemetry]\notlp = \"https://h\"\nca_file = \"none.pem\"\n",
        &["telemetry.ca_file", "none.pem"],
    ),
    (
        "[vault]\naddress = \"x\"\n",
        &["vault: address", "is no address"],
    ),
    (
        "[secrets.A]\nkv = \"secret/data/a\"\n[vault]\naddress = \"https://h\"\nca_file = \"none.pem\"\n",
        &["[vault]", "none.pem"],
    ),
    (
        "[breaker]\nwindow = \"0s\"\n",
        &["dropgate: breaker: window is 0ns", "10ms to 1h"],
    ),
    ("[breaker]\nclosed_for = \"0s\"\n", &["breaker.closed_for"]),
    (
        "[read_only]\nprobe_tool = \"a\"\n[tools.a]\nclass = \"write\"\n",
        &["read_only.probe_tool"],
    ),
    ("[authorize]\n", &["neither cedar nor authzen"]),
    ("[authorize]\ncedar = [\"none.cedar\"]\n", &["none.cedar"]),
    (
        "[authorize.authzen]\nurl = \"http://h:x/\"\n",
        &["authorize.authzen"],
    ),
    ("[shutdown]\ndrian = \"1s\"\n", &["did you mean `drain`?"]),
];

#[test]
fn what_a_start_refuses_check_refuses_with_the_same_words() {
    let mut bits = [0; 8];
    getrandom::fill(&mut bits).unwrap();
    let name = format!("dropgate-refused-{:016x}", u64::from_le_bytes(bits));
    let folder = std::env::temp_dir().join(name);
    fs::create_dir_all(&folder).unwrap();
    for (text, parts) in CONFIGURATIONS {
        fs::write(folder.join("a.toml"), text).unwrap();
        let verbs: [&[&str]; 3] = [
            &["run", "--config", "a.toml", "--", "true"],
            &["check", "a.toml"],
            &["doctor", "--config", "a.toml"],
        ];
        let said = verbs.map(|arguments| {
            let said = Command::new(env!("CARGO_BIN_EXE_dropgate"))
                .args(arguments)
                .current_dir(&folder)
                .env("XDG_STATE_HOME", &folder)
                .stdin(Stdio::null())
                .output()
                .unwrap();
            let log = String::from_utf8(said.stderr).unwrap();
            assert_eq!(said.status.code(), Some(78), "{arguments:?}: {text}: {log}");
            log
        });
        assert!(
            parts.iter().all(|part| said[0].contains(part)),
            "{text}: {said:?}"
        );
        assert!(said.iter().all(|log| *log == said[0]), "{text}: {said:?}");
    }
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn every_verb_says_what_is_wrong_and_what_to_do() {
    let mut bits = [0; 8];
    getrandom::fill(&mut bits).unwrap();
    let name = format!("dropgate-messages-{:016x}", u64::from_le_bytes(bits));
    let folder = std::env::temp_dir().join(name);
    fs::create_dir_all(folder.join("folder")).unwrap();
    fs::write(folder.join("plain"), "x\n").unwrap();
    fs::write(folder.join("bytes"), [0xff, 0xfe]).unwrap();
    fs::write(folder.join("script"), "#!/none/of/it\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(folder.join("script"), mode).unwrap();
    symlink("loop", folder.join("loop")).unwrap();
    for (arguments, code, parts) in ROWS {
        let said = Command::new(env!("CARGO_BIN_EXE_dropgate"))
            .args(*arguments)
            .current_dir(&folder)
            .env("XDG_STATE_HOME", &folder)
            .env("XDG_CONFIG_HOME", &folder)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let log = String::from_utf8(said.stderr).unwrap();
        assert_eq!(said.status.code(), Some(*code), "{arguments:?}: {log}");
        assert_eq!(said.stdout, b"", "{arguments:?}");
        let mut lines = log.lines().filter(|line| line.starts_with("dropgate: "));
        let whole = lines.any(|line| parts.iter().all(|part| line.contains(part)));
        assert!(whole, "{arguments:?} should say {parts:?}: {log}");
    }
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_journal_without_a_folder_is_what_the_message_is_about() {
    let mut bits = [0; 8];
    getrandom::fill(&mut bits).unwrap();
    let name = format!("dropgate-place-{:016x}", u64::from_le_bytes(bits));
    let folder = std::env::temp_dir().join(name);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("plain"), "x\n").unwrap();
    let plain = folder.join("plain").display().to_string();
    let rows = [
        ("relative", "there is no place for the journal"),
        (plain.as_str(), "the journal can't be kept in"),
    ];
    for (state, part) in rows {
        let said = Command::new(env!("CARGO_BIN_EXE_dropgate"))
            .args(["run", "--", "true"])
            .current_dir(&folder)
            .env("XDG_STATE_HOME", state)
            .env("XDG_CONFIG_HOME", &folder)
            .env_remove("HOME")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let log = String::from_utf8(said.stderr).unwrap();
        assert_eq!(said.status.code(), Some(78), "{state}: {log}");
        assert!(log.contains(part), "{state}: {log}");
        assert!(!log.contains("pins"), "{state}: {log}");
    }
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_relative_folder_of_journals_is_beside_the_file() {
    let mut bits = [0; 8];
    getrandom::fill(&mut bits).unwrap();
    let name = format!("dropgate-beside-{:016x}", u64::from_le_bytes(bits));
    let folder = std::env::temp_dir().join(name);
    let (beside, working) = (folder.join("beside"), folder.join("working"));
    for made in [&beside, &working] {
        fs::create_dir_all(made).unwrap();
    }
    fs::write(beside.join("a.toml"), "[journal]\ndir = \"kept\"\n").unwrap();
    let said = Command::new(env!("CARGO_BIN_EXE_dropgate"))
        .args([
            "run",
            "--name",
            "one",
            "--config",
            "../beside/a.toml",
            "--",
            "true",
        ])
        .current_dir(&working)
        .env("XDG_STATE_HOME", &folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(said.status.code(), Some(0), "{said:?}");
    assert!(beside.join("kept/one").is_dir(), "{said:?}");
    assert!(!working.join("kept").exists());
    fs::remove_dir_all(&folder).unwrap();
}
