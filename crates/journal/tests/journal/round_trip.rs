//! What is entered stands in the journal, and the journal verifies.

use dropgate_journal::{
    About, Clear, Known, Liveness, MAX_LINE, MAX_POLICIES, MAX_TEXT, Note, Sealed, Sealing,
    Settings, Sight, State, Tier, Topic, Unavailable, Verdict, What, finish_abandoned, leases_left,
    verify,
};

use crate::stage::{BOUND, Desk, Place, about, intent, outcome};

#[test]
fn a_call_leaves_intent_sent_and_outcome_and_the_chain_is_whole() {
    let place = Place::new();
    let mut desk = Desk::open(Settings::new(place.journal()));
    let call = desk.journal.new_call().expect("a reference");
    let ticket = desk
        .journal
        .intent(intent(call), Tier::Sync)
        .expect("taken");
    assert_eq!(desk.receipt(ticket).call(), Some(call));
    let ticket = desk
        .journal
        .outcome(outcome(call, What::Completed), Tier::Sync)
        .expect("taken");
    assert_eq!(desk.receipt(ticket).call(), Some(call));
    desk.journal.delivered(call).expect("taken");
    assert_eq!(desk.journal.state(std::time::Instant::now()), State::Sound);
    let Sealed::Yes(head) = desk.journal.seal(BOUND) else {
        panic!("not sealed");
    };

    let kinds: Vec<String> = place
        .records()
        .iter()
        .map(|record| record["kind"].as_str().expect("a kind").to_owned())
        .collect();
    assert_eq!(
        kinds,
        ["segment", "intent", "sent", "outcome", "delivered", "seal"]
    );
    let records = place.records();
    assert_eq!(records[1]["call"], call.to_string());
    assert_eq!(records[2]["calls"][0], call.to_string());
    assert_eq!(records[1]["fields"].as_object().expect("fields").len(), 3);
    let text = std::fs::read_to_string(&place.segments()[0]).expect("text");
    assert!(!text.contains("hello"), "arguments stand in the journal");

    let known = Known {
        heads: vec![head.hash],
        ..Known::default()
    };
    let verified = verify(&place.journal(), &known).expect("readable");
    assert_eq!(verified.code(), 0, "{verified:?}");
    assert_eq!(verified.records(), 6);
    let chain = &verified.chains[0];
    assert_eq!(chain.head, Some(head));
    assert_eq!(
        (chain.writer, chain.ending),
        (Liveness::Nobody, Sealing::Sealed)
    );
}

#[test]
fn the_seal_is_the_last_record_whatever_was_entered_with_it() {
    let place = Place::new();
    let mut desk = Desk::open(Settings::new(place.journal()));
    let call = desk.journal.new_call().expect("a reference");
    let ticket = desk
        .journal
        .intent(intent(call), Tier::Sync)
        .expect("taken");
    let Sealed::Yes(head) = desk.journal.seal(BOUND) else {
        panic!("not sealed");
    };
    drop(ticket);
    let last = place.records().pop().expect("records");
    assert_eq!(last["kind"], "seal");
    assert_eq!(last["h"], head.hash.to_string());
}

#[test]
fn a_read_only_call_is_marked_as_sent_in_its_intent() {
    let place = Place::new();
    let mut desk = Desk::open(Settings::new(place.journal()));
    let call = desk.journal.new_call().expect("a reference");
    let ticket = desk
        .journal
        .intent(intent(call), Tier::Write)
        .expect("taken");
    drop(desk.receipt(ticket));
    assert_eq!(place.records()[1]["sent"], true);
}

#[test]
fn the_next_writer_goes_on_in_the_same_chain() {
    let place = Place::new();
    for _ in 0..3 {
        let mut desk = Desk::open(Settings::new(place.journal()));
        let call = desk.journal.new_call().expect("a reference");
        let mut denied = outcome(call, What::Denied);
        denied.about = Some(Box::new(about()));
        let ticket = desk.journal.outcome(denied, Tier::Sync).expect("taken");
        drop(desk.receipt(ticket));
        assert!(matches!(desk.journal.seal(BOUND), Sealed::Yes(_)));
    }
    let verified = verify(&place.journal(), &Known::default()).expect("readable");
    assert_eq!((verified.code(), verified.chains.len()), (0, 1));
    assert_eq!(place.segments().len(), 1);
}

