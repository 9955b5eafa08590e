//! The breakers from outside: what the documentation promises of them, and random long lives.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use dropgate_gate::breaker::{
    Admission, Attempt, Breakers, Cause, Change, Command, Ended, FailureTexts, MAX_NAME, MAX_TOOLS,
    Pass, Phase, Probing, Rejection, Scope, Settings, Verdict,
};
use dropgate_gate::mode::Class;
use proptest::prelude::*;

const TIMEOUT: Duration = Duration::from_secs(30);
const WRITE: Attempt = Attempt {
    class: Class::Write,
    timeout: TIMEOUT,
};
const READ: Attempt = Attempt {
    class: Class::Read,
    timeout: TIMEOUT,
};
const BAD: Ended<'_> = Ended::RpcError(-32603, "broken");

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn breakers(probing: Probing) -> Breakers {
    Breakers::new(&Settings::default(), probing, 42, Duration::ZERO)
}

/// The pass of a call that has to be admitted.
fn pass(breakers: &mut Breakers, tool: &str, now: Duration) -> Pass {
    match breakers.admit(Some(tool), &WRITE, now).0 {
        Admission::Closed(pass) | Admission::Trial(pass) => pass,
        Admission::Rejected(rejection) => panic!("rejected: {rejection:?}"),
    }
}

fn record(breakers: &mut Breakers, pass: Pass, ended: Ended<'_>, now: Duration) -> Vec<Change> {
    let tool = ended.for_tool(&FailureTexts::default());
    breakers.record(pass, tool, ended.for_upstream(), now)
}

fn call(breakers: &mut Breakers, tool: &str, ended: Ended<'_>, now: Duration) -> Vec<Change> {
    let pass = pass(breakers, tool, now);
    record(breakers, pass, ended, now)
}

/// Opens the breaker of `tool` at `now` and gives the time at which it half-opens.
fn open(breakers: &mut Breakers, tool: &str, now: Duration) -> Duration {
    let mut changes = Vec::new();
    while breakers.tool(tool) == Phase::Closed {
        changes = call(breakers, tool, BAD, now);
    }
    let lasts = changes.last().unwrap().transition.lasts.unwrap();
    now + lasts
}

#[test]
fn five_failures_in_a_row_open_it_and_the_refusal_says_how_long() {
    let mut breakers = breakers(Probing::Callers);
    for number in 0..4 {
        assert_eq!(call(&mut breakers, "query", BAD, ms(number)), []);
    }
    let changes = call(&mut breakers, "query", BAD, ms(4));
    let [change] = &changes[..] else {
        panic!("{changes:?}")
    };
    assert_eq!(change.scope, Scope::Tool("query".into()));
    let told = change.transition;
    assert_eq!(
        (told.at, told.from, told.to, told.cause),
        (ms(4), Phase::Closed, Phase::Open, Cause::Failures)
    );
    let lasts = told.lasts.unwrap();
    assert!(lasts >= ms(4000) && lasts <= ms(6000), "{lasts:?}");
    let (admission, _) = breakers.admit(Some("query"), &READ, ms(1004));
    assert_eq!(
        admission,
        Admission::Rejected(Rejection::Open {
            retry_after: lasts - ms(1000)
        })
    );
    assert_eq!(breakers.upstream(), Phase::Closed);
    call(&mut breakers, "other", Ended::Completed, ms(1004));
}

#[test]
fn a_hundred_callers_at_half_open_send_exactly_one() {
    let mut breakers = breakers(Probing::Callers);
    let now = open(&mut breakers, "query", Duration::ZERO);
    let answers: Vec<_> = (0..100)
        .map(|_| breakers.admit(Some("query"), &WRITE, now).0)
        .collect();
    let trials = answers
        .iter()
        .filter(|it| matches!(it, Admission::Trial(_)))
        .count();
    let rejected = answers
        .iter()
        .filter(|it| matches!(it, Admission::Rejected(Rejection::TrialRunning { .. })))
        .count();
    assert_eq!((trials, rejected), (1, 99));
}

