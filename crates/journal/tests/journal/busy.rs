//! Verifying a journal while others write it: what a reader finds half done is no fault.

use std::sync::atomic::{AtomicUsize, Ordering};

use dropgate_journal::{Keep, Known, Redeemed, Sealed, Settings, Tier, What, records, verify};

use crate::stage::{BOUND, Desk, Place, intent, outcome, soak};

/// Writes some calls of all kinds, as one process of many that come and go.
fn write(settings: Settings, calls: &AtomicUsize) {
    /// Then the process ends, and others find its chain.
    const MOST: usize = 200;
    let mut desk = Desk::open(settings);
    let mut last = 0;
    for at in 0..MOST {
        last = calls.fetch_add(1, Ordering::Relaxed);
        let call = desk.journal.new_call().expect("a reference");
        let mut one = intent(call);
        if at % 3 == 0 {
            one.key = Some(last.to_string().into());
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
    if last.is_multiple_of(2) {
        desk.abandon();
    } else {
        assert!(matches!(desk.journal.seal(BOUND), Sealed::Yes(_)));
    }
}

/// Verifies and shows a journal for as long as two others write so many calls into it.
fn busy(most: usize, change: impl Fn(&mut Settings)) {
    let place = Place::new();
    let mut settings = Settings::new(place.journal());
    change(&mut settings);
    let first = Desk::open(settings.clone());
    assert!(matches!(first.journal.seal(BOUND), Sealed::Yes(_)));
    let calls = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let writers = [(); 2].map(|()| {
            scope.spawn(|| {
                while calls.load(Ordering::Relaxed) < most {
                    write(settings.clone(), &calls);
                }
            })
        });
        while writers.iter().any(|writer| !writer.is_finished()) {
            let verified = verify(&place.journal(), &Known::default()).expect("readable");
            assert_eq!(verified.code(), 0, "{verified:?}");
            let shown = records(&place.journal()).expect("readable");
            shown.for_each(|record| drop(record.expect("readable")));
        }
    });
    let verified = verify(&place.journal(), &Known::default()).expect("readable");
    assert_eq!(verified.code(), 0, "{verified:?}");
}

#[test]
fn segments_that_are_begun_meanwhile_are_no_fault() {
    busy(soak(1000, 10_000), |settings| {
        settings.segment_bytes = 16 << 10;
    });
}

#[test]
fn segments_that_are_removed_meanwhile_are_no_fault() {
    busy(soak(2000, 100_000), |settings| {
        settings.segment_bytes = 16 << 10;
        settings.max_bytes = 64 << 10;
    });
}
