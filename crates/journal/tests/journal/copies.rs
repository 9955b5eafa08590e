//! A copy of the journal in another folder: required, or following as it can.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use dropgate_journal::{
    Copying, Known, Liveness, Require, Sealed, Send, Settings, State, Ticket, Tier, Unavailable,
    Verdict, What, Why, verify,
};

use crate::stage::{BOUND, Desk, Place, intent, outcome};

fn settings(place: &Place, require: Require) -> Settings {
    let mut settings = Settings::new(place.journal());
    settings.segment_bytes = 8000;
    place_of_copies(place);
    settings.copy = Some(Copying {
        dir: copy_of(place),
        require,
        within: Duration::from_secs(1),
    });
    settings
}

/// What is there of itself: the disk.
fn place_of_copies(place: &Place) {
    let copies = place.path().join("copies");
    if fs::symlink_metadata(&copies).is_err() {
        fs::create_dir(&copies).expect("a folder");
    }
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

/// That the copy has the same segments, and so verifies as the journal does.
fn assert_same(place: &Place) {
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

/// The same, after a run that waits for what an earlier one did not.
fn complete(place: &Place) {
    let mut desk = Desk::open(settings(place, Require::All));
    call(&mut desk, Tier::Sync);
    sealed(desk);
    assert_same(place);
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
    let until = Instant::now() + BOUND;
    loop {
        if let State::Failing {
            why: Why::Copy(why),
            ..
        } = desk.journal.state(Instant::now())
        {
            return why.to_string();
        }
        let left = until.saturating_duration_since(Instant::now());
        desk.wakes.recv_timeout(left).expect("a wake in time");
    }
}

fn sound(desk: &mut Desk) {
    let until = Instant::now() + BOUND;
    while desk.journal.state(Instant::now()) != State::Sound {
        let left = until.saturating_duration_since(Instant::now());
        desk.wakes.recv_timeout(left).expect("a wake in time");
    }
}

/// An intent that nobody waits for.
fn enter(desk: &mut Desk) -> Ticket<Send> {
    let call = desk.journal.new_call().expect("a reference");
    let ticket = desk.journal.intent(intent(call), Tier::Sync);
    ticket.expect("taken")
}

#[test]
fn a_copy_has_the_same_files_and_goes_on_after_a_crash() {
    for require in [Require::All, Require::Any] {
        let place = Place::new();
        let mut desk = Desk::open(settings(&place, require));
        for _ in 0..20 {
            call(&mut desk, Tier::Sync);
            call(&mut desk, Tier::Write);
        }
        desk.abandon();
        let mut desk = Desk::open(settings(&place, require));
        call(&mut desk, Tier::Sync);
        sealed(desk);
        assert!(place.segments().len() > 3);
        complete(&place);
        assert!(notes(&place).is_empty());
    }
}

#[test]
fn what_a_required_copy_does_not_have_is_not_recorded() {
    let place = Place::new();
    let blocking = place.path().join("copies");
    fs::write(&blocking, b"").expect("writable");
    let mut desk = Desk::open(settings(&place, Require::All));
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
    place_of_copies(&place);
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
    sealed(desk);
    assert_same(&place);
}

#[test]
fn a_copy_that_is_away_holds_nothing_up_and_its_gap_is_recorded_and_filled() {
    let place = Place::new();
    let blocking = place.path().join("copies");
    fs::write(&blocking, b"").expect("writable");
    let mut desk = Desk::open(settings(&place, Require::Any));
    let until = Instant::now() + BOUND;
    while desk.journal.copy_away().is_none() {
        assert!(Instant::now() < until, "{:?}", notes(&place));
        call(&mut desk, Tier::Sync);
    }
    fs::remove_file(&blocking).expect("removable");
    place_of_copies(&place);
    while desk.journal.copy_away().is_some() {
        assert!(Instant::now() < until, "{:?}", notes(&place));
        call(&mut desk, Tier::Sync);
    }
    sealed(desk);
    let notes = notes(&place);
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes[0].contains("up to 0 of this run only"), "{notes:?}");
    assert!(notes[1].contains("all records again"), "{notes:?}");
    complete(&place);
}

#[test]
fn what_stands_in_a_copy_is_never_written_over() {
    let place = Place::new();
    let mut desk = Desk::open(settings(&place, Require::All));
    call(&mut desk, Tier::Sync);
    sealed(desk);
    let copy = place
        .segments_of(&copy_of(&place))
        .pop()
        .expect("a segment");
    // Whoever has the journal in his hands makes it shorter, as far as he can.
    let whole = fs::read(&copy).expect("readable");
    let last = whole.split_inclusive(|byte| *byte == b'\n').next_back();
    let longer = [&whole[..], last.expect("a line")].concat();
    fs::write(&copy, &longer).expect("writable");
    let mut desk = Desk::open(settings(&place, Require::All));
    let reference = desk.journal.new_call().expect("a reference");
    let ticket = desk.journal.intent(intent(reference), Tier::Sync);
    drop(ticket.expect("taken"));
    let why = away(&mut desk);
    assert!(why.contains("holds other records"), "{why}");
    assert!(fs::read(&copy).expect("readable") == longer);
    assert!(matches!(desk.journal.seal(BOUND), Sealed::NotCopied(_)));
    let verified = verify(&place.journal(), &Known::default()).expect("readable");
    assert_eq!(verified.chains[0].verdict, Verdict::Whole);
}

#[test]
fn nothing_is_recorded_while_the_segment_itself_is_away() {
    let place = Place::new();
    let mut desk = Desk::open(settings(&place, Require::All));
    call(&mut desk, Tier::Sync);
    let live = place.segments().pop().expect("a segment");
    let moved = place.path().join("moved");
    fs::rename(&live, &moved).expect("movable");
    let ticket = enter(&mut desk);
    let why = away(&mut desk);
    assert!(why.contains("somebody has moved or changed"), "{why}");
    // Another file in its place is no better.
    let other = vec![b'\n'; 100_000];
    fs::write(&live, other).expect("writable");
    assert!(matches!(
        desk.journal.redeem(ticket),
        dropgate_journal::Redeemed::Pending(_)
    ));
    assert!(matches!(desk.journal.seal(BOUND), Sealed::NotCopied(_)));
}

#[test]
fn a_copy_that_was_taken_away_is_not_made_anew() {
    let place = Place::new();
    let mut desk = Desk::open(settings(&place, Require::All));
    call(&mut desk, Tier::Sync);
    let moved = place.path().join("moved");
    fs::rename(copy_of(&place), &moved).expect("movable");
    let ticket = enter(&mut desk);
    let why = away(&mut desk);
    assert!(why.contains("not there any more"), "{why}");
    assert!(!copy_of(&place).exists());
    fs::rename(&moved, copy_of(&place)).expect("movable");
    drop(desk.receipt(ticket));
    sealed(desk);
    assert_same(&place);
}

#[test]
fn a_copy_is_made_only_where_its_disk_is() {
    let place = Place::new();
    let settings = settings(&place, Require::All);
    fs::remove_dir(place.path().join("copies")).expect("removable");
    let mut desk = Desk::open(settings);
    let ticket = enter(&mut desk);
    let why = away(&mut desk);
    assert!(why.contains("mount its disk"), "{why}");
    place_of_copies(&place);
    drop(desk.receipt(ticket));
    sealed(desk);
    assert_same(&place);
}

#[test]
fn a_copy_that_lacks_what_it_had_gets_it_again() {
    let place = Place::new();
    let mut desk = Desk::open(settings(&place, Require::All));
    for _ in 0..20 {
        call(&mut desk, Tier::Sync);
    }
    // Another disk, with an earlier copy.
    let there = place.segments_of(&copy_of(&place));
    assert!(there.len() > 2);
    fs::remove_file(&there[1]).expect("removable");
    let last = there.last().expect("a segment");
    let length = fs::metadata(last).expect("there").len();
    let file = fs::File::options().write(true).open(last);
    file.and_then(|file| file.set_len(length / 2)).expect("cut");
    call(&mut desk, Tier::Sync);
    sealed(desk);
    assert_same(&place);
}

#[test]
fn what_a_loss_of_power_leaves_at_the_end_of_a_copy_is_moved_aside() {
    let place = Place::new();
    let mut desk = Desk::open(settings(&place, Require::All));
    call(&mut desk, Tier::Sync);
    sealed(desk);
    let copy = place.segments_of(&copy_of(&place)).pop();
    let copy = copy.expect("a segment");
    let whole = fs::read(&copy).expect("readable");
    // Inside of a line, and behind all of them.
    for (kept, lost) in [(whole.len() - 30, 300), (whole.len(), 5000)] {
        let torn = [&whole[..kept], &vec![0; lost]].concat();
        fs::write(&copy, torn).expect("writable");
        let mut desk = Desk::open(settings(&place, Require::All));
        call(&mut desk, Tier::Sync);
        sealed(desk);
        assert_same(&place);
    }
}

#[test]
fn the_journal_is_written_and_sealed_while_a_required_copy_is_away() {
    let place = Place::new();
    let mut desk = Desk::open(settings(&place, Require::All));
    call(&mut desk, Tier::Sync);
    let moved = place.path().join("moved");
    let running = desk.journal.new_call().expect("a reference");
    let ticket = desk.journal.intent(intent(running), Tier::Sync);
    drop(desk.receipt(ticket.expect("taken")));
    fs::rename(copy_of(&place), &moved).expect("movable");
    let ended = desk
        .journal
        .outcome(outcome(running, What::Completed), Tier::Sync);
    away(&mut desk);
    let ended = desk.journal.redeem(ended.expect("taken"));
    assert!(matches!(ended, dropgate_journal::Redeemed::Pending(_)));
    let Sealed::NotCopied(head) = desk.journal.seal(BOUND) else {
        panic!("not sealed");
    };
    // A copy has no key, and needs none to be whole.
    let copied = verify(&moved, &Known::default()).expect("readable");
    assert_eq!(copied.chains[0].verdict, Verdict::Whole);
    assert_eq!(copied.chains[0].writer, Liveness::Copy);
    let verified = verify(&place.journal(), &Known::default()).expect("readable");
    assert_eq!(verified.chains[0].head, Some(head));
    let outcomes = place.records();
    let outcomes = outcomes.iter().filter(|record| record["kind"] == "outcome");
    assert_eq!(outcomes.count(), 2);
    assert!(notes(&place)[0].contains("of this run only"));
    fs::rename(&moved, copy_of(&place)).expect("movable");
    let mut desk = Desk::open(settings(&place, Require::All));
    call(&mut desk, Tier::Sync);
    sealed(desk);
    assert_same(&place);
}

#[test]
fn chains_that_nobody_writes_are_copied_at_the_next_start() {
    let place = Place::new();
    let mut without = settings(&place, Require::All);
    without.copy = None;
    let mut desks = [Desk::open(without.clone()), Desk::open(without)];
    for desk in &mut desks {
        call(desk, Tier::Sync);
    }
    let [one, other] = desks;
    sealed(one);
    other.abandon();
    let mut desk = Desk::open(settings(&place, Require::All));
    call(&mut desk, Tier::Sync);
    sealed(desk);
    let verified = verify(&copy_of(&place), &Known::default()).expect("readable");
    assert_eq!(
        (verified.chains.len(), verified.code()),
        (2, 0),
        "{verified:?}"
    );
    assert_same(&place);
}

#[test]
fn marks_of_delivery_wait_for_the_next_record() {
    let place = Place::new();
    let mut desk = Desk::open(settings(&place, Require::All));
    call(&mut desk, Tier::Sync);
    let before = desk.journal.heads().last();
    let reference = desk.journal.new_call().expect("a reference");
    desk.journal.delivered(reference).expect("taken");
    for _ in 0..3 {
        let fetch = desk.journal.fetch(reference).expect("taken");
        drop(desk.found(fetch));
    }
    assert_eq!(desk.journal.heads().last(), before);
    sealed(desk);
}

/// Calls until the journal has removed the segments that it had before.
fn outlive(desk: &mut Desk, place: &Place) {
    let first = place.segments().remove(0);
    while first.exists() {
        call(desk, Tier::Sync);
    }
}

#[test]
fn a_copy_of_a_journal_that_was_cut_for_its_age_is_whole() {
    let place = Place::new();
    let mut small = settings(&place, Require::All);
    small.max_bytes = 20_000;
    let mut desk = Desk::open(Settings {
        copy: None,
        ..small.clone()
    });
    call(&mut desk, Tier::Sync);
    outlive(&mut desk, &place);
    sealed(desk);
    let mut desk = Desk::open(small.clone());
    call(&mut desk, Tier::Sync);
    call(&mut desk, Tier::Sync);
    sealed(desk);
    assert_same(&place);
    let notes_of_loss = || {
        let notes = notes(&place);
        notes
            .iter()
            .filter(|note| note.contains("never came"))
            .count()
    };
    assert_eq!(notes_of_loss(), 1, "{:?}", notes(&place));

    // While the copy is away the journal goes on and loses more.
    let mut any = small;
    any.copy = any.copy.map(|copy| Copying {
        require: Require::Any,
        ..copy
    });
    let moved = place.path().join("moved");
    let mut desk = Desk::open(any);
    call(&mut desk, Tier::Sync);
    fs::rename(place.path().join("copies"), &moved).expect("movable");
    let last = place.segments().pop().expect("a segment");
    while last.exists() || desk.journal.copy_away().is_none() {
        call(&mut desk, Tier::Sync);
    }
    fs::rename(&moved, place.path().join("copies")).expect("movable");
    while desk.journal.copy_away().is_some() {
        call(&mut desk, Tier::Sync);
    }
    call(&mut desk, Tier::Sync);
    sealed(desk);
    assert_eq!(notes_of_loss(), 1, "{:?}", notes(&place));
    let verified = verify(&copy_of(&place), &Known::default()).expect("readable");
    assert_eq!(verified.code(), 0, "{verified:?}");
    assert!(verified.chains[0].removed > 0);
}

#[test]
fn a_finished_chain_of_which_somebody_else_copied_more_is_no_other() {
    let place = Place::new();
    let with = settings(&place, Require::All);
    fs::remove_dir(place.path().join("copies")).expect("removable");
    let without = Settings {
        copy: None,
        ..with.clone()
    };
    let mut desks = [Desk::open(without.clone()), Desk::open(without.clone())];
    for desk in &mut desks {
        call(desk, Tier::Sync);
    }
    desks.into_iter().for_each(sealed);
    let mut late = Desk::open(with);
    let mut other = Desk::open(without);
    let chain = other.journal.chain().to_owned();
    call(&mut other, Tier::Sync);
    sealed(other);
    let (from, to) = (place.journal().join(&chain), copy_of(&place).join(&chain));
    let mut folders = fs::DirBuilder::new();
    folders.recursive(true).mode(0o700);
    let copies = place.path().join("another");
    folders
        .create(copies.join("journal").join(&chain))
        .expect("made");
    for segment in place.segments_of(&place.journal()) {
        if segment.starts_with(&from) {
            let name = segment.file_name().expect("a name");
            let there = copies.join("journal").join(&chain).join(name);
            fs::copy(&segment, there).expect("copied");
        }
    }
    fs::rename(copies, place.path().join("copies")).expect("movable");
    let ticket = enter(&mut late);
    drop(late.receipt(ticket));
    assert!(to.exists());
    sealed(late);
    assert_same(&place);
}