#[test]
fn a_success_from_before_the_opening_does_not_close_it() {
    let mut breakers = breakers(Probing::Callers);
    let early: Vec<Pass> = (0..4)
        .map(|_| pass(&mut breakers, "query", ms(0)))
        .collect();
    let half_open = open(&mut breakers, "query", ms(10));
    let mut early = early.into_iter();
    let changes = record(
        &mut breakers,
        early.next().unwrap(),
        Ended::Completed,
        ms(20),
    );
    assert_eq!(changes, []);
    assert_eq!(breakers.tool("query"), Phase::Open);
    breakers.tick(half_open);
    assert_eq!(breakers.tool("query"), Phase::HalfOpen);
    for pass in early {
        record(&mut breakers, pass, Ended::Completed, half_open);
        assert_eq!(breakers.tool("query"), Phase::HalfOpen);
    }
    // Nor does it take the trial from the call that has it.
    let trial = pass(&mut breakers, "query", half_open);
    assert!(matches!(
        breakers.admit(Some("query"), &WRITE, half_open).0,
        Admission::Rejected(_)
    ));
    record(&mut breakers, trial, Ended::Completed, half_open);
    assert_eq!(breakers.tool("query"), Phase::HalfOpen);
    let changes = call(&mut breakers, "query", Ended::Completed, half_open);
    assert_eq!(changes[0].transition.cause, Cause::TrialsSucceeded);
}

#[test]
fn nine_failures_in_ten_between_successes_open_it() {
    let mut breakers = breakers(Probing::Callers);
    let opened = (0..100).find_map(|number| {
        let ended = if number % 10 == 0 {
            Ended::Completed
        } else {
            BAD
        };
        let changes = call(&mut breakers, "query", ended, ms(number * 500));
        Some((number, changes.first()?.transition.cause))
    });
    assert_eq!(opened, Some((4, Cause::FailureRatio)));
}

#[test]
fn every_other_call_failing_opens_it_although_no_row_forms() {
    let mut breakers = breakers(Probing::Callers);
    let mut causes = Vec::new();
    for number in 0..6 {
        let ended = if number % 2 == 0 {
            BAD
        } else {
            Ended::Completed
        };
        let changes = call(&mut breakers, "query", ended, ms(number));
        causes.extend(changes.iter().map(|it| it.transition.cause));
        if !causes.is_empty() {
            break;
        }
    }
    assert_eq!(causes, [Cause::FailureRatio]);
}

#[test]
fn a_hung_trial_reopens_it_at_its_deadline_for_twice_as_long() {
    let mut breakers = breakers(Probing::Callers);
    let half_open = open(&mut breakers, "query", Duration::ZERO);
    let hung = pass(&mut breakers, "query", half_open);
    let deadline = half_open + TIMEOUT;
    assert_eq!(breakers.next_due(), Some(deadline));
    assert_eq!(breakers.tick(deadline - ms(1)), []);
    let changes = breakers.tick(deadline);
    let told = changes[0].transition;
    assert_eq!(
        (told.at, told.to, told.cause),
        (deadline, Phase::Open, Cause::TrialLost)
    );
    assert!(told.lasts.unwrap() >= ms(8000) && told.lasts.unwrap() <= ms(12_000));
    assert_eq!(record(&mut breakers, hung, Ended::Completed, deadline), []);
    assert_eq!(breakers.tool("query"), Phase::Open);
}

#[test]
fn a_trial_whose_call_reports_progress_is_lost_only_at_the_new_deadline() {
    let mut breakers = breakers(Probing::Callers);
    let half_open = open(&mut breakers, "query", Duration::ZERO);
    let trial = pass(&mut breakers, "query", half_open);
    let later = half_open + TIMEOUT * 2;
    breakers.extend(&trial, later);
    assert_eq!(breakers.next_due(), Some(later));
    assert_eq!(breakers.tick(half_open + TIMEOUT), []);
    assert_eq!(breakers.tick(later)[0].transition.cause, Cause::TrialLost);
}

#[test]
fn a_dropped_pass_does_not_wedge_it() {
    let mut breakers = breakers(Probing::Callers);
    let half_open = open(&mut breakers, "query", Duration::ZERO);
    drop(pass(&mut breakers, "query", half_open));
    let mut now = half_open;
    while let Some(due) = breakers.next_due() {
        now = due;
        breakers.tick(now);
    }
    assert_eq!(breakers.tool("query"), Phase::HalfOpen);
    call(&mut breakers, "query", Ended::Completed, now);
    call(&mut breakers, "query", Ended::Completed, now);
    assert_eq!(breakers.tool("query"), Phase::Closed);
}

