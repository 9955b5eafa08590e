//! Verifying a journal while others write it: what a reader finds half done is no fault.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use dropgate_journal::{Keep, Known, Redeemed, Sealed, Settings, Tier, What, records, verify};

use crate::stage::{BOUND, Desk, Place, intent, outcome, soak};

/// Writes calls of all kinds until it is told to end.
fn write(settings: Settings, keys: &AtomicU64, ended: &AtomicBool) {
    /// Then the process ends, and others find its chain.
    const MOST: usize = 300;
    let mut desk = Desk::open(settings);
    for at in 0..MOST {
        if ended.load(Ordering::Relaxed) {
            break;
        }
        let call = desk.journal.new_call().expect("a reference");
        let mut one = intent(call);
        if at % 3 == 0 {
            let key = keys.fetch_add(1, Ordering::Relaxed);
            one.key = Some(key.to_string().into());
        }
        let tier = if at % 2 == 0 { Tier::Sync } else { Tier::Write };
        let ticket = desk.journal.intent(one, tier).expect("taken");
        assert!(matches!(desk.settled(ticket), Redeemed::Safe(_)));
        let mut done = outcome(call, What::Completed);
        done.keep = Keep::Result(vec![b'x'; 200].into());
        let ticket = desk.journal.outcome(done, tier).expect("taken");
        drop(desk.receipt(ticket));
        desk.journal.delivered(call).expect("taken");
    }
    if keys.load(Ordering::Relaxed).is_multiple_of(2) {
        desk.abandon();
    } else {
        assert!(matches!(desk.journal.seal(BOUND), Sealed::Yes(_)));
    }
}

fn busy(change: impl Fn(&mut Settings), rounds: usize) {
    let place = Place::new();
    let mut settings = Settings::new(place.journal());
    change(&mut settings);
    let first = Desk::open(settings.clone());
    assert!(matches!(first.journal.seal(BOUND), Sealed::Yes(_)));
    let (keys, ended) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    write(settings.clone(), &keys, &ended);
                }
            });
        }
        let _end = Ended(&ended);
        let until = Instant::now() + Duration::from_secs(120);
        for round in 0..rounds {
            assert!(Instant::now() < until, "round {round} of {rounds}");
            let verified = verify(&place.journal(), &Known::default()).expect("readable");
            assert_eq!(verified.code(), 0, "round {round}: {verified:?}");
            let shown = records(&place.journal()).expect("readable");
            shown.for_each(|record| drop(record.expect("readable")));
        }
    });
    let verified = verify(&place.journal(), &Known::default()).expect("readable");
    assert_eq!(verified.code(), 0, "{verified:?}");
}

/// Lets the writers end, also when the reader fails.
struct Ended<'a>(&'a AtomicBool);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn segments_that_are_begun_meanwhile_are_no_fault() {
    busy(|settings| settings.segment_bytes = 16 << 10, soak(10, 30));
}

#[test]
fn segments_that_are_removed_meanwhile_are_no_fault() {
    let small = |settings: &mut Settings| {
        settings.segment_bytes = 16 << 10;
        settings.max_bytes = 64 << 10;
    };
    busy(small, soak(40, 150));
}
