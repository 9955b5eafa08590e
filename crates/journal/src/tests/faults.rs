//! A disk that fails: what the journal does then, and after.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::stage::{Around, BOUND, Manner, Stage, completed};
use crate::{
    CallRef, Class, Decision, Journal, Keep, Note, Outcome, Redeemed, Retry, Sealed, Settings,
    State, Tier, Topic, Unavailable, What, Why,
};

fn failing(state: &State) -> bool {
    matches!(state, State::Failing { .. })
}

#[test]
fn nothing_is_safe_while_the_disk_fails_and_all_of_it_once_it_works_again() {
    for manner in [
        Manner::FailWrites(0),
        Manner::FailWrites(70),
        Manner::FailSyncs,
        Manner::FailAll,
    ] {
        let mut stage = Stage::new(BOUND);
        let (early, ticket) = stage.begin(Tier::Sync).expect("sound");
        stage.safe(ticket);
        stage.disk.set(manner);
        let (call, ticket) = stage.begin(Tier::Sync).expect("not known yet");
        let state = stage.wait_for(failing);
        assert!(
            matches!(
                state,
                State::Failing {
                    why: Why::Disk(_),
                    ..
                }
            ),
            "{state:?}"
        );
        let refused = stage.begin(Tier::Sync).expect_err("failing");
        assert!(matches!(refused, Unavailable::Failing(Why::Disk(_))));
        let Redeemed::Pending(ticket) = stage.journal.redeem(ticket) else {
            panic!("safe on a disk that fails: {manner:?}");
        };
        // Outcomes of running calls are taken all the same.
        let outcome = stage.end(early, Tier::Sync);

        stage.disk.set(Manner::Well);
        stage.safe(ticket);
        stage.safe(outcome);
        stage.wait_for(|state| *state == State::Sound);
        let ticket = stage.end(call, Tier::Sync);
        stage.safe(ticket);
        stage.whole();
        let text = stage.text();
        for kind in ["intent", "outcome"] {
            for call in [call, early] {
                let line = format!("\"kind\":\"{kind}\",\"call\":\"{call}\"");
                assert_eq!(text.matches(&line).count(), 1, "{manner:?} {line}");
            }
        }
        assert!(text.contains("\"poisoned\":true"), "{manner:?}");
    }
}

#[test]
fn what_was_queued_before_the_word_to_seal_stands_before_the_seal() {
    let mut stage = Stage::new(BOUND);
    let (other, ticket) = stage.begin(Tier::Sync).expect("sound");
    stage.safe(ticket);
    let (early, ticket) = stage.begin(Tier::Sync).expect("sound");
    stage.safe(ticket);
    // While the writer hangs, more than is written at once gathers: the disk then fails in the middle
    // of the batch.
    stage.disk.set(Manner::Hang);
    let _nobody_waits = stage.end(other, Tier::Sync);
    stage.until_it_hangs();
    for _ in 0..2_000 {
        let (_, _ticket) = stage.begin(Tier::Write).expect("not known yet");
    }
    stage.disk.set(Manner::FailWrites(0));
    stage.wait_for(failing);
    let _nobody_waits = stage.end(early, Tier::Write);
    stage.journal.begin_seal();
    // After the second of them the writer has heard of the seal.
    stage.disk.wait_for_failed_writes(2);
    stage.disk.set(Manner::Well);
    stage.seal();
    stage.whole();
    let line = format!("\"kind\":\"outcome\",\"call\":\"{early}\"");
    assert_eq!(stage.text().matches(&line).count(), 1);
}

#[test]
fn a_queue_full_of_refusals_has_room_for_outcomes_of_calls_that_ran() {
    let mut stage = Stage::with(|settings| settings.queue_entries = 64);
    let (call, ticket) = stage.begin(Tier::Sync).expect("sound");
    stage.safe(ticket);
    stage.disk.set(Manner::Hang);
    let (_, _ticket) = stage.begin(Tier::Sync).expect("not known yet");
    stage.until_it_hangs();
    let mut refused = 0;
    while stage.refuse().is_ok() {
        refused += 1;
        assert!(refused <= 64, "bounded");
    }
    let ticket = stage.end(call, Tier::Write);
    stage.disk.set(Manner::Well);
    stage.safe(ticket);
    stage.whole();
}