#[test]
fn writers_at_the_same_time_have_chains_of_their_own() {
    let place = Place::new();
    let desks: Vec<Desk> = (0..3)
        .map(|_| Desk::open(Settings::new(place.journal())))
        .collect();
    let mut chains: Vec<&str> = desks.iter().map(|desk| desk.journal.chain()).collect();
    chains.sort_unstable();
    chains.dedup();
    assert_eq!(chains.len(), 3);
}

#[test]
fn calls_without_an_outcome_get_one_when_the_chain_is_finished() {
    let place = Place::new();
    let settings = Settings::new(place.journal());
    let mut desk = Desk::open(settings.clone());
    let call = desk.journal.new_call().expect("a reference");
    let ticket = desk
        .journal
        .intent(intent(call), Tier::Sync)
        .expect("taken");
    drop(desk.receipt(ticket));
    let chain = desk.journal.chain().to_owned();
    assert_eq!(
        finish_abandoned(&settings, &chain, &[]).expect("readable"),
        None,
        "its writer lives"
    );
    desk.abandon();

    let head = finish_abandoned(&settings, &chain, &[]).expect("readable");
    let last = place.records().pop().expect("a seal");
    assert_eq!(head.expect("sealed").hash.to_string(), last["h"]);
    let records = place.records();
    let ended = records
        .iter()
        .find(|record| record["kind"] == "outcome")
        .expect("an outcome");
    assert_eq!(ended["call"], call.to_string());
    assert_eq!(ended["outcome"], "unknown");
    assert!(
        records
            .iter()
            .any(|record| record["topic"] == "wrapper_lost")
    );
    let verified = verify(&place.journal(), &Known::default()).expect("readable");
    assert_eq!(verified.chains[0].verdict, Verdict::Whole);
    assert_eq!(verified.chains[0].ending, Sealing::Sealed);
}

#[test]
fn leases_of_a_writer_that_is_gone_are_left_until_a_note_says_otherwise() {
    let note = |topic, id: &str| Note {
        topic,
        call: None,
        subject: id.into(),
        text: "http://vault".into(),
    };
    let place = Place::new();
    let settings = Settings::new(place.journal());
    assert_eq!(leases_left(&place.journal()).expect("no journal yet"), []);
    let mut desk = Desk::open(settings.clone());
    for id in ["db/one", "db/two"] {
        let granted = note(Topic::LeaseGranted, id);
        let _never_waited_for = desk.journal.note(granted, Tier::Sync).expect("taken");
    }
    let ended = note(Topic::LeaseRevoked, "db/one");
    let ticket = desk.journal.note(ended, Tier::Sync).expect("taken");
    drop(desk.receipt(ticket));
    let left = || leases_left(&place.journal()).expect("readable");
    assert_eq!(left(), [], "their writer lives");
    let chain = desk.journal.chain().to_owned();
    desk.abandon();
    let [one] = &left()[..] else {
        panic!("{:?}", left());
    };
    assert_eq!(
        (one.id.as_str(), one.granted_by.as_str()),
        ("db/two", "http://vault")
    );
    let ended = note(Topic::LeaseRevoked, "db/two");
    finish_abandoned(&settings, &chain, &[ended]).expect("readable");
    assert_eq!(left(), []);
}

#[test]
fn nothing_is_taken_once_sealing_began() {
    let place = Place::new();
    let mut desk = Desk::open(Settings::new(place.journal()));
    let call = desk.journal.new_call().expect("a reference");
    desk.journal.begin_seal();
    let refused = desk.journal.outcome(outcome(call, What::Shed), Tier::Write);
    assert_eq!(refused.err(), Some(Unavailable::Closing));
}

#[test]
fn intents_are_refused_before_the_queue_is_full_of_them() {
    let place = Place::new();
    let mut settings = Settings::new(place.journal());
    settings.queue_entries = 0;
    let mut desk = Desk::open(settings);
    let call = desk.journal.new_call().expect("a reference");
    let refused = desk.journal.intent(intent(call), Tier::Write);
    assert_eq!(refused.err(), Some(Unavailable::Full));
    let ticket = desk.journal.delivered(call);
    assert_eq!(ticket.err(), Some(Unavailable::Full));
}

