//! Deadlines: rows of the rules, the bound, and random lives against a plain list.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use dropgate_gate::call::Slot;
use dropgate_gate::deadlines::{Deadlines, Limits, NotTimed, Progress};
use dropgate_gate::in_flight::MAX_IN_FLIGHT;
use proptest::prelude::*;

fn s(s: u64) -> Duration {
    Duration::from_secs(s)
}

#[test]
fn a_call_is_due_after_thirty_seconds_unless_configured() {
    let mut deadlines: Deadlines<String> = Deadlines::new();
    assert_eq!(deadlines.next_due(), None);
    let usual = Limits::default();
    assert_eq!(deadlines.insert(Slot(1), None, &usual, s(100)), Ok(s(130)));
    let quick = Limits {
        timeout: s(5),
        ..usual
    };
    assert_eq!(deadlines.insert(Slot(2), None, &quick, s(101)), Ok(s(106)));
    let capped = Limits {
        timeout: s(600),
        ..usual
    };
    assert_eq!(deadlines.insert(Slot(3), None, &capped, s(100)), Ok(s(400)));
    assert_eq!(deadlines.next_due(), Some(s(106)));
    assert!(
        deadlines
            .expired(s(106) - Duration::from_nanos(1))
            .is_empty()
    );
    assert_eq!(deadlines.expired(s(130)), [Slot(2), Slot(1)]);
    assert_eq!(deadlines.next_due(), Some(s(400)));
    assert_eq!(deadlines.remove(Slot(3)), Some(s(400)));
    assert!(deadlines.is_empty());
}

#[test]
fn progress_extends_up_to_the_maximum_and_no_further() {
    let mut deadlines = Deadlines::new();
    let limits = Limits {
        timeout: s(30),
        max_timeout: s(70),
    };
    deadlines.insert(Slot(1), Some("t"), &limits, s(0)).unwrap();
    assert_eq!(
        deadlines.progress(&"t", s(20)),
        Progress::Extended {
            slot: Slot(1),
            due: s(50)
        }
    );
    // A message that was read late does not move the deadline back.
    assert_eq!(
        deadlines.progress(&"t", s(10)),
        Progress::Extended {
            slot: Slot(1),
            due: s(50)
        }
    );
    assert_eq!(
        deadlines.progress(&"t", s(49)),
        Progress::Extended {
            slot: Slot(1),
            due: s(70)
        }
    );
    for at in [50, 60, 69] {
        assert_eq!(
            deadlines.progress(&"t", s(at)),
            Progress::AtMaximum {
                slot: Slot(1),
                due: s(70)
            }
        );
    }
    assert_eq!(deadlines.next_due(), Some(s(70)));
    assert_eq!(deadlines.expired(s(70)), [Slot(1)]);
    assert_eq!(deadlines.progress(&"t", s(70)), Progress::Unclaimed);
}

#[test]
fn a_token_belongs_to_one_call_at_a_time() {
    let mut deadlines = Deadlines::new();
    let limits = Limits::default();
    deadlines.insert(Slot(1), Some("t"), &limits, s(0)).unwrap();
    deadlines.insert(Slot(2), Some("t"), &limits, s(0)).unwrap();
    assert!(matches!(
        deadlines.progress(&"t", s(10)),
        Progress::Extended { slot: Slot(1), .. }
    ));
    assert_eq!(deadlines.due(Slot(2)), Some(s(30)));
    // The end of the call that does not own it frees nothing.
    deadlines.remove(Slot(2));
    deadlines.insert(Slot(3), Some("t"), &limits, s(0)).unwrap();
    assert!(matches!(
        deadlines.progress(&"t", s(11)),
        Progress::Extended { slot: Slot(1), .. }
    ));
    deadlines.remove(Slot(1));
    assert_eq!(deadlines.progress(&"t", s(12)), Progress::Unclaimed);
    deadlines
        .insert(Slot(4), Some("t"), &limits, s(20))
        .unwrap();
    assert!(matches!(
        deadlines.progress(&"t", s(21)),
        Progress::Extended { slot: Slot(4), .. }
    ));
}

