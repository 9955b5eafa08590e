//! Collectors that are not there, or not well: calls and the end go on, and what is lost is counted.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::sink::{Manner, Sink};
use crate::stage::Place;
use crate::told::config;

/// More than one call and the end may take on a loaded machine, and less than one request to a
/// collector may take.
const FAST: Duration = Duration::from_secs(5);
/// What a flush may take of the time that a host gives, with room for a loaded machine.
const SHARE: u64 = 500 + 1500;

/// Calls a few times, ends, and gives the report and what was said.
fn played(config: &str) -> (Value, String) {
    let place = Place::new(config);
    let mut run = place.run(&[]);
    for _ in 0..5 {
        let asked = Instant::now();
        run.call("look");
        assert!(asked.elapsed() < FAST, "a call waited for the collector");
    }
    let (report, said) = run.end_with(0);
    let took = report["exit_ms"].as_u64().unwrap();
    assert!(took < SHARE, "the end took {took} ms");
    (report, said)
}

fn lost(report: &Value) -> (u64, u64) {
    let count = |name: &str| report["telemetry"][name].as_u64().unwrap();
    (count("spans_exported"), count("spans_lost"))
}

#[test]
fn a_collector_that_is_not_there_costs_nothing() {
    // Nobody listens where somebody just did.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (report, said) = played(&format!("[telemetry]\notlp = \"http://{address}\"\n"));
    assert_eq!(lost(&report), (0, 12));
    assert_eq!(report["telemetry"]["metrics_lost"], true);
    let told = format!("dropgate: telemetry: http://{address} does not take spans: ");
    assert_eq!(said.matches(&told).count(), 1, "{said}");
}

#[test]
fn a_collector_that_never_reads_costs_a_share_of_the_end() {
    let sink = Sink::new(Manner::Mute);
    let (report, _) = played(&config(&sink, ""));
    assert_eq!(lost(&report), (0, 12));
}

#[test]
fn a_slow_collector_costs_a_share_of_the_end() {
    let sink = Sink::new(Manner::Slow(Duration::from_secs(30)));
    let (report, _) = played(&config(&sink, ""));
    assert_eq!(lost(&report), (0, 12));
    let sink = Sink::new(Manner::Slow(Duration::from_millis(20)));
    let (report, _) = played(&config(&sink, ""));
    assert_eq!(lost(&report), (12, 0));
}

#[test]
fn what_a_collector_refuses_is_lost() {
    let sink = Sink::new(Manner::Says(500));
    let (report, said) = played(&config(&sink, ""));
    assert_eq!(lost(&report), (0, 12));
    assert!(
        said.contains("it answers with status 500; calls go on without"),
        "{said}"
    );
    let sink = Sink::new(Manner::TakesAllBut(2));
    let (report, _) = played(&config(&sink, ""));
    // Two of each request, and a slow machine may need a second one.
    let (arrived, lost) = lost(&report);
    assert!(
        arrived + lost == 12 && (lost == 2 || lost == 4),
        "{arrived}, {lost}"
    );
}

#[test]
fn what_a_busy_collector_turns_away_is_sent_again() {
    let mut sink = Sink::new(Manner::SaysFirst(503));
    let place = Place::new(&config(&sink, ""));
    let mut run = place.run(&[]);
    run.call("look");
    run.hear("does not take spans: it answers with status 503");
    run.hear("takes spans again");
    let report = run.end();
    assert_eq!(lost(&report), (4, 0));
    assert_eq!(sink.spans().len(), 4);
}

#[test]
fn what_the_queue_has_no_room_for_is_counted() {
    const CALLS: u64 = 3000;
    const AT_ONCE: u64 = 20;
    let sink = Sink::new(Manner::Mute);
    let place = Place::new(&config(&sink, "queue = 10\n[journal]\ndanger_off = true\n"));
    let mut run = place.run(&[]);
    for _ in 0..CALLS / AT_ONCE {
        let ids: Vec<u64> = (0..AT_ONCE)
            .map(|_| run.send("tools/call", &json!({"name": "look", "arguments": {}})))
            .collect();
        for id in ids {
            run.answer(id);
        }
    }
    let report = run.end();
    assert_eq!(lost(&report), (0, 2 * (CALLS + 1)));
}