#[test]
fn what_a_successor_holds_for_certain_outlives_its_own_failure() {
    let mut stage = Stage::new(BOUND);
    let (_, ticket) = stage.begin(Tier::Sync).expect("sound");
    stage.safe(ticket);
    stage.disk.set(Manner::FailAroundSync(Around::Begin));
    // Its intent is synced in the successor; the line after that sync meets the second failure.
    let (_, ticket) = stage.begin(Tier::Sync).expect("not known yet");
    stage.safe(ticket);
    assert_eq!(stage.disk.manner(), Manner::Well);
    stage.wait_for(|state| *state == State::Sound);
    let records = stage.whole();
    let chain = stage.dir.join(stage.journal.chain());
    assert!(chain.join("00000003.jsonl").exists(), "two successors");
    let settings = Settings::new(&stage.dir);
    stage.seal();
    let other = Journal::open(settings, Box::new(|| {})).expect("nothing durable is missing");
    assert!(matches!(other.seal(BOUND), Sealed::Yes(_)));
    assert!(stage.whole() > records);
}

#[test]
fn a_full_disk_refuses_calls_and_takes_the_rest_when_there_is_room() {
    // After many syncs there is room that is filled for lines to come.
    for syncs in [0, 40] {
        let mut stage = Stage::new(BOUND);
        for _ in 0..syncs {
            let (_, ticket) = stage.begin(Tier::Sync).expect("sound");
            stage.safe(ticket);
        }
        let (call, ticket) = stage.begin(Tier::Write).expect("sound");
        stage.safe(ticket);
        assert_eq!(stage.text().ends_with("\n\n"), syncs > 0);
        stage.disk.set(Manner::Cramped);
        let ticket = stage.end(call, Tier::Write);
        let state = stage.wait_for(failing);
        assert!(
            matches!(
                state,
                State::Failing {
                    why: Why::NoSpace,
                    ..
                }
            ),
            "{state:?}"
        );
        stage.disk.set(Manner::Well);
        stage.safe(ticket);
        stage.wait_for(|state| *state == State::Sound);
        stage.whole();
    }
}

/// A call that is refused, and never was let through.
fn refusal(call: CallRef) -> Outcome {
    Outcome {
        call,
        what: What::NotExecuted,
        retry: Retry::Safe,
        bytes: 0,
        ms: 0,
        redactions: 0,
        keep: Keep::Nothing,
        about: Some(Box::new(crate::About {
            server: "s".into(),
            tool: "t".into(),
            class: Class::Write,
            principal: "local".into(),
            decision: Decision::default(),
        })),
        repeats: None,
    }
}

#[test]
fn refusals_on_a_full_disk_spend_no_room_of_outcomes_and_seal() {
    const CALLS: usize = 200;
    const REFUSALS: usize = 8000;
    let mut stage = Stage::new(BOUND);
    let mut calls = Vec::new();
    for _ in 0..CALLS {
        let (call, ticket) = stage.begin(Tier::Sync).expect("sound");
        stage.safe(ticket);
        calls.push(call);
    }
    stage.disk.set(Manner::Full);
    let (mut recorded, mut refused) = (0, 0);
    for _ in 0..REFUSALS {
        let call = stage.journal.new_call().expect("a reference");
        let ticket = stage.journal.outcome(refusal(call), Tier::Write);
        match stage.settled(ticket.expect("taken")) {
            Redeemed::Safe(_) => recorded += 1,
            Redeemed::Refused(Why::NoSpace) => refused += 1,
            other @ (Redeemed::Refused(_) | Redeemed::Held(_) | Redeemed::Pending(_)) => {
                panic!("{other:?}")
            }
        }
    }
    assert!(recorded > 1000, "{recorded} are recorded");
    assert!(refused > 1000, "{refused} are left out");
    for call in calls {
        let ticket = stage.end(call, Tier::Sync);
        stage.safe(ticket);
        stage.journal.delivered(call).expect("taken");
    }
    stage.seal();
    stage.whole();
    let text = stage.text();
    assert_eq!(text.matches("\"not_executed\"").count(), recorded);
    assert_eq!(text.matches("\"completed\"").count(), CALLS);
    assert!(text.contains(&format!("\"entries\":{refused}")));
}

