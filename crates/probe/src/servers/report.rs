//! What a process can find out about itself: compared between a contained and a direct start.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use rustix::process;
use serde_json::{Value, json};

/// Lines of `/proc/self/status` that an owner could change.
const STATUS: &[&str] = &[
    "Uid",
    "Gid",
    "Groups",
    "Umask",
    "TracerPid",
    "NStgid",
    "SigBlk",
    "SigIgn",
    "SigCgt",
    "CapInh",
    "CapPrm",
    "CapEff",
    "CapBnd",
    "CapAmb",
    "NoNewPrivs",
    "Seccomp",
    "Cpus_allowed_list",
];

/// Places in `/proc/self/stat`, counted from the state, which follows the name (proc_pid_stat(5)).
const GROUP: usize = 2;
const SESSION: usize = 3;

/// Files that programs distrust when their owner is not root: ssh refuses its configuration.
const OWNED: &[&str] = &[
    "/",
    "/etc/passwd",
    "/etc/ssh/ssh_config",
    "/etc/sudoers",
    "/proc/self",
    "/tmp",
];

pub(super) fn report() -> Value {
    json!({
        "pid": std::process::id(),
        "ppid": process::getppid().map(|pid| pid.as_raw_nonzero().get()),
        "sid": stat(&text("/proc/self/stat"), SESSION),
        "pgid": stat(&text("/proc/self/stat"), GROUP),
        "comm": text("/proc/self/comm").trim_end(),
        "parent_comm": parent_comm(),
        "cwd": std::env::current_dir().ok().map(|dir| dir.display().to_string()),
        "argv": std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect::<Vec<_>>(),
        "environment": environment(),
        "status": status(&text("/proc/self/status")),
        "uid_map": text("/proc/self/uid_map"),
        "gid_map": text("/proc/self/gid_map"),
        "cgroup": text("/proc/self/cgroup"),
        "oom_score_adj": text("/proc/self/oom_score_adj").trim_end(),
        "limits": text("/proc/self/limits"),
        "owners": owners(),
        "fds": descriptors(),
        "namespaces": namespaces(),
        "visible_pids": visible_pids(),
    })
}

/// A file of `/proc`, or why it can't be read: the difference matters as much as the text.
fn text(path: &str) -> String {
    fs::read(path).map_or_else(
        |error| format!("unreadable: {error}"),
        |bytes| String::from_utf8_lossy(&bytes).into_owned(),
    )
}

/// A number of `/proc/self/stat`. Zero stands for a leader outside of this process namespace,
/// which the system calls that ask for it can't tell from an error.
fn stat(line: &str, place: usize) -> Option<u32> {
    let (_, after_name) = line.rsplit_once(')')?;
    after_name.split_whitespace().nth(place)?.parse().ok()
}

fn parent_comm() -> Option<String> {
    let parent = process::getppid()?;
    Some(
        text(&format!("/proc/{}/comm", parent.as_raw_nonzero()))
            .trim_end()
            .to_owned(),
    )
}

fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .map(|(name, value)| {
            (
                name.to_string_lossy().into_owned(),
                value.to_string_lossy().into_owned(),
            )
        })
        .collect()
}

fn status(text: &str) -> BTreeMap<&str, String> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .filter(|(name, _)| STATUS.contains(name))
        .map(|(name, value)| (name, value.split_whitespace().collect::<Vec<_>>().join(" ")))
        .collect()
}

fn owners() -> BTreeMap<&'static str, Value> {
    OWNED
        .iter()
        .filter_map(|path| {
            let found = fs::metadata(path).ok()?;
            Some((*path, json!([found.uid(), found.gid()])))
        })
        .collect()
}

fn namespaces() -> BTreeMap<String, String> {
    entries("/proc/self/ns")
        .filter_map(|name| {
            let target = fs::read_link(Path::new("/proc/self/ns").join(&name)).ok()?;
            Some((name, target.display().to_string()))
        })
        .collect()
}

/// Open descriptors by number, with what they are; the one that reads the directory is left out.
fn descriptors() -> BTreeMap<u32, Value> {
    entries("/proc/self/fd")
        .filter_map(|name| {
            let path = Path::new("/proc/self/fd").join(&name);
            let target = fs::read_link(&path).ok()?;
            let own = format!("/proc/{}/fd", std::process::id());
            if target == Path::new(&own) {
                return None;
            }
            let number = name.parse().ok()?;
            let target = target.display().to_string();
            Some((number, json!({ "kind": kind(&path), "target": target })))
        })
        .collect()
}

fn kind(path: &Path) -> &'static str {
    let Ok(found) = fs::metadata(path) else {
        return "gone";
    };
    let kind = found.file_type();
    if kind.is_fifo() {
        "pipe"
    } else if kind.is_socket() {
        "socket"
    } else if kind.is_char_device() {
        "device"
    } else if kind.is_file() {
        "file"
    } else if kind.is_dir() {
        "directory"
    } else {
        "anonymous"
    }
}

fn visible_pids() -> usize {
    entries("/proc")
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        .count()
}

fn entries(path: &str) -> impl Iterator<Item = String> {
    fs::read_dir(path)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().into_string().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leader_outside_the_namespace_is_zero() {
        let line = "7 (a) b) S 1 0 0 34816 7 4194304 1";
        assert_eq!(stat(line, GROUP), Some(0));
        assert_eq!(stat(line, SESSION), Some(0));
        assert_eq!(stat("torn", SESSION), None);
    }

    #[test]
    fn the_report_knows_this_process() {
        let report = report();
        assert_eq!(report["pid"], std::process::id());
        assert!(report["visible_pids"].as_u64().unwrap() >= 1);
        assert!(report["status"]["Uid"].is_string());
        assert!(report["sid"].is_u64() && report["pgid"].is_u64());
        assert!(report["fds"]["0"]["kind"].is_string());
        assert!(report["owners"]["/"].is_array());
    }
}
