//! Half-open: who may be the trial, and how it ends.

use std::time::Duration;

use dropgate_gate::breaker::{Admission, Cause, Ended, Phase, Probing, Rejection, Verdict};

use crate::stage::{TIMEOUT, WRITE, breakers, call, ms, open, pass, record};

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
fn a_ping_tries_the_upstream_and_no_tool() {
    let mut breakers = breakers(Probing::Callers);
    assert_eq!(breakers.admit_ping(ms(2000), ms(0)).0, None);
    let mut now = open(&mut breakers, "create", ms(0));
    assert_eq!(breakers.admit_ping(ms(2000), now).0, None, "a tool's alone");
    // Calls of tools without number, so that only the upstream's opens.
    for nth in 0..5 {
        call(
            &mut breakers,
            &format!("t{nth}"),
            Ended::TransportFailed,
            now,
        );
    }
    assert_eq!(breakers.upstream(), Phase::Open);
    while breakers.upstream() == Phase::Open {
        now = breakers.next_due().unwrap();
        breakers.tick(now);
    }
    for left in [Phase::HalfOpen, Phase::Closed] {
        let ping = breakers.admit_ping(ms(2000), now).0.unwrap();
        assert_eq!(breakers.admit_ping(ms(2000), now).0, None, "one at a time");
        assert!(matches!(
            breakers.admit(Some("other"), &WRITE, now).0,
            Admission::Rejected(Rejection::TrialRunning { .. })
        ));
        breakers.record_probe(ping, Verdict::Success, now);
        assert_eq!(breakers.upstream(), left);
    }
    assert_eq!(breakers.tool("t0"), Phase::Closed);
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