#[test]
fn a_segment_gives_up_its_room_only_for_another_that_has_its_own() {
    const LARGE: u64 = 16 << 10;
    let mut stage = Stage::with(|settings| settings.segment_bytes = LARGE);
    let chain = stage.dir.join(stage.journal.chain());
    let length = |segment: &str| std::fs::metadata(chain.join(segment)).map(|about| about.len());
    let call = |stage: &mut Stage| {
        let (_, ticket) = stage.begin(Tier::Sync).expect("sound");
        stage.safe(ticket);
    };
    call(&mut stage);
    stage.disk.set(Manner::NoSuccessor);
    while length("00000001.jsonl").expect("the first segment") < 2 * LARGE {
        call(&mut stage);
    }
    assert_eq!(stage.journal.state(Instant::now()), State::Sound);
    assert!(length("00000002.jsonl").is_err());
    stage.seal();
    stage.whole();
}

#[test]
fn what_was_set_aside_for_a_successor_that_got_too_little_is_given_back() {
    const LARGE: u64 = 16 << 10;
    let mut stage = Stage::with(|settings| settings.segment_bytes = LARGE);
    let chain = stage.dir.join(stage.journal.chain());
    let length = || std::fs::metadata(chain.join("00000001.jsonl")).map(|about| about.len());
    let call = |stage: &mut Stage| {
        let (_, ticket) = stage.begin(Tier::Sync).expect("sound");
        stage.safe(ticket);
    };
    call(&mut stage);
    stage.disk.set(Manner::NoMore);
    while length().expect("the first segment") < 2 * LARGE {
        call(&mut stage);
    }
    assert_eq!(stage.journal.state(Instant::now()), State::Sound);
    stage.seal();
    assert!(!chain.join("next").exists());
    stage.whole();
}

#[test]
fn a_recorded_outcome_is_not_taken_for_one_of_many_entries_that_were_left_out() {
    let mut stage = Stage::new(BOUND);
    let (call, ticket) = stage.begin(Tier::Sync).expect("sound");
    stage.safe(ticket);
    stage.disk.set(Manner::Hang);
    let note = |text: String| Note {
        topic: Topic::Denial,
        call: None,
        subject: "s".into(),
        text: text.into(),
    };
    let ticket = stage.end(call, Tier::Sync);
    // They fill what is set aside, and so the rest of the batch is left out.
    let texts = std::iter::repeat_n(1000, 4000).chain(std::iter::repeat_n(1, 6000));
    let notes = texts.map(|length| note("x".repeat(length)));
    let taken: Vec<_> = notes
        .map(|note| stage.journal.note(note, Tier::Write).expect("taken"))
        .collect();
    stage.disk.set(Manner::NoMore);
    drop(
        taken
            .into_iter()
            .next_back()
            .map(|last| stage.settled(last)),
    );
    stage.safe(ticket);
    stage.disk.set(Manner::Well);
    stage.wait_for(|state| *state == State::Sound);
    stage.seal();
    let left_out = stage.text().matches("\"entries\":").count();
    assert!(left_out > 0, "the disk has to be full for this");
    stage.whole();
}

#[test]
fn a_call_that_was_withdrawn_before_its_intent_was_safe_was_not_sent() {
    let mut stage = Stage::new(BOUND);
    let (call, intent) = stage.begin(Tier::Sync).expect("sound");
    let withdrawn = Outcome {
        what: What::NotExecuted,
        retry: Retry::Safe,
        ..completed(call)
    };
    let outcome = stage.journal.outcome(withdrawn, Tier::Sync).expect("taken");
    stage.safe(intent);
    stage.safe(outcome);
    stage.seal();
    assert!(
        !stage.text().contains("\"kind\":\"sent\""),
        "{}",
        stage.text()
    );
    stage.whole();
}

#[test]
fn intents_that_wait_when_the_disk_gets_full_are_refused() {
    let mut stage = Stage::new(BOUND);
    let (_, ticket) = stage.begin(Tier::Sync).expect("sound");
    stage.safe(ticket);
    stage.disk.set(Manner::Full);
    // Entered before anybody knows of the disk, so that the writer has to refuse some of them.
    let tickets: Vec<_> = (0..4000)
        .map_while(|_| stage.begin(Tier::Sync).ok())
        .collect();
    let refused = tickets
        .into_iter()
        .map(|(_, ticket)| stage.settled(ticket))
        .filter(|settled| matches!(settled, Redeemed::Refused(Why::NoSpace)))
        .count();
    assert!(refused > 0);
    stage.disk.set(Manner::Well);
    stage.wait_for(|state| *state == State::Sound);
    let (_, ticket) = stage.begin(Tier::Sync).expect("sound again");
    stage.safe(ticket);
    stage.whole();
}