#[test]
fn a_thousand_calls_with_bad_arguments_leave_it_closed() {
    let mut breakers = breakers(Probing::Callers);
    for number in 0..1000 {
        let ended = match number % 3 {
            0 => Ended::RpcError(-32602, "path is missing"),
            1 => Ended::ToolError("no such file"),
            _ => Ended::CancelledByHost,
        };
        assert_eq!(call(&mut breakers, "query", ended, ms(number)), []);
    }
    assert_eq!(breakers.tool("query"), Phase::Closed);
}

#[test]
fn slow_successes_open_it() {
    let mut breakers = breakers(Probing::Callers);
    let slow = TIMEOUT * 4 / 5;
    let passes: Vec<Pass> = (0..5)
        .map(|_| pass(&mut breakers, "query", ms(0)))
        .collect();
    let mut told = Vec::new();
    for (number, pass) in passes.into_iter().enumerate() {
        let at = if number == 0 { slow - ms(1) } else { slow };
        told.extend(record(&mut breakers, pass, Ended::Completed, at));
    }
    assert_eq!(told[0].transition.cause, Cause::SlowRatio);
}

#[test]
fn failures_older_than_the_window_do_not_count() {
    let mut breakers = breakers(Probing::Callers);
    for number in 0..40 {
        let changes = call(&mut breakers, "query", BAD, ms(number * 7600));
        assert_eq!(changes, [], "{number}");
    }
}

#[test]
fn with_a_probe_a_write_is_never_the_trial() {
    let mut breakers = breakers(Probing::Probe);
    assert_eq!(breakers.admit_probe(ms(2000), ms(0)).0, None);
    let half_open = open(&mut breakers, "create", ms(0));
    let (admission, _) = breakers.admit(Some("create"), &WRITE, half_open);
    assert!(matches!(
        admission,
        Admission::Rejected(Rejection::AwaitsProbe { .. })
    ));
    for left in [Phase::HalfOpen, Phase::Closed] {
        let (probe, _) = breakers.admit_probe(ms(2000), half_open);
        let probe = probe.unwrap();
        assert_eq!(
            breakers.admit_probe(ms(2000), half_open).0,
            None,
            "one at a time"
        );
        breakers.record_probe(probe, Verdict::Success, half_open + ms(5));
        assert_eq!(breakers.tool("create"), left);
    }
}

#[test]
fn a_lost_probe_says_nothing_and_a_forgotten_one_is_a_failure() {
    let mut breakers = breakers(Probing::Probe);
    let half_open = open(&mut breakers, "create", ms(0));
    let mut now = half_open;
    for verdict in [Verdict::Success, Verdict::Ignored, Verdict::Ignored] {
        let probe = breakers.admit_probe(ms(2000), now).0.unwrap();
        assert_eq!(breakers.awaiting(), 0);
        now += ms(2000);
        breakers.record_probe(probe, verdict, now);
        assert_eq!(breakers.tool("create"), Phase::HalfOpen);
        assert_eq!(breakers.awaiting(), 1);
    }
    drop(breakers.admit_probe(ms(2000), now).0.unwrap());
    assert_eq!(breakers.tick(now + ms(3999)), []);
    let told = breakers.tick(now + ms(4000))[0].transition;
    assert_eq!(told.cause, Cause::TrialLost);
}

#[test]
fn a_crash_loop_opens_the_breaker_of_the_upstream_for_all_tools() {
    let mut breakers = breakers(Probing::Callers);
    let mut told = Vec::new();
    for number in 0..5 {
        let tool = format!("tool{number}");
        told.extend(call(
            &mut breakers,
            &tool,
            Ended::UpstreamExited,
            ms(number),
        ));
    }
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].scope, Scope::Upstream);
    for tool in [Some("fresh"), None] {
        assert!(matches!(
            breakers.admit(tool, &READ, ms(10)).0,
            Admission::Rejected(Rejection::Open { .. })
        ));
    }
}

#[test]
fn a_refusal_of_the_tool_leaves_the_trial_of_the_upstream_free() {
    let mut breakers = breakers(Probing::Callers);
    breakers.command(&Scope::Tool("held".into()), Command::ForceOpen, ms(0));
    let mut half_open = ms(0);
    for number in 0..5 {
        let tool = format!("tool{number}");
        for change in call(&mut breakers, &tool, Ended::UpstreamExited, ms(0)) {
            half_open = change.transition.lasts.unwrap();
        }
    }
    assert!(matches!(
        breakers.admit(Some("held"), &WRITE, half_open).0,
        Admission::Rejected(Rejection::ForcedOpen { .. })
    ));
    let trial = breakers.admit(Some("tool0"), &WRITE, half_open).0;
    let Admission::Trial(trial) = trial else {
        panic!("{trial:?}")
    };
    assert_eq!(breakers.give_back(trial, half_open), []);
    assert!(matches!(
        breakers.admit(None, &WRITE, half_open).0,
        Admission::Trial(_)
    ));
}

