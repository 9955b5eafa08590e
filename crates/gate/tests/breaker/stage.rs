//! Breakers, calls and ends that the tests share.

use std::time::Duration;

use dropgate_gate::breaker::{
    Admission, Attempt, Breakers, Change, Ended, FailureTexts, Pass, Phase, Probing, Settings,
};
use dropgate_gate::mode::Class;

pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);
pub(crate) const WRITE: Attempt = Attempt {
    class: Class::Write,
    timeout: TIMEOUT,
};
pub(crate) const READ: Attempt = Attempt {
    class: Class::Read,
    timeout: TIMEOUT,
};
pub(crate) const BAD: Ended<'_> = Ended::RpcError(-32603, "broken");

pub(crate) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(crate) fn breakers(probing: Probing) -> Breakers {
    Breakers::new(&Settings::default(), probing, 42, Duration::ZERO)
}

/// The pass of a call that has to be admitted.
pub(crate) fn pass(breakers: &mut Breakers, tool: &str, now: Duration) -> Pass {
    match breakers.admit(Some(tool), &WRITE, now).0 {
        Admission::Closed(pass) | Admission::Trial(pass) => pass,
        Admission::Rejected(rejection) => panic!("rejected: {rejection:?}"),
    }
}

pub(crate) fn record(
    breakers: &mut Breakers,
    pass: Pass,
    ended: Ended<'_>,
    now: Duration,
) -> Vec<Change> {
    let tool = ended.for_tool(&FailureTexts::default());
    breakers.record(pass, tool, ended.for_upstream(), now)
}

pub(crate) fn call(
    breakers: &mut Breakers,
    tool: &str,
    ended: Ended<'_>,
    now: Duration,
) -> Vec<Change> {
    let pass = pass(breakers, tool, now);
    record(breakers, pass, ended, now)
}

/// Opens the breaker of `tool` at `now` and gives the time at which it half-opens.
pub(crate) fn open(breakers: &mut Breakers, tool: &str, now: Duration) -> Duration {
    let mut changes = Vec::new();
    while breakers.tool(tool) == Phase::Closed {
        changes = call(breakers, tool, BAD, now);
    }
    let lasts = changes.last().unwrap().transition.lasts.unwrap();
    now + lasts
}
