//! Which calls count as repetitions: by key across writers, and orphans alone without one.

use dropgate_journal::{
    Again, Asked, Class, Considered, Earlier, Fetched, Intent, Keep, Note, Redeemed, Retry, Sealed,
    Settings, Tier, Topic, What, finish_abandoned, look_up,
};

use crate::stage::{BOUND, Desk, Place, about, intent, outcome};

pub(crate) const ARGS: &[u8] = br#"{"path":"/tmp/a","text":"hello","times":3}"#;
pub(crate) const SAME: &[u8] = br#"{"times":3.0, "text":"hello", "path":"/tmp/a"}"#;
pub(crate) const OTHER: &[u8] = br#"{"times":4,"text":"hello","path":"/tmp/a"}"#;

pub(crate) fn asked<'a>(key: Option<&'a str>, args: &'a [u8]) -> Asked<'a> {
    Asked {
        principal: "local",
        server: "files",
        tool: "append_line",
        key,
        args,
        round: None,
    }
}

pub(crate) fn keyed(desk: &mut Desk, key: &str) -> Intent {
    let mut intent = intent(desk.journal.new_call().expect("a reference"));
    intent.key = Some(key.into());
    intent
}

pub(crate) fn redeem(desk: &mut Desk, intent: Intent) -> Redeemed<dropgate_journal::Send> {
    let ticket = desk.journal.intent(intent, Tier::Sync).expect("taken");
    desk.settled(ticket)
}

#[test]
fn a_key_is_in_progress_then_ended_and_its_result_can_be_fetched() {
    let place = Place::new();
    let mut desk = Desk::open(Settings::new(place.journal()));
    assert_eq!(
        desk.journal.consider(&asked(Some("k"), ARGS)),
        Considered::Fresh
    );
    let first = keyed(&mut desk, "k");
    let call = first.call;
    assert!(matches!(redeem(&mut desk, first), Redeemed::Safe(_)));
    assert_eq!(
        desk.journal.consider(&asked(Some("k"), SAME)),
        Considered::Repeats(Earlier::InProgress { call })
    );
    assert_eq!(
        desk.journal.consider(&asked(Some("k"), OTHER)),
        Considered::Repeats(Earlier::OtherArguments { call })
    );
    assert_eq!(
        desk.journal.consider(&asked(Some("other"), ARGS)),
        Considered::Fresh
    );
    let mut other_principal = asked(Some("k"), ARGS);
    other_principal.principal = "somebody else";
    assert_eq!(desk.journal.consider(&other_principal), Considered::Fresh);

    let mut done = outcome(call, What::Completed);
    done.keep = Keep::Result(b"{\"content\":[]}".to_vec().into());
    let ticket = desk.journal.outcome(done, Tier::Sync).expect("taken");
    drop(desk.receipt(ticket));
    let ended = Earlier::Ended {
        call,
        what: What::Completed,
        retry: Retry::Never,
    };
    assert_eq!(
        desk.journal.consider(&asked(Some("k"), SAME)),
        Considered::Repeats(ended)
    );
    assert_eq!(desk.kept(call).as_deref(), Some(&b"{\"content\":[]}"[..]));
    let files: Vec<u8> = std::fs::read_dir(place.journal().join(desk.journal.chain()))
        .expect("the chain")
        .filter_map(|entry| std::fs::read(entry.expect("an entry").path()).ok())
        .flatten()
        .collect();
    assert!(
        memchr::memmem::find(&files, b"content").is_none(),
        "the result stands in the folder in clear"
    );

    // The same in the next process, which finds the claim in the folder.
    assert!(matches!(desk.journal.seal(BOUND), Sealed::Yes(_)));
    let mut next = Desk::open(Settings::new(place.journal()));
    assert_eq!(
        next.journal.consider(&asked(Some("k"), ARGS)),
        Considered::Fresh
    );
    let again = keyed(&mut next, "k");
    let Redeemed::Held(earlier) = redeem(&mut next, again) else {
        panic!("claimed twice");
    };
    assert_eq!(earlier, ended);
    assert_eq!(next.kept(call).as_deref(), Some(&b"{\"content\":[]}"[..]));
    let mut reused = keyed(&mut next, "k");
    reused.args = OTHER.to_vec().into();
    let Redeemed::Held(earlier) = redeem(&mut next, reused) else {
        panic!("claimed twice");
    };
    assert_eq!(earlier, Earlier::OtherArguments { call });
}

