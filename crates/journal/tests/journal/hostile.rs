//! Folders and files that somebody else prepared.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use dropgate_journal::{Damage, Journal, Known, Sealed, Settings, Tier, What, look_up, verify};

use crate::stage::{BOUND, Desk, Dice, Place, outcome};

fn refusal(settings: Settings) -> String {
    match Journal::open(settings, Box::new(|| {})) {
        Ok(_) => panic!("opened"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn folders_that_others_can_enter_and_links_in_place_of_files_are_refused() {
    let place = Place::abandoned();
    fs::set_permissions(place.journal(), fs::Permissions::from_mode(0o755)).expect("mode");
    let why = refusal(Settings::new(place.journal()));
    assert!(why.contains("chmod 700"), "{why}");
    fs::set_permissions(place.journal(), fs::Permissions::from_mode(0o700)).expect("mode");

    let link = place.path().join("elsewhere");
    symlink(place.journal(), &link).expect("a link");
    let why = refusal(Settings::new(link));
    assert!(why.contains("symbolic link"), "{why}");

    let lock = place.chain().join("lock");
    fs::remove_file(&lock).expect("removable");
    symlink("/etc/hostname", &lock).expect("a link");
    let why = refusal(Settings::new(place.journal()));
    assert!(why.contains("link"), "{why}");
}

#[test]
fn a_pipe_in_place_of_a_segment_does_not_block() {
    let place = Place::abandoned();
    let segment = place.segments().pop().expect("a segment");
    fs::remove_file(&segment).expect("removable");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &segment,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .expect("a pipe");
    let why = refusal(Settings::new(place.journal()));
    assert!(why.contains("no file"), "{why}");
    assert!(verify(&place.journal(), &Known::default()).is_err());
}

#[test]
fn a_changed_record_stops_the_start_unless_the_damage_is_accepted() {
    let place = Place::abandoned();
    let segment = place.segments().pop().expect("a segment");
    let mut bytes = fs::read(&segment).expect("readable");
    let at = memchr::memmem::find(&bytes, b"append_line").expect("the tool's name");
    bytes[at] = b'A';
    fs::write(&segment, &bytes).expect("writable");
    let why = refusal(Settings::new(place.journal()));
    assert!(why.contains("line 2") && why.contains("verify"), "{why}");

    let mut settings = Settings::new(place.journal());
    settings.damage = Damage::Accept;
    // Nothing is accepted before there is a record of it.
    let desk = Desk::open(settings.clone());
    let of_damaged = segment.parent().expect("a folder").join("damage-accepted");
    assert!(!of_damaged.exists());
    desk.abandon();
    assert!(!of_damaged.exists());
    let desk = Desk::open(settings);
    assert!(matches!(desk.journal.seal(BOUND), Sealed::Yes(_)));
    assert!(of_damaged.exists());
    assert!(
        place
            .records()
            .iter()
            .any(|record| record["topic"] == "damage")
    );
    let verified = verify(&place.journal(), &Known::default()).expect("readable");
    assert_eq!((verified.code(), verified.chains.len()), (1, 2));

    // What was accepted stays accepted, and nothing else.
    let desk = Desk::open(Settings::new(place.journal()));
    assert_eq!(desk.journal.accepted().len(), 0);
    assert!(matches!(desk.journal.seal(BOUND), Sealed::Yes(_)));
    let notes = place.records();
    let notes = notes.iter().filter(|record| record["topic"] == "damage");
    assert_eq!(notes.count(), 1, "accepted once");
    // Behind the line that was accepted as well.
    let last = memchr::memmem::rfind(&bytes, b"append_line").expect("the tool's name");
    bytes[last] = b'A';
    fs::write(&segment, &bytes).expect("writable");
    let why = refusal(Settings::new(place.journal()));
    assert!(why.contains("line 2"), "{why}");
    let first = memchr::memchr(b'\n', &bytes).expect("a line");
    bytes[first - 2] ^= 1;
    fs::write(&segment, &bytes).expect("writable");
    let why = refusal(Settings::new(place.journal()));
    assert!(
        why.contains("line 1") && why.contains("--accept-damage"),
        "{why}"
    );
}

#[test]
fn a_torn_tail_is_put_aside_and_recorded() {
    let place = Place::abandoned();
    let segment = place.segments().pop().expect("a segment");
    let whole = fs::read(&segment).expect("readable");
    let torn = b"{\"v\":1,\"seq\":9,\"ts\":\"2026";
    fs::write(&segment, [whole.as_slice(), torn].concat()).expect("writable");
    let desk = Desk::open(Settings::new(place.journal()));
    assert!(matches!(desk.journal.seal(BOUND), Sealed::Yes(_)));
    let records = place.records();
    let recovered = records
        .iter()
        .find(|record| record["kind"] == "recovered")
        .expect("it is recorded");
    assert_eq!(recovered["bytes"], torn.len());
    let aside = place.chain().join(format!("00000001-{}.torn", whole.len()));
    assert_eq!(fs::read(aside).expect("it is put aside"), torn);
    let verified = verify(&place.journal(), &Known::default()).expect("readable");
    assert_eq!(verified.code(), 0);
}

#[test]
fn lines_without_end_and_files_full_of_anything_are_bounded() {
    let mut dice = Dice::new();
    let endless = vec![b'x'; 3 << 20];
    let zeros = vec![0; 1 << 20];
    let noise: Vec<u8> = (0..1 << 16)
        .map(|_| u8::try_from(dice.below(256)).expect("a byte"))
        .collect();
    let newlines = vec![b'\n'; 1 << 16];
    for (at, content) in [endless, zeros, noise, newlines, Vec::new()]
        .iter()
        .enumerate()
    {
        let place = Place::abandoned();
        let segment = place.chain().join("00000002.jsonl");
        fs::write(&segment, content).expect("writable");
        let verified = verify(&place.journal(), &Known::default()).expect("readable");
        assert_eq!(
            verified.code() == 0,
            content.is_empty(),
            "{at}: {verified:?}; {dice}"
        );
        let mut desk = Desk::open(Settings::new(place.journal()));
        let call = desk.journal.new_call().expect("a reference");
        let ticket = desk.journal.outcome(outcome(call, What::Shed), Tier::Sync);
        drop(desk.receipt(ticket.expect("taken")));
        assert!(matches!(desk.journal.seal(BOUND), Sealed::Yes(_)));
        let verified = verify(&place.journal(), &Known::default()).expect("readable");
        assert_eq!(verified.code(), 0, "{at}: {verified:?}; {dice}");
        let account = look_up(&place.journal(), call)
            .expect("readable")
            .expect("found");
        assert_eq!(account.records.len(), 1);
    }
}

#[test]
fn a_folder_with_too_many_chains_is_refused() {
    let place = Place::abandoned();
    for number in 0..1024_u32 {
        let letters: Vec<u8> = (0..13)
            .map(|at| {
                b"ABCDEFGHIJKLMNOP"[usize::try_from(number >> (at % 8 * 4) & 15).expect("small")]
            })
            .collect();
        let name = format!("chain-{}", String::from_utf8_lossy(&letters));
        let _two_can_be_alike = fs::create_dir(place.journal().join(name));
    }
    let made = fs::read_dir(place.journal()).expect("the journal").count();
    assert!(made > 1024, "{made}");
    let why = refusal(Settings::new(place.journal()));
    assert!(why.contains("more chains"), "{why}");
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config {
        cases: 64,
        failure_persistence: None,
        ..proptest::test_runner::Config::default()
    })]

    #[test]
    fn any_bytes_in_place_of_a_segment_are_put_aside_or_refused(
        content in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..4000),
    ) {
        let place = Place::new();
        crate::recover_body::recover_any(place.path(), &content);
    }

    #[test]
    fn any_piece_of_a_real_segment_is_gone_on_with_or_refused(
        from in 0.0..1.0_f64,
        to in 0.0..1.0_f64,
        again in 0..3_usize,
    ) {
        let place = Place::abandoned();
        let bytes = fs::read(place.segments().pop().expect("a segment")).expect("readable");
        let at = |share: f64| (share * bytes.len() as f64) as usize;
        let (from, to) = (at(from.min(to)), at(from.max(to)));
        let content = [&bytes[..to], bytes[from..to].repeat(again).as_slice()].concat();
        let other = Place::new();
        crate::recover_body::recover_any(other.path(), &content);
    }
}
