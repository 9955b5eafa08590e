//! The machine that was measured on.

use std::fs;

pub(super) struct Machine {
    pub(super) processors: usize,
    pub(super) model: String,
    pub(super) kernel: String,
    pub(super) memory_mib: u64,
    /// Runnable tasks on average before anything was built or measured: 1, 5 and 15 minutes.
    pub(super) load_before: String,
}

impl Machine {
    /// What /proc says; `unknown` where it says nothing.
    pub(super) fn look() -> Machine {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let cpuinfo = read("/proc/cpuinfo");
        let model = cpuinfo
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
            .map(|(_, name)| name.trim().to_owned());
        let memory_kib: Option<u64> = read("/proc/meminfo")
            .lines()
            .find_map(|line| line.strip_prefix("MemTotal:"))
            .and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        let load: Vec<String> = read("/proc/loadavg")
            .split_whitespace()
            .take(3)
            .map(str::to_owned)
            .collect();
        Machine {
            processors: std::thread::available_parallelism().map_or(0, usize::from),
            model: model.unwrap_or_else(|| "unknown".to_owned()),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            memory_mib: memory_kib.unwrap_or_default() / 1024,
            load_before: load.join(" "),
        }
    }
}
