//! Room that was filled for lines to come: it is no record, and hides none.

use std::fs;
use std::path::PathBuf;

use dropgate_journal::{Known, Sealed, Settings, Tier, What, verify};

use crate::stage::{BOUND, Desk, Place, intent, outcome};

/// More syncs than there are before room is filled.
const CALLS: usize = 40;

/// A journal whose process was killed when it had filled room, and its segment.
fn filled() -> (Place, PathBuf) {
    let place = Place::new();
    let mut desk = Desk::open(Settings::new(place.journal()));
    for _ in 0..CALLS {
        record(&mut desk);
    }
    desk.abandon();
    let segment = place.segments().pop().expect("a segment");
    (place, segment)
}

fn record(desk: &mut Desk) {
    let call = desk.journal.new_call().expect("a reference");
    let ticket = desk
        .journal
        .intent(intent(call), Tier::Sync)
        .expect("taken");
    drop(desk.receipt(ticket));
    let done = outcome(call, What::Completed);
    let ticket = desk.journal.outcome(done, Tier::Sync).expect("taken");
    drop(desk.receipt(ticket));
}

fn code(place: &Place) -> u8 {
    verify(&place.journal(), &Known::default())
        .expect("readable")
        .code()
}

fn intents(text: &str) -> usize {
    text.matches("\"kind\":\"intent\"").count()
}

/// How many bytes hold lines.
fn length(text: &[u8]) -> usize {
    let last = text.iter().rposition(|byte| *byte != b'\n');
    last.map_or(0, |last| last + 2)
}

#[test]
fn filled_room_is_gone_on_in_and_given_back_at_the_seal() {
    let (place, segment) = filled();
    let text = fs::read(&segment).expect("readable");
    assert!(text.len() > length(&text) + 1024, "nothing was filled");
    assert_eq!(code(&place), 0, "room is no fault");

    let mut desk = Desk::open(Settings::new(place.journal()));
    record(&mut desk);
    let within = fs::read(&segment).expect("readable");
    assert_eq!(within.len(), text.len(), "the room was not used");
    assert!(length(&within) > length(&text));
    assert!(matches!(desk.journal.seal(BOUND), Sealed::Yes(_)));
    let sealed = fs::read_to_string(&segment).expect("readable");
    assert!(!sealed.ends_with("\n\n"), "the room stays behind the seal");
    assert_eq!(intents(&sealed), CALLS + 1);
    assert_eq!(code(&place), 0);
}

#[test]
fn a_line_that_was_cut_off_in_filled_room_is_torn_and_mended() {
    let (place, segment) = filled();
    let mut text = fs::read(&segment).expect("readable");
    let end = length(&text);
    let half = text[..200].to_vec();
    text[end..end + half.len()].copy_from_slice(&half);
    fs::write(&segment, &text).expect("writable");
    assert_eq!(code(&place), 2);

    let mut desk = Desk::open(Settings::new(place.journal()));
    record(&mut desk);
    assert!(matches!(desk.journal.seal(BOUND), Sealed::Yes(_)));
    assert_eq!(code(&place), 0);
    let mended = fs::read_to_string(&segment).expect("readable");
    assert_eq!(intents(&mended), CALLS + 1);
    assert_eq!(mended.matches("\"kind\":\"recovered\"").count(), 1);
}

#[test]
fn nothing_hides_behind_filled_room() {
    let (place, segment) = filled();
    let text = fs::read(&segment).expect("readable");
    let line = text.split_inclusive(|byte| *byte == b'\n').nth(1);
    let hidden = [&text, line.expect("a line")].concat();
    fs::write(&segment, hidden).expect("writable");
    assert_eq!(code(&place), 1);

    let (place, segment) = filled();
    let mut text = fs::read(&segment).expect("readable");
    let end = length(&text);
    // A record is gone from among the others, and room stands in its place.
    let start = text[..end - 1].iter().rposition(|byte| *byte == b'\n');
    let before = start.expect("a line before");
    let first = text[..before].iter().rposition(|byte| *byte == b'\n');
    text[first.expect("one more") + 1..before].fill(b'\n');
    fs::write(&segment, text).expect("writable");
    assert_ne!(code(&place), 0);
}
