//! The table of calls in flight: its rules row by row, and its bound.

use std::time::Duration;

use dropgate_gate::breaker::{self, Attempt, Breakers};
use dropgate_gate::call::{self, Call, Receipt, Slot, Standing};
use dropgate_gate::checks::Checks;
use dropgate_gate::decision::{Answers, Authority, Principal, decide};
use dropgate_gate::in_flight::{InFlight, MAX_IN_FLIGHT, MAX_UNTIMED, NotInserted, Open};
use dropgate_gate::kind::Kind;
use dropgate_gate::load::{self, Load};
use dropgate_gate::mode::{self, Class, Mode};
use dropgate_gate::outcome::Outcome;
use dropgate_gate::refusal::Refusal;
use proptest::prelude::*;

fn call(slot: usize) -> Call<call::InFlight> {
    call_of(Kind::ToolCall, slot)
}

fn call_of(kind: Kind, slot: usize) -> Call<call::InFlight> {
    let call = Call::received(Slot(slot), kind, Some("tool".into()), Duration::ZERO);
    let settings = breaker::Settings::default();
    let breakers = Breakers::new(&settings, breaker::Probing::Callers, 0, Duration::ZERO);
    let mode = Mode::new(&mode::Settings::default(), 0, Duration::ZERO);
    let attempt = Attempt {
        class: Class::Write,
        timeout: Duration::from_secs(30),
    };
    let mut checks = Checks::new(mode, breakers, Load::new(&load::Limits::default(), &[]));
    let decision = decide(Authority::LocalOwner, &Principal::local(), Answers::none());
    let Ok(call) = call.authorize(decision) else {
        panic!("the local owner may do everything");
    };
    let Ok(call) = call.admit(&mut checks, &attempt, Duration::ZERO) else {
        panic!("all clear");
    };
    call.send(Recorded)
}

struct Recorded;

impl Receipt for Recorded {}

fn insert<K: Eq + std::hash::Hash + Clone>(calls: &mut InFlight<K>, key: K) {
    assert!(matches!(calls.insert(key, call(calls.len())), Ok(None)));
}

#[test]
fn a_reply_by_how_the_call_stands() {
    let rows = [
        (Standing::Waiting, Outcome::Completed, Outcome::Completed),
        (Standing::Waiting, Outcome::ToolError, Outcome::ToolError),
        (Standing::Waiting, Outcome::RpcError, Outcome::RpcError),
        (Standing::CancelSent, Outcome::Completed, Outcome::Completed),
        (Standing::CancelSent, Outcome::ToolError, Outcome::ToolError),
        (Standing::CancelSent, Outcome::RpcError, Outcome::Cancelled),
        (
            Standing::CancelledByHost,
            Outcome::Completed,
            Outcome::Completed,
        ),
        (
            Standing::CancelledByHost,
            Outcome::ToolError,
            Outcome::ToolError,
        ),
        (
            Standing::CancelledByHost,
            Outcome::RpcError,
            Outcome::Cancelled,
        ),
    ];
    for (standing, reply, outcome) in rows {
        let mut calls = InFlight::new();
        insert(&mut calls, 1);
        match standing {
            Standing::Waiting => {}
            Standing::CancelSent => assert_eq!(calls.mark_cancel_sent(&1), Some(Standing::Waiting)),
            Standing::CancelledByHost => {
                assert_eq!(calls.host_cancelled(&1), Some(Standing::Waiting));
            }
        }
        let finished = calls.reply(&1, reply).unwrap();
        assert_eq!(finished.outcome, outcome, "{standing:?} {reply:?}");
        assert_eq!(finished.standing, standing);
        assert!(calls.reply(&1, reply).is_none(), "a call has one outcome");
        assert!(calls.is_empty());
    }
}

#[test]
fn what_the_host_cancelled_stays_so() {
    let mut calls = InFlight::new();
    insert(&mut calls, 1);
    calls.host_cancelled(&1);
    assert_eq!(calls.mark_cancel_sent(&1), Some(Standing::CancelledByHost));
    assert_eq!(calls.open(), Open::Settled);
    insert(&mut calls, 2);
    calls.mark_cancel_sent(&2);
    assert_eq!(calls.open(), Open::OnlyCancelled);
    assert_eq!(calls.host_cancelled(&2), Some(Standing::CancelSent));
    assert_eq!(calls.open(), Open::Settled);
    assert_eq!(calls.host_cancelled(&3), None);
    assert_eq!(calls.mark_cancel_sent(&3), None);
}

#[test]
fn a_key_in_flight_is_not_taken_twice() {
    let mut calls = InFlight::new();
    insert(&mut calls, 1);
    let refused = calls.insert(1, call(0)).unwrap_err();
    assert!(matches!(refused, NotInserted::Duplicate(_)), "{refused}");
    assert_eq!(calls.waiting_count(), 1);
    let _ = calls.reply(&1, Outcome::Completed);
    insert(&mut calls, 1);
}

