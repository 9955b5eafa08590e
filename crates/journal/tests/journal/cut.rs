//! Segments that somebody emptied or cut between two records, with all that stands beside them intact.

use std::fs;
use std::path::{Path, PathBuf};

use dropgate_journal::{
    Damage, Earlier, Intent, Journal, Known, OpenError, Part, Redeemed, Sealed, Settings, Tier,
    Verdict, What, verify, verify_part,
};

use crate::stage::{BOUND, Desk, Place, intent, outcome};

fn keyed(call: dropgate_journal::CallRef) -> Intent {
    let mut intent = intent(call);
    intent.key = Some("k".into());
    intent
}

/// A call with a key that was sent and answered, and a journal that was sealed in the end.
fn answered() -> (Place, PathBuf) {
    let place = Place::new();
    let mut desk = Desk::open(Settings::new(place.journal()));
    let call = desk.journal.new_call().expect("a reference");
    let first = keyed(call);
    let ticket = desk.journal.intent(first, Tier::Sync).expect("taken");
    drop(desk.receipt(ticket));
    let done = outcome(call, What::Completed);
    let ticket = desk.journal.outcome(done, Tier::Sync).expect("taken");
    drop(desk.receipt(ticket));
    assert!(matches!(desk.journal.seal(BOUND), Sealed::Yes(_)));
    let segment = place.segments().pop().expect("a segment");
    (place, segment)
}

fn code(place: &Place) -> u8 {
    verify(&place.journal(), &Known::default())
        .expect("readable")
        .code()
}

/// What a call with the same key is told.
fn again(desk: &mut Desk) -> Redeemed<dropgate_journal::Send> {
    let call = desk.journal.new_call().expect("a reference");
    let second = keyed(call);
    let ticket = desk.journal.intent(second, Tier::Sync).expect("taken");
    desk.settled(ticket)
}

fn assert_unknown(redeemed: Redeemed<dropgate_journal::Send>, after: &str) {
    let Redeemed::Held(Earlier::Ended { what, .. }) = redeemed else {
        panic!("{after}: the key was free again: {redeemed:?}");
    };
    assert_eq!(what, What::Unknown, "{after}");
}

/// Every shorter file that ends with a record, and the empty one.
fn cuts(segment: &Path) -> Vec<(String, Vec<u8>)> {
    let bytes = fs::read(segment).expect("readable");
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    (0..lines.len())
        .map(|kept| (format!("{kept} lines kept"), lines[..kept].concat()))
        .collect()
}

#[test]
fn a_cut_is_a_gap_and_stops_the_start_and_the_key_stays_taken() {
    let (place, segment) = answered();
    let whole = fs::read(&segment).expect("readable");
    for (what, content) in cuts(&segment) {
        fs::write(&segment, content).expect("writable");
        assert_eq!(code(&place), 3, "{what}");
        match Journal::open(Settings::new(place.journal()), Box::new(|| {})) {
            Err(error @ OpenError::Damaged { .. }) => {
                assert!(error.to_string().contains("are missing"), "{error}");
            }
            Err(error @ (OpenError::Folder(_) | OpenError::Thread(_))) => panic!("{error}"),
            Ok(_) => panic!("{what}: opened"),
        }
        fs::write(&segment, &whole).expect("writable");
    }
    assert_eq!(code(&place), 0);
}

#[test]
fn a_key_stays_taken_though_the_damage_is_accepted() {
    let (place, segment) = answered();
    for (what, content) in cuts(&segment) {
        let holds_the_intent = memchr::memmem::find(&content, b"\"intent\"").is_some();
        if holds_the_intent {
            continue;
        }
        fs::write(&segment, content).expect("writable");
        let mut settings = Settings::new(place.journal());
        settings.damage = Damage::Accept;
        let mut desk = Desk::open(settings);
        let redeemed = again(&mut desk);
        assert_unknown(redeemed, &what);
        desk.abandon();
    }
}

#[test]
fn a_key_stays_taken_when_its_segment_is_cut_while_the_next_process_writes_it() {
    let (_place, segment) = answered();
    for nth in 0..cuts(&segment).len() {
        let (place, segment) = answered();
        let (what, content) = cuts(&segment).swap_remove(nth);
        if memchr::memmem::find(&content, b"\"intent\"").is_some() {
            continue;
        }
        let mut desk = Desk::open(Settings::new(place.journal()));
        fs::write(&segment, content).expect("writable");
        let redeemed = again(&mut desk);
        assert_unknown(redeemed, &what);
        desk.abandon();
    }
}

/// Lets the claim of the only call be one of a call that has no record, made at this time.
fn claim_of_another(place: &Place, at: &str) {
    let link = fs::read_dir(place.journal().join("claims"))
        .expect("claims")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.is_symlink())
        .expect("a claim");
    let target = fs::read_link(&link).expect("a link");
    let mut words: Vec<&str> = target.to_str().expect("text").split(' ').collect();
    words[0] = "L-AAAAAAAAAAAAA";
    words[2] = at;
    fs::remove_file(&link).expect("removable");
    std::os::unix::fs::symlink(words.join(" "), &link).expect("linked");
}

#[test]
fn without_the_mark_a_claim_of_before_the_end_was_never_recorded_and_a_later_one_may_have_been() {
    let (place, segment) = answered();
    fs::remove_file(segment.with_file_name("head")).expect("removable");
    claim_of_another(&place, "2026-01-01T00:00:00.000Z");
    assert_eq!(code(&place), 0, "the seal says that nothing was to come");

    claim_of_another(&place, "2099-01-01T00:00:00.000Z");
    let verified = verify(&place.journal(), &Known::default()).expect("readable");
    let Verdict::Gap { why, .. } = &verified.chains[0].verdict else {
        panic!("{verified:?}");
    };
    assert!(
        why.contains("may be missing") && why.contains("was killed"),
        "{why}"
    );
    // Whoever names the chain asks for no less of it.
    let part = Part {
        chain: Some(verified.chains[0].chain.clone()),
        ..Part::default()
    };
    let of_chain = verify_part(&place.journal(), &part, &Known::default()).expect("readable");
    assert_eq!(of_chain.chains[0].verdict, verified.chains[0].verdict);
}

#[test]
fn without_the_mark_a_claim_shows_what_is_missing() {
    let (place, segment) = answered();
    let chain = segment.parent().expect("a folder");
    fs::remove_file(chain.join("head")).expect("removable");
    assert_eq!(code(&place), 0, "an older journal has no mark");
    fs::write(&segment, b"").expect("writable");
    assert_eq!(code(&place), 3);
    let mut desk = Desk::open(Settings::new(place.journal()));
    let redeemed = again(&mut desk);
    assert_unknown(redeemed, "emptied, without a mark");
    desk.abandon();

    let (place, segment) = answered();
    fs::remove_dir_all(segment.parent().expect("a folder")).expect("removable");
    let verified = verify(&place.journal(), &Known::default()).expect("readable");
    assert_eq!((verified.code(), verified.missing_chains.len()), (3, 1));
    let mut desk = Desk::open(Settings::new(place.journal()));
    let redeemed = again(&mut desk);
    assert_unknown(redeemed, "the whole chain removed");
}
