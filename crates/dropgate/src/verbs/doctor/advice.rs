//! How to get a level that is refused, from the settings that refuse it.

use std::path::Path;

use dropgate_process::Level;

use crate::bounded;

/// The most of a file of the system's that is read, bytes: there may be thousands of mounts.
const MAX_SETTING: u64 = 4 << 20;

/// What to change, most likely first. Never empty.
pub(super) fn on(level: Level) -> Vec<String> {
    let found: Vec<String> = match level {
        Level::Guard => vec!["Linux 5.4 or later with /proc mounted".to_owned()],
        Level::Cgroup => cgroup(),
        Level::Ptrace => ptrace(),
        Level::Pidns => pidns(),
    };
    if found.is_empty() {
        return vec![
            "no setting that is known to forbid it was found; a security module may".to_owned(),
        ];
    }
    found
}

fn cgroup() -> Vec<String> {
    let mounts = read("/proc/self/mountinfo");
    if !mounts.contains(" - cgroup2 ") {
        return vec!["mount cgroup v2, or boot with systemd.unified_cgroup_hierarchy=1".to_owned()];
    }
    vec![
        "start the host where its cgroup is its own: \
         systemd-run --user --scope -p Delegate=yes HOST"
            .to_owned(),
        "in a container: make /sys/fs/cgroup writable and give it a private cgroup namespace"
            .to_owned(),
    ]
}

fn ptrace() -> Vec<String> {
    let mut advice = Vec::new();
    match read("/proc/sys/kernel/yama/ptrace_scope").trim() {
        "2" => advice.push(
            "sysctl kernel.yama.ptrace_scope=1 (2 allows it to administrators only)".to_owned(),
        ),
        "3" => advice.push(
            "kernel.yama.ptrace_scope is 3, which lasts until the next boot; set 1 at boot"
                .to_owned(),
        ),
        _allows_descendants => {}
    }
    if status("TracerPid").is_some_and(|pid| pid != "0") {
        advice.push("something traces dropgate itself; a process has one tracer only".to_owned());
    }
    advice.extend(seccomp("ptrace"));
    advice
}

fn pidns() -> Vec<String> {
    let mut advice = Vec::new();
    if read("/proc/sys/kernel/unprivileged_userns_clone").trim() == "0" {
        advice.push("sysctl kernel.unprivileged_userns_clone=1".to_owned());
    }
    if read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns").trim() == "1" {
        advice.push(
            "an AppArmor profile for dropgate that grants userns, or \
             sysctl kernel.apparmor_restrict_unprivileged_userns=0"
                .to_owned(),
        );
    }
    if read("/proc/sys/user/max_user_namespaces").trim() == "0" {
        advice.push("sysctl user.max_user_namespaces=10000".to_owned());
    }
    if read("/proc/sys/user/max_pid_namespaces").trim() == "0" {
        advice.push("sysctl user.max_pid_namespaces=10000".to_owned());
    }
    advice.extend(seccomp("clone with namespaces, mount"));
    advice
}

fn seccomp(calls: &str) -> Option<String> {
    (status("Seccomp").as_deref() == Some("2"))
        .then(|| format!("a seccomp filter is in force (container?): allow {calls} in its profile"))
}

fn status(field: &str) -> Option<String> {
    read("/proc/self/status").lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name == field).then(|| value.trim().to_owned())
    })
}

/// A setting that does not exist forbids nothing.
fn read(path: &str) -> String {
    let bytes = bounded::read(Path::new(path), MAX_SETTING).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
