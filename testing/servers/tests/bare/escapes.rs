//! What the processes look like that servers leave behind.

use std::fs;
use std::process::Command;

use dropgate_probe::servers::offspring::{ESCAPED, HELPER};
use dropgate_testing_servers::{Entry, Muster, STRIKE};
use rustix::process::{Pid, PidfdFlags, Signal, getpgid, pidfd_open, pidfd_send_signal};
use serde_json::json;

use crate::client::{Client, PROGRAM, SOON};

/// Starts a server and gives the first process entered in `role`.
fn with(args: &[&str], role: &str) -> (Client, Entry) {
    let mut client = Client::start(args);
    client.initialize();
    loop {
        let entry = client.muster.next(SOON).unwrap();
        if entry.role == role {
            return (client, entry);
        }
    }
}

fn pid(entry: &Entry) -> Pid {
    Pid::from_raw(entry.pid).unwrap()
}

/// The session of a process; zero if its leader is outside of this process namespace.
fn session(pid: Pid) -> u32 {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, after_name) = line.rsplit_once(')').unwrap();
    after_name
        .split_whitespace()
        .nth(3)
        .unwrap()
        .parse()
        .unwrap()
}

fn stream(pid: Pid, fd: u8) -> String {
    let target = fs::read_link(format!("/proc/{pid}/fd/{fd}")).unwrap();
    target.display().to_string()
}

#[test]
fn entries_name_the_namespace_in_which_the_number_counts() {
    use std::os::unix::fs::MetadataExt;
    let (_client, entry) = with(&["plain"], "plain");
    let own = fs::metadata("/proc/self/ns/pid").unwrap().ino();
    assert_eq!(entry.namespace, own);
}

#[test]
fn a_helper_shares_the_group_and_no_stream() {
    let (client, helper) = with(&["helper"], HELPER);
    assert_eq!(
        getpgid(Some(pid(&helper))).unwrap(),
        getpgid(Some(client.pid())).unwrap()
    );
    for fd in 0..3 {
        assert_eq!(stream(pid(&helper), fd), "/dev/null");
    }
}

#[test]
fn a_daemon_shares_nothing() {
    let (client, daemon) = with(&["daemon"], ESCAPED);
    let daemon = pid(&daemon);
    assert_ne!(session(daemon), session(client.pid()));
    assert_ne!(parent(daemon), client.pid().as_raw_nonzero().get());
    for fd in 0..3 {
        assert_eq!(stream(daemon, fd), "/dev/null");
    }
    assert_eq!(
        fs::read_link(format!("/proc/{daemon}/cwd"))
            .unwrap()
            .as_os_str(),
        "/"
    );
    assert!(
        fs::read(format!("/proc/{daemon}/environ"))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_holder_and_a_detached_holder_keep_the_streams() {
    for (args, role) in [(["holder"], "holder-child"), (["setsid2"], ESCAPED)] {
        let (client, child) = with(&args, role);
        for fd in 0..3 {
            assert_eq!(
                stream(pid(&child), fd),
                stream(client.pid(), fd),
                "{args:?}"
            );
        }
    }
}

#[test]
fn an_orphaner_leaves_by_itself_with_its_code() {
    let (mut client, _) = with(&["orphaner"], ESCAPED);
    client.initialized();
    assert_eq!(client.wait().code(), Some(7));
    client.muster.settle(1, SOON).unwrap();
}

#[test]
fn a_successor_after_term_and_an_orderly_exit() {
    let mut client = Client::start(&["fork-on-term"]);
    client.initialize();
    client.signal(Signal::TERM);
    assert!(client.wait().success());
    client.muster.settle(1, SOON).unwrap();
}

#[test]
fn hoppers_change_their_process_as_often_as_asked() {
    let mut client = Client::start(&["hop", "30"]);
    client.initialize();
    let mut seen = Vec::new();
    while seen.len() < 30 {
        let entry = client.muster.next(SOON).unwrap();
        if entry.role == "hopper" {
            seen.push(entry.pid);
        }
    }
    let last = client.muster.settle(3, SOON).unwrap();
    seen.dedup();
    assert_eq!(seen.len(), 30);
    assert_eq!(
        last.iter()
            .filter(|pid| seen.contains(&pid.as_raw_nonzero().get()))
            .count(),
        2
    );
}

#[test]
fn a_head_is_replaced_until_the_count_is_used_up() {
    let mut client = Client::start(&["hydra", "8"]);
    client.initialize();
    let mut heads = Vec::new();
    // Two pairs: one head of each is started by the server, the other by its sibling.
    while heads.len() < 4 {
        let entry = client.muster.next(SOON).unwrap();
        if entry.role == "head" {
            heads.push(pid(&entry));
        }
    }
    client.muster.settle(5, SOON).unwrap();
    // Each pair has used one of its four forks, so three more replacements follow three deaths.
    for _ in 0..3 {
        strike(heads[0]);
        let replacement = client.muster.next(SOON).unwrap();
        heads[0] = pid(&replacement);
        client.muster.settle(5, SOON).unwrap();
    }
    strike(heads[0]);
    client.muster.settle(4, SOON).unwrap();
}

fn strike(pid: Pid) {
    let pidfd = pidfd_open(pid, PidfdFlags::empty()).unwrap();
    pidfd_send_signal(&pidfd, Signal::KILL).unwrap();
}

#[test]
fn a_regicide_kills_its_ancestors_below_the_one_it_must_spare() {
    let muster = Muster::new().unwrap();
    let spared = std::process::id().to_string();
    // Two shells stand for wrapper and guard.
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            r#"sh -c '"$0" "$@"; exit $?' "$0" "$@"; exit $?"#,
            PROGRAM,
        ])
        .args(["regicide", "--stop-at", &spared])
        .args(muster.options());
    let mut client = Client::spawn(muster, command);
    client.initialize();
    let before = client.muster.settle(4, SOON).unwrap();
    let struck = client.call(STRIKE, &json!({}));
    let struck: Vec<i32> = struck.split(' ').map(|pid| pid.parse().unwrap()).collect();
    assert_eq!(struck.len(), 2);
    assert_eq!(struck[1], client.pid().as_raw_nonzero().get());
    assert!(!client.wait().success());
    let after = client.muster.settle(2, SOON).unwrap();
    assert!(after.iter().all(|pid| before.contains(pid)));
}

#[test]
fn a_regicide_spares_everybody_when_its_owner_has_hidden() {
    let mut client = Client::start(&["regicide", "--stop-at", "2147483647"]);
    client.initialize();
    assert_eq!(client.call(STRIKE, &json!({})), "");
}

fn parent(pid: Pid) -> i32 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields = stat.rsplit_once(") ").unwrap().1;
    fields.split(' ').nth(1).unwrap().parse().unwrap()
}