#[test]
fn the_table_has_a_bound_and_a_slot_one_deadline() {
    let mut deadlines = Deadlines::new();
    let limits = Limits::default();
    for key in 0..MAX_IN_FLIGHT {
        deadlines
            .insert(Slot(key), Some(key), &limits, s(0))
            .unwrap();
    }
    let one_more = deadlines.insert(Slot(MAX_IN_FLIGHT), Some(MAX_IN_FLIGHT), &limits, s(0));
    assert_eq!(one_more, Err(NotTimed::Full));
    assert_eq!(
        deadlines.insert(Slot(0), None, &limits, s(0)),
        Err(NotTimed::Taken)
    );
    assert_eq!(
        deadlines.progress(&MAX_IN_FLIGHT, s(1)),
        Progress::Unclaimed
    );
    deadlines.remove(Slot(0));
    assert_eq!(
        deadlines.insert(Slot(usize::MAX), None, &limits, s(0)),
        Err(NotTimed::Full)
    );
    assert!(
        deadlines
            .insert(Slot(MAX_IN_FLIGHT), None, &limits, s(0))
            .is_ok()
    );
    assert_eq!(deadlines.len(), MAX_IN_FLIGHT);
}

#[test]
fn the_end_of_time_is_no_overflow() {
    let mut deadlines = Deadlines::new();
    let limits = Limits {
        timeout: Duration::MAX,
        max_timeout: Duration::MAX,
    };
    deadlines.insert(Slot(1), Some(1), &limits, s(1)).unwrap();
    deadlines.progress(&1, Duration::MAX);
    assert_eq!(deadlines.expired(Duration::MAX), [Slot(1)]);
}

/// A call in the plain list: key, token, timeout, due, latest.
type Row = (u8, Option<u8>, u64, u64, u64);

proptest! {
    #[test]
    fn it_is_a_sorted_list_of_calls(
        events in prop::collection::vec((0u8..4, 0u8..12, prop::option::of(0u8..6), 1u64..40), 1..200)
    ) {
        let mut deadlines: Deadlines<u8> = Deadlines::new();
        let mut list: Vec<Row> = Vec::new();
        let mut now = 0u64;
        for (what, key, token, time) in events {
            match what {
                0 => {
                    let limits = Limits { timeout: s(time), max_timeout: s(60) };
                    let got = deadlines.insert(Slot(key.into()), token, &limits, s(now));
                    if list.iter().any(|row| row.0 == key) {
                        prop_assert_eq!(got, Err(NotTimed::Taken));
                    } else {
                        let free = token.filter(|token| !list.iter().any(|row| row.1 == Some(*token)));
                        list.push((key, free, time, now + time, now + 60));
                        prop_assert_eq!(got, Ok(s(now + time)));
                    }
                }
                1 => {
                    let removed = deadlines.remove(Slot(key.into()));
                    let place = list.iter().position(|row| row.0 == key);
                    prop_assert_eq!(removed, place.map(|place| s(list.remove(place).3)));
                }
                2 => {
                    let token = token.unwrap_or(0);
                    let got = deadlines.progress(&token, s(now));
                    match list.iter_mut().find(|row| row.1 == Some(token)) {
                        None => prop_assert_eq!(got, Progress::Unclaimed),
                        Some(row) => {
                            row.3 = row.3.max((now + row.2).min(row.4));
                            let due = match got {
                                Progress::Extended { due, .. } | Progress::AtMaximum { due, .. } => due,
                                Progress::Unclaimed => s(0),
                            };
                            prop_assert_eq!(due, s(row.3));
                        }
                    }
                }
                _ => {
                    now += time;
                    let mut got = deadlines.expired(s(now));
                    let mut due: Vec<Slot> = list.iter().filter(|row| row.3 <= now).map(|row| Slot(row.0.into())).collect();
                    list.retain(|row| row.3 > now);
                    got.sort_unstable();
                    due.sort_unstable();
                    prop_assert_eq!(got, due);
                }
            }
            prop_assert_eq!(deadlines.next_due(), list.iter().map(|row| s(row.3)).min());
            prop_assert_eq!(deadlines.len(), list.len());
        }
    }
}
