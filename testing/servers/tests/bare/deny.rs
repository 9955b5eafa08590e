//! The filters take away what they name and nothing else.

use std::process::Command;

use dropgate_testing_servers::Muster;
use serde_json::{Value, json};

use crate::client::{Client, PROGRAM};

/// Makes a system call in a perl under the filter and gives its errno, 0 for success.
fn errno(list: &str, call: i64, first: u64) -> i32 {
    let script = "my $r = syscall($ARGV[0], $ARGV[1]+0, 0, 0, 0, 0); print $r == -1 ? $!+0 : 0;";
    let output = Command::new(PROGRAM)
        .args(["deny", list, "--", "perl", "-e"])
        .arg(script.replace("$ARGV[0]", "$ARGV[0]+0"))
        .args([call.to_string(), first.to_string()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().parse().unwrap()
}

const NEWUSER: u64 = libc::CLONE_NEWUSER as u64;

#[test]
fn userns_takes_namespaces_and_leaves_ptrace() {
    for flag in [
        NEWUSER,
        libc::CLONE_NEWPID as u64,
        libc::CLONE_NEWTIME as u64,
    ] {
        assert_eq!(errno("userns", libc::SYS_unshare, flag), libc::EPERM);
    }
    assert_eq!(errno("userns", libc::SYS_clone, NEWUSER), libc::EPERM);
    assert_eq!(errno("userns", libc::SYS_clone3, 0), libc::ENOSYS);
    assert_eq!(errno("userns", libc::SYS_unshare, 0), 0);
    assert_eq!(errno("userns", libc::SYS_ptrace, 0), 0);
}

#[test]
fn ptrace_takes_ptrace_and_leaves_clone3() {
    assert_eq!(errno("ptrace", libc::SYS_ptrace, 0), libc::EPERM);
    assert_ne!(errno("ptrace", libc::SYS_clone3, 0), libc::ENOSYS);
}

#[test]
fn a_server_with_threads_and_children_works_under_both() {
    let muster = Muster::new().unwrap();
    let mut command = Command::new(PROGRAM);
    command
        .args(["deny", "userns,ptrace", "--", PROGRAM, "daemon"])
        .args(muster.options());
    let mut client = Client::spawn(muster, command);
    client.initialize();
    assert_eq!(client.call("slow", &json!({ "ms": 1 })), "done after 1 ms");
    let report: Value = serde_json::from_str(&client.call("report", &json!({}))).unwrap();
    assert_eq!(report["status"]["Seccomp"], "2");
}

#[test]
fn a_list_that_is_not_known_starts_nothing() {
    for args in [
        &["deny", "everything", "--", "true"][..],
        &["deny", "userns", "true"],
        &["deny", "userns", "--"],
    ] {
        let output = Command::new(PROGRAM).args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(64), "{args:?}");
    }
}
