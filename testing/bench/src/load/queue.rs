//! Memory of a relay whose server reads nothing while calls queue up.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::stdio::Host;
use super::{Doing as _, LoadError, processes};
use crate::plan::{Payload, Queue, Route};

/// What each call carries.
const PAYLOAD: Payload = Payload::Both(64);

/// How long nothing may move before the relay is taken to have done all that it will do.
const QUIET: Duration = Duration::from_secs(2);

/// How long all of it may take.
const LIMIT: Duration = Duration::from_secs(60);

pub(super) fn measure(route: &Route, count: usize) -> Result<Queue, LoadError> {
    let mut host = Host::connect(route)?;
    host.call(16, PAYLOAD, Instant::now() + LIMIT, 1000)?;
    let parts = processes::parts_of(host.process.pid(), &route.server);
    let peak = || -> u64 {
        let peaks = parts.relay.iter().map(|pid| processes::peak_kib(*pid));
        peaks.map(Option::unwrap_or_default).sum()
    };
    for server in &parts.server {
        signal(*server, Signal::STOP)?;
    }
    let before = peak();
    let answered = host.queue(count, PAYLOAD, QUIET, Instant::now() + LIMIT)?;
    let after = peak();
    for server in &parts.server {
        signal(*server, Signal::CONT)?;
    }
    Ok(Queue {
        answered,
        peak_before_kib: before,
        peak_after_kib: after,
    })
}

fn signal(pid: i32, signal: Signal) -> Result<(), LoadError> {
    let pid = Pid::from_raw(pid).ok_or_else(|| LoadError::new("a process without a number"))?;
    kill_process(pid, signal).doing("stopping the server for a while")
}
