//! Load: the limits row by row, and the rate against a count of its own.
#![allow(clippy::unwrap_used)]

use std::collections::VecDeque;
use std::time::Duration;

use dropgate_gate::load::{Answer, Limits, Load, Rate, Shed, Slot};
use proptest::prelude::*;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn admit(load: &mut Load, table: Option<usize>, now: Duration) -> Result<Slot, Shed> {
    match load.admit(table, now) {
        Answer::Admit(slot) => Ok(slot),
        Answer::Shed(shed) => Err(shed),
    }
}

fn rated(period: u64, burst: u32) -> Limits {
    Limits {
        max_in_flight: 1_000_000,
        rate: Some(Rate::new(ms(period), burst).unwrap()),
    }
}

#[test]
fn sixty_four_calls_are_admitted_at_once_and_the_next_is_shed() {
    let mut load = Load::new(&Limits::default(), &[]);
    let mut slots: Vec<Slot> = (0..64)
        .map(|_| admit(&mut load, None, ms(0)).unwrap())
        .collect();
    let shed = admit(&mut load, None, ms(0)).unwrap_err();
    assert_eq!(
        shed,
        Shed::InFlight {
            retry_after: ms(1000)
        }
    );
    assert_eq!(load.in_flight(), 64);
    slots.pop();
    slots.push(admit(&mut load, None, ms(0)).unwrap());
    assert!(admit(&mut load, None, ms(0)).is_err());
    slots.clear();
    assert_eq!(load.in_flight(), 0);
}

#[test]
fn the_rate_says_exactly_when_to_come_back() {
    let mut load = Load::new(&rated(100, 3), &[]);
    for _ in 0..3 {
        drop(admit(&mut load, None, ms(5000)).unwrap());
    }
    let shed = admit(&mut load, None, ms(5000)).unwrap_err();
    assert_eq!(
        shed,
        Shed::Rate {
            retry_after: ms(100)
        }
    );
    let shed = admit(&mut load, None, ms(5099)).unwrap_err();
    assert_eq!(shed.retry_after(), ms(1));
    assert!(admit(&mut load, None, ms(5100)).is_ok());
    assert!(admit(&mut load, None, ms(5100)).is_err());
    for _ in 0..3 {
        assert!(admit(&mut load, None, ms(9000)).is_ok());
    }
    assert!(admit(&mut load, None, ms(9000)).is_err());
}

#[test]
fn a_tool_over_its_own_rate_uses_up_nothing_of_the_upstreams() {
    let mut load = Load::new(&rated(1000, 5), &[rated(1000, 1)]);
    assert!(admit(&mut load, Some(0), ms(0)).is_ok());
    for _ in 0..100 {
        assert!(admit(&mut load, Some(0), ms(0)).is_err());
    }
    for _ in 0..4 {
        assert!(admit(&mut load, None, ms(0)).is_ok());
    }
    assert!(admit(&mut load, None, ms(0)).is_err());
    assert_eq!(load.in_flight(), 0, "a shed call keeps no share");
}

#[test]
fn tools_of_one_table_share_its_limit_and_leave_the_others_alone() {
    let one = Limits {
        max_in_flight: 1,
        rate: None,
    };
    let mut load = Load::new(&Limits::default(), &[one, one]);
    let held = admit(&mut load, Some(0), ms(0)).unwrap();
    assert!(admit(&mut load, Some(0), ms(0)).is_err());
    assert!(admit(&mut load, Some(1), ms(0)).is_ok());
    assert!(admit(&mut load, None, ms(0)).is_ok());
    drop(held);
    assert!(admit(&mut load, Some(0), ms(0)).is_ok());
    assert!(admit(&mut load, Some(2), ms(0)).is_err());
    assert_eq!(load.in_flight(), 0);
}

#[test]
fn none_in_flight_means_none() {
    let none = Limits {
        max_in_flight: 0,
        rate: None,
    };
    assert!(admit(&mut Load::new(&none, &[]), None, ms(0)).is_err());
}

#[test]
fn a_rate_that_can_not_be_kept_is_refused() {
    assert!(Rate::new(ms(0), 1).is_err());
    assert!(Rate::new(ms(1), 0).is_err());
    assert!(Rate::per_second(0).is_err());
    assert!(Rate::per_second(1_000_000_001).is_err());
    assert!(Rate::per_second(1_000_000_000).is_ok());
    assert!(Rate::new(Duration::from_secs(1), 24 * 3600).is_ok());
    let error = Rate::new(Duration::from_secs(1), 24 * 3600 + 1).unwrap_err();
    assert_eq!(
        error.to_string(),
        "rate: 86401 calls at once and one more each 1s can't be kept; write at least 1 call and 1ns, and no more than a day for all of them"
    );
}

#[test]
fn time_that_stands_still_runs_back_or_ends_is_no_panic() {
    let mut load = Load::new(&rated(1000, 2), &[]);
    for at in [ms(5000), ms(0), Duration::MAX, ms(1), Duration::MAX] {
        let _ = admit(&mut load, None, at);
    }
}

proptest! {
    /// In any stretch of time no more calls pass than the burst and one for each period in it, and
    /// a caller who waits as long as he was told to is admitted.
    #[test]
    fn the_rate_holds_over_any_stretch(
        period in 1u64..200, burst in 1u32..20, gaps in prop::collection::vec(0u64..300, 1..300)
    ) {
        let mut load = Load::new(&rated(period, burst), &[]);
        let mut passed: VecDeque<u64> = VecDeque::new();
        let mut now = 0;
        for gap in gaps {
            now += gap;
            match admit(&mut load, None, ms(now)) {
                Ok(_) => passed.push_back(now),
                Err(shed) => {
                    now += shed.retry_after().as_millis() as u64;
                    prop_assert!(admit(&mut load, None, ms(now)).is_ok());
                    passed.push_back(now);
                }
            }
        }
        for (number, start) in passed.iter().enumerate() {
            for (later, end) in passed.iter().enumerate().skip(number) {
                let allowed = u64::from(burst) + (end - start) / period;
                prop_assert!((later - number + 1) as u64 <= allowed);
            }
        }
    }
}
