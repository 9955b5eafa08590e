//! Verifying a part of a chain: what stands in it counts, and what stands before it does not.

use std::fs;
use std::path::{Path, PathBuf};

use dropgate_journal::{Known, Part, PartError, Settings, Verdict, Verified, verify, verify_part};

use crate::retention::write;
use crate::stage::Place;

/// A chain of several segments, with the number of the first record in each.
fn several() -> (Place, Vec<(PathBuf, u64)>) {
    let place = Place::new();
    let mut settings = Settings::new(place.journal());
    settings.segment_bytes = 8000;
    write(settings, 40);
    let segments: Vec<_> = place
        .segments()
        .into_iter()
        .map(|path| (path.clone(), numbers(&path)[0]))
        .collect();
    assert!(segments.len() > 3, "{segments:?}");
    (place, segments)
}

fn numbers(segment: &Path) -> Vec<u64> {
    let text = fs::read_to_string(segment).expect("text");
    let record = |line: &str| serde_json::from_str::<serde_json::Value>(line).expect("JSON");
    let number = |line| record(line)["seq"].as_u64().expect("a number");
    text.lines()
        .filter(|line| !line.is_empty())
        .map(number)
        .collect()
}

fn part(place: &Place, from: Option<u64>, to: Option<u64>) -> Verified {
    let part = Part {
        chain: None,
        from,
        to,
    };
    verify_part(&place.journal(), &part, &Known::default()).expect("readable")
}

/// Changes a tool's name in the middle of a segment.
fn change(segment: &Path) {
    let mut bytes = fs::read(segment).expect("readable");
    let at = memchr::memmem::find(&bytes, b"append_line").expect("the tool's name");
    bytes[at] = b'A';
    fs::write(segment, bytes).expect("writable");
}

#[test]
fn a_part_counts_its_own_records_and_ends_with_its_own_head() {
    let (place, segments) = several();
    let all = verify(&place.journal(), &Known::default()).expect("readable");
    let end = all.records();
    for (from, to) in [(1, 1), (1, end), (2, 9), (segments[2].1, end), (end, end)] {
        let found = part(&place, Some(from), Some(to));
        assert_eq!(found.code(), 0, "{from} to {to}: {found:?}");
        assert_eq!(found.records(), to - from + 1);
        assert_eq!(found.chains[0].head.expect("a head").seq, to);
    }
    let open = part(&place, Some(segments[1].1), None);
    assert_eq!(open.chains[0].head, all.chains[0].head);
    assert_eq!(open.records(), end - segments[1].1 + 1);
    let first = part(&place, None, Some(4));
    assert_eq!((first.code(), first.records()), (0, 4));
    assert_eq!(first.chains[0].key, all.chains[0].key);
}

#[test]
fn a_change_before_a_part_is_passed_over_and_one_in_it_is_found() {
    let (place, segments) = several();
    let end = verify(&place.journal(), &Known::default())
        .expect("readable")
        .records();
    change(&segments[0].0);
    assert_eq!(part(&place, None, None).code(), 1);
    assert_eq!(part(&place, Some(segments[1].1), Some(end)).code(), 0);
    assert_eq!(part(&place, Some(1), Some(end)).code(), 1);
    assert_eq!(part(&place, Some(segments[1].1 - 1), Some(end)).code(), 1);

    change(&segments[2].0);
    assert_eq!(part(&place, Some(segments[1].1), Some(end)).code(), 1);
    assert_eq!(part(&place, Some(segments[3].1), Some(end)).code(), 0);
}

#[test]
fn the_last_record_of_a_part_is_held_against_the_note_that_covers_it() {
    let (place, segments) = several();
    let (segment, first) = &segments[1];
    let bytes = fs::read(segment).expect("readable");
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    // What follows the part says that it is another: its own hash is the only one that fits.
    let next = [&lines[..2], &lines[3..]].concat().concat();
    fs::write(segment, next).expect("writable");
    let found = part(&place, Some(*first), Some(first + 1));
    assert!(
        matches!(found.chains[0].verdict, Verdict::Gap { .. }),
        "{found:?}"
    );
}

#[test]
fn what_is_asked_for_must_be_there() {
    let (place, _segments) = several();
    let end = verify(&place.journal(), &Known::default())
        .expect("readable")
        .records();
    assert_eq!(part(&place, Some(1), Some(end + 1)).code(), 3);
    assert_eq!(part(&place, Some(end + 1), None).code(), 3);
    assert_eq!(part(&place, None, Some(u64::MAX - 1)).code(), 3);

    let mut settings = Settings::new(place.journal());
    settings.max_bytes = 40_000;
    settings.segment_bytes = 8000;
    write(settings, 1);
    let left = place.segments();
    let removed = numbers(&left[0])[0] - 1;
    assert!(removed > 2);
    let gone = part(&place, Some(1), Some(removed));
    let Verdict::Gap { why, .. } = &gone.chains[0].verdict else {
        panic!("{gone:?}");
    };
    assert!(why.contains("were removed"), "{why}");
    assert_eq!(part(&place, Some(1), Some(removed + 1)).records(), 1);
}

#[test]
fn heads_count_inside_the_part_only() {
    let (place, segments) = several();
    let head = part(&place, None, Some(5)).chains[0]
        .head
        .expect("a head")
        .hash;
    let known = Known {
        heads: vec![head],
        ..Known::default()
    };
    let with = |from, to| {
        let part = Part {
            chain: None,
            from: Some(from),
            to: Some(to),
        };
        verify_part(&place.journal(), &part, &known)
            .expect("readable")
            .code()
    };
    assert_eq!(with(5, 6), 0);
    assert_eq!(with(6, 7), 3);
    assert_eq!(with(segments[1].1, segments[1].1), 3);
}

#[test]
fn of_several_chains_one_has_to_be_named() {
    let place = Place::abandoned();
    let first = place.chain();
    let name = |path: &Path| {
        path.file_name()
            .and_then(|name| name.to_str().map(str::to_owned))
    };
    // Another process writes at the same time.
    let desk = crate::stage::Desk::open(Settings::new(place.journal()));
    let other = crate::stage::Desk::open(Settings::new(place.journal()));
    let asked = |chain| {
        let part = Part {
            chain,
            ..Part::default()
        };
        verify_part(&place.journal(), &part, &Known::default())
    };
    assert!(matches!(asked(None), Err(PartError::WhichChain(2))));
    let strange = Some("chain-AAAAAAAAAAAAA".to_owned());
    assert!(matches!(asked(strange), Err(PartError::NoChain(_))));
    assert_eq!(asked(name(&first)).expect("readable").code(), 0);
    drop((desk, other));
}
