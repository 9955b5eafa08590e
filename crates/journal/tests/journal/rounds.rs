//! Calls of several rounds: their key goes along, and a lost round is like itself alone.

use dropgate_journal::{Asked, Considered, Earlier, Redeemed, Retry, Sealed, Settings, Tier, What};

use crate::repeats::{ARGS, OTHER, SAME, asked, keyed, redeem};
use crate::stage::{BOUND, Desk, Place, intent, outcome};

const ROUND: &[u8] = br#"["s1",{"a":1}]"#;

fn round<'a>(key: Option<&'a str>, args: &'a [u8], round: &'a [u8]) -> Asked<'a> {
    Asked {
        round: Some(round),
        ..asked(key, args)
    }
}

fn settle(desk: &mut Desk, call: dropgate_journal::CallRef, what: What) {
    let ticket = desk.journal.outcome(outcome(call, what), Tier::Sync);
    let ticket = ticket.expect("taken");
    drop(desk.receipt(ticket));
}

#[test]
fn a_key_goes_from_round_to_round_and_rests_with_the_last() {
    let place = Place::new();
    let mut desk = Desk::open(Settings::new(place.journal()));
    let first = keyed(&mut desk, "k");
    let asking = first.call;
    assert!(matches!(redeem(&mut desk, first), Redeemed::Safe(_)));
    settle(&mut desk, asking, What::InputRequired);
    let second = round(Some("k"), ARGS, ROUND);
    assert_eq!(desk.journal.consider(&second), Considered::Fresh);
    // The first round again is the call's beginning again.
    assert_eq!(
        desk.journal.consider(&asked(Some("k"), ARGS)),
        Considered::Fresh
    );
    let other = Considered::Repeats(Earlier::OtherArguments { call: asking });
    assert_eq!(
        desk.journal.consider(&round(Some("k"), OTHER, ROUND)),
        other
    );

    // In another process too, which knows of the first round by the folder alone.
    assert!(matches!(desk.journal.seal(BOUND), Sealed::Yes(_)));
    let mut desk = Desk::open(Settings::new(place.journal()));
    let mut wrong = keyed(&mut desk, "k");
    wrong.args = OTHER.to_vec().into();
    wrong.round = Some(ROUND.into());
    let Redeemed::Held(earlier) = redeem(&mut desk, wrong) else {
        panic!("a round with other arguments had the key");
    };
    assert_eq!(earlier, Earlier::OtherArguments { call: asking });
    let mut second = keyed(&mut desk, "k");
    second.round = Some(ROUND.into());
    let last = second.call;
    assert!(matches!(redeem(&mut desk, second), Redeemed::Safe(_)));
    settle(&mut desk, last, What::Completed);
    let ended = Considered::Repeats(Earlier::Ended {
        call: last,
        what: What::Completed,
        retry: Retry::Never,
    });
    // Whoever asks with the key is told of the end, whichever round it is.
    for again in [asked(Some("k"), SAME), round(Some("k"), ARGS, ROUND)] {
        assert_eq!(desk.journal.consider(&again), ended);
    }
}

#[test]
fn a_lost_round_is_like_itself_alone() {
    let place = Place::new();
    let mut desk = Desk::open(Settings::new(place.journal()));
    let mut second = intent(desk.journal.new_call().expect("a reference"));
    second.round = Some(ROUND.into());
    let call = second.call;
    assert!(matches!(redeem(&mut desk, second), Redeemed::Safe(_)));
    settle(&mut desk, call, What::Unknown);
    assert!(matches!(desk.journal.seal(BOUND), Sealed::Yes(_)));
    let mut next = Desk::open(Settings::new(place.journal()));
    let spelt_otherwise = br#"[ "s1", {"a": 1.0} ]"#;
    assert_eq!(
        next.journal.consider(&round(None, SAME, spelt_otherwise)),
        Considered::Orphan {
            call,
            what: What::Unknown
        }
    );
    for other in [
        asked(None, ARGS),
        round(None, ARGS, br#"["s2",{"a":1}]"#),
        round(None, ARGS, br#"["s1",{"a":2}]"#),
        round(None, OTHER, ROUND),
    ] {
        assert_eq!(next.journal.consider(&other), Considered::Fresh);
    }
}
