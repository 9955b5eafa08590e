//! The breaker of the upstream beside those of its tools, and what an operator holds.

use dropgate_gate::breaker::{Admission, Cause, Command, Ended, Phase, Probing, Rejection, Scope};

use crate::stage::{BAD, READ, WRITE, breakers, call, ms, open};

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
        Admission::Rejected(Rejection::ForcedOpen)
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
            Admission::Rejected(Rejection::ForcedOpen)
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