#[test]
fn only_values_at_paths_that_were_named_stand_in_the_journal() {
    let place = Place::new();
    let mut settings = Settings::new(place.journal());
    settings.clear = Clear::new(["/times".to_owned(), "/nothing".to_owned()]);
    let mut desk = Desk::open(settings);
    let call = desk.journal.new_call().expect("a reference");
    let ticket = desk
        .journal
        .intent(intent(call), Tier::Write)
        .expect("taken");
    drop(desk.receipt(ticket));
    let record = &place.records()[1];
    assert_eq!(record["clear"], serde_json::json!({ "/times": 3 }));
}

#[test]
fn a_named_value_that_is_secret_or_large_is_left_out() {
    let place = Place::new();
    let mut settings = Settings::new(place.journal());
    let paths = ["/a", "/b", "/c/0", "/d"].map(str::to_owned);
    settings.clear = Clear::new(paths).unless(|member| match member {
        "\"/b\":\"told\"" => Sight::Secret,
        _other => Sight::Harmless,
    });
    let mut desk = Desk::open(settings);
    let call = desk.journal.new_call().expect("a reference");
    let mut asked = intent(call);
    let large = "x".repeat(4096);
    asked.args = format!(r#"{{"a":"\u0061","b":"t\u006fld","c":[true],"d":"{large}"}}"#)
        .into_bytes()
        .into();
    let ticket = desk.journal.intent(asked, Tier::Write).expect("taken");
    drop(desk.receipt(ticket));
    let record = &place.records()[1];
    assert_eq!(
        record["clear"],
        serde_json::json!({ "/a": "a", "/c/0": true })
    );
    assert_eq!(record["fields"].as_object().map(|it| it.len()), Some(4));
}

#[test]
fn no_entry_makes_a_line_that_is_longer_than_what_is_read() {
    let place = Place::new();
    let mut settings = Settings::new(place.journal());
    // Every byte of a text may take six in a line.
    let odd = |length: usize| "\u{1}".repeat(length);
    let path = |at: usize| format!("{}{at}", odd(200));
    let paths: Vec<_> = (0..200).map(|at| format!("/{}", path(at))).collect();
    settings.clear = Clear::new(paths);
    let mut desk = Desk::open(settings);
    let call = desk.journal.new_call().expect("a reference");
    let arguments: serde_json::Map<_, _> = (0..200).map(|at| (path(at), at.into())).collect();
    let policies: Vec<Box<str>> = (0..MAX_POLICIES).map(|_| odd(MAX_TEXT).into()).collect();
    let mut largest = intent(call);
    largest.args = serde_json::to_vec(&arguments).expect("JSON").into();
    largest.server = odd(MAX_TEXT).into();
    largest.tool = odd(MAX_TEXT).into();
    largest.principal = odd(MAX_TEXT).into();
    largest.decision.policies = policies.into();
    largest.decision.digest = odd(MAX_TEXT).into();
    largest.trace_id = Some(odd(MAX_TEXT).into());
    let mut refusal = outcome(call, What::Denied);
    refusal.about = Some(Box::new(About {
        server: largest.server.clone(),
        tool: largest.tool.clone(),
        class: largest.class,
        principal: largest.principal.clone(),
        decision: largest.decision.clone(),
    }));
    let ticket = desk.journal.intent(largest, Tier::Sync).expect("taken");
    drop(desk.receipt(ticket));
    let ticket = desk.journal.outcome(refusal, Tier::Sync).expect("taken");
    drop(desk.receipt(ticket));
    assert!(matches!(desk.journal.seal(BOUND), Sealed::Yes(_)));
    let verified = verify(&place.journal(), &Known::default()).expect("readable");
    assert_eq!(verified.code(), 0, "{verified:?}");
    let segment = std::fs::read(&place.segments()[0]).expect("readable");
    let longest = segment.split(|byte| *byte == b'\n').map(<[u8]>::len).max();
    assert!(longest < Some(MAX_LINE), "{longest:?}");
}
