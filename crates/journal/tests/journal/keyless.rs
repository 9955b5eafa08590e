//! The private key of a chain is lost or garbled.

use std::fs;
use std::path::Path;

use dropgate_journal::{Known, Sealed, Settings, Verdict, verify};

use crate::stage::{BOUND, Desk, Place};

fn verdicts(place: &Place) -> (u8, Vec<u8>) {
    let verified = verify(&place.journal(), &Known::default()).expect("readable");
    let mut each: Vec<u8> = verified
        .chains
        .iter()
        .map(|chain| chain.verdict.code())
        .collect();
    each.sort_unstable();
    (verified.code(), each)
}

type Loss = fn(&Path);

/// Every way to lose a key.
const LOSSES: [(&str, Loss); 4] = [
    ("removed", |sign| fs::remove_file(sign).expect("removable")),
    ("emptied", |sign| fs::write(sign, b"").expect("writable")),
    ("one bit flipped", |sign| {
        let mut bytes = fs::read(sign).expect("readable");
        bytes[20] ^= 1;
        fs::write(sign, bytes).expect("writable");
    }),
    ("that of another chain", |sign| {
        let place = Place::abandoned();
        let other = place.chain();
        fs::copy(other.join("sign"), sign).expect("copied");
    }),
];

#[test]
fn a_lost_key_is_called_that_and_a_new_chain_begins() {
    for (what, lose) in LOSSES {
        let place = Place::abandoned();
        let chain = place.chain();
        lose(&chain.join("sign"));
        assert_eq!(verdicts(&place), (4, vec![4]), "{what}, before the start");
        for start in 0..3 {
            let desk = Desk::open(Settings::new(place.journal()));
            let told = desk.journal.keyless().len();
            assert_eq!(told, usize::from(start == 0), "{what}: told once");
            assert_ne!(chain.file_name(), Some(desk.journal.chain().as_ref()));
            assert!(matches!(desk.journal.seal(BOUND), Sealed::Yes(_)));
            assert_eq!(verdicts(&place), (4, vec![0, 4]), "{what}, start {start}");
        }
        let noted = |record: &serde_json::Value| record["topic"] == "key_lost";
        assert_eq!(place.records().iter().filter(|one| noted(one)).count(), 1);
    }
}

#[test]
fn a_key_without_a_checksum_is_held_against_what_the_chain_says() {
    const KEYS: usize = 80;
    let place = Place::abandoned();
    let chain = place.chain();
    let sign = chain.join("sign");
    let mut keys = fs::read(&sign).expect("readable");
    keys.truncate(KEYS);
    fs::write(&sign, &keys).expect("writable");
    assert_eq!(verdicts(&place), (0, vec![0]));
    keys[20] ^= 1;
    fs::write(&sign, &keys).expect("writable");
    assert_eq!(verdicts(&place), (4, vec![4]));
}

#[test]
fn a_chain_that_was_sealed_before_its_key_was_lost_stays_whole() {
    let place = Place::abandoned();
    let chain = place.chain();
    let desk = Desk::open(Settings::new(place.journal()));
    assert!(matches!(desk.journal.seal(BOUND), Sealed::Yes(_)));
    fs::remove_file(chain.join("sign")).expect("removable");
    assert_eq!(verdicts(&place), (0, vec![0]), "every record is signed");
    let desk = Desk::open(Settings::new(place.journal()));
    assert_eq!(desk.journal.keyless().len(), 1);
    assert!(matches!(desk.journal.seal(BOUND), Sealed::Yes(_)));
    assert_eq!(verdicts(&place), (0, vec![0, 0]));
}

#[test]
fn nothing_may_follow_the_seal_of_a_chain_without_a_key_and_nothing_in_it_may_change() {
    let place = Place::abandoned();
    let chain = place.chain();
    fs::remove_file(chain.join("sign")).expect("removable");
    let desk = Desk::open(Settings::new(place.journal()));
    assert!(matches!(desk.journal.seal(BOUND), Sealed::Yes(_)));
    let verified = verify(&place.journal(), &Known::default()).expect("readable");
    let keyless = verified
        .chains
        .iter()
        .find(|one| matches!(one.verdict, Verdict::Unsigned { .. }))
        .expect("the old chain");
    assert_eq!(keyless.signed, 0, "it had not come to a note");

    let segment = chain.join("00000001.jsonl");
    let whole = fs::read(&segment).expect("readable");
    let mut changed = whole.clone();
    let at = memchr::memmem::find(&changed, b"append_line").expect("the tool's name");
    changed[at] = b'A';
    fs::write(&segment, changed).expect("writable");
    assert_eq!(verdicts(&place).0, 1);
}