#[test]
fn a_full_table_refuses_and_recovers() {
    let mut calls = InFlight::new();
    (0..MAX_IN_FLIGHT).for_each(|key| insert(&mut calls, key));
    let refused = calls.insert(MAX_IN_FLIGHT, call(0)).unwrap_err();
    assert!(matches!(refused, NotInserted::Full(_)), "{refused}");
    assert_eq!(calls.len(), MAX_IN_FLIGHT);
    let _ = calls.reply(&7, Outcome::Completed);
    insert(&mut calls, MAX_IN_FLIGHT);
}

#[test]
fn calls_without_a_deadline_leave_room_for_others() {
    let mut calls = InFlight::new();
    for key in 0..MAX_UNTIMED {
        let taken = calls.insert(key, call_of(Kind::Other, key));
        assert!(matches!(taken, Ok(None)), "{key}");
    }
    let one_more = calls.insert(MAX_UNTIMED, call_of(Kind::Other, MAX_UNTIMED));
    assert!(matches!(one_more, Err(NotInserted::Full(_))));
    (MAX_UNTIMED..MAX_IN_FLIGHT).for_each(|key| insert(&mut calls, key));
    let _ended = calls.reply(&3, Outcome::Completed);
    let next = calls.insert(3, call_of(Kind::Other, 3));
    assert!(matches!(next, Ok(None)), "one has ended");
}

#[test]
fn cancelled_calls_that_are_never_answered_do_not_fill_the_table() {
    let mut calls = InFlight::new();
    (0..MAX_IN_FLIGHT).for_each(|key| insert(&mut calls, key));
    calls.host_cancelled(&9);
    calls.host_cancelled(&4);
    let evicted = calls.insert(MAX_IN_FLIGHT, call(0)).unwrap().unwrap();
    assert_eq!(evicted.outcome, Outcome::Cancelled);
    assert!(
        calls.reply(&4, Outcome::Completed).is_none(),
        "the oldest left"
    );
    assert!(calls.reply(&9, Outcome::Completed).is_some());
    assert_eq!(calls.len(), MAX_IN_FLIGHT - 1);
}

#[test]
fn the_end_answers_all_but_what_the_host_cancelled_oldest_first() {
    let mut calls = InFlight::new();
    ["d", "b", "a", "c"]
        .into_iter()
        .for_each(|key| insert(&mut calls, key));
    calls.host_cancelled(&"b");
    calls.mark_cancel_sent(&"a");
    let order: Vec<_> = calls
        .iter()
        .map(|(key, _, standing)| (*key, standing))
        .collect();
    let unknown = Refusal::unknown_at_shutdown();
    let left = calls.drain_all(&unknown);
    let left: Vec<_> = left
        .iter()
        .map(|left| {
            (
                left.finished.slot,
                left.finished.outcome,
                left.answer.clone(),
            )
        })
        .collect();
    assert_eq!(
        order,
        [
            ("d", Standing::Waiting),
            ("b", Standing::CancelledByHost),
            ("a", Standing::CancelSent),
            ("c", Standing::Waiting),
        ]
    );
    assert_eq!(
        left,
        [
            (Slot(0), Outcome::Unknown, Some(unknown.clone())),
            (Slot(1), Outcome::Cancelled, None),
            (Slot(2), Outcome::Unknown, Some(unknown.clone())),
            (Slot(3), Outcome::Unknown, Some(unknown.clone())),
        ]
    );
    assert!(calls.is_empty());
    assert_eq!(calls.open(), Open::Settled);
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Insert,
    Reply(Outcome),
    HostCancelled,
    CancelSent,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        Just(Act::Insert),
        Just(Act::Reply(Outcome::Completed)),
        Just(Act::Reply(Outcome::RpcError)),
        Just(Act::HostCancelled),
        Just(Act::CancelSent),
    ]
}

proptest! {
    #[test]
    fn every_inserted_call_gets_one_outcome_and_the_counts_hold(
        acts in prop::collection::vec((act(), 0u8..6), 0..200)
    ) {
        let mut calls = InFlight::new();
        let (mut inserted, mut finished) = (0, 0);
        for (act, key) in acts {
            match act {
                Act::Insert => match calls.insert(key, call(0)) {
                    Ok(evicted) => {
                        inserted += 1;
                        finished += usize::from(evicted.is_some());
                    }
                    Err(NotInserted::Duplicate(call) | NotInserted::Full(call)) => {
                        let _ = call.finish(Outcome::NotExecuted);
                    }
                },
                Act::Reply(outcome) => finished += usize::from(calls.reply(&key, outcome).is_some()),
                Act::HostCancelled => { calls.host_cancelled(&key); }
                Act::CancelSent => { calls.mark_cancel_sent(&key); }
            }
            let waiting = calls.iter().filter(|call| call.2 == Standing::Waiting).count();
            let sent = calls.iter().filter(|call| call.2 == Standing::CancelSent).count();
            prop_assert_eq!(calls.waiting_count(), waiting);
            let open = match (waiting, sent) {
                (0, 0) => Open::Settled,
                (0, _) => Open::OnlyCancelled,
                _ => Open::Waiting,
            };
            prop_assert_eq!(calls.open(), open);
        }
        finished += calls.drain_all(&Refusal::unknown_at_shutdown()).len();
        prop_assert_eq!(inserted, finished);
    }
}
