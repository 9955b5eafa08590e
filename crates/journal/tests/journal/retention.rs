//! What is too much goes, and the rest still verifies.

use std::time::Duration;

use dropgate_journal::{Keep, Known, Sealed, Settings, Tier, Verdict, What, verify};

use crate::stage::{BOUND, Desk, Place, intent, outcome};

/// A process that makes so many calls with answers that are kept, and ends in order.
pub(crate) fn write(settings: Settings, calls: usize) {
    let mut desk = Desk::open(settings);
    for _ in 0..calls {
        let call = desk.journal.new_call().expect("a reference");
        let ticket = desk
            .journal
            .intent(intent(call), Tier::Sync)
            .expect("taken");
        drop(desk.receipt(ticket));
        let mut done = outcome(call, What::Completed);
        done.keep = Keep::Result(vec![b'r'; 2000].into());
        let ticket = desk.journal.outcome(done, Tier::Sync).expect("taken");
        drop(desk.receipt(ticket));
    }
    assert!(matches!(desk.journal.seal(BOUND), Sealed::Yes(_)));
}

#[test]
fn the_oldest_segments_go_and_the_rest_follows_from_a_stub() {
    let place = Place::new();
    let mut settings = Settings::new(place.journal());
    settings.segment_bytes = 8000;
    write(settings.clone(), 60);
    let before = verify(&place.journal(), &Known::default()).expect("readable");
    let (all, key) = (
        place.segments(),
        before.chains[0].key.clone().expect("a key"),
    );
    assert!(all.len() > 4);
    assert_eq!(before.chains[0].removed, 0);

    let contents: Vec<_> = all
        .iter()
        .map(|one| std::fs::read(one).expect("readable"))
        .collect();
    settings.max_bytes = 60_000;
    write(settings.clone(), 4);
    let left = place.segments();
    assert!(
        !left.contains(&all[0]) && left.len() < all.len(),
        "{left:?}"
    );
    assert!(!all[0].with_extension("kept").exists());
    assert!(!all[0].with_extension("kept-key").exists());
    let known = Known {
        keys: vec![key],
        ..Known::default()
    };
    let verified = verify(&place.journal(), &known).expect("readable");
    assert_eq!(verified.code(), 0, "{verified:?}");
    assert!(verified.chains[0].removed > 0);
    assert_ne!(verified.chains[0].head, before.chains[0].head);

    // A process that was killed before it removed what the stub stands for already: its end must
    // be what the stub says, and nothing of it counts twice.
    let last = all
        .iter()
        .rposition(|one| !left.contains(one))
        .expect("one that is gone");
    let (gone, removed) = (&all[last], &contents[last]);
    std::fs::write(gone, removed).expect("writable");
    let verified = verify(&place.journal(), &known).expect("readable");
    assert_eq!(verified.code(), 0, "{verified:?}");
    let mut changed = removed.clone();
    let at = memchr::memmem::find(&changed, b"append_line").expect("the tool's name");
    changed[at] = b'A';
    std::fs::write(gone, changed).expect("writable");
    assert_eq!(
        verify(&place.journal(), &known).expect("readable").code(),
        1
    );
    std::fs::write(gone, removed).expect("writable");

    // Everything but the last segment is too old for this one.
    settings.keep = Duration::ZERO;
    settings.max_bytes = u64::MAX;
    write(settings, 1);
    assert_eq!(place.segments().len(), 1);
    let verified = verify(&place.journal(), &known).expect("readable");
    assert_eq!(verified.code(), 0, "{verified:?}");

    let stub = left[0].with_file_name("stub");
    std::fs::remove_file(&stub).expect("removable");
    let verified = verify(&place.journal(), &known).expect("readable");
    assert!(
        matches!(verified.chains[0].verdict, Verdict::Gap { .. }),
        "{verified:?}"
    );
}

#[test]
fn a_chain_that_begins_with_another_key_is_a_strangers() {
    let place = Place::new();
    write(Settings::new(place.journal()), 1);
    let other = Place::new();
    write(Settings::new(other.journal()), 1);
    let stranger = verify(&other.journal(), &Known::default()).expect("readable");
    let known = Known {
        keys: stranger.chains[0].key.clone().into_iter().collect(),
        ..Known::default()
    };
    let verified = verify(&place.journal(), &known).expect("readable");
    assert_eq!(verified.code(), 1, "{verified:?}");
}
