//! What `/proc` says about processes, as a bystander sees it.

use std::fs;

use dropgate_process::Process;

/// A live process, in words for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The process.
    pub process: Process,
    /// Its name in the kernel.
    pub comm: String,
    /// Its arguments, shortened.
    pub argv: Vec<String>,
}

/// Looks at a process; `None` if it has ended.
#[must_use]
pub fn seen(pid: i32) -> Option<Seen> {
    let process = Process::of(pid)?;
    let comm = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    Some(Seen {
        process,
        comm: comm.trim_end().to_owned(),
        argv: process.argv(),
    })
}

/// The children of a process, ended ones included.
#[must_use]
pub fn children(parent: i32) -> Vec<i32> {
    fs::read_dir(format!("/proc/{parent}/task"))
        .into_iter()
        .flatten()
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("children")).ok())
        .flat_map(|list| {
            list.split_ascii_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .collect::<Vec<i32>>()
        })
        .collect()
}

/// The state letter of a process, such as `S`, `T` or `Z`; `None` if there is none.
#[must_use]
pub fn state(pid: i32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.trim_start().chars().next()
}

/// The environment of a process, where it may be read.
#[must_use]
pub fn environment(pid: i32) -> Vec<String> {
    let all = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    all.split(|byte| *byte == 0)
        .map(|one| String::from_utf8_lossy(one).into_owned())
        .collect()
}

/// Every process number there is.
pub(crate) fn all() -> impl Iterator<Item = i32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}
