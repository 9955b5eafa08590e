//! Every change to a journal is noticed: random ones, and those that somebody would make on purpose.

use std::fs;
use std::path::PathBuf;

use dropgate_journal::{Head, Known, Sealed, Settings, Tier, What, verify};
use sha2::{Digest as _, Sha256};

use crate::stage::{BOUND, Desk, Dice, Place, intent, outcome, soak};

/// How many changes are tried, and in full.
const SHARE: usize = 600;
const FULL: usize = 10_000;

/// A journal of several segments, its files and its last head.
struct Original {
    place: Place,
    files: Vec<(PathBuf, Vec<u8>)>,
    head: Head,
}

impl Original {
    fn write() -> Self {
        let place = Place::new();
        let mut settings = Settings::new(place.journal());
        settings.segment_bytes = 6000;
        let mut desk = Desk::open(settings);
        for _ in 0..20 {
            let call = desk.journal.new_call().expect("a reference");
            let ticket = desk
                .journal
                .intent(intent(call), Tier::Sync)
                .expect("taken");
            drop(desk.receipt(ticket));
            let ticket = desk
                .journal
                .outcome(outcome(call, What::Completed), Tier::Sync)
                .expect("taken");
            drop(desk.receipt(ticket));
        }
        let Sealed::Yes(head) = desk.journal.seal(BOUND) else {
            panic!("not sealed");
        };
        let files: Vec<(PathBuf, Vec<u8>)> = place
            .segments()
            .into_iter()
            .map(|path| {
                let bytes = fs::read(&path).expect("readable");
                (path, bytes)
            })
            .collect();
        assert!(files.len() > 2, "several segments");
        Self { place, files, head }
    }

    /// Puts every file back as it was.
    fn restore(&self) {
        for (path, bytes) in &self.files {
            fs::write(path, bytes).expect("writable");
        }
    }

    fn code(&self) -> u8 {
        let known = Known {
            heads: vec![self.head.hash],
            ..Known::default()
        };
        verify(&self.place.journal(), &known)
            .expect("readable")
            .code()
    }
}

/// One change; what it did, or nothing if it would have changed nothing.
fn change(original: &Original, dice: &mut Dice) -> Option<String> {
    let (path, bytes) = dice.pick(&original.files);
    let name = path
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    let mut lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let one = dice.below(lines.len());
    let other = dice.below(lines.len());
    let forged = forged(lines[one]);
    let (what, changed) = match dice.below(10) {
        0..=2 => {
            let at = dice.below(bytes.len());
            let bit = dice.below(8);
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            (format!("bit {bit} of byte {at} flipped"), changed)
        }
        3 => {
            lines.swap(one, other);
            (format!("lines {one} and {other} swapped"), lines.concat())
        }
        4 => {
            lines.remove(one);
            (format!("line {one} dropped"), lines.concat())
        }
        5 => {
            lines.insert(other, lines[one]);
            (format!("line {one} repeated at {other}"), lines.concat())
        }
        6 => {
            let at = dice.below(bytes.len());
            (format!("cut at {at}"), bytes[..at].to_vec())
        }
        7 => {
            let (old_path, old) = dice.pick(&original.files);
            (format!("{} replayed", old_path.display()), old.clone())
        }
        8 => {
            lines[one] = &forged;
            (format!("line {one} forged"), lines.concat())
        }
        _garbage => {
            let at = dice.below(bytes.len());
            let mut changed = bytes.clone();
            changed.insert(at, b" \n{}\"0a"[dice.below(7)]);
            (format!("a byte put in at {at}"), changed)
        }
    };
    if changed == *bytes {
        return None;
    }
    fs::write(path, changed).expect("writable");
    Some(format!("{name}: {what}"))
}

/// The line with another time, and the hash that goes with it, so that by itself it is right.
fn forged(line: &[u8]) -> Vec<u8> {
    let text = str::from_utf8(line).expect("text");
    let (before, after) = text.split_once(",\"mono\":").expect("a time");
    let hash = after.rfind(",\"h\":\"").expect("a hash");
    let hashed = format!("{before},\"mono\":1{}", &after[..hash]);
    let (_, prev) = hashed.rsplit_once(",\"prev\":\"").expect("a hash");
    let mut digest = Sha256::new();
    digest.update(&prev[..64]);
    digest.update(&hashed);
    digest.update("}");
    let hash: String = digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{hashed},\"h\":\"{hash}\"}}\n").into_bytes()
}

#[test]
fn every_forged_line_is_noticed() {
    let original = Original::write();
    for (path, bytes) in &original.files {
        let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        for (at, line) in lines.iter().enumerate() {
            let forged = forged(line);
            let mut changed = lines.clone();
            changed[at] = &forged;
            fs::write(path, changed.concat()).expect("writable");
            assert_ne!(original.code(), 0, "{}: line {at}", path.display());
        }
        fs::write(path, bytes).expect("writable");
    }
    assert_eq!(original.code(), 0);
}

#[test]
fn every_random_change_is_noticed() {
    let original = Original::write();
    assert_eq!(original.code(), 0);
    let (mut dice, count) = (Dice::new(), soak(SHARE, FULL));
    let mut made = 0;
    while made < count {
        let Some(what) = change(&original, &mut dice) else {
            continue;
        };
        assert_ne!(original.code(), 0, "not noticed: {what}; {dice}");
        original.restore();
        made += 1;
    }
    assert_eq!(original.code(), 0);
}

#[test]
fn a_cut_between_records_with_the_mark_is_noticed_by_whoever_kept_the_head() {
    let original = Original::write();
    let (path, bytes) = original.files.last().expect("segments");
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    fs::write(path, lines[..lines.len() - 1].concat()).expect("writable");
    let without = verify(&original.place.journal(), &Known::default()).expect("readable");
    assert_eq!(
        without.code(),
        3,
        "the mark beside the chain says that it was longer"
    );
    fs::remove_file(path.with_file_name("head")).expect("removable");
    let without = verify(&original.place.journal(), &Known::default()).expect("readable");
    assert_eq!(without.code(), 0, "order can be proved, completeness can't");
    assert_eq!(original.code(), 3);
    fs::remove_file(path).expect("removable");
    assert_eq!(original.code(), 3);
}

#[test]
fn each_kind_of_change_has_its_verdict() {
    let original = Original::write();
    let (path, bytes) = &original.files[1];
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();

    let mut flipped = bytes.clone();
    flipped[300] ^= 1;
    fs::write(path, flipped).expect("writable");
    assert_eq!(original.code(), 1, "changed");

    original.restore();
    let mut dropped = lines.clone();
    dropped.remove(2);
    fs::write(path, dropped.concat()).expect("writable");
    assert_eq!(original.code(), 3, "missing");

    original.restore();
    fs::remove_file(path).expect("removable");
    assert_eq!(original.code(), 3, "a whole segment is missing");

    original.restore();
    let (last, bytes) = original.files.last().expect("segments");
    fs::write(last, &bytes[..bytes.len() - 10]).expect("writable");
    let code = || {
        let verified = verify(&original.place.journal(), &Known::default());
        verified.expect("readable").code()
    };
    assert_eq!(code(), 3, "the seal was on the disk");
    fs::write(last, [bytes, &bytes[..10]].concat()).expect("writable");
    assert_eq!(code(), 2, "torn");
}