#[test]
fn an_expired_key_is_free_again() {
    let place = Place::new();
    let mut settings = Settings::new(place.journal());
    settings.key_ttl = std::time::Duration::ZERO;
    let mut desk = Desk::open(settings);
    for _ in 0..2 {
        let one = keyed(&mut desk, "k");
        assert_eq!(
            desk.journal.consider(&asked(Some("k"), ARGS)),
            Considered::Fresh
        );
        assert!(matches!(redeem(&mut desk, one), Redeemed::Safe(_)));
    }
}

#[test]
fn equal_calls_that_ended_well_are_never_merged() {
    let place = Place::new();
    for ending in [What::Completed, What::ToolError] {
        let mut desk = Desk::open(Settings::new(place.journal()));
        for _ in 0..3 {
            assert_eq!(desk.journal.consider(&asked(None, ARGS)), Considered::Fresh);
            let call = desk.journal.new_call().expect("a reference");
            assert!(matches!(redeem(&mut desk, intent(call)), Redeemed::Safe(_)));
            assert_eq!(desk.journal.consider(&asked(None, ARGS)), Considered::Fresh);
            let ticket = desk.journal.outcome(outcome(call, ending), Tier::Sync);
            drop(desk.receipt(ticket.expect("taken")));
            desk.journal.delivered(call).expect("taken");
        }
        assert!(matches!(desk.journal.seal(BOUND), Sealed::Yes(_)));
    }
}

/// How a call without a key ended, and what an equal one is then.
#[test]
fn only_orphans_are_matched_by_their_arguments() {
    #[derive(Clone, Copy, Debug)]
    enum End {
        None,
        Unknown,
        Undelivered,
        CompletedAtOnceWithTheWriter,
        Delivered,
    }
    for (end, expected) in [
        (End::None, Some(What::Unknown)),
        (End::Unknown, Some(What::Unknown)),
        (End::Undelivered, Some(What::Completed)),
        (End::CompletedAtOnceWithTheWriter, Some(What::Completed)),
        (End::Delivered, None),
    ] {
        let place = Place::new();
        let mut desk = Desk::open(Settings::new(place.journal()));
        let call = desk.journal.new_call().expect("a reference");
        assert!(matches!(redeem(&mut desk, intent(call)), Redeemed::Safe(_)));
        let ends = match end {
            End::None => None,
            End::Unknown => Some(What::Unknown),
            End::Undelivered | End::CompletedAtOnceWithTheWriter | End::Delivered => {
                Some(What::Completed)
            }
        };
        if let Some(what) = ends {
            let ticket = desk.journal.outcome(outcome(call, what), Tier::Sync);
            drop(desk.receipt(ticket.expect("taken")));
        }
        match end {
            End::Delivered => desk.journal.delivered(call).expect("taken"),
            End::Undelivered => {
                let note = Note {
                    topic: Topic::Undelivered,
                    call: Some(call),
                    subject: "host".into(),
                    text: "stdout is closed".into(),
                };
                let ticket = desk.journal.note(note, Tier::Write).expect("taken");
                drop(desk.receipt(ticket));
            }
            End::None | End::Unknown | End::CompletedAtOnceWithTheWriter => {}
        }
        let mark = Note {
            topic: Topic::Config,
            call: None,
            subject: "test".into(),
            text: "the last entry".into(),
        };
        let ticket = desk.journal.note(mark, Tier::Write).expect("taken");
        drop(desk.receipt(ticket));
        match end {
            End::Undelivered | End::Unknown => {
                assert!(matches!(desk.journal.seal(BOUND), Sealed::Yes(_)));
            }
            End::None | End::CompletedAtOnceWithTheWriter | End::Delivered => desk.abandon(),
        }

        let mut next = Desk::open(Settings::new(place.journal()));
        let found = next.journal.consider(&asked(None, SAME));
        match expected {
            None => assert_eq!(found, Considered::Fresh, "{end:?}"),
            Some(what) => {
                assert_eq!(found, Considered::Orphan { call, what }, "{end:?}");
                assert_eq!(
                    next.journal.consider(&asked(None, OTHER)),
                    Considered::Fresh
                );
                next.journal.forget_orphan(call);
                assert_eq!(next.journal.consider(&asked(None, SAME)), Considered::Fresh);
            }
        }
    }
}

