//! What the journal does by itself after so many records or so long: signed notes, new segments.

use std::time::{Duration, Instant};

use dropgate_journal::{
    Know, Known, Note, Sealed, Sealing, Settings, Ticket, Tier, Topic, Verdict, verify,
};
use serde_json::Value;

use crate::stage::{BOUND, Desk, Place};

/// The most records between two signed notes, and how long one may be without one.
const RECORDS: u64 = 1024;
const EVERY: Duration = Duration::from_secs(10);

fn note(desk: &mut Desk, tier: Tier) -> Ticket<Know> {
    let note = Note {
        topic: Topic::Denial,
        call: None,
        subject: "local".into(),
        text: "no".into(),
    };
    desk.journal.note(note, tier).expect("taken")
}

/// The numbers and times of the records that carry a signed note.
fn signed(records: &[Value]) -> Vec<(u64, u64)> {
    let carries = |record: &&Value| record["note"].is_string() && record["epoch"].is_u64();
    let place = |record: &Value| {
        let member = |name: &str| record[name].as_u64().expect("a number");
        (member("seq"), member("mono"))
    };
    records.iter().filter(carries).map(place).collect()
}

fn sealed_and_whole(desk: Desk, place: &Place) {
    assert!(matches!(desk.journal.seal(BOUND), Sealed::Yes(_)));
    let found = verify(&place.journal(), &Known::default()).expect("readable");
    let [chain] = &found.chains[..] else {
        panic!("{found:?}");
    };
    assert_eq!(
        (&chain.verdict, chain.ending),
        (&Verdict::Whole, Sealing::Sealed)
    );
}

#[test]
fn no_more_than_1_024_records_go_without_a_signed_note() {
    const MANY: u64 = 5 * RECORDS;
    let place = Place::new();
    let mut desk = Desk::open(Settings::new(place.journal()));
    let began = Instant::now();
    for _ in 0..MANY {
        drop(note(&mut desk, Tier::Write));
    }
    let last = note(&mut desk, Tier::Sync);
    drop(desk.receipt(last));
    assert!(
        began.elapsed() < EVERY,
        "time alone would have brought them"
    );
    let records = place.records();
    let signed = signed(&records);
    let ends = std::iter::once(0).chain(signed.iter().map(|(seq, _)| *seq));
    let ends: Vec<u64> = ends.chain([records.len() as u64]).collect();
    let gaps: Vec<u64> = ends.windows(2).map(|two| two[1] - two[0]).collect();
    assert!(gaps.iter().all(|gap| *gap <= RECORDS + 1), "{gaps:?}");
    assert!(signed.len() < 10, "{} notes", signed.len());
    sealed_and_whole(desk, &place);
}

#[test]
fn no_more_than_ten_seconds_go_without_a_signed_note_while_records_come() {
    let place = Place::new();
    let mut desk = Desk::open(Settings::new(place.journal()));
    let until = Instant::now() + BOUND;
    let first = note(&mut desk, Tier::Sync);
    drop(desk.receipt(first));
    let began = place.records().last().expect("a record")["mono"].as_u64();
    let began = began.expect("a time");
    let (seq, at) = loop {
        let ticket = note(&mut desk, Tier::Sync);
        drop(desk.receipt(ticket));
        let records = place.records();
        assert!((records.len() as u64) < RECORDS, "so many bring one anyway");
        if let Some(found) = signed(&records).into_iter().find(|(_, at)| *at > began) {
            break found;
        }
        assert!(Instant::now() < until, "no signed note came");
        // Nobody rings, so this is a pause between records.
        let _nothing_rings = desk.wakes.recv_timeout(EVERY / 40);
    };
    assert!(seq > 1);
    let took = Duration::from_millis(at - began);
    assert!(took <= EVERY + Duration::from_secs(2), "{took:?}");
    assert!(took >= EVERY - Duration::from_secs(1), "{took:?}");
    sealed_and_whole(desk, &place);
}

#[test]
fn a_segment_that_is_old_is_sealed_and_another_begun() {
    const AGE: Duration = Duration::from_millis(60);
    let place = Place::new();
    let mut settings = Settings::new(place.journal());
    settings.segment_age = AGE;
    let mut desk = Desk::open(settings);
    let until = Instant::now() + BOUND;
    while place.segments().len() < 4 {
        assert!(Instant::now() < until, "no segment was ended");
        let ticket = note(&mut desk, Tier::Sync);
        drop(desk.receipt(ticket));
    }
    sealed_and_whole(desk, &place);
    for path in place.segments().iter().rev().skip(1) {
        let text = std::fs::read_to_string(path).expect("text");
        let at = |line: Option<&str>, kind: &str| {
            let record: Value = serde_json::from_str(line.expect("a line")).expect("JSON");
            assert_eq!(record["kind"], kind);
            Duration::from_millis(record["mono"].as_u64().expect("a time"))
        };
        let began = at(text.lines().next(), "segment");
        let ended = at(text.lines().last(), "seal");
        assert!(ended - began >= AGE, "{:?}", ended - began);
        // Far from full.
        assert!(text.len() < 1 << 20);
    }
}