#[test]
fn a_disk_that_hangs_is_seen_by_time_alone() {
    let within = Duration::from_secs(2);
    let mut stage = Stage::new(within);
    stage.disk.set(Manner::Hang);
    let (call, ticket) = stage.begin(Tier::Sync).expect("not known yet");
    let entered = Instant::now();
    let due = stage.journal.due().expect("something waits");
    assert!(due <= Instant::now() + within);
    assert!(due >= entered + within, "the disk was not asked before");
    assert_eq!(stage.journal.state(Instant::now()), State::Sound);
    // The clock is handed in, so nothing has to wait.
    let state = stage.journal.state(due);
    assert!(
        matches!(
            state,
            State::Failing {
                why: Why::Stalled,
                ..
            }
        ),
        "{state:?}"
    );
    let Redeemed::Pending(ticket) = stage.journal.redeem(ticket) else {
        panic!("safe on a disk that hangs");
    };
    stage.disk.set(Manner::Well);
    stage.safe(ticket);
    assert_eq!(stage.journal.state(Instant::now()), State::Sound);
    let ticket = stage.end(call, Tier::Sync);
    stage.safe(ticket);
    stage.whole();
}

#[test]
fn an_outcome_for_which_the_queue_has_no_room_is_refused_though_the_journal_is_sound() {
    const ENTRIES: usize = 16;
    let mut stage = Stage::with(|settings| settings.queue_entries = ENTRIES);
    let calls: Vec<_> = (0..2 * ENTRIES)
        .map(|_| {
            let (call, ticket) = stage.begin(Tier::Write).expect("sound");
            stage.safe(ticket);
            call
        })
        .collect();
    stage.disk.set(Manner::Hang);
    let mut taken = Vec::new();
    let mut refused = Vec::new();
    let mut calls = calls.into_iter();
    let first = completed(calls.next().expect("there are many"));
    taken.push(stage.journal.outcome(first, Tier::Sync).expect("sound"));
    stage.until_it_hangs();
    for call in calls {
        match stage.journal.outcome(completed(call), Tier::Sync) {
            Ok(ticket) => taken.push(ticket),
            Err(why) => {
                assert_eq!(why, Unavailable::Full);
                refused.push(call);
            }
        }
    }
    assert_eq!((taken.len(), refused.len()), (1 + ENTRIES, ENTRIES - 1));
    assert_eq!(stage.journal.state(Instant::now()), State::Sound);
    let repeated = stage.journal.consider(&crate::Asked {
        principal: "local",
        server: "s",
        tool: "t",
        key: None,
        round: None,
        args: b"{}",
    });
    let unknown = |call: &CallRef| crate::Considered::Orphan {
        call: *call,
        what: What::Unknown,
    };
    assert!(
        refused.iter().any(|call| repeated == unknown(call)),
        "{repeated:?}"
    );
    stage.disk.set(Manner::Well);
    let recorded = taken.len();
    for ticket in taken {
        stage.safe(ticket);
    }
    assert_eq!(stage.journal.state(Instant::now()), State::Sound);
    // What was refused is not recorded later, and what comes now is taken.
    let text = stage.text();
    assert_eq!(text.matches("\"completed\"").count(), recorded);
    let ticket = stage.end(refused[0], Tier::Sync);
    stage.safe(ticket);
    stage.whole();
}

#[test]
fn sealing_a_disk_that_hangs_gives_up_in_time() {
    let mut stage = Stage::new(BOUND);
    stage.disk.set(Manner::Hang);
    let (_, ticket) = stage.begin(Tier::Sync).expect("not known yet");
    drop(ticket);
    stage.journal.begin_seal();
    assert_eq!(stage.journal.sealed(), None);
    let before = Instant::now();
    let disk = Arc::clone(&stage.disk);
    let place = Settings::new(stage.dir.join("other"));
    let other = Journal::open_with(
        place,
        Box::new(|| {}),
        Some(Arc::clone(&disk) as Arc<dyn crate::segment::Faults>),
    )
    .expect("opens");
    assert_eq!(other.seal(Duration::from_millis(50)), Sealed::No);
    assert!(before.elapsed() < BOUND);
}