#[test]
fn an_operator_can_hold_it_open_or_closed_or_off() {
    let scope = Scope::Tool("query".into());
    let mut breakers = breakers(Probing::Callers);
    breakers.command(&scope, Command::ForceOpen, ms(0));
    for at in [0, 1_000_000_000] {
        assert!(matches!(
            breakers.admit(Some("query"), &READ, ms(at)).0,
            Admission::Rejected(Rejection::ForcedOpen { .. })
        ));
    }
    let until = ms(1_000_060_000);
    let now = ms(1_000_000_000);
    breakers.command(&scope, Command::ForceClosed { until }, now);
    for _ in 0..20 {
        assert_eq!(call(&mut breakers, "query", BAD, now), []);
    }
    let told = breakers.tick(until)[0].transition;
    assert_eq!(
        (told.to, told.cause),
        (Phase::Closed, Cause::CommandExpired)
    );
    open(&mut breakers, "query", until);
    breakers.command(&scope, Command::Disable, until);
    for _ in 0..20 {
        assert_eq!(call(&mut breakers, "query", BAD, until), []);
    }
    let told = breakers.command(&scope, Command::Auto, until);
    assert_eq!(told[0].transition.to, Phase::Closed);
    assert_eq!(breakers.command(&scope, Command::Auto, until), []);
}

#[test]
fn made_up_names_can_not_make_an_open_breaker_forget() {
    let mut breakers = breakers(Probing::Callers);
    let half_open = open(&mut breakers, "query", ms(0));
    for number in 0..3 * MAX_TOOLS {
        call(
            &mut breakers,
            &format!("made up {number}"),
            Ended::Completed,
            ms(1),
        );
    }
    assert_eq!(breakers.tools().count(), MAX_TOOLS);
    assert_eq!(breakers.tool("query"), Phase::Open);
    assert_eq!(breakers.next_due(), Some(half_open));
}

#[test]
fn the_table_makes_room_even_if_every_breaker_is_open() {
    let mut breakers = breakers(Probing::Callers);
    let mut held = None;
    for number in 0..MAX_TOOLS {
        let tool = format!("tool {number}");
        if number == 0 {
            held = Some(pass(&mut breakers, &tool, ms(0)));
        }
        open(&mut breakers, &tool, ms(0));
    }
    let (admission, changes) = breakers.admit(Some("one more"), &WRITE, ms(1));
    assert!(matches!(admission, Admission::Closed(_)));
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].scope, Scope::Tool("tool 0".into()));
    assert_eq!(changes[0].transition.cause, Cause::Forgotten);
    assert_eq!(breakers.tools().count(), MAX_TOOLS);
    // The result of the forgotten tool is not taken for that of the one in its place.
    for _ in 0..4 {
        call(&mut breakers, "one more", BAD, ms(1));
    }
    record(&mut breakers, held.unwrap(), BAD, ms(1));
    assert_eq!(breakers.tool("one more"), Phase::Closed);
}

#[test]
fn if_an_operator_holds_all_places_a_new_tool_has_the_upstreams_breaker_alone() {
    let mut breakers = breakers(Probing::Callers);
    for number in 0..MAX_TOOLS {
        let scope = Scope::Tool(format!("tool {number}").into());
        breakers.command(&scope, Command::Disable, ms(0));
    }
    for _ in 0..10 {
        call(&mut breakers, "one more", BAD, ms(1));
    }
    assert_eq!(breakers.tools().count(), MAX_TOOLS);
    assert_eq!(breakers.tool("one more"), Phase::Closed);
}

#[test]
fn a_name_over_the_limit_has_the_upstreams_breaker_alone() {
    let mut breakers = breakers(Probing::Callers);
    call(&mut breakers, &"x".repeat(MAX_NAME + 1), BAD, ms(0));
    assert_eq!(breakers.tools().count(), 0);
    call(&mut breakers, &"x".repeat(MAX_NAME), BAD, ms(0));
    assert_eq!(breakers.tools().count(), 1);
}

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
                            prop_assert!(rejection.retry_after() <= ms(144_000));
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
