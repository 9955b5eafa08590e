//! What opens a breaker, and what does not.

use dropgate_gate::breaker::{
    Admission, Breakers, Cause, Ended, Pass, Phase, Probing, Rejection, Scope,
};

use crate::stage::{BAD, READ, TIMEOUT, WRITE, breakers, call, ms, open, pass, record};

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

/// Failures of two tools that write, taken in turn, with something in between after the third; how
/// the breakers of the two stand after five in all.
fn five_of_two(between: impl FnOnce(&mut Breakers), pause: u64) -> [Phase; 2] {
    let mut breakers = breakers(Probing::Callers);
    let mut between = Some(between);
    for number in 0..5 {
        let tool = ["add", "remove"][number % 2];
        let told = call(&mut breakers, tool, BAD, ms(number as u64 * pause));
        if number == 4 && !told.is_empty() {
            let causes: Vec<Cause> = told.iter().map(|it| it.transition.cause).collect();
            assert_eq!(causes, [Cause::WritesFail; 2]);
        } else {
            assert_eq!(told, []);
        }
        if number == 2 {
            between.take().unwrap()(&mut breakers);
        }
    }
    assert_eq!(breakers.upstream(), Phase::Closed);
    ["add", "remove"].map(|tool| breakers.tool(tool))
}

#[test]
fn five_failures_in_all_open_the_breakers_of_several_tools_that_write() {
    let nothing = |_: &mut Breakers| {};
    assert_eq!(five_of_two(nothing, 1), [Phase::Open; 2]);
    // No longer in one window.
    assert_eq!(five_of_two(nothing, 7_500), [Phase::Closed; 2]);
    let worked = |breakers: &mut Breakers| {
        call(breakers, "rename", Ended::Completed, ms(2));
    };
    assert_eq!(five_of_two(worked, 1), [Phase::Closed; 2]);
    // A read that works says nothing of writing.
    let read = |breakers: &mut Breakers| {
        let Admission::Closed(pass) = breakers.admit(Some("list"), &READ, ms(2)).0 else {
            panic!("a read is not admitted");
        };
        assert_eq!(record(breakers, pass, Ended::Completed, ms(2)), []);
    };
    assert_eq!(five_of_two(read, 1), [Phase::Open; 2]);
}

#[test]
fn failures_of_tools_that_read_are_not_added_up() {
    let mut breakers = breakers(Probing::Callers);
    for number in 0..8 {
        let tool = ["list", "find"][number % 2];
        let Admission::Closed(pass) = breakers.admit(Some(tool), &READ, ms(0)).0 else {
            panic!("not admitted");
        };
        assert_eq!(record(&mut breakers, pass, BAD, ms(0)), []);
    }
}