/// How a call with a key ended, and whether an equal one gets the key.
#[test]
fn a_key_changes_hands_only_from_what_never_ran_or_what_may_run_again() {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Word {
        Nobodys,
        /// `repeatable` in the same process.
        Said,
        /// `again` of the new call.
        OfTheTool,
    }
    for (what, word, expected) in [
        (What::NotExecuted, Word::Nobodys, true),
        (What::Shed, Word::Nobodys, true),
        (What::Unknown, Word::Nobodys, false),
        (What::TimedOut, Word::Nobodys, false),
        (What::Unknown, Word::Said, true),
        (What::TimedOut, Word::OfTheTool, true),
        (What::Completed, Word::OfTheTool, false),
        (What::Completed, Word::Said, false),
    ] {
        for elsewhere in [false, true] {
            let place = Place::new();
            let mut desk = Desk::open(Settings::new(place.journal()));
            let first = keyed(&mut desk, "k");
            let call = first.call;
            assert!(matches!(redeem(&mut desk, first), Redeemed::Safe(_)));
            let ticket = desk.journal.outcome(outcome(call, what), Tier::Sync);
            drop(desk.receipt(ticket.expect("taken")));
            if elsewhere {
                assert!(matches!(desk.journal.seal(BOUND), Sealed::Yes(_)));
                desk = Desk::open(Settings::new(place.journal()));
            }
            if word == Word::Said {
                let ticket = desk.journal.repeatable(call, "test").expect("taken");
                drop(desk.receipt(ticket));
            }
            let mut again = keyed(&mut desk, "k");
            if word == Word::OfTheTool {
                again.again = Again::IfUnknown;
            }
            let taken = again.call;
            let redeemed = redeem(&mut desk, again);
            let got = matches!(redeemed, Redeemed::Safe(_));
            assert_eq!(got, expected, "{what:?} {word:?} {elsewhere}: {redeemed:?}");
            if !got {
                continue;
            }
            // Whoever has it now is the one who is asked for.
            let third = keyed(&mut desk, "k");
            let Redeemed::Held(earlier) = redeem(&mut desk, third) else {
                panic!("claimed twice");
            };
            assert_eq!(earlier, Earlier::InProgress { call: taken });
            let mut other = keyed(&mut desk, "k");
            other.args = OTHER.to_vec().into();
            other.again = Again::IfUnknown;
            let redeemed = redeem(&mut desk, other);
            assert!(
                matches!(redeemed, Redeemed::Held(Earlier::OtherArguments { .. })),
                "{redeemed:?}"
            );
        }
    }
}

#[test]
fn a_key_whose_call_was_never_recorded_is_free() {
    let place = Place::new();
    let mut desk = Desk::open(Settings::new(place.journal()));
    let first = keyed(&mut desk, "k");
    assert!(matches!(redeem(&mut desk, first), Redeemed::Safe(_)));
    assert!(matches!(desk.journal.seal(BOUND), Sealed::Yes(_)));
    // As if the process had ended between the claim and the intent.
    let claims = place.journal().join("claims");
    let link = std::fs::read_dir(&claims)
        .expect("claims")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.is_symlink())
        .expect("a claim");
    let target = std::fs::read_link(&link).expect("a link");
    let target = target.to_str().expect("text");
    let (_, rest) = target.split_once(' ').expect("words");
    std::fs::remove_file(&link).expect("removed");
    std::os::unix::fs::symlink(format!("L-AAAAAAAAAAAAA {rest}"), &link).expect("linked");
    let mut next = Desk::open(Settings::new(place.journal()));
    let again = keyed(&mut next, "k");
    assert!(matches!(redeem(&mut next, again), Redeemed::Safe(_)));
}

