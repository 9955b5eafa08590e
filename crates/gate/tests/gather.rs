//! Answers from several sources, by a clock that the test turns: what comes, what is missing, what
//! is told, and that whatever has not answered is dropped.
#![allow(clippy::unwrap_used)]

use std::cell::Cell;
use std::future::{Future, IntoFuture};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use dropgate_gate::gather::{
    Bulkhead, DEADLINE_META, Fault, Gather, Gathered, HEDGE_SHARE, Hedge, Level, Limits,
    MAX_SOURCES, MIN_SAMPLES, Reason, RequiredMissing, Source, Timer, gather,
};
use proptest::prelude::*;
use serde_json::json;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A clock that stands still until it is turned.
#[derive(Clone, Default)]
struct Clock(Arc<AtomicU64>);

impl Clock {
    fn turn_to(&self, at: Duration) {
        let at = u64::try_from(at.as_nanos()).unwrap();
        self.0.store(at, Ordering::Relaxed);
    }
}

impl Timer for Clock {
    type Wait = At;

    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }

    fn wait_until(&self, at: Duration) -> At {
        At {
            clock: self.clone(),
            at,
        }
    }
}

/// Ready when the clock shows a time.
struct At {
    clock: Clock,
    at: Duration,
}

impl Future for At {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.clock.now() >= self.at {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

type Answer = Result<Gathered<u32>, RequiredMissing>;

/// Turns the clock by milliseconds until there is an answer, and tells when that was.
fn run(clock: &Clock, gather: Gather<'_, u32, Clock>) -> (Duration, Answer) {
    let mut asking = pin!(gather.into_future());
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..100_000 {
        if let Poll::Ready(answer) = asking.as_mut().poll(&mut cx) {
            return (clock.now(), answer);
        }
        clock.turn_to(clock.now() + ms(1));
    }
    panic!("no answer");
}

/// Answers after a while.
async fn after(clock: Clock, time: Duration, answer: Result<u32, Fault>) -> Result<u32, Fault> {
    let at = clock.now() + time;
    clock.wait_until(at).await;
    answer
}

/// Never answers, and counts how many are still asked.
async fn hangs(asked: Arc<AtomicU32>) -> Result<u32, Fault> {
    struct Counted(Arc<AtomicU32>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
    }
    asked.fetch_add(1, Ordering::Relaxed);
    let _counted = Counted(asked);
    std::future::pending().await
}

fn limits(deadline: u64, reserve: u64) -> Limits {
    Limits {
        deadline: ms(deadline),
        reserve: ms(reserve),
    }
}

#[test]
fn a_hung_source_is_cancelled_at_the_deadline_and_named() {
    let clock = Clock::default();
    let asked = Arc::new(AtomicU32::new(0));
    let (at, answer) = run(
        &clock,
        gather(&clock, limits(500, 20))
            .required(Source::new("database", after(clock.clone(), ms(30), Ok(1))))
            .important(Source::new("metrics", hangs(asked.clone())))
            .optional(Source::new("cache", after(clock.clone(), ms(40), Ok(3)))),
    );
    assert_eq!(at, ms(480));
    assert_eq!(asked.load(Ordering::Relaxed), 0, "the hung future is gone");
    let answer = answer.unwrap();
    assert_eq!(answer.values(), [("database", 1), ("cache", 3)]);
    assert_eq!(
        answer.partial_meta().unwrap(),
        json!([{"source": "metrics", "level": "important", "reason": "timed_out"}])
    );
    assert_eq!(
        answer.warning_text().unwrap(),
        "This answer is not complete: metrics did not answer in time."
    );
}

#[test]
fn with_all_sources_the_answer_comes_with_the_last_and_says_nothing() {
    let clock = Clock::default();
    let (at, answer) = run(
        &clock,
        gather(&clock, limits(500, 0))
            .required(Source::new("a", after(clock.clone(), ms(30), Ok(1))))
            .optional(Source::new("b", after(clock.clone(), ms(70), Ok(2)))),
    );
    assert_eq!(at, ms(70));
    let mut answer = answer.unwrap();
    assert_eq!(answer.partial_meta(), None);
    assert_eq!(answer.warning_text(), None);
    assert_eq!(answer.take("b"), Some(2));
    assert_eq!(answer.take("b"), None);
    assert_eq!(answer.get("a"), Some(&1));
}

#[test]
fn a_required_source_that_fails_ends_it_at_once_and_cancels_the_rest() {
    let clock = Clock::default();
    let asked = Arc::new(AtomicU32::new(0));
    let (at, answer) = run(
        &clock,
        gather(&clock, limits(5000, 0))
            .important(Source::new("metrics", hangs(asked.clone())))
            .required(Source::new(
                "database",
                after(clock.clone(), ms(30), Err(Fault::Failed)),
            )),
    );
    assert_eq!(at, ms(30));
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    let missing = answer.unwrap_err();
    assert_eq!(missing.to_string(), "There is no answer: database failed.");
    assert_eq!(
        missing.partial_meta().unwrap(),
        json!([{"source": "database", "level": "required", "reason": "failed"}])
    );
}

/// How a source fails, its level, and what is told of it.
type Row = (Level, Fault, Option<&'static str>);

#[test]
fn what_is_told_depends_on_the_level_and_the_fault() {
    let soon = Fault::Unavailable {
        retry_after: Some(ms(1500)),
    };
    let rows: [Row; 6] = [
        (Level::Important, Fault::Failed, Some("failed")),
        (Level::Important, Fault::Unauthorized, Some("unauthorized")),
        (Level::Important, soon, Some("unavailable")),
        (Level::Optional, Fault::Failed, None),
        (Level::Optional, Fault::Unauthorized, Some("unauthorized")),
        (Level::Optional, soon, None),
    ];
    for (level, fault, told) in rows {
        let clock = Clock::default();
        let source = Source::new("it", after(clock.clone(), ms(5), Err(fault)));
        let gather = gather(&clock, limits(100, 0));
        let gather = match level {
            Level::Required => gather.required(source),
            Level::Important => gather.important(source),
            Level::Optional => gather.optional(source),
        };
        let answer = run(&clock, gather).1.unwrap();
        assert_eq!(answer.missing().len(), 1, "all of it is there for metrics");
        let reasons: Vec<&str> = answer.warnings().map(|it| it.reason.name()).collect();
        assert_eq!(reasons.first().copied(), told, "{level:?} {fault:?}");
        if let (Some(meta), Fault::Unavailable { .. }) = (answer.partial_meta(), fault) {
            assert_eq!(meta[0]["retry_after_ms"], 1500);
        }
    }
}

#[test]
fn a_source_has_its_own_timeout_or_what_is_left() {
    for (own, ends) in [(Some(50), 50), (Some(5000), 450), (None, 450)] {
        let clock = Clock::default();
        let mut source = Source::new("slow", std::future::pending());
        if let Some(own) = own {
            source = source.timeout(ms(own));
        }
        let (at, answer) = run(&clock, gather(&clock, limits(500, 50)).important(source));
        assert_eq!(at, ms(ends));
        assert_eq!(answer.unwrap().missing()[0].reason, Reason::TimedOut);
    }
}

#[test]
fn a_deadline_that_is_over_asks_once_and_takes_what_is_there() {
    let clock = Clock::default();
    clock.turn_to(ms(1000));
    let (at, answer) = run(
        &clock,
        gather(&clock, limits(500, 50))
            .required(Source::new("ready", async { Ok(1) }))
            .important(Source::new("slow", std::future::pending())),
    );
    assert_eq!(at, ms(1000));
    assert_eq!(answer.unwrap().values(), [("ready", 1)]);
}

#[test]
fn nothing_asked_is_an_empty_answer() {
    let clock = Clock::default();
    let (_, answer) = run(&clock, gather(&clock, limits(500, 50)));
    assert_eq!(answer.unwrap().values(), []);
}

#[test]
fn a_full_bulkhead_is_not_waited_for_and_a_cancelled_attempt_gives_its_place_back() {
    let bulkhead = Bulkhead::new(2);
    let clock = Clock::default();
    let asked = Arc::new(AtomicU32::new(0));
    let ask = || {
        gather(&clock, limits(100, 0))
            .important(Source::new("hung", hangs(asked.clone())).bulkhead(&bulkhead))
    };
    let mut cx = Context::from_waker(Waker::noop());
    let mut first = Box::pin(ask().into_future());
    let mut second = Box::pin(ask().into_future());
    assert!(first.as_mut().poll(&mut cx).is_pending());
    assert!(second.as_mut().poll(&mut cx).is_pending());
    assert_eq!(bulkhead.taken(), 2);
    let (at, answer) = run(&clock, ask());
    assert_eq!(at, ms(0));
    assert_eq!(answer.unwrap().missing()[0].reason, Reason::Overloaded);
    drop(first);
    assert_eq!(bulkhead.taken(), 1);
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    clock.turn_to(ms(100));
    assert!(second.as_mut().poll(&mut cx).is_ready());
    assert_eq!(bulkhead.taken(), 0);
}

#[test]
fn a_required_source_behind_a_full_bulkhead_is_no_answer() {
    let clock = Clock::default();
    let bulkhead = Bulkhead::new(0);
    let source = Source::new("database", async { Ok(1) }).bulkhead(&bulkhead);
    let (_, answer) = run(&clock, gather(&clock, limits(100, 0)).required(source));
    assert_eq!(
        answer.unwrap_err().text(),
        "There is no answer: database has too many callers at present."
    );
}

#[test]
fn sources_over_the_limit_are_missing_and_not_asked() {
    let clock = Clock::default();
    let asked = Rc::new(Cell::new(0));
    let mut answer = gather(&clock, limits(100, 0));
    for _ in 0..3 * MAX_SOURCES {
        answer = answer.important(Source::new("one", async { Ok(1) }));
        asked.set(asked.get() + 1);
    }
    let answer = run(&clock, answer).1.unwrap();
    assert_eq!(answer.values().len(), MAX_SOURCES);
    assert_eq!(answer.missing().len(), MAX_SOURCES, "the list is bounded");
    assert_eq!(answer.missing()[0].reason, Reason::Overloaded);
}

/// A hedge that has seen so many answers of 10 ms each.
fn used_to_ten(answers: u32) -> Hedge {
    let hedge = Hedge::new();
    for _ in 0..answers {
        let clock = Clock::default();
        let own = clock.clone();
        let source = Source::hedged("api", &hedge, move || after(own.clone(), ms(10), Ok(1)));
        let answer = run(&clock, gather(&clock, limits(1000, 0)).required(source)).1;
        assert_eq!(answer.unwrap().get("api"), Some(&1));
    }
    hedge
}

/// What became of a hedged source whose attempts end so, when, and how many attempts there were.
fn hedged(
    hedge: &Hedge,
    bulkhead: &Bulkhead,
    attempts: [(u64, Result<u32, Fault>); 2],
) -> (Duration, Result<u32, Reason>, usize) {
    let clock = Clock::default();
    let own = clock.clone();
    let begun = Arc::new(AtomicU32::new(0));
    let count = begun.clone();
    let source = Source::hedged("api", hedge, move || {
        let number = count.fetch_add(1, Ordering::Relaxed) as usize;
        let (time, answer) = attempts[number];
        after(own.clone(), ms(time), answer)
    });
    let source = source.bulkhead(bulkhead);
    let (at, answer) = run(&clock, gather(&clock, limits(1000, 0)).important(source));
    let answer = answer.unwrap();
    let value = match answer.get("api") {
        Some(value) => Ok(*value),
        None => Err(answer.missing()[0].reason),
    };
    (at, value, begun.load(Ordering::Relaxed) as usize)
}

#[test]
fn a_slow_source_is_asked_again_after_what_is_usual_and_the_first_good_answer_counts() {
    let bad = Err(Fault::Failed);
    let rows = [
        // The second is faster.
        ([(900, Ok(1)), (5, Ok(2))], (15, Ok(2), 2)),
        // The first comes after all.
        ([(30, Ok(1)), (500, Ok(2))], (30, Ok(1), 2)),
        // The second fails: the first is waited for.
        ([(300, Ok(1)), (5, bad)], (300, Ok(1), 2)),
        // The first fails while the second runs.
        ([(12, bad), (50, Ok(2))], (60, Ok(2), 2)),
        // Both fail.
        ([(12, bad), (50, bad)], (60, Err(Reason::Failed), 2)),
        // The first fails before a second one: that would be a retry, which is the author's to do.
        ([(5, bad), (5, Ok(2))], (5, Err(Reason::Failed), 1)),
        // Both hang.
        (
            [(9000, Ok(1)), (9000, Ok(2))],
            (1000, Err(Reason::TimedOut), 2),
        ),
    ];
    for (attempts, (at, value, begun)) in rows {
        let hedge = used_to_ten(30);
        let bulkhead = Bulkhead::new(10);
        let got = hedged(&hedge, &bulkhead, attempts);
        assert_eq!(got, (ms(at), value, begun), "{attempts:?}");
        assert_eq!(bulkhead.taken(), 0);
    }
}

#[test]
fn nothing_is_asked_twice_before_twenty_answers_or_over_five_in_a_hundred() {
    let roomy = Bulkhead::new(10);
    let slow = [(50, Ok(1)), (5, Ok(2))];
    let few = used_to_ten(MIN_SAMPLES as u32 - 1);
    assert_eq!(hedged(&few, &roomy, slow).2, 1);
    let hedge = used_to_ten(200);
    let mut second = 0;
    for _ in 0..200 {
        second += hedged(&hedge, &roomy, slow).2 - 1;
    }
    assert!(second >= 10, "{second}");
    let (asked, again) = hedge.asked();
    assert_eq!((asked, again), (400, second as u64));
    assert!(again * HEDGE_SHARE <= asked);
}

#[test]
fn a_full_bulkhead_has_no_room_for_a_second_attempt() {
    let hedge = used_to_ten(30);
    let slow = [(50, Ok(1)), (5, Ok(2))];
    assert_eq!(hedged(&hedge, &Bulkhead::new(1), slow), (ms(50), Ok(1), 1));
}

#[test]
fn the_callers_deadline_only_shortens() {
    let now = ms(10_000);
    let rows = [
        (json!({ DEADLINE_META: 500 }), 500),
        (json!({ DEADLINE_META: 0 }), 0),
        (json!({ DEADLINE_META: 90_000 }), 2000),
        (json!({ DEADLINE_META: "500" }), 2000),
        (json!({ DEADLINE_META: -5 }), 2000),
        (json!({}), 2000),
    ];
    for (meta, left) in rows {
        let limits = Limits::asked(Some(&meta), ms(2000), now);
        assert_eq!(limits.deadline, now + ms(left), "{meta}");
        assert!(limits.reserve <= ms(50));
    }
    assert_eq!(Limits::asked(None, ms(100), now).reserve, ms(5));
}

proptest! {
    /// Any sources: the answer comes at the deadline at the latest, each source is either there or
    /// missing, nothing is lost, and the answer fails exactly if a required one is missing.
    #[test]
    fn any_sources_are_there_or_missing_by_the_deadline(
        sources in prop::collection::vec((0u8..3, 0u8..5, 0u64..400, prop::option::of(0u64..400)), 0..12),
        deadline in 1u64..300, reserve in 0u64..100
    ) {
        const NAMES: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
        let clock = Clock::default();
        let end = deadline.saturating_sub(reserve);
        let mut answer = gather(&clock, limits(deadline, reserve));
        let mut required_end: Option<u64> = None;
        let mut there = Vec::new();
        for (place, (level, how, time, own)) in sources.iter().copied().enumerate() {
            let ends = match how {
                0 => Err(Fault::Failed),
                1 => Err(Fault::Unauthorized),
                _ => Ok(place as u32),
            };
            let mut source = Source::new(NAMES[place], after(clock.clone(), ms(time), ends));
            if let Some(own) = own {
                source = source.timeout(ms(own));
            }
            answer = match level {
                0 => answer.required(source),
                1 => answer.important(source),
                _ => answer.optional(source),
            };
            let cut = own.unwrap_or(u64::MAX).min(end);
            if ends.is_ok() && time <= cut {
                there.push((NAMES[place], place as u32));
            } else if level == 0 {
                let failed = time.min(cut);
                required_end = Some(required_end.map_or(failed, |other| other.min(failed)));
            }
        }
        let (at, answer) = run(&clock, answer);
        prop_assert!(at <= ms(end));
        match (answer, required_end) {
            (Ok(answer), None) => {
                prop_assert_eq!(answer.values(), &there[..]);
                prop_assert_eq!(answer.values().len() + answer.missing().len(), sources.len());
            }
            (Err(missing), Some(failed)) => {
                prop_assert_eq!(at, ms(failed));
                prop_assert!(missing.missing().iter().any(|it| it.level == Level::Required));
            }
            (answer, required_end) => prop_assert!(false, "{answer:?} {required_end:?}"),
        }
    }
}
