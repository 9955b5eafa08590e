//! Which calls are cancelled the moment a drain begins, so that they have the longest time to
//! clean up.

use std::hash::Hash;
use std::time::Duration;

use crate::call::Standing;
use crate::in_flight::InFlight;
use crate::latency::Latencies;

/// What a shutdown does with a tool's open calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnShutdown {
    /// Wait, unless the tool's latency says that the call can't finish in time.
    #[default]
    Auto,
    /// Wait as long as the drain lasts.
    Finish,
    /// Cancel at once.
    Cancel,
}

/// The calls to cancel at once, oldest first. `now` is when the drain begins and `drain_budget`
/// how long it may last; `on_shutdown` gives the setting of a tool by its name.
///
/// A call that names no tool, or whose tool is not known well enough, is waited for.
pub fn doomed<K: Eq + Hash + Clone>(
    calls: &InFlight<K>,
    latencies: &Latencies,
    on_shutdown: impl Fn(&str) -> OnShutdown,
    now: Duration,
    drain_budget: Duration,
) -> Vec<K> {
    calls
        .iter()
        .filter(|(_, call, standing)| match (standing, call.tool()) {
            (Standing::CancelledByHost | Standing::CancelSent, _) | (Standing::Waiting, None) => {
                false
            }
            (Standing::Waiting, Some(tool)) => match on_shutdown(tool) {
                OnShutdown::Cancel => true,
                OnShutdown::Finish => false,
                OnShutdown::Auto => latencies
                    .p99(tool)
                    .is_some_and(|p99| p99.saturating_sub(call.elapsed(now)) > drain_budget),
            },
        })
        .map(|(key, _, _)| key.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Call;

    const NOW: Duration = Duration::from_secs(100);
    const BUDGET: Duration = Duration::from_secs(2);

    /// A tool's setting, its usual latency in milliseconds if known, how long the call has run.
    type Row = (OnShutdown, Option<u64>, u64, &'static [&'static str]);

    #[test]
    fn the_rule_by_setting_and_latency() {
        let rows: [Row; 9] = [
            (OnShutdown::Auto, None, 0, &[]),
            (OnShutdown::Auto, Some(1_000), 0, &[]),
            (OnShutdown::Auto, Some(60_000), 0, &["call"]),
            (OnShutdown::Auto, Some(60_000), 59_500, &[]),
            (OnShutdown::Auto, Some(1_000), 99_000, &[]),
            (OnShutdown::Finish, Some(60_000), 0, &[]),
            (OnShutdown::Finish, None, 0, &[]),
            (OnShutdown::Cancel, Some(1), 0, &["call"]),
            (OnShutdown::Cancel, None, 0, &["call"]),
        ];
        for (setting, latency, elapsed, expected) in rows {
            let mut latencies = Latencies::new();
            for _ in 0..20 {
                latency
                    .iter()
                    .for_each(|&ms| latencies.record("tool", Duration::from_millis(ms)));
            }
            let mut calls = InFlight::new();
            put(
                &mut calls,
                "call",
                Some("tool"),
                NOW - Duration::from_millis(elapsed),
            );
            put(&mut calls, "ping", None, NOW);
            let found = doomed(&calls, &latencies, |_| setting, NOW, BUDGET);
            assert_eq!(found, expected, "{setting:?} {latency:?} {elapsed}");
        }
    }

    #[test]
    fn cancelled_calls_are_not_cancelled_again() {
        let mut calls = InFlight::new();
        for key in ["a", "b", "c", "d"] {
            put(&mut calls, key, Some("tool"), NOW);
        }
        calls.host_cancelled(&"a");
        calls.mark_cancel_sent(&"c");
        let found = doomed(
            &calls,
            &Latencies::new(),
            |_| OnShutdown::Cancel,
            NOW,
            BUDGET,
        );
        assert_eq!(found, ["b", "d"]);
    }

    fn put(
        calls: &mut InFlight<&'static str>,
        key: &'static str,
        tool: Option<&str>,
        at: Duration,
    ) {
        let call = Call::in_flight_for_tests(tool, at);
        calls.insert(key, call).unwrap();
    }
}