#[test]
fn equal_orphans_are_matched_one_by_one_and_what_was_said_of_them_lasts() {
    let place = Place::new();
    let mut desk = Desk::open(Settings::new(place.journal()));
    let mut calls = Vec::new();
    for _ in 0..2 {
        let call = desk.journal.new_call().expect("a reference");
        assert!(matches!(redeem(&mut desk, intent(call)), Redeemed::Safe(_)));
        calls.push(call);
    }
    // A chain of its own, which lives on.
    let other = Desk::open(Settings::new(place.journal()));
    desk.abandon();
    let mut next = Desk::open(Settings::new(place.journal()));
    drop(other);
    let mut found = Vec::new();
    for _ in 0..2 {
        let Considered::Orphan { call, what } = next.journal.consider(&asked(None, ARGS)) else {
            panic!("an orphan was forgotten");
        };
        assert_eq!(what, What::Unknown);
        found.push(call);
        let ticket = next.journal.repeatable(call, "test").expect("taken");
        drop(next.receipt(ticket));
    }
    found.sort();
    calls.sort();
    assert_eq!(found, calls);
    assert_eq!(next.journal.consider(&asked(None, ARGS)), Considered::Fresh);
    assert!(matches!(next.journal.seal(BOUND), Sealed::Yes(_)));
    let mut last = Desk::open(Settings::new(place.journal()));
    assert_eq!(last.journal.consider(&asked(None, ARGS)), Considered::Fresh);
}

#[test]
fn a_result_that_nobody_got_is_one_after_the_chain_was_finished_too() {
    let place = Place::new();
    let settings = Settings::new(place.journal());
    let mut desk = Desk::open(settings.clone());
    let call = desk.journal.new_call().expect("a reference");
    assert!(matches!(redeem(&mut desk, intent(call)), Redeemed::Safe(_)));
    let ticket = desk
        .journal
        .outcome(outcome(call, What::Completed), Tier::Sync);
    drop(desk.receipt(ticket.expect("taken")));
    let chain = desk.journal.chain().to_owned();
    desk.abandon();
    finish_abandoned(&settings, &chain, &[]).expect("can be finished");
    for _ in 0..2 {
        let mut next = Desk::open(settings.clone());
        let found = next.journal.consider(&asked(None, ARGS));
        let what = What::Completed;
        assert_eq!(found, Considered::Orphan { call, what });
        assert!(matches!(next.journal.seal(BOUND), Sealed::Yes(_)));
    }
    // It is given at last, perhaps by another chain.
    let _holds_the_first_chain = Desk::open(settings.clone());
    let mut next = Desk::open(settings.clone());
    next.journal.delivered(call).expect("taken");
    assert!(matches!(next.journal.seal(BOUND), Sealed::Yes(_)));
    drop(_holds_the_first_chain);
    let mut last = Desk::open(settings);
    assert_eq!(last.journal.consider(&asked(None, ARGS)), Considered::Fresh);
}

#[test]
fn a_start_that_comes_while_the_old_chain_is_finished_sees_its_orphans() {
    for _ in 0..40 {
        let place = Place::new();
        let settings = Settings::new(place.journal());
        let mut desk = Desk::open(settings.clone());
        let call = desk.journal.new_call().expect("a reference");
        assert!(matches!(redeem(&mut desk, intent(call)), Redeemed::Safe(_)));
        let chain = desk.journal.chain().to_owned();
        desk.abandon();
        let mut next = std::thread::scope(|scope| {
            let closer = scope.spawn(|| finish_abandoned(&settings, &chain, &[]));
            let announced = place.journal().join(&chain).join("closing");
            while !announced.exists() && !closer.is_finished() {
                std::thread::yield_now();
            }
            let next = Desk::open(settings.clone());
            closer.join().expect("no panic").expect("can be finished");
            next
        });
        let what = What::Unknown;
        assert_eq!(
            next.journal.consider(&asked(None, ARGS)),
            Considered::Orphan { call, what }
        );
    }
}

#[test]
fn a_start_that_goes_on_with_a_chain_takes_back_that_it_would_be_finished() {
    let place = Place::new();
    let settings = Settings::new(place.journal());
    let desk = Desk::open(settings.clone());
    let announced = place.journal().join(desk.journal.chain()).join("closing");
    desk.abandon();
    std::fs::write(&announced, "").expect("can be made");
    let _writes = Desk::open(settings);
    assert!(!announced.exists(), "the next start would wait for nobody");
}

