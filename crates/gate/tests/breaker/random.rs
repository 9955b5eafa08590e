//! Random long lives.

use std::time::Duration;

use dropgate_gate::breaker::{
    Admission, Attempt, Breakers, Change, Ended, Pass, Phase, Probing, Scope, Settings,
};
use dropgate_gate::mode::Class;
use proptest::prelude::*;

use crate::stage::{BAD, TIMEOUT, call, ms, record};

/// One thing that happens in a long life.
#[derive(Debug, Clone)]
enum Event {
    Call(usize, Class),
    End(usize, usize),
    Lose(usize),
    Wait(u64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0usize..3, prop_oneof![Just(Class::Read), Just(Class::Write)])
            .prop_map(|(tool, class)| Event::Call(tool, class)),
        4 => (any::<usize>(), 0usize..6).prop_map(|(which, how)| Event::End(which, how)),
        1 => any::<usize>().prop_map(Event::Lose),
        3 => (0u64..40_000).prop_map(Event::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever happens: at most one trial of a breaker at a time, time that is told never runs
    /// backwards, and left alone for as long as it takes every breaker can be closed again.
    #[test]
    fn a_long_life_keeps_the_rules(events in prop::collection::vec(event(), 200..600), seed: u64) {
        const TOOLS: [&str; 3] = ["a", "b", "c"];
        const ENDS: [Ended<'_>; 6] = [
            Ended::Completed, BAD, Ended::TimedOut, Ended::UpstreamExited,
            Ended::ToolError("no"), Ended::CancelledByHost,
        ];
        let mut breakers = Breakers::new(&Settings::default(), Probing::Callers, seed, ms(0));
        let mut now = ms(0);
        let mut open_calls: Vec<(usize, Pass, Option<Duration>)> = Vec::new();
        let mut told: Vec<Change> = Vec::new();
        for event in events {
            match event {
                Event::Wait(time) => now += ms(time),
                Event::Lose(which) => {
                    if !open_calls.is_empty() {
                        drop(open_calls.swap_remove(which % open_calls.len()));
                    }
                }
                Event::Call(tool, class) => {
                    let attempt = Attempt { class, timeout: TIMEOUT };
                    let (admission, changes) = breakers.admit(Some(TOOLS[tool]), &attempt, now);
                    told.extend(changes);
                    match admission {
                        Admission::Closed(pass) => open_calls.push((tool, pass, None)),
                        Admission::Trial(pass) => {
                            let phase = breakers.tool(TOOLS[tool]);
                            if phase == Phase::HalfOpen {
                                prop_assert!(!open_calls.iter().any(|(other, _, lease)| {
                                    *other == tool && lease.is_some_and(|until| until > now)
                                }), "two trials");
                                open_calls.push((tool, pass, Some(now + TIMEOUT)));
                            } else {
                                prop_assert_eq!(breakers.upstream(), Phase::HalfOpen);
                                open_calls.push((tool, pass, None));
                            }
                        }
                        Admission::Rejected(rejection) => {
                            prop_assert!(rejection.retry_after() <= Some(ms(144_000)));
                        }
                    }
                }
                Event::End(which, how) => {
                    if !open_calls.is_empty() {
                        let (_, pass, _) = open_calls.swap_remove(which % open_calls.len());
                        told.extend(record(&mut breakers, pass, ENDS[how], now));
                    }
                }
            }
            for tool in TOOLS {
                let scope = Scope::Tool(tool.into());
                let of: Vec<_> = told.iter().filter(|it| it.scope == scope).collect();
                let in_order = of.windows(2).all(|two| {
                    two[0].transition.at <= two[1].transition.at
                        && two[0].transition.to == two[1].transition.from
                });
                prop_assert!(in_order, "{of:?}");
                prop_assert_eq!(of.last().map_or(Phase::Closed, |it| it.transition.to), breakers.tool(tool));
            }
        }
        while let Some(due) = breakers.next_due() {
            now = now.max(due);
            breakers.tick(now);
        }
        // Failures that a closed breaker still counts leave its window.
        now += ms(31_000);
        for tool in TOOLS {
            for _ in 0..2 {
                call(&mut breakers, tool, Ended::Completed, now);
            }
            prop_assert_eq!(breakers.tool(tool), Phase::Closed);
        }
        prop_assert_eq!(breakers.upstream(), Phase::Closed);
    }
}
