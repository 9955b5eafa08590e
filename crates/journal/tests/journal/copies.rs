//! A copy of the journal in another folder: required, or following as it can.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use dropgate_journal::{
    Copying, Known, Require, Sealed, Settings, State, Tier, Unavailable, Verdict, What, Why, verify,
};

use crate::stage::{BOUND, Desk, Place, intent, outcome};

/// After this time a copy counts as away, where that is wanted.
const SOON: Duration = Duration::from_millis(50);

fn settings(place: &Place, require: Require, within: Duration) -> Settings {
    let mut settings = Settings::new(place.journal());
    settings.segment_bytes = 8000;
    settings.copy = Some(Copying {
        dir: copy_of(place),
        require,
        within,
    });
    settings
}

fn copy_of(place: &Place) -> PathBuf {
    place.path().join("copies").join("journal")
}

fn call(desk: &mut Desk, tier: Tier) {
    let call = desk.journal.new_call().expect("a reference");
    let ticket = desk.journal.intent(intent(call), tier).expect("taken");
    drop(desk.receipt(ticket));
    let done = outcome(call, What::Completed);
    let ticket = desk.journal.outcome(done, tier).expect("taken");
    drop(desk.receipt(ticket));
}

fn sealed(desk: Desk) {
    assert!(matches!(desk.journal.seal(BOUND), Sealed::Yes(_)));
}

/// That the copy has the same segments, and so verifies as the journal does, once it got what it
/// may have lacked at the end of the last process.
fn assert_same(place: &Place) {
    let mut desk = Desk::open(settings(place, Require::All, BOUND));
    call(&mut desk, Tier::Sync);
    sealed(desk);
    let (here, there) = (place.segments(), place.segments_of(&copy_of(place)));
    assert_eq!(here.len(), there.len());
    for (one, other) in here.iter().zip(&there) {
        assert_eq!(one.file_name(), other.file_name());
        let read = |path: &Path| fs::read(path).expect("readable");
        assert!(read(one) == read(other), "{}", other.display());
    }
    let head = |dir: &Path| {
        let verified = verify(dir, &Known::default()).expect("readable");
        assert_eq!(verified.code(), 0, "{verified:?}");
        verified.chains[0].head
    };
    assert_eq!(head(&place.journal()), head(&copy_of(place)));
}

fn notes(place: &Place) -> Vec<String> {
    let records = place.records();
    let of_copy = records.iter().filter(|record| record["topic"] == "copy");
    of_copy
        .map(|note| note["text"].as_str().expect("a text").to_owned())
        .collect()
}

/// Waits until the journal fails for a copy, and says why.
fn away(desk: &mut Desk) -> String {
    awaited(desk, |state| match state {
        State::Failing {
            why: Why::Copy(why),
            ..
        } => Some(why.to_string()),
        State::Failing { .. } | State::Sound => None,
    })
}

/// Waits until nothing is wrong, which is known a little later than that a record is safe.
fn sound(desk: &mut Desk) {
    awaited(desk, |state| (state == State::Sound).then_some(()));
}

fn awaited<T>(desk: &mut Desk, wanted: impl Fn(State) -> Option<T>) -> T {
    let until = Instant::now() + BOUND;
    loop {
        if let Some(found) = wanted(desk.journal.state(Instant::now())) {
            return found;
        }
        let left = until.saturating_duration_since(Instant::now());
        desk.wakes.recv_timeout(left).expect("a wake in time");
    }
}

#[test]
fn a_copy_has_the_same_files_and_goes_on_after_a_crash() {
    for require in [Require::All, Require::Any] {
        let place = Place::new();
        let mut desk = Desk::open(settings(&place, require, BOUND));
        for _ in 0..20 {
            call(&mut desk, Tier::Sync);
            call(&mut desk, Tier::Write);
        }
        desk.abandon();
        assert!(place.segments().len() > 3);
        assert_same(&place);
        assert!(notes(&place).is_empty());
    }
}

#[test]
fn what_a_required_copy_does_not_have_is_not_recorded() {
    let place = Place::new();
    let blocking = place.path().join("copies");
    fs::write(&blocking, b"").expect("writable");
    let mut desk = Desk::open(settings(&place, Require::All, SOON));
    let first = desk.journal.new_call().expect("a reference");
    let ticket = desk.journal.intent(intent(first), Tier::Write);
    let why = away(&mut desk);
    assert!(why.contains("no folder"), "{why}");
    let second = desk.journal.new_call().expect("a reference");
    let refused = desk.journal.intent(intent(second), Tier::Write);
    let Err(Unavailable::Failing(Why::Copy(_))) = refused else {
        panic!("{refused:?}");
    };
    fs::remove_file(&blocking).expect("removable");
    drop(desk.receipt(ticket.expect("taken")));
    sound(&mut desk);

    let moved = place.path().join("moved");
    fs::rename(&blocking, &moved).expect("movable");
    fs::write(&blocking, b"").expect("writable");
    let third = desk.journal.new_call().expect("a reference");
    let ticket = desk.journal.intent(intent(third), Tier::Sync);
    away(&mut desk);
    fs::remove_file(&blocking).expect("removable");
    fs::rename(&moved, &blocking).expect("movable");
    drop(desk.receipt(ticket.expect("taken")));
    desk.abandon();
    assert_same(&place);
}

#[test]
fn a_copy_that_is_away_holds_nothing_up_and_its_gap_is_recorded_and_filled() {
    let place = Place::new();
    let blocking = place.path().join("copies");
    fs::write(&blocking, b"").expect("writable");
    let mut desk = Desk::open(settings(&place, Require::Any, SOON));
    let until = Instant::now() + BOUND;
    while desk.journal.copy_away().is_none() {
        assert!(Instant::now() < until, "{:?}", notes(&place));
        call(&mut desk, Tier::Sync);
    }
    fs::remove_file(&blocking).expect("removable");
    while desk.journal.copy_away().is_some() {
        assert!(Instant::now() < until, "{:?}", notes(&place));
        call(&mut desk, Tier::Sync);
    }
    sealed(desk);
    let notes = notes(&place);
    assert!(notes.len() >= 2, "{notes:?}");
    assert!(notes[0].contains("up to 0 of this run only"), "{notes:?}");
    assert!(notes[1].contains("all records again"), "{notes:?}");
    assert_same(&place);
}

#[test]
fn what_stands_in_a_copy_is_never_written_over() {
    let place = Place::new();
    let mut desk = Desk::open(settings(&place, Require::All, BOUND));
    call(&mut desk, Tier::Sync);
    sealed(desk);
    let copy = place
        .segments_of(&copy_of(&place))
        .pop()
        .expect("a segment");
    // Whoever has the journal in his hands makes it shorter, as far as he can.
    let longer = [fs::read(&copy).expect("readable"), b"{}\n".to_vec()].concat();
    fs::write(&copy, &longer).expect("writable");
    let mut desk = Desk::open(settings(&place, Require::All, SOON));
    let reference = desk.journal.new_call().expect("a reference");
    let ticket = desk.journal.intent(intent(reference), Tier::Sync);
    drop(ticket.expect("taken"));
    let why = away(&mut desk);
    assert!(why.contains("holds other records"), "{why}");
    assert!(fs::read(&copy).expect("readable") == longer);
    assert!(matches!(desk.journal.seal(BOUND), Sealed::No));
    let verified = verify(&place.journal(), &Known::default()).expect("readable");
    assert_eq!(verified.chains[0].verdict, Verdict::Whole);
}