#[test]
fn a_call_is_found_where_it_stands_and_not_where_others_mention_it() {
    let place = Place::new();
    let mut one = Desk::open(Settings::new(place.journal()));
    let mut other = Desk::open(Settings::new(place.journal()));
    let call = one.journal.new_call().expect("a reference");
    assert!(matches!(redeem(&mut one, intent(call)), Redeemed::Safe(_)));
    let ticket = one
        .journal
        .outcome(outcome(call, What::Unknown), Tier::Sync);
    drop(one.receipt(ticket.expect("taken")));
    for desk in [&mut one, &mut other] {
        for _ in 0..100 {
            let repetition = desk.journal.new_call().expect("a reference");
            let mut refused = outcome(repetition, What::NotExecuted);
            refused.about = Some(Box::new(about()));
            refused.repeats = Some(call);
            let ticket = desk.journal.outcome(refused, Tier::Write).expect("taken");
            drop(desk.receipt(ticket));
        }
        let ticket = desk.journal.repeatable(call, "test").expect("taken");
        drop(desk.receipt(ticket));
    }
    for desk in [&mut one, &mut other] {
        let fetch = desk.journal.fetch(call).expect("taken");
        let Fetched::Found(account) = desk.found(fetch) else {
            panic!("not found");
        };
        assert_eq!(account.ended.map(|(what, _)| what), Some(What::Unknown));
        assert_eq!(account.word(), "unknown");
    }
    let account = look_up(&place.journal(), call)
        .expect("readable")
        .expect("found");
    assert_eq!(account.ended.map(|(what, _)| what), Some(What::Unknown));
}

#[test]
fn an_orphan_outside_the_window_is_none() {
    let place = Place::new();
    let mut desk = Desk::open(Settings::new(place.journal()));
    let call = desk.journal.new_call().expect("a reference");
    assert!(matches!(redeem(&mut desk, intent(call)), Redeemed::Safe(_)));
    desk.abandon();
    let mut settings = Settings::new(place.journal());
    settings.orphan_window = std::time::Duration::ZERO;
    let mut next = Desk::open(settings);
    assert_eq!(next.journal.consider(&asked(None, ARGS)), Considered::Fresh);
}

#[test]
fn read_only_calls_make_no_orphans() {
    let place = Place::new();
    let mut desk = Desk::open(Settings::new(place.journal()));
    let mut reading = intent(desk.journal.new_call().expect("a reference"));
    reading.class = Class::Read;
    assert!(matches!(redeem(&mut desk, reading), Redeemed::Safe(_)));
    desk.abandon();
    let mut next = Desk::open(Settings::new(place.journal()));
    assert_eq!(next.journal.consider(&asked(None, ARGS)), Considered::Fresh);
}

#[test]
fn of_two_writers_that_race_for_a_thousand_keys_exactly_one_gets_each() {
    const KEYS: usize = 1000;
    const AT_ONCE: usize = 100;
    let place = Place::new();
    let dir = place.journal();
    let start = std::sync::Barrier::new(2);
    let race = || {
        let mut desk = Desk::open(Settings::new(&dir));
        start.wait();
        let mut won = Vec::new();
        for round in 0..KEYS / AT_ONCE {
            let tickets: Vec<_> = (0..AT_ONCE)
                .map(|at| {
                    let at = round * AT_ONCE + at;
                    let one = keyed(&mut desk, &format!("key {at}"));
                    let ticket = desk.journal.intent(one, Tier::Sync).expect("taken");
                    (at, ticket)
                })
                .collect();
            for (at, ticket) in tickets {
                match desk.settled(ticket) {
                    Redeemed::Safe(_) => won.push(at),
                    Redeemed::Held(Earlier::InProgress { .. }) => {}
                    settled @ (Redeemed::Held(_) | Redeemed::Pending(_) | Redeemed::Refused(_)) => {
                        panic!("{settled:?}")
                    }
                }
            }
        }
        // The other one must still see that this writer lives.
        start.wait();
        won
    };
    let mut all: Vec<usize> = std::thread::scope(|scope| {
        let one = scope.spawn(race);
        let other = scope.spawn(race);
        let mut all = one.join().expect("no panic");
        all.extend(other.join().expect("no panic"));
        all
    });
    all.sort_unstable();
    assert_eq!(all, (0..KEYS).collect::<Vec<_>>());
}

#[test]
fn a_call_that_nobody_knows_is_not_found() {
    let place = Place::new();
    let mut desk = Desk::open(Settings::new(place.journal()));
    let call = desk.journal.new_call().expect("a reference");
    let fetch = desk.journal.fetch(call).expect("taken");
    assert!(matches!(desk.found(fetch), Fetched::Nothing));
}
