//! Memory of a relay that has worked and is idle.

use std::time::{Duration, Instant};

use super::stdio::Host;
use super::{LoadError, processes};
use crate::plan::{Memory, Payload, Route};

/// How long the calls may take.
const CALLS_LIMIT: Duration = Duration::from_secs(60);

/// How long it is left idle before it is looked at.
const IDLE: Duration = Duration::from_millis(300);

pub(super) fn measure(route: &Route, calls: usize) -> Result<Memory, LoadError> {
    let mut host = Host::connect(route)?;
    host.call(16, Payload::Both(64), Instant::now() + CALLS_LIMIT, calls)?;
    std::thread::sleep(IDLE);
    let relay = processes::relay_of(host.process.pid(), &route.server);
    let parts: Vec<(u64, u64)> = relay
        .iter()
        .filter_map(|pid| processes::memory_kib(*pid))
        .collect();
    host.end()?;
    Ok(Memory {
        processes: parts.len(),
        rss_kib: parts.iter().map(|(rss, _)| rss).sum(),
        pss_kib: parts.iter().map(|(_, pss)| pss).sum(),
    })
}
