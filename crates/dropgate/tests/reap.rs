//! `dropgate reap` where it can't see what it is to end.
#![allow(
    clippy::unwrap_used,
    reason = "clippy knows tests by an attribute that what they share does not have"
)]

#[allow(dead_code, reason = "no run is begun here")]
mod host;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};

use crate::host::Folder;

/// A run of this boot in another PID namespace, as its ledger tells of it.
fn elsewhere() -> Folder {
    let folder = Folder::new("");
    let scopes = folder.path().join("dropgate/scopes");
    fs::create_dir_all(&scopes).unwrap();
    for place in [folder.path(), &folder.path().join("dropgate"), &scopes] {
        fs::set_permissions(place, Permissions::from_mode(0o700)).unwrap();
    }
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let name = "0123456789abcdef0123456789abcdef";
    let record = format!(
        "dropgate-scope 1\nboot {}\npidns pid:[1] time:[1]\nmark {name} 1000000\nwrapper 4 1\n",
        boot.trim()
    );
    fs::write(scopes.join(name), record).unwrap();
    folder
}

fn reap(folder: &Folder, before: &[&str]) -> Output {
    let dropgate = env!("CARGO_BIN_EXE_dropgate");
    let words: Vec<&str> = before.iter().copied().chain([dropgate, "reap"]).collect();
    Command::new(words[0])
        .args(&words[1..])
        .env("XDG_RUNTIME_DIR", folder.path())
        .env("XDG_STATE_HOME", folder.path())
        .env("XDG_CONFIG_HOME", folder.path())
        .output()
        .unwrap()
}

#[test]
fn a_run_of_another_namespace_is_said_to_be_out_of_sight() {
    let said = reap(&elsewhere(), &[]);
    let text = String::from_utf8(said.stdout).unwrap();
    assert_eq!(said.status.code(), Some(0), "{text}");
    assert!(text.contains("out of sight: 1 of another PID"), "{text}");
    assert!(!text.contains("every run has an owner"), "{text}");
}

#[test]
fn without_a_proc_of_its_own_reap_says_that_it_sees_nothing() {
    let folder = elsewhere();
    let apart = ["unshare", "--user", "--map-root-user"];
    if !Command::new(apart[0])
        .args(&apart[1..])
        .arg("true")
        .output()
        .is_ok_and(|it| it.status.success())
    {
        eprintln!("no user namespace can be made here");
        return;
    }
    let hidden = "mount -t tmpfs none /proc && exec \"$@\"";
    let others: [&[&str]; 2] = [&["--pid", "--fork"], &["--mount", "sh", "-c", hidden, "sh"]];
    for other in others {
        let said = reap(&folder, &[&apart[..], other].concat());
        let log = String::from_utf8(said.stderr).unwrap();
        assert_eq!(said.status.code(), Some(70), "{other:?}: {log}");
        assert!(log.contains("can not see processes"), "{other:?}: {log}");
        assert_eq!(said.stdout, b"", "{other:?}");
    }
}
